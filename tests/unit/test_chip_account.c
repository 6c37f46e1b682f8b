// SPDX-License-Identifier: MIT
/*
 * The accounts: counts by table equal counts by walking the timesteps, energies
 * follow the table of constants at each operating point, and records of a step
 * add up to its completion.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "chip/energy.h"
#include "chip/kernel.h"
#include "chip_bench_model.h"
#include "chip_must.h"
#include "kernel_help.h"

static void random_row(int16_t *a, uint32_t n, unsigned int style)
{
	for (uint32_t i = 0; i < n; i++) {
		int32_t v = (int32_t)(rnd() % 65535) - 32767;

		switch (style % 7) {
		case 0:		v %= 128; break;
		case 1:		v %= 8; break;
		case 2:		v = 0; break;
		case 3:		v = v < 0 ? -127 : 127; break;
		case 4:		v %= 300; break;
		/* units unlike each other, some empty */
		case 5:		v = v % 128 / (1 << i / 64 * 5 % 8); break;
		default:	break;
		}
		a[i] = (int16_t)v;
	}
}

/* A row as quantise() leaves it. */
static void as_row(struct chip_qrow *row, int16_t *a, uint8_t *u8, uint32_t n)
{
	memset(u8, 128, (n + 63) / 64 * 64);
	*row = (struct chip_qrow){ .n = n, .a = a, .u8 = u8 };
	for (uint32_t i = 0; i < n; i++) {
		if (abs(a[i]) <= 127)
			u8[i] = (uint8_t)(128 + a[i]);
		else
			row->n_outliers++;
	}
}

static void same_counts(const struct chip_kernel *k, const struct chip_qrow *row,
			const struct chip_dispatch *d,
			const struct chip_row_counts *want)
{
	struct chip_row_counts is;

	chip_count_row(k, row, d, &is);
	ck_assert_uint_eq(is.zero, want->zero);
	ck_assert_uint_eq(is.dense, want->dense);
	ck_assert_uint_eq(is.spiking, want->spiking);
	ck_assert_uint_eq(is.outlier, want->outlier);
	ck_assert_uint_eq(is.switches, want->switches);
	ck_assert_uint_eq(is.spikes, want->spikes);
	ck_assert_uint_eq(is.timesteps, want->timesteps);
	ck_assert(!memcmp(is.at_step, want->at_step,
			  is.timesteps * sizeof(is.at_step[0])));
	ck_assert_uint_eq(is.zero + is.dense + is.spiking + is.outlier, row->n);
}

START_TEST(counts)
{
	/* the longest: lanes that count in bytes are emptied in between */
	static int16_t a[40000];
	static uint8_t u8[40064];
	struct chip_qrow row;

	for (unsigned int n = 0; n < 6000; n++) {
		struct chip_dispatch d = any_dispatch(n);
		struct chip_row_counts want;
		uint32_t len = n < 600 ? n : rnd() % 1200;

		if (n % 251 == 250)
			len = 40000;
		random_row(a, len, n / N_DISPATCHES);
		as_row(&row, a, u8, len);
		chip_count_row_reference(a, len, &d, &want);
		for (unsigned int i = 0; chip_kernel_at(i); i++)
			if (chip_kernel_at(i)->supported())
				same_counts(chip_kernel_at(i), &row, &d, &want);
	}
}
END_TEST

START_TEST(points)
{
	struct chip_costs nominal, c;

	chip_costs_at(CTRANS_OPP_RESET, &nominal);
	ck_assert_uint_eq(nominal.mac8_aj, 171000);
	ck_assert_uint_eq(nominal.external_aj, 64000000);
	ck_assert_uint_eq(nominal.leak_uw, 3000);
	/* a product costs what eight spikes cost */
	ck_assert_uint_ge(nominal.mac8_aj + 8, nominal.spike_aj * 8);
	ck_assert_uint_le(nominal.mac8_aj, nominal.spike_aj * 8 + 8);
	for (unsigned int p = 0; p < CHIP_OPPS; p++) {
		double v = chip_opps[p].mv / 900.0;

		chip_costs_at(p, &c);
		ck_assert_uint_eq(c.khz, chip_opps[p].khz);
		/* dynamic by the square of the voltage, leakage by the voltage */
		ck_assert_double_eq_tol((double)c.mac8_aj, 171000 * v * v, 1);
		ck_assert_double_eq_tol((double)c.mac16_aj, 558000 * v * v, 1);
		ck_assert_double_eq_tol((double)c.vector_aj, 2850000 * v * v, 1);
		ck_assert_double_eq_tol((double)c.sram_read_aj, 1850000 * v * v, 1);
		ck_assert_double_eq_tol((double)c.leak_uw, 3000 * v, 1);
		ck_assert_uint_eq(c.external_aj, nominal.external_aj);
	}
	for (int i = 0; i < CHIP_CONSTANTS; i++)
		ck_assert(chip_constants[i].name && chip_constants[i].source &&
			  chip_constants[i].value > 0);
}
END_TEST

