// SPDX-License-Identifier: MIT
/* The function as a whole: making it, power, reset, and what it counts. */
#include "vdev.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device/cpus.h"

/* ---- Counting ------------------------------------------------------------ */

const char *vdev_violation_name(enum vdev_violation what)
{
	static const char *const names[VDEV_VIOLATIONS] = {
		[VDEV_POWERED_DOWN] = "powered_down",
		[VDEV_NO_MASTER] = "no_bus_master",
		[VDEV_UNBOUND] = "unbound",
		[VDEV_STOPPED_DOORBELL] = "stopped_doorbell",
	};

	return names[what];
}

void vdev_count(struct vdev *v, enum vdev_violation what, uint64_t at)
{
	atomic_fetch_add(&v->violations[what], 1);
	if (v->options.verbose)
		fprintf(stderr, "ctrans-vdev: violation %s at 0x%" PRIx64 "\n",
			vdev_violation_name(what), at);
}

static void on_violation(void *ctx, enum chip_violation what, uint64_t at)
{
	struct vdev *v = ctx;

	if (what == CHIP_VIOLATION_DOORBELL)
		vdev_count(v, VDEV_STOPPED_DOORBELL, at);
	else
		vdev_count(v, atomic_load(&v->dma.master) ? VDEV_UNBOUND :
							    VDEV_NO_MASTER, at);
}

uint64_t vdev_violations(struct vdev *v)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < VDEV_VIOLATIONS; i++)
		n += atomic_load(&v->violations[i]);
	return n;
}

void vdev_clear_violations(struct vdev *v)
{
	for (unsigned int i = 0; i < VDEV_VIOLATIONS; i++)
		atomic_store(&v->violations[i], 0);
}

/* ---- Power and reset ------------------------------------------------------ */

void vdev_set_master(struct vdev *v, bool on)
{
	if (atomic_exchange(&v->dma.master, on) == on || on)
		return;
	/* pointers that the chip has are as good as accesses */
	chip_forget(v->chip);
}

/* All but the chip. */
static void reset_function(struct vdev *v)
{
	v->powered = true;
	vdev_set_master(v, false);
	vdev_irq_forget(v);
	vdev_config_reset(v);
	memset(v->table, 0, sizeof(v->table));
}

/* The chip's reset first: what a job then still tries is its business alone. */
void vdev_reset(struct vdev *v)
{
	chip_reset(v->chip);
	reset_function(v);
}

void vdev_flr(struct vdev *v)
{
	if (!v->faults.ignore_flr)
		chip_reset(v->chip);
	reset_function(v);
}

/* Into D3hot everything is lost, and out of it as well: No_Soft_Reset is 0. */
void vdev_set_power(struct vdev *v, bool on)
{
	if (on) {
		vdev_flr(v);
		return;
	}
	if (!v->faults.ignore_flr)
		chip_reset(v->chip);
	vdev_irq_forget(v);
	v->powered = false;
}

/* Until the cores have left memory; a unit of work takes under a millisecond. */
void vdev_wait_reset(struct vdev *v)
{
	const struct timespec nap = { .tv_nsec = 100000 };

	for (int i = 0; i < VDEV_WAIT_MS * 5; i++) {
		if (chip_read(v->chip, CTRANS_REG_STATE) == CTRANS_STATE_READY)
			return;
		nanosleep(&nap, NULL);
	}
}

void vdev_detach(struct vdev *v)
{
	vdev_reset(v);
	vdev_wait_reset(v);
	vdev_irq_drop(v);
	vdev_dma_unmap_all(v);
	/* what this client broke is not the next one's fault */
	(void)vdev_guard_broken();
	v->negotiated = false;
}

/* ---- Life ----------------------------------------------------------------- */

int vdev_create(const struct vdev_options *options, struct vdev **out)
{
	struct vdev *v = calloc(1, sizeof(*v));
	struct chip_config cfg = {
		.threads = options->threads,
		.kernel = options->kernel,
		.cpus = ct_cpus_usable(),
	};
	struct chip_bus bus = {
		.map = vdev_dma_at,
		.raise = vdev_irq_raise,
		.ctx = v,
		.work = vdev_worker_kick,
		.violation = on_violation,
	};
	int ret;

	if (!v)
		return -ENOMEM;
	v->options = *options;
	v->powered = true;
	v->reply = malloc(VDEV_MESSAGE_MAX);
	ret = v->reply ? vdev_guard_install() : -ENOMEM;
	if (ret)
		goto no_reply;
	ret = vdev_dma_init(&v->dma);
	if (ret)
		goto no_reply;
	vdev_irq_init(&v->irq);
	ret = chip_create(&cfg, &bus, &v->chip);
	if (ret)
		goto no_chip;
	vdev_config_reset(v);
	ret = vdev_worker_start(v);
	if (ret)
		goto no_worker;
	*out = v;
	return 0;

no_worker:
	chip_destroy(v->chip);
no_chip:
	vdev_irq_free(&v->irq);
	vdev_dma_free(v);
no_reply:
	free(v->reply);
	free(v);
	return ret;
}

void vdev_destroy(struct vdev *v)
{
	if (!v)
		return;
	vdev_faults_off(v);
	chip_reset(v->chip);
	vdev_worker_stop(v);
	chip_destroy(v->chip);
	vdev_irq_free(&v->irq);
	vdev_dma_free(v);
	free(v->reply);
	free(v);
}
