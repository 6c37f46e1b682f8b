// SPDX-License-Identifier: MIT
/*
 * Texts written with a little model over a core without chip, whose logits show
 * each token too many or too few in a sequence: the same as without, and drafts
 * of a little model that never errs all stand, which they could not if either
 * model's sequence held something else than the text.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrans.h"
#include "engine/session.h"
#include "fake_core.h"

static struct ctrans_model *alone, *pair;

static struct ctrans_model *open_model(const char *little)
{
	struct ctrans_model_params p;
	struct ctrans_model *model;

	ctrans_model_params_init(&p, sizeof(p));
	p.little = little;
	ck_assert_msg(!ctrans_model_open("fake", &p, &model), "%s",
		      ctrans_message());
	return model;
}

static void setup(void)
{
	fake_reset();
	fake.context = 120;
	alone = open_model(NULL);
	pair = open_model("fake");
}

static void teardown(void)
{
	ctrans_model_close(alone);
	ctrans_model_close(pair);
	ck_assert_uint_eq(fake.open_seqs, 0);
}

/* Greedy, and as many drafts as there can be. */
static void set_greedy(struct ctrans_generate_params *p)
{
	ctrans_generate_params_init(p, sizeof(*p));
	p->temperature = 0;
	p->fallback = 0;
}

static struct ctrans_result *write_text(struct ctrans_model *model,
					const char *prompt,
					const struct ctrans_generate_params *p)
{
	struct ctrans_result *r;

	ck_assert_msg(!ctrans_generate(model, prompt, p, &r), "%s",
		      ctrans_message());
	return r;
}

static void check_same(const struct ctrans_result *got,
		       const struct ctrans_result *want)
{
	ck_assert_uint_eq(got->n_tokens, want->n_tokens);
	ck_assert(!memcmp(got->tokens, want->tokens,
			  want->n_tokens * sizeof(*want->tokens)));
	ck_assert_str_eq(got->text, want->text);
	ck_assert_int_eq(got->finish, want->finish);
	ck_assert_uint_eq(got->usage.prompt_tokens, want->usage.prompt_tokens);
	ck_assert_uint_eq(got->usage.new_tokens, want->usage.new_tokens);
}

static void check_usage(const struct ctrans_usage *u)
{
	ck_assert_uint_le(u->accepted, u->drafted);
	/* each pass gives what stood, and one more */
	ck_assert_uint_le(u->new_tokens, u->accepted + u->passes);
	ck_assert_uint_ge(u->new_tokens, u->passes);
}

/* What any text asks for, from its number. */
static void choose_params(struct ctrans_generate_params *p, unsigned int i)
{
	static const float temperature[] = { 0, 0.4f, 0.8f, 2 };
	static const uint32_t top_k[] = { 40, 0, 3, 100 };
	static const float fallback[] = { 0, 0.05f, 0.6f };

	ctrans_generate_params_init(p, sizeof(*p));
	p->seed = i;
	p->temperature = temperature[i % 4];
	p->top_k = top_k[i / 4 % 4];
	p->repetition_penalty = i % 5 ? 1 : 1.3f;
	p->max_tokens = i % 7 ? i % 50 : 0;
	p->draft = i % 6 ? i % 20 : 64;
	p->fallback = fallback[i % 3];
	p->top_p = i % 2 ? 1 : 0.8f;
}

/* Little models from one that never errs to one that never does else. */
START_TEST(test_exact)
{
	struct ctrans_generate_params p;
	struct ctrans_result *got, *want;
	uint64_t drafted = 0, accepted = 0;
	char prompt[40];
	unsigned int i;

	fake.noise = (unsigned int)_i;
	for (i = 0; i < 400; i++) {
		choose_params(&p, i);
		/* what others have run is never a row that is to be verified */
		fake.known = i % 4;
		snprintf(prompt, sizeof(prompt), "%.*s%u", (int)i % 30,
			 "once upon a time there was a king", i);
		want = write_text(alone, prompt, &p);
		got = write_text(pair, prompt, &p);
		check_same(got, want);
		check_usage(&got->usage);
		ck_assert_uint_eq(want->usage.drafted, 0);
		ck_assert_uint_eq(want->usage.passes, want->n_tokens);
		drafted += got->usage.drafted;
		accepted += got->usage.accepted;
		ctrans_result_free(got);
		ctrans_result_free(want);
	}
	ck_assert_uint_gt(drafted, 1000);
	if (!_i)
		ck_assert_uint_eq(accepted, drafted);
	else
		ck_assert_uint_lt(accepted, drafted);
	ck_assert(_i == 100 || accepted > drafted / 100);
}
END_TEST

