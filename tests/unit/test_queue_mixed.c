// SPDX-License-Identifier: MIT
/*
 * Many random texts through queues and from threads at the same time, some of
 * them canceled, with too little memory: each is what a call alone gives.
 */
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

#define TEXTS		300
#define THREADS		4
#define SESSIONS	8

struct text {
	char prompt[160];
	struct ctrans_generate_params params;
	const char *stop[2];
	char stops[2][4];
	struct ctrans_result *want;
};

static struct ctrans_model *model;
static struct text texts[TEXTS];
static uint64_t random_state;

static uint32_t any(uint32_t below)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % below;
}

static void make_text(struct text *t, size_t number)
{
	struct ctrans_generate_params *p = &t->params;
	static const float fallback[] = { 0, 0.1f, 0.6f };
	size_t len = any(8) ? 1 + any(20) : 1 + any(150), i;

	for (i = 0; i < len; i++)
		t->prompt[i] = (char)('a' + any(26));
	ctrans_generate_params_init(p, sizeof(*p));
	p->max_tokens = any(10) ? 1 + any(40) : 0;
	p->temperature = any(3) ? (float)any(20) / 10 : 0;
	p->top_k = any(60);
	p->top_p = any(2) ? 1 : 0.7f;
	p->repetition_penalty = any(3) ? 1 : 1.3f;
	p->seed = number;
	p->ignore_eos = any(2);
	p->priority = (int32_t)any(5) - 2;
	p->draft = any(12);
	p->fallback = fallback[any(3)];
	for (i = 0; i < 2; i++) {
		snprintf(t->stops[i], sizeof(t->stops[i]), "%c%c",
			 'a' + (int)any(26), 'a' + (int)any(26));
		t->stop[i] = t->stops[i];
	}
	p->stop = t->stop;
	p->n_stop = any(3);
	ck_assert_int_eq(ctrans_generate(model, t->prompt, p, &t->want), 0);
}

static void setup(void)
{
	size_t i;

	fake_reset();
	fake.context = 200;
	random_state = 42;
	ck_assert_int_eq(ctrans_model_open("fake", NULL, &model), 0);
	for (i = 0; i < TEXTS; i++)
		make_text(&texts[i], i);
}

/* The same texts again, as a model with a little one writes them. */
static void setup_little(void)
{
	struct ctrans_model_params p;

	setup();
	ctrans_model_close(model);
	ctrans_model_params_init(&p, sizeof(p));
	p.little = "fake";
	fake.noise = 30;
	ck_assert_int_eq(ctrans_model_open("fake", &p, &model), 0);
}

static void teardown(void)
{
	size_t i;

	for (i = 0; i < TEXTS; i++)
		ctrans_result_free(texts[i].want);
	ctrans_model_close(model);
	ck_assert_uint_eq(fake.open_seqs, 0);
}

/* Equal, or where it was canceled the beginning of it. */
static void compare(const struct ctrans_result *got,
		    const struct ctrans_result *want)
{
	if (got->finish != CTRANS_FINISH_CANCELED) {
		ck_assert_int_eq(got->finish, want->finish);
		ck_assert_uint_eq(got->n_tokens, want->n_tokens);
		ck_assert_str_eq(got->text, want->text);
		ck_assert_uint_eq(got->usage.prompt_tokens,
				  want->usage.prompt_tokens);
	}
	ck_assert_uint_le(got->n_tokens, want->n_tokens);
	ck_assert(!memcmp(got->tokens, want->tokens,
			  got->n_tokens * sizeof(*got->tokens)));
}

static void *call_alone(void *arg)
{
	size_t i, first = (size_t)(uintptr_t)arg;
	struct ctrans_result *r;

	for (i = first; i < TEXTS; i += THREADS) {
		ck_assert_int_eq(ctrans_generate(model, texts[i].prompt,
						 &texts[i].params, &r), 0);
		ck_assert_int_ne(r->finish, CTRANS_FINISH_CANCELED);
		compare(r, texts[i].want);
		ctrans_result_free(r);
	}
	return NULL;
}

