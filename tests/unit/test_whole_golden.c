// SPDX-License-Identifier: MIT
/*
 * Unquantised (binary32 weights) the same programs give PyTorch's logits to
 * 1e-3, and its greedy tokens.
 */
#include <check.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip_must.h"
#include "engine/core.h"

static char *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	char *text;
	long n;

	if (!f)
		return NULL;
	MUST(!fseek(f, 0, SEEK_END));
	n = ftell(f);
	rewind(f);
	text = malloc((size_t)n + 1);
	MUST(text && n >= 0 && fread(text, 1, (size_t)n, f) == (size_t)n);
	text[n] = '\0';
	fclose(f);
	if (size)
		*size = (size_t)n;
	return text;
}

static struct ct_core *open_f32(const char *path)
{
	struct ctrans_model_params p;
	struct ct_core *core;
	struct ct_err err;

	ctrans_model_params_init(&p, sizeof(p));
	p.flags = CTRANS_MODEL_F32;
	p.device = "sim:threads=2";
	if (ct_core_open(path, &p, &core, &err))
		ck_abort_msg("%s", err.msg);
	return core;
}

/* Feed @n ids; @logits gets the last one's, or all of them if @all. */
static void feed(struct ct_core *core, struct ct_seq *seq, const uint32_t *ids,
		 uint32_t n, float *logits, bool all, struct ct_best *best)
{
	uint32_t vocab = ct_core_config(core)->n_vocab;
	struct ct_step_row rows[CT_STEP_LOGITS];

	for (uint32_t at = 0; at < n; at += CT_STEP_LOGITS) {
		uint32_t here = n - at < CT_STEP_LOGITS ? n - at : CT_STEP_LOGITS;
		struct ct_err err;

		memset(rows, 0, sizeof(rows));
		for (uint32_t i = 0; i < here; i++) {
			rows[i].seq = seq;
			rows[i].token = ids[at + i];
			if (all)
				rows[i].logits = logits + (size_t)(at + i) * vocab;
			else if (at + i + 1 == n)
				rows[i].logits = logits;
			rows[i].best = at + i + 1 == n ? best : NULL;
		}
		if (ct_core_step(core, rows, here, NULL, &err))
			ck_abort_msg("%s", err.msg);
	}
}

static void near(double is, double want, const char *what, int i)
{
	if (!(fabs(is - want) <= 1e-3 * fmax(1.0, fabs(want))))
		ck_abort_msg("%s %d: %.6f, not %.6f", what, i, is, want);
}

static double number(const cJSON *array, int i)
{
	return cJSON_GetArrayItem(array, i)->valuedouble;
}

static uint32_t *ids_of(const cJSON *array, uint32_t *n)
{
	uint32_t *ids = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof(*ids));

	MUST(ids);
	*n = (uint32_t)cJSON_GetArraySize(array);
	for (uint32_t i = 0; i < *n; i++)
		ids[i] = (uint32_t)number(array, (int)i);
	return ids;
}

/* Greedy tokens, where the best is ahead of the next by more than rounding. */
static void greedy(struct ct_core *core, struct ct_seq *seq, const uint32_t *want,
		   uint32_t n, float *logits, struct ct_best best)
{
	uint32_t vocab = ct_core_config(core)->n_vocab;

	for (uint32_t i = 0; i < n; i++) {
		if (best.top[0].id != want[i])
			ck_assert_msg(fabsf(best.top[0].logit - logits[want[i]]) < 1e-3f,
				      "token %u is %u, not %u", i, best.top[0].id, want[i]);
		MUST(want[i] < vocab);
		if (ct_seq_position(seq) < ct_core_context(core))
			feed(core, seq, &want[i], 1, logits, false, &best);
	}
}

static void check_prompt(struct ct_core *core, const cJSON *g)
{
	const cJSON *top = cJSON_GetObjectItem(g, "last_logits_top5");
	const cJSON *top_ids = cJSON_GetObjectItem(g, "last_logits_top5_ids");
	/* the first sixteen, or all */
	const cJSON *some = cJSON_GetObjectItem(g, "last_logits_first16");
	const cJSON *first = some ? some : cJSON_GetObjectItem(g, "last_logits");
	uint32_t vocab = ct_core_config(core)->n_vocab, n, n_greedy;
	uint32_t *ids = ids_of(cJSON_GetObjectItem(g, "input_ids"), &n);
	uint32_t *want = ids_of(cJSON_GetObjectItem(g, "greedy_ids"), &n_greedy);
	float *logits = calloc(vocab, sizeof(*logits));
	struct ct_best best;
	struct ct_seq *seq;

	MUST(logits && top && top_ids && first && !ct_seq_open(core, &seq, NULL));
	feed(core, seq, ids, n, logits, false, &best);
	for (int i = 0; i < cJSON_GetArraySize(top); i++)
		near((double)logits[(uint32_t)number(top_ids, i)], number(top, i), "top", i);
	for (int i = 0; i < cJSON_GetArraySize(first); i++)
		near((double)logits[i], number(first, i), "logit", i);
	greedy(core, seq, want, n_greedy, logits, best);
	ct_seq_close(seq);
	free(logits);
	free(want);
	free(ids);
}

