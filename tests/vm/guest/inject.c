// SPDX-License-Identifier: MIT
/* The sweep: arm, call, look, for every place that can fail. */
#include "inject.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEBUGFS	"/sys/kernel/debug"

/* More than any call has. */
#define NTH_MAX	5000
#define COUNT_FROM	1000000u
#define BAD_MAX	10
/* The kernel's own caches make a place come and go. */
#define UNHIT_ROUNDS	3

static int fail_nth = -1;

static bool set(const char *attr, const char *name, const char *value)
{
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), DEBUGFS "/%s/%s", attr, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = write(fd, value, strlen(value));
	close(fd);
	return n == (ssize_t)strlen(value);
}

bool inject_here(void)
{
	static const char *const attrs[] = {
		"failslab", "fail_page_alloc", "fail_usercopy",
	};

	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0) {
		guest_skip("this kernel has no fault injection");
		return false;
	}
	for (unsigned int i = 0; i < 3; i++)
		must(set(attrs[i], "verbose", "0"));
	/* those that may wait as well, of any size: nearly all are like that */
	must(set("failslab", "ignore-gfp-wait", "N"));
	must(set("fail_page_alloc", "ignore-gfp-wait", "N"));
	must(set("fail_page_alloc", "ignore-gfp-highmem", "N"));
	must(set("fail_page_alloc", "min-order", "0"));
	return true;
}

static void arm(unsigned int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", nth);

	must(pwrite(fail_nth, text, (size_t)n, 0) == n);
}

/* Whether it was hit. What is left of the count may hit this very call. */
static bool disarm(void)
{
	char text[16] = "";
	ssize_t n = pread(fail_nth, text, sizeof(text) - 1, 0);
	bool hit = n > 0 && text[0] == '0';

	while (!hit && pwrite(fail_nth, "0", 1, 0) != 1)
		;
	return hit;
}

/* ---- Scenes -------------------------------------------------------------- */

void scene_nothing(struct scene *s)
{
	*s = (struct scene){ .fd = -1, .event = -1, .foreign = -1 };
}

void scene_file(struct scene *s)
{
	scene_nothing(s);
	s->fd = accel_open();
}

void scene_vm(struct scene *s)
{
	scene_file(s);
	s->vm = vm_must(s->fd);
}

void scene_buffer(struct scene *s)
{
	scene_vm(s);
	bo_must(&s->mem, s->fd, SCENE_PAGES * PAGE);
	bo_must(&s->other, s->fd, SCENE_PAGES * PAGE);
}

void scene_bound(struct scene *s)
{
	scene_buffer(s);
	must(!vm_map(s->fd, s->vm, s->mem.handle, SCENE_VA, 0, s->mem.size, 0));
}

void scene_queue(struct scene *s)
{
	struct drm_ctrans_queue_create how = {
		.sq_log2 = 4, .cq_log2 = 4, .sq_va = SCENE_VA,
	};

	scene_bound(s);
	s->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	how.vm_id = s->vm;
	how.eventfd = s->event;
	must(!queue_open(&s->q, s->fd, &how, s->mem.map));
}

void scene_close(struct scene *s)
{
	if (s->map)
		munmap(s->map, s->map_size);
	if (s->q.sq)
		queue_unmap(&s->q);
	if (s->mem.map)
		munmap(s->mem.map, s->mem.size);
	if (s->other.map)
		munmap(s->other.map, s->other.size);
	if (s->foreign >= 0)
		close(s->foreign);
	if (s->event >= 0)
		close(s->event);
	if (s->fd >= 0)
		close(s->fd);
}

/* ---- The sweep ------------------------------------------------------------ */

static bool again(const struct sweep *sweep, struct scene *s, const uint64_t *want,
		  bool unsure)
{
	int err;

	if (unsure) {
		/* an answer that got lost leaves what it was about to the file */
		sweep->close(s);
		sweep->ready(s);
	}
	memset(s->out, 0, sizeof(s->out));
	err = sweep->call(s);
	if (err || memcmp(s->out, want, sizeof(s->out))) {
		guest_note("  then without faults: %d, gives %llx %llx %llx, not %llx %llx %llx",
			   err, (unsigned long long)s->out[0],
			   (unsigned long long)s->out[1],
			   (unsigned long long)s->out[2],
			   (unsigned long long)want[0],
			   (unsigned long long)want[1],
			   (unsigned long long)want[2]);
		return false;
	}
	return true;
}

static unsigned int places;

struct tally {
	unsigned int hit, passed, no_memory, no_copy, bad;
};

/* One round, or false: nothing failed. */
static bool one(const struct sweep *sweep, unsigned int nth, const uint64_t *want,
		struct tally *t)
{
	struct scene s;
	bool hit, good;
	int err;

