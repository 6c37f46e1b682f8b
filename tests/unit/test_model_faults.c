// SPDX-License-Identifier: MIT
/*
 * Every allocation and every read on the way from a path to weights fails
 * once: an error comes back, with a sentence, and nothing is lost.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail_alloc.h"
#include "model/stream.h"
#include "model_help.h"

static unsigned int preads, pread_at;

ssize_t __real_pread(int fd, void *dst, size_t n, off_t off);
ssize_t __wrap_pread(int fd, void *dst, size_t n, off_t off);
ssize_t __wrap_pread64(int fd, void *dst, size_t n, off_t off);

ssize_t __wrap_pread(int fd, void *dst, size_t n, off_t off)
{
	if (++preads == pread_at) {
		errno = EIO;
		return -1;
	}
	return __real_pread(fd, dst, n, off);
}

ssize_t __wrap_pread64(int fd, void *dst, size_t n, off_t off)
{
	return __wrap_pread(fd, dst, n, off);
}

static int drop_rows(void *ctx, const struct ct_weight *w, uint32_t first_row,
		     uint32_t n_rows, const float *rows, struct ct_err *err)
{
	(void)w;
	(void)first_row;
	(void)rows;
	(void)err;
	*(uint64_t *)ctx += n_rows;
	return 0;
}

/* All that lib/model does with a model. */
static int whole_way(const char *path, struct ct_err *err)
{
	float row[512 * 32];
	struct ct_model *m;
	uint64_t rows = 0;
	struct ct_read r = { .len = 8, .dst = row };
	int code;

	code = ct_model_open(path, &m, err);
	if (code)
		return code;
	code = ct_weights_stream(&m->weights, &m->files, NULL, drop_rows, &rows, err);
	if (!code)
		code = ct_matrix_read(ct_weights_matrix(&m->weights, CT_WTE, 0), &m->files, row, err);
	if (!code)
		code = ct_read_direct(&m->files, &r, 1, NULL, NULL, NULL, err);
	ct_model_close(m);
	if (code)
		return code;
	code = ct_model_open_tokenizer(path, &m, err);
	if (!code)
		ct_model_close(m);
	return code;
}

static const char *const models[] = {
	"hf_f32", "hf_bf16_shards", "f32.gguf", "q4_0.gguf",
};

#define N_MODELS	(int)(sizeof(models) / sizeof(models[0]))

START_TEST(allocations)
{
	const char *path = data_path(models[_i]);
	unsigned long n, failed = 0;

	for (n = 1;; n++) {
		struct ct_err err = { 0 };
		int code;

		fail_alloc_at(n);
		code = whole_way(path, &err);
		if (!fail_alloc_stop())
			break;
		/*
		 * Malformed and out of memory are one to cJSON; and giving
		 * memory back may fail without harm.
		 */
		ck_assert_msg(code == 0 || code == -ENOMEM ||
			      (code == -EBADMSG &&
			       strstr(err.msg, "or out of memory")),
			      "allocation %lu: %d \"%s\"", n, code, err.msg);
		failed += code != 0;
	}
	ck_assert_uint_gt(n, 50);
	ck_assert_uint_ge(failed + 2, n - 1);
}
END_TEST

START_TEST(reads)
{
	const char *path = data_path(models[_i]);

	setenv("CTRANS_NO_IO_URING", "1", 1);
	for (pread_at = 1;; pread_at++) {
		struct ct_err err = { 0 };
		int code;

		preads = 0;
		code = whole_way(path, &err);
		if (preads < pread_at)
			break;
		ck_assert_int_eq(code, -EIO);
		ck_assert_msg(strstr(err.msg, "cannot read"), "%s", err.msg);
	}
	ck_assert_uint_gt(pread_at, 6);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("model_faults");
	TCase *t = tcase_create("faults");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(t, allocations, 0, N_MODELS);
	tcase_add_loop_test(t, reads, 0, N_MODELS);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
