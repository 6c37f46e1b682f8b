// SPDX-License-Identifier: MIT
/* Names to transports, and the rings, which are the same for all of them. */
#include "device/device.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "device/transport.h"

/* In the order in which NULL looks for a device. */
static const struct ct_transport *const transports[] = {
	&ct_transport_accel,
	&ct_transport_sim,
};

#define N_TRANSPORTS (sizeof(transports) / sizeof(transports[0]))

struct ct_device {
	const struct ct_transport *t;
	void *state;
	unsigned int holders;
};

struct ct_queue {
	struct ct_device *dev;
	struct ct_rings r;
	uint32_t sq_tail, cq_head;	/* ours; free-running */
};

const struct ct_transport *ct_transport_find(const char *name, const char **options)
{
	struct ct_device_info info;
	size_t len;

	*options = "";
	if (!name || !*name) {
		/* one that fails otherwise says why when it is opened; the last is there */
		for (size_t i = 0; i + 1 < N_TRANSPORTS; i++)
			if (transports[i]->list(0, &info) != -ENODEV)
				return transports[i];
		return transports[N_TRANSPORTS - 1];
	}
	len = strcspn(name, ":");
	if (name[len])
		*options = name + len + 1;
	for (size_t i = 0; i < N_TRANSPORTS; i++)
		if (strlen(transports[i]->name) == len &&
		    !memcmp(transports[i]->name, name, len))
			return transports[i];
	return NULL;
}

int ct_device_open(const char *name, struct ct_device **out, struct ct_err *err)
{
	struct ct_device *dev;
	const char *options;
	int ret;

	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return ct_fail(err, -ENOMEM, "out of memory");
	dev->t = ct_transport_find(name, &options);
	if (!dev->t) {
		free(dev);
		return ct_fail(err, -ENODEV,
			"device \"%.64s\": no such kind of device; there are \"accel\", a chip, and \"sim\", the chip model",
			name ? name : "");
	}
	ret = dev->t->open(options, &dev->state, err);
	if (ret) {
		free(dev);
		return ret;
	}
	dev->holders = 1;
	*out = dev;
	return 0;
}

void ct_device_hold(struct ct_device *dev)
{
	dev->holders++;
}

void ct_device_close(struct ct_device *dev)
{
	if (!dev || --dev->holders)
		return;
	dev->t->close(dev->state);
	free(dev);
}

void ct_device_info(const struct ct_device *dev, struct ct_device_info *info)
{
	memset(info, 0, sizeof(*info));
	dev->t->info(dev->state, info);
}

int ct_device_set_opp(struct ct_device *dev, unsigned int opp, struct ct_err *err)
{
	struct ctrans_chip_costs costs;
	int ret = ct_device_costs(dev, opp, &costs, err);

	if (ret)
		return ret;
	if (!dev->t->set_opp)
		return ct_fail(err, -ENOTSUP,
			"the operating point of a chip is its kernel driver's choice; only the chip model's (device \"sim\") can be set");
	dev->t->set_opp(dev->state, opp);
	return 0;
}

int ct_device_list(unsigned int index, struct ct_device_info *info)
{
	for (size_t i = 0; i < N_TRANSPORTS; i++) {
		unsigned int n = 0;

		memset(info, 0, sizeof(*info));
		while (!transports[i]->list(n, info)) {
			if (index-- == 0)
				return 0;
			n++;
		}
	}
	return -ENODEV;
}

int ct_device_alloc(struct ct_device *dev, uint64_t size, struct ct_buf_dev *buf,
		    struct ct_err *err)
{
	return dev->t->alloc(dev->state, size, buf, err);
}

void ct_device_free(struct ct_device *dev, struct ct_buf_dev *buf)
{
	if (buf->size)
		dev->t->free(dev->state, buf);
	memset(buf, 0, sizeof(*buf));
}

int ct_device_room(struct ct_device *dev, uint64_t size, struct ct_err *err)
{
	return dev->t->room(dev->state, size, err);
}

int ct_queue_open(struct ct_device *dev, unsigned int log2_entries,
		  struct ct_queue **out, struct ct_err *err)
{
	struct ct_queue *q = calloc(1, sizeof(*q));
	int ret;

	if (!q)
		return ct_fail(err, -ENOMEM, "out of memory");
	q->dev = dev;
	ret = dev->t->queue_open(dev->state, log2_entries, &q->r, err);
	if (ret) {
		free(q);
		return ret;
	}
	*out = q;
	return 0;
}

void ct_queue_close(struct ct_queue *q)
{
	if (!q)
		return;
	q->dev->t->queue_close(q->dev->state, &q->r);
	free(q);
}

/*
 * When a device goes, zeros take the place of its status, but for this word.
 * Whatever was read of it before the word is, was the device's own.
 */
static bool is_lost(const struct ct_queue *q)
{
	return __atomic_load_n(&q->r.kernel->state, __ATOMIC_ACQUIRE) ==
	       CTRANS_KQ_LOST;
}

