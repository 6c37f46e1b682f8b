/* SPDX-License-Identifier: MIT */
#ifndef CT_MODEL_LE_H
#define CT_MODEL_LE_H

#include <stdint.h>

/* An unsigned little-endian number of @bytes (at most 8) bytes. */
static inline uint64_t ct_load_le(const uint8_t *p, unsigned int bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | p[bytes];
	return v;
}

#endif
