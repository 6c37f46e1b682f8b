// SPDX-License-Identifier: MIT
/* Malformed headers, one by one and byte by byte. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/safetensors.h"
#include "model_help.h"

static int load(const void *bytes, size_t n, struct ct_tensors *table,
		struct ct_err *err)
{
	struct ct_files files = { 0 };
	struct mem_file f;
	uint32_t index;
	int code;

	mem_file_make(&f, bytes, n);
	memset(table, 0, sizeof(*table));
	code = ct_files_add(&files, f.path, &index, err);
	if (!code)
		code = ct_safetensors_load(&files, index, table, err);
	if (!code)
		code = ct_tensors_sort(table, err);
	ct_files_close(&files);
	close(f.fd);
	return code;
}

#define T(name, dtype, shape, from, to) \
	"\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape \
	",\"data_offsets\":[" from "," to "]}"

static const struct {
	const char *header;
	size_t data;
	int code;
	const char *text;
} bad[] = {
	{ "", 0, -EBADMSG, "not JSON" },
	{ "x", 0, -EBADMSG, "not JSON at byte 0" },
	{ "[]", 0, -EBADMSG, "not a JSON object" },
	{ "3", 0, -EBADMSG, "not a JSON object" },
	{ "{} x", 0, -EBADMSG, "something follows" },
	{ "{}", 0, -EBADMSG, "names no tensor" },
	{ "{\"__metadata__\":{}}", 0, -EBADMSG, "names no tensor" },
	{ "{\"a\":1}", 0, -EBADMSG, "tensor a: not a JSON object" },
	{ "{\"a\":{}}", 0, -EBADMSG, "\"dtype\" is missing" },
	{ "{\"a\":{\"dtype\":3}}", 0, -EBADMSG, "\"dtype\" is not a string" },
	{ "{" T("a", "F4", "[1]", "0", "4") "}", 4, -ENOTSUP,
	  "tensor a: unknown dtype \"F4\"" },
	{ "{" T("a", "F32", "1", "0", "4") "}", 4, -EBADMSG, "\"shape\"" },
	{ "{" T("a", "F32", "[-1]", "0", "4") "}", 4, -EBADMSG, "a dimension" },
	{ "{" T("a", "F32", "[1.5]", "0", "4") "}", 4, -EBADMSG,
	  "a dimension is 1.5" },
	{ "{" T("a", "F32", "[\"1\"]", "0", "4") "}", 4, -EBADMSG,
	  "a dimension is not a number" },
	{ "{" T("a", "F32", "[1e300]", "0", "4") "}", 4, -EBADMSG,
	  "a dimension" },
	{ "{" T("a", "F32", "[1,1,1,1,1]", "0", "4") "}", 4, -ENOTSUP,
	  "more than 4" },
	{ "{" T("a", "F32", "[4294967296,4294967296]", "0", "4") "}", 4,
	  -EBADMSG, "impossibly large" },
	{ "{" T("a", "F32", "[9007199254740992,1024]", "0", "4") "}", 4,
	  -EBADMSG, "impossibly large" },
	{ "{" T("a", "F32", "[2]", "0", "4") "}", 4, -EBADMSG,
	  "F32 of shape [2] is 8 bytes, but its offsets span 4" },
	{ "{" T("a", "F32", "[1]", "4", "0") "}", 4, -EBADMSG,
	  "end before they begin" },
	{ "{" T("a", "F32", "[1]", "0", "4.5") "}", 4, -EBADMSG,
	  "a data offset" },
	{ "{" T("a", "F32", "[1]", "0", "4,8") "}", 4, -EBADMSG,
	  "\"data_offsets\"" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, -EBADMSG,
	  "\"data_offsets\" is missing" },
	{ "{" T("a", "F32", "[2]", "0", "8") "}", 7, -EBADMSG, "truncated" },
	{ "{" T("a", "F32", "[1]", "0", "4") "}", 5, -EBADMSG,
	  "the tensors end at byte" },
	{ "{" T("a", "F32", "[1]", "1", "5") "}", 5, -EBADMSG,
	  "leaves a hole" },
	{ "{" T("a", "F32", "[1]", "0", "4") "," T("b", "F32", "[1]", "2", "6")
	  "}", 6, -EBADMSG, "overlaps" },
	{ "{" T("a", "F32", "[1]", "0", "4") "," T("b", "F32", "[1]", "0", "4")
	  "}", 4, -EBADMSG, "overlaps" },
	{ "{" T("a", "F32", "[1]", "0", "4") "," T("a", "F32", "[1]", "4", "8")
	  "}", 8, -EBADMSG, "tensor a occurs twice" },
	{ "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F16\",\"shape\":[1],"
	  "\"data_offsets\":[0,4]}}", 4, -EBADMSG, "\"dtype\" occurs twice" },
	{ "{" T("", "F32", "[1]", "0", "4") "}", 4, -EBADMSG, "name is empty" },
	{ "{" T("a\\u001b[31m", "F9", "[1]", "0", "4") "}", 4, -ENOTSUP,
	  "tensor a?[31m" },
};

START_TEST(malformed)
{
	struct bytes b = { 0 };
	struct ct_tensors table;
	struct ct_err err = { 0 };
	int code;

	put_safetensors(&b, bad[_i].header, bad[_i].data);
	code = load(b.v, b.n, &table, &err);
	ck_assert_msg(code == bad[_i].code && err.code == code &&
		      strstr(err.msg, bad[_i].text), "%s: %d \"%s\"",
		      bad[_i].header, code, err.msg);
	ct_tensors_free(&table);
	/* A NULL error is allowed everywhere. */
	ck_assert_int_eq(load(b.v, b.n, &table, NULL), code);
	ct_tensors_free(&table);
	free(b.v);
}
END_TEST

