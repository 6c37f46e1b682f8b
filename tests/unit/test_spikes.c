// SPDX-License-Identifier: MIT
/*
 * Spike trains of every code, flipped and not, by value and by work unit: each has
 * its value, as few spikes as its definition says, and whole programs give the same
 * bits and the same accounts whether their spikes are executed or counted.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "chip/train.h"
#include "chip_bench_model.h"
#include "kernel_help.h"

/* ---- Trains ------------------------------------------------------------ */

START_TEST(values)
{
	for (uint32_t n = 0; n < 5; n++) {
		struct chip_dispatch d = any_dispatch(n);

		for (uint32_t m = 1; m < 128; m++) {
			int32_t sum = 0, ones = 0;

			for (uint32_t t = 0; t < chip_train_steps(&d); t++) {
				int s = chip_train_at(&d, m, t);

				ck_assert_int_le(abs(s), 1);
				sum += s * (1 << chip_train_shift(&d, t));
				ones += s != 0;
			}
			ck_assert_int_eq(sum, (int32_t)m);
			ck_assert_uint_eq(chip_train_spikes(&d, m), (uint32_t)ones);
		}
	}
}
END_TEST

/* Fewer spikes where there is something to gain, the same ones elsewhere. */
START_TEST(lengths)
{
	const struct chip_dispatch rate = { .code = CTRANS_CODE_RATE };
	const struct chip_dispatch dense = { .code = CTRANS_CODE_RATE, .flip = true };
	const struct chip_dispatch radix = { .code = CTRANS_CODE_RADIX };
	const struct chip_dispatch turned = { .code = CTRANS_CODE_RADIX, .flip = true };
	const struct chip_dispatch naf = { .code = CTRANS_CODE_NAF };

	for (uint32_t m = 1; m < 128; m++) {
		uint32_t ones = (uint32_t)__builtin_popcount(m), spikes;

		ck_assert_uint_eq(chip_train_spikes(&rate, m), m);
		ck_assert_uint_eq(chip_train_spikes(&dense, m), m <= 64 ? m : 129 - m);
		ck_assert_uint_eq(chip_train_spikes(&radix, m), ones);
		spikes = chip_train_spikes(&turned, m);
		ck_assert_uint_le(spikes, ones);
		for (uint32_t t = 0; spikes == ones && t < 8; t++)
			ck_assert_int_eq(chip_train_at(&turned, m, t),
					 chip_train_at(&radix, m, t));
		/* the contract's formula; no two digits next to each other */
		ck_assert_uint_eq(chip_train_spikes(&naf, m), (uint32_t)
			__builtin_popcount((m >> 1) ^ (m + (m >> 1))));
		ck_assert_uint_le(chip_train_spikes(&naf, m), spikes);
		for (uint32_t t = 0; t < 7; t++)
			ck_assert(!chip_train_at(&naf, m, t) ||
				  !chip_train_at(&naf, m, t + 1));
	}
	/* 127 = 128 - 1 */
	ck_assert_uint_eq(chip_train_spikes(&dense, 127), 2);
	ck_assert_uint_eq(chip_train_spikes(&turned, 127), 2);
	ck_assert_uint_eq(chip_train_spikes(&naf, 127), 2);
	/* 6 = 8 - 2 gains nothing */
	ck_assert_uint_eq(chip_train_spikes(&turned, 6), 2);
	ck_assert_int_eq(chip_train_at(&turned, 6, 1), 1);
}
END_TEST

/* Two units each: the first decides which limit the second is held to. */
START_TEST(hysteresis)
{
	/* radix: 1 spike a value, 2, 3; nothing to see */
	static const int16_t one = 64, two = -5, three = 7, none = 300;
	const struct chip_dispatch d = { .code = CTRANS_CODE_RADIX,
					 .by = CTRANS_BY_UNIT,
					 .unit_low = 12, .unit_high = 20 };
	static const struct {
		const int16_t *unit[4];
		uint64_t spiking;
	} cases[] = {
		{ { &one, &two, &three, &two }, 3 },
		{ { &two, &one, &two, &two }, 14 },
		/* a unit of outliers or zeros leaves it as it was */
		{ { &one, &none, &two, &one }, 15 },
		{ { &none, &two, &none, &one }, 8 },
	};

	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		uint64_t spiking[CHIP_UNIT_WORDS];
		int16_t a[4 * CTRANS_UNIT_INPUTS];

		for (uint32_t k = 0; k < ARRAY_LEN(a); k++)
			a[k] = k % 3 ? *cases[c].unit[k / CTRANS_UNIT_INPUTS] : 0;
		chip_train_units(&d, a, ARRAY_LEN(a), spiking);
		ck_assert_uint_eq(spiking[0], cases[c].spiking);
	}
}
END_TEST

/* ---- Whole programs ----------------------------------------------------- */

#define ROWS 5u

