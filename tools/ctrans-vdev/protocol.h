/* SPDX-License-Identifier: MIT */
/*
 * vfio-user on the wire, as far as this server speaks it: a header, then for
 * most commands a structure of <linux/vfio.h> or one of these. Everything is in
 * the byte order of the machine that both ends are on.
 */
#ifndef VDEV_PROTOCOL_H
#define VDEV_PROTOCOL_H

#include <stdint.h>

#define VDEV_MAJOR	0
#define VDEV_MINOR	1

/* What this server says of itself; a client may know less. */
#define VDEV_FDS_MAX	16u		/* file descriptors with one message */
#define VDEV_XFER_MAX	(1u << 20)	/* bytes of one region read or write */

enum vdev_command {
	VDEV_VERSION = 1,
	VDEV_DMA_MAP,
	VDEV_DMA_UNMAP,
	VDEV_GET_INFO,
	VDEV_GET_REGION_INFO,
	VDEV_GET_REGION_IO_FDS,
	VDEV_GET_IRQ_INFO,
	VDEV_SET_IRQS,
	VDEV_REGION_READ,
	VDEV_REGION_WRITE,
	VDEV_DMA_READ,
	VDEV_DMA_WRITE,
	VDEV_DEVICE_RESET,
};

struct vdev_header {
	uint16_t id;
	uint16_t command;
	uint32_t size;		/* of the message, this header included */
	uint32_t flags;
	uint32_t error;		/* errno, with VDEV_FLAG_ERROR */
};

#define VDEV_FLAG_TYPE		0xfu	/* 0: command, 1: reply */
#define VDEV_FLAG_REPLY		0x1u
#define VDEV_FLAG_NO_REPLY	0x10u
#define VDEV_FLAG_ERROR		0x20u

/* VERSION, followed by JSON text with its terminating zero */
struct vdev_version {
	uint16_t major;
	uint16_t minor;
};

struct vdev_dma_map {
	uint32_t argsz;
	uint32_t flags;		/* VFIO_DMA_MAP_FLAG_READ, _WRITE */
	uint64_t offset;	/* in the file, if one came along */
	uint64_t addr;
	uint64_t size;
};

struct vdev_dma_unmap {
	uint32_t argsz;
	uint32_t flags;		/* VFIO_DMA_UNMAP_FLAG_ALL */
	uint64_t addr;
	uint64_t size;
};

struct vdev_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t num_regions;
	uint32_t num_irqs;
};

struct vdev_irq_set {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
};

/* REGION_READ and REGION_WRITE, followed by the data */
struct vdev_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
};

#define VDEV_MESSAGE_MAX \
	(sizeof(struct vdev_header) + sizeof(struct vdev_access) + VDEV_XFER_MAX)

#endif
