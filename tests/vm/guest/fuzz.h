/* SPDX-License-Identifier: MIT */
/* What the fuzzer's parts know of each other: one process's view. */
#ifndef FUZZ_H
#define FUZZ_H

#include "jobs.h"

#define FUZZ_FILES	2
#define FUZZ_NAMES	8	/* of each kind, remembered */
/* No buffer beyond this: an emptied machine proves nothing. */
#define FUZZ_BO_MAX	(600 * (uint64_t)PAGE)

/*
 * What a step draws its decisions from: the numbers on its tape, then those of a
 * generator, which are written there while there is room. So a step is repeated by
 * its tape, and a tape changed in one place is a step that differs in one decision.
 */
#define FUZZ_TAPE	48

struct fuzz_tape {
	uint64_t seed;		/* of what comes after the last */
	uint32_t n;
	uint64_t number[FUZZ_TAPE];
};

struct fuzz_map {
	char *at;
	uint64_t size;
	bool writable;
};

struct fuzz_file {
	int fd;
	uint32_t bo[FUZZ_NAMES];
	uint32_t vm[FUZZ_NAMES];
	uint32_t queue[FUZZ_NAMES];
	uint64_t offset[FUZZ_NAMES];	/* for mmap() */
	uint64_t size[FUZZ_NAMES];
};

/* A queue that is well, on memory where fuzz_va() mostly points. */
struct fuzz_kit {
	int fd;		/* -1: there is none */
	uint32_t vm;
	struct bo mem;
	struct queue q;
};

#define FUZZ_VA		0x100000ull
#define FUZZ_VA_SIZE	(256 * (uint64_t)PAGE)

struct fuzz {
	uint64_t seed;
	struct fuzz_tape *tape;	/* NULL: only the generator */
	uint32_t drawn;		/* numbers of the tape */
	struct fuzz_kit kit;
	struct fuzz_file file[FUZZ_FILES];
	struct fuzz_map map[FUZZ_NAMES];
	int event;
	int dmabuf[FUZZ_NAMES];
	uint64_t ops;
};

/* fuzz_values.c: the next number; below n; true once in n; numbers that hurt */
uint64_t fuzz_draw(struct fuzz *f);
uint64_t fuzz_below(struct fuzz *f, uint64_t n);
bool fuzz_rare(struct fuzz *f, unsigned int n);
uint64_t fuzz_number(struct fuzz *f);
uint64_t fuzz_size(struct fuzz *f);
uint64_t fuzz_va(struct fuzz *f);
uint64_t fuzz_index(struct fuzz *f, uint32_t around);
/* One of what is known, or nonsense. */
uint32_t fuzz_name(struct fuzz *f, const uint32_t *names);
/* What had its place before, or 0. */
uint32_t fuzz_remember(struct fuzz *f, uint32_t *names, uint32_t name);
/* An argument block with words spoiled, now and then. */
void fuzz_spoil(struct fuzz *f, void *arg, size_t size);

/* fuzz_jobs.c: what is written into mapped memory */
void fuzz_fill_sqe(struct fuzz *f, struct ctrans_sqe *sqe);
void fuzz_fill_insn(struct fuzz *f, struct ctrans_insn *insn);
void fuzz_fill_args(struct fuzz *f, struct ctrans_args *args);
void fuzz_write_map(struct fuzz *f);

/* fuzz_kit.c: jobs that mostly get as far as being run */
void fuzz_kit(struct fuzz *f);
/* From here on calls of the first file are about the kit's things, too. */
void fuzz_kit_shared(struct fuzz *f);

/* fuzz_calls.c: one random step */
void fuzz_step(struct fuzz *f);

#endif
