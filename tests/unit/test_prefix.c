// SPDX-License-Identifier: MIT
/*
 * Texts that begin alike, through the public interface: what is taken over from
 * others, how it is counted, and that no logit or text shows it.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chip_must.h"
#include "ctrans.h"
#include "small_model.h"

#define LONG	250u

static const char calibration[] =
	"Once upon a time there was a little girl who lived in a house at the end "
	"of the wood. Every morning she went out to look for berries, and in the "
	"evening she came back and told her mother what she had seen. One day she "
	"met an old man with a white beard who sat on a stone and asked her for a "
	"piece of bread. She gave him all that she had, and he told her a secret.";

static const char *demo(void)
{
	static char path[512];
	const char *data = getenv("CTRANS_TEST_DATA");

	snprintf(path, sizeof(path), "%s/../../models/demo",
		 data ? data : TEST_DATA_DIR);
	return path;
}

static const struct {
	bool demo, calibrated;
	uint32_t flags;
	const char *kv;
} kinds[] = {
	{ false, false, 0, "f16" },
	{ false, false, CTRANS_MODEL_F32, NULL },
	{ false, false, 0, "s8" },
	{ true, false, 0, "f16" },
	{ true, true, 0, "f16" },
	{ true, true, 0, "s8" },
};
#define KINDS	((int)(sizeof(kinds) / sizeof(kinds[0])))
#define DEMO	3	/* from here on they have a tokenizer */

static struct ctrans_model *open_model(int kind, bool share)
{
	struct ctrans_model_params p;
	struct ctrans_model *model;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=1";
	if (kinds[kind].kv)
		p.kv = kinds[kind].kv;
	p.flags = kinds[kind].flags | (share ? 0 : CTRANS_MODEL_NO_SHARING);
	if (kinds[kind].calibrated) {
		p.calibration = calibration;
		p.calibration_len = strlen(calibration);
	}
	if (ctrans_model_open(kinds[kind].demo ? demo() : small_model(), &p, &model))
		ck_abort_msg("%s", ctrans_message());
	return model;
}

static struct ctrans_session *open_session(struct ctrans_model *model)
{
	struct ctrans_session *s;

	MUST(!ctrans_session_open(model, &s));
	return s;
}

static struct ctrans_usage usage_of(const struct ctrans_session *s)
{
	struct ctrans_usage u;

	MUST(!ctrans_session_usage(s, &u, sizeof(u)));
	return u;
}

static void make_text(uint32_t *text, uint32_t n, uint32_t salt)
{
	for (uint32_t i = 0; i < n; i++)
		text[i] = (i * i + salt * 7 + i / 3) % SMALL_VOCAB;
}

static uint32_t vocab_of(const struct ctrans_model *model)
{
	struct ctrans_model_info info;

	MUST(!ctrans_model_info(model, &info, sizeof(info)));
	return info.vocab;
}

/* ---- Counting ------------------------------------------------------------ */

static struct ctrans_model *model;

static void setup(void)
{
	model = open_model(0, true);
}

static void teardown(void)
{
	ctrans_model_close(model);
}

/* Run a text in a new session, in two parts; how much of it was not run. */
static uint32_t reused(const uint32_t *text, uint32_t first, uint32_t n)
{
	struct ctrans_session *s = open_session(model);
	struct ctrans_usage u;

	if (first)
		MUST(!ctrans_session_eval(s, text, first, NULL));
	MUST(!ctrans_session_eval(s, text + first, n - first, NULL));
	u = usage_of(s);
	MUST(u.prompt_tokens == n && u.size == sizeof(u));
	ctrans_session_close(s);
	return u.reused_tokens;
}

