/* SPDX-License-Identifier: MIT */
/* The kernel driver's transport, between its files. */
#ifndef CT_DEVICE_ACCEL_H
#define CT_DEVICE_ACCEL_H

#include <pthread.h>

#include "device/extents.h"
#include "device/transport.h"
#include "uapi/ctrans_accel.h"

/* One open file with one address space. */
struct ct_accel {
	int fd;
	int number;			/* of the node */
	uint32_t vm;
	char bus[32];			/* where the chip is, "0000:00:04.0" */
	struct drm_ctrans_info chip;
	pthread_mutex_t lock;		/* free */
	struct ct_extents free;		/* addresses not bound */
};

/* The device failed at @what with @code: why, and what to do. Returns @code. */
int ct_accel_fail(const struct ct_accel *a, int code, const char *what,
		  struct ct_err *err);

/* accel_memory.c */
int ct_accel_alloc(void *accel, uint64_t size, struct ct_buf_dev *buf,
		   struct ct_err *err);
void ct_accel_free(void *accel, struct ct_buf_dev *buf);
int ct_accel_room(void *accel, uint64_t size, struct ct_err *err);

/* accel_queue.c */
int ct_accel_queue_open(void *accel, unsigned int log2_entries,
			struct ct_rings *r, struct ct_err *err);
void ct_accel_queue_close(void *accel, struct ct_rings *r);
int ct_accel_queue_restart(void *accel, struct ct_rings *r, uint32_t seen,
			   struct ct_err *err);
void ct_accel_doorbell(void *accel, const struct ct_rings *r, uint32_t offset,
		       uint32_t value);
int ct_accel_wait(void *accel, struct ct_rings *r, uint32_t seen,
		  struct ct_err *err);

#endif
