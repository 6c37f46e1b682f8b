// SPDX-License-Identifier: MIT
/*
 * Models with an encoder against what others compute of them: the small ones of
 * tests/data (make_seq2seq.py, binary64), the demo models (PyTorch), and below CTRANS_SHARED_DIR a trained T5
 * and random models with the texts that Hugging Face's generate() finds.
 */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/beams.h"
#include "engine/model.h"
#include "seq2seq_help.h"
#include "text/tokenizer.h"

static const char *const small[] = { "t5_small", "t5_gated", "fsmt_small" };

#define N(a)	(sizeof(a) / sizeof((a)[0]))

/* ---- Ours -------------------------------------------------------------- */

START_TEST(test_logits)
{
	struct ct_core *core = seq2seq_core(seq2seq_data(small[_i]), CTRANS_MODEL_F32);
	uint32_t vocab = ct_core_config(core)->n_vocab;
	const cJSON *all, *c, *row, *value;
	double worst = 0;
	cJSON *root;

	/* the macro below names its array twice */
	all = seq2seq_get(seq2seq_golden(small[_i], &root), "logits");
	cJSON_ArrayForEach(c, all) {
		size_t n_source, n, at = 0;
		uint32_t *source = seq2seq_ids(seq2seq_get(c, "source"), &n_source);
		uint32_t *target = seq2seq_ids(seq2seq_get(c, "target"), &n);
		float *is = seq2seq_decode(core, source, n_source, target, n,
					   CT_STEP_LOGITS);
		float *one = seq2seq_decode(core, source, n_source, target, n, 1);

		ck_assert_mem_eq(is, one, n * vocab * sizeof(*is));
		cJSON_ArrayForEach(row, seq2seq_get(c, "rows")) {
			ck_assert_int_eq(cJSON_GetArraySize(row), (int)vocab);
			cJSON_ArrayForEach(value, row)
				worst = fmax(worst, fabs(is[at++] - value->valuedouble));
		}
		ck_assert_uint_eq(at, n * vocab);
		free(is);
		free(one);
		free(source);
		free(target);
	}
	printf("%s: largest difference %.3g\n", small[_i], worst);
	ck_assert_double_lt(worst, 2e-5);
	cJSON_Delete(root);
	ct_core_close(core);
}
END_TEST

static void same_ids(const uint32_t *is, size_t n, const cJSON *want, const char *what)
{
	size_t n_want;
	uint32_t *ids = seq2seq_ids(want, &n_want);

	for (size_t i = 0; i < n && i < n_want; i++)
		ck_assert_msg(is[i] == ids[i], "%s: token %zu is %u, not %u", what, i,
			      is[i], ids[i]);
	ck_assert_msg(n == n_want, "%s: %zu tokens, not %zu", what, n, n_want);
	free(ids);
}

static void check_source(struct ctrans_model *model, const char *text, const cJSON *want)
{
	struct ctrans_model_info info;
	uint32_t ids[128];
	size_t n;

	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	ck_assert_int_eq(ctrans_tokenize(model, text, strlen(text),
					 CTRANS_TOKENIZE_SOURCE, ids, 127, &n), 0);
	ids[n++] = (uint32_t)info.eos;
	same_ids(ids, n, want, text);
}

/* A text that came token by token is that of all its tokens. */
static void check_text(struct ctrans_model *model, const struct ctrans_result *r)
{
	struct ct_buf text = { 0 };
	struct ct_err err;

	if (ct_tokenizer_decode(ct_core_tokenizer(model->core), r->tokens, r->n_tokens,
				&text, &err))
		ck_abort_msg("%s", err.msg);
	ck_assert_uint_eq(r->text_len, text.n);
	ck_assert(!text.n || !memcmp(r->text, text.data, text.n));
	ct_buf_free(&text);
}

/* All that a task has, through the public interface. */
START_TEST(test_found)
{
	struct ctrans_model *model = seq2seq_open(seq2seq_data(small[_i]),
						  CTRANS_MODEL_F32, NULL);
	const cJSON *all, *c;
	cJSON *root;
	int n = 0;

	/* the macro below names its array twice */
	all = seq2seq_get(seq2seq_golden(small[_i], &root), "found");
	cJSON_ArrayForEach(c, all) {
		const char *task = seq2seq_get(c, "task")->valuestring;
		const char *text = seq2seq_get(c, "text")->valuestring;
		struct ctrans_generate_params p;
		struct ctrans_result *r;

		ctrans_generate_params_init(&p, sizeof(p));
		p.task = *task ? task : NULL;
		p.max_tokens = *task || _i == 2 ? 0 : 19;
		if (!*task)
			p.beams = (uint32_t)seq2seq_number(c, "beams", 0);
		if (!*task || _i == 2)
			check_source(model, text, seq2seq_get(c, "source"));
		if (ctrans_generate(model, text, &p, &r))
			ck_abort_msg("%s", ctrans_message());
		same_ids(r->tokens, r->n_tokens, seq2seq_get(c, "tokens"), text);
		check_text(model, r);
		ck_assert_uint_eq(r->usage.new_tokens, r->n_tokens);
		ck_assert_uint_eq(r->usage.prompt_tokens,
				  cJSON_GetArraySize(seq2seq_get(c, "source")) + 1u);
		ctrans_result_free(r);
		n++;
	}
	ck_assert_int_ge(n, 10);
	cJSON_Delete(root);
	ctrans_model_close(model);
}
END_TEST

