/* SPDX-License-Identifier: MIT */
#ifndef CT_DEVICE_ROOM_H
#define CT_DEVICE_ROOM_H

#include <stdint.h>

#include "base/err.h"

/*
 * Would @size bytes fit into the memory that this process may still take? Asked
 * before a model is read: the kernel promises more than it has, and ends a
 * process that takes it at its word. -ENOMEM with both numbers if not.
 */
int ct_room(uint64_t size, struct ct_err *err);

#endif
