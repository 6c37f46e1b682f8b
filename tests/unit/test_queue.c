// SPDX-License-Identifier: MIT
/* Queues one thing at a time, over a core without chip. */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctrans.h"
#include "fake_core.h"

static struct ctrans_model *model;
static struct ctrans_queue *queue;
static struct ctrans_queue_params qp;
static struct ctrans_generate_params params;

static void setup(void)
{
	fake_reset();
	fake.context = 200;
	ck_assert_int_eq(ctrans_model_open("fake", NULL, &model), 0);
	ctrans_queue_params_init(&qp, sizeof(qp));
	ctrans_generate_params_init(&params, sizeof(params));
	params.max_tokens = 20;
	ck_assert_int_eq(ctrans_queue_open(model, NULL, &queue), 0);
}

static void teardown(void)
{
	ck_assert_int_eq(ctrans_queue_close(queue), 0);
	ctrans_model_close(model);
	ck_assert_uint_eq(fake.open_seqs, 0);
	ck_assert_uint_eq(fake.held, 0);
}

/* Another queue, as @qp says. */
static void reopen(void)
{
	ck_assert_int_eq(ctrans_queue_close(queue), 0);
	ck_assert_int_eq(ctrans_queue_open(model, &qp, &queue), 0);
}

static void says(const char *words)
{
	ck_assert_msg(strstr(ctrans_message(), words), "\"%s\" in \"%s\"",
		      words, ctrans_message());
}

static struct ctrans_request *submit(const char *prompt, void *data)
{
	struct ctrans_request *r;

	ck_assert_int_eq(ctrans_submit(queue, NULL, prompt, &params, data, &r),
			 0);
	return r;
}

/* Wait, compare with what a call alone gives, free. */
static void check_text(struct ctrans_request *r, const char *prompt)
{
	struct ctrans_result *got, *want;
	unsigned long room = fake.room;

	ck_assert_int_eq(ctrans_request_wait(r, -1), 0);
	ck_assert_int_eq(ctrans_request_result(r, &got), 0);
	fake.room = 0;
	ck_assert_int_eq(ctrans_generate(model, prompt, &params, &want), 0);
	fake.room = room;
	ck_assert_str_eq(got->text, want->text);
	ck_assert_int_eq(got->finish, want->finish);
	ck_assert_uint_eq(got->n_tokens, want->n_tokens);
	ctrans_result_free(got);
	ctrans_result_free(want);
	ctrans_request_free(r);
}

static int readable(int timeout_ms)
{
	struct pollfd p = { .fd = ctrans_queue_fd(queue), .events = POLLIN };

	return poll(&p, 1, timeout_ms);
}

START_TEST(test_reap)
{
	struct ctrans_request *r[3], *got;
	struct ctrans_result *result;
	int i, words[3];

	ck_assert_int_eq(ctrans_reap(queue, &got), -EAGAIN);
	ck_assert_ptr_null(got);
	ck_assert_int_eq(readable(0), 0);
	for (i = 0; i < 3; i++)
		r[i] = submit("Once", &words[i]);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(ctrans_request_wait(r[i], -1), 0);
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(readable(0), 1);
		ck_assert_int_eq(ctrans_reap(queue, &got), 0);
		/* The same length, begun in this order. */
		ck_assert_ptr_eq(got, r[i]);
		ck_assert_ptr_eq(ctrans_request_data(got), &words[i]);
		ck_assert_int_eq(ctrans_request_result(got, &result), 0);
		ck_assert_uint_eq(result->n_tokens, 20);
		ck_assert_uint_eq(result->usage.prompt_tokens, 4);
		ck_assert_uint_eq(result->usage.decode.cycles, 19 * 100);
		ctrans_result_free(result);
		ck_assert_int_eq(ctrans_request_result(got, &result), -EINVAL);
		says("given once");
		ctrans_request_free(got);
	}
	ck_assert_int_eq(readable(0), 0);
	ck_assert_int_eq(ctrans_reap(queue, &got), -EAGAIN);
	/* They were written together. */
	ck_assert_uint_lt(fake.steps, 3 * 20);

	/* Freed instead of reaped, which is as good. */
	ctrans_request_free(submit("Once", NULL));
	got = submit("Once", NULL);
	ck_assert_int_eq(readable(10000), 1);
	check_text(got, "Once");
	ck_assert_int_eq(readable(0), 0);
}
END_TEST

