// SPDX-License-Identifier: MIT
/* The programs that reached what none did before them. */
#include <stdlib.h>

#include "fuzz_program.h"

#define CORPUS	1024

static struct fuzz_program *corpus[CORPUS];
static unsigned int kept;

void corpus_add(const struct fuzz_program *p)
{
	struct fuzz_program **at = &corpus[kept % CORPUS];

	if (!*at)
		*at = malloc(sizeof(**at));
	must(*at);
	**at = *p;
	kept++;
}

unsigned int corpus_size(void)
{
	return kept < CORPUS ? kept : CORPUS;
}

const struct fuzz_program *corpus_pick(uint64_t *seed)
{
	unsigned int n = corpus_size(), late = n < 16 ? n : 16;
	uint64_t draw = guest_random(seed) >> 11;

	if (!n)
		return NULL;
	/* half of all picks are of the last few */
	if (draw & 1)
		return corpus[(kept - 1 - draw / 2 % late) % CORPUS];
	return corpus[draw / 2 % n];
}
