// SPDX-License-Identifier: MIT
/* The model's worker threads and their scratch memory. What they do: phase.c. */
#include "chip/internal.h"

#include <errno.h>
#include <fenv.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static void *helper(void *arg)
{
	fesetenv(FE_DFL_ENV);
	chip_phase_help(arg);
	return NULL;
}

static int start(struct chip_worker *w, const unsigned short *pin)
{
	unsigned short cpu = pin ? pin[w->index] : 0;
	cpu_set_t *one = CPU_ALLOC(cpu + 1u);
	size_t size = CPU_ALLOC_SIZE(cpu + 1u);
	pthread_attr_t attr;
	int err;

	if (!one || pthread_attr_init(&attr)) {
		CPU_FREE(one);
		return -ENOMEM;
	}
	CPU_ZERO_S(size, one);
	CPU_SET_S(cpu, size, one);
	err = pin ? pthread_attr_setaffinity_np(&attr, size, one) : 0;
	if (!err)
		err = pthread_create(&w->thread, &attr, helper, w);
	pthread_attr_destroy(&attr);
	CPU_FREE(one);
	return -err;
}

static void stop(struct chip *chip, unsigned int made)
{
	chip_phase_quit(chip);
	for (unsigned int i = 1; i < made; i++)
		pthread_join(chip->workers[i].thread, NULL);
}

/* Worker i on CPU pin[i], but worker 0, which is whoever calls. */
int chip_pool_start(struct chip *chip, const unsigned short *pin)
{
	chip_phase_init(chip);
	for (unsigned int i = 1; i < chip->n_workers; i++) {
		int err = start(&chip->workers[i], pin);

		if (err) {
			stop(chip, i);
			return err;
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
	free(w->bias);
	free(w->attention.q);
	free(w->kv);
	free(w->w);
	free(w->qmem);
	free(w->executed);
	free(w->parts_room);
}

void chip_pool_stop(struct chip *chip)
{
	stop(chip, chip->n_workers);
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
	    grow(&w->w, 64ull * chip_round_up(width, CTRANS_ESC_INPUTS)) ||
	    grow(&w->qmem, CHIP_FEW_ROWS * row))
		return -ENOMEM;
	for (unsigned int i = 0; i < CHIP_FEW_ROWS; i++)
		qrow_layout(&w->q[i], w->qmem + i * row, width);
	w->room_width = width;
	return 0;
}

/* All in one piece, each part a multiple of granules. */
static int attention_room(struct chip_worker *w, const struct chip_job *job)
{
	struct chip_attention_scratch *a = &w->attention;
	size_t span = chip_round_up(job->max_end, CTRANS_KV_POSITIONS);
	size_t width = chip_round_up(job->max_head_dim, 16), row, need;
	uint32_t rows = (uint32_t)(CHIP_ATTENTION_SCORES / span);

	if (!width || job->n_rows < 2)
		return 0;
	rows = rows > CHIP_ATTENTION_ROWS ? CHIP_ATTENTION_ROWS : rows < 4 ? 4 : rows;
	row = (2 * width + span) * sizeof(float);
	need = rows * row + CHIP_EXPANDED(width) * sizeof(float);
	if (w->room_attention < need) {
		w->room_attention = 0;
		if (grow(&a->q, need))
			return -ENOMEM;
		w->room_attention = need;
	}
	a->rows = rows;
	a->o = a->q + rows * width;
	a->scores = a->o + rows * width;
	a->expanded = a->scores + rows * span;
	return 0;
}

/* Worker 0, before a job: nobody allocates while it runs. */
int chip_worker_room(struct chip_worker *w, const struct chip_job *job)
{
	size_t scores = (size_t)job->max_end + CTRANS_KV_POSITIONS;
	bool late;

	if (worker_width(w, job->max_width))
		return -ENOMEM;
	/* twice as many: a text that is being written has one more in each job */
	if (w->room_scores < scores) {
		if (grow(&w->scores, 2 * scores * sizeof(float)))
			return -ENOMEM;
		w->room_scores = 2 * scores;
	}
	if (w->room_bias < job->max_bias) {
		if (grow(&w->bias, job->max_bias * sizeof(float)))
			return -ENOMEM;
		w->room_bias = job->max_bias;
	}
	if (attention_room(w, job))
		return -ENOMEM;
	if (w->room_kv < job->max_head) {
		if (grow(&w->kv, job->max_head))
			return -ENOMEM;
		w->room_kv = job->max_head;
	}
	if (job->bounds && w->room_parts < job->max_width) {
		if (grow(&w->parts_room, chip_parts_bytes(job->max_width)))
			return -ENOMEM;
		w->room_parts = job->max_width;
	}
	w->parts_row = 0;
	late = w->chip->reference || job->bounds;
	if (late && w->room_exec < job->n_rows) {
		if (grow(&w->executed, job->n_rows * sizeof(*w->executed)))
			return -ENOMEM;
		w->room_exec = job->n_rows;
	}
	if (late)
		memset(w->executed, 0, job->n_rows * sizeof(*w->executed));
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