/* ---- The demo models ------------------------------------------------------ */

static const char *const demos[] = { "models/demo-t5", "models/demo-t5/little" };

/* PyTorch's logits, fed with the reference: some of each row, and its norm. */
static void check_rows(struct ct_core *core, const cJSON *c, const char *what)
{
	const cJSON *rows = seq2seq_get(c, "logits"), *norms = seq2seq_get(c, "logits_l2");
	size_t n_source, n, at = 0, vocab = ct_core_config(core)->n_vocab;
	uint32_t *source = seq2seq_ids(seq2seq_get(c, "input_ids"), &n_source);
	uint32_t *text = seq2seq_ids(seq2seq_get(c, "target_ids"), &n);
	const cJSON *row, *value;
	float *is;

	memmove(text + 1, text, (n - 1) * sizeof(*text));
	text[0] = (uint32_t)ct_core_config(core)->start_id;
	is = seq2seq_decode(core, source, n_source, text, n, 8);
	cJSON_ArrayForEach(row, rows) {
		const float *mine = is + at * vocab;
		double sum = 0;
		size_t i = 0;

		cJSON_ArrayForEach(value, row) {
			ck_assert_msg(fabs(mine[i] - value->valuedouble) < 1e-3,
				      "%s: logit %zu of row %zu is %g, not %g", what, i,
				      at, (double)mine[i], value->valuedouble);
			i++;
		}
		for (i = 0; i < vocab; i++)
			sum += (double)mine[i] * mine[i];
		ck_assert_double_eq_tol(sqrt(sum),
			cJSON_GetArrayItem(norms, (int)at)->valuedouble, 1e-2);
		at++;
	}
	ck_assert_uint_ge(at, 1);
	free(is);
	free(source);
	free(text);
}

static void check_written(struct ctrans_model *model, const cJSON *c, uint32_t beams)
{
	const char *text = seq2seq_get(c, "source")->valuestring;
	struct ctrans_generate_params p;
	struct ctrans_result *r;

	ctrans_generate_params_init(&p, sizeof(p));
	p.max_tokens = 63;
	p.beams = beams;
	p.early_stopping = CTRANS_EARLY_ON;
	if (ctrans_generate(model, text, &p, &r))
		ck_abort_msg("%s", ctrans_message());
	same_ids(r->tokens, r->n_tokens,
		 seq2seq_get(c, beams > 1 ? "beam_ids" : "greedy_ids"), text);
	ck_assert_str_eq(r->text,
		seq2seq_get(c, beams > 1 ? "beam_text" : "greedy_text")->valuestring);
	ctrans_result_free(r);
}

START_TEST(test_demo)
{
	struct ctrans_model *model = seq2seq_open(demos[_i], CTRANS_MODEL_F32, NULL);
	char path[128];
	const cJSON *all, *c;
	cJSON *root;
	int n = 0;

	snprintf(path, sizeof(path), "%s/golden.json", demos[_i]);
	root = seq2seq_json(path);
	all = seq2seq_get(root, "sources");
	cJSON_ArrayForEach(c, all) {
		check_source(model, seq2seq_get(c, "source")->valuestring,
			     seq2seq_get(c, "input_ids"));
		check_rows(model->core, c, seq2seq_get(c, "source")->valuestring);
		check_written(model, c, 1);
		check_written(model, c, 4);
		n++;
	}
	ck_assert_int_ge(n, 10);
	cJSON_Delete(root);
	ctrans_model_close(model);
}
END_TEST

/* ---- A trained one ------------------------------------------------------- */

