// SPDX-License-Identifier: MIT
/* Messages: checked, acted on, answered. */
#include "vdev.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>

struct message {
	struct vdev *v;
	struct vdev_header header;
	const uint8_t *data;	/* what follows the header */
	size_t size;
	int *fds;
	unsigned int n_fds;
};

/* What follows the header of the answer. */
static void *answer(struct vdev *v, size_t size)
{
	v->reply_size = sizeof(struct vdev_header) + size;
	return v->reply + sizeof(struct vdev_header);
}

/* The structure that a message begins with; -EINVAL if it is not all there. */
static int take(const struct message *m, void *to, size_t size)
{
	if (m->size < size)
		return -EINVAL;
	memcpy(to, m->data, size);
	return 0;
}

/* That structure and nothing else, its argsz honest. */
static int take_all(const struct message *m, void *to, size_t size)
{
	uint32_t argsz;

	if (m->size != size)
		return -EINVAL;
	memcpy(to, m->data, size);
	memcpy(&argsz, m->data, sizeof(argsz));
	return argsz < size ? -EINVAL : 0;
}

static int on_version(struct message *m)
{
	static const char format[] =
		"{\"capabilities\":{\"max_msg_fds\":%u,\"max_data_xfer_size\":%u,"
		"\"max_dma_maps\":%u,\"pgsizes\":%llu}}";
	struct vdev_version version;
	uint8_t *to;
	char text[160];
	int n;

	if (m->v->negotiated || m->n_fds || take(m, &version, sizeof(version)) ||
	    version.major != VDEV_MAJOR)
		return -EINVAL;
	/* the text is the client's limits; what is sent stays below any of them */
	if (m->size > sizeof(version) && m->data[m->size - 1])
		return -EINVAL;
	if (version.minor > VDEV_MINOR)
		version.minor = VDEV_MINOR;
	n = snprintf(text, sizeof(text), format, VDEV_FDS_MAX, VDEV_XFER_MAX,
		     VDEV_MAPS_MAX, (unsigned long long)CTRANS_PAGE_4K) + 1;
	to = answer(m->v, sizeof(version) + (size_t)n);
	memcpy(to, &version, sizeof(version));
	memcpy(to + sizeof(version), text, (size_t)n);
	m->v->negotiated = true;
	return 0;
}

static int on_dma_map(struct message *m)
{
	struct vdev_dma_map map;

	if (take_all(m, &map, sizeof(map)) || m->n_fds > 1)
		return -EINVAL;
	return vdev_dma_map(m->v, &map, m->n_fds ? m->fds[0] : -1);
}

static int on_dma_unmap(struct message *m)
{
	struct vdev_dma_unmap unmap;
	int ret = 0;

	if (take_all(m, &unmap, sizeof(unmap)) || m->n_fds)
		return -EINVAL;
	switch (unmap.flags) {
	case 0:
		ret = vdev_dma_unmap(m->v, unmap.addr, unmap.size);
		break;
	case VFIO_DMA_UNMAP_FLAG_ALL:
		if (unmap.addr || unmap.size)
			return -EINVAL;
		vdev_dma_unmap_all(m->v);
		break;
	default:
		return -ENOTSUP;
	}
	if (!ret)
		memcpy(answer(m->v, sizeof(unmap)), &unmap, sizeof(unmap));
	return ret;
}

static int on_get_info(struct message *m)
{
	struct vdev_info info;

	if (take_all(m, &info, sizeof(info)) || m->n_fds)
		return -EINVAL;
	info = (struct vdev_info){
		.argsz = sizeof(info),
		.flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI,
		.num_regions = VFIO_PCI_NUM_REGIONS,
		.num_irqs = VFIO_PCI_NUM_IRQS,
	};
	memcpy(answer(m->v, sizeof(info)), &info, sizeof(info));
	return 0;
}

