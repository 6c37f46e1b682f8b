// SPDX-License-Identifier: MIT
/*
 * Queues: doorbells in, completions and interrupts out, and whose turn it is.
 *
 * Doorbell words are plain atomic stores that any thread may do. What they
 * mean is decided by worker 0 alone when it looks for work, so there is no race
 * to reason about between doorbell and scheduler, only between arming and
 * completing: both write their word first and read the other's after
 * (sequentially consistent), so at least one of them sees both.
 */
#include "chip/internal.h"

#include <errno.h>
#include <fenv.h>
#include <string.h>

static uint32_t sq_size(const struct chip_queue *q)
{
	return 1u << (q->sizes & 0xff);
}

static uint32_t cq_size(const struct chip_queue *q)
{
	return 1u << (q->sizes >> 8 & 0xff);
}

/* ---- Interrupts ------------------------------------------------------- */

void chip_raise_event(struct chip *chip, uint32_t bit)
{
	chip->irq_status |= bit;
	if (chip->irq_mask & bit)
		chip->bus.raise(chip->bus.ctx, 0);
}

/*
 * Fire if an armed word differs from the completion index. One interrupt until
 * the pending bit is cleared, however many words are armed.
 */
static void evaluate(struct chip *chip, struct chip_queue *q)
{
	uint32_t tail = atomic_load(&q->cq_tail);
	bool fire = false;

	if (atomic_load(&q->pending))
		return;
	if (atomic_load(&q->db_arm) != tail && atomic_exchange(&q->armed, false))
		fire = true;
	if (atomic_load(&q->kernel_arm) != tail &&
	    atomic_exchange(&q->kernel_armed, false))
		fire = true;
	if (fire && !atomic_exchange(&q->pending, true))
		chip->bus.raise(chip->bus.ctx, 1 + q->vec);
}

void chip_queue_rearm(struct chip *chip, unsigned int slot)
{
	evaluate(chip, &chip->q[slot]);
}

void chip_doorbell(struct chip *chip, unsigned int slot, uint32_t offset,
		   uint32_t value)
{
	struct chip_queue *q;

	if (slot >= CTRANS_QUEUES || offset > CTRANS_DB_ARM || offset % 4)
		return;
	q = &chip->q[slot];
	if (chip->bus.violation && q->state == CTRANS_QSTATE_STOPPED)
		chip->bus.violation(chip->bus.ctx, CHIP_VIOLATION_DOORBELL, slot);
	switch (offset) {
	case CTRANS_DB_SQ_TAIL:
		atomic_store_explicit(&q->db_sq_tail, value, memory_order_release);
		break;
	case CTRANS_DB_CQ_HEAD:
		atomic_store_explicit(&q->db_cq_head, value, memory_order_release);
		break;
	case CTRANS_DB_ARM:
		/* the word is a state: what it holds already arms nothing */
		if (atomic_exchange(&q->db_arm, value) == value)
			break;
		atomic_store(&q->armed, true);
		evaluate(chip, q);
		return;
	}
	if (chip->bus.work)
		chip->bus.work(chip->bus.ctx);
}

/* ---- The status region ------------------------------------------------ */

static void *status_at(struct chip *chip, const struct chip_queue *q,
		       uint64_t off, uint64_t len)
{
	void *p = chip_bus_at(chip, q->status_bus + off, len, true);

	if (!p)
		chip_bus_refused(chip);
	return p;
}

/*
 * Line 0 as it is now; the state last, so that who sees ERROR sees the failed
 * job's completion too. Lock held.
 */
