// SPDX-License-Identifier: MIT
/*
 * How near the kernels are to the machine: one-row sums over the matrices of
 * GPT-2 124M beside plain reading of the same memory, many rows beside one,
 * attention at 512 positions, the row functions. For each kernel the CPU has, or
 * the one named on the command line. Medians of repetitions, the best one in
 * brackets.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench_time.h"
#include "chip/kernel.h"

#define REPS 7
#define N_LAYER 12
#define D 768
#define N_VOCAB 50257
#define MANY_ROWS 128

/* n_in, n_out of a layer's matrices */
static const uint32_t shapes[][2] = {
	{ D, 3 * D }, { D, D }, { D, 4 * D }, { 4 * D, D },
};

struct bench {
	const struct chip_kernel *k;
	int8_t *w;
	size_t bytes;
	uint32_t n_rows;
	struct chip_qrow rows[MANY_ROWS];
	const struct chip_qrow *row_ptrs[MANY_ROWS];
	float scale[64];
	int32_t colsum[64];
};

static void *huge(size_t n)
{
	size_t align = 2u << 20;
	char *p = mmap(NULL, n + align, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("bench_kernel: mmap");
		exit(1);
	}
	p += (align - (uintptr_t)p % align) % align;
	madvise(p, n, MADV_HUGEPAGE);
	return p;
}

/* ---- Threads: part i of n of each piece of work ----------------------- */

struct job {
	void (*work)(struct bench *b, uint32_t part, uint32_t parts);
	struct bench *b;
	uint32_t part, parts;
	pthread_barrier_t *barrier;
	double t[REPS];
};

static void *run_job(void *arg)
{
	struct job *j = arg;

	for (int i = 0; i < REPS; i++) {
		double start;

		pthread_barrier_wait(j->barrier);
		start = now();
		j->work(j->b, j->part, j->parts);
		pthread_barrier_wait(j->barrier);
		j->t[i] = now() - start;
	}
	return NULL;
}

static double seconds(struct bench *b, uint32_t parts,
		      void (*work)(struct bench *, uint32_t, uint32_t),
		      double *best)
{
	pthread_barrier_t barrier;
	struct job jobs[2];
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, parts);
	for (uint32_t i = 0; i < parts; i++)
		jobs[i] = (struct job){ .work = work, .b = b, .part = i,
					.parts = parts, .barrier = &barrier };
	if (parts > 1 && pthread_create(&thread, NULL, run_job, &jobs[1])) {
		fprintf(stderr, "bench_kernel: no second thread\n");
		exit(1);
	}
	run_job(&jobs[0]);
	if (parts > 1)
		pthread_join(thread, NULL);
	pthread_barrier_destroy(&barrier);
	return median(jobs[0].t, REPS, best);
}

/* ---- Work ------------------------------------------------------------- */

static void read_all(struct bench *b, uint32_t part, uint32_t parts)
{
	typedef uint64_t v8 __attribute__((vector_size(64)));
	const v8 *p = (const v8 *)(b->w + b->bytes / parts / 64 * 64 * part);
	size_t n = b->bytes / parts / 64;
	v8 s0 = { 0 }, s1 = { 0 }, s2 = { 0 }, s3 = { 0 };

	for (size_t i = 0; i + 4 <= n; i += 4) {
		s0 ^= p[i];
		s1 ^= p[i + 1];
		s2 ^= p[i + 2];
		s3 ^= p[i + 3];
	}
	s0 ^= s1 ^ s2 ^ s3;
	__asm__ volatile("" : : "m"(s0));
}

/*
 * One matrix for n_rows rows, this thread's share of its tiles, in the order in
 * which the chip model goes through it.
 */
