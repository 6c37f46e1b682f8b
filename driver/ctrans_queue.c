// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: their state, looked at, restarted, destroyed.
 *
 * Destroying takes the queue away from everyone in turn: from the file (its id),
 * from the process (its doorbell), from the chip (aborted, then idle), and only
 * then is the slot given back and the memory freed. A chip that does not leave
 * the job is reset, and one that cannot be reset is cut off from memory; after
 * either it is out of the way.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/slab.h>

#include "ctrans_queue.h"
#include "ctrans_trace.h"

/* ---- References --------------------------------------------------------- */

/**
 * ctrans_queue_get - the queue of an id, held
 * @cf: open file
 * @id: as user space gave it
 *
 * Return: the queue, to be put, or NULL.
 */
struct ctrans_queue *ctrans_queue_get(struct ctrans_file *cf, u32 id)
{
	struct ctrans_queue *q;

	xa_lock(&cf->queues);
	q = xa_load(&cf->queues, id);
	if (q)
		kref_get(&q->ref);
	xa_unlock(&cf->queues);
	return q;
}

/**
 * ctrans_queue_hold - one more reference
 * @q: queue that the caller has one of, or found in its slot under slots_lock
 */
void ctrans_queue_hold(struct ctrans_queue *q)
{
	kref_get(&q->ref);
}

static void ctrans_queue_free(struct kref *ref)
{
	struct ctrans_queue *q = container_of(ref, struct ctrans_queue, ref);

	if (q->eventfd)
		eventfd_ctx_put(q->eventfd);
	if (q->dummy)
		__free_page(q->dummy);
	kfree(q);
}

/**
 * ctrans_queue_put - give a reference back
 * @q: queue
 */
void ctrans_queue_put(struct ctrans_queue *q)
{
	kref_put(&q->ref, ctrans_queue_free);
}

/* ---- State -------------------------------------------------------------- */

/**
 * ctrans_queue_tell - write the kernel's line of the status region
 * @q: queue that nobody else knows yet, or slots_lock is held
 */
void ctrans_queue_tell(struct ctrans_queue *q)
{
	__le32 *line;

	if (!q->status)
		return;
	line = q->status + CTRANS_STATUS_KERNEL;
	WRITE_ONCE(line[offsetof(struct ctrans_kernel_line, reset_count) / 4],
		   cpu_to_le32(q->ct->reset_count));
	/* who sees the new state sees the count that goes with it */
	smp_wmb();
	WRITE_ONCE(line[offsetof(struct ctrans_kernel_line, state) / 4],
		   cpu_to_le32(q->state));
}

/**
 * ctrans_queue_set - change the state and what the doorbell's mappings show
 * @q: queue; slots_lock is held
 * @state: enum ctrans_kernel_state
 */
void ctrans_queue_set(struct ctrans_queue *q, u32 state)
{
	lockdep_assert_held(&q->ct->slots_lock);
	if (q->state != state)
		trace_ctrans_queue_state(q->slot, q->state, state);
	spin_lock_irq(&q->lock);
	q->state = state;
	spin_unlock_irq(&q->lock);
	ctrans_doorbell_revoke(q);
	ctrans_queue_tell(q);
}

/**
 * ctrans_queue_halt - take the doorbell away and say why
 * @q: queue; slots_lock is held
 * @state: what it is from here on, not READY; a LOST queue stays lost
 */
void ctrans_queue_halt(struct ctrans_queue *q, u32 state)
{
	if (q->state == CTRANS_KQ_LOST)
		state = CTRANS_KQ_LOST;
	ctrans_queue_set(q, state);
	ctrans_wait_wake(q);
}

/*
 * Memory is freed for what this says: a chip whose one register is wrong must not
 * be believed by it alone.
 */
static u32 ctrans_queue_works(struct ctrans_queue *q)
{
	u32 active = ctrans_queue_read(q, CTRANS_Q_ACTIVE);

	return active ?: ctrans_queue_read(q, CTRANS_Q_STATE) == CTRANS_QSTATE_RUNNING;
}

/**
 * ctrans_queue_idle - wait until no job of it is on the cores
 * @q: queue that was told to stop, perhaps drained meanwhile by its destroyer
 *
 * Return: false if that took longer than it may.
 */
bool ctrans_queue_idle(struct ctrans_queue *q)
{
	unsigned long end = jiffies + msecs_to_jiffies(CTRANS_ABORT_MS);
	struct ctrans_device *ct = q->ct;
	bool late;
	int idx;

	for (;;) {
		u32 active = 0;

		if (!drm_dev_enter(&ct->drm, &idx))
			return true;
		late = time_after(jiffies, end);
		mutex_lock(&ct->slots_lock);
		/* asleep it has no job; in a reset it may have one till the end */
		if (ctrans_queue_in(ct, q->slot) == q && !ctrans_device_stopped(ct))
			active = ct->asleep ? ct->resetting : ctrans_queue_works(q);
		mutex_unlock(&ct->slots_lock);
		drm_dev_exit(idx);
		if (!active)
			return true;
		if (late || active == U32_MAX)
			return false;
		usleep_range(50, 200);
	}
}

