// SPDX-License-Identifier: MIT
/*
 * The model's worker threads and the barrier they meet at.
 *
 * Every worker walks the same program and takes its share of each instruction;
 * they meet several times a layer, so the barrier spins first. It does not spin
 * for long: on a machine that others use too, the worker waited for may not be
 * running at all.
 */
#include "chip/internal.h"

#include <errno.h>
#include <fenv.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SPIN_NS	50000

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake_all(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* Wait until *word differs from @old: spin, then sleep. */
static void wait_change(struct chip *chip, _Atomic uint32_t *word, uint32_t old)
{
	int64_t until = 0;

	for (unsigned int i = 1; chip->spin; i++) {
		if (atomic_load_explicit(word, memory_order_acquire) != old)
			return;
		relax();
		if (i % 64 == 0) {
			int64_t t = now_ns();

			if (!until)
				until = t + SPIN_NS;
			else if (t > until)
				break;
		}
	}
	atomic_fetch_add(&chip->barrier.sleepers, 1);
	while (atomic_load(word) == old)
		futex_wait(word, old);
	atomic_fetch_sub(&chip->barrier.sleepers, 1);
}

static void change(struct chip *chip, _Atomic uint32_t *word)
{
	atomic_fetch_add(word, 1);
	if (atomic_load(&chip->barrier.sleepers))
		futex_wake_all(word);
}

/*
 * What the last worker does for all while the others wait: the one place where
 * nobody holds a pointer into context memory, so where translations change.
 */
static void boundary(struct chip *chip)
{
	struct chip_job *job = &chip->job;

	if (atomic_load(&chip->tlb_dirty) && !atomic_load(&job->stop) &&
	    chip_job_resolve(chip, job))
		atomic_store(&job->stop, true);
	chip->barrier.stop = atomic_load(&job->stop);
}

/* All workers' writes before are visible to all after. True: end the job. */
bool chip_barrier_wait(struct chip_worker *w)
{
	struct chip *chip = w->chip;
	struct chip_barrier *b = &chip->barrier;
	uint32_t phase = atomic_load_explicit(&b->phase, memory_order_relaxed);

	if (atomic_fetch_add(&b->arrived, 1) + 1 == chip->n_workers) {
		boundary(chip);
		atomic_store_explicit(&b->arrived, 0, memory_order_relaxed);
		change(chip, &b->phase);
	} else {
		wait_change(chip, &b->phase, phase);
	}
	return b->stop;
}

static void *helper(void *arg)
{
	struct chip_worker *w = arg;
	struct chip *chip = w->chip;
	uint32_t seen = 0;

	fesetenv(FE_DFL_ENV);
	for (;;) {
		wait_change(chip, &chip->kick, seen);
		seen++;
		if (atomic_load(&chip->quit))
			return NULL;
		chip_job_run(w);
	}
}

/* Run the loaded job on all workers; returns when all have left it. */
void chip_pool_run(struct chip *chip)
{
	if (chip->n_workers > 1)
		change(chip, &chip->kick);
	chip_job_run(&chip->workers[0]);
}

int chip_pool_start(struct chip *chip)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	/* with more workers than CPUs a spinning one keeps another from running */
	chip->spin = (long)chip->n_workers <= online;
	for (unsigned int i = 1; i < chip->n_workers; i++) {
		struct chip_worker *w = &chip->workers[i];

		if (pthread_create(&w->thread, NULL, helper, w)) {
			unsigned int made = i;

			atomic_store(&chip->quit, true);
			change(chip, &chip->kick);
			while (--made)
				pthread_join(chip->workers[made].thread, NULL);
			return -EAGAIN;
		}
	}
	return 0;
}

static void worker_free(struct chip_worker *w)
{
	free(w->x);
	free(w->y);
	free(w->norm);
	free(w->scores);
	free(w->kv);
	free(w->w);
	free(w->qmem);
	free(w->executed);
}

void chip_pool_stop(struct chip *chip)
{
	atomic_store(&chip->quit, true);
	change(chip, &chip->kick);
	for (unsigned int i = 1; i < chip->n_workers; i++)
		pthread_join(chip->workers[i].thread, NULL);
	for (unsigned int i = 0; i < chip->n_workers; i++)
		worker_free(&chip->workers[i]);
}

/* Replace *p by room for @bytes; the old contents are not needed. */
static int grow(void *p, size_t bytes)
{
	void *fresh = NULL;

	if (posix_memalign(&fresh, CTRANS_GRANULE, bytes + CTRANS_GRANULE))
		return -ENOMEM;
	memset(fresh, 0, bytes + CTRANS_GRANULE);
	free(*(void **)p);
	*(void **)p = fresh;
	return 0;
}

/* The arrays of a quantised row of at most @width values, from one block. */
static size_t qrow_bytes(uint32_t width)
{
	return chip_round_up(width, 64) * (3 + sizeof(struct chip_outlier));
}

static void qrow_layout(struct chip_qrow *q, uint8_t *mem, uint32_t width)
{
	size_t pad = chip_round_up(width, 64);

	q->a = (int16_t *)mem;
	q->u8 = mem + 2 * pad;
	q->outliers = (struct chip_outlier *)(mem + 3 * pad);
}

static int worker_width(struct chip_worker *w, uint32_t width)
{
	size_t row = qrow_bytes(width);

	if (w->room_width >= width)
		return 0;
	if (grow(&w->x, 4ull * width) || grow(&w->y, 4ull * width) ||
	    grow(&w->norm, 4ull * CHIP_FEW_ROWS * width) ||
	    grow(&w->w, 64ull * chip_round_up(width, 16)) || grow(&w->qmem, CHIP_FEW_ROWS * row))
		return -ENOMEM;
	for (unsigned int i = 0; i < CHIP_FEW_ROWS; i++)
		qrow_layout(&w->q[i], w->qmem + i * row, width);
	w->room_width = width;
	return 0;
}

/* Worker 0, before a job: nobody allocates while it runs. */
int chip_worker_room(struct chip_worker *w, const struct chip_job *job)
{
	size_t scores = (size_t)job->max_position + CTRANS_KV_POSITIONS;

	if (worker_width(w, job->max_width))
		return -ENOMEM;
	if (w->room_scores < scores) {
		if (grow(&w->scores, scores * sizeof(float)))
			return -ENOMEM;
		w->room_scores = scores;
	}
	if (w->room_kv < job->max_head) {
		if (grow(&w->kv, job->max_head))
			return -ENOMEM;
		w->room_kv = job->max_head;
	}
	if (w->chip->reference && w->room_exec < job->n_rows) {
		if (grow(&w->executed, job->n_rows * sizeof(*w->executed)))
			return -ENOMEM;
		w->room_exec = job->n_rows;
	}
	return 0;
}

int chip_job_qrows(struct chip_job *job)
{
	size_t row = qrow_bytes(job->max_width);

	if (job->n_rows <= CHIP_FEW_ROWS)
		return 0;
	if (job->qmem_size < row * job->n_rows) {
		job->qmem_size = 0;
		if (grow(&job->qmem, row * job->n_rows))
			return -ENOMEM;
		job->qmem_size = row * job->n_rows;
	}
	for (uint32_t r = 0; r < job->n_rows; r++)
		qrow_layout(&job->qrows[r], job->qmem + r * row, job->max_width);
	return 0;
}
