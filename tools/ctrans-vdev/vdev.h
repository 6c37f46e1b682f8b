/* SPDX-License-Identifier: MIT */
/*
 * The virtual PCIe chip: lib/chip behind a configuration space, BARs, mapped
 * guest memory and interrupts, spoken to by vfio-user messages.
 *
 * One thread, the server's, handles messages and owns everything here but what
 * is said to be shared with the chip's workers: the DMA table, the interrupt
 * table and the counts. Messages are the peer's: nothing in them is believed.
 */
#ifndef VDEV_VDEV_H
#define VDEV_VDEV_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chip/chip.h"
#include "fault.h"
#include "protocol.h"
#include "uapi/ctrans_regs.h"

#define VDEV_VECTORS		17u	/* errors and events, then completions */
#define VDEV_MSI_VECTORS	16u
#define VDEV_CONFIG_SIZE	4096u
#define VDEV_BAR4_SIZE		4096u
#define VDEV_BAR4_PBA		2048u
#define VDEV_MAPS_MAX		32768u
/* How long a message may wait for the workers to leave memory. */
#define VDEV_WAIT_MS		100

/* Values are indices of vfio's interrupt kinds. */
enum vdev_irq_kind { VDEV_INTX, VDEV_MSI, VDEV_MSIX };

struct vdev_options {
	unsigned int threads;	/* 0: one for each CPU */
	const char *kernel;
	enum vdev_irq_kind irq;
	bool verbose;
};

enum vdev_violation {
	VDEV_POWERED_DOWN,	/* BAR access in D3hot */
	VDEV_NO_MASTER,		/* DMA with bus mastering off */
	VDEV_UNBOUND,		/* DMA where nothing is mapped */
	VDEV_STOPPED_DOORBELL,	/* doorbell of a STOPPED queue */
	VDEV_VIOLATIONS
};

/* ---- Guest memory (dma.c) ---------------------------------------------- */

struct vdev_map {
	uint64_t addr, size;
	uint8_t *ptr;		/* NULL: came without a file, not reachable */
	unsigned int guard;	/* of guard.c, if ptr */
	bool readable, writable;
};

/* Unmapped, but the workers may still read and write there. */
struct vdev_leaving {
	struct vdev_map map;
	uint64_t number;	/* of chip_forget() */
	struct vdev_leaving *next;
};

struct vdev_dma {
	pthread_rwlock_t lock;	/* maps and n; workers read */
	struct vdev_map *maps;	/* ascending, apart */
	unsigned int n, room;
	_Atomic uint64_t generation;	/* of maps; no two tables have the same */
	_Atomic bool master;	/* may the chip reach memory at all */
	struct vdev_leaving *leaving;
};

/* ---- Interrupts (irq.c) ------------------------------------------------- */

#define VDEV_IRQ_ALL		UINT32_MAX

struct vdev_irq {
	pthread_mutex_t lock;
	int fd[3][VDEV_VECTORS];	/* eventfds by kind, -1: none */
	uint32_t pending;		/* vectors raised while they had none */
	bool masked;			/* INTx: until the client unmasks it */
	bool disabled;			/* INTx: by the command register */

	/* faults: of the next interrupts so many, or VDEV_IRQ_ALL */
	uint32_t drop, duplicate;
	_Atomic uint32_t again;		/* vectors to raise once more with the next message */
};

/* ---- The device --------------------------------------------------------- */

struct vdev {
	struct vdev_options options;
	struct chip *chip;
	struct vdev_dma dma;
	struct vdev_irq irq;

	uint8_t config[VDEV_CONFIG_SIZE];
	uint8_t writable[VDEV_CONFIG_SIZE];	/* bits of config */
	uint8_t table[VDEV_BAR4_PBA];		/* MSI-X */
	bool powered;				/* D0 */

	/* the worker, asleep while @kicks stays what it saw */
	pthread_t worker;
	_Atomic uint32_t kicks, asleep;
	_Atomic bool quit;

	_Atomic uint64_t violations[VDEV_VIOLATIONS];
	uint64_t refused;	/* messages answered with an error */
	struct vdev_faults faults;

