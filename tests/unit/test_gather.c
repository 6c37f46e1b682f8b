// SPDX-License-Identifier: MIT
/* What goes into a step, and in what order, over a core without chip. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctrans.h"
#include "engine/gather_step.h"
#include "engine/model.h"
#include "fake_core.h"

#define CALLS		300
#define PROMPT		400

static struct ctrans_model *model;
static struct ct_gather *gather;
static struct ct_gather_party party;
static struct ct_gather_call calls[CALLS];
static struct ct_step_row rows[CALLS][PROMPT];
static struct ct_seq *seqs[CALLS];
static struct ct_best best;

static void setup(void)
{
	size_t i, k;

	fake_reset();
	fake.context = 1000;
	ck_assert_int_eq(ctrans_model_open("fake", NULL, &model), 0);
	gather = &model->gather;
	for (i = 0; i < CALLS; i++) {
		ck_assert_int_eq(ct_seq_open(model->core, &seqs[i], NULL), 0);
		for (k = 0; k < PROMPT; k++)
			rows[i][k] = (struct ct_step_row){
				.seq = seqs[i], .token = k % 256,
			};
	}
	memset(calls, 0, sizeof(calls));
}

static void teardown(void)
{
	size_t i;

	for (i = 0; i < CALLS; i++)
		ct_seq_close(seqs[i]);
	gather->first = NULL;
	gather->end = &gather->first;
	ctrans_model_close(model);
}

/* A call at the end of the line. */
static struct ct_gather_call *call(size_t i, size_t n, int32_t priority)
{
	struct ct_gather_call *c = &calls[i];

	*c = (struct ct_gather_call){
		.rows = rows[i], .n = n, .priority = priority, .party = &party,
	};
	c->shorter = ct_gather_is_short(c);
	*gather->end = c;
	gather->end = &c->next;
	return c;
}

/* How many of the call's rows the step has that was composed last. */
static size_t in_step(const struct ct_gather_call *c)
{
	size_t i;

	for (i = 0; i < gather->n_parts; i++) {
		if (gather->parts[i].call == c)
			return gather->parts[i].n;
	}
	return 0;
}

/* As if the step had been run: all stay in line. */
static void next_step(void)
{
	struct ct_gather_call *c;

	for (c = gather->first; c; c = c->next)
		c->taken = false;
	ct_gather_compose(gather);
}

START_TEST(test_kinds)
{
	calls[0] = (struct ct_gather_call){ .rows = rows[0], .n = 8 };
	ck_assert(ct_gather_is_short(&calls[0]));
	calls[0].n = 9;
	ck_assert(!ct_gather_is_short(&calls[0]));
	/* A batch decodes, however large. */
	rows[0][4].seq = rows[0][5].seq = seqs[1];
	calls[0].n = 12;
	ck_assert(ct_gather_is_short(&calls[0]));
	calls[0].n = 15;
	ck_assert(!ct_gather_is_short(&calls[0]));
}
END_TEST

/* A prompt has the step to itself, until somebody decodes. */
START_TEST(test_share)
{
	struct ct_gather_call *prompt = call(0, PROMPT, 0), *decoder;

	ct_gather_compose(gather);
	ck_assert_uint_eq(in_step(prompt), CT_STEP_ROWS);
	decoder = call(1, 1, -5);
	next_step();
	ck_assert_uint_eq(in_step(decoder), 1);
	ck_assert_uint_eq(in_step(prompt), CT_GATHER_SHARE);
	/* It is about to come back: the next step may not be long either. */
	gather->first = prompt;
	prompt->next = NULL;
	gather->end = &prompt->next;
	next_step();
	ck_assert_uint_eq(in_step(prompt), CT_GATHER_SHARE);
	next_step();
	ck_assert_uint_eq(in_step(prompt), CT_STEP_ROWS);
	/* Two prompts: the older first, and what is left is the other's. */
	call(1, PROMPT, 0);
	prompt->at = PROMPT - 100;
	next_step();
	ck_assert_uint_eq(in_step(prompt), 100);
	ck_assert_uint_eq(in_step(&calls[1]), CT_STEP_ROWS - 100);
	/* and a higher priority goes before age */
	calls[1].priority = 1;
	next_step();
	ck_assert_uint_eq(in_step(prompt), 0);
	ck_assert_uint_eq(in_step(&calls[1]), CT_STEP_ROWS);
}
END_TEST

/* More decoders than logits: by priority, and the rest in the next step. */
START_TEST(test_priority)
{
	size_t i, n;

	for (i = 0; i < 200; i++) {
		call(i, 1, i % 3 ? (int32_t)(i % 2) : INT32_MIN);
		rows[i][0].best = &best;
	}
	ct_gather_compose(gather);
	ck_assert_uint_eq(gather->n_rows, CT_STEP_LOGITS);
	ck_assert_uint_eq(gather->n_wants, CT_STEP_LOGITS);
	for (i = 0, n = 0; i < 200; i++) {
		if (i % 3 && i % 2)
			ck_assert_uint_eq(in_step(&calls[i]), 1);
		else if (i % 3 && n++ < CT_STEP_LOGITS - 67)
			ck_assert_uint_eq(in_step(&calls[i]), 1);
		else
			ck_assert_uint_eq(in_step(&calls[i]), 0);
	}
}
END_TEST

