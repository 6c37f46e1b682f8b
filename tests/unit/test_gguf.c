// SPDX-License-Identifier: MIT
/* GGUF headers: good ones, malformed ones, and every byte of a real one. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/stream.h"
#include "model_help.h"

struct loaded {
	struct ct_files files;
	struct mem_file f;
	struct ct_gguf gguf;
	struct ct_tensors table;
	struct ct_err err;
	int code;
};

static void load(struct loaded *l, const struct bytes *b)
{
	uint32_t index;

	memset(l, 0, sizeof(*l));
	mem_file_make(&l->f, b->v, b->n);
	l->code = ct_files_add(&l->files, l->f.path, &index, &l->err);
	if (!l->code)
		l->code = ct_gguf_load(&l->files, index, &l->gguf, &l->table,
				       &l->err);
}

static void unload(struct loaded *l)
{
	ct_gguf_free(&l->gguf);
	ct_tensors_free(&l->table);
	ct_files_close(&l->files);
	close(l->f.fd);
}

static void refuse(struct bytes *b, int code, const char *text)
{
	struct loaded l;

	load(&l, b);
	ck_assert_msg(l.code == code && strstr(l.err.msg, text),
		      "wanted %d \"%s\", got %d \"%s\"", code, text, l.code,
		      l.err.msg);
	unload(&l);
	free(b->v);
	memset(b, 0, sizeof(*b));
}

static void pad(struct bytes *b, size_t to)
{
	put(b, NULL, (to - b->n % to) % to);
}

START_TEST(heads)
{
	struct bytes b = { 0 };

	put(&b, "GGUX", 4);
	put(&b, NULL, 20);
	refuse(&b, -EBADMSG, "not a GGUF file");
	put(&b, "GGUF\3", 5);
	refuse(&b, -EBADMSG, "passes the file's end");
	put_gguf_head(&b, 1, 0, 0);
	refuse(&b, -ENOTSUP, "version 1");
	put_gguf_head(&b, 4, 0, 0);
	refuse(&b, -ENOTSUP, "version 4");
	put_gguf_head(&b, 0x03000000, 0, 0);
	refuse(&b, -ENOTSUP, "big-endian");
	put_gguf_head(&b, 3, 0, 65537);
	refuse(&b, -E2BIG, "65537 metadata keys");
	put_gguf_head(&b, 3, UINT64_MAX, 0);
	refuse(&b, -EBADMSG, "passes the file's end");
	put_gguf_head(&b, 3, 0, 3);
	refuse(&b, -EBADMSG, "passes the file's end");
}
END_TEST

/* A head that announces one key, the key, a type and what follows. */
static void one_key(struct bytes *b, uint32_t type)
{
	put_gguf_head(b, 3, 0, 1);
	put_gguf_string(b, "a.key");
	put_le(b, type, 4);
}

START_TEST(values)
{
	struct bytes b = { 0 };

	one_key(&b, 13);
	refuse(&b, -EBADMSG, "a.key: unknown value type 13");
	one_key(&b, CT_GGUF_U64);
	put_le(&b, 1, 4);
	refuse(&b, -EBADMSG, "a.key: the header passes");
	one_key(&b, CT_GGUF_BOOL);
	put_le(&b, 2, 1);
	refuse(&b, -EBADMSG, "neither 0 nor 1");
	one_key(&b, CT_GGUF_STRING);
	put_le(&b, UINT64_MAX - 3, 8);
	refuse(&b, -EBADMSG, "passes");
	one_key(&b, CT_GGUF_ARRAY);
	put_le(&b, CT_GGUF_ARRAY, 4);
	put_le(&b, 0, 8);
	refuse(&b, -ENOTSUP, "arrays of arrays");
	one_key(&b, CT_GGUF_ARRAY);
	put_le(&b, CT_GGUF_U64, 4);
	put_le(&b, UINT64_MAX / 8 + 2, 8);
	put(&b, NULL, 64);
	refuse(&b, -EBADMSG, "passes");
	one_key(&b, CT_GGUF_ARRAY);
	put_le(&b, CT_GGUF_STRING, 4);
	put_le(&b, UINT64_MAX, 8);
	put(&b, NULL, 64);
	refuse(&b, -EBADMSG, "passes");

	put_gguf_head(&b, 3, 0, 2);
	put_gguf_kv_u32(&b, "twice", 1);
	put_gguf_kv_u32(&b, "twice", 2);
	refuse(&b, -EBADMSG, "twice occurs twice");
	put_gguf_head(&b, 3, 0, 1);
	put_gguf_kv_u32(&b, "general.alignment", 24);
	refuse(&b, -EBADMSG, "general.alignment is 24");
	put_gguf_head(&b, 3, 0, 1);
	put_gguf_kv_u32(&b, "general.alignment", 0);
	refuse(&b, -EBADMSG, "general.alignment is 0");
	put_gguf_head(&b, 3, 0, 1);
	put_gguf_kv_str(&b, "general.alignment", "32");
	refuse(&b, -EBADMSG, "not a whole number");
}
END_TEST

