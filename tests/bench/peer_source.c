// SPDX-License-Identifier: MIT
/*
 * peer_source -m FILE [-t THREADS] [-p SOURCE] [-n TEXT] [-r REPETITIONS] [-fa 0|1]:
 * how fast llama.cpp reads a source and goes on with a text after it, through its own
 * C interface, as its tools time no model with an encoder. Done as "ctrans bench" does
 * it: any tokens, the text's one by one, each one's logits where the caller may look
 * at them, after one round that does not count. It has no beams, and takes one source
 * at a time. A line of JSON with medians, in tokens a second.
 *
 * Built by scripts/bench-tree.sh beside llama.cpp's own libraries.
 */
#include <ggml-backend.h>
#include <llama.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST	1024

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *list, int n)
{
	qsort(list, (size_t)n, sizeof(*list), ascending);
	return (list[(n - 1) / 2] + list[n / 2]) / 2;
}

static void quiet(enum ggml_log_level level, const char *text, void *arg)
{
	(void)arg;
	if (level == GGML_LOG_LEVEL_ERROR)
		fputs(text, stderr);
}

static llama_token next_token(const struct llama_model *model)
{
	static uint32_t random = 1;

	random = random * 1664525u + 1013904223u;
	return (llama_token)((random >> 8) %
		(uint32_t)llama_vocab_n_tokens(llama_model_get_vocab(model)));
}

static int round_of(struct llama_context *ctx, int source, int gen, double *read,
		    double *written)
{
	const struct llama_model *model = llama_get_model(ctx);
	llama_token tokens[MOST];
	volatile float seen;
	double start;

	for (int i = 0; i < source; i++)
		tokens[i] = next_token(model);
	llama_memory_clear(llama_get_memory(ctx), true);
	start = now();
	if (llama_encode(ctx, llama_batch_get_one(tokens, source)))
		return -1;
	llama_synchronize(ctx);
	*read = source / (now() - start);
	start = now();
	for (int i = 0; i < gen; i++) {
		tokens[0] = next_token(model);
		if (llama_decode(ctx, llama_batch_get_one(tokens, 1)))
			return -1;
		seen = llama_get_logits_ith(ctx, -1)[0];
	}
	(void)seen;
	*written = gen / (now() - start);
	return 0;
}

static struct {
	const char *file;
	int threads, source, gen, reps, flash;
} options = { NULL, 1, 32, 32, 3, 0 };

/* All options take a value. */
static bool parse(int argc, char **argv)
{
	static const struct {
		const char *name;
		int *to, least, most;
	} numbers[] = {
		{ "-t", &options.threads, 1, MOST }, { "-p", &options.source, 1, MOST },
		{ "-n", &options.gen, 1, MOST }, { "-r", &options.reps, 1, MOST },
		{ "-fa", &options.flash, 0, 1 },
	};

	for (int i = 1; i < argc; i += 2) {
		bool known = !strcmp(argv[i], "-m");

		if (i + 1 == argc)
			return false;
		if (known)
			options.file = argv[i + 1];
		for (size_t k = 0; k < sizeof(numbers) / sizeof(*numbers); k++) {
			if (strcmp(argv[i], numbers[k].name))
				continue;
			*numbers[k].to = atoi(argv[i + 1]);
			known = *numbers[k].to >= numbers[k].least &&
				*numbers[k].to <= numbers[k].most;
		}
		if (!known)
			return false;
	}
	return options.file;
}

static struct llama_context *open_context(struct llama_model *model)
{
	struct llama_context_params p = llama_context_default_params();

	p.n_ctx = (uint32_t)(options.source > options.gen ? options.source : options.gen);
	p.n_batch = p.n_ubatch = p.n_ctx;
	p.n_threads = p.n_threads_batch = options.threads;
	p.flash_attn_type = options.flash ? LLAMA_FLASH_ATTN_TYPE_ENABLED :
					    LLAMA_FLASH_ATTN_TYPE_DISABLED;
	return model ? llama_init_from_model(model, p) : NULL;
}

int main(int argc, char **argv)
{
	struct llama_context *ctx;
	struct llama_model *model;
	double read[MOST], written[MOST];
	int ret;

	if (!parse(argc, argv))
		return 2;
	llama_log_set(quiet, NULL);
	ggml_backend_load_all();
	model = llama_model_load_from_file(options.file, llama_model_default_params());
	ctx = open_context(model);
	ret = ctx ? round_of(ctx, options.source, options.gen, read, written) : -1;
	for (int r = 0; r < options.reps && !ret; r++)
		ret = round_of(ctx, options.source, options.gen, &read[r], &written[r]);
	if (!ret)
		printf("{\"encode_tps\": %.3f, \"decode_tps\": %.3f}\n",
		       median(read, options.reps), median(written, options.reps));
	llama_free(ctx);
	llama_model_free(model);
	return ret ? 1 : 0;
}