void chip_queue_publish(struct chip *chip, struct chip_queue *q)
{
	struct ctrans_status_line *l = status_at(chip, q, CTRANS_STATUS_LINE,
						 sizeof(*l));

	if (!l)
		return;
	l->error = q->error;
	l->fault_va = q->fault.va;
	l->fault_sequence = q->fault_sequence;
	l->fault_insn = q->fault.status ? q->fault.insn : UINT32_MAX;
	__atomic_store_n(&l->sq_head, q->sq_head, __ATOMIC_RELEASE);
	__atomic_store_n(&l->cq_tail, chip_shown_tail(chip, atomic_load(&q->cq_tail)),
			 __ATOMIC_RELEASE);
	__atomic_store_n(&l->state, q->state, __ATOMIC_RELEASE);
}

void chip_queue_stop(struct chip *chip, struct chip_queue *q)
{
	q->stop_asked = false;
	q->dropped = false;
	q->state = CTRANS_QSTATE_STOPPED;
	chip_queue_publish(chip, q);
}

static void queue_error(struct chip *chip, unsigned int slot, uint32_t error)
{
	struct chip_queue *q = &chip->q[slot];

	q->state = CTRANS_QSTATE_ERROR;
	q->error = error;
	chip->qerr |= 1ull << slot;
	chip_queue_publish(chip, q);
	chip_raise_event(chip, CTRANS_IRQ_QUEUE_ERR);
}

static bool complete(struct chip *chip, unsigned int slot,
		     const struct ctrans_cqe *cqe)
{
	struct chip_queue *q = &chip->q[slot];
	uint32_t tail = atomic_load(&q->cq_tail);
	struct ctrans_cqe *c = status_at(chip, q, CTRANS_STATUS_CQ +
				(uint64_t)(tail & (cq_size(q) - 1)) * sizeof(*c),
				sizeof(*c));

	if (!c) {
		queue_error(chip, slot, CTRANS_QERR_STATUS_BUS);
		return false;
	}
	*c = *cqe;
	atomic_store(&q->cq_tail, tail + 1);
	return true;
}

/* ---- Scheduling ------------------------------------------------------- */

/* Whether the scheduler would take the word, or stop the queue for it. */
static bool tail_possible(const struct chip_queue *q, uint32_t tail)
{
	return tail - q->sq_head <= sq_size(q) &&
	       tail - q->sq_head >= q->sq_tail - q->sq_head;
}

static bool head_possible(const struct chip_queue *q, uint32_t head)
{
	uint32_t tail = atomic_load(&q->cq_tail);

	return tail - head <= tail - q->cq_head;
}

/* By possible words: there is an entry, and room for its completion. */
static bool ready(const struct chip_queue *q, uint32_t tail, uint32_t head)
{
	return tail != q->sq_head && q->sq_head - head < cq_size(q);
}

/* Take the doorbells' values; false if there is nothing to run or an error. */
static bool admit(struct chip *chip, unsigned int slot)
{
	struct chip_queue *q = &chip->q[slot];
	uint32_t tail = atomic_load_explicit(&q->db_sq_tail, memory_order_acquire);
	uint32_t head = atomic_load_explicit(&q->db_cq_head, memory_order_acquire);

	if (!tail_possible(q, tail)) {
		queue_error(chip, slot, CTRANS_QERR_SQ_TAIL);
		return false;
	}
	q->sq_tail = tail;
	if (!head_possible(q, head)) {
		queue_error(chip, slot, CTRANS_QERR_CQ_HEAD);
		return false;
	}
	q->cq_head = head;
	return ready(q, tail, head);
}

static bool busy(const struct chip_queue *q)
{
	uint32_t tail = atomic_load(&q->db_sq_tail), head = atomic_load(&q->db_cq_head);

	if (q->active || q->state != CTRANS_QSTATE_RUNNING)
		return q->active;
	return !tail_possible(q, tail) || !head_possible(q, head) || ready(q, tail, head);
}

/* A bit for each queue of which admit() would make something. Lock held. */
uint64_t chip_queues_busy(const struct chip *chip)
{
	uint64_t bits = 0;

	for (unsigned int i = 0; i < CTRANS_QUEUES; i++)
		bits |= (uint64_t)busy(&chip->q[i]) << i;
	return bits;
}