START_TEST(tensor_entries)
{
	static const struct {
		uint32_t ndim, type;
		uint64_t dims[5], offset;
		int code;
		const char *text;
	} t[] = {
		{ 0, 0, { 0 }, 0, -EBADMSG, "tensor t: 0 dimensions" },
		{ 5, 0, { 1, 1, 1, 1, 1 }, 0, -EBADMSG, "5 dimensions" },
		{ 1, 0, { 0 }, 0, -EBADMSG, "a dimension is 0" },
		{ 1, 4, { 32 }, 0, -ENOTSUP, "unknown tensor type 4" },
		{ 1, 9999, { 32 }, 0, -ENOTSUP, "unknown tensor type 9999" },
		{ 1, 8, { 33 }, 0, -EBADMSG, "not whole Q8_0 blocks of 32" },
		{ 2, 14, { 128, 2 }, 0, -EBADMSG, "Q6_K blocks of 256" },
		{ 2, 0, { 1ull << 40, 1ull << 40 }, 0, -EBADMSG, "impossibly" },
		{ 1, 0, { 1ull << 62 }, 0, -EBADMSG, "impossibly large" },
		{ 1, 0, { 4 }, 16, -EBADMSG, "not a multiple of the alignment" },
		{ 1, 0, { 1000 }, 0, -EBADMSG, "truncated" },
		{ 1, 0, { 4 }, UINT64_MAX - 31, -EBADMSG, "pass the end" },
		{ 1, 0, { 4 }, 1ull << 40, -EBADMSG, "pass the end" },
	};
	struct bytes b = { 0 };
	const uint64_t four[] = { 4 }, sixteen[] = { 16 };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		put_gguf_head(&b, 3, 1, 0);
		put_gguf_tensor(&b, "t", t[i].ndim, t[i].dims, t[i].type,
				t[i].offset);
		pad(&b, 32);
		put(&b, NULL, 64);
		refuse(&b, t[i].code, t[i].text);
	}
	for (int n = 0; n < 3; n++) {
		put_gguf_head(&b, 3, 2, 0);
		put_gguf_tensor(&b, "s", 1, n == 2 ? four : sixteen, 0, 0);
		put_gguf_tensor(&b, n == 2 ? "s" : "t", 1, four, 0,
				n ? 32 : 0);
		pad(&b, 32);
		put(&b, NULL, 64);
		refuse(&b, -EBADMSG, n == 2 ? "tensor s occurs twice" :
					      "overlaps");
	}
	put_gguf_head(&b, 3, 1, 0);
	put_gguf_tensor(&b, "", 1, four, 0, 0);
	pad(&b, 32);
	put(&b, NULL, 64);
	refuse(&b, -EBADMSG, "name is empty");
}
END_TEST

