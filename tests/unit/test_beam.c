// SPDX-License-Identifier: MIT
#include <check.h>
#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/splitmix.h"
#include "engine/beam.h"
#include "engine/constrain.h"
#include "engine/core.h"
#include "fail_alloc.h"

#define VOCAB_MAX	128u
#define LENGTH_MAX	1024u

/* A search over a model that is a function of the last two tokens. */
struct setting {
	uint64_t seed;
	uint32_t vocab;
	bool coarse;		/* quarters: many equal scores */
	float bias;		/* of what ends */
	uint32_t start[8], n_start;
	uint32_t eos[CT_ENDS_MAX];
	struct ct_beam_params beam;
	struct ct_constraint_params rules;
};

enum way {
	EXHAUSTIVE,	/* all candidates */
	ENOUGH,		/* as many as decide, without the banned ones */
	CHIP,		/* the 64 best, less the banned ones, where that is enough */
	WAYS,
};

static float logits_of(const struct setting *s, const uint32_t *text, size_t n,
		       float *logits)
{
	uint64_t before = n > 1 ? text[n - 2] : UINT32_MAX, z, state, first;
	float most = -INFINITY;
	uint32_t i, j;

	state = s->seed + text[n - 1] * UINT64_C(0x9e3779b97f4a7c55) +
		before * UINT64_C(0xd1342543de82ef95);
	first = ct_splitmix(&state);
	for (i = 0; i < s->vocab; i++) {
		z = ct_splitmix(&state);
		if (s->coarse)
			logits[i] = (float)((int)(z >> 58) - 32) / 4;
		else
			logits[i] = (float)((int)(z >> 40) - (1 << 23)) / (1 << 20);
		for (j = 0; j < s->beam.n_eos; j++)
			logits[i] += s->eos[j] == i ? s->bias : 0;
		if (logits[i] > most)
			most = logits[i];
	}
	return most + (float)((int)(first >> 60) + 1) / 8;
}

static void fill_row(const struct setting *s, const struct ct_beam *b,
		     const struct ct_bans *bans, const uint32_t *text,
		     struct ct_ranked *top, struct ct_beam_row *row, enum way way)
{
	float logits[VOCAB_MAX];
	uint32_t k = way == EXHAUSTIVE ? VOCAB_MAX : ct_beam_wanted(b);

	*row = (struct ct_beam_row){
		.top = top, .forced = bans->forced, .only = bans->only,
	};
	row->lse = logits_of(s, text, b->length, logits);
	if (bans->forced)
		return;
	if (way == CHIP && ct_bans_leave(bans, CT_STEP_TOPK, k, s->vocab)) {
		row->n = ct_rank(logits, s->vocab, CT_STEP_TOPK, top);
		row->n = ct_bans_filter(bans, top, row->n, top);
	} else {
		ct_bans_apply(bans, logits, s->vocab);
		row->n = ct_rank(logits, s->vocab, k, top);
	}
}

static int step(const struct setting *s, const struct ct_constraints *c,
		struct ct_beam *b, enum way way, struct ct_err *err)
{
	static struct ct_ranked top[CT_BEAMS_MAX][VOCAB_MAX];
	struct ct_beam_next next[CT_BEAMS_MAX];
	struct ct_beam_row rows[CT_BEAMS_MAX];
	struct ct_bans bans = { 0 };
	uint32_t i, text[LENGTH_MAX];
	int ret = 0;

	for (i = 0; i < s->beam.beams && !ret; i++) {
		ct_beam_text(b, i, text);
		ret = ct_constraints_next(c, text, b->length, &bans, err);
		if (!ret)
			fill_row(s, b, &bans, text, top[i], &rows[i], way);
	}
	ct_bans_free(&bans);
	return ret ? ret : ct_beam_step(b, rows, next, err);
}

static int search(const struct setting *s, enum way way, struct ct_beam_hyp *hyps,
		  struct ct_err *err)
{
	struct ct_constraints c;
	struct ct_beam b;
	int ret;

	ret = ct_constraints_init(&c, &s->rules, s->vocab, err);
	if (!ret)
		ret = ct_beam_init(&b, &s->beam, s->start, s->n_start, err);
	if (ret)
		return ret;
	while (!b.done && !ret)
		ret = step(s, &c, &b, way, err);
	if (!ret)
		ret = ct_beam_best(&b, hyps, err);
	ct_beam_free(&b);
	return ret;
}