static void reap_one(struct ctrans_queue *queue, size_t *canceled)
{
	struct pollfd p = { .fd = ctrans_queue_fd(queue), .events = POLLIN };
	struct ctrans_request *r;
	struct ctrans_result *result;
	struct text *t;

	while (ctrans_reap(queue, &r) == -EAGAIN)
		ck_assert_int_eq(poll(&p, 1, 30000), 1);
	t = ctrans_request_data(r);
	ck_assert_msg(!ctrans_request_result(r, &result), "%s",
		      ctrans_message());
	compare(result, t->want);
	*canceled += result->finish == CTRANS_FINISH_CANCELED;
	ctrans_result_free(result);
	ctrans_request_free(r);
}

/*
 * All texts through one queue, as many at once as it takes; of each @cancel one
 * is canceled, of each as many one is freed before it has finished.
 */
static void all_texts(struct ctrans_queue *queue, uint32_t cancel,
		      size_t *canceled)
{
	size_t i, left = 0, refused = 0;
	struct ctrans_request *r;
	int ret;

	*canceled = 0;
	for (i = 0; i < TEXTS; i++) {
		do {
			ret = ctrans_submit(queue, NULL, texts[i].prompt,
					    &texts[i].params, &texts[i], &r);
			ck_assert(ret == 0 || ret == -EAGAIN);
			if (ret) {
				refused++;
				reap_one(queue, canceled);
				left--;
			}
		} while (ret);
		left++;
		if (cancel && !any(cancel)) {
			usleep(any(1000));
			ctrans_cancel(r);
		} else if (cancel && !any(cancel)) {
			ctrans_request_free(r);
			left--;
		}
	}
	for (; left; left--)
		reap_one(queue, canceled);
	ck_assert_uint_gt(refused, 0);
}

static struct ctrans_queue *open_queue(uint32_t depth, uint32_t active)
{
	struct ctrans_queue_params p;
	struct ctrans_queue *queue;

	ctrans_queue_params_init(&p, sizeof(p));
	p.depth = depth;
	p.active = active;
	ck_assert_int_eq(ctrans_queue_open(model, &p, &queue), 0);
	return queue;
}

START_TEST(test_queue)
{
	static const uint32_t sizes[][2] = { { 1, 1 }, { 8, 3 }, { 100, 100 } };
	struct ctrans_queue *queue = open_queue(sizes[_i][0], sizes[_i][1]);
	size_t canceled;

	fake.steps = 0;
	all_texts(queue, 0, &canceled);
	ck_assert_uint_eq(canceled, 0);
	ck_assert_int_eq(ctrans_queue_close(queue), 0);
}
END_TEST

START_TEST(test_memory)
{
	struct ctrans_queue *queue = open_queue(40, 40);
	size_t canceled;

	/* For two of the longest. */
	fake.room = 400;
	all_texts(queue, 0, &canceled);
	ck_assert_uint_eq(canceled, 0);
	ck_assert_int_eq(ctrans_queue_close(queue), 0);
}
END_TEST

/* Threads that wait, a queue that cancels, and another beside it. */
START_TEST(test_mixed)
{
	struct ctrans_queue *queue = open_queue(20, 10);
	struct ctrans_queue *other = open_queue(30, 30);
	pthread_t thread[THREADS];
	size_t i, canceled;

	fake.sleep_us = 20;
	for (i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, call_alone,
			       (void *)(uintptr_t)i);
	all_texts(queue, 4, &canceled);
	ck_assert_uint_gt(canceled, 0);
	all_texts(other, 0, &canceled);
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_eq(ctrans_queue_close(queue), 0);
	ck_assert_int_eq(ctrans_queue_close(other), 0);
}
END_TEST

