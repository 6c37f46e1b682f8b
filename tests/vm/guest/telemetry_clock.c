// SPDX-License-Identifier: MIT
/* The operating point: limits, caps, temperature, load; asleep, awake and reset. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jobs.h"
#include "power.h"
#include "sysfs.h"
#include "test_telemetry.h"

static const unsigned int points[] = { 50000, 87500, 125000, 162500, 200000 };

#define POINTS		(sizeof(points) / sizeof(points[0]))
#define REGISTERS	"/sys/kernel/debug/accel/0000:*/registers"

/* What the chip itself has, which must be awake; -1: nobody knows. */
static int opp_register(void)
{
	char text[16384], *at;

	must(!sysfs_read(REGISTERS, text, sizeof(text)));
	at = strstr(text, " OPP ");
	return at ? (int)strtol(at + 5, NULL, 0) : -1;
}

/* Within some looks of the governor. */
static bool clock_becomes(int fd, unsigned int khz)
{
	int64_t until = guest_now() + 20 * SECOND;
	unsigned int now;

	do {
		now = clock_now(fd).khz;
		if (now == khz)
			return true;
		usleep(20000);
	} while (guest_now() < until);
	guest_note("the clock is %u kHz, not %u", now, khz);
	return false;
}

void clock_pinned(void)
{
	struct drm_ctrans_clock clock;
	int fd = accel_open();
	int64_t hz;

	power_on();
	for (unsigned int i = 0; i < POINTS; i++) {
		must(clock_pin(points[i]));
		clock = clock_now(fd);
		is(clock.khz, points[i], "pinned to %u kHz", points[i]);
		is(clock.opp, i, "which is point %u", i);
		is(opp_register(), i, "and the chip has it");
		must(!sysfs_number("devfreq/*/cur_freq", &hz));
		is(hz, points[i] * 1000ll, "as devfreq says");
	}
	is(clock.opp_count, POINTS, "there are five");
	is(clock.mv, 1100, "the last at 1.1 V");

	must(!sysfs_write("reset", "1"));
	is(opp_register(), POINTS - 1, "it has it after a reset");
	power_default();
	ok(power_sleeps_within(30000), "it falls asleep");
	is(clock_now(fd).khz, 200000, "of which the answer is as before");
	must(clock_pin(points[1]));
	is(clock_now(fd).khz, 87500, "the wish can be changed");
	ok(sysfs_becomes("power/runtime_status", "suspended", 0), "which wakes nobody");
	power_on();
	is(opp_register(), 1, "and it has it when it wakes");
	power_default();
	clock_free();
	close(fd);
}

#define CAP	"hwmon/hwmon*/power1_cap"

void clock_capped(void)
{
	int64_t most, least, cap, uw[POINTS];
	char text[4096], *at;
	int fd = accel_open();

	must(!sysfs_number(CAP "_max", &most));
	must(!sysfs_number(CAP "_min", &least));
	must(!sysfs_read("/sys/kernel/debug/accel/0000:*/opps", text, sizeof(text)));
	at = text;
	for (unsigned int i = 0; i < POINTS; i++) {
		at = strchr(at, '\n');
		must(at && sscanf(at + 2, "%*u %*u %lld", (long long *)&uw[i]) == 1);
		at++;
	}
	is(least, uw[0], "the least cap is the slowest point's");
	is(most, uw[POINTS - 1], "the most the fastest's");

	must(!sysfs_write("devfreq/*/min_freq", "200000000"));
	for (unsigned int i = 0; i < POINTS; i++) {
		snprintf(text, sizeof(text), "%lld", (long long)uw[i]);
		must(!sysfs_write(CAP, text));
		is(clock_now(fd).khz, points[i], "a cap of %s uW allows %u kHz", text,
		   points[i]);
	}
	snprintf(text, sizeof(text), "%lld", (long long)uw[2] - 1);
	must(!sysfs_write(CAP, text));
	is(clock_now(fd).khz, points[1], "just less than a point's is not enough");
	must(!sysfs_write(CAP, "1"));
	must(!sysfs_number(CAP, &cap));
	is(cap, least, "a cap too low is the lowest");
	is(clock_now(fd).khz, points[0], "as is the clock");
	ok(sysfs_write(CAP, "nonsense") < 0, "words are no cap");
	must(!sysfs_write(CAP, "999999999"));
	must(!sysfs_number(CAP, &cap));
	is(cap, most, "a cap too high is none");
	is(clock_now(fd).khz, points[POINTS - 1], "as is the clock");
	clock_free();
	close(fd);
}

void clock_follows(void)
{
	struct ctrans_sqe sqe;
	struct rig rig;

	rig_open(&rig);
	clock_free();
	power_on();
	ok(clock_becomes(rig.fd, points[0]), "without work it is the slowest");
	sqe = rig_long(&rig, 8);
	for (unsigned int i = 0; i < 16; i++)
		queue_send(&rig.q, &sqe);
	ok(clock_becomes(rig.fd, points[POINTS - 1]), "with work the fastest");
	must(!queue_finish(&rig.q, 100 * SECOND));
	ok(clock_becomes(rig.fd, points[0]), "and the slowest again");
	power_default();
	rig_close(&rig);
}

/* The folder of our zone: others may have one, too. */
static const char *zone(const char *file)
{
	static char path[128];
	char type[64];

	for (int i = 0; i < 16; i++) {
		snprintf(path, sizeof(path), "/sys/class/thermal/thermal_zone%d/type", i);
		if (sysfs_read(path, type, sizeof(type)) || strcmp(type, "ctrans"))
			continue;
		snprintf(path, sizeof(path), "/sys/class/thermal/thermal_zone%d/%s", i,
			 file);
		return path;
	}
	return "/nowhere";
}

void clock_warm(void)
{
	int fd = accel_open();
	char text[64];
	int64_t mc;

	must(!sysfs_number(zone("trip_point_0_temp"), &mc));
	is(mc, 85000, "too warm is what the chip says");
	must(!sysfs_read(zone("trip_point_0_type"), text, sizeof(text)));
	ok(!strcmp(text, "passive"), "it is slowed down then");
	must(!sysfs_read(zone("cdev0/type"), text, sizeof(text)));
	ok(!strcmp(text, "ctrans"), "by itself");
	ok(sysfs_read(zone("hwmon0/temp1_input"), text, sizeof(text)) < 0,
	   "its sensor is not shown twice");

	if (!ctl("fault temperature 95000", text, sizeof(text))) {
		guest_skip("the chip cannot be warmed");
		return;
	}
	must(!sysfs_write("devfreq/*/min_freq", "200000000"));
	power_on();
	ok(clock_becomes(fd, points[POINTS - 2]), "at 95 degrees it slows down");
	must(!sysfs_number(zone("temp"), &mc));
	is(mc, 95000, "of which the zone knows");
	/* a step for each look that finds it warmer */
	must(ctl("fault temperature ramp 95000 140000 10000", text, sizeof(text)));
	ok(clock_becomes(fd, points[0]), "and as far as it can while it gets warmer");
	must(ctl("fault temperature 40000", text, sizeof(text)));
	ok(clock_becomes(fd, points[POINTS - 1]), "at 40 degrees it does not");
	ctl("fault temperature off", text, sizeof(text));
	power_default();
	clock_free();
	close(fd);
}
