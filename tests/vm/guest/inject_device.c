// SPDX-License-Identifier: MIT
/* The driver bound to the chip and unbound, the chip reset and woken. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cover.h"
#include "inject.h"
#include "pci.h"

#define DRIVER	"/sys/bus/pci/drivers/ctrans"

/* One write, of which only the call itself may fail. */
static int put(int fd, const char *text)
{
	return pwrite(fd, text, strlen(text), 0) < 0 ? -errno : 0;
}

static bool bound(void)
{
	return !access(pci_path("driver"), F_OK);
}

/* The node works, once more; it takes a second or two here. */
static bool well(void)
{
	int fd = accel_open_within(30);

	close(fd);
	return chip_works();
}

static bool well_now_and_then(void)
{
	static unsigned int n;

	return n++ % 16 || well();
}

/* ---- Probe and remove ------------------------------------------------------- */

static void scene_unbound(struct scene *s)
{
	scene_nothing(s);
	must(!pci_unbind());
	s->event = open(DRIVER "/bind", O_WRONLY | O_CLOEXEC);
	must(s->event >= 0);
}

static int call_bind(struct scene *s)
{
	cover_clear();
	return put(s->event, pci_name());
}

/* Either it is bound or nothing of it is there, and it can be bound. */
static bool bind_undone(struct scene *s, bool unsure)
{
	bool was = bound();

	if (was && !unsure)
		guest_note("  an error, and bound");
	return was ? unsure : !call_bind(s);
}

static void close_bind(struct scene *s)
{
	close(s->event);
	if (!bound())
		must(!pci_bind());
}

/*
 * Some of what the kernel itself allocates for a probe must not fail, because that
 * kernel does not get over it: 6.12's drm_minor_alloc() puts a device that it has
 * not got, and its devfreq_add_device() takes down what it has not yet set up. So
 * probes that work are looked at from beside: how far has the driver come, by the
 * count of places that it reached, when so many failures have been passed?
 */
#define SAMPLES	4096

static struct sample {
	unsigned int passed, count;
} sample[SAMPLES];
static unsigned int n_samples;

/* Counts, from the first to below the last, between which nothing may fail. */
static struct span {
	unsigned int from, to;
} spared[2];

static volatile bool probing;

static void *look(void *arg)
{
	int watch = inject_watch(*(const int *)arg);

	while (probing && n_samples < SAMPLES) {
		struct sample *s = &sample[n_samples], *last = s - (n_samples > 0);
		unsigned int count = cover_count();

		s->passed = inject_passed(watch);
		s->count = count;
		/* both at one time, and news */
		if (count != cover_count() || !s->passed ||
		    (last != s && last->passed == s->passed && last->count == count))
			continue;
		n_samples++;
	}
	close(watch);
	return NULL;
}

/* A probe, looked at; the counts of it are in the same order each time. */
static void look_at_probe(void)
{
	int tid = (int)syscall(SYS_gettid);
	struct scene s;
	pthread_t beside;

	scene_unbound(&s);
	probing = true;
	must(!pthread_create(&beside, NULL, look, &tid));
	usleep(20000);
	inject_count();
	must(!call_bind(&s));
	inject_off();
	probing = false;
	pthread_join(beside, NULL);
	close(s.event);
}

static bool symbol(const char *name, unsigned long *from, unsigned long *to)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[256], at[128];
	unsigned long address;

	*from = 0;
	*to = ULONG_MAX;
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx %*c %127s", &address, at) == 2 &&
		    !strcmp(at, name))
			*from = address;
	if (!f || !*from)
		return false;
	rewind(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx", &address) == 1 && address > *from &&
		    address < *to)
			*to = address;
	fclose(f);
	return true;
}

/* From the first place in a function of the driver until it has returned. */
static void spare(struct span *span, const char *function)
{
	unsigned long from, to, caller_from, caller_to;
	unsigned int i, n = cover_count();

	if (!symbol(function, &from, &to))
		return;
	must(symbol("ctrans_device_init", &caller_from, &caller_to));
	for (i = 0; i < n; i++)
		if (cover_place(i) >= from && cover_place(i) < to)
			break;
	span->from = i + 1;
	for (; i < n; i++)
		if (cover_place(i) >= caller_from && cover_place(i) < caller_to)
			break;
	span->to = i + 1;
}