	sweep->ready(&s);
	arm(nth);
	err = sweep->call(&s);
	hit = disarm();
	good = hit || !err;
	t->hit += hit;
	if (!err)
		t->passed += hit;
	else if (err == -ENOMEM || err == sweep->also)
		t->no_memory++;
	else if (err == -EFAULT)
		t->no_copy++;
	else
		good = false;
	if (err)
		good &= sweep->undone ? sweep->undone(&s, err == -EFAULT) :
			again(sweep, &s, want, err == -EFAULT);
	else if (memcmp(s.out, want, sizeof(s.out)))
		good = false;
	sweep->close(&s);
	if (sweep->well && !sweep->well())
		good = false;
	if (!good) {
		guest_note("  %s: failure %u%s: %d", sweep->name, nth,
			   hit ? "" : " (not reached)", err);
		t->bad++;
	}
	return hit;
}

/* How much of everything there is: what was lost on the way is missing. */
static struct rest {
	unsigned int vms, queues;
} whole;

static struct rest take_all(void)
{
	struct drm_ctrans_queue_create how = {
		.sq_log2 = 3, .cq_log2 = 3, .sq_va = SCENE_VA, .eventfd = -1,
	};
	struct drm_ctrans_info info;
	struct rest all = { 0 };
	unsigned int n = 0;
	int fd[16];

	do {
		uint32_t bo;

		fd[n] = accel_open();
		info_must(fd[n], &info);
		must(!bo_create(fd[n], PAGE, &bo));
		for (unsigned int i = 0; i < info.vms_max; i++) {
			if (vm_create(fd[n], &how.vm_id))
				break;
			all.vms++;
			must(!vm_map(fd[n], how.vm_id, bo, SCENE_VA, 0, PAGE, 0));
			all.queues += !queue_create(fd[n], &how);
		}
		n++;
	} while (n < 16 && all.vms == n * info.vms_max);
	while (n)
		close(fd[--n]);
	return all;
}

static bool chip_whole(void)
{
	struct rest now = take_all();

	if (now.vms != whole.vms || now.queues != whole.queues)
		guest_note("  %u spaces and %u queues are left of %u and %u",
			   now.vms, now.queues, whole.vms, whole.queues);
	return now.vms == whole.vms && now.queues == whole.queues;
}

/* How many places there are, of a call in which none fails. */
static unsigned int count_places(const struct sweep *sweep, uint64_t *want, int *err)
{
	unsigned int left = 0;
	char text[16] = "";
	struct scene s;

	sweep->ready(&s);
	arm(COUNT_FROM);
	*err = sweep->call(&s);
	if (pread(fail_nth, text, sizeof(text) - 1, 0) > 0)
		left = (unsigned int)atoi(text);
	disarm();
	memcpy(want, s.out, sizeof(s.out));
	sweep->close(&s);
	return COUNT_FROM - left;
}

static unsigned int sweep_up(const struct sweep *sweep, const uint64_t *want,
			     struct tally *t)
{
	unsigned int unhit = 0, nth;

	for (nth = 1; nth < NTH_MAX && unhit < UNHIT_ROUNDS && t->bad < BAD_MAX; nth++)
		unhit = one(sweep, nth, want, t) ? 0 : unhit + 1;
	return nth - 1;
}

static unsigned int sweep_down(const struct sweep *sweep, unsigned int n,
			       const uint64_t *want, struct tally *t)
{
	unsigned int rounds = 0;

	for (n += UNHIT_ROUNDS; n && !sweep->enough() && t->bad < BAD_MAX; n--) {
		one(sweep, n, want, t);
		rounds++;
	}
	return rounds;
}

void inject_sweep(const struct sweep *as)
{
	unsigned int rounds, n = 0;
	struct sweep sweep = *as;
	struct tally t = { 0 };
	int64_t began;
	uint64_t want[3];
	int err = 0;

	sweep.close = sweep.close ?: scene_close;
	if (!whole.vms)
		whole = take_all();
	began = guest_now();
	/* twice: what is made once for all is none of the call's */
	for (int i = 0; i < 2 && !err; i++)
		n = count_places(&sweep, want, &err);
	if (err) {
		is(err, 0, "%s, without faults", sweep.name);
		return;
	}
	rounds = sweep.enough ? sweep_down(&sweep, n, want, &t) :
		 sweep_up(&sweep, want, &t);
	places += t.hit;
	ok(!t.bad && rounds < NTH_MAX && chip_whole() && chip_works(),
	   "%s: %u places fail: %u with no memory, %u with a fault, %u are got over",
	   sweep.name, t.hit, t.no_memory, t.no_copy, t.passed);
	guest_note("  %u rounds in %lld ms", rounds,
		   (long long)((guest_now() - began) / MS));
}

void inject_done(void)
{
	ok(places, "%u places in all", places);
}