static const int8_t *matrix(struct bench *b, const int8_t *w, uint32_t n_in,
			    uint32_t n_out, uint32_t n_rows, uint32_t part,
			    uint32_t parts)
{
	uint32_t tiles = (n_out + 15) / 16;
	uint32_t first = tiles / 4 * part / parts * 4;
	uint32_t end = part + 1 == parts ? tiles : tiles / 4 * (part + 1) / parts * 4;
	uint32_t blocks = (n_rows + CHIP_ROWS_AT_ONCE - 1) / CHIP_ROWS_AT_ONCE;
	size_t stride = (size_t)n_in * 16, step = (63 + blocks) / blocks;
	float out[CHIP_ROWS_AT_ONCE][64], *outs[CHIP_ROWS_AT_ONCE];

	for (uint32_t r = 0; r < CHIP_ROWS_AT_ONCE; r++)
		outs[r] = out[r];
	for (uint32_t t = first; t < end; t += CHIP_TILES_AT_ONCE) {
		uint32_t n = end - t < 4 ? end - t : 4;

		for (uint32_t i = 0; i < blocks; i++) {
			uint32_t r = n_rows * i / blocks;
			struct chip_tiles c = {
				.rows = b->row_ptrs + r,
				.n_rows = n_rows * (i + 1) / blocks - r,
				.n_in = n_in, .n = n * 16,
				.w = w + t * stride, .tile_stride = stride,
				.colsum = b->colsum, .scale = b->scale,
				.act = n_out == 4 * D ? CTRANS_ACT_GELU_TANH :
							CTRANS_ACT_NONE,
				.out = outs, .ahead_step = step,
				.ahead = (const char *)w + (t + n) * stride +
					 n * (size_t)n_in / 4 * step * i,
			};

			if (n_in / 4 * step * i >= stride) {
				c.ahead = (const char *)c.w;
				c.ahead_step = 0;
			}
			b->k->linear(&c);
		}
	}
	return w + tiles * stride;
}

static void pass(struct bench *b, uint32_t part, uint32_t parts)
{
	const int8_t *w = b->w;

	for (int l = 0; l < N_LAYER; l++)
		for (size_t m = 0; m < sizeof(shapes) / sizeof(shapes[0]); m++)
			w = matrix(b, w, shapes[m][0], shapes[m][1], b->n_rows, part,
				   parts);
	matrix(b, w, D, N_VOCAB, b->n_rows, part, parts);
}

/* A prompt through the widest matrix, which stays in the cache. */
static void prefill(struct bench *b, uint32_t part, uint32_t parts)
{
	matrix(b, b->w, 4 * D, D, MANY_ROWS, part, parts);
}

/* ---- Attention and rows ------------------------------------------------ */

static void attention(const struct chip_kernel *k, const char *blocks, uint32_t n)
{
	float q[64], o[64], s[512], m;
	size_t tile = 64 * 64 * 2;
	double t[REPS], middle, best;

	for (int i = 0; i < 64; i++)
		q[i] = (float)i * 0.01f;
	for (int rep = 0; rep < REPS; rep++) {
		const char *p = blocks;
		double start = now();

		for (int h = 0; h < N_LAYER * 12; h++, p += n / 64 * 2 * tile) {
			float z = 0.0f;

			memset(o, 0, sizeof(o));
			for (uint32_t i = 0; i < n; i += 64)
				k->scores(q, p + i / 64 * 2 * tile, 64, 64, 0.125f,
					  CTRANS_KV_F16, s + i);
			m = k->max(s, n);
			for (uint32_t i = 0; i < n; i += 64) {
				z += k->exp_block(s + i, 64, m);
				k->weigh(s + i, p + (i / 64 * 2 + 1) * tile, 64, 64,
					 CTRANS_KV_F16, o);
			}
			k->divide(o, 64, z);
		}
		t[rep] = now() - start;
	}
	middle = median(t, REPS, &best);
	printf("%-10s attention, %u positions, 12 layers of 12 heads: %.3f ms (%.3f)\n",
	       k->name, n, 1e3 * middle, 1e3 * best);
}