/* One pass for as many as were drafted and one more, none of them for nothing. */
START_TEST(test_passes)
{
	struct ctrans_generate_params p;
	struct ctrans_result *r;

	set_greedy(&p);
	p.max_tokens = 28;
	fake.steps = fake.little_steps = 0;
	r = write_text(pair, "abc", &p);
	/* the first token, then three times nine */
	ck_assert_uint_eq(r->usage.passes, 4);
	ck_assert_uint_eq(r->usage.drafted, 24);
	ck_assert_uint_eq(r->usage.accepted, 24);
	/* the prompt is read once, and each token drafted takes a step */
	ck_assert_uint_eq(fake.little_steps, 25);
	ck_assert_uint_eq(fake.steps - fake.little_steps, 4);
	/* three of the prompt twice, and rows of 27 tokens in either */
	ck_assert_uint_eq(r->usage.prefill.cycles, 600);
	ck_assert_uint_eq(r->usage.decode.cycles, 100 * (27 + 26));
	ctrans_result_free(r);

	p.max_tokens = 1;
	r = write_text(pair, "abc", &p);
	ck_assert_uint_eq(r->usage.drafted, 0);
	ctrans_result_free(r);
	p.max_tokens = 2;
	r = write_text(pair, "abc", &p);
	ck_assert_uint_eq(r->usage.drafted, 0);
	ck_assert_uint_eq(r->usage.passes, 2);
	ctrans_result_free(r);
	p.max_tokens = 20;
	p.draft = 0;
	r = write_text(pair, "abc", &p);
	ck_assert_uint_eq(r->usage.drafted, 0);
	ck_assert_uint_eq(r->usage.passes, 20);
	ctrans_result_free(r);
}
END_TEST

/* It stops drafting where it is not sure. */
START_TEST(test_fallback)
{
	struct ctrans_generate_params p;
	struct ctrans_result *r;

	set_greedy(&p);
	p.max_tokens = 20;
	p.fallback = 1;
	r = write_text(pair, "abc", &p);
	ck_assert_uint_eq(r->usage.drafted, 0);
	ctrans_result_free(r);
	/* of what the script says it is as sure as can be, and of nothing else */
	fake.script = "0123456789";
	fake.script_from = 3;
	r = write_text(pair, "abc", &p);
	ck_assert_str_eq(r->text, "0123456789");
	ck_assert_int_eq(r->finish, CTRANS_FINISH_EOS);
	ck_assert_uint_eq(r->usage.drafted, 8);
	ck_assert_uint_eq(r->usage.passes, 3);
	ctrans_result_free(r);
}
END_TEST

struct seen {
	uint32_t tokens[128];
	size_t n, stop_at;
	char text[256];
	int cancel;
};

static int on_token(void *arg, uint32_t token)
{
	struct seen *s = arg;

	s->tokens[s->n++] = token;
	return s->n == s->stop_at;
}

static int on_text(void *arg, const char *text, size_t len)
{
	struct seen *s = arg;

	strncat(s->text, text, len);
	return 0;
}

static int cancel_at(void *arg, uint32_t token)
{
	struct seen *s = arg;

	s->tokens[s->n++] = token;
	if (s->n == s->stop_at)
		s->cancel = 1;
	return 0;
}