/*
 * What the registers give: a word that nobody has looked at yet is not lost when the
 * kernel carries it over, and one that stops the queue does not do so again. Lock held.
 */
uint32_t chip_queue_sq_tail(const struct chip_queue *q)
{
	uint32_t tail = atomic_load(&q->db_sq_tail);

	return tail_possible(q, tail) ? tail : q->sq_tail;
}

uint32_t chip_queue_cq_head(const struct chip_queue *q)
{
	uint32_t head = atomic_load(&q->db_cq_head);

	return head_possible(q, head) ? head : q->cq_head;
}

/* Next queue with work, in turn. -1: none. Lock held. */
static int pick(struct chip *chip)
{
	for (unsigned int i = 0; i < CTRANS_QUEUES; i++) {
		unsigned int slot = (chip->turn + i) % CTRANS_QUEUES;

		if (chip->q[slot].state != CTRANS_QSTATE_RUNNING)
			continue;
		if (admit(chip, slot)) {
			chip->turn = (slot + 1) % CTRANS_QUEUES;
			return (int)slot;
		}
	}
	return -1;
}

/* Fetch the entry into chip->job. Lock held. */
static bool fetch(struct chip *chip, unsigned int slot)
{
	struct chip_queue *q = &chip->q[slot];
	struct chip_job *job = &chip->job;
	uint64_t va = q->sq_va + (uint64_t)(q->sq_head & (sq_size(q) - 1)) *
				 sizeof(job->sqe);

	job->ctx = q->ctx;
	memset(&job->fault, 0, sizeof(job->fault));
	job->fault.insn = UINT32_MAX;
	if (chip_copy_in(chip, q->ctx, va, &job->sqe, sizeof(job->sqe),
			 &job->fault)) {
		q->fault = job->fault;
		q->fault_sequence = 0;	/* it could not be read */
		queue_error(chip, slot, CTRANS_QERR_SQ_FAULT);
		return false;
	}
	q->sq_head++;
	q->active = true;
	chip->active = (int)slot;
	chip_queue_publish(chip, q);
	return true;
}

uint64_t chip_units(const struct chip *chip)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < chip->n_workers; i++)
		n += atomic_load_explicit(&chip->workers[i].units,
					  memory_order_relaxed);
	return n;
}

/* The job's end: completion, state, interrupt. Lock held. */
static void finish(struct chip *chip, unsigned int slot, int status)
{
	struct chip_queue *q = &chip->q[slot];
	struct chip_job *job = &chip->job;
	struct ctrans_cqe cqe = {
		.user_data = job->sqe.user_data,
		.status = status,
	};
	bool written;

	q->active = false;
	chip->active = -1;
	q->progress++;
	if (chip->reset_asked) {	/* nothing of it may be seen any more */
		chip_reset_now(chip);
		return;
	}
	if (q->dropped) {	/* however far it has come */
		chip_queue_stop(chip, q);
		return;
	}
	if (status == CTRANS_ST_OK) {
		cqe.cycles = job->total.cycles;
		cqe.energy_pj = job->total.energy_fj / 1000;
		chip_account(chip, q, &job->total);
	}
	written = complete(chip, slot, &cqe);
	if (status != CTRANS_ST_OK && status != CTRANS_ST_ABORTED) {
		q->fault = job->fault;
		q->fault_sequence = job->sqe.sequence;
		if (written)
			queue_error(chip, slot, CTRANS_QERR_JOB);
	} else if (written && q->stop_asked) {
		q->state = CTRANS_QSTATE_STOPPED;
	}
	q->stop_asked = false;
	chip_queue_publish(chip, q);
	evaluate(chip, q);
}

/* Invalidations asked for while no job held translations. Lock held. */
static void flush(struct chip *chip)
{
	chip_tlb_drop(chip);
	chip_tlb_dropped(chip);
}

