// SPDX-License-Identifier: MIT
/* Values: mostly plausible, at the edges, or plainly wrong. */
#include <string.h>

#include "fuzz.h"

uint64_t fuzz_draw(struct fuzz *f)
{
	struct fuzz_tape *tape = f->tape;
	uint64_t number;

	if (tape && f->drawn < tape->n)
		return tape->number[f->drawn++];
	number = guest_random(&f->seed);
	if (tape && tape->n < FUZZ_TAPE) {
		tape->number[tape->n++] = number;
		f->drawn++;
	}
	return number;
}

uint64_t fuzz_below(struct fuzz *f, uint64_t n)
{
	return (fuzz_draw(f) >> 11) % n;
}

bool fuzz_rare(struct fuzz *f, unsigned int n)
{
	return !fuzz_below(f, n);
}

uint64_t fuzz_number(struct fuzz *f)
{
	switch (fuzz_below(f, 6)) {
	case 0: return fuzz_below(f, 4);
	case 1: return 1ull << fuzz_below(f, 64);
	case 2: return (1ull << fuzz_below(f, 64)) - 1;
	case 3: return -fuzz_below(f, 3 * PAGE);
	case 4: return fuzz_below(f, 1 << 20) * PAGE;
	default: return fuzz_draw(f);
	}
}

/* Of buffers: small enough that many fit, or absurd. */
uint64_t fuzz_size(struct fuzz *f)
{
	if (fuzz_rare(f, 20))
		return fuzz_number(f) | 1ull << 40;
	return (1 + fuzz_below(f, fuzz_rare(f, 10) ? 600 : 12)) * PAGE;
}

/* Few places, so that bindings meet. */
uint64_t fuzz_va(struct fuzz *f)
{
	if (fuzz_rare(f, 20))
		return fuzz_number(f);
	if (fuzz_rare(f, 10))
		return (1ull << CTRANS_VA_BITS) - fuzz_below(f, 8) * PAGE;
	return 0x100000 + fuzz_below(f, 64) * 4 * PAGE;
}

uint64_t fuzz_index(struct fuzz *f, uint32_t around)
{
	if (fuzz_rare(f, 6))
		return fuzz_number(f);
	return around + fuzz_below(f, 10);
}

uint32_t fuzz_name(struct fuzz *f, const uint32_t *names)
{
	if (fuzz_rare(f, 12))
		return (uint32_t)fuzz_number(f);
	return names[fuzz_below(f, FUZZ_NAMES)];
}

uint32_t fuzz_remember(struct fuzz *f, uint32_t *names, uint32_t name)
{
	unsigned int i = (unsigned int)fuzz_below(f, FUZZ_NAMES);
	uint32_t before = names[i] == name ? 0 : names[i];

	names[i] = name;
	return before;
}

void fuzz_spoil(struct fuzz *f, void *arg, size_t size)
{
	uint32_t word = (uint32_t)fuzz_number(f);

	if (fuzz_rare(f, 8))
		memcpy((char *)arg + fuzz_below(f, size / 4) * 4, &word,
		       sizeof(word));
}
