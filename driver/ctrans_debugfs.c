// SPDX-License-Identifier: GPL-2.0-only
/*
 * For root, in debugfs, beside the DRM core's files: queues, address spaces,
 * registers and operating points as they are now. Wakes no chip: of one that sleeps
 * it shows what is known. No interface: files and their form may change.
 */
#include <linux/seq_file.h>

#include <drm/drm_debugfs.h>

#include "ctrans_queue.h"

static struct ctrans_device *ctrans_debugfs_device(struct seq_file *m)
{
	struct drm_debugfs_entry *entry = m->private;

	return to_ctrans_device(entry->dev);
}

static const char *ctrans_state_name(u32 state)
{
	switch (state) {
	case CTRANS_KQ_READY:		return "READY";
	case CTRANS_KQ_FAULTED:		return "FAULTED";
	case CTRANS_KQ_TIMEDOUT:	return "TIMEDOUT";
	case CTRANS_KQ_LOST:		return "LOST";
	default:			return "?";
	}
}

static void ctrans_show_queue(struct seq_file *m, struct ctrans_queue *q, bool awake)
{
	u64 busy = 0;

	for (unsigned int d = 0; d < CTRANS_DOMAINS; d++)
		busy += q->counts.busy_ns[d];
	seq_printf(m, "%4u %7d %-15s %3u %-8s %6u %6u %10llu", q->slot, q->pid,
		   q->comm, q->vm->ctx, ctrans_state_name(q->state),
		   1u << q->sq_log2, 1u << q->cq_log2, READ_ONCE(q->done));
	/* Of a queue that is lost the registers mean nothing. */
	if (awake && q->state != CTRANS_KQ_LOST)
		seq_printf(m, " %10u %10u %10u %10u %6u",
			   ctrans_queue_read(q, CTRANS_Q_SQ_HEAD),
			   ctrans_queue_read(q, CTRANS_Q_SQ_TAIL),
			   ctrans_queue_read(q, CTRANS_Q_CQ_HEAD),
			   ctrans_queue_read(q, CTRANS_Q_CQ_TAIL),
			   ctrans_queue_read(q, CTRANS_Q_ACTIVE));
	else
		seq_printf(m, " %10s %10s %10s %10s %6s", "-", "-", "-", "-", "-");
	seq_printf(m, " %12llu %14llu\n", div_u64(busy, NSEC_PER_USEC),
		   q->counts.energy_nj);
}

static int ctrans_debugfs_queues(struct seq_file *m, void *data)
{
	struct ctrans_device *ct = ctrans_debugfs_device(m);
	struct ctrans_queue *q;
	unsigned int slot;
	bool awake;
	int idx;

	if (!drm_dev_enter(&ct->drm, &idx))
		return -ENODEV;
	seq_puts(m, "slot     pid owner            vm state        sq     cq       done    sq head    sq tail    cq head    cq tail active      busy us      energy nJ\n");
	mutex_lock(&ct->slots_lock);
	awake = !ct->asleep;
	if (awake)
		ctrans_counters_sample(ct);
	for (slot = 0; slot < CTRANS_QUEUES; slot++) {
		q = ctrans_queue_in(ct, slot);
		if (q)
			ctrans_show_queue(m, q, awake);
	}
	mutex_unlock(&ct->slots_lock);
	drm_dev_exit(idx);
	return 0;
}

static int ctrans_debugfs_vms(struct seq_file *m, void *data)
{
	struct ctrans_device *ct = ctrans_debugfs_device(m);
	struct ctrans_vm *vm;

	seq_puts(m, "  vm queues bindings tables          bytes\n");
	mutex_lock(&ct->vms_lock);
	list_for_each_entry(vm, &ct->vms, link) {
		mutex_lock(&vm->lock);
		if (vm->root)
			seq_printf(m, "%4u %6d %8u %6u %14llu\n", vm->ctx,
				   atomic_read(&vm->n_queues), vm->n_bindings,
				   vm->n_tables, vm->bytes);
		mutex_unlock(&vm->lock);
	}
	mutex_unlock(&ct->vms_lock);
	return 0;
}

struct ctrans_register {
	const char *name;
	u32 offset;
	bool wide;
};

#define ONE(reg)	{ #reg, CTRANS_REG_##reg, false }
#define PAIR(reg)	{ #reg, CTRANS_REG_##reg##_LO, true }
#define BUSY(domain)	{ "BUSY_" #domain,				\
			  CTRANS_REG_BUSY_LO(CTRANS_DOMAIN_##domain), true }

static const struct ctrans_register ctrans_registers[] = {
	ONE(ID), ONE(VERSION), ONE(CAPS), ONE(CORES), ONE(ROWS), ONE(COLS),
	ONE(SRAM_KIB), ONE(LIMITS), ONE(EXT_MBPS),
	ONE(IRQ_STATUS), ONE(IRQ_MASK), ONE(QPEND_LO), ONE(QPEND_HI), ONE(QERR_LO),
	ONE(QERR_HI), ONE(QBUSY_LO), ONE(QBUSY_HI),
	ONE(STATE), ONE(OPP), ONE(OPP_COUNT),
	PAIR(ENERGY), PAIR(CYCLES), BUSY(DENSE), BUSY(SPIKING), BUSY(VECTOR),
	BUSY(EXTERNAL), PAIR(JOBS), ONE(TEMP_MC), ONE(HEARTBEAT), ONE(POWER_UW),
	ONE(TEMP_MAX_MC), ONE(TEMP_CRIT_MC),
	ONE(TLB_SEQ), ONE(TLB_ACK),
};

static int ctrans_debugfs_registers(struct seq_file *m, void *data)
{
	struct ctrans_device *ct = ctrans_debugfs_device(m);
	const struct ctrans_register *r;
	int idx;

	if (!drm_dev_enter(&ct->drm, &idx))
		return -ENODEV;
	mutex_lock(&ct->slots_lock);
	if (ct->asleep)
		seq_puts(m, "asleep\n");
	for (r = ctrans_registers; !ct->asleep &&
	     r < ctrans_registers + ARRAY_SIZE(ctrans_registers); r++)
		seq_printf(m, "%04x %-12s %#llx\n", r->offset, r->name,
			   r->wide ? ctrans_read64(ct, r->offset) :
				     ctrans_read(ct, r->offset));
	mutex_unlock(&ct->slots_lock);
	drm_dev_exit(idx);
	return 0;
}

static int ctrans_debugfs_opps(struct seq_file *m, void *data)
{
	struct ctrans_device *ct = ctrans_debugfs_device(m);
	const struct ctrans_opp *now = ctrans_opp_now(ct), *opp = ct->opps;

	seq_puts(m, "      kHz    mV       uW\n");
	for (; opp < ct->opps + ct->n_opps; opp++)
		seq_printf(m, "%c %7u %5u %8u\n", opp == now ? '*' : ' ', opp->khz,
			   opp->mv, opp->uw);
	return 0;
}

static const struct drm_debugfs_info ctrans_debugfs_files[] = {
	{ "queues", ctrans_debugfs_queues },
	{ "vms", ctrans_debugfs_vms },
	{ "registers", ctrans_debugfs_registers },
	{ "opps", ctrans_debugfs_opps },
};

/**
 * ctrans_debugfs_init() - make the files; the DRM core removes them
 * @ct: the device
 */
void ctrans_debugfs_init(struct ctrans_device *ct)
{
	drm_debugfs_add_files(&ct->drm, ctrans_debugfs_files,
			      ARRAY_SIZE(ctrans_debugfs_files));
}
