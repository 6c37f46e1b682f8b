// SPDX-License-Identifier: MIT
/*
 * The kernel driver's transport: a chip behind /dev/accel/accelN. What this
 * file holds open, the kernel takes back when it is closed, whatever happened.
 */
#include "device/accel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#include "device/accel_node.h"
#include "uapi/ctrans_regs.h"

int ct_accel_fail(const struct ct_accel *a, int code, const char *what,
		  struct ct_err *err)
{
	switch (code) {
	case -ENODEV:
		return ct_fail(err, code,
			"device accel:%d is gone (unplugged, or its driver was unbound): open the model again when it is back",
			a->number);
	case -EBUSY:
		return ct_fail(err, code,
			"device accel:%d: %s: the chip has no more to give; wait until another program ends",
			a->number, what);
	case -ENOMEM:
		return ct_fail(err, code, "device accel:%d: %s: out of memory",
			       a->number, what);
	default:
		return ct_fail(err, code, "device accel:%d: %s: %s", a->number, what,
			       strerror(-code));
	}
}

/* ---- Asking ----------------------------------------------------------- */

static int query(const struct ct_accel *a, uint32_t type, void *into, uint32_t size)
{
	struct drm_ctrans_dev_query q = {
		.type = type, .size = size, .pointer = (uintptr_t)into,
	};

	return drmIoctl(a->fd, DRM_IOCTL_CTRANS_DEV_QUERY, &q) ? -errno : 0;
}

/* What the kernel says is used for arithmetic, so it is looked at first. */
static int check_chip(const struct ct_accel *a, struct ct_err *err)
{
	const struct drm_ctrans_info *c = &a->chip;
	uint64_t page = c->page_size;

	if (c->version >> 16 != CTRANS_VERSION >> 16)
		return ct_fail(err, -ENOTSUP,
			"device accel:%d: the chip's interface is version %u, and this library knows %u: they do not belong together",
			a->number, c->version >> 16, CTRANS_VERSION >> 16);
	if (!(c->caps & CTRANS_CAP_S8))
		return ct_fail(err, -ENOTSUP,
			"device accel:%d: the chip has no 8-bit weights", a->number);
	if (page < CTRANS_PAGE_4K || page & (page - 1) || page > CTRANS_PAGE_2M ||
	    c->va_start % page || c->va_start >= c->va_end ||
	    c->va_end > 1ull << CTRANS_VA_BITS || !c->va_start)
		return ct_fail(err, -EIO,
			"device accel:%d: its driver names addresses 0x%llx to 0x%llx in pages of %u, which cannot be",
			a->number, (unsigned long long)c->va_start,
			(unsigned long long)c->va_end, c->page_size);
	return 0;
}

static void fill_info(const struct ct_accel *a, struct ct_device_info *info)
{
	struct drm_ctrans_clock clock = { 0 };

	/* a chip that is gone has no clock, and is still named */
	if (query(a, DRM_CTRANS_QUERY_CLOCK, &clock, sizeof(clock)))
		memset(&clock, 0, sizeof(clock));
	snprintf(info->name, sizeof(info->name), "accel:%d", a->number);
	snprintf(info->description, sizeof(info->description),
		 "C-Transformer at %s, /dev/accel/accel%d",
		 *a->bus ? a->bus : "an unknown place", a->number);
	info->cores = a->chip.cores;
	info->mv = clock.mv;
	info->khz = clock.khz;
	info->caps = a->chip.caps;
	info->has_f32 = a->chip.caps & CTRANS_CAP_F32;
	info->has_kv_s8 = a->chip.caps & CTRANS_CAP_KV_S8;
}

static void accel_info(const void *state, struct ct_device_info *info)
{
	fill_info(state, info);
}

/* ---- Opening ---------------------------------------------------------- */

static int open_chip(int number, struct ct_accel *a, struct ct_err *err)
{
	int ret;

	*a = (struct ct_accel){ .number = number };
	ret = ct_accel_open_node(number, &a->fd, err);
	if (ret)
		return ret;
	ct_accel_link(CT_ACCEL_SYS, number, "device", a->bus, sizeof(a->bus));
	ret = query(a, DRM_CTRANS_QUERY_INFO, &a->chip, sizeof(a->chip));
	if (ret)
		ct_accel_fail(a, ret, "asking what it is", err);
	else
		ret = check_chip(a, err);
	if (ret)
		close(a->fd);
	return ret;
}

static int open_vm(struct ct_accel *a, struct ct_err *err)
{
	struct drm_ctrans_vm_create vm = { 0 };

	if (drmIoctl(a->fd, DRM_IOCTL_CTRANS_VM_CREATE, &vm))
		return ct_accel_fail(a, -errno, "making an address space", err);
	a->vm = vm.vm_id;
	if (ct_extents_give(&a->free, a->chip.va_start,
			    a->chip.va_end - a->chip.va_start))
		return ct_fail(err, -ENOMEM, "out of memory");
	return 0;
}

static void accel_close(void *state)
{
	struct ct_accel *a = state;

	close(a->fd);
	ct_extents_free(&a->free);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static int accel_open(const char *options, void **state, struct ct_err *err)
{
	struct ct_accel *a;
	int number, ret;

	ret = ct_accel_parse(options, &number, err);
	if (ret)
		return ret;
	if (number == CT_ACCEL_ANY && ct_accel_find(0, &number))
		return ct_fail(err, -ENODEV,
			"device \"accel\": this machine has no C-Transformer with its driver; is the driver loaded (modprobe ctrans)? \"sim\" is the chip model");
	a = malloc(sizeof(*a));
	if (!a)
		return ct_fail(err, -ENOMEM, "out of memory");
	ret = open_chip(number, a, err);
	if (ret) {
		free(a);
		return ret;
	}
	pthread_mutex_init(&a->lock, NULL);
	ret = open_vm(a, err);
	if (ret) {
		accel_close(a);
		return ret;
	}
	*state = a;
	return 0;
}

/* One that cannot be used is listed as well, with the reason for its description. */
static int accel_list(unsigned int index, struct ct_device_info *info)
{
	struct ct_accel a;
	struct ct_err err;
	int number;

	if (ct_accel_find(index, &number))
		return -ENODEV;
	if (open_chip(number, &a, &err)) {
		snprintf(info->name, sizeof(info->name), "accel:%d", number);
		snprintf(info->description, sizeof(info->description), "%.*s",
			 (int)sizeof(info->description) - 1, err.msg);
		return 0;
	}
	fill_info(&a, info);
	close(a.fd);
	return 0;
}

const struct ct_transport ct_transport_accel = {
	.name = "accel",
	.open = accel_open,
	.close = accel_close,
	.info = accel_info,
	.list = accel_list,
	.alloc = ct_accel_alloc,
	.free = ct_accel_free,
	.room = ct_accel_room,
	.queue_open = ct_accel_queue_open,
	.queue_close = ct_accel_queue_close,
	.queue_restart = ct_accel_queue_restart,
	.doorbell = ct_accel_doorbell,
	.wait = ct_accel_wait,
};
