// SPDX-License-Identifier: MIT
/*
 * Streams of messages with file descriptors, as a hostile monitor sends them:
 * nothing is touched that was not given, nothing hangs, every answer has the
 * shape of one, and the next client finds a device as new.
 *
 * An input is a list of messages, each led by a byte for its command, one for
 * how to make it and one for its descriptors. Fields are often such as mean
 * something, or few messages would get past the first check.
 */
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../unit/chip_must.h"
#include "uapi/ctrans_job.h"
#include "vdev.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMORY	(1u << 20)

static struct vdev *v;
static int memory, small, pipes[2];

struct input {
	const uint8_t *p;
	size_t n;
};

static uint64_t take(struct input *in, unsigned int bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes && in->n; i++, in->p++, in->n--)
		value |= (uint64_t)*in->p << 8 * i;
	return value;
}

/* An address or a size: few pages, the ends of things, anything. */
static uint64_t place(struct input *in)
{
	uint64_t kind = take(in, 1);

	switch (kind >> 6) {
	case 0:		return (kind & 63) << 12;
	case 1:		return 0 - ((kind & 63) << 12);
	case 2:		return kind & 63;
	default:	return take(in, 8);
	}
}

static int descriptor(uint64_t kind)
{
	switch (kind % 6) {
	case 0:
	case 1:		return fcntl(memory, F_DUPFD_CLOEXEC, 0);
	case 2:		return eventfd(0, EFD_CLOEXEC);
	case 3:		return fcntl(small, F_DUPFD_CLOEXEC, 0);
	case 4:		return fcntl(pipes[1], F_DUPFD_CLOEXEC, 0);
	default:	return open("/dev/null", O_RDWR | O_CLOEXEC);
	}
}

static size_t put(uint8_t *to, size_t at, uint64_t value, unsigned int bytes)
{
	memcpy(to + at, &value, bytes);
	return at + bytes;
}

/* A register, a doorbell or a place in configuration space that is one. */
static uint64_t offset_in(struct input *in, uint32_t region)
{
	uint64_t value = take(in, 2);

	if (value & 0x8000)
		return place(in);
	switch (region) {
	case 0:		return value & 1 ? CTRANS_REG_Q(value >> 1 & 3) + (value >> 4 & 0x7c) :
					   value & 0x1fc;
	case 2:		return (value & 3) * CTRANS_DB_PAGE_SIZE + (value >> 2 & 3) * 4;
	default:	return value & 0xff;
	}
}

static size_t payload(struct input *in, uint32_t command, uint8_t *to)
{
	size_t at = 0;
	uint32_t region, count;

	switch (command) {
	case VDEV_VERSION:
		at = put(to, at, take(in, 1) & 1 ? take(in, 4) : 0, 4);
		return at + take(in, 1) % 4;
	case VDEV_DMA_MAP:
		at = put(to, at, 32, 4);
		at = put(to, at, take(in, 1), 4);
		at = put(to, at, place(in), 8);
		at = put(to, at, place(in), 8);
		return put(to, at, place(in), 8);
	case VDEV_DMA_UNMAP:
		at = put(to, at, 24, 4);
		at = put(to, at, take(in, 1) & 3, 4);
		at = put(to, at, place(in), 8);
		return put(to, at, place(in), 8);
	case VDEV_SET_IRQS:
		at = put(to, at, 20, 4);
		at = put(to, at, take(in, 1), 4);
		at = put(to, at, take(in, 1) % 8, 4);
		at = put(to, at, take(in, 1) % 20, 4);
		at = put(to, at, take(in, 1) % 20, 4);
		return at + take(in, 1) % 20;
	case VDEV_REGION_READ:
	case VDEV_REGION_WRITE:
		region = (uint32_t)take(in, 1) % 10;
		count = take(in, 1) & 1 ? (uint32_t)take(in, 2) : 4;
		at = put(to, at, offset_in(in, region), 8);
		at = put(to, at, region, 4);
		at = put(to, at, count, 4);
		if (command == VDEV_REGION_READ || count > 512)
			return at;
		at = put(to, at, take(in, 4), 4);
		return sizeof(struct vdev_access) + count;
	default:
		at = put(to, at, 16 + take(in, 1) % 32, 4);
		at = put(to, at, take(in, 4), 4);
		at = put(to, at, take(in, 1), 4);
		at = put(to, at, take(in, 4), 4);
		return at + take(in, 1) % 32;
	}
}

static void check_reply(const struct vdev_header *sent)
{
	struct vdev_header h;

	MUST(v->reply_size >= sizeof(h) && v->reply_size <= VDEV_MESSAGE_MAX);
	memcpy(&h, v->reply, sizeof(h));
	MUST(h.size == v->reply_size && h.id == sent->id && h.command == sent->command);
	MUST(!(h.flags & VDEV_FLAG_ERROR) == !h.error);
}

/* False: the server hangs up. */
static bool message(struct input *in)
{
	static uint8_t m[4096];
	struct vdev_header h = { .id = (uint16_t)in->n };
	uint64_t how, files;
	int fds[VDEV_FDS_MAX];
	unsigned int n_fds;
	size_t size;
	int ret;

	memset(m, 0, sizeof(m));
	h.command = (uint16_t)(take(in, 1) % 16);
	how = take(in, 1);
	files = take(in, 1);
	n_fds = files & 0x80 ? (unsigned int)(files >> 3 & 15) : files & 1;
	for (unsigned int i = 0; i < n_fds; i++) {
		fds[i] = descriptor(files >> 1 & 3 ? files >> 1 : files + i);
		MUST(fds[i] >= 0);
	}
	size = sizeof(h) + payload(in, h.command, m + sizeof(h));
	/* mostly whole and well led */
	if (how % 16 == 0)
		size = sizeof(h) + take(in, 1);
	h.size = (uint32_t)size;
	if (how % 16 == 1)
		h.size = (uint32_t)take(in, 4);
	h.flags = how % 16 == 2 ? (uint32_t)take(in, 1) : how % 16 == 3 ? VDEV_FLAG_NO_REPLY : 0;
	memcpy(m, &h, sizeof(h));
	ret = vdev_message(v, m, size, fds, n_fds);
	if (ret > 0)
		check_reply(&h);
	for (unsigned int i = 0; i < n_fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return ret >= 0;
}

static void start(void)
{
	struct vdev_options o = { .threads = 1, .kernel = "auto", .irq = VDEV_MSIX };

	memory = memfd_create("memory", MFD_CLOEXEC);
	small = memfd_create("small", MFD_CLOEXEC);
	MUST(!ftruncate(memory, MEMORY) && !ftruncate(small, 6000) && !pipe(pipes));
	MUST(!vdev_create(&o, &v));
}

static void hello(void)
{
	struct {
		struct vdev_header h;
		struct vdev_version v;
	} m = { { .command = VDEV_VERSION, .size = sizeof(m) }, { VDEV_MAJOR, VDEV_MINOR } };

	MUST(vdev_message(v, (const uint8_t *)&m, sizeof(m), NULL, 0) == 1);
	check_reply(&m.h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	if (!v)
		start();
	v->options.irq = (enum vdev_irq_kind)(take(&in, 1) % 3);
	vdev_detach(v);
	if (take(&in, 1))
		hello();
	for (int n = 0; in.n && n < 100 && message(&in); n++)
		;
	vdev_detach(v);
	hello();
	MUST(!v->dma.n && v->powered && !atomic_load(&v->dma.master));
	MUST(chip_read(v->chip, CTRANS_REG_ID) == CTRANS_ID);
	return 0;
}