START_TEST(counts)
{
	uint32_t text[LONG], other[LONG];

	make_text(text, LONG, 1);
	ck_assert_uint_eq(reused(text, 0, 200), 0);
	ck_assert_uint_eq(reused(text, 0, 200), 192);
	/* the last token is always run, or nothing would follow it */
	ck_assert_uint_eq(reused(text, 0, 193), 192);
	ck_assert_uint_eq(reused(text, 0, 192), 128);
	ck_assert_uint_eq(reused(text, 0, 65), 64);
	ck_assert_uint_eq(reused(text, 0, 64), 0);
	/* in parts, at a block's end and within one */
	ck_assert_uint_eq(reused(text, 64, 200), 128);
	ck_assert_uint_eq(reused(text, 40, 200), 152);
	ck_assert_uint_eq(reused(text, 100, 200), 64 + 92);
	ck_assert_uint_eq(reused(text, 127, 128), 64);
	/* other texts: after a while, at once, and with a block in another place */
	memcpy(other, text, sizeof(text));
	other[100] = (other[100] + 1) % SMALL_VOCAB;
	ck_assert_uint_eq(reused(other, 0, 200), 64);
	ck_assert_uint_eq(reused(other, 0, 200), 192);
	memcpy(other, text, sizeof(text));
	other[0] = (other[0] + 1) % SMALL_VOCAB;
	ck_assert_uint_eq(reused(other, 0, 200), 0);
	memcpy(other, text + 64, 128 * sizeof(*text));
	ck_assert_uint_eq(reused(other, 0, 128), 0);
}
END_TEST

/* Token by token nothing is looked for, and what is filled is known. */
START_TEST(decoded)
{
	struct ctrans_session *s = open_session(model);
	uint32_t text[LONG];

	make_text(text, LONG, 2);
	for (uint32_t i = 0; i < 130; i++)
		MUST(!ctrans_session_eval(s, text + i, 1, NULL));
	ck_assert_uint_eq(usage_of(s).reused_tokens, 0);
	/* while it is open, too */
	ck_assert_uint_eq(reused(text, 0, 200), 128);
	/* known blocks are not written: what others found stays */
	MUST(!ctrans_session_truncate(s, 70));
	MUST(!ctrans_session_eval(s, text, 100, NULL));
	ck_assert_uint_eq(reused(text, 0, 200), 192);
	ctrans_session_close(s);
}
END_TEST

/* What a program brings with it is its own affair. */
START_TEST(imported)
{
	struct ctrans_model *plain = open_model(0, false);
	struct ctrans_session *s = open_session(plain), *restored;
	uint32_t text[LONG];
	size_t len;
	void *data;

	make_text(text, LONG, 3);
	MUST(!ctrans_session_eval(s, text, 100, NULL));
	MUST(ctrans_session_export(s, NULL, 0, &len) == -E2BIG);
	data = malloc(len);
	MUST(!ctrans_session_export(s, data, len, &len));
	MUST(!ctrans_session_import(model, data, len, &restored));
	MUST(!ctrans_session_eval(restored, text + 100, 100, NULL));
	ck_assert_uint_eq(reused(text, 0, 200), 0);
	/* from its beginning again it is like any other */
	MUST(!ctrans_session_truncate(restored, 0));
	MUST(!ctrans_session_eval(restored, text, 200, NULL));
	ck_assert_uint_eq(usage_of(restored).reused_tokens, 192);
	ctrans_session_close(restored);
	ctrans_session_close(s);
	ctrans_model_close(plain);
	free(data);
}
END_TEST

