// SPDX-License-Identifier: MIT
/*
 * The cost model that policies decide by, beside the chip's own accounts: of a row
 * whose magnitudes are known it says what the chip counts, in every code, for any
 * choice of domains, shape and number of rows.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chip/energy.h"
#include "chip/kernel.h"
#include "device/device.h"
#include "dispatch/cost.h"

#define WIDEST	2000u
#define ROWS	64u

static uint32_t rnd(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32);
}

struct layer {
	uint32_t n_in, n_out, rows;
	uint64_t stored;		/* bytes of weights */
	bool packed;
	int16_t a[WIDEST];
	struct ctrans_layer_profile profile;
	struct ctrans_dispatch dispatch;
};

static void random_layer(struct layer *l)
{
	uint32_t spread = 1u << rnd() % 10, mode = rnd() % 4;

	l->n_in = rnd() % 3 ? 1 + rnd() % WIDEST : 1 + rnd() % 70;
	l->n_out = rnd() % 3 ? 1 + rnd() % 3000 : 16 * (1 + rnd() % 200);
	l->rows = rnd() % 2 ? 1 : 1 + rnd() % ROWS;
	l->stored = ct_s8_bytes(l->n_in, l->n_out);
	l->packed = rnd() % 2;
	if (l->packed)
		l->stored = l->stored * (600 + rnd() % 600) / 1000;
	memset(&l->profile, 0, sizeof(l->profile));
	l->profile.n_in = l->n_in;
	l->profile.n_out = l->n_out;
	l->profile.rows = 1;
	for (uint32_t i = 0; i < l->n_in; i++) {
		int32_t a = (int32_t)(rnd() % (2 * spread + 1)) - (int32_t)spread;

		l->a[i] = (int16_t)a;
		if (abs(a) < 128)
			l->profile.magnitude[abs(a)]++;
		else
			l->profile.outliers++;
	}
	l->dispatch = (struct ctrans_dispatch){
		.size = sizeof(l->dispatch), .code = rnd() % 3,
	};
	l->dispatch.flip = l->dispatch.code != CTRANS_SPIKES_NAF && rnd() % 2;
	for (int i = 0; i < 2; i++)
		l->dispatch.spike_mask[i] =
			mode == 0 ? 0 : mode == 1 ? UINT64_MAX :
			mode == 2 ? (i ? 0 : UINT64_MAX) : (uint64_t)rnd() << 32 | rnd();
	l->dispatch.spike_mask[0] &= ~1ull;
}

/* All rows of a step are this one; sums over them. */
static void by_chip(const struct chip_costs *c, const struct layer *l,
		    uint64_t *ahead, struct ctrans_stat *sum)
{
	static struct ctrans_stat st[ROWS];
	const struct chip_dispatch d = {
		.spike_mask = { l->dispatch.spike_mask[0], l->dispatch.spike_mask[1] },
		.code = (uint8_t)l->dispatch.code, .flip = l->dispatch.flip,
	};
	uint64_t pad = (l->n_out + 15) / 16 * 16;
	struct chip_totals total = { .ahead = *ahead };
	struct chip_row_counts counts;
	struct chip_shared shared = { 0 };

	chip_linear_bytes(c, l->n_in, l->n_out, l->rows, l->packed ? l->stored : 0,
			  &shared);
	shared.bytes_external += 12 * pad;
	memset(st, 0, sizeof(st));
	memset(sum, 0, sizeof(*sum));
	chip_count_row_reference(l->a, l->n_in, &d, &counts);
	for (uint32_t r = 0; r < l->rows; r++)
		chip_charge_linear_row(c, &counts, l->n_in, l->n_out, l->rows, &st[r]);
	chip_charge(c, st, l->rows, &shared, &total);
	*ahead = total.ahead;
	for (uint32_t r = 0; r < l->rows; r++) {
		const __u64 *from = (const __u64 *)&st[r];
		__u64 *to = (__u64 *)sum;

		for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
			to[i] += from[i];
	}
	ck_assert_uint_eq(sum->cycles, total.cycles);
}

