// SPDX-License-Identifier: MIT
/*
 * Loading in several threads: weights of many reads, stored by output and by
 * input, give the same memory and, where they are bad, the same sentence.
 */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip_must.h"
#include "converted_help.h"
#include "engine/core_impl.h"
#include "model_help.h"

#define EMBD	256u
#define VOCAB	3001u
#define CTX	70u
#define LAYERS	2u
#define ALIGN	32u

/* A GGUF file of binary32, some ten reads long. */
struct maker {
	struct bytes head, data;
	size_t nan_at[2];	/* bytes of data; 0: none */
};

static void tensor(struct maker *m, const char *name, uint64_t rows, uint64_t cols)
{
	uint64_t dims[2] = { cols, rows }, n = rows * cols;

	put_gguf_tensor(&m->head, name, rows == 1 ? 1 : 2, dims, 0, m->data.n);
	for (uint64_t i = 0; i < n; i++) {
		float f = (float)(random() % 20001 - 10000) * 1e-4f;

		put(&m->data, &f, sizeof(f));
	}
	while (m->data.n % ALIGN)
		put_le(&m->data, 0, 1);
}

static void layer(struct maker *m, unsigned int l)
{
	static const struct {
		const char *name;
		uint64_t rows, cols;
	} parts[] = {
		{ "attn_norm.weight", 1, EMBD }, { "attn_norm.bias", 1, EMBD },
		{ "attn_qkv.weight", 3 * EMBD, EMBD }, { "attn_qkv.bias", 1, 3 * EMBD },
		{ "attn_output.weight", EMBD, EMBD }, { "attn_output.bias", 1, EMBD },
		{ "ffn_norm.weight", 1, EMBD }, { "ffn_norm.bias", 1, EMBD },
		{ "ffn_up.weight", 4 * EMBD, EMBD }, { "ffn_up.bias", 1, 4 * EMBD },
		{ "ffn_down.weight", EMBD, 4 * EMBD }, { "ffn_down.bias", 1, EMBD },
	};
	char name[64];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(name, sizeof(name), "blk.%u.%s", l, parts[i].name);
		tensor(m, name, parts[i].rows, parts[i].cols);
	}
}

static const char *make(struct maker *m)
{
	const char *path;

	put_gguf_head(&m->head, 3, 5 + 12 * LAYERS - 1, 5);
	put_gguf_kv_str(&m->head, "general.architecture", "gpt2");
	put_gguf_kv_u32(&m->head, "gpt2.context_length", CTX);
	put_gguf_kv_u32(&m->head, "gpt2.embedding_length", EMBD);
	put_gguf_kv_u32(&m->head, "gpt2.block_count", LAYERS);
	put_gguf_kv_u32(&m->head, "gpt2.attention.head_count", 4);
	tensor(m, "token_embd.weight", VOCAB, EMBD);
	tensor(m, "position_embd.weight", CTX, EMBD);
	for (unsigned int l = 0; l < LAYERS; l++)
		layer(m, l);
	tensor(m, "output_norm.weight", 1, EMBD);
	tensor(m, "output_norm.bias", 1, EMBD);
	for (int i = 0; i < 2; i++)
		if (m->nan_at[i]) {
			float f = NAN;

			memcpy(m->data.v + m->nan_at[i], &f, sizeof(f));
		}
	while (m->head.n % ALIGN)
		put_le(&m->head, 0, 1);
	put(&m->head, m->data.v, m->data.n);
	path = tmp_write("made.gguf", m->head.v, m->head.n);
	free(m->head.v);
	free(m->data.v);
	return path;
}

static int open_core(const char *path, int threads, uint32_t flags,
		     struct ct_core **core, struct ct_err *err)
{
	struct ctrans_model_params p;
	char device[32];

	snprintf(device, sizeof(device), "sim:threads=%d", threads);
	params_init(&p, device);
	p.flags = flags;
	return ct_core_open(path, &p, core, err);
}

static void same_for_all(const char *path, uint32_t flags)
{
	static const int threads[] = { 2, 3, 5, 16, 40 };
	struct ct_core *one, *other;
	struct ct_err err = { 0 };

	ck_assert_msg(!open_core(path, 1, flags, &one, &err), "%s", err.msg);
	for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
		ck_assert(!open_core(path, threads[i], flags, &other, &err));
		ck_assert_uint_eq(one->weights.size, other->weights.size);
		ck_assert(!memcmp(one->weights.cpu, other->weights.cpu,
				  one->weights.size));
		ct_core_close(other);
	}
	ct_core_close(one);
}

START_TEST(by_output)
{
	struct maker m = { 0 };
	const char *path;

	tmp_make();
	path = make(&m);
	same_for_all(path, _i ? CTRANS_MODEL_F32 : 0);
	tmp_remove();
}
END_TEST

START_TEST(by_input)
{
	const char *dir = data_path("../../../models/demo");
	char file[600];

	snprintf(file, sizeof(file), "%s/model.safetensors", dir);
	if (access(file, R_OK)) {
		printf("SKIP by_input: no models/demo\n");
		return;
	}
	same_for_all(dir, _i ? CTRANS_MODEL_F32 : 0);
}
END_TEST

/* Two bad weights, megabytes apart: it is always the first that is named. */
START_TEST(first_fault)
{
	struct maker m = { .nan_at = { 2000000, 5000000 } };
	struct ct_core *core;
	const char *path;

	tmp_make();
	path = make(&m);
	for (int n = 1; n < 60; n++) {
		struct ct_err err = { 0 };

		ck_assert_int_eq(open_core(path, 1 + n % 9, 0, &core, &err), -EBADMSG);
		ck_assert_msg(strstr(err.msg, "token_embd.weight: a weight is not a finite number"),
			      "%s", err.msg);
	}
	tmp_remove();
}
END_TEST

struct heard {
	uint64_t done, total;
	int left;
};

static int hear(void *arg, uint64_t done, uint64_t total)
{
	struct heard *h = arg;

	ck_assert_uint_gt(done, h->done);
	ck_assert_uint_le(done, total);
	ck_assert(!h->total || h->total == total);
	h->done = done;
	h->total = total;
	return !--h->left;
}

/* From the calling thread, ever on, to the end; or until it says no. */
START_TEST(progress)
{
	struct maker m = { 0 };
	struct ctrans_model_params p;
	struct ctrans_model *model;
	const char *path;

	tmp_make();
	path = make(&m);
	for (int cancel = 0; cancel < 2; cancel++) {
		struct heard h = { .left = cancel };
		int ret;

		params_init(&p, "sim:threads=3");
		p.progress = hear;
		p.progress_arg = &h;
		ret = ctrans_model_open(path, &p, &model);
		ck_assert_int_eq(ret, cancel ? -ECANCELED : 0);
		ck_assert(cancel || (h.total > 8000000 && h.done == h.total));
		if (!ret)
			ctrans_model_close(model);
	}
	tmp_remove();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("load");
	TCase *t = tcase_create("threads");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, by_output, 0, 2);
	tcase_add_loop_test(t, by_input, 0, 2);
	tcase_add_test(t, first_fault);
	tcase_add_test(t, progress);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