struct result {
	struct ctrans_cqe cqe;
	uint8_t logits[ROWS * 512];
	struct ctrans_stat stat[ROWS][TINY_INSNS];
};

static const struct tiny shape = {
	/* 150 and 200 inputs: units, and a part of one */
	.heads = 3, .head_dim = 50, .inner = 200, .vocab = 99,
	.theta_mode = CTRANS_THETA_DYNAMIC, .act = CTRANS_ACT_GELU_TANH,
};

/* One chip for each kernel, with the same program and memory. */
struct rig {
	struct bench b;
	struct tiny t;
};

#define KERNELS_MAX 8u

static void set_up(struct rig *rig, const char *kernel)
{
	bench_open(&rig->b, 2, kernel);
	bench_grow(&rig->b, 0, 2 << 20, BENCH_ORDERED);
	rig->t = shape;
	tiny_build(&rig->b, 0, &rig->t);
	bench_queue(&rig->b, 0, 0, 3, 3, 0);
}

static void run(struct rig *rig, uint32_t n, const struct chip_dispatch *d,
		float theta, struct result *r)
{
	static const uint32_t linears[] = { TINY_QKV, TINY_PROJ, TINY_UP, TINY_DOWN,
					    TINY_LOGITS };
	struct tiny_row rows[ROWS];
	struct tiny *t = &rig->t;

	memset(r, 0, sizeof(*r));
	for (size_t l = 0; l < ARRAY_LEN(linears); l++) {
		struct ctrans_insn i;

		tiny_get(&rig->b, t, linears[l], &i);
		i.linear.code = d->code;
		i.linear.by = d->by;
		i.linear.unit_low = d->unit_low;
		i.linear.unit_high = d->unit_high;
		i.linear.spike_mask[0] = d->spike_mask[0];
		i.linear.spike_mask[1] = d->spike_mask[1];
		i.linear.flags &= (uint8_t)~CTRANS_LINEAR_FLIP;
		i.linear.flags |= d->flip ? CTRANS_LINEAR_FLIP : 0;
		i.linear.theta_f32 = chip_bits(theta);
		tiny_set(&rig->b, t, linears[l], &i);
	}
	for (uint32_t i = 0; i < n; i++)
		rows[i] = (struct tiny_row){ (i * 31 + 5) % t->vocab, i, 0, true };
	r->cqe = tiny_step(&rig->b, 0, t, rows, n);
	ck_assert_int_eq(r->cqe.status, CTRANS_ST_OK);
	ck_assert_uint_le((uint64_t)n * t->logits_stride, sizeof(r->logits));
	bench_read(&rig->b, 0, t->logits, r->logits, (uint64_t)n * t->logits_stride);
	bench_read(&rig->b, 0, t->stats, r->stat, (uint64_t)n * sizeof(r->stat[0]));
}

/* Few outliers, and many; one row and several, prepared in different places. */
static const struct {
	uint32_t rows;
	float theta;
} programs_of[] = { { 1, 1.0f / 24 }, { ROWS, 1.0f / 24 }, { ROWS, 1.0f / 300 } };

START_TEST(programs)
{
	uint32_t rows = programs_of[_i].rows, mixed = 0;
	static struct result first, want, got;
	static struct rig rig[KERNELS_MAX];

	for (unsigned int k = 0; chip_kernel_at(k); k++)
		if (chip_kernel_at(k)->supported())
			set_up(&rig[k], chip_kernel_at(k)->name);
	for (uint32_t c = 0; c < 3 * N_DISPATCHES; c++) {
		struct chip_dispatch d = any_dispatch(c + 2 * N_DISPATCHES);

		run(&rig[0], rows, &d, programs_of[_i].theta, &want);
		if (!c)
			first = want;
		ck_assert(!memcmp(first.logits, want.logits, sizeof(want.logits)));
		for (unsigned int k = 1; chip_kernel_at(k); k++) {
			if (!chip_kernel_at(k)->supported())
				continue;
			run(&rig[k], rows, &d, programs_of[_i].theta, &got);
			ck_assert_msg(!memcmp(&want, &got, sizeof(got)),
				      "other results or accounts of %s, dispatch %u",
				      chip_kernel_at(k)->name, c);
		}
		mixed += want.stat[0][TINY_DOWN].values_dense &&
			 want.stat[0][TINY_DOWN].values_spiking;
	}
	/* not only all the one domain or all the other */
	ck_assert_uint_gt(mixed, N_DISPATCHES);
	for (unsigned int k = 0; chip_kernel_at(k); k++)
		if (chip_kernel_at(k)->supported())
			bench_close(&rig[k].b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("spikes");
	TCase *t = tcase_create("spikes");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 100);
	tcase_add_test(t, values);
	tcase_add_test(t, lengths);
	tcase_add_test(t, hysteresis);
	tcase_add_loop_test(t, programs, 0, ARRAY_LEN(programs_of));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