/* Sessions that go on from request to request, as they do from call to call. */
START_TEST(test_sessions)
{
	struct ctrans_queue *queue = open_queue(SESSIONS, 5);
	struct ctrans_session *s[SESSIONS], *alone[SESSIONS];
	struct ctrans_generate_params p;
	struct ctrans_result *got, *want;
	struct ctrans_request *r[SESSIONS];
	size_t i, round;

	for (i = 0; i < SESSIONS; i++) {
		ck_assert_int_eq(ctrans_session_open(model, &s[i]), 0);
		ck_assert_int_eq(ctrans_session_open(model, &alone[i]), 0);
	}
	for (round = 0; round < 5; round++) {
		ctrans_generate_params_init(&p, sizeof(p));
		p.max_tokens = 12;
		for (i = 0; i < SESSIONS; i++) {
			p.seed = i * 7 + round;
			ck_assert_int_eq(ctrans_submit(queue, s[i],
						       texts[i + round].stops[0],
						       &p, NULL, &r[i]), 0);
		}
		for (i = 0; i < SESSIONS; i++) {
			p.seed = i * 7 + round;
			ck_assert_int_eq(ctrans_session_generate(alone[i],
					 texts[i + round].stops[0], &p, &want),
					 0);
			ck_assert_int_eq(ctrans_request_wait(r[i], -1), 0);
			ck_assert_int_eq(ctrans_request_result(r[i], &got), 0);
			compare(got, want);
			ctrans_result_free(got);
			ctrans_result_free(want);
			ctrans_request_free(r[i]);
		}
	}
	for (i = 0; i < SESSIONS; i++) {
		ctrans_session_close(s[i]);
		ctrans_session_close(alone[i]);
	}
	ck_assert_int_eq(ctrans_queue_close(queue), 0);
}
END_TEST

/* Threads that submit as fast as they can, into a queue too small for them. */
static struct {
	struct ctrans_queue *queue;
	unsigned long refused, served;
	size_t left;
} flood;

static void *submit_many(void *arg)
{
	size_t i;
	int ret;

	for (i = 0; i < TEXTS; i++) {
		struct ctrans_request *r;

		ret = ctrans_submit(flood.queue, NULL, texts[i].prompt,
				    &texts[i].params, &texts[i], &r);
		ck_assert(ret == 0 || ret == -EAGAIN);
		if (ret)
			__atomic_fetch_add(&flood.refused, 1, __ATOMIC_RELAXED);
		else
			__atomic_fetch_add(&flood.served, 1, __ATOMIC_RELAXED);
	}
	__atomic_fetch_sub(&flood.left, 1, __ATOMIC_RELEASE);
	return arg;
}

START_TEST(test_flood)
{
	pthread_t thread[THREADS];
	unsigned long reaped = 0;
	struct ctrans_request *r;
	struct ctrans_result *result;
	size_t i;

	flood.queue = open_queue(6, 4);
	flood.left = THREADS;
	for (i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, submit_many, NULL);
	while (__atomic_load_n(&flood.left, __ATOMIC_ACQUIRE) ||
	       reaped < flood.served) {
		if (ctrans_reap(flood.queue, &r)) {
			usleep(100);
			continue;
		}
		reaped++;
		ck_assert_int_eq(ctrans_request_result(r, &result), 0);
		compare(result, ((struct text *)ctrans_request_data(r))->want);
		ctrans_result_free(result);
		ctrans_request_free(r);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	ck_assert_uint_gt(flood.refused, 0);
	ck_assert_uint_eq(flood.refused + flood.served, THREADS * TEXTS);
	ck_assert_int_eq(ctrans_queue_close(flood.queue), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue_mixed");
	TCase *tc = tcase_create("queue_mixed");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 100);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_queue, 0, 3);
	tcase_add_test(tc, test_memory);
	tcase_add_test(tc, test_mixed);
	tcase_add_test(tc, test_sessions);
	tcase_add_test(tc, test_flood);
	suite_add_tcase(suite, tc);
	tc = tcase_create("little");
	tcase_set_timeout(tc, 100);
	tcase_add_checked_fixture(tc, setup_little, teardown);
	tcase_add_loop_test(tc, test_queue, 0, 3);
	tcase_add_test(tc, test_memory);
	tcase_add_test(tc, test_mixed);
	tcase_add_test(tc, test_sessions);
	tcase_add_test(tc, test_flood);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
