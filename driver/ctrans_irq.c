// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts. Vector 0 brings events, the others completions, each of some
 * queues; with one vector, or a level interrupt, everything comes on the first
 * and the bitmaps alone tell what.
 *
 * No storm: a queue raises nothing while its bit in QPEND is set and after that
 * only if somebody armed it again, and events stay masked from the handler
 * until its thread is through with them.
 */
#include <linux/bits.h>
#include <linux/interrupt.h>

#include "ctrans_drv.h"
#include "ctrans_trace.h"

#define CTRANS_IRQ_EVENTS	(CTRANS_IRQ_QUEUE_ERR | CTRANS_IRQ_MMU)

/* One vector and the queues that complete on it. */
struct ctrans_vector {
	struct ctrans_device *ct;
	unsigned int number;
	bool events;
	u32 lo;
	u32 hi;
};

static u32 ctrans_irq_take(struct ctrans_device *ct, u32 reg, u32 mask)
{
	u32 pending;

	if (!mask)
		return 0;
	pending = ctrans_read(ct, reg);
	if (pending == ~0u && ctrans_read(ct, CTRANS_REG_ID) == ~0u)
		return 0;
	pending &= mask;
	/* Before the index is read: what completes from here on raises again. */
	if (pending)
		ctrans_write(ct, reg, pending);
	return pending;
}

static irqreturn_t ctrans_irq_completions(struct ctrans_vector *v)
{
	struct ctrans_device *ct = v->ct;
	u64 pending;

	pending = ctrans_irq_take(ct, CTRANS_REG_QPEND_LO, v->lo);
	pending |= (u64)ctrans_irq_take(ct, CTRANS_REG_QPEND_HI, v->hi) << 32;
	if (!pending)
		return IRQ_NONE;
	trace_ctrans_irq(v->number, pending);
	ctrans_wait_completions(ct, pending);
	return IRQ_HANDLED;
}

static irqreturn_t ctrans_irq_events(struct ctrans_device *ct)
{
	u32 status = ctrans_read(ct, CTRANS_REG_IRQ_STATUS);

	/* All ones: there is no chip, and it was somebody else's interrupt. */
	if (status == ~0u || !(status & CTRANS_IRQ_EVENTS))
		return IRQ_NONE;
	ctrans_write(ct, CTRANS_REG_IRQ_MASK, 0);
	ctrans_write(ct, CTRANS_REG_IRQ_STATUS, status);
	atomic_or(status & CTRANS_IRQ_EVENTS, &ct->irq_events);
	return IRQ_WAKE_THREAD;
}

static irqreturn_t ctrans_irq_handler(int irq, void *data)
{
	struct ctrans_vector *v = data;
	irqreturn_t ret;

	/* Who puts it to sleep waits for us, and has seen what we were to tell. */
	if (READ_ONCE(v->ct->asleep))
		return IRQ_NONE;
	ret = ctrans_irq_completions(v);
	if (v->events && ctrans_irq_events(v->ct) == IRQ_WAKE_THREAD)
		ret = IRQ_WAKE_THREAD;
	/* A level must have dropped before we return: writes are posted. */
	if (ret != IRQ_NONE && v->ct->irq_shared)
		ctrans_read(v->ct, CTRANS_REG_IRQ_STATUS);
	return ret;
}

static irqreturn_t ctrans_irq_thread(int irq, void *data)
{
	struct ctrans_vector *v = data;
	struct ctrans_device *ct = v->ct;
	u32 events = atomic_xchg(&ct->irq_events, 0);
	u32 lo, hi;
	int idx;

	if (!ctrans_enter_awake(ct, &idx))
		return IRQ_HANDLED;
	if (events & CTRANS_IRQ_QUEUE_ERR) {
		lo = ctrans_read(ct, CTRANS_REG_QERR_LO);
		hi = ctrans_read(ct, CTRANS_REG_QERR_HI);
		if ((lo & hi) != ~0u || ctrans_device_check(ct)) {
			ctrans_write(ct, CTRANS_REG_QERR_LO, lo);
			ctrans_write(ct, CTRANS_REG_QERR_HI, hi);
			ctrans_wait_errors(ct, lo | (u64)hi << 32);
		}
	}
	if (events & CTRANS_IRQ_MMU)
		dev_warn_ratelimited(ct->drm.dev,
				     "the bus refused the chip's access to a page table\n");
	/* Raises again for what came meanwhile. */
	if (!READ_ONCE(ct->gone))
		ctrans_write(ct, CTRANS_REG_IRQ_MASK, CTRANS_IRQ_EVENTS);
	ctrans_exit_awake(ct, idx);
	return IRQ_HANDLED;
}

static void ctrans_irq_assign(struct ctrans_device *ct, struct ctrans_vector *v)
{
	unsigned int vector;

	for (unsigned int i = 0; i < ct->n_irqs; i++) {
		v[i].ct = ct;
		v[i].number = i;
		v[i].events = i == 0;
	}
	for (unsigned int slot = 0; slot < CTRANS_QUEUES; slot++) {
		vector = ct->n_irqs > 1 ? 1 + ctrans_slot_vector(ct, slot) : 0;
		if (slot < 32)
			v[vector].lo |= BIT(slot);
		else
			v[vector].hi |= BIT(slot - 32);
	}
}

/**
 * ctrans_irq_init() - take the interrupts; the chip raises none yet
 * @ct: the device
 *
 * Return: 0 or a negative errno, with a sentence in the log.
 */
int ctrans_irq_init(struct ctrans_device *ct)
{
	struct device *dev = ct->drm.dev;
	unsigned long flags = ct->irq_shared ? IRQF_SHARED : 0;
	struct ctrans_vector *v;
	int err;

	v = devm_kcalloc(dev, ct->n_irqs, sizeof(*v), GFP_KERNEL);
	if (!v)
		return -ENOMEM;
	ctrans_irq_assign(ct, v);
	for (unsigned int i = 0; i < ct->n_irqs; i++) {
		err = devm_request_threaded_irq(dev, ct->irq[i],
						ctrans_irq_handler,
						v[i].events ? ctrans_irq_thread : NULL,
						flags, "ctrans", &v[i]);
		if (err)
			return dev_err_probe(dev, err, "cannot take interrupt %d\n",
					     ct->irq[i]);
	}
	return 0;
}

/**
 * ctrans_irq_enable() - let events come; completions come when armed
 * @ct: the device
 */
void ctrans_irq_enable(struct ctrans_device *ct)
{
	ctrans_write(ct, CTRANS_REG_IRQ_MASK, CTRANS_IRQ_EVENTS);
}

/**
 * ctrans_irq_disable() - no handler runs, none will see anything: it is asleep, or
 *	has stopped
 * @ct: the device
 *
 * The threads of handlers take locks: not under any of ours.
 */
void ctrans_irq_disable(struct ctrans_device *ct)
{
	ctrans_write(ct, CTRANS_REG_IRQ_MASK, 0);
	for (unsigned int i = 0; i < ct->n_irqs; i++)
		synchronize_irq(ct->irq[i]);
}
