// SPDX-License-Identifier: GPL-2.0-only
/*
 * When is a job stuck.
 *
 * When it was on the cores at CTRANS_LOOKS looks after the first, each found the
 * same progress, and the time limit has passed. The clock is not trusted alone:
 * where a whole machine stood still, its jiffies jump and the job had none of that
 * time. So no gap between two looks counts for more than its share of the limit,
 * and looks in quick succession count for what they are.
 *
 * A queue without a job on the cores waits for its turn, which is nobody's fault.
 */
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include <kunit/visibility.h>

#include "ctrans_hang.h"

/**
 * ctrans_hang_forget - whatever was seen is of no importance any more
 * @h: what the looks at the queue have found
 *
 * For a queue that starts again.
 */
void ctrans_hang_forget(struct ctrans_hang *h)
{
	memset(h, 0, sizeof(*h));
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_hang_forget);

/**
 * ctrans_hang_look - look at a queue
 * @h: what the looks at it have found so far; updated
 * @active: a job of it is on the cores
 * @progress: the chip's count of its units of work
 * @now: jiffies
 * @timeout: jiffies that a job may take without progress
 *
 * Return: whether its job is stuck.
 */
bool ctrans_hang_look(struct ctrans_hang *h, bool active, u32 progress,
		      unsigned long now, unsigned long timeout)
{
	unsigned long share = max(DIV_ROUND_UP(timeout, CTRANS_LOOKS), 1ul);

	if (!active) {
		ctrans_hang_forget(h);
		return false;
	}
	if (!h->looks || progress != h->progress) {
		h->last = now;
		h->quiet = 0;
		h->looks = 1;
		h->progress = progress;
		return false;
	}
	h->quiet += min(now - h->last, share);
	h->last = now;
	h->looks += h->looks <= CTRANS_LOOKS;
	return h->looks > CTRANS_LOOKS && h->quiet >= timeout;
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_hang_look);
