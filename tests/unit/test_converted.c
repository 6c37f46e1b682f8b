// SPDX-License-Identifier: MIT
/*
 * Converted files: the same model as the source, whatever it was; and of one
 * that is damaged, cut or of another kind, one clear error.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip_must.h"
#include "converted_help.h"
#include "engine/core_impl.h"
#include "model_help.h"
#include "text/tokenizer.h"

static const char *const models[] = {
	"hf_f32", "hf_f16", "hf_bf16_shards", "f32.gguf", "f16.gguf", "bf16.gguf",
	"q8_0.gguf", "q4_0.gguf",
};

#define N_MODELS	(int)(sizeof(models) / sizeof(models[0]))

static void open_core(const char *path, const char *device, struct ct_core **core)
{
	struct ctrans_model_params p;
	struct ct_err err = { 0 };

	params_init(&p, device);
	ck_assert_msg(!ct_core_open(path, &p, core, &err), "%s", err.msg);
}

static void convert(const char *from, const char *to)
{
	struct ctrans_convert_params p;

	convert_params_init(&p);
	ck_assert_msg(!ctrans_convert(from, &p, to), "%s", ctrans_message());
}

/* Every byte that stays in memory. */
static void same_weights(const struct ct_core *a, const struct ct_core *b)
{
	ck_assert_uint_eq(a->weights.size, b->weights.size);
	ck_assert(!memcmp(a->weights.cpu, b->weights.cpu, a->weights.size));
}

static void same_names(const struct ct_bpe *a, const struct ct_bpe *b)
{
	ck_assert_uint_eq(ct_bpe_size(a), ct_bpe_size(b));
	for (uint32_t i = 0; i < ct_bpe_size(a); i++) {
		const char *x = "", *y = "";
		size_t n = 0, k = 0;

		ck_assert_int_eq(ct_bpe_kind(a, i), ct_bpe_kind(b, i));
		ck_assert_int_eq(ct_bpe_name(a, i, &x, &n), ct_bpe_name(b, i, &y, &k));
		ck_assert(n == k && !memcmp(x, y, n));
		ck_assert_int_eq(ct_bpe_bytes(a, i, &x, &n), ct_bpe_bytes(b, i, &y, &k));
		ck_assert(n == k && !memcmp(x, y, n));
		ck_assert_uint_eq(ct_bpe_flags(a, i), ct_bpe_flags(b, i));
	}
	ck_assert(!memcmp(ct_bpe_options_of(a), ct_bpe_options_of(b),
			  sizeof(struct ct_bpe_options)));
}

static void same_texts(const struct ct_bpe *a, const struct ct_bpe *b)
{
	char text[200];

	for (int t = 0; t < 200; t++) {
		struct ct_ids x = { 0 }, y = { 0 };

		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = (char)(t % 2 ? random() : 'a' + random() % 8);
		MUST(ct_bpe_encode(a, text, sizeof(text), 0, &x, NULL) ==
		     ct_bpe_encode(b, text, sizeof(text), 0, &y, NULL));
		ck_assert(x.n == y.n && !memcmp(x.data, y.data, 4 * x.n));
		ct_ids_free(&x);
		ct_ids_free(&y);
	}
}

/* Loading in any number of threads gives one memory, and so does a file. */
START_TEST(same_bytes)
{
	const char *path = data_path(models[_i]), *to;
	const struct ct_bpe *a, *b;
	struct ct_core *one, *other;
	char device[32];

	tmp_make();
	to = tmp_path("out.gguf");
	open_core(path, "sim:threads=1", &one);
	for (int n = 2; n < 40; n = 3 * n + 1) {
		snprintf(device, sizeof(device), "sim:threads=%d", n);
		open_core(path, device, &other);
		same_weights(one, other);
		ct_core_close(other);
	}
	convert(path, to);
	for (int n = 1; n < 8; n += 3) {
		snprintf(device, sizeof(device), "sim:threads=%d", n);
		open_core(to, device, &other);
		same_weights(one, other);
		ck_assert(!memcmp(&one->cfg, &other->cfg, sizeof(one->cfg)));
		a = ct_tokenizer_bpe(one->tokenizer);
		b = ct_tokenizer_bpe(other->tokenizer);
		ck_assert_int_eq(!a, !b);
		if (a) {
			same_names(a, b);
			same_texts(a, b);
		}
		ck_assert_int_eq(one->info.bos, other->info.bos);
		ck_assert_uint_eq(one->info.parameters, other->info.parameters);
		ct_core_close(other);
	}
	ct_core_close(one);
	tmp_remove();
}
END_TEST

