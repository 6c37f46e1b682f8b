/* SPDX-License-Identifier: MIT */
/*
 * The device through its raw ioctls: files, buffers, address spaces. Calls give
 * 0 or -errno and do not restart by themselves; what ends in _must has to work.
 */
#ifndef ACCEL_H
#define ACCEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uapi/ctrans_accel.h"
#include "uapi/ctrans_job.h"

#define PAGE	4096u

/* The node of the first chip, "/dev/accel/accelN"; NULL: there is none. */
const char *accel_node(void);
/* A new open file, or -errno. */
int accel_try_open(void);
int accel_open(void);
/* For as long as it takes the node to come. */
int accel_open_within(unsigned int seconds);
/* "0000:00:03.0", the device below the node */
const char *accel_pci_name(void);

/* 0 or -errno; the argument's memory is as the kernel left it. */
int call(int fd, unsigned long request, void *arg);
/* The request of an ioctl as if its structure had size bytes. */
unsigned long sized(unsigned long request, size_t size);
/* What mmap() says: 0 (and unmapped again) or -errno. */
int try_mmap(int fd, uint64_t offset, uint64_t size, int prot, int flags);

void info_must(int fd, struct drm_ctrans_info *info);

struct bo {
	int fd;
	uint32_t handle;
	uint64_t size;
	void *map;	/* whole, read and write */
};

int bo_create(int fd, uint64_t size, uint32_t *handle);
int bo_offset(int fd, uint32_t handle, uint64_t *offset);
int bo_close(int fd, uint32_t handle);
void bo_must(struct bo *bo, int fd, uint64_t size);
void bo_drop(struct bo *bo);

int vm_create(int fd, uint32_t *vm);
int vm_destroy(int fd, uint32_t vm);
uint32_t vm_must(int fd);
int vm_map(int fd, uint32_t vm, uint32_t handle, uint64_t va, uint64_t bo_offset,
	   uint64_t size, uint32_t flags);
int vm_unmap(int fd, uint32_t vm, uint64_t va, uint64_t size);
/* Several operations; *done, if given, is what the kernel says was done. */
int vm_bind(int fd, uint32_t vm, const void *ops, uint32_t count,
	    uint32_t stride, uint32_t *done);

int queue_destroy(int fd, uint32_t id);
int queue_restart(int fd, uint32_t id);
/* *done may be NULL */
int queue_wait_until(int fd, uint32_t id, uint64_t seq, int64_t deadline,
		     uint64_t *done);
int queue_get_state(int fd, uint32_t id, struct drm_ctrans_queue_get_state *st);

#endif
