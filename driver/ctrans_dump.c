// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the chip looked like when it had to be reset, as text, for whoever finds out
 * why: /sys/class/devcoredump. The core keeps one for five minutes and drops those
 * that come meanwhile. Nothing of it is users' data, only where their queues stood.
 */
#include <linux/devcoredump.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>

#include "ctrans_queue.h"

#define CTRANS_DUMP_SIZE	SZ_32K

struct ctrans_dump {
	struct ctrans_device *ct;
	size_t used;
	char *text;
};

static const struct {
	const char *name;
	u32 reg;
	bool wide;
} ctrans_dump_regs[] = {
	{ "id",		CTRANS_REG_ID },
	{ "version",	CTRANS_REG_VERSION },
	{ "caps",	CTRANS_REG_CAPS },
	{ "state",	CTRANS_REG_STATE },
	{ "irq_status",	CTRANS_REG_IRQ_STATUS },
	{ "irq_mask",	CTRANS_REG_IRQ_MASK },
	{ "qpend",	CTRANS_REG_QPEND_LO, true },
	{ "qerr",	CTRANS_REG_QERR_LO, true },
	{ "qbusy",	CTRANS_REG_QBUSY_LO, true },
	{ "opp",	CTRANS_REG_OPP },
	{ "heartbeat",	CTRANS_REG_HEARTBEAT },
	{ "temp_mc",	CTRANS_REG_TEMP_MC },
	{ "power_uw",	CTRANS_REG_POWER_UW },
	{ "energy_nj",	CTRANS_REG_ENERGY_LO, true },
	{ "jobs",	CTRANS_REG_JOBS_LO, true },
	{ "ctx_table",	CTRANS_REG_CTX_TABLE_LO, true },
	{ "tlb_seq",	CTRANS_REG_TLB_SEQ },
	{ "tlb_ack",	CTRANS_REG_TLB_ACK },
};

/**
 * ctrans_dump_open() - room for a dump
 * @ct: the device
 *
 * Before locks are taken: it allocates.
 *
 * Return: to be closed; NULL, which the others take, when there is no memory.
 */
struct ctrans_dump *ctrans_dump_open(struct ctrans_device *ct)
{
	struct ctrans_dump *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return NULL;
	d->ct = ct;
	d->text = vzalloc(CTRANS_DUMP_SIZE);
	if (d->text)
		return d;
	kfree(d);
	return NULL;
}

static void ctrans_dump_queue(struct drm_printer *p, struct ctrans_queue *q,
			      bool guilty)
{
	drm_printf(p, "queue %u%s: %s[%d], context %u, state %u, done %llu\n",
		   q->slot, guilty ? " (guilty)" : "", q->comm, q->pid, q->vm->ctx,
		   q->state, q->done);
	drm_printf(p, "  sq %#llx log2 %u head %u tail %u, cq log2 %u head %u tail %u\n",
		   q->sq_va, q->sq_log2,
		   ctrans_queue_read(q, CTRANS_Q_SQ_HEAD),
		   ctrans_queue_read(q, CTRANS_Q_SQ_TAIL), q->cq_log2,
		   ctrans_queue_read(q, CTRANS_Q_CQ_HEAD),
		   ctrans_queue_read(q, CTRANS_Q_CQ_TAIL));
	drm_printf(p, "  chip: state %u error %u active %u progress %u, timeout %u ms\n",
		   ctrans_queue_read(q, CTRANS_Q_STATE),
		   ctrans_queue_read(q, CTRANS_Q_ERROR),
		   ctrans_queue_read(q, CTRANS_Q_ACTIVE),
		   ctrans_queue_read(q, CTRANS_Q_PROGRESS), q->timeout_ms);
}

/**
 * ctrans_dump_take() - write down what there is
 * @d: from ctrans_dump_open(), or NULL
 * @guilty: the queue, or NULL where none is known
 * @why: for its first line
 *
 * The chip is awake, slots_lock is held.
 */
void ctrans_dump_take(struct ctrans_dump *d, struct ctrans_queue *guilty,
		      const char *why)
{
	struct drm_print_iterator it = { .remain = CTRANS_DUMP_SIZE };
	struct drm_printer p;
	struct ctrans_queue *q;
	struct ctrans_device *ct;

	if (!d)
		return;
	ct = d->ct;
	lockdep_assert_held(&ct->slots_lock);
	it.data = d->text;
	p = drm_coredump_printer(&it);
	drm_printf(&p, "ctrans %s: %s\n", dev_name(ct->drm.dev), why);
	drm_printf(&p, "time %lld, resets %u\n", ktime_get_real_seconds(),
		   ct->reset_count);
	for (unsigned int i = 0; i < ARRAY_SIZE(ctrans_dump_regs); i++) {
		u32 reg = ctrans_dump_regs[i].reg;

		drm_printf(&p, "%s %#llx\n", ctrans_dump_regs[i].name,
			   ctrans_dump_regs[i].wide ? ctrans_read64(ct, reg) :
						      ctrans_read(ct, reg));
	}
	for (unsigned int slot = 0; slot < CTRANS_QUEUES; slot++) {
		q = ctrans_queue_in(ct, slot);
		if (q)
			ctrans_dump_queue(&p, q, q == guilty);
	}
	d->used = CTRANS_DUMP_SIZE - it.remain;
}

/**
 * ctrans_dump_close() - hand it to user space, if it was taken
 * @d: from ctrans_dump_open(), or NULL; no lock is held but reset_lock
 */
void ctrans_dump_close(struct ctrans_dump *d)
{
	if (!d)
		return;
	/* which frees the text */
	if (d->used)
		dev_coredumpv(d->ct->drm.dev, d->text, d->used, GFP_KERNEL);
	else
		vfree(d->text);
	kfree(d);
}
