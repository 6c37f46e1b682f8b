// SPDX-License-Identifier: MIT
#include "seq2seq_help.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

const char *seq2seq_data(const char *name)
{
	static char path[512];
	const char *dir = getenv("CTRANS_TEST_DATA");

	snprintf(path, sizeof(path), "%s/model/%s", dir ? dir : TEST_DATA_DIR, name);
	return path;
}

const char *seq2seq_shared(const char *name)
{
	const char *shared = getenv("CTRANS_SHARED_DIR");
	static char path[512];

	if (!shared) {
		printf("SKIP seq2seq: CTRANS_SHARED_DIR is not set\n");
		return NULL;
	}
	snprintf(path, sizeof(path), "%s/%s", shared, name);
	return path;
}

cJSON *seq2seq_json(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text;
	long size;
	cJSON *root;

	ck_assert_msg(file, "%s", path);
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	text = malloc((size_t)size + 1);
	ck_assert_uint_eq(fread(text, 1, (size_t)size, file), (size_t)size);
	text[size] = '\0';
	fclose(file);
	root = cJSON_Parse(text);
	ck_assert_msg(root, "%s is no JSON", path);
	free(text);
	return root;
}

const cJSON *seq2seq_get(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	ck_assert_msg(item, "no \"%s\"", name);
	return item;
}

double seq2seq_number(const cJSON *object, const char *name, double otherwise)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	if (cJSON_IsBool(item))
		return cJSON_IsTrue(item);
	return cJSON_IsNumber(item) ? item->valuedouble : otherwise;
}

uint32_t *seq2seq_ids(const cJSON *array, size_t *n)
{
	uint32_t *ids = malloc(((size_t)cJSON_GetArraySize(array) + 1) * sizeof(*ids));
	const cJSON *item;

	*n = 0;
	cJSON_ArrayForEach(item, array)
		ids[(*n)++] = (uint32_t)item->valuedouble;
	return ids;
}

const cJSON *seq2seq_golden(const char *name, cJSON **root)
{
	const cJSON *item;

	*root = seq2seq_json(seq2seq_data("seq2seq.json"));
	cJSON_ArrayForEach(item, *root)
		if (!strcmp(seq2seq_get(item, "name")->valuestring, name))
			return item;
	ck_abort_msg("seq2seq.json has no %s", name);
}

struct ctrans_model *seq2seq_open(const char *path, uint32_t flags, const char *device)
{
	struct ctrans_model_params p;
	struct ctrans_model *model;

	ctrans_model_params_init(&p, sizeof(p));
	p.flags = flags;
	p.device = device ? device : "sim:threads=2";
	if (ctrans_model_open(path, &p, &model))
		ck_abort_msg("%s", ctrans_message());
	return model;
}

struct ct_core *seq2seq_core(const char *path, uint32_t flags)
{
	struct ctrans_model_params p;
	struct ct_core *core;
	struct ct_err err;

	ctrans_model_params_init(&p, sizeof(p));
	p.flags = flags;
	p.device = "sim:threads=2";
	if (ct_core_open(path, &p, &core, &err))
		ck_abort_msg("%s", err.msg);
	return core;
}

float *seq2seq_decode(struct ct_core *core, const uint32_t *source, size_t n_source,
		      const uint32_t *target, size_t n, size_t at_once)
{
	uint32_t vocab = ct_core_config(core)->n_vocab;
	float *logits = malloc(n * vocab * sizeof(*logits));
	struct ct_step_row rows[CT_STEP_LOGITS];
	struct ct_source *read;
	struct ct_seq *seq;
	struct ct_err err;

	if (ct_core_encode(core, source, n_source, NULL, NULL, &read, &err) ||
	    ct_seq_open(core, &seq, &err))
		ck_abort_msg("%s", err.msg);
	ct_seq_attend(seq, read);
	ct_source_drop(read);
	for (size_t at = 0, here; at < n; at += here) {
		here = n - at < at_once ? n - at : at_once;
		memset(rows, 0, sizeof(rows));
		for (size_t i = 0; i < here; i++)
			rows[i] = (struct ct_step_row){
				.seq = seq, .token = target[at + i],
				.logits = logits + (at + i) * vocab,
			};
		if (ct_core_step(core, rows, here, NULL, &err))
			ck_abort_msg("%s", err.msg);
	}
	ct_seq_close(seq);
	return logits;
}

struct ctrans_result *seq2seq_generate(struct ctrans_model *model, const char *prompt,
				       const struct ctrans_generate_params *p)
{
	struct ctrans_result *r;

	if (ctrans_generate(model, prompt, p, &r))
		ck_abort_msg("%s", ctrans_message());
	return r;
}

void seq2seq_same(const struct ctrans_result *a, const struct ctrans_result *b)
{
	ck_assert_uint_eq(a->n_tokens, b->n_tokens);
	ck_assert_mem_eq(a->tokens, b->tokens, a->n_tokens * sizeof(*a->tokens));
}

void seq2seq_says(const char *words)
{
	ck_assert_msg(strstr(ctrans_message(), words), "\"%s\" in \"%s\"", words,
		      ctrans_message());
}