START_TEST(test_refused)
{
	struct ctrans_session *s, *other;
	struct ctrans_model *second;
	struct ctrans_request *r;
	struct ctrans_result *result;
	struct ctrans_queue *q;
	char longer[300];

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(ctrans_submit(queue, NULL, longer, NULL, NULL, &r),
			 -E2BIG);
	says("the context is 200");
	ck_assert_ptr_null(r);
	ck_assert_int_eq(ctrans_submit(queue, NULL, NULL, NULL, NULL, &r),
			 -EINVAL);
	params.temperature = -1;
	ck_assert_int_eq(ctrans_submit(queue, NULL, "x", &params, NULL, &r),
			 -EINVAL);
	says("temperature");
	ck_assert_int_eq(ctrans_submit(NULL, NULL, "x", NULL, NULL, &r), -EINVAL);
	ck_assert_int_eq(ctrans_submit(queue, NULL, "x", NULL, NULL, NULL),
			 -EINVAL);
	ck_assert_int_eq(ctrans_reap(queue, NULL), -EINVAL);
	ck_assert_int_eq(ctrans_reap(NULL, &r), -EINVAL);
	ck_assert_int_eq(ctrans_request_wait(NULL, 0), -EINVAL);
	ck_assert_int_eq(ctrans_request_result(NULL, &result), -EINVAL);
	ck_assert_int_eq(ctrans_queue_fd(NULL), -EINVAL);
	ck_assert_int_eq(ctrans_queue_close(NULL), 0);
	ck_assert_ptr_null(ctrans_request_data(NULL));
	ctrans_cancel(NULL);
	ctrans_request_free(NULL);

#define WRONG(field, value, words) do { \
		ctrans_queue_params_init(&qp, sizeof(qp)); \
		qp.field = value; \
		ck_assert_int_eq(ctrans_queue_open(model, &qp, &q), -EINVAL); \
		says(words); \
		ck_assert_ptr_null(q); \
	} while (0)
	WRONG(depth, 0, "depth is 0");
	WRONG(depth, 4097, "depth is 4097");
	WRONG(active, 0, "active is 0");
	WRONG(active, 257, "active is 257");
	WRONG(size, 3, "ctrans_queue_params_init()");
#undef WRONG
	ck_assert_int_eq(ctrans_queue_open(NULL, NULL, &q), -EINVAL);
	ck_assert_int_eq(ctrans_queue_open(model, NULL, NULL), -EINVAL);
	fake.no_bpe = true;
	ck_assert_int_eq(ctrans_model_open("fake", NULL, &second), 0);
	/* which takes prompts of tokens */
	ck_assert_int_eq(ctrans_queue_open(second, NULL, &q), 0);
	ck_assert_int_eq(ctrans_submit(q, NULL, "x", NULL, NULL, &r), -ENOTSUP);
	ck_assert_int_eq(ctrans_queue_close(q), 0);
	fake.no_weights = true;
	ck_assert_int_eq(ctrans_queue_open(model, NULL, &q), -ENOTSUP);
	fake.no_weights = false;

	/* Nothing stays behind of what was refused, nor in use. */
	ck_assert_int_eq(ctrans_session_open(second, &other), 0);
	ck_assert_int_eq(ctrans_submit(queue, other, "x", NULL, NULL, &r),
			 -EINVAL);
	says("another model");
	ctrans_session_close(other);
	ctrans_model_close(second);
	ck_assert_int_eq(ctrans_session_open(model, &s), 0);
	ck_assert_int_eq(ctrans_submit(queue, s, longer, NULL, NULL, &r),
			 -E2BIG);
	ck_assert_uint_eq(ctrans_session_position(s), 0);
	ck_assert_int_eq(ctrans_session_truncate(s, 0), 0);
	ctrans_session_close(s);
	ck_assert_uint_eq(fake.open_seqs, 0);
	ck_assert_uint_eq(fake.steps, 0);
}
END_TEST

