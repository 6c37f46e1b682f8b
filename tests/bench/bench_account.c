// SPDX-License-Identifier: MIT
/*
 * What the energy accounts cost: all of a decoded token's, in the shape of GPT-2
 * 124M, beside the least time the token can take, which is that of reading its
 * weights. Both on one thread; with more the accounts of an instruction run
 * while the others are at its sums, so their share is smaller still.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_time.h"
#include "chip/energy.h"
#include "chip/kernel.h"
#include "uapi/ctrans_regs.h"

#define REPS	21
#define N_LAYER	12
#define D	768u
#define WIDEST	(4 * D)
#define N_VOCAB	50257u
#define MB	(1u << 20)

static const uint32_t layer[][2] = {	/* n_in, n_out */
	{ D, 3 * D }, { D, D }, { D, 4 * D }, { 4 * D, D },
};

struct token {
	const struct chip_kernel *k;
	struct chip_dispatch dispatch;
	struct chip_costs costs;
	struct chip_qrow row;
	struct chip_totals total;
	struct ctrans_stat stat;
};

static void *room(size_t bytes)
{
	void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);

	if (!p) {
		fprintf(stderr, "bench_account: out of memory\n");
		exit(1);
	}
	memset(p, 1, bytes);
	return p;
}

static void linear(struct token *t, uint32_t n_in, uint32_t n_out)
{
	struct chip_shared shared = { .bytes_external = (n_in + 12ull) * n_out,
				      .bytes_sram_written = (uint64_t)n_in * n_out };
	struct chip_row_counts counts;

	t->row.n = n_in;
	memset(&t->stat, 0, sizeof(t->stat));
	chip_count_row(t->k, &t->row, &t->dispatch, &counts);
	chip_charge_linear_row(&t->costs, &counts, n_in, n_out, 1, &t->stat);
	chip_charge(&t->costs, &t->stat, 1, &shared, &t->total);
}

/* Embedding, norms, attention: their counts are known without looking. */
static void other(struct token *t)
{
	const struct chip_shared shared = { .bytes_external = 8 * D };

	memset(&t->stat, 0, sizeof(t->stat));
	t->stat.ops_vector = 7ull * D;
	chip_charge(&t->costs, &t->stat, 1, &shared, &t->total);
}

static void token(struct token *t)
{
	other(t);
	for (int l = 0; l < N_LAYER; l++) {
		for (size_t m = 0; m < sizeof(layer) / sizeof(layer[0]); m++)
			linear(t, layer[m][0], layer[m][1]);
		for (int i = 0; i < 3; i++)
			other(t);
	}
	other(t);
	linear(t, D, N_VOCAB);
}

static size_t weights(void)
{
	size_t n = (size_t)D * ((N_VOCAB + 15) / 16 * 16);

	for (size_t m = 0; m < sizeof(layer) / sizeof(layer[0]); m++)
		n += (size_t)N_LAYER * layer[m][0] * layer[m][1];
	return n;
}

static double read_weights(const uint64_t *w, size_t bytes)
{
	typedef uint64_t v8 __attribute__((vector_size(64)));
	const v8 *p = (const v8 *)w;
	double t[REPS];

	for (int r = 0; r < REPS; r++) {
		v8 s0 = { 0 }, s1 = { 0 };
		double start = now();

		for (size_t i = 0; i + 2 <= bytes / 64; i += 2) {
			s0 ^= p[i];
			s1 ^= p[i + 1];
		}
		s0 ^= s1;
		__asm__ volatile("" : : "m"(s0));
		t[r] = now() - start;
	}
	return median(t, REPS, NULL);
}

/* Values as they come after dynamic thresholds: most small, some large. */
static void fill(struct token *t)
{
	float *x = room(WIDEST * sizeof(*x));
	uint32_t random = 1;

	t->row.a = room(WIDEST * sizeof(*t->row.a));
	t->row.u8 = room(WIDEST);
	t->row.outliers = room(WIDEST * sizeof(*t->row.outliers));
	t->row.theta = 1.0f / 24;
	for (uint32_t i = 0; i < WIDEST; i++) {
		float sum = 0;

		for (int j = 0; j < 12; j++) {
			random = random * 1664525u + 1013904223u;
			sum += (float)(random >> 8) * 0x1p-24f;
		}
		x[i] = sum - 6;
	}
	t->k->quantise(x, WIDEST, &t->row);
	free(x);
}

static const struct {
	const char *name;
	uint8_t code, by;
	bool flip;
} ways[] = {
	{ "rate", CTRANS_CODE_RATE, CTRANS_BY_VALUE, false },
	{ "rate, flipped", CTRANS_CODE_RATE, CTRANS_BY_VALUE, true },
	{ "rate by unit", CTRANS_CODE_RATE, CTRANS_BY_UNIT, false },
	{ "rate, flipped, by unit", CTRANS_CODE_RATE, CTRANS_BY_UNIT, true },
	{ "radix", CTRANS_CODE_RADIX, CTRANS_BY_VALUE, false },
	{ "radix, flipped", CTRANS_CODE_RADIX, CTRANS_BY_VALUE, true },
	{ "radix by unit", CTRANS_CODE_RADIX, CTRANS_BY_UNIT, false },
	{ "radix, flipped, by unit", CTRANS_CODE_RADIX, CTRANS_BY_UNIT, true },
	{ "signed digits", CTRANS_CODE_NAF, CTRANS_BY_VALUE, false },
	{ "signed digits by unit", CTRANS_CODE_NAF, CTRANS_BY_UNIT, false },
};

static double accounts(struct token *t, size_t way)
{
	double time[REPS];

	t->dispatch = (struct chip_dispatch){
		.code = ways[way].code, .by = ways[way].by, .flip = ways[way].flip,
	};
	if (t->dispatch.by == CTRANS_BY_VALUE) {
		t->dispatch.spike_mask[0] = 0x1010116;
		t->dispatch.spike_mask[1] = 0x10001;
	} else {
		/* about the mean, so that units go either way */
		t->dispatch.unit_low = t->dispatch.code == CTRANS_CODE_RATE ? 152 : 18;
		t->dispatch.unit_high = (uint8_t)(t->dispatch.unit_low + 2);
	}
	for (int r = 0; r < REPS; r++) {
		double start = now();

		token(t);
		time[r] = now() - start;
	}
	return median(time, REPS, NULL);
}

int main(int argc, char **argv)
{
	size_t bytes = weights();
	uint64_t *w = room(bytes + MB);
	double read = read_weights(w, bytes);
	struct token t = { .k = chip_kernel_get(argc > 1 ? argv[1] : NULL) };

	if (!t.k) {
		fprintf(stderr, "bench_account: no kernel \"%s\" on this CPU\n", argv[1]);
		return 1;
	}
	chip_costs_at(CTRANS_OPP_RESET, &t.costs);
	fill(&t);
	printf("%s: a token's weights read in %.2f ms; its accounts, by code:\n",
	       t.k->name, 1e3 * read);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		double time = accounts(&t, i);

		printf("%-24s %6.1f us  %5.2f %%\n", ways[i].name, 1e6 * time,
		       100 * time / read);
	}
	return 0;
}
