// SPDX-License-Identifier: MIT
/* The driver bound to the chip and unbound, the chip reset and woken. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "inject.h"

#define DRIVER	"/sys/bus/pci/drivers/ctrans"

static char pci[64];

/* One write, of which only the call itself may fail. */
static int put(int fd, const char *text)
{
	return pwrite(fd, text, strlen(text), 0) < 0 ? -errno : 0;
}

static int put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = put(fd, text);
	close(fd);
	return err;
}

static bool bound(void)
{
	char path[128];

	snprintf(path, sizeof(path), DRIVER "/%s", pci);
	return !access(path, F_OK);
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
	must(!put_file(DRIVER "/unbind", pci));
	s->event = open(DRIVER "/bind", O_WRONLY | O_CLOEXEC);
	must(s->event >= 0);
}

static int call_bind(struct scene *s)
{
	return put(s->event, pci);
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
		must(!put_file(DRIVER "/bind", pci));
}

void inject_probe(void)
{
	static const struct sweep sweep = {
		"probe", scene_unbound, call_bind, bind_undone, close_bind,
		well_now_and_then,
	};

	strcpy(pci, accel_pci_name());
	if (inject_here())
		inject_sweep(&sweep);
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
	return put(s->foreign, pci);
}

static bool unbind_undone(struct scene *s, bool unsure)
{
	return bound() ? !call_unbind(s) : unsure;
}

static void close_unbind(struct scene *s)
{
	scene_close(s);
	must(!put_file(DRIVER "/bind", pci));
}

void inject_unbind(void)
{
	static const struct sweep sweep = {
		"remove, in use", scene_to_unbind, call_unbind, unbind_undone,
		close_unbind,
	};

	strcpy(pci, accel_pci_name());
	if (inject_here())
		inject_sweep(&sweep);
	ok(well(), "the chip is there and works");
}

/* ---- Reset and sleep --------------------------------------------------------- */

static void scene_to_reset(struct scene *s)
{
	char path[128];

	scene_queue(s);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", pci);
	s->foreign = open(path, O_WRONLY | O_CLOEXEC);
	must(s->foreign >= 0);
}

static int call_reset(struct scene *s)
{
	return put(s->foreign, "1");
}

static char power[128];

static bool asleep(void)
{
	char path[160], text[16] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/runtime_status", power);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, text, sizeof(text) - 1) < 0)
			text[0] = 0;
		close(fd);
	}
	return !strncmp(text, "suspended", 9);
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

static int call_wake(struct scene *s)
{
	struct drm_ctrans_clock clock;
	struct drm_ctrans_dev_query query = {
		.type = DRM_CTRANS_QUERY_CLOCK, .size = sizeof(clock),
		.pointer = (uintptr_t)&clock,
	};

	return call(s->fd, DRM_IOCTL_CTRANS_DEV_QUERY, &query);
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

	strcpy(pci, accel_pci_name());
	if (!inject_here())
		return;
	inject_sweep(&reset);
	snprintf(power, sizeof(power), "/sys/bus/pci/devices/%s/power", pci);
	if (!falls_asleep()) {
		guest_skip("the driver does not put the chip to sleep");
		return;
	}
	inject_sweep(&wake);
	inject_sweep(&ring);
}