START_TEST(test_depth)
{
	struct ctrans_request *r[4], *got;

	qp.depth = 3;
	qp.active = 1;
	reopen();
	fake_sleep(200);
	r[0] = submit("a", NULL);
	r[1] = submit("b", NULL);
	r[2] = submit("c", NULL);
	ck_assert_int_eq(ctrans_submit(queue, NULL, "d", NULL, NULL, &r[3]),
			 -EAGAIN);
	says("holds 3 requests");
	/* Not by finishing alone. */
	ck_assert_int_eq(ctrans_request_wait(r[2], -1), 0);
	ck_assert_int_eq(ctrans_submit(queue, NULL, "d", NULL, NULL, &r[3]),
			 -EAGAIN);
	ck_assert_int_eq(ctrans_reap(queue, &got), 0);
	ck_assert_ptr_eq(got, r[0]);
	r[3] = submit("d", NULL);
	check_text(r[1], "b");
	check_text(r[0], "a");
	ck_assert_int_eq(ctrans_request_wait(r[3], -1), 0);
	ck_assert_int_eq(ctrans_reap(queue, &got), 0);
	ck_assert_ptr_eq(got, r[2]);
}
END_TEST

START_TEST(test_wait)
{
	struct ctrans_request *r, *more;
	struct ctrans_result *result;

	fake_sleep(20000);
	r = submit("Once", NULL);
	ck_assert_int_eq(ctrans_request_result(r, &result), -EINPROGRESS);
	ck_assert_ptr_null(result);
	ck_assert_int_eq(ctrans_request_wait(r, 0), -ETIMEDOUT);
	ck_assert_int_eq(ctrans_request_wait(r, 30), -ETIMEDOUT);
	says("after 30 ms");
	/* What has just begun is canceled soon. */
	params.max_tokens = 0;
	more = submit("a text of some length", NULL);
	fake_sleep(0);
	ctrans_cancel(more);
	ctrans_cancel(more);
	ck_assert_int_eq(ctrans_request_wait(more, 10000), 0);
	ck_assert_int_eq(ctrans_request_result(more, &result), 0);
	ck_assert_int_eq(result->finish, CTRANS_FINISH_CANCELED);
	ck_assert_uint_lt(result->n_tokens, 100);
	ctrans_result_free(result);
	ctrans_request_free(more);
	params.max_tokens = 20;
	check_text(r, "Once");
}
END_TEST

/* A session is the request's until it has finished, and goes on from there. */
START_TEST(test_session)
{
	struct ctrans_session *s, *alone;
	struct ctrans_result *got, *want;
	struct ctrans_request *r;
	uint32_t token = 5;
	int i;

	ck_assert_int_eq(ctrans_session_open(model, &s), 0);
	ck_assert_int_eq(ctrans_session_open(model, &alone), 0);
	for (i = 0; i < 3; i++) {
		fake_sleep(2000);
		ck_assert_int_eq(ctrans_submit(queue, s, "more", &params, NULL,
					       &r), 0);
		ck_assert_int_eq(ctrans_session_eval(s, &token, 1, NULL),
				 -EBUSY);
		ck_assert_int_eq(ctrans_submit(queue, s, "x", &params, NULL,
					       &r), -EBUSY);
		fake_sleep(0);
		while (ctrans_reap(queue, &r) == -EAGAIN)
			readable(-1);
		ck_assert_int_eq(ctrans_request_result(r, &got), 0);
		ctrans_request_free(r);
		ck_assert_int_eq(ctrans_session_generate(alone, "more", &params,
							 &want), 0);
		ck_assert_str_eq(got->text, want->text);
		ck_assert_uint_eq(ctrans_session_position(s),
				  ctrans_session_position(alone));
		ctrans_result_free(got);
		ctrans_result_free(want);
	}
	ctrans_session_close(s);
	ctrans_session_close(alone);
}
END_TEST