/* An earlier release's program has room for less. */
START_TEST(old_size)
{
	struct ctrans_session *s = open_session(model);
	struct ctrans_usage u;
	struct ctrans_score score;
	uint32_t text[LONG];
	size_t first = offsetof(struct ctrans_usage, reused_tokens);

	make_text(text, LONG, 4);
	memset(&u, 0x55, sizeof(u));
	MUST(!ctrans_session_usage(s, &u, first));
	ck_assert_uint_eq(u.size, first);
	ck_assert_uint_eq(u.reused_tokens, 0x55555555);
	ck_assert_int_eq(ctrans_session_usage(s, &u, first - 1), -EINVAL);
	first += offsetof(struct ctrans_score, usage);
	memset(&score, 0x55, sizeof(score));
	MUST(!ctrans_score_tokens(model, text, LONG, 0, 0, NULL, NULL, &score, first));
	ck_assert_uint_eq(score.size, first);
	ck_assert_uint_eq(score.usage.size, offsetof(struct ctrans_usage, reused_tokens));
	ck_assert_uint_eq(score.usage.reused_tokens, 0x55555555);
	ctrans_session_close(s);
}
END_TEST

/* Scoring runs everything, each time, and leaves nothing behind. */
START_TEST(scored)
{
	struct ctrans_score one, two;
	uint32_t text[LONG];

	make_text(text, LONG, 5);
	MUST(!ctrans_score_tokens(model, text, LONG, 0, 0, NULL, NULL, &one,
				  sizeof(one)));
	ck_assert_uint_eq(reused(text, 0, 200), 0);
	MUST(!ctrans_score_tokens(model, text, LONG, 0, 0, NULL, NULL, &two,
				  sizeof(two)));
	ck_assert_uint_eq(two.usage.reused_tokens, 0);
	ck_assert(one.nll == two.nll);
	ck_assert(!memcmp(one.usage.kind, two.usage.kind, sizeof(one.usage.kind)));
}
END_TEST

/* ---- The same with and without ------------------------------------------- */

#define PAIRS	8u

struct pair {
	struct ctrans_session *s[2];
	uint32_t n;
};

static uint64_t state;

static uint32_t rnd(uint32_t n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % n;
}

static void compare(struct pair *p, uint32_t vocab, const uint32_t *tokens,
		    uint32_t n)
{
	float *logits[2];

	for (int i = 0; i < 2; i++) {
		logits[i] = malloc(vocab * sizeof(float));
		MUST(!ctrans_session_eval(p->s[i], tokens, n, logits[i]));
	}
	MUST(!memcmp(logits[0], logits[1], vocab * sizeof(float)));
	free(logits[0]);
	free(logits[1]);
	p->n += n;
}

/* Texts of a few beginnings, in two models of which one shares. */
START_TEST(same)
{
	struct ctrans_model *m[2] = { open_model(_i, false), open_model(_i, true) };
	uint32_t vocab = vocab_of(m[0]), text[3][LONG], found = 0;
	struct pair pairs[PAIRS] = { 0 };

	state = 11;
	for (uint32_t k = 0; k < 3; k++)
		make_text(text[k], LONG, k / 2);
	text[1][90]++;
	for (int round = 0; round < (kinds[_i].demo ? 100 : 300); round++) {
		struct pair *p = &pairs[rnd(PAIRS)], *from = &pairs[rnd(PAIRS)];
		uint32_t n = 1 + rnd(rnd(2) ? 160 : 20), to = p->n ? rnd(p->n) : 0;

		for (int i = 0; i < 2 && !p->s[i]; i++) {
			p->n = from->n;
			if (!from->s[i])
				p->s[i] = open_session(m[i]);
			else
				MUST(!ctrans_session_fork(from->s[i], &p->s[i]));
		}
		if (rnd(4) == 0) {
			found += usage_of(p->s[1]).reused_tokens;
			ck_assert_uint_eq(usage_of(p->s[0]).reused_tokens, 0);
			ctrans_session_close(p->s[0]);
			ctrans_session_close(p->s[1]);
			*p = (struct pair){ 0 };
			continue;
		}
		if (rnd(3) == 0 || p->n + n > LONG) {
			for (int i = 0; i < 2; i++)
				MUST(!ctrans_session_truncate(p->s[i], to));
			p->n = to;
		}
		if (p->n + n <= LONG)
			compare(p, vocab, text[rnd(3)] + p->n, n);
	}
	for (uint32_t k = 0; k < PAIRS; k++) {
		if (pairs[k].s[1])
			found += usage_of(pairs[k].s[1]).reused_tokens;
		ctrans_session_close(pairs[k].s[0]);
		ctrans_session_close(pairs[k].s[1]);
	}
	ck_assert_uint_gt(found, 500);
	ctrans_model_close(m[0]);
	ctrans_model_close(m[1]);
}
END_TEST

