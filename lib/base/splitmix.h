/* SPDX-License-Identifier: MIT */
#ifndef CT_BASE_SPLITMIX_H
#define CT_BASE_SPLITMIX_H

#include <stdint.h>

/* The next number of splitmix64 (Steele, Lea and Flood 2014); any state will do. */
static inline uint64_t ct_splitmix(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

#endif
