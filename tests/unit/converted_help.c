// SPDX-License-Identifier: MIT
#define XXH_INLINE_ALL
#include "converted_help.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "chip_must.h"

#define SUM_KEY	"ctrans.checksum.header"

struct image read_image(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct image i = { 0 };

	MUST(f && !fseek(f, 0, SEEK_END));
	i.n = (size_t)ftell(f);
	rewind(f);
	i.v = malloc(i.n);
	MUST(i.v && fread(i.v, 1, i.n, f) == i.n);
	fclose(f);
	return i;
}

void write_image(const char *path, const struct image *i, size_t len)
{
	FILE *f = fopen(path, "wb");

	MUST(f && fwrite(i->v, 1, len, f) == len);
	MUST(!fclose(f));
}

/* Behind a name, which has its length before it; 0: it is not there. */
static size_t find(const struct image *f, const char *name)
{
	size_t len = strlen(name);
	uint8_t *key = malloc(8 + len), *at;

	MUST(key);
	for (int i = 0; i < 8; i++)
		key[i] = (uint8_t)((uint64_t)len >> 8 * i);
	memcpy(key + 8, name, len);
	at = memmem(f->v, f->n, key, 8 + len);
	free(key);
	return at ? (size_t)(at - f->v) + 8 + len : 0;
}

static size_t behind(const struct image *f, const char *name)
{
	size_t at = find(f, name);

	ck_assert_msg(at != 0, "no %s", name);
	return at;
}

size_t value_at(const struct image *f, const char *key)
{
	return behind(f, key) + 4;
}

size_t tensor_at(const struct image *f, const char *name)
{
	return behind(f, name);
}

/* The last tensor's entry ends the header: 4 + 8 + 4 + 8 bytes behind a name. */
static size_t header_end(const struct image *f)
{
	size_t wte = behind(f, "token_embd.colsum"), head = find(f, "output.colsum");

	return (head > wte ? head : wte) + 24;
}

size_t data_at(const struct image *f)
{
	return (header_end(f) + 4095) / 4096 * 4096;
}

void sign(struct image *f)
{
	size_t at = value_at(f, SUM_KEY);
	uint64_t sum;

	memset(f->v + at, 0, 8);
	sum = XXH3_64bits(f->v, header_end(f));
	for (int i = 0; i < 8; i++)
		f->v[at + i] = (uint8_t)(sum >> 8 * i);
}

void params_init(struct ctrans_model_params *p, const char *device)
{
	ctrans_model_params_init(p, sizeof(*p));
	p->device = device;
}

void convert_params_init(struct ctrans_convert_params *p)
{
	ctrans_convert_params_init(p, sizeof(*p));
	p->device = "sim:threads=1";
	p->weights = "s8";
}

size_t greedy(struct ctrans_model *m, uint32_t *tokens, size_t room)
{
	struct ctrans_generate_params g;
	struct ctrans_result *r;
	size_t n;

	ctrans_generate_params_init(&g, sizeof(g));
	g.max_tokens = (uint32_t)room;
	g.temperature = 0;
	g.ignore_eos = 1;
	ck_assert_int_eq(ctrans_generate(m, "a", &g, &r), 0);
	n = r->n_tokens;
	memcpy(tokens, r->tokens, n * sizeof(*tokens));
	ctrans_result_free(r);
	return n;
}
