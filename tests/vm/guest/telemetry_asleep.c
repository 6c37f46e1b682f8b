// SPDX-License-Identifier: MIT
/* Sensors: what they say makes sense, or nothing is said; and nobody is woken. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "jobs.h"
#include "power.h"
#include "sysfs.h"
#include "test_telemetry.h"

#define HWMON	"hwmon/hwmon*/"

void sensors_plausible(void)
{
	struct ctrans_sqe sqe;
	struct rig rig;
	int64_t value, most, idle;
	char text[64];

	rig_open(&rig);
	power_on();
	must(!sysfs_read(HWMON "name", text, sizeof(text)));
	ok(!strcmp(text, "ctrans"), "sensors by the driver's name");
	is(sysfs_number(HWMON "temp1_input", &value), 0, "a temperature");
	ok(value > 0 && value < 85000, "of a chip that works: %lld",
	   (long long)value);
	must(!sysfs_number(HWMON "temp1_max", &value));
	is(value, 85000, "which is to be below 85 degrees");
	must(!sysfs_number(HWMON "temp1_crit", &value));
	is(value, 105000, "and works up to 105");

	must(clock_pin(200000));
	must(!sysfs_number(HWMON "in0_input", &value));
	is(value, 1100, "the voltage of the fastest point");
	must(!sysfs_number(HWMON "power1_cap_max", &most));
	is(sysfs_number(HWMON "power1_input", &idle), 0, "a power");
	ok(idle > 0 && idle < most / 2, "little, of a chip that idles: %lld",
	   (long long)idle);
	sqe = rig_long(&rig, 4);
	queue_send(&rig.q, &sqe);
	must(!queue_finish(&rig.q, 60 * SECOND));
	must(!sysfs_number(HWMON "power1_input", &value));
	ok(value > 0 && value <= most, "with a job no more than it can be: %lld",
	   (long long)value);
	clock_free();
	power_default();
	rig_close(&rig);
}

void sensors_garbage(void)
{
	int kmsg = kmsg_open(), again = kmsg_open();
	char answer[256];
	int64_t value;

	if (!ctl("fault sensor garbage", answer, sizeof(answer))) {
		guest_skip("the chip's sensor cannot be broken");
		return;
	}
	power_on();
	is(sysfs_number(HWMON "temp1_input", &value), -ENODATA, "no temperature");
	is(sysfs_number(HWMON "power1_input", &value), -ENODATA, "no power");
	is(sysfs_number(HWMON "in0_input", &value), 0, "but a voltage");
	for (unsigned int i = 0; i < 16; i++) {
		char path[64], type[64];

		snprintf(path, sizeof(path), "/sys/class/thermal/thermal_zone%u/type", i);
		if (sysfs_read(path, type, sizeof(type)) || strcmp(type, "ctrans"))
			continue;
		snprintf(path, sizeof(path), "/sys/class/thermal/thermal_zone%u/temp", i);
		is(sysfs_number(path, &value), -ENODATA, "nor the zone's");
	}
	/* several looks of the zone */
	sleep(3);
	must(ctl("fault sensor none", answer, sizeof(answer)));
	is(sysfs_number(HWMON "temp1_input", &value), -ENODATA, "a sensor that went");
	must(ctl("fault sensor off", answer, sizeof(answer)));
	is(sysfs_number(HWMON "temp1_input", &value), 0, "it is back");
	is(kmsg_count(kmsg, "ctrans", NULL, 0) +
	   kmsg_count(again, "thermal", NULL, 0), 0, "and nobody complains");
	power_default();
	close(kmsg);
	close(again);
}

void asleep_untouched(void)
{
	static const char * const files[] = {
		"npu_busy_time_us", "npu_memory_utilization",
		"npu_current_frequency_mhz", "npu_max_frequency_mhz",
		"reset_count", "wedged",
		HWMON "in0_input", HWMON "energy1_input", HWMON "power1_cap",
		HWMON "temp1_max", "devfreq/*/cur_freq", "devfreq/*/trans_stat",
		"/sys/kernel/debug/accel/0000:*/queues",
		"/sys/kernel/debug/accel/0000:*/vms",
		"/sys/kernel/debug/accel/0000:*/opps",
		"/sys/class/thermal/thermal_zone0/temp",
	};
	char text[16384];
	struct rig rig;
	int64_t value;

	rig_open(&rig);
	ok(power_sleeps_within(30000), "it sleeps");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		is(sysfs_read(files[i], text, sizeof(text)), 0, "%s", files[i]);
	is(sysfs_number(HWMON "temp1_input", &value), -ENODATA, "no temperature");
	is(sysfs_number(HWMON "power1_input", &value), -ENODATA, "no power");
	must(!sysfs_number("npu_current_frequency_mhz", &value));
	is(value, 0, "no frequency");
	ok(fdinfo_number(rig.fd, "drm-engine-dense") >= 0, "a file's use");
	must(!sysfs_read("power/runtime_status", text, sizeof(text)));
	ok(!strcmp(text, "suspended"), "and it has slept on");
	ok(rig_works(&rig), "it wakes when it is to work");
	rig_close(&rig);
}