	bool negotiated;	/* VERSION has been seen */
	uint8_t *reply;		/* VDEV_MESSAGE_MAX bytes */
	size_t reply_size;
};

/* device.c. 0 or a negative errno, as chip_create(). */
int vdev_create(const struct vdev_options *options, struct vdev **out);
void vdev_destroy(struct vdev *v);
/* As fresh from the factory, for the next client; what the last had is dropped. */
void vdev_detach(struct vdev *v);
/* Begin a reset of everything the function has; the chip finishes it. */
void vdev_reset(struct vdev *v);
/* By the function's own register: a fault may have the chip not take part. */
void vdev_flr(struct vdev *v);
void vdev_set_power(struct vdev *v, bool on);
void vdev_set_master(struct vdev *v, bool on);
void vdev_wait_reset(struct vdev *v);
void vdev_count(struct vdev *v, enum vdev_violation what, uint64_t at);
const char *vdev_violation_name(enum vdev_violation what);
uint64_t vdev_violations(struct vdev *v);
void vdev_clear_violations(struct vdev *v);

/*
 * message.c: one message, @n_fds file descriptors with it; those it keeps it
 * replaces by -1. 1: v->reply is to be sent; 0: no answer is wanted; negative:
 * it is no vfio-user and the client has to go.
 */
int vdev_message(struct vdev *v, const uint8_t *msg, size_t size, int *fds,
		 unsigned int n_fds);

/* config.c */
void vdev_config_reset(struct vdev *v);
void vdev_config_read(struct vdev *v, uint64_t offset, void *data, uint32_t count);
void vdev_config_write(struct vdev *v, uint64_t offset, const void *data,
		       uint32_t count);

/* region.c. -EINVAL: beyond the region, or there is none. */
uint64_t vdev_region_size(const struct vdev *v, uint32_t region);
int vdev_region_read(struct vdev *v, uint32_t region, uint64_t offset, void *data,
		     uint32_t count);
int vdev_region_write(struct vdev *v, uint32_t region, uint64_t offset,
		      const void *data, uint32_t count);

/* dma.c */
int vdev_dma_init(struct vdev_dma *d);
void vdev_dma_free(struct vdev *v);
int vdev_dma_map(struct vdev *v, const struct vdev_dma_map *m, int fd);
int vdev_dma_unmap(struct vdev *v, uint64_t addr, uint64_t size);
void vdev_dma_unmap_all(struct vdev *v);
/* Give back what the workers have left by now. */
void vdev_dma_reap(struct vdev *v);
void *vdev_dma_at(void *ctx, uint64_t addr, uint64_t len, bool write,
		  uint64_t *contiguous);

/*
 * guard.c: a client may shorten a file whose pages the workers are in, which
 * costs them a SIGBUS. In a guarded stretch it costs the client: the stretch
 * becomes private zeros and is broken.
 */
int vdev_guard_install(void);
int vdev_guard_add(void *ptr, size_t size, unsigned int *guard);
void vdev_guard_remove(unsigned int guard);
bool vdev_guard_broken(void);
/* Private zeros in place of what is there. */
int vdev_guard_blank(void *ptr, size_t size);

/* irq.c */
void vdev_irq_init(struct vdev_irq *q);
void vdev_irq_free(struct vdev_irq *q);
void vdev_irq_raise(void *ctx, unsigned int vector);
/* As if the chip had, for no reason; never dropped or duplicated. */
void vdev_irq_spurious(struct vdev *v, unsigned int vector);
/* A message has come: what was to be raised twice is, for the second time. */
void vdev_irq_again(struct vdev *v);
uint32_t vdev_irq_count(const struct vdev *v, uint32_t index);
int vdev_irq_set(struct vdev *v, const struct vdev_irq_set *set, const uint8_t *data,
		 size_t size, int *fds, unsigned int n_fds);
void vdev_irq_drop(struct vdev *v);
void vdev_irq_forget(struct vdev *v);
void vdev_irq_disable_intx(struct vdev *v, bool disable);
uint32_t vdev_irq_pending(struct vdev *v);

/* worker.c */
int vdev_worker_start(struct vdev *v);
void vdev_worker_stop(struct vdev *v);
void vdev_worker_kick(void *ctx);

#endif
