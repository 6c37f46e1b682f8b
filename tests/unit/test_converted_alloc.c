// SPDX-License-Identifier: MIT
/*
 * Every allocation of converting, of opening what was converted, and of opening
 * through a cache fails once: a clean error, no file, no leak; or success where
 * there is another way.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip_must.h"
#include "converted_help.h"
#include "fail_alloc.h"
#include "model_help.h"

static char source[256], out[256], cache[256];

static void setup(void)
{
	tmp_make();
	snprintf(out, sizeof(out), "%s", tmp_path("out.gguf"));
	snprintf(cache, sizeof(cache), "%s", tmp_path("cache"));
}

static void teardown(void)
{
	char command[600];

	snprintf(command, sizeof(command), "rm -rf '%s'", cache);
	MUST(!system(command));
	tmp_remove();
}

/* cJSON and a chip without memory have other words for it. */
static void check_failure(int ret, unsigned long n)
{
	ck_assert_msg(ret == -ENOMEM || ret == -EIO ||
		      (ret == -EBADMSG && strstr(ctrans_message(), "memory")),
		      "allocation %lu: %d, %s", n, ret, ctrans_message());
	ck_assert_uint_gt(strlen(ctrans_message()), 0);
}

static const char *const models[] = { "hf_f16", "q8_0.gguf", "hf_f16", "hf_f16" };

/* The third with a little model in it, the fourth with all that a text gives. */
static void take_more(struct ctrans_convert_params *p, int i)
{
	static const char text[] = "abcabcabcabcabcaabbccaabbccabcabcabc";
	static char path[256];

	snprintf(path, sizeof(path), "%s", data_path("q4_0.gguf"));
	p->little = i == 2 ? path : NULL;
	if (i < 3)
		return;
	p->weights = "esc";
	p->calibration = text;
	p->calibration_len = strlen(text);
	p->smooth = 0.5f;
}

START_TEST(converting)
{
	struct ctrans_convert_params p;
	unsigned long n;

	snprintf(source, sizeof(source), "%s", data_path(models[_i]));
	for (n = 1;; n++) {
		int ret;

		convert_params_init(&p);
		take_more(&p, _i);
		fail_alloc_at(n);
		ret = ctrans_convert(source, &p, out);
		if (!fail_alloc_stop()) {
			ck_assert_int_eq(ret, 0);
			break;
		}
		if (ret) {
			check_failure(ret, n);
			ck_assert(access(out, F_OK));
		}
		unlink(out);
	}
	ck_assert_uint_gt(n, 100);
}
END_TEST

START_TEST(opening)
{
	struct ctrans_convert_params c;
	struct ctrans_model_params p;
	struct ctrans_model *m;
	unsigned long n;

	snprintf(source, sizeof(source), "%s", data_path(models[_i]));
	params_init(&p, "sim:threads=1");
	convert_params_init(&c);
	take_more(&c, _i);
	ck_assert_int_eq(ctrans_convert(source, &c, out), 0);
	for (n = 1;; n++) {
		int ret;

		fail_alloc_at(n);
		ret = ctrans_model_open(out, &p, &m);
		if (ret)
			check_failure(ret, n);
		else
			ctrans_model_close(m);
		if (!fail_alloc_stop()) {
			ck_assert_int_eq(ret, 0);
			break;
		}
	}
	ck_assert_uint_gt(n, 50);
}
END_TEST

/* Once to keep it, once to find it there. */
START_TEST(keeping)
{
	struct ctrans_model_params p;
	struct ctrans_model *m;
	unsigned long n;

	snprintf(source, sizeof(source), "%s", data_path(models[_i]));
	params_init(&p, "sim:threads=1");
	p.cache = cache;
	for (n = 1;; n++) {
		bool hit;

		fail_alloc_at(n);
		for (int twice = 0; twice < 2; twice++) {
			int ret = ctrans_model_open(source, &p, &m);

			if (ret)
				check_failure(ret, n);
			else
				ctrans_model_close(m);
		}
		hit = fail_alloc_stop();
		if (!hit)
			break;
		/* half of the time it is there already */
		if (n % 2) {
			teardown();
			setup();
		}
	}
	ck_assert_uint_gt(n, 100);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("converted_alloc");
	TCase *t = tcase_create("allocations");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, converting, 0, 4);
	tcase_add_loop_test(t, opening, 0, 4);
	tcase_add_loop_test(t, keeping, 0, 2);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