static struct ctrans_result *generate(struct ctrans_model *m, const char *prompt)
{
	struct ctrans_generate_params p;
	struct ctrans_result *r;

	ctrans_generate_params_init(&p, sizeof(p));
	p.max_tokens = 24;
	p.seed = 3;
	if (ctrans_generate(m, prompt, &p, &r))
		ck_abort_msg("%s", ctrans_message());
	return r;
}

START_TEST(generated)
{
	struct ctrans_model *shares = open_model(_i, true), *plain = open_model(_i, false);
	char longer[sizeof(calibration) + 40];

	snprintf(longer, sizeof(longer), "%s And then?", calibration);
	for (int k = 0; k < 3; k++) {
		const char *prompt = k == 2 ? longer : calibration;
		struct ctrans_result *a = generate(plain, prompt);
		struct ctrans_result *b = generate(shares, prompt);

		ck_assert_str_eq(a->text, b->text);
		ck_assert_uint_eq(a->usage.prompt_tokens, b->usage.prompt_tokens);
		ck_assert_uint_eq(a->usage.reused_tokens, 0);
		if (k) {
			ck_assert_uint_ge(b->usage.reused_tokens, 64);
			ck_assert_uint_lt(b->usage.prefill.cycles,
					  a->usage.prefill.cycles);
		} else {
			ck_assert(!memcmp(&a->usage.prefill, &b->usage.prefill,
					  sizeof(a->usage.prefill)));
		}
		ck_assert(!memcmp(&a->usage.decode, &b->usage.decode,
				  sizeof(a->usage.decode)));
		ctrans_result_free(a);
		ctrans_result_free(b);
	}
	ctrans_model_close(shares);
	ctrans_model_close(plain);
}
END_TEST

/* ---- Forks ----------------------------------------------------------------- */

static int fork_busy(void *arg, const char *text, size_t len)
{
	struct ctrans_session *copy = arg;

	(void)text;
	(void)len;
	ck_assert_int_eq(ctrans_session_fork(arg, &copy), -EBUSY);
	ck_assert_ptr_null(copy);
	return 0;
}

/* A fork goes on as if it were the original, a token not yet run included. */
START_TEST(forked)
{
	struct ctrans_model *m = open_model(DEMO, true);
	struct ctrans_session *s = open_session(m), *copy, *second;
	struct ctrans_generate_params p;
	struct ctrans_result *r[3];

	ctrans_generate_params_init(&p, sizeof(p));
	p.max_tokens = 9;
	p.ignore_eos = 1;
	p.text_fn = fork_busy;
	p.arg = s;
	MUST(!ctrans_session_generate(s, calibration, &p, &r[0]));
	ctrans_result_free(r[0]);
	p.text_fn = NULL;

	ck_assert_int_eq(ctrans_session_fork(s, &copy), 0);
	ck_assert_int_eq(ctrans_session_fork(copy, &second), 0);
	ck_assert_uint_eq(ctrans_session_position(copy), ctrans_session_position(s));
	ck_assert_uint_eq(usage_of(copy).prompt_tokens, 0);
	ck_assert_uint_eq(usage_of(copy).prefill.cycles, 0);
	MUST(!ctrans_session_generate(copy, " Now", &p, &r[0]));
	MUST(!ctrans_session_generate(s, " Now", &p, &r[1]));
	ctrans_session_close(s);
	ctrans_session_close(copy);
	MUST(!ctrans_session_generate(second, " Now", &p, &r[2]));
	for (int i = 1; i < 3; i++)
		ck_assert_str_eq(r[0]->text, r[i]->text);
	for (int i = 0; i < 3; i++)
		ctrans_result_free(r[i]);
	ctrans_session_close(second);

	copy = s;
	ck_assert_int_eq(ctrans_session_fork(NULL, &copy), -EINVAL);
	ck_assert_ptr_null(copy);
	s = open_session(m);
	ck_assert_int_eq(ctrans_session_fork(s, NULL), -EINVAL);
	/* of one that holds nothing */
	ck_assert_int_eq(ctrans_session_fork(s, &copy), 0);
	ck_assert_uint_eq(ctrans_session_position(copy), 0);
	ctrans_session_close(copy);
	ctrans_session_close(s);
	ctrans_model_close(m);
}
END_TEST

