// SPDX-License-Identifier: GPL-2.0-only
/*
 * QUEUE_CREATE: from checked arguments to a queue that runs, with everything
 * undone when a step fails.
 */
#include <linux/dma-mapping.h>
#include <linux/slab.h>

#include "ctrans_queue.h"
#include "ctrans_trace.h"

static struct ctrans_queue *ctrans_queue_alloc(struct ctrans_file *cf,
					       struct drm_ctrans_queue_create *args)
{
	struct ctrans_device *ct = cf->ct;
	struct ctrans_queue *q;
	int ret = -ENOMEM;

	q = kzalloc(sizeof(*q), GFP_KERNEL_ACCOUNT);
	if (!q)
		return ERR_PTR(-ENOMEM);
	kref_init(&q->ref);
	spin_lock_init(&q->lock);
	INIT_LIST_HEAD(&q->waiters);
	init_waitqueue_head(&q->wait);
	q->ct = ct;
	q->cf = cf;
	q->sq_va = args->sq_va;
	q->sq_log2 = args->sq_log2;
	q->cq_log2 = args->cq_log2;
	q->timeout_ms = args->timeout_ms ?: CTRANS_TIMEOUT_DEFAULT_MS;
	q->fault_insn = U32_MAX;
	get_task_comm(q->comm, current);
	q->pid = task_tgid_nr(current);

	if (args->eventfd >= 0) {
		struct eventfd_ctx *e = eventfd_ctx_fdget(args->eventfd);

		if (IS_ERR(e)) {
			ret = PTR_ERR(e);
			goto fail;
		}
		q->eventfd = e;
	}
	q->dummy = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!q->dummy)
		goto fail;
	q->status_size = PAGE_ALIGN(CTRANS_STATUS_CQ +
				    (sizeof(struct ctrans_cqe) << q->cq_log2));
	q->status = dma_alloc_coherent(ct->drm.dev, q->status_size,
				       &q->status_dma,
				       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!q->status)
		goto fail;
	ret = dma_get_sgtable(ct->drm.dev, &q->status_sgt, q->status,
			      q->status_dma, q->status_size);
	if (ret < 0) {
		dma_free_coherent(ct->drm.dev, q->status_size, q->status,
				  q->status_dma);
		goto fail;
	}
	ctrans_queue_tell(q);
	return q;

fail:
	ctrans_queue_put(q);
	return ERR_PTR(ret);
}

/**
 * ctrans_queue_program - write a queue into its slot, and start it if it is READY
 * @q: queue; slots_lock is held, the chip is awake
 *
 * The slot's words are written as well as its registers: what its last owner
 * left in them would mean something to the chip.
 *
 * Return: 0; -EIO, or -ENODEV when there is no chip.
 */
