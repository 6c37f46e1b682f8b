// SPDX-License-Identifier: MIT
#include "small_model.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip_must.h"

#define LAYERS	2u
#define WIDTH	32u
#define HEADS	2u
#define FLOATS	(1u << 16)

struct writer {
	char head[8192];
	size_t len, n;
	float data[FLOATS];
	uint64_t state;
};

static char dir[64];
static pid_t owner;

static void remove_model(void)
{
	char path[128];

	/* a test's child ends as well, and the model is not its own */
	if (getpid() != owner)
		return;
	snprintf(path, sizeof(path), "%s/config.json", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/model.safetensors", dir);
	unlink(path);
	rmdir(dir);
}

static float some(struct writer *w)
{
	w->state = w->state * 6364136223846793005u + 1442695040888963407u;
	return (float)((int64_t)(w->state >> 33) - (1 << 30)) / (1u << 30);
}

__attribute__((format(printf, 5, 6)))
static void tensor(struct writer *w, uint32_t rows, uint32_t cols, float around,
		   const char *name, ...)
{
	size_t n = (size_t)(rows ? rows : 1) * cols;
	char full[64];
	va_list ap;

	va_start(ap, name);
	vsnprintf(full, sizeof(full), name, ap);
	va_end(ap);
	MUST(w->n + n <= FLOATS);
	w->len += (size_t)snprintf(w->head + w->len, sizeof(w->head) - w->len,
		"%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", w->n ? "," : "{", full);
	if (rows)
		w->len += (size_t)snprintf(w->head + w->len,
					   sizeof(w->head) - w->len, "%u,", rows);
	w->len += (size_t)snprintf(w->head + w->len, sizeof(w->head) - w->len,
		"%u],\"data_offsets\":[%zu,%zu]}", cols, 4 * w->n, 4 * (w->n + n));
	MUST(w->len < sizeof(w->head) - 16);
	for (size_t i = 0; i < n; i++)
		w->data[w->n++] = around + 0.5f * some(w);
}

static void linear(struct writer *w, uint32_t layer, const char *name,
		   uint32_t in, uint32_t out)
{
	tensor(w, in, out, 0, "h.%u.%s.weight", layer, name);
	tensor(w, 0, out, 0, "h.%u.%s.bias", layer, name);
}

static void tensors(struct writer *w)
{
	tensor(w, SMALL_VOCAB, WIDTH, 0, "wte.weight");
	tensor(w, SMALL_CONTEXT, WIDTH, 0, "wpe.weight");
	for (uint32_t l = 0; l < LAYERS; l++) {
		tensor(w, 0, WIDTH, 1, "h.%u.ln_1.weight", l);
		tensor(w, 0, WIDTH, 0, "h.%u.ln_1.bias", l);
		linear(w, l, "attn.c_attn", WIDTH, 3 * WIDTH);
		linear(w, l, "attn.c_proj", WIDTH, WIDTH);
		tensor(w, 0, WIDTH, 1, "h.%u.ln_2.weight", l);
		tensor(w, 0, WIDTH, 0, "h.%u.ln_2.bias", l);
		linear(w, l, "mlp.c_fc", WIDTH, 4 * WIDTH);
		linear(w, l, "mlp.c_proj", 4 * WIDTH, WIDTH);
	}
	tensor(w, 0, WIDTH, 1, "ln_f.weight");
	tensor(w, 0, WIDTH, 0, "ln_f.bias");
}

static void write_config(void)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/config.json", dir);
	f = fopen(path, "w");
	MUST(f);
	fprintf(f, "{\"model_type\":\"gpt2\",\"vocab_size\":%u,\"n_positions\":%u,"
		"\"n_embd\":%u,\"n_layer\":%u,\"n_head\":%u,"
		"\"bos_token_id\":0,\"eos_token_id\":0}\n", SMALL_VOCAB,
		SMALL_CONTEXT, WIDTH, LAYERS, HEADS);
	MUST(!fclose(f));
}

static void write_weights(void)
{
	struct writer *w = calloc(1, sizeof(*w));
	char path[128];
	uint64_t len;
	FILE *f;

	MUST(w);
	tensors(w);
	w->head[w->len++] = '}';
	while (w->len % 8)
		w->head[w->len++] = ' ';
	len = w->len;
	snprintf(path, sizeof(path), "%s/model.safetensors", dir);
	f = fopen(path, "w");
	MUST(f);
	MUST(fwrite(&len, 8, 1, f) == 1 && fwrite(w->head, len, 1, f) == 1 &&
	     fwrite(w->data, 4, w->n, f) == w->n);
	MUST(!fclose(f));
	free(w);
}

const char *small_model(void)
{
	const char *tmp = getenv("TMPDIR");

	if (*dir)
		return dir;
	snprintf(dir, sizeof(dir), "%.32s/ctrans-small-XXXXXX", tmp ? tmp : "/tmp");
	MUST(mkdtemp(dir));
	owner = getpid();
	atexit(remove_model);
	write_config();
	write_weights();
	return dir;
}