/* A model with golden.json beside it: an array of prompts, or { "prompts": }. */
static bool check_model(const char *dir)
{
	char path[1024];
	const cJSON *g, *list;
	struct ct_core *core;
	cJSON *json;
	char *text;
	int n = 0;

	snprintf(path, sizeof(path), "%s/golden.json", dir);
	text = read_file(path, NULL);
	if (!text)
		return false;
	json = cJSON_Parse(text);
	MUST(json);
	list = cJSON_IsArray(json) ? json : cJSON_GetObjectItem(json, "prompts");
	core = open_f32(dir);
	cJSON_ArrayForEach(g, list) {
		check_prompt(core, g);
		n++;
	}
	ck_assert_int_gt(n, 0);
	ct_core_close(core);
	cJSON_Delete(json);
	free(text);
	return true;
}

START_TEST(demo)
{
	if (!check_model("models/demo"))
		printf("SKIP whole: no models/demo with golden.json\n");
}
END_TEST

/* Its activation is ReLU, its heads are 32 wide. */
START_TEST(little)
{
	if (!check_model("models/demo/little"))
		printf("SKIP whole: no models/demo/little with golden.json\n");
}
END_TEST

static const char *shared(void)
{
	const char *dir = getenv("CTRANS_SHARED_DIR");

	if (!dir)
		printf("SKIP whole: CTRANS_SHARED_DIR is not set\n");
	return dir;
}

START_TEST(shared_models)
{
	static const char *const names[] = { "gpt2-tiny-prose", "gpt2-small-prose" };
	char path[1024];

	if (!shared())
		return;
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/models/%s", shared(), names[i]);
		ck_assert_msg(check_model(path), "%s: no golden.json", path);
	}
}
END_TEST

/* Data of tensor @name in a safetensors file that is known to be right. */
static const void *tensor(const char *file, const char *name)
{
	uint64_t header;
	const cJSON *t;
	cJSON *json;
	const void *p;

	memcpy(&header, file, 8);
	json = cJSON_ParseWithLength(file + 8, header);
	t = cJSON_GetObjectItem(json, name);
	MUST(t);
	p = file + 8 + header +
	    (size_t)number(cJSON_GetObjectItem(t, "data_offsets"), 0);
	cJSON_Delete(json);
	return p;
}

#define SEQS	2u
#define LENGTH	33u

START_TEST(random_model)
{
	char dir[900], path[1024];
	const float *want;
	const int64_t *ids;
	uint32_t *in, *out, n_in, n_out;
	struct ct_core *core;
	cJSON *json;
	char *file, *text;
	float *logits;

	if (!shared())
		return;
	snprintf(dir, sizeof(dir), "%s/data/golden/gpt2_random", shared());
	snprintf(path, sizeof(path), "%s/golden.safetensors", dir);
	file = read_file(path, NULL);
	ck_assert_ptr_nonnull(file);
	want = tensor(file, "logits");
	ids = tensor(file, "input_ids");
	core = open_f32(dir);
	logits = calloc(LENGTH * ct_core_config(core)->n_vocab, sizeof(*logits));
	MUST(logits);
	for (uint32_t s = 0; s < SEQS; s++) {
		uint32_t n = LENGTH * ct_core_config(core)->n_vocab, row[LENGTH];
		struct ct_best best;
		struct ct_seq *seq;

		for (uint32_t i = 0; i < LENGTH; i++) {
			int64_t id;

			memcpy(&id, ids + s * LENGTH + i, 8);
			row[i] = (uint32_t)id;
		}
		MUST(!ct_seq_open(core, &seq, NULL));
		feed(core, seq, row, LENGTH, logits, true, &best);
		for (uint32_t i = 0; i < n; i++) {
			float w;

			memcpy(&w, want + (size_t)s * n + i, 4);
			near((double)logits[i], (double)w, "logit", (int)i);
		}
		ct_seq_close(seq);
	}

	/* and the greedy text that was made without an end token */
	snprintf(path, sizeof(path), "%s/generate.json", dir);
	text = read_file(path, NULL);
	json = cJSON_Parse(text);
	MUST(json);
	in = ids_of(cJSON_GetArrayItem(cJSON_GetObjectItem(cJSON_GetObjectItem(
		cJSON_GetArrayItem(json, 0), "input"), "input_ids"), 0), &n_in);
	out = ids_of(cJSON_GetArrayItem(cJSON_GetObjectItem(
		cJSON_GetArrayItem(json, 0), "output"), 0), &n_out);
	{
		struct ct_best best;
		struct ct_seq *seq;

		MUST(!ct_seq_open(core, &seq, NULL));
		feed(core, seq, in, n_in, logits, false, &best);
		greedy(core, seq, out + n_in, n_out - n_in, logits, best);
		ct_seq_close(seq);
	}
	ct_core_close(core);
	cJSON_Delete(json);
	free(in);
	free(out);
	free(text);
	free(file);
	free(logits);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("whole_golden");
	TCase *t = tcase_create("golden");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 110);
	tcase_add_test(t, demo);
	tcase_add_test(t, little);
	tcase_add_test(t, shared_models);
	tcase_add_test(t, random_model);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