static void link_up(struct setting *s)
{
	s->beam.eos = s->rules.eos = s->eos;
	s->rules.n_eos = s->beam.n_eos;
	s->rules.max_length = s->beam.max_length;
	s->beam.vocab = s->vocab;
}

/* --- as transformers has it ------------------------------------------- */

static double number(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	ck_assert_msg(item, "no %s", key);
	return cJSON_IsBool(item) ? cJSON_IsTrue(item) : item->valuedouble;
}

static uint32_t list(const cJSON *array, uint32_t *v, uint32_t most)
{
	const cJSON *item;
	uint32_t n = 0;

	cJSON_ArrayForEach(item, array) {
		ck_assert_uint_lt(n, most);
		v[n++] = (uint32_t)item->valuedouble;
	}
	return n;
}

static void read_case(const cJSON *item, struct setting *s)
{
	*s = (struct setting){
		.seed = (uint64_t)number(item, "seed"),
		.vocab = (uint32_t)number(item, "vocab"),
		.coarse = number(item, "coarse") != 0,
		.bias = (float)number(item, "bias"),
		.beam.beams = (uint32_t)number(item, "beams"),
		.beam.n_best = (uint32_t)number(item, "best"),
		.beam.max_length = (uint32_t)number(item, "max"),
		.beam.length_penalty = number(item, "penalty"),
		.beam.early_stopping = number(item, "early") != 0,
		.rules.no_repeat_ngram = (uint32_t)number(item, "ngram"),
		.rules.min_length = (uint32_t)number(item, "min"),
		.rules.forced_bos = (int64_t)number(item, "bos"),
		.rules.forced_eos = (int64_t)number(item, "last"),
	};
	s->n_start = list(cJSON_GetObjectItem(item, "start"), s->start, 8);
	s->beam.n_eos = list(cJSON_GetObjectItem(item, "eos"), s->eos, CT_ENDS_MAX);
	link_up(s);
}

static void check_hyp(const struct ct_beam_hyp *hyp, const cJSON *want, int which)
{
	const cJSON *score = cJSON_GetArrayItem(want, 0);
	uint32_t tokens[LENGTH_MAX], n;

	n = list(cJSON_GetArrayItem(want, 2), tokens, LENGTH_MAX);
	ck_assert_msg(hyp->n == n && !memcmp(hyp->tokens, tokens, n * sizeof(*tokens)),
		      "case %d: other tokens", which);
	if (cJSON_IsNull(score))	/* greedy search has none */
		return;
	ck_assert_msg(hyp->sum == cJSON_GetArrayItem(want, 1)->valuedouble,
		      "case %d: sum %.9g", which, hyp->sum);
	/* pow() is the nearest number or its neighbour. */
	ck_assert_msg(hyp->score == score->valuedouble ||
		      fabs(hyp->score - score->valuedouble) <=
		      fabs(score->valuedouble) * 0x1p-51,
		      "case %d: score %.17g", which, hyp->score);
}

static cJSON *read_vectors(void)
{
	static char text[1 << 20];
	FILE *f = fopen(TEST_DATA_DIR "/beam.json", "rb");
	struct ct_err err = { 0 };
	cJSON *root;
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof(text), f);
	ck_assert_uint_lt(n, sizeof(text));
	fclose(f);
	ck_assert_msg(!ct_json_parse(text, n, &root, &err), "%s", err.msg);
	return root;
}

START_TEST(test_vectors)
{
	struct ct_beam_hyp hyps[CT_BEAMS_MAX];
	cJSON *root = read_vectors(), *item;
	struct ct_err err = { 0 };
	int which = 0, i, n;
	struct setting s;

	cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "cases")) {
		read_case(item, &s);
		ck_assert_msg(!search(&s, (enum way)_i, hyps, &err), "case %d: %s",
			      which, err.msg);
		n = cJSON_GetArraySize(cJSON_GetObjectItem(item, "hyps"));
		ck_assert_int_eq(n, (int)s.beam.n_best);
		for (i = 0; i < n; i++)
			check_hyp(&hyps[i], cJSON_GetArrayItem(
				  cJSON_GetObjectItem(item, "hyps"), i), which);
		ct_beam_hyps_free(hyps, s.beam.n_best);
		which++;
	}
	ck_assert_int_ge(which, 400);
	cJSON_Delete(root);
}
END_TEST

