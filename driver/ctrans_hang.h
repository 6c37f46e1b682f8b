/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When is a job stuck, and what is to be done about it. No locks, no registers and
 * no clock of its own: what is seen comes in, what to do comes out.
 */
#ifndef _CTRANS_HANG_H
#define _CTRANS_HANG_H

#include <linux/types.h>

/* Looks that must have found no change, besides the time. */
#define CTRANS_LOOKS		4

/**
 * enum ctrans_rung - what to do, each where the one before did not help
 * @CTRANS_RUNG_NONE: nothing
 * @CTRANS_RUNG_ABORT: abort the queue's job
 * @CTRANS_RUNG_CONTEXT: drop everything of its context
 * @CTRANS_RUNG_CHIP: reset the chip
 * @CTRANS_RUNG_BUS: have the bus reset it
 * @CTRANS_RUNG_WEDGED: cut it off from memory; the last
 */
enum ctrans_rung {
	CTRANS_RUNG_NONE,
	CTRANS_RUNG_ABORT,
	CTRANS_RUNG_CONTEXT,
	CTRANS_RUNG_CHIP,
	CTRANS_RUNG_BUS,
	CTRANS_RUNG_WEDGED,
};

/**
 * struct ctrans_hang - what the looks at one queue have found; all zero: nothing
 */
struct ctrans_hang {
	/** @last: when the last look was, in jiffies. */
	unsigned long last;
	/** @quiet: jiffies without a change that count, see ctrans_hang_look(). */
	unsigned long quiet;
	/** @looks: looks in a row that found a job; the first has no time yet. */
	unsigned int looks;
	/** @progress: what the first of them found. */
	u32 progress;
	/** @rung: what was asked for last. */
	enum ctrans_rung rung;
};

enum ctrans_rung ctrans_hang_look(struct ctrans_hang *h, bool active, u32 progress,
				  unsigned long now, unsigned long timeout);
enum ctrans_rung ctrans_hang_next(struct ctrans_hang *h);
void ctrans_hang_forget(struct ctrans_hang *h);

#endif