/* Page tables are walked without the lock; the event waits for it. */
static void raise_mmu(struct chip *chip)
{
	if (atomic_exchange(&chip->mmu_event, false))
		chip_raise_event(chip, CTRANS_IRQ_MMU);
}

static bool run_one(struct chip *chip)
{
	struct chip_job *job = &chip->job;
	int slot, st;

	pthread_mutex_lock(&chip->lock);
	flush(chip);
	slot = pick(chip);
	if (slot < 0 || !fetch(chip, (unsigned int)slot)) {
		raise_mmu(chip);
		pthread_mutex_unlock(&chip->lock);
		return slot >= 0;
	}
	/* here only, so that one job is at one point */
	if (chip->costs.khz != chip_opps[chip->opp].khz)
		chip_costs_at(chip->opp, &chip->costs);
	atomic_store(&job->stop, false);
	atomic_store(&job->bad_weight, 0);
	chip->units_at_job = chip_units(chip);
	chip->working = true;
	if (chip_fault_is(chip, CHIP_FAULT_STRAY_DMA))
		chip_stray(chip);
	pthread_mutex_unlock(&chip->lock);

	chip_phase_hold(chip);
	st = chip_job_load(chip, job);
	if (st == CTRANS_ST_OK && !job->n_ops) {
		if (atomic_load(&job->stop))
			st = CTRANS_ST_ABORTED;
	} else if (st == CTRANS_ST_OK) {
		uint32_t bad;

		chip_phase_run(chip);
		bad = atomic_load(&job->bad_weight);
		if (bad)
			chip_job_bad(job, CTRANS_ST_BAD_WEIGHT, bad - 1);
		if (atomic_load(&job->stop))
			st = job->fault.status ? job->fault.status : CTRANS_ST_ABORTED;
	}

	pthread_mutex_lock(&chip->lock);
	chip->working = false;
	chip->q[slot].progress += chip_units(chip) - chip->units_at_job;
	finish(chip, (unsigned int)slot, st);
	raise_mmu(chip);
	flush(chip);
	pthread_mutex_unlock(&chip->lock);
	return true;
}

int chip_work(struct chip *chip, bool (*enough)(void *arg), void *arg)
{
	fenv_t env;
	int jobs = 0;

	if (pthread_mutex_trylock(&chip->work))
		return -EBUSY;
	fegetenv(&env);
	fesetenv(FE_DFL_ENV);
	while (run_one(chip)) {
		jobs++;
		if (enough && enough(arg))
			break;
	}
	fesetenv(&env);
	pthread_mutex_unlock(&chip->work);
	return jobs;
}

void chip_queue_reset(struct chip *chip, unsigned int slot)
{
	struct chip_queue *q = &chip->q[slot];

	atomic_store(&q->db_sq_tail, 0);
	atomic_store(&q->db_cq_head, 0);
	atomic_store(&q->db_arm, 0);
	atomic_store(&q->kernel_arm, 0);
	atomic_store(&q->armed, false);
	atomic_store(&q->kernel_armed, false);
	atomic_store(&q->pending, false);
	atomic_store(&q->cq_tail, 0);
	q->sq_va = 0;
	q->status_bus = 0;
	q->sizes = CTRANS_QUEUE_LOG2_MIN << 8 | CTRANS_QUEUE_LOG2_MIN;
	q->ctx = 0;
	q->vec = 0;
	q->sq_head = 0;
	q->sq_tail = 0;
	q->cq_head = 0;
	q->state = CTRANS_QSTATE_STOPPED;
	q->error = CTRANS_QERR_NONE;
	q->active = false;
	q->stop_asked = false;
	q->dropped = false;
	q->progress = 0;
	q->fault_sequence = 0;
	memset(&q->used, 0, sizeof(q->used));
	memset(q->latch, 0, sizeof(q->latch));
	memset(&q->fault, 0, sizeof(q->fault));
}