static void add_up(const struct ctrans_stat *s, const struct chip_costs *c)
{
	/* per 1000: attojoules a count to femtojoules */
	ck_assert_uint_eq(s->energy_dense_fj, s->ops_dense * c->mac8_aj / 1000);
	if (s->cycles_stall)
		ck_assert_uint_gt(s->energy_spiking_fj,
				  s->ops_spiking * c->spike_aj / 1000);
	else
		ck_assert_uint_eq(s->energy_spiking_fj,
				  s->ops_spiking * c->spike_aj / 1000);
	ck_assert_uint_le(s->cycles_stall, s->cycles_compute);
	ck_assert_uint_eq(s->energy_outlier_fj, s->ops_outlier * c->mac16_aj / 1000);
	ck_assert_uint_eq(s->energy_vector_fj, s->ops_vector * c->vector_aj / 1000);
	ck_assert_uint_eq(s->energy_external_fj, s->bytes_external * c->external_aj / 1000);
	ck_assert_uint_ge(s->energy_sram_fj, s->bytes_sram * c->sram_read_aj / 1000);
	ck_assert_uint_ge(s->values_spiking ? s->spikes : 0, s->values_spiking);
	ck_assert_uint_eq(s->ops_skipped, 0);
}

static uint64_t energy(const struct ctrans_stat *s)
{
	return s->energy_dense_fj + s->energy_spiking_fj + s->energy_outlier_fj +
	       s->energy_vector_fj + s->energy_sram_fj + s->energy_external_fj +
	       s->energy_static_fj;
}

START_TEST(sums)
{
	static struct ctrans_stat stat[TINY_ROWS][TINY_INSNS];
	struct tiny t = { .heads = 3, .head_dim = 20, .inner = 130, .vocab = 99,
			  .code = _i & 1, .theta_mode = CTRANS_THETA_DYNAMIC,
			  .spike_mask = { 0xfe, 0 }, .top_k = 1 };
	uint32_t opp = (uint32_t)_i / 2;
	struct tiny_row rows[TINY_ROWS];
	uint64_t energy_total = 0;
	struct chip_costs c;
	struct bench b;

	bench_open(&b, 2, NULL);
	chip_write(b.chip, CTRANS_REG_OPP, opp);
	chip_costs_at(opp, &c);
	bench_grow(&b, 0, 1 << 20, BENCH_ORDERED);
	tiny_build(&b, 0, &t);
	bench_queue(&b, 0, 0, 3, 3, 0);
	for (uint32_t n = 1; n <= TINY_ROWS; n++) {
		uint64_t cycles = 0, fj = 0;
		struct ctrans_cqe cqe;

		for (uint32_t i = 0; i < n; i++)
			rows[i] = (struct tiny_row){ rnd() % t.vocab, i, 0, rnd() % 3 == 0 };
		cqe = tiny_step(&b, 0, &t, rows, n);
		ck_assert_int_eq(cqe.status, CTRANS_ST_OK);
		bench_read(&b, 0, t.stats, stat,
			   (uint64_t)n * TINY_INSNS * sizeof(stat[0][0]));
		for (uint32_t i = 0; i < n * TINY_INSNS; i++) {
			const struct ctrans_stat *s = &stat[0][0] + i;

			add_up(s, &c);
			cycles += s->cycles;
			fj += energy(s);
		}
		for (uint32_t i = 0; i < n; i++) {
			const struct ctrans_stat *s = &stat[i][TINY_QKV];

			ck_assert_uint_eq(s->values_zero + s->values_dense +
					  s->values_spiking + s->values_outlier, 60);
			/* padded outputs are computed too */
			ck_assert_uint_eq(s->ops_dense, s->values_dense * 192);
			ck_assert_uint_eq(s->ops_spiking, s->spikes * 192);
			/* an array of 64 spikes a cycle stands still, clocked */
			ck_assert_uint_eq(s->energy_spiking_fj,
				s->ops_spiking * c.spike_aj / 1000 +
				s->cycles_stall * 64 * 192 * c.spike_aj *
				c.clock_percent / 100000);
			s = &stat[i][TINY_LOGITS];
			ck_assert_uint_eq(s->values_zero + s->values_dense +
					  s->values_spiking + s->values_outlier,
					  rows[i].logits ? 60 : 0);
			if (!rows[i].logits)
				ck_assert_uint_eq(s->cycles + energy(s), 0);
		}
		ck_assert_uint_eq(cqe.cycles, cycles);
		ck_assert_uint_eq(cqe.energy_pj, fj / 1000);
		energy_total += fj;
	}
	ck_assert_uint_eq(bench_reg(&b, CTRANS_REG_ENERGY_LO), energy_total / 1000000);
	bench_close(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chip_account");
	TCase *t = tcase_create("accounts");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, counts);
	tcase_add_test(t, points);
	tcase_add_loop_test(t, sums, 0, 2 * CHIP_OPPS);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