/* The chip rounds each row's energies down; a stall's three times. */
static void close_to(double model, uint64_t chip, uint32_t rows, const char *what)
{
	ck_assert_msg(fabs(model - (double)chip) <= 4.0 * rows + 1e-12 * model,
		      "%s: %.3f, the chip's %llu", what, model, (unsigned long long)chip);
}

START_TEST(same)
{
	static struct layer l;
	unsigned int waited = 0, passes = 0, prefetched = 0;
	uint64_t chip_ahead = 0;
	double ahead = 0;

	for (int n = 0; n < 4000; n++) {
		uint32_t opp = rnd() % CHIP_OPPS;
		struct ct_linear linear = { .profile = &l.profile, .dispatch = &l.dispatch,
					    .output_bytes = CT_S8_OUTPUT_BYTES };
		struct ctrans_chip_costs costs;
		struct ctrans_layer_cost cost;
		struct chip_costs chip;
		struct ctrans_stat st;
		struct ct_work work;

		random_layer(&l);
		linear.rows = l.rows;
		linear.weight_bytes = l.stored;
		linear.packed = l.packed;
		chip_costs_at(opp, &chip);
		ck_assert_int_eq(ct_device_costs(NULL, opp, &costs, NULL), 0);
		by_chip(&chip, &l, &chip_ahead, &st);
		ct_linear_work(&costs, &linear, &work);
		ct_work_cost(&costs, &work, &ahead, &cost);

		/* counts and times are integers in both */
		ck_assert_double_eq(ahead, (double)chip_ahead);
		ck_assert_double_eq(cost.cycles, (double)st.cycles);
		ck_assert_double_eq(cost.cycles_compute, (double)st.cycles_compute);
		ck_assert_double_eq(cost.cycles_external, (double)st.cycles_external);
		ck_assert_double_eq(cost.cycles_stall, (double)st.cycles_stall);
		ck_assert_double_eq(cost.values_zero, (double)st.values_zero);
		ck_assert_double_eq(cost.values_dense, (double)st.values_dense);
		ck_assert_double_eq(cost.values_spiking, (double)st.values_spiking);
		ck_assert_double_eq(cost.values_outlier, (double)st.values_outlier);
		ck_assert_double_eq(cost.spikes, (double)st.spikes);
		ck_assert_double_eq(work.bytes_external, (double)st.bytes_external);
		close_to(cost.dense_fj, st.energy_dense_fj, l.rows, "dense");
		close_to(cost.spiking_fj, st.energy_spiking_fj, l.rows, "spiking");
		close_to(cost.outlier_fj, st.energy_outlier_fj, l.rows, "outlier");
		close_to(cost.vector_fj, st.energy_vector_fj, l.rows, "vector");
		close_to(cost.external_fj, st.energy_external_fj, l.rows, "external");
		/* a byte that rows share counts whole for each */
		ck_assert_double_le(cost.sram_fj, (double)st.energy_sram_fj + 4.0 * l.rows);
		ck_assert_double_ge(cost.sram_fj, (double)st.energy_sram_fj - l.rows *
				    (4.0 + (double)chip.sram_read_aj / 1000));
		close_to(cost.static_fj + (st.energy_sram_fj - cost.sram_fj) *
			 costs.clock_percent / 100, st.energy_static_fj, 2 * l.rows, "static");
		waited += st.cycles_stall > 0;
		passes += st.bytes_external > l.stored + 12ull *
			  ((l.n_out + 15) / 16 * 16);
		prefetched += st.cycles < st.cycles_external;
	}
	/* none of the laws went untried */
	ck_assert_uint_gt(waited, 500);
	ck_assert_uint_gt(passes, 100);
	ck_assert_uint_gt(prefetched, 50);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cost");
	TCase *t = tcase_create("cost model");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, same);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
