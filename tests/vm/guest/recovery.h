/* SPDX-License-Identifier: MIT */
/*
 * A chip that does not do as it is told (the knobs of its control socket, see
 * ctrans-vdev(1)), and who suffers from it: the guilty queue, one of the same
 * address space, and others with jobs in line behind the one that hangs.
 */
#ifndef RECOVERY_H
#define RECOVERY_H

#include "jobs.h"

/* The guilty queue's time limit, and what each rung may take besides. */
#define GUILTY_MS	1000
#define RUNG_MS		2000
/* What an emulated machine on a busy host may add to anything. */
#define PATIENCE_MS	10000

#define OTHERS	2

/* One knob, "ignore-abort"; "off": all of them. */
void fault(const char *knob);
/* A queue's jobs stand still, nobody else's. */
void fault_hang(const struct queue *q);
/* All off, and violations forgotten. */
void faults_off(void);
/* False, and said: there are no knobs. */
bool have_faults(void);

struct scene {
	struct rig guilty;
	struct queue second;	/* in the same space */
	struct rig other[OTHERS];
	uint32_t seed;
	int kmsg;
	uint32_t resets;	/* before */
	int64_t began;		/* when the job was sent that hangs */
	int64_t told;		/* how long until its waiter was told, ns */
};

/* The chip has taken all that was sent. */
bool queue_fetched(const struct queue *q);

/* All is well: everybody has worked, nothing was dumped. */
void scene_open(struct scene *s);
/* A job that hangs, jobs of all others in line behind it. */
void scene_hang(struct scene *s);
/* Until the guilty queue's waiter is told, in as many rungs; err is what it gets. */
void scene_told(struct scene *s, int err, unsigned int rungs);
/* The others have lost nothing, and go on. */
void scene_others(struct scene *s);
void scene_close(struct scene *s);

/* A new queue where one was that is lost, or may be; it works. */
bool made_again(struct rig *rig);
uint32_t resets_of(struct rig *rig);
uint32_t state_of(int fd, uint32_t queue);

/* ---- What is said of it ------------------------------------------------- */

/* Uevents from here on; whether one with this text comes within so long. */
int uevents_open(void);
bool uevent_seen(int socket, const char *text, unsigned int ms);

/* The device's core dump, if there is one; false: none within so long. */
bool dump_read(char *text, size_t size, unsigned int ms);
/* Away with it, so that the next one can be. */
void dump_dismiss(void);
/* A dump is there, is text that says what it is of, and has no data of users. */
void dump_check(void);

#endif
