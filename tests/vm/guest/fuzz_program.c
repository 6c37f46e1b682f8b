// SPDX-License-Identifier: MIT
#include "fuzz_program.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

static uint64_t below(uint64_t *seed, uint64_t n)
{
	return (guest_random(seed) >> 11) % n;
}

static void step_new(struct fuzz_tape *t, uint64_t *seed)
{
	t->seed = guest_random(seed);
	t->n = 0;
}

void program_new(struct fuzz_program *p, uint64_t *seed)
{
	p->n = 2 + (uint32_t)below(seed, FUZZ_STEPS / 2);
	for (uint32_t i = 0; i < p->n; i++)
		step_new(&p->step[i], seed);
}

/* One decision, and with it often those that follow. */
static void step_change(struct fuzz_tape *t, uint64_t *seed)
{
	uint64_t *number;

	if (!t->n) {
		step_new(t, seed);
		return;
	}
	number = &t->number[below(seed, t->n)];
	switch (below(seed, 6)) {
	case 0:
		*number = guest_random(seed);
		break;
	case 1:
		*number ^= 1ull << below(seed, 64);
		break;
	case 2:
		/* what is drawn is divided by 2^11, see fuzz_below() */
		*number += (1ull << 11) * (below(seed, 5) - 2);
		break;
	case 3:
		*number = t->number[below(seed, t->n)];
		break;
	case 4:
		*number = below(seed, 8) << 11;
		break;
	default:
		t->n = (uint32_t)(number - t->number);
		t->seed = guest_random(seed);
	}
}

static void insert(struct fuzz_program *p, const struct fuzz_tape *step,
		   uint64_t *seed)
{
	uint32_t at = (uint32_t)below(seed, p->n + 1);
	struct fuzz_tape copy = *step;

	if (p->n == FUZZ_STEPS)
		return;
	memmove(&p->step[at + 1], &p->step[at], (p->n - at) * sizeof(p->step[0]));
	p->step[at] = copy;
	p->n++;
}

static void change(struct fuzz_program *p, const struct fuzz_program *from,
		   uint64_t *seed)
{
	uint32_t at = (uint32_t)below(seed, p->n), k;
	struct fuzz_tape step;

	switch (below(seed, 8)) {
	case 0:
		step_new(&step, seed);
		insert(p, &step, seed);
		break;
	case 1:
		insert(p, &p->step[at], seed);
		break;
	case 2:
		if (p->n > 1) {
			p->n--;
			memmove(&p->step[at], &p->step[at + 1],
				(p->n - at) * sizeof(p->step[0]));
		}
		break;
	case 3:
		if (from)
			insert(p, &from->step[below(seed, from->n)], seed);
		break;
	case 4:
		/* its beginning, the other's end */
		if (!from)
			break;
		k = (uint32_t)below(seed, from->n);
		for (p->n = at; k < from->n && p->n < FUZZ_STEPS; k++)
			p->step[p->n++] = from->step[k];
		break;
	default:
		step_change(&p->step[at], seed);
	}
}

void program_change(struct fuzz_program *p, const struct fuzz_program *from,
		    uint64_t *seed)
{
	for (uint64_t n = 1 + below(seed, 4); n; n--)
		change(p, from, seed);
}

void program_run(struct fuzz_program *p)
{
	struct fuzz f = { .seed = 1, .kit.fd = -1 };

	f.event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (int i = 0; i < FUZZ_FILES; i++)
		f.file[i].fd = accel_try_open();
	for (int i = 0; i < FUZZ_NAMES; i++)
		f.dmabuf[i] = -1;
	fuzz_kit_shared(&f);
	for (uint32_t i = 0; i < p->n; i++) {
		f.tape = &p->step[i];
		f.drawn = 0;
		f.seed = f.tape->seed | 1;
		/* not what the tape's own numbers were made from, again */
		for (uint32_t k = 0; k < f.tape->n; k++)
			guest_random(&f.seed);
		fuzz_step(&f);
	}
}

void program_write(const struct fuzz_program *p, FILE *to)
{
	for (uint32_t i = 0; i < p->n; i++) {
		fprintf(to, "# step %" PRIx64, p->step[i].seed);
		for (uint32_t k = 0; k < p->step[i].n; k++)
			fprintf(to, " %" PRIx64, p->step[i].number[k]);
		fputc('\n', to);
	}
	fflush(to);
}

bool program_read(struct fuzz_program *p, FILE *from)
{
	static char line[FUZZ_TAPE * 20 + 64];

	p->n = 0;
	while (p->n < FUZZ_STEPS && fgets(line, sizeof(line), from)) {
		struct fuzz_tape *t = &p->step[p->n];
		char *at = strstr(line, "step "), *end;

		if (!at)
			continue;
		t->seed = strtoull(at + 5, &at, 16);
		for (t->n = 0; t->n < FUZZ_TAPE; t->n++, at = end) {
			t->number[t->n] = strtoull(at, &end, 16);
			if (end == at)
				break;
		}
		p->n++;
	}
	return p->n;
}