static void ring(struct ct_queue *q, uint32_t word, uint32_t value)
{
	q->dev->t->doorbell(q->dev->state, &q->r, word, value);
}

int ct_queue_submit(struct ct_queue *q, const struct ctrans_sqe *sqe)
{
	uint32_t head = __atomic_load_n(&q->r.line->sq_head, __ATOMIC_ACQUIRE);

	/* zeros may look like a full ring, and nothing is overwritten that runs */
	if (q->sq_tail - head > q->r.sq_mask && !is_lost(q))
		return -EAGAIN;
	q->r.sq[q->sq_tail & q->r.sq_mask] = *sqe;
	q->sq_tail++;
	ring(q, CTRANS_DB_SQ_TAIL, q->sq_tail);
	return 0;
}

const char *ct_queue_error_name(uint32_t error)
{
	switch (error) {
	case CTRANS_QERR_SQ_TAIL:	return "an impossible submission index";
	case CTRANS_QERR_CQ_HEAD:	return "an impossible completion index";
	case CTRANS_QERR_SQ_FAULT:	return "a submission ring that is not mapped";
	case CTRANS_QERR_STATUS_BUS:	return "an unreachable status region";
	default:			return "an error of its own";
	}
}

/* Completions that are not ours yet; the device is trusted with no number. */
static int count_news(const struct ct_queue *q, uint32_t *news, struct ct_err *err)
{
	*news = __atomic_load_n(&q->r.line->cq_tail, __ATOMIC_ACQUIRE) - q->cq_head;
	if (*news <= q->sq_tail - q->cq_head || is_lost(q))
		return 0;
	return ct_fail(err, -EIO, "the device completed %u jobs of %u", *news,
		       q->sq_tail - q->cq_head);
}

static int await_news(struct ct_queue *q, struct ct_err *err)
{
	const struct ctrans_status_line *line = q->r.line;
	uint32_t news;
	int ret;

	for (;;) {
		ret = count_news(q, &news, err);
		if (ret || news)
			return ret;
		if (__atomic_load_n(&line->state, __ATOMIC_ACQUIRE) ==
		    CTRANS_QSTATE_ERROR &&
		    __atomic_load_n(&line->cq_tail, __ATOMIC_ACQUIRE) == q->cq_head)
			return ct_fail(err, -EIO,
				       "the device stopped the queue for %s",
				       ct_queue_error_name(line->error));
		ret = q->dev->t->wait(q->dev->state, &q->r, q->cq_head, err);
		if (ret)
			return ret;
	}
}

int ct_queue_wait(struct ct_queue *q, struct ctrans_cqe *cqe, struct ct_err *err)
{
	int ret;

	if (q->cq_head == q->sq_tail)
		return ct_fail(err, -ENOENT, "nothing has been submitted");
	ret = await_news(q, err);
	if (ret)
		return ret;
	*cqe = q->r.cq[q->cq_head & q->r.cq_mask];
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (is_lost(q))
		return ct_fail(err, -ENODEV,
			"the device is gone, or was reset under its job, and what ran on it is lost: open the model again");
	q->cq_head++;
	if (cqe->status != CTRANS_ST_OK) {
		ret = q->dev->t->queue_restart(q->dev->state, &q->r, q->cq_head, err);
		if (ret)
			return ret;
		/* what was stored while it stood still was ignored; words are states */
		ring(q, CTRANS_DB_SQ_TAIL, q->sq_tail);
	}
	ring(q, CTRANS_DB_CQ_HEAD, q->cq_head);
	return 0;
}

void ct_queue_explain(const struct ct_queue *q, const struct ctrans_cqe *cqe,
		      struct ct_err *err)
{
	static const char *const what[] = {
		[CTRANS_ST_OK] = "nothing wrong",
		[CTRANS_ST_BAD_ENTRY] = "a malformed submission",
		[CTRANS_ST_BAD_INSN] = "an instruction it does not know",
		[CTRANS_ST_BAD_ARGS] = "malformed arguments",
		[CTRANS_ST_FAULT] = "an address that is not mapped",
		[CTRANS_ST_ABORTED] = "an abort",
		[CTRANS_ST_BUS] = "memory it cannot reach or get",
	};
	uint32_t st = (uint32_t)cqe->status;

	if (st == CTRANS_ST_ABORTED && q->r.stopped == CTRANS_KQ_TIMEDOUT) {
		ct_fail(err, -EIO,
			"the device made no progress with the job for too long, and it was ended");
		return;
	}
	ct_fail(err, -EIO,
		"the device failed the job for %s (status %u, instruction %d, address 0x%llx)",
		st < sizeof(what) / sizeof(what[0]) ? what[st] : "an unknown reason",
		st, (int)q->r.line->fault_insn,
		(unsigned long long)q->r.line->fault_va);
}
