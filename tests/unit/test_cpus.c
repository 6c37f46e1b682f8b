// SPDX-License-Identifier: MIT
/* Which CPUs: lists of them, quotas of control groups, workers tied to one each. */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chip_must.h"
#include "device/cpus.h"
#include "device/device.h"

/* ---- Quotas ------------------------------------------------------------ */

static char top[] = "/tmp/test_cpus.XXXXXX";

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	for (char *p = path + strlen(top) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		MUST(!mkdir(path, 0700) || errno == EEXIST);
	}
	f = fopen(path, "w");
	MUST(f);
	fputs(text, f);
	MUST(!fclose(f));
}

static unsigned int quota(const char *self)
{
	char path[256];

	put("self", self);
	snprintf(path, sizeof(path), "%s/self", top);
	return ct_cpus_quota(path, top);
}

START_TEST(quotas)
{
	char command[256];

	MUST(mkdtemp(top));
	put("cpu.max", "max 100000\n");
	put("a/cpu.max", "250000 100000\n");
	put("a/b/cpu.max", "max 100000\n");
	put("a/c/cpu.max", "100000 100000\n");
	put("a/d/cpu.max", "5 0\n");
	put("a/e/cpu.max", "not a quota\n");
	ck_assert_uint_eq(quota("0::/\n"), UINT_MAX);
	/* rounded up; a parent's binds; the least counts */
	ck_assert_uint_eq(quota("0::/a\n"), 3);
	ck_assert_uint_eq(quota("0::/a/b\n"), 3);
	ck_assert_uint_eq(quota("0::/a/c\n"), 1);
	ck_assert_uint_eq(quota("0::/a/d\n"), 3);
	ck_assert_uint_eq(quota("0::/a/e\n"), 3);
	/* of another view of the tree: the groups that are not there are passed over */
	ck_assert_uint_eq(quota("0::/a/x/y\n"), 3);
	ck_assert_uint_eq(quota("0::/../../z\n"), UINT_MAX);
	ck_assert_uint_eq(quota("nonsense\n1:x\n"), UINT_MAX);
	ck_assert_uint_eq(quota(""), UINT_MAX);

	put("cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
	put("cpu,cpuacct/cpu.cfs_period_us", "100000\n");
	put("cpu,cpuacct/g/cpu.cfs_quota_us", "100001\n");
	put("cpu,cpuacct/g/cpu.cfs_period_us", "100000\n");
	ck_assert_uint_eq(quota("4:cpu,cpuacct:/\n"), UINT_MAX);
	ck_assert_uint_eq(quota("5:memory:/\n4:cpu,cpuacct:/g\n0::/\n"), 2);
	ck_assert_uint_eq(quota("4:cpuset:/g\n"), UINT_MAX);
	ck_assert_uint_eq(ct_cpus_quota("/no/such/file", top), UINT_MAX);
	snprintf(command, sizeof(command), "rm -r %s", top);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

/* ---- Lists ------------------------------------------------------------- */

static unsigned int first_cpu(void)
{
	cpu_set_t set;
	unsigned int c = 0;

	MUST(!sched_getaffinity(0, sizeof(set), &set));
	while (!CPU_ISSET(c, &set))
		c++;
	return c;
}

START_TEST(lists)
{
	static const char *const bad[] = {
		"", "+", "-", "a", "0-", "-1", "0+", "0,1", " 0", "0 ", "99999",
		"4294967296", "0x1", "1-0", "0--1", "0+0", "0-1+1",
	};
	unsigned short cpus[256];
	unsigned int n, cpu = first_cpu();
	char text[32];
	struct ct_err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err.msg[0] = '\0';
		ck_assert_int_eq(ct_cpus_parse(bad[i], cpus, 256, &n, &err), -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.msg, "cpus"));
	}
	snprintf(text, sizeof(text), "%u", cpu);
	ck_assert_int_eq(ct_cpus_parse(text, cpus, 256, &n, &err), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(cpus[0], cpu);
	ck_assert_int_eq(ct_cpus_parse(text, cpus, 0, &n, &err), -EINVAL);
	snprintf(text, sizeof(text), "%u-%u", cpu, cpu);
	ck_assert_int_eq(ct_cpus_parse(text, cpus, 256, &n, &err), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(ct_cpus_parse("8191", cpus, 256, &n, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "CPU 8191"));
}
END_TEST

/* The affinity mask counts, not the machine; workers have the CPU named. */
START_TEST(affinity)
{
	struct ct_device_info info;
	struct ct_device *dev;
	unsigned int cpu = first_cpu();
	cpu_set_t one, now;
	char name[64];

	snprintf(name, sizeof(name), "sim:cpus=%u", cpu);
	ck_assert_int_eq(ct_device_open(name, &dev, NULL), 0);
	ct_device_info(dev, &info);
	ck_assert_uint_eq(info.threads, 1);
	ck_assert_ptr_nonnull(strstr(info.name, name + 4));
	ct_device_close(dev);
	ck_assert_int_eq(ct_device_open(info.name, &dev, NULL), 0);
	ct_device_close(dev);

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	ck_assert_uint_eq(ct_cpus_usable(), 1);
	ck_assert_int_eq(ct_device_open("sim", &dev, NULL), 0);
	ct_device_info(dev, &info);
	ck_assert_uint_eq(info.threads, 1);
	ct_device_close(dev);
	snprintf(name, sizeof(name), "sim:cpus=%u", cpu ? 0 : cpu + 1);
	ck_assert_int_eq(ct_device_open(name, &dev, NULL), -EINVAL);
	ck_assert_int_eq(sched_getaffinity(0, sizeof(now), &now), 0);
	ck_assert(CPU_EQUAL(&one, &now));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cpus");
	TCase *tc = tcase_create("cpus");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, quotas);
	tcase_add_test(tc, lists);
	tcase_add_test(tc, affinity);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