/* --- one beam --------------------------------------------------------- */

static struct setting random_setting(uint64_t *state)
{
	static const double penalties[] = { -1, 0, 0.5, 1, 2 };
	struct setting s = { .seed = ct_splitmix(state), .n_start = 1 };

	s.vocab = 3 + (uint32_t)(ct_splitmix(state) % 40);
	s.coarse = ct_splitmix(state) % 3 == 0;
	s.bias = (float)(ct_splitmix(state) % 8) - 4;
	s.start[0] = (uint32_t)(ct_splitmix(state) % s.vocab);
	s.eos[0] = (uint32_t)(ct_splitmix(state) % s.vocab);
	s.beam.n_eos = 1;
	s.beam.max_length = 2 + (uint32_t)(ct_splitmix(state) % 39);
	s.beam.beams = s.beam.n_best = 1 + (uint32_t)(ct_splitmix(state) % 8);
	s.beam.length_penalty = penalties[ct_splitmix(state) % 5];
	s.beam.early_stopping = ct_splitmix(state) % 2;
	s.rules.no_repeat_ngram = (uint32_t)(ct_splitmix(state) % 4);
	s.rules.min_length = (uint32_t)(ct_splitmix(state) % s.beam.max_length);
	s.rules.forced_bos = (int64_t)(ct_splitmix(state) % 3) - 1;
	s.rules.forced_eos = ct_splitmix(state) % 3 ? -1 : (int64_t)s.eos[0];
	return s;
}

/* The likeliest, again and again. Returns the length. */
static uint32_t greedy(const struct setting *s, uint32_t *text)
{
	struct ct_constraints c;
	struct ct_bans bans = { 0 };
	float logits[VOCAB_MAX];
	uint32_t i, best, n = s->n_start;

	ck_assert_int_eq(ct_constraints_init(&c, &s->rules, s->vocab, NULL), 0);
	memcpy(text, s->start, n * sizeof(*text));
	do {
		ck_assert_int_eq(ct_constraints_next(&c, text, n, &bans, NULL), 0);
		logits_of(s, text, n, logits);
		ct_bans_apply(&bans, logits, s->vocab);
		for (best = 0, i = 1; i < s->vocab; i++) {
			if (logits[i] > logits[best])
				best = i;
		}
		text[n++] = best;
	} while (n < s->beam.max_length && best != s->eos[0]);
	ct_bans_free(&bans);
	return n;
}

START_TEST(test_greedy)
{
	uint32_t text[LENGTH_MAX], n;
	struct ct_beam_hyp hyp;
	uint64_t state = 7;
	struct setting s;
	int i;

	for (i = 0; i < 3000; i++) {
		s = random_setting(&state);
		s.beam.beams = s.beam.n_best = 1;
		link_up(&s);
		ck_assert_int_eq(search(&s, (enum way)(i % WAYS), &hyp, NULL), 0);
		n = greedy(&s, text);
		ck_assert_uint_eq(hyp.n, n);
		ck_assert(!memcmp(hyp.tokens, text, n * sizeof(*text)));
		ck_assert_int_eq(hyp.ended, text[n - 1] == s.eos[0]);
		ct_beam_hyps_free(&hyp, 1);
	}
}
END_TEST

