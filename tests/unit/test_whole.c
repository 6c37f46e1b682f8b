// SPDX-License-Identifier: MIT
/*
 * Whole models: any policy, spike code, number of threads and kernel gives the
 * same bits, and the accounts of the kernels agree. That a domain broken on
 * purpose is seen is shown kernel by kernel in test_kernel_sums.c.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip/kernel.h"
#include "chip_must.h"
#include "engine/core.h"

#define PROMPT	20u
#define STEPS	6u

/* The demo model where it is there, else a random one of the test data. */
static const char *model_path(void)
{
	return access("models/demo/config.json", R_OK) ? TEST_DATA_DIR "/model/hf_f32" :
							  "models/demo";
}

struct run {
	uint32_t vocab, tokens[STEPS];
	float *logits;			/* [1 + STEPS][vocab] */
	struct ctrans_cost cost[PROMPT + STEPS][CTRANS_KINDS];
};

static struct ct_core *open_core(const char *policy, const char *code,
				 const char *device, uint32_t flags)
{
	struct ctrans_model_params p;
	struct ct_core *core;
	struct ct_err err;

	ctrans_model_params_init(&p, sizeof(p));
	p.policy = policy;
	p.code = code;
	p.device = device;
	p.flags = flags;
	if (ct_core_open(model_path(), &p, &core, &err))
		ck_abort_msg("%s", err.msg);
	return core;
}

/* A prompt in two chunks, then the best token again and again. */
static struct run *run_model(const char *policy, const char *code, const char *device)
{
	struct ct_core *core = open_core(policy, code, device, 0);
	struct run *r = calloc(1, sizeof(*r));
	struct ct_step_row rows[PROMPT];
	struct ct_best best;
	struct ct_seq *seq;
	uint32_t n = ct_core_context(core) < PROMPT + STEPS ?
		     ct_core_context(core) - STEPS : PROMPT, half = n / 2 + 1;

	MUST(r && !ct_seq_open(core, &seq, NULL));
	r->vocab = ct_core_config(core)->n_vocab;
	r->logits = calloc((1 + STEPS) * (size_t)r->vocab, sizeof(float));
	MUST(r->logits);
	memset(rows, 0, sizeof(rows));
	for (uint32_t i = 0; i < n; i++)
		rows[i] = (struct ct_step_row){ .seq = seq,
						.token = (i * 37 + 5) % r->vocab };
	rows[n - 1].logits = r->logits;
	rows[n - 1].best = &best;
	MUST(!ct_core_step(core, rows, half, r->cost, NULL));
	MUST(!ct_core_step(core, rows + half, n - half, r->cost + half, NULL));
	for (uint32_t i = 0; i < STEPS; i++) {
		r->tokens[i] = best.top[0].id;
		rows[0] = (struct ct_step_row){
			.seq = seq, .token = best.top[0].id, .best = &best,
			.logits = r->logits + (1 + i) * (size_t)r->vocab,
		};
		MUST(!ct_core_step(core, rows, 1, &r->cost[n + i], NULL));
	}
	ct_seq_close(seq);
	ct_core_close(core);
	return r;
}

static void free_run(struct run *r)
{
	free(r->logits);
	free(r);
}

static void same_bits(const struct run *a, const struct run *b, const char *what)
{
	if (memcmp(a->tokens, b->tokens, sizeof(a->tokens)) ||
	    memcmp(a->logits, b->logits, 4ull * (1 + STEPS) * a->vocab))
		ck_abort_msg("%s: other logits", what);
}

static void same_cost(const struct run *a, const struct run *b, const char *what)
{
	for (uint32_t r = 0; r < PROMPT + STEPS; r++)
		for (int k = 0; k < CTRANS_KINDS; k++)
			if (memcmp(&a->cost[r][k], &b->cost[r][k], sizeof(a->cost[r][k])))
				ck_abort_msg("%s: other cost, row %u, kind %d", what, r, k);
}

static const char *const ways[][2] = {
	{ "cdnn", "radix" }, { "dnn", "radix" }, { "snn", "radix" },
	{ "cdnn", "rate" }, { "dnn", "rate" }, { "snn", "rate" },
};