START_TEST(lookups)
{
	struct bytes b = { 0 };
	struct loaded l;
	uint64_t u = 77;
	double d = 7;
	bool truth = false;
	struct ct_str s, *list;
	int32_t *ints;
	uint32_t n;

	put_gguf_head(&b, 2, 0, 10);
	put_gguf_kv_u32(&b, "u32", 5);
	put_gguf_string(&b, "i8");
	put_le(&b, CT_GGUF_I8, 4);
	put_le(&b, 0xff, 1);
	put_gguf_string(&b, "i64");
	put_le(&b, CT_GGUF_I64, 4);
	put_le(&b, 1ull << 40, 8);
	put_gguf_string(&b, "u16");
	put_le(&b, CT_GGUF_U16, 4);
	put_le(&b, 65535, 2);
	put_gguf_string(&b, "f32");
	put_le(&b, CT_GGUF_F32, 4);
	put_le(&b, 0x3fc00000, 4);
	put_gguf_string(&b, "f64");
	put_le(&b, CT_GGUF_F64, 4);
	put_le(&b, 0x7ff0000000000000, 8);
	put_gguf_string(&b, "yes");
	put_le(&b, CT_GGUF_BOOL, 4);
	put_le(&b, 1, 1);
	put_gguf_kv_str(&b, "str", "text");
	put_gguf_string(&b, "strs");
	put_le(&b, CT_GGUF_ARRAY, 4);
	put_le(&b, CT_GGUF_STRING, 4);
	put_le(&b, 2, 8);
	put_gguf_string(&b, "");
	put_gguf_string(&b, "two");
	put_gguf_string(&b, "ints");
	put_le(&b, CT_GGUF_ARRAY, 4);
	put_le(&b, CT_GGUF_I32, 4);
	put_le(&b, 2, 8);
	put_le(&b, 1, 4);
	put_le(&b, UINT32_MAX, 4);
	load(&l, &b);
	ck_assert_msg(!l.code, "%s", l.err.msg);
	ck_assert_uint_eq(l.gguf.version, 2);
	ck_assert_uint_eq(l.gguf.alignment, 32);

#define OK(x) ck_assert_int_eq(x, 0)
	OK(ct_gguf_u64(&l.gguf, "u32", &u, NULL));
	ck_assert_uint_eq(u, 5);
	OK(ct_gguf_u64(&l.gguf, "i64", &u, NULL));
	ck_assert_uint_eq(u, 1ull << 40);
	OK(ct_gguf_u64(&l.gguf, "u16", &u, NULL));
	ck_assert_uint_eq(u, 65535);
	ck_assert_int_eq(ct_gguf_u64(&l.gguf, "i8", &u, NULL), -EBADMSG);
	ck_assert_int_eq(ct_gguf_u64(&l.gguf, "f32", &u, NULL), -EBADMSG);
	ck_assert_int_eq(ct_gguf_u64(&l.gguf, "ints", &u, NULL), -EBADMSG);
	ck_assert_int_eq(ct_gguf_u64(&l.gguf, "u3", &u, NULL), -ENOENT);
	OK(ct_gguf_u64_opt(&l.gguf, "u322", &u, NULL));
	ck_assert_uint_eq(u, 65535);
	OK(ct_gguf_float_opt(&l.gguf, "f32", &d, NULL));
	ck_assert_double_eq(d, 1.5);
	ck_assert_int_eq(ct_gguf_float_opt(&l.gguf, "f64", &d, NULL), -EBADMSG);
	ck_assert_int_eq(ct_gguf_float_opt(&l.gguf, "u32", &d, NULL), -EBADMSG);
	OK(ct_gguf_bool_opt(&l.gguf, "yes", &truth, NULL));
	ck_assert(truth);
	ck_assert_int_eq(ct_gguf_bool_opt(&l.gguf, "u32", &truth, NULL),
			 -EBADMSG);
	OK(ct_gguf_string_opt(&l.gguf, "str", &s, NULL));
	ck_assert_uint_eq(s.len, 4);
	ck_assert_mem_eq(s.ptr, "text", 4);
	ck_assert_int_eq(ct_gguf_string_opt(&l.gguf, "strs", &s, NULL),
			 -EBADMSG);
	OK(ct_gguf_strings_opt(&l.gguf, "strs", &list, &n, NULL));
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(list[0].len, 0);
	ck_assert_mem_eq(list[1].ptr, "two", 3);
	free(list);
	ck_assert_int_eq(ct_gguf_strings_opt(&l.gguf, "ints", &list, &n, NULL),
			 -EBADMSG);
	OK(ct_gguf_strings_opt(&l.gguf, "none", &list, &n, NULL));
	ck_assert_ptr_null(list);
	OK(ct_gguf_i32s_opt(&l.gguf, "ints", &ints, &n, NULL));
	ck_assert_int_eq(ints[1], -1);
	free(ints);
	ck_assert_int_eq(ct_gguf_i32s_opt(&l.gguf, "strs", &ints, &n, NULL),
			 -EBADMSG);
	unload(&l);
	free(b.v);
}
END_TEST

/* A file with metadata of a gpt2 and, it may be, some tensors. */
static void model_fails(const struct bytes *b, int code, const char *text)
{
	struct mem_file f;
	struct ct_model *m;
	struct ct_err err = { 0 };
	int got;

	mem_file_make(&f, b->v, b->n);
	got = ct_model_open(f.path, &m, &err);
	ck_assert_msg(got == code && strstr(err.msg, text),
		      "wanted %d \"%s\", got %d \"%s\"", code, text, got,
		      err.msg);
	close(f.fd);
}

static void arch_fails(const char *key, const char *arch, int code,
		       const char *text)
{
	struct bytes b = { 0 };

	put_gguf_head(&b, 3, 0, 1);
	put_gguf_kv_str(&b, key, arch);
	model_fails(&b, code, text);
	free(b.v);
}