static void check_first(struct ct_core *core, const cJSON *c, const char *what)
{
	size_t n_source, n, at = 0;
	uint32_t *source = seq2seq_ids(seq2seq_get(c, "input_ids"), &n_source);
	uint32_t *text = seq2seq_ids(seq2seq_get(c, "greedy_ids"), &n);
	uint32_t vocab = ct_core_config(core)->n_vocab;
	const cJSON *value;
	double sum = 0;
	float *is;

	memmove(text + 1, text, (n - 1) * sizeof(*text));
	text[0] = (uint32_t)ct_core_config(core)->start_id;
	is = seq2seq_decode(core, source, n_source, text, n, 8);
	cJSON_ArrayForEach(value, seq2seq_get(c, "step0_first16")) {
		ck_assert_msg(fabs(is[at] - value->valuedouble) < 1e-3,
			      "%s: logit %zu is %g, not %g", what, at, (double)is[at],
			      value->valuedouble);
		at++;
	}
	for (size_t i = 0; i < n * vocab; i++)
		sum += (double)is[i] * is[i];
	ck_assert_double_eq_tol(sqrt(sum), seq2seq_get(c, "logits_l2")->valuedouble, 1e-2);
	free(is);
	free(source);
	free(text);
}

START_TEST(test_trained)
{
	const char *dir = seq2seq_shared("models/t5-tiny-en-de");
	struct ctrans_generate_params p;
	struct ctrans_model *model;
	char path[600];
	const cJSON *c;
	cJSON *root;

	if (!dir)
		return;
	snprintf(path, sizeof(path), "%s/golden.json", dir);
	root = seq2seq_json(path);
	model = seq2seq_open(dir, CTRANS_MODEL_F32, NULL);
	cJSON_ArrayForEach(c, root) {
		const char *text = seq2seq_get(c, "source")->valuestring;
		struct ctrans_result *r;

		check_source(model, text, seq2seq_get(c, "input_ids"));
		check_first(model->core, c, text);
		ctrans_generate_params_init(&p, sizeof(p));
		p.max_tokens = 40;
		p.beams = 1;
		if (ctrans_generate(model, text, &p, &r))
			ck_abort_msg("%s", ctrans_message());
		same_ids(r->tokens, r->n_tokens, seq2seq_get(c, "greedy_ids"), text);
		ck_assert_str_eq(r->text, seq2seq_get(c, "greedy_text")->valuestring);
		ctrans_result_free(r);
	}
	cJSON_Delete(root);
	ctrans_model_close(model);
}
END_TEST

/* ---- Ids, by the steps of a search ----------------------------------------- */

struct found {
	uint32_t *tokens;
	size_t n;
};

/* Of @start on, with or without a source. */
static struct found find(struct ctrans_model *model, const uint32_t *source,
			 size_t n_source, const uint32_t *start, size_t n_start,
			 const struct ct_beams_params *p)
{
	struct ct_gather_call call = { 0 };
	struct ct_source *read = NULL;
	struct ct_beam_hyp best;
	struct ct_beams *beams;
	struct ct_seq *like;
	struct ct_err err;

	if (ct_seq_open(model->core, &like, &err) ||
	    (n_source && ct_core_encode(model->core, source, n_source, NULL, NULL, &read,
					&err)) ||
	    ct_beams_open(model->core, p, start, (uint32_t)n_start, &beams, &err))
		ck_abort_msg("%s", err.msg);
	ct_seq_attend(like, read);
	ct_source_drop(read);
	while (!beams->search.done)
		if (ct_beams_prepare(beams, like, &call, &err) ||
		    ct_gather_step(&model->gather, &call) || ct_beams_take(beams, &err))
			ck_abort_msg("%s", err.msg);
	if (ct_beam_best(&beams->search, &best, &err))
		ck_abort_msg("%s", err.msg);
	ct_beams_close(beams);
	ct_seq_close(like);
	return (struct found){ best.tokens, best.n };
}

static struct found find_as(struct ctrans_model *model, const cJSON *input,
			    const cJSON *mask, const cJSON *kwargs)
{
	const struct ct_config *cfg = ct_core_config(model->core);
	uint32_t start = (uint32_t)cfg->start_id;
	struct ct_beams_params p = {
		.search = {
			.n_best = 1, .vocab = cfg->n_vocab, .eos = cfg->eos_ids,
			.n_eos = cfg->n_eos,
			.beams = (uint32_t)seq2seq_number(kwargs, "num_beams", 1),
			.max_length = (uint32_t)seq2seq_number(kwargs, "max_length", 20),
			.length_penalty = seq2seq_number(kwargs, "length_penalty", 1),
			.early_stopping = seq2seq_number(kwargs, "early_stopping", 0),
		},
		.rules = {
			.max_length = (uint32_t)seq2seq_number(kwargs, "max_length", 20),
			.forced_bos = -1,
			.forced_eos = cfg->arch == CT_ARCH_FSMT ? cfg->eos_id : -1,
			.min_length = (uint32_t)seq2seq_number(kwargs, "min_length", 0),
			.no_repeat_ngram =
				(uint32_t)seq2seq_number(kwargs, "no_repeat_ngram_size", 0),
			.eos = cfg->eos_ids, .n_eos = cfg->n_eos,
		},
		.penalty = (float)seq2seq_number(kwargs, "repetition_penalty", 1),
	};
	size_t n, n_mask, real = 0;
	uint32_t *ids = seq2seq_ids(input, &n), *is = seq2seq_ids(mask, &n_mask);
	struct found f;

	while (real < n && is[real])
		real++;
	f = find(model, ids, real, &start, 1, &p);
	free(ids);
	free(is);
	return f;
}