/* No region can be mapped: stores are counted and obeyed one by one. */
static int on_get_region_info(struct message *m)
{
	struct vfio_region_info info;

	if (take_all(m, &info, sizeof(info)) || m->n_fds ||
	    info.index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	info.argsz = sizeof(info);
	info.cap_offset = 0;
	info.offset = 0;
	info.size = vdev_region_size(m->v, info.index);
	info.flags = info.size ? VFIO_REGION_INFO_FLAG_READ |
				 VFIO_REGION_INFO_FLAG_WRITE : 0;
	memcpy(answer(m->v, sizeof(info)), &info, sizeof(info));
	return 0;
}

static int on_get_irq_info(struct message *m)
{
	struct vfio_irq_info info;

	if (take_all(m, &info, sizeof(info)) || m->n_fds ||
	    info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.argsz = sizeof(info);
	info.count = vdev_irq_count(m->v, info.index);
	info.flags = info.count ? VFIO_IRQ_INFO_EVENTFD : 0;
	if (info.count && info.index == VDEV_INTX)
		info.flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	memcpy(answer(m->v, sizeof(info)), &info, sizeof(info));
	return 0;
}

static int on_set_irqs(struct message *m)
{
	struct vdev_irq_set set;

	if (take(m, &set, sizeof(set)) || set.argsz < sizeof(set))
		return -EINVAL;
	return vdev_irq_set(m->v, &set, m->data + sizeof(set), m->size - sizeof(set),
			    m->fds, m->n_fds);
}

static int on_region_read(struct message *m)
{
	struct vdev_access a;
	uint8_t *to;
	int ret;

	if (take(m, &a, sizeof(a)) || m->size != sizeof(a) || m->n_fds ||
	    a.count > VDEV_XFER_MAX)
		return -EINVAL;
	to = answer(m->v, sizeof(a) + a.count);
	ret = vdev_region_read(m->v, a.region, a.offset, to + sizeof(a), a.count);
	if (!ret)
		memcpy(to, &a, sizeof(a));
	return ret;
}

static int on_region_write(struct message *m)
{
	struct vdev_access a;
	int ret;

	if (take(m, &a, sizeof(a)) || a.count > VDEV_XFER_MAX ||
	    m->size - sizeof(a) != a.count || m->n_fds)
		return -EINVAL;
	ret = vdev_region_write(m->v, a.region, a.offset, m->data + sizeof(a), a.count);
	if (!ret)
		memcpy(answer(m->v, sizeof(a)), &a, sizeof(a));
	return ret;
}

static int on_reset(struct message *m)
{
	if (m->size || m->n_fds)
		return -EINVAL;
	vdev_reset(m->v);
	vdev_wait_reset(m->v);
	return 0;
}

static int dispatch(struct message *m)
{
	if (!m->v->negotiated && m->header.command != VDEV_VERSION)
		return -EINVAL;
	switch (m->header.command) {
	case VDEV_VERSION:		return on_version(m);
	case VDEV_DMA_MAP:		return on_dma_map(m);
	case VDEV_DMA_UNMAP:		return on_dma_unmap(m);
	case VDEV_GET_INFO:		return on_get_info(m);
	case VDEV_GET_REGION_INFO:	return on_get_region_info(m);
	case VDEV_GET_IRQ_INFO:		return on_get_irq_info(m);
	case VDEV_SET_IRQS:		return on_set_irqs(m);
	case VDEV_REGION_READ:		return on_region_read(m);
	case VDEV_REGION_WRITE:		return on_region_write(m);
	case VDEV_DEVICE_RESET:		return on_reset(m);
	default:			return -ENOTSUP;
	}
}

int vdev_message(struct vdev *v, const uint8_t *msg, size_t size, int *fds,
		 unsigned int n_fds)
{
	struct message m = { .v = v, .fds = fds, .n_fds = n_fds };
	struct vdev_header reply;
	int ret;

	vdev_dma_reap(v);
	vdev_irq_again(v);
	if (size < sizeof(m.header) || size > VDEV_MESSAGE_MAX)
		return -EPROTO;
	memcpy(&m.header, msg, sizeof(m.header));
	/* nothing is ever asked of the client, so it has nothing to answer */
	if (m.header.size != size || m.header.flags & ~VDEV_FLAG_NO_REPLY)
		return -EPROTO;
	m.data = msg + sizeof(m.header);
	m.size = size - sizeof(m.header);
	answer(v, 0);
	ret = dispatch(&m);
	if (vdev_guard_broken())
		return -EFAULT;
	if (ret) {
		v->refused++;
		answer(v, 0);
	}
	if (m.header.flags & VDEV_FLAG_NO_REPLY)
		return 0;
	reply = (struct vdev_header){
		.id = m.header.id,
		.command = m.header.command,
		.size = (uint32_t)v->reply_size,
		.flags = VDEV_FLAG_REPLY | (ret ? VDEV_FLAG_ERROR : 0),
		.error = ret ? (uint32_t)-ret : 0,
	};
	memcpy(v->reply, &reply, sizeof(reply));
	return 1;
}
