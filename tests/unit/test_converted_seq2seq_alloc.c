// SPDX-License-Identifier: MIT
/*
 * Every allocation of converting a model with an encoder, and of opening what was
 * converted, fails once: a clean error, no file, no leak. SentencePiece's own are
 * test_spm_faults.c's.
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
#include "seq2seq_models.h"

static char dir[256], out[256], root[200];

static void setup(void)
{
	tmp_make();
	snprintf(root, sizeof(root), "%s", tmp_path(""));
	snprintf(dir, sizeof(dir), "%s", tmp_path("model"));
	snprintf(out, sizeof(out), "%s", tmp_path("out.gguf"));
}

static void teardown(void)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	MUST(!system(command));
}

/* cJSON and a chip without memory have other words for it. */
static void check_failure(int ret, unsigned long n)
{
	ck_assert_msg(ret == -ENOMEM || ret == -EIO ||
		      (ret == -EBADMSG && strstr(ctrans_message(), "memory")),
		      "allocation %lu: %d, %s", n, ret, ctrans_message());
	ck_assert_uint_gt(strlen(ctrans_message()), 0);
}

/* One in @step, so that a long list of tokens does not take all the time. */
static void all(int (*go)(void), unsigned long step)
{
	unsigned long n;

	for (n = 1;; n += n > 400 ? step : 1) {
		int ret;

		fail_alloc_at(n);
		ret = go();
		if (!fail_alloc_stop()) {
			ck_assert_int_eq(ret, 0);
			break;
		}
		if (ret)
			check_failure(ret, n);
	}
	ck_assert_uint_gt(n, 20);
}

static int convert(void)
{
	struct ctrans_convert_params p;
	int ret;

	convert_params_init(&p);
	ret = ctrans_convert(dir, &p, out);
	ck_assert_int_eq(!ret, !access(out, F_OK));
	unlink(out);
	return ret;
}

static int open_flags(uint32_t flags)
{
	struct ctrans_model_params p;
	struct ctrans_model *m;
	int ret;

	params_init(&p, "sim:threads=1");
	p.flags = flags;
	ret = ctrans_model_open(out, &p, &m);
	if (!ret)
		ctrans_model_close(m);
	return ret;
}

static int open_all(void)
{
	return open_flags(0);
}

static int open_tokenizer(void)
{
	return open_flags(CTRANS_MODEL_TOKENIZER);
}

START_TEST(converting)
{
	seq2seq_make(dir, (enum seq2seq_model)_i, 1);
	all(convert, 97);
}
END_TEST

START_TEST(opening)
{
	struct ctrans_convert_params p;

	seq2seq_make(dir, (enum seq2seq_model)_i, 1);
	convert_params_init(&p);
	ck_assert_int_eq(ctrans_convert(dir, &p, out), 0);
	all(open_all, 97);
	if (_i != SEQ2SEQ_GATED)
		all(open_tokenizer, 97);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("converted_seq2seq_alloc");
	TCase *t = tcase_create("allocations");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 240);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, converting, 0, SEQ2SEQ_MODELS);
	tcase_add_loop_test(t, opening, 0, SEQ2SEQ_MODELS);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