/* lse so large that different logits give one log-probability. */
START_TEST(test_greedy_rounding)
{
	const struct ct_ranked top[] = { { 5, 1.0000002f }, { 3, 1.0f } };
	struct ct_beam_params p = {
		.beams = 1, .n_best = 1, .max_length = 9, .vocab = 8,
	};
	struct ct_beam_row row = { .top = top, .n = 2, .lse = 1000 };
	const uint32_t start = 0;
	struct ct_beam_next next[2];
	struct ct_beam_row rows[2];
	struct ct_beam b;

	ck_assert_int_eq(ct_beam_init(&b, &p, &start, 1, NULL), 0);
	ck_assert_int_eq(ct_beam_step(&b, &row, next, NULL), 0);
	ck_assert_uint_eq(next[0].token, 5);
	ct_beam_free(&b);

	/* Of several beams the lower id is first, as in one row of scores. */
	p.beams = 2;
	rows[0] = rows[1] = row;
	ck_assert_int_eq(ct_beam_init(&b, &p, &start, 1, NULL), 0);
	ck_assert_int_eq(ct_beam_step(&b, rows, next, NULL), 0);
	ck_assert_uint_eq(next[0].token, 3);
	ck_assert_uint_eq(next[1].token, 5);
	ck_assert_uint_eq(next[1].parent, 0);
	ct_beam_free(&b);
}
END_TEST

/* --- texts, memory, bounds -------------------------------------------- */

/* More steps than there is room for at first; texts followed by hand. */
START_TEST(test_long)
{
	static uint32_t now[4][LENGTH_MAX], then[4][LENGTH_MAX], text[LENGTH_MAX];
	static struct ct_ranked top[4][VOCAB_MAX];
	struct setting s = {
		.seed = 11, .vocab = 50, .n_start = 2, .start = { 7, 9 },
		.beam = { .beams = 4, .n_best = 4, .max_length = 1000 },
	};
	struct ct_bans none = { 0 };
	struct ct_beam_hyp hyps[4];
	struct ct_beam_next next[4];
	struct ct_beam_row rows[4];
	struct ct_beam b;
	uint32_t i;

	link_up(&s);
	ck_assert_int_eq(ct_beam_init(&b, &s.beam, s.start, 2, NULL), 0);
	for (i = 0; i < 4; i++)
		memcpy(now[i], s.start, 2 * sizeof(now[i][0]));
	while (!b.done) {
		for (i = 0; i < 4; i++) {
			ct_beam_text(&b, i, text);
			ck_assert(!memcmp(text, now[i], b.length * sizeof(*text)));
			fill_row(&s, &b, &none, text, top[i], &rows[i], ENOUGH);
		}
		ck_assert_int_eq(ct_beam_step(&b, rows, next, NULL), 0);
		memcpy(then, now, sizeof(now));
		for (i = 0; i < 4; i++) {
			memcpy(now[i], then[next[i].parent], sizeof(now[i]));
			now[i][b.length - 1] = next[i].token;
			ck_assert(next[i].score == b.scores[i]);
			ck_assert(!i || next[i].score <= next[i - 1].score);
		}
	}
	ck_assert_uint_eq(b.length, 1000);
	ck_assert_int_eq(ct_beam_step(&b, rows, next, NULL), -EINVAL);
	ck_assert_int_eq(ct_beam_best(&b, hyps, NULL), 0);
	for (i = 0; i < 4; i++) {
		ck_assert_uint_eq(hyps[i].n, 1000);
		ck_assert(!hyps[i].ended && hyps[i].sum == b.scores[i]);
	}
	ct_beam_hyps_free(hyps, 4);
	ct_beam_free(&b);
}
END_TEST

/* Asked before the end, and again: nothing has changed. */
START_TEST(test_before_end)
{
	struct setting s = {
		.seed = 5, .vocab = 20, .n_start = 1, .eos = { 4 },
		.beam = { .beams = 3, .n_best = 3, .max_length = 30, .n_eos = 1,
			  .length_penalty = 1 },
		.rules = { .forced_bos = -1, .forced_eos = -1 },
	};
	struct ct_beam_hyp first[3], second[3];
	struct ct_constraints c;
	struct ct_beam b;
	uint32_t i;

	link_up(&s);
	ck_assert_int_eq(ct_constraints_init(&c, &s.rules, s.vocab, NULL), 0);
	ck_assert_int_eq(ct_beam_init(&b, &s.beam, s.start, 1, NULL), 0);
	ck_assert_int_eq(ct_beam_best(&b, first, NULL), 0);
	ck_assert_uint_eq(first[0].n, 1);
	ct_beam_hyps_free(first, 3);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(step(&s, &c, &b, CHIP, NULL), 0);
	ck_assert(!b.done);
	ck_assert_int_eq(ct_beam_best(&b, first, NULL), 0);
	ck_assert_int_eq(ct_beam_best(&b, second, NULL), 0);
	for (i = 0; i < 3; i++) {
		ck_assert_uint_eq(first[i].n, second[i].n);
		ck_assert(first[i].score == second[i].score);
		ck_assert_uint_le(first[i].n, first[i].ended ? 5 : 4);
		ck_assert(!i || first[i].score <= first[i - 1].score);
	}
	ct_beam_hyps_free(first, 3);
	ct_beam_hyps_free(second, 3);
	ct_beam_free(&b);
}
END_TEST