/* A session closed while a request has it goes with the request. */
START_TEST(test_session_closed)
{
	struct ctrans_session *s;
	struct ctrans_request *r;
	int i;

	params.max_tokens = 0;
	params.ignore_eos = 1;
	for (i = 0; i < 8; i++) {
		fake_sleep(3000);
		ck_assert_int_eq(ctrans_session_open(model, &s), 0);
		ck_assert_int_eq(ctrans_submit(queue, s, "more", &params, NULL,
					       &r), 0);
		usleep(i % 4 * 2000);
		if (i < 4)
			ctrans_request_free(r);
		ctrans_session_close(s);
		fake_sleep(0);
		if (i < 4)
			continue;
		check_text(r, "more");
		while (fake_open_seqs())
			usleep(1000);
	}
}
END_TEST

/* One that fails fails alone, with a sentence, as often as it is asked. */
START_TEST(test_fault)
{
	struct ctrans_request *bad, *good;
	struct ctrans_result *result;
	int i;

	params.temperature = 0;
	fake.script = "abcdefghijklmnopqrstuvwxyz";
	fake.script_from = 4;
	fake_sleep(500);
	good = submit("Once", NULL);
	fake.poison = 7;
	bad = submit("\007nce", NULL);
	ck_assert_int_eq(ctrans_request_wait(bad, -1), 0);
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(ctrans_request_result(bad, &result), -EIO);
		says("the step failed");
		ck_assert_ptr_null(result);
	}
	ctrans_request_free(bad);
	check_text(good, "Once");
}
END_TEST

/* Memory for the keys and values of some of them at once. */
START_TEST(test_memory)
{
	struct ctrans_request *r[12], *large;
	struct ctrans_result *result;
	char prompt[12][16];
	size_t i;

	params.max_tokens = 30;
	fake.room = 90;
	for (i = 0; i < 12; i++) {
		snprintf(prompt[i], sizeof(prompt[i]), "prompt %zu", i);
		params.priority = (int32_t)(i % 3);
		r[i] = submit(prompt[i], NULL);
	}
	/* Alone it has no room either. */
	params.max_tokens = 150;
	params.ignore_eos = 1;
	large = submit("large", NULL);
	params.ignore_eos = 0;
	params.max_tokens = 30;
	ck_assert_int_eq(ctrans_request_wait(large, -1), 0);
	ck_assert_int_eq(ctrans_request_result(large, &result), -ENOMEM);
	ctrans_request_free(large);
	for (i = 0; i < 12; i++)
		ck_assert_int_eq(ctrans_request_wait(r[i], -1), 0);
	for (i = 0; i < 12; i++)
		check_text(r[i], prompt[i]);
	fake.room = 0;
}
END_TEST

/* ---- The callback ----------------------------------------------------------- */

static struct {
	int left, done, canceled;
	struct ctrans_session *session;
} chain;

static void on_done(void *arg, struct ctrans_request *r)
{
	struct ctrans_request *next;
	struct ctrans_result *result;
	int ret;

	ck_assert_ptr_eq(arg, &chain);
	ck_assert_int_eq(ctrans_queue_close(queue), -EBUSY);
	ck_assert_int_eq(ctrans_request_wait(r, -1), 0);
	ck_assert_int_eq(ctrans_request_result(r, &result), 0);
	chain.canceled += result->finish == CTRANS_FINISH_CANCELED;
	ctrans_result_free(result);
	ctrans_request_free(r);
	__atomic_add_fetch(&chain.done, 1, __ATOMIC_SEQ_CST);
	if (!chain.left)
		return;
	chain.left--;
	/* At full depth: its own place is free. */
	ret = ctrans_submit(queue, NULL, "next", &params, NULL, &next);
	ck_assert(ret == 0 || ret == -ECANCELED);
	if (!ret)
		ck_assert_int_eq(ctrans_request_wait(next, -1), -EBUSY);
}

