// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power: the chip sleeps while nothing is to be done, and wakes for who needs it.
 */
#include "ctrans_drv.h"

/**
 * ctrans_enter() - the chip is here and awake until ctrans_exit()
 * @ct: the device
 * @idx: for ctrans_exit()
 *
 * Wakes it. No lock of ours is held.
 *
 * Return: 0, or -ENODEV.
 */
int ctrans_enter(struct ctrans_device *ct, int *idx)
{
	return drm_dev_enter(&ct->drm, idx) ? 0 : -ENODEV;
}

/**
 * ctrans_enter_awake() - the same for one who only looks: wakes nobody
 * @ct: the device
 * @idx: for ctrans_exit()
 *
 * Return: false when there is no chip or it sleeps.
 */
bool ctrans_enter_awake(struct ctrans_device *ct, int *idx)
{
	return drm_dev_enter(&ct->drm, idx);
}

/**
 * ctrans_exit() - the chip may go, or to sleep
 * @ct: the device
 * @idx: from the other two
 */
void ctrans_exit(struct ctrans_device *ct, int idx)
{
	drm_dev_exit(idx);
}
