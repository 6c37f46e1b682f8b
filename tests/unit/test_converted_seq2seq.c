// SPDX-License-Identifier: MIT
/*
 * Converted files of models with an encoder: the same model as the directory, its
 * tasks and its tokenizer.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip_must.h"
#include "converted_help.h"
#include "engine/core_impl.h"
#include "engine/fingerprint.h"
#include "seq2seq_models.h"
#include "text/tokenizer.h"

#define TOKENS	12

static struct seq2seq_place place;

static void setup(void)
{
	seq2seq_place_make(&place);
}

static void teardown(void)
{
	seq2seq_place_remove(&place);
}

static struct ct_core *open_core(const char *path)
{
	struct ctrans_model_params p;
	struct ct_err err = { 0 };
	struct ct_core *core;

	params_init(&p, "sim:threads=1");
	ck_assert_msg(!ct_core_open(path, &p, &core, &err), "%s", err.msg);
	return core;
}

static struct ctrans_model *open_as(const char *path, const char *device,
				    const char *kept, const char *little)
{
	struct ctrans_model_params p;
	struct ctrans_model *m;

	params_init(&p, device);
	p.cache = kept;
	p.little = little;
	ck_assert_msg(!ctrans_model_open(path, &p, &m), "%s", ctrans_message());
	return m;
}

static void same_search(const struct ct_search *a, const struct ct_search *b)
{
	ck_assert_uint_eq(a->beams, b->beams);
	ck_assert_uint_eq(a->max_length, b->max_length);
	ck_assert_uint_eq(a->min_length, b->min_length);
	ck_assert_uint_eq(a->no_repeat_ngram, b->no_repeat_ngram);
	ck_assert(a->length_penalty == b->length_penalty);
	ck_assert_int_eq(a->early_stopping, b->early_stopping);
	ck_assert_int_eq(a->forced_bos, b->forced_bos);
	ck_assert_int_eq(a->forced_eos, b->forced_eos);
}

static void same_tasks(const struct ct_tasks *a, const struct ct_tasks *b)
{
	same_search(&a->search, &b->search);
	ck_assert_uint_eq(a->n, b->n);
	for (uint32_t i = 0; i < a->n; i++) {
		ck_assert_str_eq(a->v[i].name, b->v[i].name);
		ck_assert_str_eq(a->v[i].prefix, b->v[i].prefix);
		same_search(&a->v[i].search, &b->v[i].search);
	}
	for (int i = 0; i < 2; i++)
		ck_assert_str_eq(a->langs[i], b->langs[i]);
}

static void same_texts(const struct ct_tokenizer *a, const struct ct_tokenizer *b)
{
	static const char *const texts[] = {
		"Hello world", "", "It's usw. 12 <extra_id_3> x</s>", "\xff\xc3\xa4!",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct ct_ids x = { 0 }, y = { 0 };
		size_t len = strlen(texts[i]);

		ck_assert_int_eq(ct_tokenizer_source(a, texts[i], len, i & 1, &x, NULL), 0);
		ck_assert_int_eq(ct_tokenizer_source(b, texts[i], len, i & 1, &y, NULL), 0);
		ck_assert(x.n == y.n && (!x.n || !memcmp(x.data, y.data, 4 * x.n)));
		ct_ids_free(&x);
		ct_ids_free(&y);
	}
}

static void same_tokenizer(const struct ct_tokenizer *a, const struct ct_tokenizer *b)
{
	uint32_t differs;

	ck_assert_int_eq(!a, !b);
	if (!a)
		return;
	ck_assert(ct_tokenizer_same(a, b, &differs));
	ck_assert_uint_eq(ct_tokenizer_eos(a), ct_tokenizer_eos(b));
	ck_assert_uint_eq(ct_tokenizer_source_size(a), ct_tokenizer_source_size(b));
	same_texts(a, b);
}

/* Every byte that stays in memory, and all there is to know of it. */
START_TEST(same_model)
{
	struct ct_core *a, *b;
	struct ct_fingerprint fa, fb;

	seq2seq_make(place.dir, (enum seq2seq_model)_i, 1);
	seq2seq_convert(&place, "s8");
	a = open_core(place.dir);
	b = open_core(place.out);
	ck_assert_uint_eq(a->weights.size, b->weights.size);
	ck_assert(!memcmp(a->weights.cpu, b->weights.cpu, a->weights.size));
	ck_assert(b->cfg.head_factor == 1.0f);
	b->cfg.head_factor = a->cfg.head_factor;
	ck_assert(!memcmp(&a->cfg, &b->cfg, sizeof(a->cfg)));
	same_tasks(&a->tasks, &b->tasks);
	same_tokenizer(a->tokenizer, b->tokenizer);
	ct_core_fingerprint(a, &fa);
	ct_core_fingerprint(b, &fb);
	ck_assert_str_eq(fa.model, fb.model);
	ck_assert_str_eq(fa.thresholds, fb.thresholds);
	ck_assert_str_eq(a->info.architecture, b->info.architecture);
	ck_assert_str_eq(a->info.tasks, b->info.tasks);
	ck_assert_uint_eq(a->info.parameters, b->info.parameters);
	ck_assert_int_eq(a->info.start, b->info.start);
	ct_core_close(a);
	ct_core_close(b);
}
END_TEST