/* A model of two tokens, as far as its head. */
static void with_head(uint32_t type, int code, const char *text)
{
	static const uint64_t table[] = { 256, 2 }, one[] = { 256 };
	static const struct {
		const char *name;
		uint32_t ndim, type;
	} t[] = {
		{ "token_embd.weight", 2, 1 }, { "position_embd.weight", 2, 0 },
		{ "output_norm.weight", 1, 0 }, { "output_norm.bias", 1, 0 },
		{ "output.weight", 2, 0 },
	};
	struct bytes b = { 0 };

	put_gguf_head(&b, 3, 5, 5);
	put_gguf_kv_str(&b, "general.architecture", "gpt2");
	put_gguf_kv_u32(&b, "gpt2.context_length", 2);
	put_gguf_kv_u32(&b, "gpt2.embedding_length", 256);
	put_gguf_kv_u32(&b, "gpt2.block_count", 1);
	put_gguf_kv_u32(&b, "gpt2.attention.head_count", 4);
	for (uint64_t i = 0; i < 5; i++)
		put_gguf_tensor(&b, t[i].name, t[i].ndim,
				t[i].ndim == 2 ? table : one,
				i == 4 ? type : t[i].type, i * 2048);
	pad(&b, 32);
	put(&b, NULL, 5 * 2048);
	model_fails(&b, code, text);
	free(b.v);
}

START_TEST(models)
{
	struct bytes b = { 0 };

	put_gguf_head(&b, 3, 0, 2);
	put_gguf_kv_str(&b, "general.architecture", "gpt2");
	put_gguf_kv_u32(&b, "split.count", 2);
	model_fails(&b, -ENOTSUP, "llama-gguf-split --merge");
	free(b.v);
	arch_fails("general.architecture", "llama", -ENOTSUP, "\"llama\"");
	arch_fails("general.name", "gpt2", -ENOENT, "general.architecture");
	arch_fails("general.architecture", "gpt2", -ENOENT,
		   "only a vocabulary");
	with_head(14, -ENOTSUP,
		  "tensor output.weight has type Q6_K, which is not supported: quantise with llama-quantize --pure");
	with_head(12, -ENOTSUP, "tensor output.weight has type Q4_K");
	with_head(24, -ENOTSUP, "tensor output.weight has type I8");
	with_head(1, -ENOENT, "tensor blk.0.attn_norm.weight is missing");
}
END_TEST

/* Change one 32-bit value of the metadata of a good file. */
static void patched(const char *name, const char *key, uint32_t value,
		    int code, const char *text)
{
	struct bytes b = { 0 };
	size_t len = strlen(key);
	uint8_t *at;

	b.v = slurp(data_path(name), &b.n);
	at = memmem(b.v, b.n, key, len);
	ck_assert_ptr_nonnull(at);
	at += len + 4;
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> 8 * i);
	if (code) {
		model_fails(&b, code, text);
	} else {
		struct mem_file f;
		struct ct_model *m;

		mem_file_make(&f, b.v, b.n);
		ck_assert_int_eq(ct_model_open(f.path, &m, NULL), 0);
		ct_model_close(m);
		close(f.fd);
	}
	free(b.v);
}

START_TEST(metadata)
{
	patched("f16.gguf", "gpt2.block_count", 3, -ENOENT,
		"blk.2.attn_norm.weight is missing");
	patched("f16.gguf", "gpt2.block_count", 1, -EBADMSG,
		"only 1 layers");
	patched("f16.gguf", "gpt2.block_count", 0, -EBADMSG,
		"layer count is 0");
	patched("f16.gguf", "gpt2.block_count", 1u << 30, -E2BIG,
		"layer count");
	patched("f16.gguf", "head_count", 3, -EBADMSG, "does not divide");
	patched("f16.gguf", "head_count", 0, -EBADMSG, "head count is 0");
	patched("f16.gguf", "context_length", 17, -EBADMSG,
		"position_embd.weight has shape [16, 8]");
	patched("f16.gguf", "forward_length", 31, -EBADMSG,
		"ffn_up.weight has shape [32, 8]");
	patched("f16.gguf", "norm_epsilon", 0x7f800000, -EBADMSG,
		"not finite");
	patched("f16.gguf", "norm_epsilon", 0x40000000, -EBADMSG,
		"epsilon");
	patched("f16.gguf", "eos_token_id", 260, -EBADMSG,
		"eos_token_id is 260");
	patched("f16.gguf", "bos_token_id", UINT32_MAX, 0, NULL);
}
END_TEST

