// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the chip, a queue and a file have used, across resets and sleep.
 *
 * The chip's registers count from its reset; we add up how far they moved from
 * one reading to the next. So whatever makes them start again is told of by
 * ctrans_counters_restart(), with a last reading before it where there can be
 * one. A slot's registers go on counting for its next owner: a queue counts from
 * what they said when it came.
 *
 * Everything here is under slots_lock, which also is what makes one reader at a
 * time of each LO/HI pair.
 */
#include <linux/math64.h>

#include <kunit/visibility.h>

#include "ctrans_queue.h"

/* More at once, two years of nanoseconds, is no count. */
#define CTRANS_STEP_MAX		BIT_ULL(56)

/*
 * Returns by how much a register moved. All ones, of the high half at least, is
 * what is read where there is no chip. A register that went back was reset
 * behind our back: it counts from there.
 */
static u64 ctrans_counters_step(u64 *seen, u64 now)
{
	u64 step = now > *seen ? now - *seen : 0;

	if (upper_32_bits(now) == U32_MAX || step > CTRANS_STEP_MAX)
		return 0;
	*seen = now;
	return step;
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_counters_restart);

/**
 * ctrans_counters_sample_chip() - add what the whole chip has used
 * @ct: the device, awake; slots_lock is held
 */
void ctrans_counters_sample_chip(struct ctrans_device *ct)
{
	struct ctrans_totals *total = &ct->totals, *seen = &ct->totals_seen;
	u32 khz = ctrans_opp_now(ct)->khz;
	u64 cycles;

	lockdep_assert_held(&ct->slots_lock);
	for (unsigned int d = 0; d < CTRANS_DOMAINS; d++)
		total->counts.busy_ns[d] += NSEC_PER_USEC *
			ctrans_counters_step(&seen->counts.busy_ns[d],
					     ctrans_read64(ct, CTRANS_REG_BUSY_LO(d)));
	total->counts.energy_nj +=
		ctrans_counters_step(&seen->counts.energy_nj,
				     ctrans_read64(ct, CTRANS_REG_ENERGY_LO));
	total->jobs += ctrans_counters_step(&seen->jobs,
					    ctrans_read64(ct, CTRANS_REG_JOBS_LO));
	cycles = ctrans_counters_step(&seen->cycles,
				      ctrans_read64(ct, CTRANS_REG_CYCLES_LO));
	total->cycles += cycles;
	if (khz)
		total->core_ns += mul_u64_u64_div_u64(cycles, USEC_PER_SEC, khz);
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_counters_sample_chip);

static void ctrans_counters_read(struct ctrans_queue *q, struct ctrans_counts *now)
{
	u32 base = CTRANS_REG_Q(q->slot);

	for (unsigned int d = 0; d < CTRANS_DOMAINS; d++)
		now->busy_ns[d] = ctrans_read64(q->ct, base + CTRANS_Q_BUSY_LO(d));
	now->energy_nj = ctrans_read64(q->ct, base + CTRANS_Q_ENERGY_LO);
}

static void ctrans_counters_sample_queue(struct ctrans_queue *q)
{
	struct ctrans_counts now;

	ctrans_counters_read(q, &now);
	for (unsigned int d = 0; d < CTRANS_DOMAINS; d++)
		q->counts.busy_ns[d] += ctrans_counters_step(&q->counts_seen.busy_ns[d],
							     now.busy_ns[d]);
	q->counts.energy_nj += ctrans_counters_step(&q->counts_seen.energy_nj,
						    now.energy_nj);
}

/**
 * ctrans_counters_sample() - add what the chip and each of its queues has used
 * @ct: the device, awake; slots_lock is held
 *
 * Before the registers are lost, and for whoever wants to know.
 */
void ctrans_counters_sample(struct ctrans_device *ct)
{
	struct ctrans_queue *q;
	unsigned int slot;

	ctrans_counters_sample_chip(ct);
	for (slot = 0; slot < CTRANS_QUEUES; slot++) {
		q = ctrans_queue_in(ct, slot);
		if (q)
			ctrans_counters_sample_queue(q);
	}
}

/**
 * ctrans_counters_restart() - the registers count from zero again
 * @ct: the device, just reset or woken; slots_lock is held
 */
void ctrans_counters_restart(struct ctrans_device *ct)
{
	struct ctrans_queue *q;
	unsigned int slot;

	lockdep_assert_held(&ct->slots_lock);
	memset(&ct->totals_seen, 0, sizeof(ct->totals_seen));
	for (slot = 0; slot < CTRANS_QUEUES; slot++) {
		q = ctrans_queue_in(ct, slot);
		if (q)
			memset(&q->counts_seen, 0, sizeof(q->counts_seen));
	}
}

/**
 * ctrans_counters_queue_start() - a slot's use is this queue's from here on
 * @q: queue that is being put into its slot; slots_lock is held, the chip awake
 */
void ctrans_counters_queue_start(struct ctrans_queue *q)
{
	lockdep_assert_held(&q->ct->slots_lock);
	ctrans_counters_read(q, &q->counts_seen);
}

static void ctrans_counts_add(struct ctrans_counts *to, const struct ctrans_counts *c)
{
	for (unsigned int d = 0; d < CTRANS_DOMAINS; d++)
		to->busy_ns[d] += c->busy_ns[d];
	to->energy_nj += c->energy_nj;
}

/**
 * ctrans_counters_queue_end() - what a queue has used is its file's
 * @q: queue that is being taken out of its slot; slots_lock is held
 *
 * A chip that sleeps was read before it fell asleep.
 */
void ctrans_counters_queue_end(struct ctrans_queue *q)
{
	struct ctrans_device *ct = q->ct;
	int idx;

	lockdep_assert_held(&ct->slots_lock);
	if (!ct->asleep && drm_dev_enter(&ct->drm, &idx)) {
		ctrans_counters_sample_queue(q);
		drm_dev_exit(idx);
	}
	ctrans_counts_add(&q->cf->counts, &q->counts);
}

/**
 * ctrans_counters_get() - what the chip has done since probe
 * @ct: the device
 * @totals: to be filled
 */
void ctrans_counters_get(struct ctrans_device *ct, struct ctrans_totals *totals)
{
	bool plugged;
	int idx;

	plugged = drm_dev_enter(&ct->drm, &idx);
	mutex_lock(&ct->slots_lock);
	if (plugged && !ct->asleep)
		ctrans_counters_sample_chip(ct);
	*totals = ct->totals;
	mutex_unlock(&ct->slots_lock);
	if (plugged)
		drm_dev_exit(idx);
}

/**
 * ctrans_counters_get_file() - what an open file has used
 * @cf: the file
 * @counts: to be filled
 *
 * Reads no other file's registers: it may be called often.
 */
void ctrans_counters_get_file(struct ctrans_file *cf, struct ctrans_counts *counts)
{
	struct ctrans_device *ct = cf->ct;
	struct ctrans_queue *q;
	unsigned int slot;
	bool plugged;
	int idx;

	plugged = drm_dev_enter(&ct->drm, &idx);
	mutex_lock(&ct->slots_lock);
	*counts = cf->counts;
	for (slot = 0; slot < CTRANS_QUEUES; slot++) {
		q = ctrans_queue_in(ct, slot);
		if (!q || q->cf != cf)
			continue;
		if (plugged && !ct->asleep)
			ctrans_counters_sample_queue(q);
		ctrans_counts_add(counts, &q->counts);
	}
	mutex_unlock(&ct->slots_lock);
	if (plugged)
		drm_dev_exit(idx);
}