START_TEST(test_done)
{
	struct ctrans_request *r;
	int i;

	qp.depth = 4;
	qp.done = on_done;
	qp.arg = &chain;
	chain.left = 50;
	reopen();
	for (i = 0; i < 4; i++)
		submit("first", NULL);
	while (__atomic_load_n(&chain.done, __ATOMIC_SEQ_CST) < 54)
		usleep(1000);
	ck_assert_int_eq(ctrans_reap(queue, &r), -EINVAL);
	says("callback");
	ck_assert_int_eq(readable(0), 0);
	ck_assert_int_eq(chain.canceled, 0);

	/* The close hands out what it cancels. */
	fake_sleep(1000);
	chain.left = 1000;
	for (i = 0; i < 4; i++)
		submit("last", NULL);
	ck_assert_int_eq(ctrans_queue_close(queue), 0);
	ck_assert_int_ge(chain.canceled, 4);
	qp.done = NULL;
	ck_assert_int_eq(ctrans_queue_open(model, &qp, &queue), 0);
}
END_TEST

/* The place may not have been set yet. */
static int free_self(void *arg, uint32_t token)
{
	struct ctrans_request *r = __atomic_exchange_n(
		(struct ctrans_request **)arg, NULL, __ATOMIC_SEQ_CST);

	(void)token;
	ctrans_request_free(r);
	return 0;
}

/* Freed while it runs, by its own callback at the worst. */
START_TEST(test_free)
{
	struct ctrans_request *r[8], *own = NULL, *got;
	int i;

	params.max_tokens = 0;
	params.ignore_eos = 1;
	fake_sleep(3000);
	qp.active = 4;
	qp.depth = 9;
	reopen();
	for (i = 0; i < 8; i++)
		r[i] = submit("Once", NULL);
	usleep(10000);
	for (i = 0; i < 8; i += 2)
		ctrans_request_free(r[i]);
	for (i = 1; i < 8; i += 2)
		ctrans_cancel(r[i]);
	for (i = 0; i < 4; i++) {
		while (ctrans_reap(queue, &got) == -EAGAIN)
			readable(-1);
		/* Nobody hears of those that were freed. */
		ck_assert(got == r[1] || got == r[3] || got == r[5] ||
			  got == r[7]);
		ctrans_request_free(got);
	}
	fake_sleep(100);
	params.token_fn = free_self;
	params.arg = &own;
	got = submit("own", NULL);
	__atomic_store_n(&own, got, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&own, __ATOMIC_SEQ_CST))
		usleep(1000);
	while (fake_open_seqs())
		usleep(1000);
	ck_assert_int_eq(readable(0), 0);
}
END_TEST

START_TEST(test_close)
{
	struct ctrans_request *r;
	int i;

	params.max_tokens = 0;
	params.ignore_eos = 1;
	fake_sleep(1000);
	for (i = 0; i < 64; i++)
		r = submit("Once", NULL);
	ck_assert_int_eq(ctrans_submit(queue, NULL, "x", NULL, NULL, &r),
			 -EAGAIN);
	usleep(5000 * _i);
	reopen();
	ck_assert_uint_eq(fake.open_seqs, 0);
	ck_assert_uint_lt(fake.steps, 64);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue");
	TCase *tc = tcase_create("queue");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_reap);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_depth);
	tcase_add_test(tc, test_wait);
	tcase_add_test(tc, test_session);
	tcase_add_test(tc, test_session_closed);
	tcase_add_test(tc, test_fault);
	tcase_add_test(tc, test_memory);
	tcase_add_test(tc, test_done);
	tcase_add_test(tc, test_free);
	tcase_add_loop_test(tc, test_close, 0, 3);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
