/* SPDX-License-Identifier: MIT */
/* What a transport does for device.c; see there for who calls what when. */
#ifndef CT_DEVICE_TRANSPORT_H
#define CT_DEVICE_TRANSPORT_H

#include "device/device.h"

/* A queue's two sides as the transport has set them up. */
struct ct_rings {
	unsigned int slot;
	struct ctrans_sqe *sq;
	const struct ctrans_status_line *line;
	const struct ctrans_cqe *cq;
	uint32_t sq_mask, cq_mask;
};

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
	void (*queue_close)(void *state, const struct ct_rings *rings);
	/* after ERROR: run again from the next entry */
	int (*queue_restart)(void *state, const struct ct_rings *rings);

	void (*doorbell)(void *state, unsigned int slot, uint32_t offset,
			 uint32_t value);
	/*
	 * Called when the completion index still is @seen. Helps the device along
	 * or sleeps; returns when there may be news. -ENODEV: it is gone.
	 */
	int (*wait)(void *state, const struct ct_rings *rings, uint32_t seen);
};

extern const struct ct_transport ct_transport_sim;

#endif