/* More than a stretch of data, several reads for each thread, every role. */
START_TEST(large)
{
	struct ct_core *one, *other;
	const char *to;

	tmp_make();
	to = tmp_path("out.gguf");
	convert("shape:gpt2", to);
	open_core("shape:gpt2", "sim:threads=1", &one);
	open_core(to, "sim:threads=3", &other);
	same_weights(one, other);
	ct_core_close(one);
	ct_core_close(other);
	tmp_remove();
}
END_TEST

START_TEST(same_tokens)
{
	struct ctrans_convert_params c;
	struct ctrans_model_params p;
	struct ctrans_model *m;
	struct ctrans_model_info info;
	uint32_t a[8], b[8];
	size_t n;
	const char *to;

	tmp_make();
	to = tmp_path("out.gguf");
	params_init(&p, "sim:threads=1");
	convert_params_init(&c);
	c.thresholds = "rms";
	/* calibrated: thresholds are in the file */
	if (_i) {
		p.calibration = "abcabcabcabcabcaabbccaabbccabcabcabc";
		p.calibration_len = strlen(p.calibration);
		p.levels = 17;
		c.calibration = p.calibration;
		c.calibration_len = p.calibration_len;
		c.levels = p.levels;
		c.correct = 0;
	}
	ck_assert_int_eq(ctrans_model_open(data_path("hf_f16"), &p, &m), 0);
	n = greedy(m, a, 8);
	ctrans_model_close(m);
	ck_assert_int_eq(ctrans_convert(data_path("hf_f16"), &c, to), 0);
	params_init(&p, "sim:threads=2");
	ck_assert_int_eq(ctrans_model_open(to, &p, &m), 0);
	ck_assert_int_eq(ctrans_model_info(m, &info, sizeof(info)), 0);
	ck_assert_str_eq(info.thresholds, _i ? "calibrated" : "dynamic");
	ck_assert_str_eq(info.format, "GGUF v3, converted");
	ck_assert_uint_eq(greedy(m, b, 8), n);
	ck_assert(!memcmp(a, b, n * sizeof(*a)));
	ctrans_model_close(m);
	/* and asking again for thresholds goes before those of the file */
	if (_i) {
		params_init(&p, "sim:threads=1");
		p.calibration = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
		p.calibration_len = strlen(p.calibration);
		ck_assert_int_eq(ctrans_model_open(to, &p, &m), 0);
		ctrans_model_close(m);
	}
	tmp_remove();
}
END_TEST

/* ---- What is refused -------------------------------------------------- */

static struct image good;
static char good_path[256], bad_path[256];

static void setup(void)
{
	tmp_make();
	snprintf(good_path, sizeof(good_path), "%s", tmp_path("good.gguf"));
	snprintf(bad_path, sizeof(bad_path), "%s", tmp_path("bad.gguf"));
	convert(data_path("hf_f16"), good_path);
	good = read_image(good_path);
}

static void teardown(void)
{
	free(good.v);
	tmp_remove();
}

/* @len bytes of it: @want, in a sentence with @text, from open and from nothing else. */
static void refused(const struct image *f, size_t len, int want, const char *text)
{
	struct ctrans_model_params p;
	struct ctrans_model *m;

	write_image(bad_path, f, len);
	params_init(&p, "sim:threads=2");
	ck_assert_msg(ctrans_model_open(bad_path, &p, &m) == want &&
		      strstr(ctrans_message(), text),
		      "not %d \"%s\": %s", want, text, ctrans_message());
	ck_assert(!strncmp(ctrans_message(), bad_path, strlen(bad_path)));
}

static struct image copy(void)
{
	struct image f = { malloc(good.n), good.n };

	MUST(f.v);
	memcpy(f.v, good.v, good.n);
	return f;
}

/* One byte of a value (or of what stands @off after it), signed anew. */
static void poke(size_t at, uint8_t byte, int want, const char *text)
{
	struct image f = copy();

	ck_assert_uint_ne(f.v[at], byte);
	f.v[at] = byte;
	sign(&f);
	refused(&f, f.n, want, text);
	free(f.v);
}

#define CONFIG(key)	value_at(&good, "ctrans-gpt2." key)

