/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When is a job stuck. No locks, no registers and no clock of its own: what is seen
 * comes in, the verdict comes out.
 */
#ifndef _CTRANS_HANG_H
#define _CTRANS_HANG_H

#include <linux/types.h>

/* Looks that must have found no change, besides the time. */
#define CTRANS_LOOKS		4

/**
 * struct ctrans_hang - what the looks at one queue have found; all zero: nothing
 */
struct ctrans_hang {
	/** @last: when the last look was, in jiffies. */
	unsigned long last;
	/** @quiet: jiffies without a change that count, see ctrans_hang_look(). */
	unsigned long quiet;
	/** @looks: looks in a row that found a job and no change. */
	unsigned int looks;
	/** @progress: what the first of them found. */
	u32 progress;
};

bool ctrans_hang_look(struct ctrans_hang *h, bool active, u32 progress,
		      unsigned long now, unsigned long timeout);
void ctrans_hang_forget(struct ctrans_hang *h);

#endif