/* Tokens of a source, through steps: also where there is no tokenizer. */
static void run(const char *path, uint32_t tokens[TOKENS])
{
	static const uint32_t source[] = { 9, 17, 33, 5, 140, 21, 1 };
	struct ct_core *core = open_core(path);
	struct ct_source *read;
	struct ct_seq *seq;
	struct ct_best best;
	struct ct_err err;
	uint32_t token = (uint32_t)core->cfg.start_id;

	if (ct_core_encode(core, source, 7, NULL, NULL, &read, &err) ||
	    ct_seq_open(core, &seq, &err))
		ck_abort_msg("%s", err.msg);
	ct_seq_attend(seq, read);
	ct_source_drop(read);
	for (int i = 0; i < TOKENS; i++) {
		struct ct_step_row row = { .seq = seq, .token = token, .best = &best };

		ck_assert_int_eq(ct_core_step(core, &row, 1, NULL, &err), 0);
		tokens[i] = token = best.top[0].id;
	}
	ct_seq_close(seq);
	ct_core_close(core);
}

START_TEST(same_tokens)
{
	uint32_t a[TOKENS], b[TOKENS];

	seq2seq_make(place.dir, (enum seq2seq_model)_i, 2);
	seq2seq_convert(&place, "s8");
	run(place.dir, a);
	run(place.out, b);
	ck_assert(!memcmp(a, b, sizeof(a)));
}
END_TEST

static size_t translate(struct ctrans_model *m, const char *task, uint32_t tokens[TOKENS])
{
	struct ctrans_generate_params g;
	struct ctrans_result *r;
	size_t n;

	ctrans_generate_params_init(&g, sizeof(g));
	g.max_tokens = TOKENS;
	g.task = task;
	ck_assert_msg(!ctrans_generate(m, "Hello world, usw.", &g, &r), "%s",
		      ctrans_message());
	n = r->n_tokens;
	memcpy(tokens, r->tokens, n * sizeof(*tokens));
	ctrans_result_free(r);
	return n;
}

/* With what the task says of beams and lengths. */
START_TEST(same_translation)
{
	static const char *const tasks[] = { "translate_en_de", "summarize", "translate" };
	uint32_t a[TOKENS], b[TOKENS];
	struct ctrans_model *m;
	size_t n;

	seq2seq_make(place.dir, _i < 2 ? SEQ2SEQ_T5 : SEQ2SEQ_FSMT, 3);
	seq2seq_convert(&place, "s8");
	m = open_as(place.dir, "sim:threads=1", NULL, NULL);
	n = translate(m, tasks[_i], a);
	ctrans_model_close(m);
	m = open_as(place.out, "sim:threads=2", NULL, NULL);
	ck_assert_uint_eq(translate(m, tasks[_i], b), n);
	ck_assert(!memcmp(a, b, n * sizeof(*a)));
	ctrans_model_close(m);
}
END_TEST

static bool is_esc(const struct ct_core *core, enum ct_role role)
{
	return ct_image_find(&core->image, role, 0, CT_PART_WEIGHTS)->enc ==
	       CTRANS_ENC_ESC;
}

/* What is large enough for it, both tables too; and one result on every kernel. */
START_TEST(compressed)
{
	static const char *const devices[] = {
		"sim:threads=1", "sim:threads=3", "sim:kernel=generic",
		"sim:kernel=reference",
	};
	enum seq2seq_model which = _i ? SEQ2SEQ_FSMT : SEQ2SEQ_T5;
	uint32_t a[TOKENS], b[TOKENS];
	struct ctrans_model_info info;
	struct ctrans_model *m;
	struct ct_core *core;
	size_t n = 0;

	seq2seq_make(place.dir, which, 4);
	seq2seq_convert(&place, "esc");
	core = open_core(place.out);
	ck_assert(is_esc(core, CT_WTE));
	ck_assert(which != SEQ2SEQ_FSMT || is_esc(core, CT_ENC_WTE));
	ct_core_close(core);
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		m = open_as(place.out, devices[i], NULL, NULL);
		if (!i)
			n = translate(m, NULL, a);
		else
			ck_assert(translate(m, NULL, b) == n &&
				  !memcmp(a, b, n * sizeof(*a)));
		ck_assert_int_eq(ctrans_model_info(m, &info, sizeof(info)), 0);
		ck_assert_str_eq(info.format, "GGUF v3, converted, compressed");
		ctrans_model_close(m);
	}
	ck_assert_uint_gt(n, 0);
}
END_TEST