static void row_functions(struct bench *b)
{
	const struct chip_kernel *k = b->k;
	float *x = huge(4 * D * 4), *y = huge(4 * D * 4), *logits = huge(1 << 18);
	double t0, t1, t2, t3;
	volatile float sink = 0;

	for (int i = 0; i < 4 * D; i++)
		x[i] = (float)(i % 37) * 0.3f - 5.0f;
	b->rows[0].theta = 0.1f;
	t0 = now();
	for (int i = 0; i < 1000; i++)
		k->layernorm(x, x, x, 1e-5f, D, y);
	t1 = now();
	for (int i = 0; i < 1000; i++)
		k->quantise(x, 4 * D, &b->rows[0]);
	t2 = now();
	for (int i = 0; i < 50; i++)
		sink += k->sumexp(logits + i * 1024, 1024, 0.0f);
	t3 = now();
	printf("%-10s layernorm(768) %.2f us, quantise(3072) %.2f us, "
	       "sumexp(50 x 1024) %.1f us\n", k->name, (t1 - t0) * 1e3,
	       (t2 - t1) * 1e3, (t3 - t2) * 1e6);
}

static void bench(struct bench *b)
{
	static const uint32_t rows[] = { 2, 4, 8, 16, 32 };
	double bytes = (double)b->bytes;

	for (uint32_t n = 1; n <= 2; n++) {
		double read, one, best_read, best;

		read = seconds(b, n, read_all, &best_read);
		b->n_rows = 1;
		one = seconds(b, n, pass, &best);
		printf("%-10s %u thread%s: 1 row %.1f (%.1f) GB/s, reading %.1f (%.1f)\n",
		       b->k->name, n, n > 1 ? "s" : "", bytes / one * 1e-9,
		       bytes / best * 1e-9, bytes / read * 1e-9,
		       bytes / best_read * 1e-9);
		printf("%-10s %u thread%s: best GMAC/s:", b->k->name, n,
		       n > 1 ? "s" : "");
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			b->n_rows = rows[i];
			seconds(b, n, pass, &best);
			printf(" %u rows %.0f,", rows[i],
			       rows[i] * bytes / best * 1e-9);
		}
		seconds(b, n, prefill, &best);
		printf(" %d in cache %.0f\n", MANY_ROWS,
		       (double)MANY_ROWS * 4 * D * D / best * 1e-9);
	}
}

int main(int argc, char **argv)
{
	static struct bench b;
	char *kv;

	for (size_t m = 0; m < sizeof(shapes) / sizeof(shapes[0]); m++)
		b.bytes += (size_t)N_LAYER * shapes[m][0] * shapes[m][1];
	b.bytes += (size_t)D * ((N_VOCAB + 15) / 16 * 16);
	b.w = huge(b.bytes);
	for (size_t i = 0; i < b.bytes; i++)
		b.w[i] = (int8_t)(i * 2654435761u >> 13) | 1;
	for (uint32_t r = 0; r < MANY_ROWS; r++) {
		struct chip_qrow *row = &b.rows[r];

		row->a = huge(4 * D * 2);
		row->u8 = huge(4 * D);
		row->outliers = huge(4 * D * sizeof(*row->outliers));
		for (uint32_t k = 0; k < 4 * D; k++) {
			row->a[k] = (int16_t)((int)(k * 7 + r) % 255 - 127);
			row->u8[k] = (uint8_t)(128 + row->a[k]);
		}
		row->n = 4 * D;
		b.row_ptrs[r] = row;
	}
	kv = huge((size_t)N_LAYER * 12 * 1024 * 64 * 4);
	memset(kv, 0x11, (size_t)N_LAYER * 12 * 1024 * 64 * 4);
	for (unsigned int i = 1; chip_kernel_at(i); i++) {
		b.k = chip_kernel_at(i);
		if (!b.k->supported() || (argc > 1 && strcmp(argv[1], b.k->name)))
			continue;
		bench(&b);
		attention(b.k, kv, 128);
		attention(b.k, kv, 512);
		row_functions(&b);
	}
	return 0;
}