START_TEST(exact)
{
	static const unsigned int threads[] = { 1, 2, 3, 5 };
	struct run *first = run_model("cdnn", "radix", "sim:threads=1,kernel=generic");
	struct run *want = NULL;
	const struct chip_kernel *k;

	for (unsigned int n = 0; (k = chip_kernel_at(n)); n++) {
		if (!k->supported())
			continue;
		for (int t = 0; t < 4; t++) {
			char device[64];
			struct run *r;

			/* the reference is slow: twice is enough */
			if (n == 0 && t != 0 && t != 2)
				continue;
			snprintf(device, sizeof(device), "sim:threads=%u,kernel=%s",
				 threads[t], k->name);
			r = run_model(ways[_i][0], ways[_i][1], device);
			same_bits(r, first, device);
			if (want) {
				same_cost(r, want, device);
				free_run(r);
			} else {
				want = r;
			}
		}
	}
	free_run(first);
	free_run(want);
}
END_TEST

/* What must differ, so that equal figures above mean something. */
START_TEST(policies_differ)
{
	struct run *dnn = run_model("dnn", "rate", "sim:threads=1");
	struct run *snn = run_model("snn", "rate", "sim:threads=1");
	struct run *cdnn = run_model("cdnn", "rate", "sim:threads=1");
	struct ctrans_cost sum[3];
	struct run *all[3] = { dnn, snn, cdnn };

	memset(sum, 0, sizeof(sum));
	for (int p = 0; p < 3; p++)
		for (uint32_t r = 0; r < PROMPT + STEPS; r++)
			for (int k = 0; k < CTRANS_KINDS; k++)
				ct_cost_add(&sum[p], &all[p]->cost[r][k]);
	ck_assert_uint_eq(sum[0].spikes, 0);
	ck_assert_uint_eq(sum[0].values_spiking, 0);
	ck_assert_uint_gt(sum[0].values_dense, 0);
	ck_assert_uint_eq(sum[1].values_dense, 0);
	ck_assert_uint_gt(sum[1].spikes, sum[2].spikes);
	ck_assert_uint_gt(sum[2].values_dense, 0);
	ck_assert_uint_gt(sum[2].values_spiking, 0);
	for (int p = 1; p < 3; p++) {
		ck_assert_uint_eq(sum[p].values_dense + sum[p].values_spiking,
				  sum[0].values_dense);
		ck_assert_uint_eq(sum[p].values_outlier, sum[0].values_outlier);
		ck_assert_uint_eq(sum[p].values_zero, sum[0].values_zero);
	}
	/* each value where it is cheaper: below both in the array's energy */
	ck_assert_uint_lt(sum[2].dense_fj + sum[2].spiking_fj, sum[0].dense_fj);
	ck_assert_uint_lt(sum[2].dense_fj + sum[2].spiking_fj, sum[1].spiking_fj);
	for (int p = 0; p < 3; p++)
		free_run(all[p]);
}
END_TEST

/* A step without logits costs nothing in the head, whatever came before. */
START_TEST(head_costs_once)
{
	struct ct_core *core = open_core("cdnn", "radix", "sim:threads=2", 0);
	struct ctrans_cost cost[2][CTRANS_KINDS] = { 0 };
	struct ct_step_row row = { .token = 1 };
	struct ct_best best;
	struct ct_seq *seq;

	MUST(!ct_seq_open(core, &seq, NULL));
	row.seq = seq;
	row.best = &best;
	ck_assert_int_eq(ct_core_step(core, &row, 1, &cost[0], NULL), 0);
	row.best = NULL;
	ck_assert_int_eq(ct_core_step(core, &row, 1, &cost[1], NULL), 0);
	ck_assert_uint_gt(cost[0][CTRANS_KIND_HEAD].cycles, 0);
	ck_assert_uint_eq(cost[1][CTRANS_KIND_HEAD].cycles, 0);
	ck_assert_uint_eq(cost[1][CTRANS_KIND_HEAD].ops_vector, 0);
	ct_seq_close(seq);
	ct_core_close(core);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("whole");
	TCase *t = tcase_create("models");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 110);
	tcase_add_loop_test(t, exact, 0, (int)(sizeof(ways) / sizeof(ways[0])));
	tcase_add_test(t, policies_differ);
	tcase_add_test(t, head_costs_once);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