/**
 * ctrans_queue_recover - see to it that a queue told to stop has no job
 * @q: queue that was aborted, perhaps drained meanwhile by its destroyer
 *
 * Return: false when nothing but a reset of the chip helps, which is then on its
 * way.
 */
bool ctrans_queue_recover(struct ctrans_queue *q)
{
	bool obeyed = ctrans_queue_idle(q);

	trace_ctrans_recovery("abort", q->slot, obeyed);
	if (obeyed || ctrans_reset_context(q))
		return true;
	ctrans_reset_schedule(q->ct);
	return false;
}

/**
 * ctrans_queue_free_status - free the status region
 * @q: queue that the chip has left; slots_lock is held
 */
void ctrans_queue_free_status(struct ctrans_queue *q)
{
	void *status = q->status;

	lockdep_assert_held(&q->ct->slots_lock);
	if (!status)
		return;
	q->status = NULL;
	ctrans_doorbell_revoke_status(q);
	sg_free_table(&q->status_sgt);
	dma_free_coherent(q->ct->drm.dev, q->status_size, status, q->status_dma);
}

/* ---- Destroying one ----------------------------------------------------- */

static void ctrans_queue_silence(struct ctrans_queue *q)
{
	struct ctrans_device *ct = q->ct;
	int idx;

	mutex_lock(&ct->slots_lock);
	ctrans_queue_halt(q, CTRANS_KQ_LOST);
	/* One that sleeps has no job, nor will it have one. */
	if (drm_dev_enter(&ct->drm, &idx)) {
		if (!ct->asleep)
			ctrans_queue_write(q, CTRANS_Q_CTRL, CTRANS_QCTRL_ABORT);
		drm_dev_exit(idx);
	}
	mutex_unlock(&ct->slots_lock);
}

/**
 * ctrans_queue_drain - take a queue out of its slot, and free what the chip knew
 * @q: queue that is LOST and was aborted
 */
void ctrans_queue_drain(struct ctrans_queue *q)
{
	struct ctrans_device *ct = q->ct;

	if (!ctrans_queue_recover(q))
		flush_work(&ct->reset_work);
	mutex_lock(&ct->slots_lock);
	ctrans_queue_free_status(q);
	ctrans_counters_queue_end(q);
	rcu_assign_pointer(ct->slots[q->slot], NULL);
	trace_ctrans_queue_destroy(q->slot);
	mutex_unlock(&ct->slots_lock);
}

/* Nobody finds it in its slot any more, nor is an interrupt handler at it. */
static void ctrans_queue_bury(struct ctrans_queue *q)
{
	ctrans_vm_release_range(q->vm, q->sq_va, ctrans_queue_ring(q));
	atomic_dec(&q->vm->n_queues);
	ctrans_vm_put(q->vm);
	ctrans_queue_put(q);
}

/**
 * ctrans_ioctl_queue_destroy - QUEUE_DESTROY
 * @dev: device
 * @data: struct drm_ctrans_queue_destroy
 * @file: open file
 *
 * Return: 0, -EINVAL, or -ENOENT.
 */
int ctrans_ioctl_queue_destroy(struct drm_device *dev, void *data,
			       struct drm_file *file)
{
	struct drm_ctrans_queue_destroy *args = data;
	struct ctrans_file *cf = file->driver_priv;
	struct ctrans_queue *q;

	if (args->pad)
		return -EINVAL;
	/* An id that is only reserved is its maker's: it stays. */
	xa_lock(&cf->queues);
	q = xa_load(&cf->queues, args->queue_id);
	if (q)
		__xa_erase(&cf->queues, args->queue_id);
	xa_unlock(&cf->queues);
	if (!q)
		return -ENOENT;
	ctrans_queue_silence(q);
	ctrans_queue_drain(q);
	synchronize_rcu();
	ctrans_queue_bury(q);
	return 0;
}

/**
 * ctrans_queue_close_all - destroy what a file leaves behind
 * @cf: file that nobody uses any more
 */
void ctrans_queue_close_all(struct ctrans_file *cf)
{
	struct ctrans_queue *q;
	unsigned long id;

	xa_for_each(&cf->queues, id, q)
		ctrans_queue_silence(q);
	xa_for_each(&cf->queues, id, q)
		ctrans_queue_drain(q);
	if (!xa_empty(&cf->queues))
		synchronize_rcu();
	xa_for_each(&cf->queues, id, q) {
		xa_erase(&cf->queues, id);
		ctrans_queue_bury(q);
	}
}