START_TEST(fields)
{
	size_t name = tensor_at(&good, "blk.0.attn_qkv.weight");

	poke(value_at(&good, "ctrans.version"), 4, -ENOTSUP, "newer");
	poke(value_at(&good, "ctrans.version"), 0, -EBADMSG, "ctrans.version is 0");
	poke(value_at(&good, "ctrans.layout"), 9, -ENOTSUP, "layout 9");
	poke(value_at(&good, "ctrans.encoding") + 8, 'X', -ENOTSUP, "\"X8\"");
	poke(value_at(&good, "general.architecture") + 8, 'X', -ENOTSUP,
	     "architecture");
	poke(CONFIG("block_count"), 9, -ENOENT, "blk.");
	poke(CONFIG("block_count"), 1, -EBADMSG, "tensor");
	poke(CONFIG("block_count"), 0, -EBADMSG, "");
	poke(CONFIG("vocab_size") + 1, 9, -EBADMSG, "tensor token_embd.weight");
	poke(CONFIG("context_length") + 1, 9, -EBADMSG, "position_embd");
	poke(CONFIG("attention.head_count"), 3, -EBADMSG, "head count");
	poke(CONFIG("feed_forward_length") + 1, 9, -EBADMSG, "tensor");
	poke(CONFIG("attention.layer_norm_epsilon") + 3, 0xff, -EBADMSG, "epsilon");
	poke(CONFIG("activation") + 8, 'x', -ENOTSUP, "activation");
	poke(CONFIG("tied_head"), 0, -ENOENT, "output.weight");
	poke(CONFIG("tied_head"), 7, -EBADMSG, "");
	poke(CONFIG("eos") + 12 + 2, 9, -EBADMSG, "vocabulary");
	poke(value_at(&good, "ctrans.checksum.stretch"), 1, -EBADMSG, "stretch");
	poke(value_at(&good, "ctrans.checksum.stretch") + 3, 0x7f, -EBADMSG,
	     "stretch");
	/* 4 dimensions, 8 size, 4 type, 8 offset */
	poke(name + 4, 7, -EBADMSG, "");
	poke(name + 12, 0, -EBADMSG, "");
	poke(name + 16 + 1, 0, -EBADMSG, "");
}
END_TEST

/* Tokens, too: the header's sum is looked at before any of them. */
START_TEST(damage)
{
	struct ctrans_model_params p;
	struct ctrans_model *m;
	struct image f;
	size_t data = data_at(&good);

	for (int i = 0; i < 100; i++) {
		size_t at = data + (size_t)random() % (good.n - data);

		f = copy();
		f.v[at] ^= (uint8_t)(1 << i % 8);
		refused(&f, f.n, -EBADMSG, "damaged");
		free(f.v);
	}
	for (int i = 0; i < 300; i++) {
		size_t at = 24 + (size_t)random() % (data - 24);

		f = copy();
		f.v[at] ^= (uint8_t)(1 << i % 8);
		write_image(bad_path, &f, f.n);
		params_init(&p, "sim:threads=1");
		/* the zeros before the data belong to nothing */
		if (!ctrans_model_open(bad_path, &p, &m)) {
			ck_assert_uint_eq(good.v[at], 0);
			ctrans_model_close(m);
		}
		free(f.v);
	}
	/* a sum of the data's that is another's */
	f = copy();
	f.v[value_at(&good, "ctrans.checksum.data") + 12] ^= 1;
	sign(&f);
	refused(&f, f.n, -EBADMSG, "damaged");
	free(f.v);
}
END_TEST

/* At each section's border, and one byte to either side of it. */
START_TEST(truncation)
{
	static const char *const keys[] = {
		"general.architecture", "ctrans.version", "tokenizer.ggml.tokens",
		"tokenizer.ggml.merges", "ctrans.checksum.data",
		"ctrans.checksum.header",
	};
	size_t data = data_at(&good);

	for (size_t n = 1; n < 30; n++)
		refused(&good, n, -EBADMSG, "");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		for (int d = -1; d < 2; d++)
			refused(&good, value_at(&good, keys[i]) + (size_t)d,
				-EBADMSG, "truncated");
	for (size_t at = data; at < good.n; at += 4096)
		for (int d = -1; d < 2; d++)
			if (at + (size_t)d < good.n)
				refused(&good, at + (size_t)d, -EBADMSG, "truncated");
	refused(&good, good.n - 1, -EBADMSG, "truncated");
}
END_TEST

