/* SPDX-License-Identifier: MIT */
/* What a transport does for device.c; see there for who calls what when. */
#ifndef CT_DEVICE_TRANSPORT_H
#define CT_DEVICE_TRANSPORT_H

#include "device/device.h"

/* A queue's two sides as the transport has set them up. */
struct ct_rings {
	void *own;			/* the transport's, as is the slot */
	unsigned int slot;
	struct ctrans_sqe *sq;
	const struct ctrans_status_line *line;
	const struct ctrans_kernel_line *kernel;
	const struct ctrans_cqe *cq;
	uint32_t sq_mask, cq_mask;
	uint32_t stopped;		/* enum ctrans_kernel_state, when it last was */
};

/* What enum ctrans_qerr is called, as in "stopped the queue for %s". */
const char *ct_queue_error_name(uint32_t error);

struct ct_transport {
	const char *name;

	/* @options: what follows "name:", or "" */
	int (*open)(const char *options, void **state, struct ct_err *err);
	void (*close)(void *state);
	void (*info)(const void *state, struct ct_device_info *info);
	/* the index-th device of this transport */
	int (*list)(unsigned int index, struct ct_device_info *info);

	int (*alloc)(void *state, uint64_t size, struct ct_buf_dev *buf,
		     struct ct_err *err);
	void (*free)(void *state, struct ct_buf_dev *buf);
	int (*room)(void *state, uint64_t size, struct ct_err *err);

	int (*queue_open)(void *state, unsigned int log2_entries,
			  struct ct_rings *rings, struct ct_err *err);
	void (*queue_close)(void *state, struct ct_rings *rings);
	/*
	 * After a failed completion, with which there are @seen: run again from the
	 * next entry. -ENODEV: the device is gone, or has been reset.
	 */
	int (*queue_restart)(void *state, struct ct_rings *rings, uint32_t seen,
			     struct ct_err *err);

	void (*doorbell)(void *state, const struct ct_rings *rings, uint32_t offset,
			 uint32_t value);
	/*
	 * Called when the completion index still is @seen. Helps the device along
	 * or sleeps; returns when there may be news. -ENODEV: it is gone, or has
	 * been reset; -EIO: the queue stands still without a completion.
	 */
	int (*wait)(void *state, struct ct_rings *rings, uint32_t seen,
		    struct ct_err *err);

	/* Run jobs from here on at a point that the model has; NULL: not ours to say. */
	void (*set_opp)(void *state, unsigned int opp);
};

extern const struct ct_transport ct_transport_accel;
extern const struct ct_transport ct_transport_sim;

/* The one that @name means, NULL if none; @options: what follows "name:". */
const struct ct_transport *ct_transport_find(const char *name, const char **options);

#endif