/* ---- How is it, and go on ----------------------------------------------- */

/**
 * ctrans_ioctl_queue_get_state - QUEUE_GET_STATE
 * @dev: device
 * @data: struct drm_ctrans_queue_get_state
 * @file: open file
 *
 * Return: 0, -ENOENT or -ENODEV.
 */
int ctrans_ioctl_queue_get_state(struct drm_device *dev, void *data,
				 struct drm_file *file)
{
	struct drm_ctrans_queue_get_state *args = data;
	struct ctrans_device *ct = to_ctrans_device(dev);
	struct ctrans_queue *q;
	int idx;

	q = ctrans_queue_get(file->driver_priv, args->queue_id);
	if (!q)
		return -ENOENT;
	if (!drm_dev_enter(dev, &idx)) {
		ctrans_queue_put(q);
		return -ENODEV;
	}
	mutex_lock(&ct->slots_lock);
	ctrans_wait_look(q);
	spin_lock_irq(&q->lock);
	args->state = q->state;
	args->error = q->error;
	args->fault_insn = q->fault_insn;
	args->fault_va = q->fault_va;
	args->fault_sequence = q->fault_sequence;
	args->done = q->done;
	spin_unlock_irq(&q->lock);
	args->reset_count = ct->reset_count;
	mutex_unlock(&ct->slots_lock);
	drm_dev_exit(idx);
	ctrans_queue_put(q);
	return 0;
}

/*
 * The words of the doorbell become the last values that the chip accepted: one
 * that stopped the queue would do so again.
 */
static int ctrans_queue_rerun(struct ctrans_queue *q)
{
	u32 state;

	if (q->state == CTRANS_KQ_LOST)
		return -EIO;
	if (q->state == CTRANS_KQ_READY)
		return 0;
	ctrans_queue_write(q, CTRANS_Q_SQ_TAIL,
			   ctrans_queue_read(q, CTRANS_Q_SQ_TAIL));
	ctrans_queue_write(q, CTRANS_Q_CQ_HEAD,
			   ctrans_queue_read(q, CTRANS_Q_CQ_HEAD));
	ctrans_queue_write(q, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
	state = ctrans_queue_read(q, CTRANS_Q_STATE);
	/* One that stops again at once says so by its interrupt. */
	if (state != CTRANS_QSTATE_RUNNING && state != CTRANS_QSTATE_ERROR)
		return ctrans_device_check(q->ct) ? -EIO : -ENODEV;
	spin_lock_irq(&q->lock);
	q->error = CTRANS_QERR_NONE;
	q->fault_insn = U32_MAX;
	q->fault_sequence = 0;
	q->fault_va = 0;
	spin_unlock_irq(&q->lock);
	ctrans_queue_set(q, CTRANS_KQ_READY);
	return 0;
}

static int ctrans_queue_restart(struct ctrans_queue *q)
{
	struct ctrans_device *ct = q->ct;
	int ret;

	mutex_lock(&ct->reset_lock);
	if (ct->gone) {
		ret = -ENODEV;
		goto unlock;
	}
	mutex_lock(&ct->slots_lock);
	ctrans_wait_look(q);
	ret = q->state;
	mutex_unlock(&ct->slots_lock);
	if (ret == CTRANS_KQ_READY)
		goto unlock;
	if (ret == CTRANS_KQ_LOST) {
		ret = -EIO;
		goto unlock;
	}
	/* one that timed out may still be on its way off the cores */
	if (!ctrans_queue_recover(q)) {
		ret = -EIO;
		goto unlock;
	}
	mutex_lock(&ct->slots_lock);
	/* a reset is under way, or has failed */
	ret = ct->asleep ? -EIO : ctrans_queue_rerun(q);
	mutex_unlock(&ct->slots_lock);
unlock:
	mutex_unlock(&ct->reset_lock);
	return ret;
}

/**
 * ctrans_ioctl_queue_restart - QUEUE_RESTART
 * @dev: device
 * @data: struct drm_ctrans_queue_restart
 * @file: open file
 *
 * Return: 0; -EINVAL, -ENOENT, -EIO for a queue that is lost, -ENODEV.
 */
int ctrans_ioctl_queue_restart(struct drm_device *dev, void *data,
			       struct drm_file *file)
{
	struct drm_ctrans_queue_restart *args = data;
	struct ctrans_queue *q;
	int ret, idx;

	if (args->pad)
		return -EINVAL;
	q = ctrans_queue_get(file->driver_priv, args->queue_id);
	if (!q)
		return -ENOENT;
	ret = ctrans_enter(q->ct, &idx);
	if (!ret) {
		ret = ctrans_queue_restart(q);
		ctrans_exit(q->ct, idx);
	}
	ctrans_queue_put(q);
	return ret;
}
