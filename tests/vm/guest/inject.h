/* SPDX-License-Identifier: MIT */
/*
 * Failures on demand, from kernels with CONFIG_FAULT_INJECTION: the first, second,
 * third... allocation or copy from or to user space that a call makes fails, until
 * a call comes to its end without. Nothing else that fails is touched: only this
 * thread, only inside the call.
 */
#ifndef INJECT_H
#define INJECT_H

#include "jobs.h"

/* What calls are made on, and what is seen of them. */
struct scene {
	int fd;			/* -1: no file */
	uint32_t vm;
	struct bo mem, other;
	struct queue q;
	int event, foreign;	/* an eventfd; another driver's dma-buf */
	char *map;		/* made by the call */
	uint64_t map_size;
	uint32_t done;		/* what the kernel says was done */
	uint64_t out[3];	/* what a call gives: ids and offsets, 0 for none */
};

struct sweep {
	const char *name;
	/* Up to the call; everything works. */
	void (*ready)(struct scene *s);
	/* The call: 0 or -errno, and what it gives in s->out. */
	int (*call)(struct scene *s);
	/*
	 * After a call that failed: is it as if it had not been? By default the
	 * call is made again, has to work and to give what it would have given.
	 * "unsure" is a failed copy, which may have been the last thing: that of
	 * the answer.
	 */
	bool (*undone)(struct scene *s, bool unsure);
	/* And away with it; by default scene_close(). */
	void (*close)(struct scene *s);
	/* Is the device well? By default looked at after the sweep alone. */
	bool (*well)(void);
	/* An error besides -ENOMEM and -EFAULT that a call may give for them. */
	int also;
	/*
	 * Then it is swept from the last failure to the first, until this says
	 * that what is left is none of the driver's.
	 */
	bool (*enough)(void);
};

/* Skips, with its reason, where the kernel has no such thing. */
bool inject_here(void);
/* One line for each sweep; and one for all: a call alone may have nothing to fail. */
void inject_sweep(const struct sweep *sweep);
void inject_done(void);

/* Scenes, each with all of the one before. */
void scene_nothing(struct scene *s);
void scene_file(struct scene *s);
void scene_vm(struct scene *s);
void scene_buffer(struct scene *s);	/* two, of which none has memory yet */
void scene_bound(struct scene *s);	/* the first, at SCENE_VA */
void scene_queue(struct scene *s);	/* its ring at SCENE_VA */
void scene_close(struct scene *s);

#define SCENE_VA	0x400000ull
#define SCENE_PAGES	16

/* inject_calls.c, inject_maps.c, inject_device.c */
void inject_calls(void);
void inject_queues(void);
void inject_maps(void);
void inject_probe(void);
void inject_unbind(void);
void inject_power(void);

#endif
