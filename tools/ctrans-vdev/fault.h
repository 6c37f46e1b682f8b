/* SPDX-License-Identifier: MIT */
/*
 * Faults on request: what a broken, removed or compromised device does. They are the
 * server's, set by the control socket, and stay when a client leaves. The chip's own
 * are in lib/chip (CHIP_FAULT_*), those of interrupts in struct vdev_irq; here is what
 * lies between chip and client.
 */
#ifndef VDEV_FAULT_H
#define VDEV_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vdev;

enum vdev_sensor { VDEV_SENSOR_GOOD, VDEV_SENSOR_GARBAGE, VDEV_SENSOR_NONE };

struct vdev_faults {
	bool ignore_flr;	/* the chip lives on through FLR and D3 */
	bool never_idle;
	bool no_bars, no_config;	/* nothing answers any more */
	enum vdev_sensor sensor;

	/* TEMP_MC: from start to end in so many ms of the host's clock */
	bool temperature;
	int32_t start_mc, end_mc;
	uint32_t ramp_ms;
	int64_t since_ms;

	bool evil, evil_id;	/* the latter: not even the identity is right */
	uint64_t seed, reads;	/* since it was set */
};

/* One fault: "NAME [VALUE...]". -ENOENT: there is none of that name; -EINVAL. */
int vdev_fault(struct vdev *v, const char *words);
void vdev_faults_off(struct vdev *v);
/* Those that are set, a JSON object; and the names of all, between commas. */
void vdev_faults_list(struct vdev *v, char *to, size_t size);
void vdev_faults_names(char *to, size_t size);
/* What the client reads where the chip said @value. */
uint32_t vdev_fault_read(struct vdev *v, uint32_t offset, uint32_t value);

#endif