START_TEST(test_alloc)
{
	struct setting s = {
		.seed = 3, .vocab = 40, .n_start = 1, .eos = { 1 }, .bias = -1000,
		.beam = { .beams = 3, .n_best = 3, .max_length = 140, .n_eos = 1 },
		.rules = { .no_repeat_ngram = 2, .forced_bos = -1, .forced_eos = -1 },
	};
	struct ct_beam_hyp hyps[3];
	struct ct_err err = { 0 };
	unsigned long n;
	int ret;

	link_up(&s);
	for (n = 1; ; n++) {
		fail_alloc_at(n);
		ret = search(&s, ENOUGH, hyps, &err);
		if (!fail_alloc_stop())
			break;
		ck_assert_int_eq(ret, -ENOMEM);
		ck_assert_ptr_nonnull(strstr(err.msg, "no memory"));
	}
	ck_assert_int_eq(ret, 0);
	ck_assert_uint_gt(n, 8);
	ct_beam_hyps_free(hyps, 3);
}
END_TEST

static void refuse(const struct ct_beam_params *p, uint32_t n_start, int code,
		   const char *word)
{
	const uint32_t start[4] = { 0 };
	struct ct_err err = { 0 };
	struct ct_beam b;

	ck_assert_int_eq(ct_beam_init(&b, p, start, n_start, &err), code);
	ck_assert_msg(strstr(err.msg, word), "%s", err.msg);
}

START_TEST(test_refused)
{
	const uint32_t eos[CT_ENDS_MAX + 1] = { 0, 1, 2, 9 };
	const struct ct_beam_params good = {
		.beams = 2, .n_best = 1, .max_length = 4, .vocab = 5, .eos = eos,
		.n_eos = 1, .length_penalty = 1,
	};
	struct ct_beam_params p = good;
	struct ct_beam b;

	p.beams = 0, refuse(&p, 1, -EINVAL, "num_beams"), p = good;
	p.beams = CT_BEAMS_MAX + 1, refuse(&p, 1, -EINVAL, "num_beams"), p = good;
	p.n_best = 0, refuse(&p, 1, -EINVAL, "num_return_sequences"), p = good;
	p.n_best = 3, refuse(&p, 1, -EINVAL, "num_return_sequences"), p = good;
	p.length_penalty = NAN, refuse(&p, 1, -EINVAL, "length_penalty"), p = good;
	p.length_penalty = -31, refuse(&p, 1, -EINVAL, "length_penalty"), p = good;
	p.max_length = CT_BEAM_LENGTH_MAX + 1, refuse(&p, 1, -E2BIG, "max_length");
	p = good;
	p.n_eos = 4, refuse(&p, 1, -EINVAL, "eos_token_id 9"), p = good;
	p.n_eos = CT_ENDS_MAX + 1, refuse(&p, 1, -E2BIG, "at most"), p = good;
	p.n_eos = 3, p.vocab = 3, refuse(&p, 1, -EINVAL, "all 3 tokens"), p = good;
	refuse(&p, 0, -EINVAL, "at least 1");
	refuse(&p, 4, -EINVAL, "fewer than max_length");

	p.beams = CT_BEAMS_MAX;
	ck_assert_int_eq(ct_beam_init(&b, &p, eos, 3, NULL), 0);
	ck_assert_uint_eq(ct_beam_wanted(&b), CT_BEAMS_MAX + 1);
	ct_beam_free(&b);
}
END_TEST