int ctrans_queue_program(struct ctrans_queue *q)
{
	const struct ctrans_queue_words *words = &q->words;
	u32 state = ctrans_queue_read(q, CTRANS_Q_STATE);
	struct ctrans_device *ct = q->ct;
	u32 bit = BIT(q->slot % 32), hi = q->slot / 32 * 4;
	u32 base = CTRANS_REG_Q(q->slot);

	/* One that runs ignores what is written, and is not ours. */
	if (state != CTRANS_QSTATE_STOPPED && state != CTRANS_QSTATE_ERROR)
		return ctrans_device_check(ct) ? -EIO : -ENODEV;
	ctrans_write64(ct, base + CTRANS_Q_SQ_VA_LO, q->sq_va);
	ctrans_write64(ct, base + CTRANS_Q_STATUS_LO, q->status_dma);
	ctrans_queue_write(q, CTRANS_Q_SIZES, q->cq_log2 << 8 | q->sq_log2);
	ctrans_queue_write(q, CTRANS_Q_CTX, q->vm->ctx);
	ctrans_queue_write(q, CTRANS_Q_VEC, ctrans_slot_vector(ct, q->slot));
	ctrans_queue_write(q, CTRANS_Q_SQ_HEAD, words->sq_head);
	ctrans_queue_write(q, CTRANS_Q_SQ_TAIL, words->sq_tail);
	ctrans_queue_write(q, CTRANS_Q_CQ_HEAD, words->cq_head);
	ctrans_queue_write(q, CTRANS_Q_CQ_TAIL, words->cq_tail);
	ctrans_write(ct, CTRANS_REG_QPEND_LO + hi, bit);
	ctrans_write(ct, CTRANS_REG_QERR_LO + hi, bit);
	ctrans_hang_forget(&q->hang);
	if (q->state == CTRANS_KQ_READY) {
		ctrans_queue_write(q, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
		state = CTRANS_QSTATE_RUNNING;
	}
	if (ctrans_queue_read(q, CTRANS_Q_STATE) == state)
		return 0;
	return ctrans_device_check(ct) ? -EIO : -ENODEV;
}

/*
 * The chip did not start it, or says so: it may know all of it. Nothing is freed
 * before a reset has made it forget.
 */
static void ctrans_queue_withdraw(struct ctrans_queue *q)
{
	dev_err_ratelimited(q->ct->drm.dev,
			    "queue %u does not start; resetting the chip\n", q->slot);
	ctrans_reset_schedule(q->ct);
	flush_work(&q->ct->reset_work);
	ctrans_queue_drain(q);
	synchronize_rcu();
}

/* Both locks held. In its slot it is afterwards, unless that says -EBUSY. */
static int ctrans_queue_place(struct ctrans_queue *q)
{
	struct ctrans_device *ct = q->ct;
	unsigned int slot;
	int ret;

	for (slot = 0; slot < ct->n_queues; slot++)
		if (!rcu_access_pointer(ct->slots[slot]))
			break;
	if (slot == ct->n_queues)
		return -EBUSY;
	q->slot = slot;
	ctrans_queue_tell(q);
	ctrans_counters_queue_start(q);
	ret = ctrans_queue_program(q);
	rcu_assign_pointer(ct->slots[slot], q);
	if (ret)
		ctrans_queue_set(q, CTRANS_KQ_LOST);
	return ret;
}

static int ctrans_queue_start(struct ctrans_queue *q)
{
	struct ctrans_device *ct = q->ct;
	bool placed = false;
	int ret = -ENODEV;

	mutex_lock(&ct->reset_lock);
	if (!ct->gone) {
		mutex_lock(&ct->slots_lock);
		/* asleep here: a reset has failed, and the next is on its way */
		ret = ct->asleep ? -EIO : ctrans_queue_place(q);
		placed = !ct->asleep && ret != -EBUSY;
		mutex_unlock(&ct->slots_lock);
	}
	mutex_unlock(&ct->reset_lock);
	if (ret && placed)
		ctrans_queue_withdraw(q);
	return ret;
}

static int ctrans_queue_check(const struct drm_ctrans_queue_create *args)
{
	if (args->flags || args->pad || args->sq_va % CTRANS_GRANULE ||
	    args->sq_log2 < CTRANS_QUEUE_LOG2_MIN ||
	    args->sq_log2 > CTRANS_QUEUE_LOG2_MAX ||
	    args->cq_log2 < CTRANS_QUEUE_LOG2_MIN ||
	    args->cq_log2 > CTRANS_QUEUE_LOG2_MAX ||
	    args->timeout_ms > CTRANS_TIMEOUT_MAX_MS || args->eventfd < -1)
		return -EINVAL;
	return 0;
}

static int ctrans_queue_make(struct ctrans_file *cf, struct ctrans_vm *vm,
			     struct drm_ctrans_queue_create *args)
{
	struct ctrans_queue *q;
	u32 id;
	int ret;

	/* Reserves an id, without a queue that others could find. */
	ret = xa_alloc(&cf->queues, &id, NULL, XA_LIMIT(1, CTRANS_FILE_QUEUES),
		       GFP_KERNEL_ACCOUNT);
	if (ret)
		return ret;
	q = ctrans_queue_alloc(cf, args);
	if (IS_ERR(q)) {
		ret = PTR_ERR(q);
		goto fail_id;
	}
	q->vm = vm;
	ret = ctrans_vm_hold_range(vm, q->sq_va, ctrans_queue_ring(q));
	if (ret)
		goto fail_queue;
	ret = ctrans_queue_start(q);
	if (ret)
		goto fail_range;
	args->queue_id = id;
	args->doorbell_offset = ctrans_doorbell_offset(q);
	args->status_offset = ctrans_doorbell_status_offset(q);
	args->status_size = q->status_size;
	ctrans_watchdog_kick(cf->ct, 0);
	trace_ctrans_queue_create(q->slot, q->pid, 1u << q->sq_log2, 1u << q->cq_log2);
	/* The entry exists: this allocates nothing. From here it may go. */
	xa_store(&cf->queues, id, q, GFP_KERNEL);
	return 0;

fail_range:
	ctrans_vm_release_range(vm, q->sq_va, ctrans_queue_ring(q));
fail_queue:
	mutex_lock(&cf->ct->slots_lock);
	ctrans_queue_free_status(q);
	mutex_unlock(&cf->ct->slots_lock);
	ctrans_queue_put(q);
fail_id:
	xa_release(&cf->queues, id);
	return ret;
}

/**
 * ctrans_ioctl_queue_create - QUEUE_CREATE
 * @dev: device
 * @data: struct drm_ctrans_queue_create
 * @file: open file
 *
 * Return: 0; -EINVAL, -ENOENT (no such VM), -EBUSY, -ENOMEM, -EBADF, or what is
 * wrong with the ring's binding.
 */
int ctrans_ioctl_queue_create(struct drm_device *dev, void *data,
			      struct drm_file *file)
{
	struct drm_ctrans_queue_create *args = data;
	struct ctrans_file *cf = file->driver_priv;
	struct ctrans_vm *vm;
	int ret, idx;

	ret = ctrans_queue_check(args);
	if (ret)
		return ret;
	vm = ctrans_vm_get(cf, args->vm_id);
	if (!vm)
		return -ENOENT;
	ret = ctrans_enter(cf->ct, &idx);
	if (ret)
		goto put;
	atomic_inc(&vm->n_queues);
	ret = ctrans_queue_make(cf, vm, args);
	if (ret)
		atomic_dec(&vm->n_queues);
	ctrans_exit(cf->ct, idx);
put:
	if (ret)
		ctrans_vm_put(vm);
	return ret;
}