/* ---- Threads ---------------------------------------------------------------- */

#define THREADS	6
#define TEXTS	3u

static uint32_t texts[TEXTS][LONG];
static float after[TEXTS][LONG + 1][SMALL_VOCAB];
static atomic_uint taken_over;

static void check_eval(struct ctrans_session *s, uint32_t k, uint32_t to)
{
	uint32_t from = ctrans_session_position(s);
	float logits[SMALL_VOCAB];

	MUST(!ctrans_session_eval(s, texts[k] + from, to - from, logits));
	MUST(!memcmp(logits, after[k][to], sizeof(logits)));
}

static void *work(void *arg)
{
	uint64_t x = 99 + (uintptr_t)arg;

	for (int round = 0; round < 25; round++) {
		struct ctrans_session *s = open_session(model), *copy;
		uint32_t k, a, b;

		x = x * 6364136223846793005u + 1442695040888963407u;
		k = (uint32_t)(x >> 33) % TEXTS;
		a = 1 + (uint32_t)(x >> 36) % (LONG - 1);
		b = a + 1 + (uint32_t)(x >> 45) % (LONG - a);
		check_eval(s, k, a);
		MUST(!ctrans_session_fork(s, &copy));
		check_eval(copy, k, b);
		MUST(!ctrans_session_truncate(copy, a / 2));
		check_eval(s, k, b);
		check_eval(copy, k, a);
		atomic_fetch_add(&taken_over, usage_of(s).reused_tokens);
		ctrans_session_close(s);
		ctrans_session_close(copy);
	}
	return NULL;
}

START_TEST(threads)
{
	struct ctrans_model *plain = open_model(0, false);
	pthread_t thread[THREADS];

	for (uint32_t k = 0; k < TEXTS; k++) {
		struct ctrans_session *s = open_session(plain);

		make_text(texts[k], LONG, k / 2);
		if (k == 1)
			texts[k][150] = (texts[k][150] + 1) % SMALL_VOCAB;
		for (uint32_t i = 0; i < LONG; i++)
			MUST(!ctrans_session_eval(s, texts[k] + i, 1,
						  after[k][i + 1]));
		ctrans_session_close(s);
	}
	ctrans_model_close(plain);
	for (uintptr_t i = 0; i < THREADS; i++)
		MUST(!pthread_create(&thread[i], NULL, work, (void *)i));
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	ck_assert_uint_gt(taken_over, 1000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("prefix");
	TCase *t = tcase_create("prefix"), *whole = tcase_create("whole");
	SRunner *r;
	int failed;

	small_model();
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, counts);
	tcase_add_test(t, decoded);
	tcase_add_test(t, imported);
	tcase_add_test(t, old_size);
	tcase_add_test(t, scored);
	tcase_add_test(t, threads);
	suite_add_tcase(s, t);
	tcase_set_timeout(whole, 120);
	tcase_add_loop_test(whole, same, 0, KINDS);
	tcase_add_loop_test(whole, generated, DEMO, KINDS);
	tcase_add_test(whole, forked);
	suite_add_tcase(s, whole);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