/* In the middle of a draft a text ends as it would end alone, and goes on. */
static void end_and_go_on(const char *script, const char *stop, size_t stop_at,
			  ctrans_token_fn *fn, enum ctrans_finish finish)
{
	struct ctrans_model *models[] = { alone, pair };
	struct ctrans_generate_params p;
	struct ctrans_result *r[2], *more[2];
	struct seen seen[2];
	size_t i;

	fake.script = script;
	fake.script_from = 3;
	for (i = 0; i < 2; i++) {
		struct ctrans_session *s;

		memset(&seen[i], 0, sizeof(seen[i]));
		seen[i].stop_at = stop_at;
		set_greedy(&p);
		p.max_tokens = 40;
		p.stop = &stop;
		p.n_stop = stop != NULL;
		p.token_fn = fn;
		p.text_fn = on_text;
		p.cancel = &seen[i].cancel;
		p.arg = &seen[i];
		ck_assert_int_eq(ctrans_session_open(models[i], &s), 0);
		ck_assert_int_eq(ctrans_session_generate(s, "abc", &p, &r[i]), 0);
		ck_assert_int_eq(r[i]->finish, finish);
		ck_assert_str_eq(r[i]->text, seen[i].text);
		/* the chip has seen the text and nothing that is not in it */
		ck_assert_uint_eq(ct_seq_position(s->seq), s->ids.n - 1);
		ck_assert(!i || ct_seq_position(s->little) < s->ids.n);
		fake.script = NULL;
		set_greedy(&p);
		p.max_tokens = 20;
		ck_assert_int_eq(ctrans_session_generate(s, "", &p, &more[i]), 0);
		if (i)
			ck_assert_uint_eq(more[i]->usage.accepted,
					  more[i]->usage.drafted);
		ctrans_session_close(s);
		fake.script = script;
	}
	check_same(r[1], r[0]);
	check_same(more[1], more[0]);
	ck_assert_uint_gt(r[1]->usage.drafted, 0);
	ck_assert_uint_eq(seen[0].n, seen[1].n);
	ck_assert(!memcmp(seen[0].tokens, seen[1].tokens, sizeof(seen[0].tokens)));
	for (i = 0; i < 2; i++) {
		ctrans_result_free(r[i]);
		ctrans_result_free(more[i]);
	}
}

START_TEST(test_ends)
{
	static const char text[] = "one two three four five six seven";

	end_and_go_on(text, NULL, 0, on_token, CTRANS_FINISH_EOS);
	end_and_go_on(text, "three f", 0, on_token, CTRANS_FINISH_STOP);
	end_and_go_on(text, NULL, 13, on_token, CTRANS_FINISH_CANCELED);
	end_and_go_on(text, NULL, 13, cancel_at, CTRANS_FINISH_CANCELED);
	end_and_go_on("0123456789012345678901234567890123456789012345", NULL, 0,
		      on_token, CTRANS_FINISH_LENGTH);
}
END_TEST

START_TEST(test_context)
{
	struct ctrans_generate_params p;
	struct ctrans_result *got, *want;

	set_greedy(&p);
	p.max_tokens = 0;
	p.ignore_eos = 1;
	want = write_text(alone, "abc", &p);
	got = write_text(pair, "abc", &p);
	check_same(got, want);
	ck_assert_int_eq(got->finish, CTRANS_FINISH_CONTEXT);
	ck_assert_uint_eq(got->n_tokens, 117);
	ck_assert_uint_eq(got->usage.accepted, got->usage.drafted);
	ctrans_result_free(got);
	ctrans_result_free(want);
}
END_TEST