START_TEST(test_not_numbers)
{
	const struct ct_ranked some[] = { { 1, 2 }, { 2, NAN }, { 0, 1 } };
	const struct ct_ranked far = { .id = 3, .logit = 1 };
	struct ct_beam_params p = {
		.beams = 2, .n_best = 2, .max_length = 9, .vocab = 3,
	};
	struct ct_beam_row rows[2] = { { .lse = NAN }, { .lse = NAN } };
	struct ct_beam_next next[2];
	struct ct_err err = { 0 };
	const uint32_t start = 0;
	struct ct_beam b;

	ck_assert_int_eq(ct_beam_init(&b, &p, &start, 1, NULL), 0);
	ck_assert_int_eq(ct_beam_step(&b, rows, next, &err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.msg, "damaged"));
	rows[0] = rows[1] = (struct ct_beam_row){ .top = some, .n = 3, .lse = INFINITY };
	ck_assert_int_eq(ct_beam_step(&b, rows, next, &err), -EBADMSG);
	rows[0].lse = rows[1].lse = 3;
	rows[1].top = &far;
	rows[1].n = 1;
	ck_assert_int_eq(ct_beam_step(&b, rows, next, &err), -EINVAL);
	rows[1] = (struct ct_beam_row){ .forced = true, .only = 3 };
	ck_assert_int_eq(ct_beam_step(&b, rows, next, &err), -EINVAL);
	ck_assert_uint_eq(b.length, 1);

	rows[1] = rows[0];
	ck_assert_int_eq(ct_beam_step(&b, rows, next, &err), 0);
	ck_assert_uint_eq(next[0].token, 1);
	ck_assert_uint_eq(next[1].token, 0);
	/* Everything is banned: what has no probability goes on, NaN does not. */
	rows[0] = (struct ct_beam_row){ .top = some + 1, .n = 1, .lse = 3 };
	rows[1] = (struct ct_beam_row){ .lse = 3 };
	ck_assert_int_eq(ct_beam_step(&b, rows, next, &err), 0);
	ck_assert_uint_eq(next[0].token, 0);
	ck_assert_uint_eq(next[1].token, 1);
	ck_assert(next[0].parent == 0 && next[0].score == -INFINITY);
	/* Dead beams' rows are not looked at. */
	rows[0].lse = rows[1].lse = NAN;
	ck_assert_int_eq(ct_beam_step(&b, rows, next, &err), 0);
	ck_assert(next[1].parent == 0 && next[1].token == 1);
	ct_beam_free(&b);

	/* No token at all that could be chosen. */
	p.beams = p.n_best = 1;
	p.vocab = 1;
	rows[0] = (struct ct_beam_row){ .top = &(struct ct_ranked){ 0, NAN }, .n = 1 };
	ck_assert_int_eq(ct_beam_init(&b, &p, &start, 1, NULL), 0);
	ck_assert_int_eq(ct_beam_step(&b, rows, next, &err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.msg, "fewer logits"));
	ct_beam_free(&b);
}
END_TEST

START_TEST(test_rounding_mode)
{
	uint64_t state = 99;
	struct ct_beam_hyp want[8], got[8];
	struct setting s;
	uint32_t j;
	int i;

	for (i = 0; i < 200; i++) {
		s = random_setting(&state);
		link_up(&s);
		ck_assert_int_eq(search(&s, CHIP, want, NULL), 0);
		fesetround(FE_UPWARD);
		ck_assert_int_eq(search(&s, CHIP, got, NULL), 0);
		ck_assert_int_eq(fegetround(), FE_UPWARD);
		fesetround(FE_TONEAREST);
		for (j = 0; j < s.beam.n_best; j++) {
			ck_assert(want[j].score == got[j].score);
			ck_assert(want[j].sum == got[j].sum);
			ck_assert_uint_eq(want[j].n, got[j].n);
		}
		ct_beam_hyps_free(want, s.beam.n_best);
		ct_beam_hyps_free(got, s.beam.n_best);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("beam");
	TCase *tc = tcase_create("beam");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, test_vectors, 0, WAYS);
	tcase_add_test(tc, test_greedy);
	tcase_add_test(tc, test_greedy_rounding);
	tcase_add_test(tc, test_long);
	tcase_add_test(tc, test_before_end);
	tcase_add_test(tc, test_alloc);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_not_numbers);
	tcase_add_test(tc, test_rounding_mode);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