/* Two tokens, and what is wrong with them. */
static void vocab_fails(uint32_t n_types, uint32_t type, uint32_t eos,
			uint32_t n_tokens, int code, const char *text)
{
	struct bytes b = { 0 };
	struct mem_file f;
	struct ct_model *m = NULL;
	struct ct_err err = { 0 };
	int got;

	put_gguf_head(&b, 3, 0, 4);
	put_gguf_kv_str(&b, "tokenizer.ggml.model", "gpt2");
	put_gguf_string(&b, "tokenizer.ggml.tokens");
	put_le(&b, CT_GGUF_ARRAY, 4);
	put_le(&b, CT_GGUF_STRING, 4);
	put_le(&b, n_tokens, 8);
	for (uint32_t i = 0; i < n_tokens; i++)
		put_gguf_string(&b, "x");
	put_gguf_string(&b, "tokenizer.ggml.token_type");
	put_le(&b, CT_GGUF_ARRAY, 4);
	put_le(&b, CT_GGUF_I32, 4);
	put_le(&b, n_types, 8);
	for (uint32_t i = 0; i < n_types; i++)
		put_le(&b, type, 4);
	put_gguf_kv_u32(&b, "tokenizer.ggml.eos_token_id", eos);
	mem_file_make(&f, b.v, b.n);
	got = ct_model_open_tokenizer(f.path, &m, &err);
	ck_assert_msg(got == code && strstr(err.msg, text),
		      "wanted %d \"%s\", got %d \"%s\"", code, text, got,
		      err.msg);
	ct_model_close(m);
	close(f.fd);
	free(b.v);
}

START_TEST(vocabularies)
{
	vocab_fails(2, 1, 1, 2, 0, "");
	vocab_fails(0, 1, 1, 2, 0, "");
	vocab_fails(2, 6, UINT32_MAX, 2, 0, "");
	vocab_fails(1, 1, 1, 2, -EBADMSG, "1 token types for 2 tokens");
	vocab_fails(2, 7, 1, 2, -EBADMSG, "token 0 has the unknown type 7");
	vocab_fails(2, 0, 1, 2, -EBADMSG, "unknown type 0");
	vocab_fails(2, 1, 2, 2, -EBADMSG, "eos_token_id is 2");
	vocab_fails(0, 1, 0, 0, -ENOENT, "missing or empty");
}
END_TEST

START_TEST(version_2)
{
	struct mem_file f;
	struct ct_model *m;
	size_t n;
	uint8_t *v = slurp(data_path("q4_0.gguf"), &n);

	v[4] = 2;
	mem_file_make(&f, v, n);
	ck_assert_int_eq(ct_model_open(f.path, &m, NULL), 0);
	check_weights(m, NULL);
	ct_model_close(m);
	close(f.fd);
	free(v);
}
END_TEST

/*
 * Each byte of the header, changed: either refused with a sentence, or a
 * model whose weights can all be read.
 */
START_TEST(each_byte)
{
	static const uint8_t with[] = { 0x01, 0x80, 0xff };
	struct mem_file f;
	size_t n, head;
	uint8_t *v = slurp(data_path("q4_0.gguf"), &n);
	uint8_t *last = memmem(v, n, "blk.0.ffn_down.bias", 19);
	float *row = malloc(1 << 20);

	head = (size_t)(last - v) + 60;
	mem_file_make(&f, v, n);
	for (size_t at = 0; at < head; at++) {
		for (size_t k = 0; k < sizeof(with); k++) {
			struct ct_err err = { 0 };
			struct ct_model *m;

			mem_file_poke(&f, at, v[at] ^ with[k]);
			if (ct_model_open(f.path, &m, &err)) {
				ck_assert_uint_gt(strlen(err.msg), 0);
				continue;
			}
			ck_assert_int_eq(ct_matrix_read(ct_weights_matrix(&m->weights, CT_WTE, 0), &m->files,
							row, NULL), 0);
			ct_model_close(m);
		}
		mem_file_poke(&f, at, v[at]);
	}
	close(f.fd);
	for (size_t len = 1; len < n; len += len < head ? 7 : 997) {
		struct ct_model *m;

		mem_file_make(&f, v, len);
		ck_assert_int_eq(ct_model_open(f.path, &m, NULL), -EBADMSG);
		close(f.fd);
	}
	free(row);
	free(v);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gguf");
	TCase *t = tcase_create("header");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, heads);
	tcase_add_test(t, values);
	tcase_add_test(t, tensor_entries);
	tcase_add_test(t, lookups);
	tcase_add_test(t, models);
	tcase_add_test(t, metadata);
	tcase_add_test(t, vocabularies);
	tcase_add_test(t, version_2);
	tcase_add_test(t, each_byte);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