/* Forked, truncated and fed by hand: the little model follows. */
START_TEST(test_sessions)
{
	struct ctrans_model *models[] = { alone, pair };
	const uint32_t by_hand[] = { 'x', 'y', 'z' };
	struct ctrans_session *s, *copy;
	struct ctrans_result *r[2][4];
	struct ctrans_generate_params p;
	float logits[2][FAKE_VOCAB];
	size_t i, k;

	fake.noise = _i;
	set_greedy(&p);
	p.max_tokens = 17;
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(ctrans_session_open(models[i], &s), 0);
		ck_assert_int_eq(ctrans_session_generate(s, "abc", &p, &r[i][0]), 0);
		ck_assert_int_eq(ctrans_session_fork(s, &copy), 0);
		ck_assert_int_eq(ctrans_session_truncate(s, 11), 0);
		ck_assert_int_eq(ctrans_session_generate(s, "de", &p, &r[i][1]), 0);
		ck_assert_int_eq(ctrans_session_eval(s, by_hand, 3, NULL), 0);
		ck_assert_int_eq(ctrans_session_generate(s, "", &p, &r[i][2]), 0);
		ctrans_session_close(s);
		ck_assert_int_eq(ctrans_session_generate(copy, "fg", &p, &r[i][3]),
				 0);
		ck_assert_int_eq(ctrans_session_eval(copy, by_hand, 1, logits[i]),
				 0);
		ctrans_session_close(copy);
	}
	for (k = 0; k < 4; k++) {
		check_same(r[1][k], r[0][k]);
		check_usage(&r[1][k]->usage);
		if (!_i)
			ck_assert_uint_eq(r[1][k]->usage.accepted,
					  r[1][k]->usage.drafted);
		ctrans_result_free(r[0][k]);
		ctrans_result_free(r[1][k]);
	}
	ck_assert(!memcmp(logits[0], logits[1], sizeof(logits[0])));
}
END_TEST

/*
 * Each step fails once. For lack of memory while drafts are made or verified,
 * the text goes on without; else the session is as it was.
 */
START_TEST(test_failures)
{
	static const int codes[] = { -ENOMEM, -EIO };
	struct ctrans_generate_params p;
	struct ctrans_result *want, *r;
	struct ctrans_session *s;
	unsigned long n, lived = 0, died = 0;
	int ret;

	fake.noise = 20;
	set_greedy(&p);
	p.max_tokens = 40;
	want = write_text(alone, "abc", &p);
	for (n = 1; ; n++) {
		ck_assert_int_eq(ctrans_session_open(pair, &s), 0);
		fake.steps = 0;
		fake.fail_at = n;
		fake.fail_code = codes[_i];
		ret = ctrans_session_generate(s, "abc", &p, &r);
		fake.fail_at = 0;
		if (fake.steps < n)
			break;
		if (ret) {
			died++;
			ck_assert_int_eq(ret, codes[_i]);
			ck_assert_uint_eq(ctrans_session_position(s), 0);
			ck_assert_int_eq(ctrans_session_generate(s, "abc", &p, &r),
					 0);
		} else {
			lived++;
		}
		check_same(r, want);
		ctrans_result_free(r);
		ctrans_session_close(s);
	}
	ck_assert_int_eq(ret, 0);
	ctrans_result_free(r);
	ctrans_session_close(s);
	ctrans_result_free(want);
	/* the prompt's step cannot be done without, and those without a draft */
	ck_assert(_i ? !lived && died > 10 : lived > 10 && died && died < lived);
}
END_TEST

/* A little model that never has memory: as if it were not there. */
START_TEST(test_starved)
{
	struct ctrans_generate_params p;
	struct ctrans_result *got, *want;

	fake.little_fail = -ENOMEM;
	set_greedy(&p);
	want = write_text(alone, "abc", &p);
	got = write_text(pair, "abc", &p);
	check_same(got, want);
	ck_assert_uint_eq(got->usage.drafted, 0);
	ctrans_result_free(got);
	ctrans_result_free(want);
}
END_TEST

