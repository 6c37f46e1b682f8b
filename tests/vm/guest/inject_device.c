// SPDX-License-Identifier: MIT
/* The driver bound to the chip and unbound, the chip reset and woken. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
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

/*
 * The DRM core's allocation of the device comes first, and some kernels do not get
 * over all of its failures (6.12's drm_minor_alloc() puts a device that it has not
 * got). Probe went past it if the second place that it reaches in the driver is
 * that of a probe that works; failures of what comes before are let alone.
 */
static unsigned long past_alloc;
static bool before_alloc;

static int call_bind(struct scene *s)
{
	int err;

	cover_clear();
	err = put(s->event, pci_name());
	if (!past_alloc)
		past_alloc = cover_place(1);
	else if (cover_place(1) != past_alloc)
		before_alloc = true;
	return err;
}

static bool no_more_of_ours(void)
{
	return before_alloc;
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

void inject_probe(void)
{
	static const struct sweep sweep = {
		"probe", scene_unbound, call_bind, bind_undone, close_bind,
		well_now_and_then, .enough = no_more_of_ours,
	};

	pci_name();
	if (inject_here()) {
		must(cover_open());
		cover_this();
		inject_sweep(&sweep);
		inject_done();
	}
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