static bool may_fail(unsigned int nth)
{
	unsigned int before = 0, after = UINT_MAX, most = 0, least = UINT_MAX;

	/* the counts at the nearest samples on both sides of it */
	for (unsigned int i = 0; i < n_samples; i++) {
		const struct sample *s = &sample[i];

		if (s->passed < nth && s->passed >= most) {
			before = s->passed > most || s->count < before ?
				 s->count : before;
			most = s->passed;
		}
		if (s->passed >= nth && s->passed <= least) {
			after = s->passed < least || s->count > after ?
				s->count : after;
			least = s->passed;
		}
	}
	for (unsigned int i = 0; i < 2; i++)
		if (spared[i].to && after >= spared[i].from && before < spared[i].to)
			return false;
	return true;
}

void inject_probe(void)
{
	static const struct sweep sweep = {
		"probe", scene_unbound, call_bind, bind_undone, close_bind,
		well_now_and_then, .any = true, .may_fail = may_fail,
	};

	pci_name();
	if (!inject_here())
		return;
	must(cover_open());
	cover_this();
	for (int i = 0; i < 12; i++)
		look_at_probe();
	/* the DRM core's part is after the first place and before the second */
	spared[0] = (struct span){ 1, 2 };
	spare(&spared[1], "ctrans_devfreq_init");
	guest_note("%u samples of %u places; spared: %u to %u", n_samples,
		   cover_count(), spared[1].from, spared[1].to);
	inject_sweep(&sweep);
	inject_done();
	ok(well(), "the chip is there and works");
}

static void scene_to_unbind(struct scene *s)
{
	int fd = accel_open_within(30);

	close(fd);
	scene_queue(s);
	s->foreign = open(DRIVER "/unbind", O_WRONLY | O_CLOEXEC);
	must(s->foreign >= 0);
}

static int call_unbind(struct scene *s)
{
	return put(s->foreign, pci_name());
}

static bool unbind_undone(struct scene *s, bool unsure)
{
	return bound() ? !call_unbind(s) : unsure;
}

static void close_unbind(struct scene *s)
{
	scene_close(s);
	must(!pci_bind());
}

void inject_unbind(void)
{
	static const struct sweep sweep = {
		"remove, in use", scene_to_unbind, call_unbind, unbind_undone,
		close_unbind,
	};

	pci_name();
	if (inject_here()) {
		inject_sweep(&sweep);
		inject_done();
	}
	ok(well(), "the chip is there and works");
}

/* ---- Reset and sleep --------------------------------------------------------- */

static void scene_to_reset(struct scene *s)
{
	scene_queue(s);
	s->foreign = open(pci_path("reset"), O_WRONLY | O_CLOEXEC);
	must(s->foreign >= 0);
}

static int call_reset(struct scene *s)
{
	return put(s->foreign, "1");
}

static bool asleep(void)
{
	char status[32];

	return !pci_read("power/runtime_status", status, sizeof(status)) &&
	       !strcmp(status, "suspended");
}

static bool falls_asleep(void)
{
	int64_t until = guest_now() + 10 * SECOND;

	while (!asleep()) {
		if (guest_now() > until)
			return false;
		usleep(10000);
	}
	return true;
}

static void scene_asleep(struct scene *s)
{
	scene_queue(s);
	must(falls_asleep());
}

/* Of a queue that is well: it does nothing, but for that the chip has to be asked. */
static int call_wake(struct scene *s)
{
	return queue_restart(s->fd, s->q.id);
}

static int call_wake_by_doorbell(struct scene *s)
{
	queue_nops(&s->q, 1);
	return 0;
}

static void close_woken(struct scene *s)
{
	must(!queue_finish(&s->q, 30 * SECOND));
	scene_close(s);
}

void inject_power(void)
{
	static const struct sweep
		reset = { "reset by the bus", scene_to_reset, call_reset },
		wake = { "waking by a call", scene_asleep, call_wake },
		ring = { "waking by a doorbell", scene_asleep,
			 call_wake_by_doorbell, .close = close_woken };

	pci_name();
	if (!inject_here())
		return;
	inject_sweep(&reset);
	if (!falls_asleep()) {
		guest_skip("the driver does not put the chip to sleep");
		return;
	}
	inject_sweep(&wake);
	inject_sweep(&ring);
	inject_done();
}