/* Whoever has been passed over for long goes first, by age. */
START_TEST(test_patience)
{
	struct ct_gather_call *low[2];
	size_t i, step, first = 0;

	low[0] = call(0, 1, -1);
	low[1] = call(1, PROMPT, -1);
	for (i = 2; i < CALLS - 1; i++)
		call(i, 1, 0);
	call(CALLS - 1, PROMPT, 0);
	for (step = 0; step < 2 * CT_GATHER_PATIENCE && !first; step++) {
		next_step();
		ck_assert_uint_eq(gather->n_rows, CT_STEP_ROWS);
		if (in_step(low[0]))
			first = step;
	}
	ck_assert_uint_eq(first, CT_GATHER_PATIENCE);

	/* Prompts too, though others of a higher priority wait. */
	gather->first = low[1];
	low[1]->next = &calls[CALLS - 1];
	low[1]->passed = calls[CALLS - 1].passed = 0;
	for (step = 0; step < 100; step++) {
		next_step();
		ck_assert_uint_eq(in_step(step % (CT_GATHER_PATIENCE + 1) ==
					  CT_GATHER_PATIENCE ? low[1] :
					  &calls[CALLS - 1]),
				  step ? CT_STEP_ROWS : CT_GATHER_SHARE);
	}
}
END_TEST

/* So has a prompt among more decoders than a step has room for. */
START_TEST(test_crowd)
{
	struct ct_gather_call *prompt = call(0, PROMPT, 0);
	size_t i, step;

	for (i = 1; i < CALLS; i++)
		call(i, 1, 5);
	for (step = 1; step < 100; step++) {
		next_step();
		ck_assert_uint_eq(gather->n_rows, CT_STEP_ROWS);
		ck_assert_uint_eq(in_step(prompt),
				  step % (CT_GATHER_PATIENCE + 1) ? 0 :
				  CT_GATHER_SHARE);
	}
	/* nor do decoders leave it without a place for its last logits */
	for (i = 0; i < CALLS; i++)
		rows[i][0].best = &best;
	for (i = 1; i < CALLS; i++)
		calls[i].passed = 0;
	rows[0][PROMPT - 1].best = &best;
	prompt->at = PROMPT - 1;
	prompt->passed = 0;
	for (step = 1; step < 100; step++) {
		next_step();
		ck_assert_uint_eq(gather->n_wants, CT_STEP_LOGITS);
		ck_assert_uint_eq(in_step(prompt),
				  !(step % (CT_GATHER_PATIENCE + 1)));
	}
}
END_TEST

/* A call in parts keeps its rows in order, whoever else runs. */
START_TEST(test_parts)
{
	struct ct_gather_party own = { 0 };
	struct ct_spent spent = { 0 };
	struct ct_gather_call c = {
		.rows = rows[0], .n = PROMPT, .spent = &spent,
	};
	uint32_t tokens[PROMPT];
	float logits[FAKE_VOCAB], want[FAKE_VOCAB];
	size_t i;

	for (i = 0; i < PROMPT; i++)
		tokens[i] = rows[0][i].token;
	rows[0][PROMPT - 1].logits = logits;
	ck_assert_ptr_null(ct_gather_run(gather, &own, &c));
	ck_assert_uint_eq(ct_seq_position(seqs[0]), CT_STEP_ROWS);
	ck_assert_ptr_eq(ct_gather_run(gather, &own, NULL), &c);
	ck_assert_int_eq(c.ret, 0);
	fake_logits(tokens, PROMPT, want);
	ck_assert(!memcmp(logits, want, sizeof(want)));
	ck_assert_uint_eq(spent.kind[CTRANS_KIND_QKV].cycles, PROMPT * 100);

	/* Withdrawn after the first part. */
	c.rows = rows[1];
	ck_assert_ptr_null(ct_gather_run(gather, &own, &c));
	ct_gather_withdraw(gather, &c);
	ck_assert_uint_eq(ct_seq_position(seqs[1]), CT_STEP_ROWS);
	ck_assert_uint_eq(own.in_line, 0);
	ck_assert_ptr_null(gather->first);
	/* The line's end is sound. */
	c.rows = rows[2];
	c.n = 1;
	ck_assert_int_eq(ct_gather_step(gather, &c), 0);
}
END_TEST

/* ---- Stragglers ------------------------------------------------------------- */

#define DECODERS	8
#define TOKENS		60

static void *decode(void *arg)
{
	struct ct_seq *seq = arg;
	struct ct_step_row row = { .seq = seq, .token = 1 };
	struct ct_gather_call c = { .rows = &row, .n = 1 };
	size_t i;

	for (i = 0; i < TOKENS; i++)
		ck_assert_int_eq(ct_gather_step(gather, &c), 0);
	return NULL;
}

START_TEST(test_stragglers)
{
	pthread_t thread[DECODERS];
	size_t i;

	/* So long that a thread comes back within its waiting time. */
	fake.sleep_us = 20000;
	for (i = 0; i < DECODERS; i++)
		pthread_create(&thread[i], NULL, decode, seqs[i]);
	for (i = 0; i < DECODERS; i++)
		pthread_join(thread[i], NULL);
	ck_assert_uint_eq(fake.rows, DECODERS * TOKENS);
	/* A step of one and a step of seven would make it twice as many. */
	ck_assert_uint_lt(fake.steps, TOKENS + TOKENS / 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gather");
	TCase *tc = tcase_create("gather");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_kinds);
	tcase_add_test(tc, test_share);
	tcase_add_test(tc, test_priority);
	tcase_add_test(tc, test_patience);
	tcase_add_test(tc, test_crowd);
	tcase_add_test(tc, test_parts);
	tcase_add_test(tc, test_stragglers);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