/* As published: what the model does not find too unlikely stands. */
START_TEST(test_rollback)
{
	struct ctrans_generate_params p;
	struct ctrans_result *r, *again, *strict;
	uint32_t accepted;

	fake.noise = 30;
	set_greedy(&p);
	p.max_tokens = 60;
	strict = write_text(pair, "abc", &p);
	/* nothing is that unlikely: the text is the little model's, but for what
	 * the model adds after each draft */
	p.rollback = 1000;
	r = write_text(pair, "abc", &p);
	ck_assert_uint_eq(r->usage.accepted, r->usage.drafted);
	ck_assert_str_ne(r->text, strict->text);
	again = write_text(pair, "abc", &p);
	ck_assert_str_eq(r->text, again->text);
	ctrans_result_free(again);
	accepted = r->usage.accepted;
	ctrans_result_free(r);

	/* The model gives its likeliest about one nat here, others more. */
	p.rollback = 3;
	r = write_text(pair, "abc", &p);
	ck_assert_uint_lt(r->usage.accepted, accepted);
	ck_assert_uint_lt(r->usage.accepted, r->usage.drafted);
	ctrans_result_free(r);

	/* Nothing is that likely: as strict, which it is without the switch. */
	p.rollback = 1e-9f;
	r = write_text(pair, "abc", &p);
	check_same(r, strict);
	ctrans_result_free(r);
	ctrans_result_free(strict);

	/* With a temperature, too, the random numbers go on where they were. */
	ctrans_generate_params_init(&p, sizeof(p));
	p.max_tokens = 60;
	p.fallback = 0;
	fake.noise = 0;
	strict = write_text(alone, "abc", &p);
	p.rollback = 1000;
	r = write_text(pair, "abc", &p);
	check_same(r, strict);
	ck_assert_uint_eq(r->usage.accepted, r->usage.drafted);
	ctrans_result_free(r);
	ctrans_result_free(strict);
}
END_TEST

START_TEST(test_short)
{
	struct ctrans_model_params p;
	struct ctrans_model *model;

	ctrans_model_params_init(&p, sizeof(p));
	p.little = "fake";
	fake.little_context = 119;
	ck_assert_int_eq(ctrans_model_open("fake", &p, &model), -EINVAL);
	ck_assert_ptr_nonnull(strstr(ctrans_message(),
		"little model fake: it has 119 positions and the model's context is 120"));
	fake.little_context = 121;
	ck_assert_int_eq(ctrans_model_open("fake", &p, &model), 0);
	ctrans_model_close(model);
}
END_TEST

START_TEST(test_params)
{
	struct ctrans_generate_params p;
	struct ctrans_result *r;

	ctrans_generate_params_init(&p, sizeof(p));
	ck_assert_uint_eq(p.draft, 8);
	ck_assert(p.fallback == 0.6f);
	ck_assert(p.rollback == 0);
	p.draft = 65;
	ck_assert_int_eq(ctrans_generate(pair, "a", &p, &r), -EINVAL);
	ck_assert_ptr_nonnull(strstr(ctrans_message(), "draft is 65"));
	p.draft = 64;
	p.fallback = 1.5f;
	ck_assert_int_eq(ctrans_generate(pair, "a", &p, &r), -EINVAL);
	ck_assert_ptr_nonnull(strstr(ctrans_message(), "fallback is 1.5"));
	p.fallback = 1;
	p.rollback = -1;
	ck_assert_int_eq(ctrans_generate(pair, "a", &p, &r), -EINVAL);
	ck_assert_ptr_nonnull(strstr(ctrans_message(), "rollback is -1"));
	/* a program that does not know of drafts has them nonetheless */
	ctrans_generate_params_init(&p, sizeof(p));
	p.size = offsetof(struct ctrans_generate_params, draft);
	p.temperature = 0;
	p.draft = 1000;
	fake.script = "0123456789";
	fake.script_from = 3;
	ck_assert_int_eq(ctrans_generate(pair, "abc", &p, &r), 0);
	ck_assert_str_eq(r->text, "0123456789");
	ck_assert_uint_gt(r->usage.drafted, 0);
	ctrans_result_free(r);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("draft");
	TCase *tc = tcase_create("draft");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 100);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_exact, 0, 1);
	tcase_add_loop_test(tc, test_exact, 15, 16);
	tcase_add_loop_test(tc, test_exact, 100, 101);
	tcase_add_test(tc, test_passes);
	tcase_add_test(tc, test_fallback);
	tcase_add_test(tc, test_ends);
	tcase_add_test(tc, test_context);
	tcase_add_loop_test(tc, test_sessions, 0, 1);
	tcase_add_loop_test(tc, test_sessions, 25, 26);
	tcase_add_loop_test(tc, test_failures, 0, 2);
	tcase_add_test(tc, test_starved);
	tcase_add_test(tc, test_rollback);
	tcase_add_test(tc, test_short);
	tcase_add_test(tc, test_params);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
