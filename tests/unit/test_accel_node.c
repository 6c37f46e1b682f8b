// SPDX-License-Identifier: MIT
/* Names of accelerator nodes, and a folder of them as the kernel makes it. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chip_must.h"
#include "device/accel_node.h"
#include "device/device.h"

START_TEST(names)
{
	static const char *const bad[] = {
		"x", "-1", "+1", "0x1", "1 ", " 1", "00", "01", "1,2", "12345678",
		"99999999999999999999", "0:1", "accel0", "\xff",
	};
	struct ct_err err;
	int n;

	ck_assert_int_eq(ct_accel_parse("", &n, &err), 0);
	ck_assert_int_eq(n, CT_ACCEL_ANY);
	ck_assert_int_eq(ct_accel_parse("0", &n, &err), 0);
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(ct_accel_parse("1048575", &n, &err), 0);
	ck_assert_int_eq(n, 1048575);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(ct_accel_parse(bad[i], &n, &err), -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.msg, "accel:0"));
		ck_assert_int_eq(n, CT_ACCEL_ANY);
	}
}
END_TEST

static char top[] = "/tmp/test_accel_node.XXXXXX";

static void make(const char *name, const char *device, const char *driver)
{
	char path[256], to[256];

	snprintf(path, sizeof(path), "%s/class/%s", top, name);
	MUST(!mkdir(path, 0700));
	if (!device)
		return;
	snprintf(to, sizeof(to), "../../pci/%s", device);
	strcat(path, "/device");
	MUST(!symlink(to, path));
	snprintf(path, sizeof(path), "%s/pci/%s", top, device);
	MUST(!mkdir(path, 0700));
	strcat(path, "/driver");
	snprintf(to, sizeof(to), "../../drivers/%s", driver);
	MUST(!symlink(to, path));
}

START_TEST(folder)
{
	char sys[256], name[64], command[256];
	int n = -1;

	MUST(mkdtemp(top));
	snprintf(sys, sizeof(sys), "%s/class", top);
	ck_assert_int_eq(ct_accel_next(sys, -1, &n), -ENODEV);
	MUST(!mkdir(sys, 0700));
	ck_assert_int_eq(ct_accel_next(sys, -1, &n), -ENODEV);
	snprintf(name, sizeof(name), "%s/pci", top);
	MUST(!mkdir(name, 0700));
	make("accel10", "0000:00:04.0", "ctrans");
	make("accel2", "0000:00:05.0", "other");
	make("accel0", NULL, NULL);
	make("accel", NULL, NULL);
	make("accel02", NULL, NULL);
	make("accel3x", NULL, NULL);
	make("accelerator4", NULL, NULL);
	make("render1", NULL, NULL);
	ck_assert_int_eq(ct_accel_next(sys, -1, &n), 0);
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(ct_accel_next(sys, n, &n), 0);
	ck_assert_int_eq(n, 2);
	ck_assert_int_eq(ct_accel_next(sys, n, &n), 0);
	ck_assert_int_eq(n, 10);
	ck_assert_int_eq(ct_accel_next(sys, n, &n), -ENODEV);

	ct_accel_link(sys, 10, "device", name, sizeof(name));
	ck_assert_str_eq(name, "0000:00:04.0");
	ct_accel_link(sys, 10, "device/driver", name, sizeof(name));
	ck_assert_str_eq(name, "ctrans");
	ct_accel_link(sys, 10, "device", name, 5);
	ck_assert_str_eq(name, "0000");
	ct_accel_link(sys, 0, "device", name, sizeof(name));
	ck_assert_str_eq(name, "");

	snprintf(command, sizeof(command), "rm -r %s", top);
	MUST(!system(command));
}
END_TEST

/* A node with a number that no machine has. */
START_TEST(not_there)
{
	struct ct_device *dev;
	struct ct_err err;
	int fd;

	ck_assert_int_eq(ct_accel_open_node(1048575, &fd, &err), -ENODEV);
	ck_assert_ptr_nonnull(strstr(err.msg, "modprobe ctrans"));
	ck_assert_ptr_nonnull(strstr(err.msg, "/dev/accel/accel1048575"));
	ck_assert_int_eq(ct_device_open("accel:1048575", &dev, &err), -ENODEV);
	ck_assert_int_eq(ct_device_open("accel:one", &dev, &err), -EINVAL);
	ck_assert_int_eq(ct_device_open("acce", &dev, &err), -ENODEV);
	ck_assert_ptr_nonnull(strstr(err.msg, "\"accel\""));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("accel_node");
	TCase *t = tcase_create("accel_node");
	SRunner *r;
	int failed;

	tcase_add_test(t, names);
	tcase_add_test(t, folder);
	tcase_add_test(t, not_there);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