START_TEST(lengths)
{
	struct ct_tensors table;
	struct ct_err err = { 0 };
	struct bytes b = { 0 };

	put_le(&b, UINT64_MAX, 8);
	ck_assert_int_eq(load(b.v, b.n, &table, &err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.msg, "not a safetensors file"));
	ck_assert_int_eq(load(b.v, 5, &table, &err), -EBADMSG);
	b.n = 0;
	put_le(&b, 100000001, 8);
	put(&b, NULL, 100000001);
	ck_assert_int_eq(load(b.v, b.n, &table, &err), -E2BIG);
	free(b.v);
}
END_TEST

START_TEST(nesting)
{
	struct ct_tensors table;
	struct ct_err err = { 0 };
	struct bytes b = { 0 };
	char *deep = malloc(100001);

	memset(deep, '[', 100000);
	deep[100000] = '\0';
	memcpy(deep, "{\"a\":", 5);
	put_safetensors(&b, deep, 0);
	ck_assert_int_eq(load(b.v, b.n, &table, &err), -E2BIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "nested deeper"));
	ct_tensors_free(&table);
	free(deep);

	/* Wide instead of deep: 10 MB of commas. */
	deep = malloc(10000001);
	memset(deep, ',', 10000000);
	deep[10000000] = '\0';
	memcpy(deep, "{\"a\":[0", 7);
	b.n = 0;
	put_safetensors(&b, deep, 0);
	ck_assert_int_eq(load(b.v, b.n, &table, &err), -E2BIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "values"));
	ct_tensors_free(&table);
	free(deep);
	free(b.v);
}
END_TEST

START_TEST(good)
{
	struct ct_tensors table;
	struct ct_err err = { 0 };
	struct bytes b = { 0 };
	const struct ct_tensor *t;

	put_safetensors(&b, "{\"__metadata__\":{\"a\":\"[[[{{{\\\"\"},"
			T("z", "BF16", "[2,3]", "4", "16") ","
			T("none", "F32", "[0,7]", "4", "4") ","
			T("scalar", "I32", "[]", "0", "4") "}  \n\t ", 16);
	ck_assert_int_eq(load(b.v, b.n, &table, &err), 0);
	ck_assert_uint_eq(table.n, 3);
	t = ct_tensors_find(&table, "z");
	ck_assert_int_eq(t->dtype, CT_BF16);
	ck_assert_uint_eq(t->ndim, 2);
	ck_assert_uint_eq(t->shape[0], 2);
	ck_assert_uint_eq(t->shape[1], 3);
	ck_assert_uint_eq(t->offset, b.n - 12);
	t = ct_tensors_find(&table, "scalar");
	ck_assert_uint_eq(t->n_elems, 1);
	ck_assert_str_eq(t->type_name, "I32");
	ck_assert_int_eq(t->dtype, CT_OPAQUE);
	ck_assert_ptr_null(ct_tensors_find(&table, "y"));
	ct_tensors_free(&table);
	free(b.v);
}
END_TEST

/*
 * Whatever one byte of the header becomes: no crash, and what is accepted is
 * consistent with the file.
 */
START_TEST(each_byte)
{
	static const uint8_t with[] = { 0, '"', '9', '-', '{', ']', 0xff };
	struct bytes b = { 0 };
	size_t head;

	put_safetensors(&b, "{" T("a", "F16", "[2,3]", "0", "12") ","
			T("b", "F32", "[1]", "12", "16") "}", 16);
	head = b.n - 16;
	for (size_t at = 0; at < head; at++) {
		for (size_t k = 0; k < sizeof(with) + 8; k++) {
			uint8_t old = b.v[at];
			struct ct_tensors table;
			struct ct_err err = { 0 };

			b.v[at] = k < 8 ? old ^ (uint8_t)(1 << k) :
					  with[k - 8];
			if (!load(b.v, b.n, &table, &err))
				for (size_t i = 0; i < table.n; i++)
					ck_assert_uint_le(table.v[i].offset +
							  table.v[i].nbytes,
							  b.n);
			else
				ck_assert_uint_gt(strlen(err.msg), 0);
			ct_tensors_free(&table);
			b.v[at] = old;
		}
	}
	for (size_t n = 1; n < b.n; n++) {
		struct ct_tensors table;

		ck_assert_int_eq(load(b.v, n, &table, NULL), -EBADMSG);
		ct_tensors_free(&table);
	}
	free(b.v);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("safetensors");
	TCase *t = tcase_create("header");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(t, malformed, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, lengths);
	tcase_add_test(t, nesting);
	tcase_add_test(t, good);
	tcase_add_test(t, each_byte);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