static unsigned int entries(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	unsigned int n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

START_TEST(cached)
{
	enum seq2seq_model which = _i ? SEQ2SEQ_FSMT : SEQ2SEQ_T5;
	uint32_t a[TOKENS], b[TOKENS];
	char cache[300], weights[300];
	struct ctrans_model_info info;
	struct ctrans_model *m;
	struct image f;
	size_t n;

	snprintf(cache, sizeof(cache), "%scache", place.root);
	seq2seq_make(place.dir, which, 5);
	m = open_as(place.dir, "sim:threads=1", cache, NULL);
	n = translate(m, NULL, a);
	ctrans_model_close(m);
	ck_assert_uint_eq(entries(cache), 1);
	m = open_as(place.dir, "sim:threads=1", cache, NULL);
	ck_assert_int_eq(ctrans_model_info(m, &info, sizeof(info)), 0);
	ck_assert_str_eq(info.format, "GGUF v3, converted");
	ck_assert(translate(m, NULL, b) == n && !memcmp(a, b, n * sizeof(*a)));
	ctrans_model_close(m);
	/* a model that changed is read again */
	snprintf(weights, sizeof(weights), "%s/model.safetensors", place.dir);
	f = read_image(weights);
	for (size_t i = f.n - 400; i < f.n; i += 4)
		memset(f.v + i, 0, 4);
	unlink(weights);
	write_image(weights, &f, f.n);
	free(f.v);
	m = open_as(place.dir, "sim:threads=1", cache, NULL);
	ck_assert_int_eq(ctrans_model_info(m, &info, sizeof(info)), 0);
	ck_assert_str_eq(info.format, "safetensors");
	ctrans_model_close(m);
	ck_assert_uint_eq(entries(cache), 1);
}
END_TEST

START_TEST(with_little)
{
	struct ctrans_convert_params p;
	struct ctrans_model_info info;
	uint32_t a[TOKENS], b[TOKENS];
	char little[300];
	struct ctrans_model *m;
	size_t n;

	seq2seq_make(place.dir, SEQ2SEQ_T5, 6);
	snprintf(little, sizeof(little), "%slittle", place.root);
	seq2seq_make(little, SEQ2SEQ_T5, 7);
	convert_params_init(&p);
	p.little = little;
	ck_assert_msg(!ctrans_convert(place.dir, &p, place.out), "%s", ctrans_message());
	m = open_as(place.out, "sim:threads=1", NULL, "");
	n = translate(m, "translate_en_de", a);
	ctrans_model_close(m);
	m = open_as(place.out, "sim:threads=1", NULL, NULL);
	ck_assert_int_eq(ctrans_model_info(m, &info, sizeof(info)), 0);
	ck_assert_uint_gt(info.little_parameters, 1000);
	ck_assert(translate(m, "translate_en_de", b) == n && !memcmp(a, b, n * sizeof(*a)));
	ctrans_model_close(m);
}
END_TEST

/* For those who want no more of it than that, and for whom the rest may be damaged. */
START_TEST(tokenizer_alone)
{
	struct ctrans_model_params p;
	struct ctrans_model *m;
	uint32_t ids[40];
	size_t n;

	seq2seq_make(place.dir, (enum seq2seq_model)_i, 8);
	seq2seq_convert(&place, "s8");
	params_init(&p, "sim:threads=1");
	p.flags = CTRANS_MODEL_TOKENIZER;
	if (_i == SEQ2SEQ_GATED) {
		ck_assert_int_eq(ctrans_model_open(place.out, &p, &m), -ENOENT);
		ck_assert(strstr(ctrans_message(), "no tokenizer"));
		return;
	}
	ck_assert_msg(!ctrans_model_open(place.out, &p, &m), "%s", ctrans_message());
	ck_assert_int_eq(ctrans_tokenize(m, "Hello world", 11, CTRANS_TOKENIZE_SOURCE, ids,
					 40, &n), 0);
	ck_assert_uint_gt(n, 2);
	ctrans_model_close(m);
}
END_TEST

START_TEST(shape)
{
	struct ctrans_convert_params p;
	uint32_t a[TOKENS], b[TOKENS];

	/* no files, and no tokenizer */
	convert_params_init(&p);
	ck_assert_msg(!ctrans_convert("shape:t5-small", &p, place.out), "%s",
		      ctrans_message());
	run("shape:t5-small", a);
	run(place.out, b);
	ck_assert(!memcmp(a, b, sizeof(a)));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("converted_seq2seq");
	TCase *t = tcase_create("same");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, same_model, 0, SEQ2SEQ_MODELS);
	tcase_add_loop_test(t, same_tokens, 0, SEQ2SEQ_MODELS);
	tcase_add_loop_test(t, same_translation, 0, 3);
	tcase_add_loop_test(t, compressed, 0, 2);
	tcase_add_loop_test(t, cached, 0, 2);
	tcase_add_test(t, with_little);
	tcase_add_loop_test(t, tokenizer_alone, 0, SEQ2SEQ_MODELS);
	tcase_add_test(t, shape);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