/* After an end there may be padding. */
static bool is_found(const struct found *f, const cJSON *want, uint32_t pad)
{
	size_t n, i = 0;
	uint32_t *ids = seq2seq_ids(want, &n);
	bool same = f->n <= n;

	for (; i < n && same; i++)
		same = ids[i] == (i < f->n ? f->tokens[i] : pad);
	free(ids);
	return same;
}

static const char *const random_models[] = { "t5_random", "mt5_random", "fsmt_random" };

START_TEST(test_generated)
{
	const char *name = random_models[_i], *dir;
	char path[600], file[700];
	struct ctrans_model *model;
	unsigned int n = 0;
	const cJSON *c;
	cJSON *root;

	snprintf(path, sizeof(path), "data/golden/%s", name);
	dir = seq2seq_shared(path);
	if (!dir)
		return;
	snprintf(file, sizeof(file), "%s/generate.json", dir);
	root = seq2seq_json(file);
	model = seq2seq_open(dir, CTRANS_MODEL_F32, NULL);
	cJSON_ArrayForEach(c, root) {
		const cJSON *input = seq2seq_get(c, "input");
		const cJSON *want = seq2seq_get(c, "output")->child;
		const cJSON *mask = seq2seq_get(input, "attention_mask")->child;
		const cJSON *ids = seq2seq_get(input, "input_ids")->child;

		for (; ids; ids = ids->next, want = want->next, mask = mask->next) {
			struct found f = find_as(model, ids, mask,
						 seq2seq_get(c, "kwargs"));

			ck_assert_msg(is_found(&f, want, (uint32_t)
				      ct_core_config(model->core)->pad_id),
				      "%s: search %u found another text", name, n);
			n++;
			free(f.tokens);
		}
	}
	ck_assert_uint_ge(n, 4);
	cJSON_Delete(root);
	ctrans_model_close(model);
}
END_TEST

/* Without an encoder a prompt's last token is the first to be searched from. */
START_TEST(test_decoder_only)
{
	const char *dir = seq2seq_shared("models/ort_tiny_gpt2");
	struct ct_beams_params p = {
		.search = { .n_best = 1 },
		.rules = { .forced_bos = -1, .forced_eos = -1 },
		.penalty = 1,
	};
	const cJSON *ids, *want;
	struct ctrans_model *model;
	uint32_t eos;
	char path[600];
	cJSON *root;

	if (!dir)
		return;
	snprintf(path, sizeof(path), "%s/beam_golden.json", dir);
	root = seq2seq_json(path);
	model = seq2seq_open(dir, CTRANS_MODEL_F32, NULL);
	eos = (uint32_t)seq2seq_number(root, "eos_token_id", 0);
	p.search.vocab = ct_core_config(model->core)->n_vocab;
	p.search.beams = (uint32_t)seq2seq_number(root, "num_beams", 0);
	p.search.max_length = (uint32_t)seq2seq_number(root, "max_length", 0);
	p.search.length_penalty = seq2seq_number(root, "length_penalty", 0);
	p.search.eos = p.rules.eos = &eos;
	p.search.n_eos = p.rules.n_eos = 1;
	p.rules.max_length = p.search.max_length;
	p.rules.min_length = (uint32_t)seq2seq_number(root, "min_length", 0);
	want = seq2seq_get(root, "expected_new")->child;
	cJSON_ArrayForEach(ids, seq2seq_get(root, "input_ids")) {
		size_t n;
		uint32_t *start = seq2seq_ids(ids, &n);
		struct found f = find(model, NULL, 0, start, n, &p);

		same_ids(f.tokens + n, f.n - n, want, "ort_tiny_gpt2");
		free(start);
		free(f.tokens);
		want = want->next;
	}
	cJSON_Delete(root);
	ctrans_model_close(model);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seq2seq");
	TCase *t = tcase_create("golden");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(t, test_logits, 0, N(small));
	tcase_add_loop_test(t, test_found, 0, N(small));
	tcase_add_loop_test(t, test_demo, 0, N(demos));
	tcase_add_test(t, test_trained);
	tcase_add_loop_test(t, test_generated, 0, N(random_models));
	tcase_add_test(t, test_decoder_only);
	tcase_set_timeout(t, 120);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