START_TEST(not_for_that)
{
	struct ctrans_convert_params c;
	struct ctrans_model_params p;
	struct ctrans_model *m;
	const char *from = good_path;

	params_init(&p, "sim:threads=1");
	convert_params_init(&c);
	ck_assert_int_eq(ctrans_convert(from, &c, tmp_path("again.gguf")), -EINVAL);
	ck_assert(strstr(ctrans_message(), "converted already"));
	ck_assert_int_eq(ctrans_convert(from, &c, from), -EINVAL);
	ck_assert(strstr(ctrans_message(), "another file"));
	ck_assert_int_eq(ctrans_convert(data_path("hf_f16"), &c, "/dev/null"), -EINVAL);
	ck_assert_int_eq(ctrans_convert(data_path("hf_f16"), &c, ""), -EINVAL);
	ck_assert_int_eq(ctrans_convert(NULL, &c, "x"), -EINVAL);
	ck_assert_int_eq(ctrans_convert("/nowhere", &c, "x"), -ENOENT);
	ck_assert_int_eq(ctrans_convert(data_path("hf_f16"), &c, "/nowhere/x"),
			 -ENOENT);
	p.flags = CTRANS_MODEL_F32;
	ck_assert_int_eq(ctrans_model_open(from, &p, &m), -ENOTSUP);
	ck_assert(strstr(ctrans_message(), "binary32"));
	ck_assert(access("x", F_OK));
}
END_TEST

static void copy_file(const char *from, const char *to)
{
	struct image f = read_image(from);

	write_image(to, &f, f.n);
	free(f.v);
}

/* What the model was made of is not written over, by whatever name. */
START_TEST(own_files)
{
	struct ctrans_convert_params p;
	char weights[300], name[400], other[300], from[300];
	struct image before, after;

	snprintf(from, sizeof(from), "%s", data_path("hf_f16"));
	snprintf(weights, sizeof(weights), "%s", tmp_path("model.safetensors"));
	snprintf(other, sizeof(other), "%s", tmp_path("other"));
	snprintf(name, sizeof(name), "%s/model.safetensors", from);
	copy_file(name, weights);
	snprintf(name, sizeof(name), "%s/config.json", from);
	copy_file(name, tmp_path("config.json"));
	ck_assert_int_eq(symlink(weights, other), 0);
	snprintf(from, sizeof(from), "%s", weights);
	*strrchr(from, '/') = '\0';
	before = read_image(weights);
	convert_params_init(&p);
	ck_assert_int_eq(ctrans_convert(from, &p, weights), -EINVAL);
	ck_assert(strstr(ctrans_message(), "another file"));
	ck_assert_int_eq(ctrans_convert(from, &p, other), -EINVAL);
	after = read_image(weights);
	ck_assert(before.n == after.n && !memcmp(before.v, after.v, before.n));
	free(before.v);
	free(after.v);
	/* next to them there is room */
	ck_assert_int_eq(unlink(other), 0);
	ck_assert_int_eq(ctrans_convert(from, &p, other), 0);
}
END_TEST

static int cancel(void *arg, const char *phase, uint64_t done, uint64_t total)
{
	int *left = arg;

	(void)phase;
	(void)done;
	(void)total;
	return !--*left;
}

START_TEST(cancelled)
{
	struct ctrans_convert_params p;
	const char *to = bad_path;
	int left, n;

	for (n = 1; n < 100; n++) {
		convert_params_init(&p);
		left = n;
		p.progress = cancel;
		p.progress_arg = &left;
		if (!ctrans_convert(data_path("hf_f16"), &p, to))
			break;
		ck_assert(access(to, F_OK));
	}
	/* once for reading, at least, and once for writing */
	ck_assert_int_gt(n, 2);
	ck_assert(!access(to, F_OK));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("converted");
	TCase *same = tcase_create("same"), *bad = tcase_create("refused");
	SRunner *r;
	int failed;

	tcase_set_timeout(same, 120);
	tcase_set_timeout(bad, 120);
	tcase_add_loop_test(same, same_bytes, 0, N_MODELS);
	tcase_add_test(same, large);
	tcase_add_loop_test(same, same_tokens, 0, 2);
	suite_add_tcase(s, same);
	tcase_add_checked_fixture(bad, setup, teardown);
	tcase_add_test(bad, fields);
	tcase_add_test(bad, damage);
	tcase_add_test(bad, truncation);
	tcase_add_test(bad, not_for_that);
	tcase_add_test(bad, own_files);
	tcase_add_test(bad, cancelled);
	suite_add_tcase(s, bad);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
