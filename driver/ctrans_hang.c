// SPDX-License-Identifier: GPL-2.0-only
/*
 * When is a job stuck, and what is to be done about it.
 *
 * A job is stuck when it was on the cores at CTRANS_LOOKS looks after the first,
 * each found the same progress, and the time limit has passed. The clock is not
 * trusted alone: where a whole machine stood still, its jiffies jump and the job
 * had none of that time. So no gap between two looks counts for more than its
 * share of the limit, and looks in quick succession count for what they are.
 *
 * A queue without a job on the cores waits for its turn, which is nobody's fault.
 *
 * Once something was asked of the chip, progress excuses nothing: a job that was
 * aborted is to leave. If the same job is still there after the time that is
 * allowed, counted in the same way, it is the next rung's turn.
 */
#include <linux/limits.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include <kunit/visibility.h>

#include "ctrans_hang.h"

/* The time counts from here. */
static void ctrans_hang_start(struct ctrans_hang *h, u32 progress, unsigned long now)
{
	h->last = now;
	h->quiet = 0;
	h->looks = 1;
	h->progress = progress;
}

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
 * ctrans_hang_next - what was asked for did not help
 * @h: what the looks at the queue have found
 *
 * For one who has waited for it already, where ctrans_hang_look() would count
 * looks. The time for this rung counts from the next look.
 *
 * Return: what to do now; after the last rung the last.
 */
enum ctrans_rung ctrans_hang_next(struct ctrans_hang *h)
{
	h->looks = 0;
	if (h->rung < CTRANS_RUNG_WEDGED)
		h->rung++;
	return h->rung;
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_hang_next);

/**
 * ctrans_hang_look - look at a queue
 * @h: what the looks at it have found so far; updated
 * @active: a job of it is on the cores
 * @progress: the chip's count of its units of work
 * @now: jiffies
 * @timeout: jiffies that a job may take without progress, and also those that it
 *	may take to do what was asked for; to be constant for as long as @h is
 *	not forgotten, except after a rung
 *
 * Return: what to do now, once; CTRANS_RUNG_NONE while there is nothing to do
 * yet.
 */
enum ctrans_rung ctrans_hang_look(struct ctrans_hang *h, bool active, u32 progress,
				  unsigned long now, unsigned long timeout)
{
	unsigned long share = max(DIV_ROUND_UP(timeout, CTRANS_LOOKS), 1ul);

	if (!active) {
		ctrans_hang_forget(h);
		return CTRANS_RUNG_NONE;
	}
	if (!h->looks ||
	    (h->rung == CTRANS_RUNG_NONE && progress != h->progress)) {
		ctrans_hang_start(h, progress, now);
		return CTRANS_RUNG_NONE;
	}
	h->quiet += min(now - h->last, share);
	h->last = now;
	if (h->looks <= CTRANS_LOOKS)
		h->looks++;
	if (h->looks <= CTRANS_LOOKS || h->quiet < timeout)
		return CTRANS_RUNG_NONE;
	return ctrans_hang_next(h);
}
EXPORT_SYMBOL_IF_KUNIT(ctrans_hang_look);
