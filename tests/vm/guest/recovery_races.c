// SPDX-License-Identifier: MIT
/*
 * While the driver climbs its ladder somebody else wants the chip: the administrator
 * resets it, takes the driver away, has the machine sleep. Either comes first; both
 * end.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "pci.h"
#include "power.h"
#include "recovery.h"
#include "test_recovery.h"

/*
 * The moments: in each of the rungs, before the limit, after all. One, unless
 * LIFE_LOOPS asks for more, as each takes ten seconds.
 */
static const unsigned int moments_ms[] = { 3500, 2500, 1100, 5500, 500, 7000 };

static unsigned int moments(void)
{
	const unsigned int all = sizeof(moments_ms) / sizeof(moments_ms[0]);
	unsigned int n = guest_loops(1);

	return n < all ? n : all;
}

#define CLIMB_MS	(GUILTY_MS + 4 * RUNG_MS + 2 * PATIENCE_MS)

void reset_hanging(void)
{
	if (!have_faults())
		return;
	if (access(pci_path("reset"), W_OK)) {
		guest_skip("the function has no reset");
		return;
	}
	for (unsigned int i = 0; i < moments(); i++) {
		struct scene s;
		int64_t at;

		scene_open(&s);
		fault("ignore-abort");
		fault("ignore-context");
		scene_hang(&s);
		usleep(moments_ms[i] * 1000);
		at = guest_now();
		is(pci_write("reset", "1"), 0,
		   "reset by hand %u ms after a job began to hang", moments_ms[i]);
		at = guest_now() - at;
		ok(at < CLIMB_MS * MS, "took %lld ms", (long long)(at / MS));
		is(queue_wait_until(s.guilty.fd, s.guilty.q.id, s.guilty.q.tail + 1,
				    s.began + 100 * SECOND, NULL), -EIO,
		   "who waited for it is told");
		scene_others(&s);
		scene_close(&s);
	}
}

void unbound_hanging(void)
{
	if (!have_faults())
		return;
	pci_name();
	for (unsigned int i = 0; i < moments(); i++) {
		struct scene s;
		int64_t at;

		scene_open(&s);
		fault("ignore-abort");
		fault("ignore-context");
		if (i & 1)
			fault("ignore-reset");
		scene_hang(&s);
		usleep(moments_ms[i] * 1000);
		at = guest_now();
		is(pci_unbind(), 0, "unbound %u ms after a job began to hang",
		   moments_ms[i]);
		at = guest_now() - at;
		ok(at < CLIMB_MS * MS, "took %lld ms", (long long)(at / MS));
		is(queue_finish(&s.other[0].q, 60 * SECOND), -ENODEV,
		   "who waits is told");
		fault("off");
		is(pci_bind(), 0, "bound");
		rig_unmap(&s.guilty);
		queue_unmap(&s.second);
		close(s.guilty.fd);
		for (unsigned int n = 0; n < OTHERS; n++) {
			rig_unmap(&s.other[n]);
			close(s.other[n].fd);
		}
		close(s.kmsg);
		close(accel_open_within(60));
		ok(chip_works(), "a new file works");
	}
	dump_dismiss();
	power_default();
	faults_off();
}

void suspended_hanging(void)
{
	if (!have_faults())
		return;
	if (access("/sys/power/pm_test", W_OK) || power_console_dies()) {
		guest_skip("this kernel cannot test its suspend here");
		return;
	}
	file_write("/sys/module/suspend/parameters/pm_test_delay", "0");
	for (unsigned int i = 0; i < moments(); i++) {
		struct scene s;
		int64_t at;

		scene_open(&s);
		fault("ignore-abort");
		if (i & 1)
			fault("ignore-context");
		scene_hang(&s);
		usleep(moments_ms[i] * 1000);
		must(!file_write("/sys/power/pm_test", "devices"));
		at = guest_now();
		is(file_write("/sys/power/state", "freeze"), 0,
		   "suspended %u ms after a job began to hang", moments_ms[i]);
		at = guest_now() - at;
		file_write("/sys/power/pm_test", "none");
		ok(at < CLIMB_MS * MS, "took %lld ms", (long long)(at / MS));
		is(queue_wait_until(s.guilty.fd, s.guilty.q.id, s.guilty.q.tail + 1,
				    guest_now() + 100 * SECOND, NULL), -EIO,
		   "who waited for it is told");
		scene_others(&s);
		scene_close(&s);
	}
}
