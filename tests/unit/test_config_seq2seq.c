// SPDX-License-Identifier: MIT
/* config.json and generation_config.json of T5, mT5 and FSMT, good and hostile. */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/config.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static int parse(const char *text, struct ct_config *c, struct ct_err *err)
{
	size_t n = strlen(text);
	char *copy = malloc(n ? n : 1);
	int code;

	memcpy(copy, text, n);
	code = ct_config_json(copy, n, c, err);
	free(copy);
	return code;
}

struct field {
	const char *key, *value;
	bool required;
	bool one_is_bad;	/* as other fields are */
};

static const struct field t5[] = {
	{ "vocab_size", "100", true, true }, { "d_model", "16", true, false },
	{ "d_kv", "6", true, false }, { "d_ff", "20", true, false },
	{ "num_layers", "2", true, false }, { "num_decoder_layers", "3", false, false },
	{ "num_heads", "2", true, false }, { "n_positions", "64", false, false },
	{ "relative_attention_num_buckets", "32", false, true },
	{ "relative_attention_max_distance", "128", false, true },
};

static const struct field fsmt[] = {
	{ "src_vocab_size", "61", true, false }, { "tgt_vocab_size", "73", true, true },
	{ "d_model", "24", true, true }, { "max_position_embeddings", "48", false, false },
	{ "encoder_layers", "2", true, false }, { "decoder_layers", "3", true, false },
	{ "encoder_attention_heads", "4", true, false },
	{ "decoder_attention_heads", "3", true, false },
	{ "encoder_ffn_dim", "20", true, false }, { "decoder_ffn_dim", "28", true, false },
};

static const struct {
	const char *type;
	const struct field *fields;
	size_t n;
} families[] = {
	{ "t5", t5, N(t5) }, { "mt5", t5, N(t5) }, { "fsmt", fsmt, N(fsmt) },
};

/* Field @at as @value, or, if that is NULL, left out; then @more. */
static int with(size_t family, size_t at, const char *value, const char *more,
		struct ct_config *c, struct ct_err *err)
{
	char text[2048];
	size_t len;

	len = (size_t)snprintf(text, sizeof(text), "{\"model_type\":\"%s\"",
			       families[family].type);
	for (size_t i = 0; i < families[family].n; i++) {
		const struct field *f = &families[family].fields[i];

		if (i != at || value)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
						",\"%s\":%s", f->key,
						i == at ? value : f->value);
	}
	snprintf(text + len, sizeof(text) - len, "%s}", more);
	return parse(text, c, err);
}

START_TEST(test_fields)
{
	static const struct {
		const char *value;
		int code;
	} bad[] = {
		{ "-1", -EBADMSG }, { "1.5", -EBADMSG }, { "\"7\"", -EBADMSG },
		{ "[]", -EBADMSG }, { "true", -EBADMSG }, { "{}", -EBADMSG },
		{ "1e300", -EBADMSG }, { "4294967295", -E2BIG },
		{ "9007199254740992", -E2BIG },
	};
	struct ct_config c;
	struct ct_err err;

	for (size_t at = 0; at < families[_i].n; at++) {
		const struct field *f = &families[_i].fields[at];
		int code;

		ck_assert_int_eq(with(_i, at, f->value, "", &c, &err), 0);
		code = with(_i, at, NULL, "", &c, &err);
		ck_assert_msg(code == (f->required ? -ENOENT : 0), "%s: %d", f->key, code);
		if (code)
			ck_assert_ptr_nonnull(strstr(err.msg, f->key));
		code = with(_i, at, "null", "", &c, &err);
		ck_assert_msg(code == (f->required ? -ENOENT : 0), "%s: %d", f->key, code);
		for (size_t i = 0; i < N(bad); i++) {
			code = with(_i, at, bad[i].value, "", &c, &err);
			ck_assert_msg(code == bad[i].code || code == -E2BIG ||
				      (bad[i].code == -E2BIG && code == -EBADMSG),
				      "%s %s: %d %s", f->key, bad[i].value, code, err.msg);
			ck_assert_uint_gt(strlen(err.msg), 0);
		}
		code = with(_i, at, "0", "", &c, &err);
		ck_assert_msg(code == -EBADMSG || !f->required, "%s 0: %d", f->key, code);
		if (!code)
			ck_assert_int_eq(ct_config_check(&c, &err), 0);
		code = with(_i, at, "1", "", &c, &err);
		ck_assert_msg(f->one_is_bad || !code, "%s 1: %s", f->key, err.msg);
		if (!code)
			ck_assert_int_eq(ct_config_check(&c, &err), 0);
	}
}
END_TEST

static const struct {
	size_t family;
	const char *more, *text;
	int code;
} bad[] = {
	{ 0, ",\"feed_forward_proj\":\"gated-tanh\"", "gated-tanh", -ENOTSUP },
	{ 0, ",\"feed_forward_proj\":\"gated-\"", "gated-", -ENOTSUP },
	{ 0, ",\"feed_forward_proj\":7", "feed_forward_proj", -EBADMSG },
	{ 0, ",\"tie_word_embeddings\":\"no\"", "tie_word_embeddings", -EBADMSG },
	{ 0, ",\"layer_norm_epsilon\":2", "epsilon", -EBADMSG },
	{ 0, ",\"layer_norm_epsilon\":-1", "epsilon", -EBADMSG },
	{ 0, ",\"eos_token_id\":\"x\"", "eos_token_id", -EBADMSG },
	{ 0, ",\"pad_token_id\":1.5", "pad_token_id", -EBADMSG },
	{ 0, ",\"decoder_start_token_id\":{}", "decoder_start_token_id", -EBADMSG },
	{ 0, ",\"d_kv\":6", "occurs twice", -EBADMSG },
	{ 2, ",\"activation_function\":\"tanh\"", "tanh", -ENOTSUP },
	{ 2, ",\"scale_embedding\":1", "scale_embedding", -EBADMSG },
	{ 2, ",\"decoder_start_token_id\":-2", "decoder_start_token_id", -EBADMSG },
};

START_TEST(test_bad)
{
	struct ct_config c;
	struct ct_err err = { 0 };
	int code = with(bad[_i].family, SIZE_MAX, NULL, bad[_i].more, &c, &err);

	ck_assert_msg(code == bad[_i].code && strstr(err.msg, bad[_i].text),
		      "%s: %d \"%s\"", bad[_i].more, code, err.msg);
}
END_TEST

/* Widths that only together are too wide, and heads that do not fit. */
START_TEST(test_together)
{
	struct ct_config c;
	struct ct_err err;

	ck_assert_int_eq(with(0, 2, "65536", "", &c, &err), -E2BIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "heads"));
	ck_assert_int_eq(with(2, 6, "5", "", &c, &err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.msg, "does not divide"));
	ck_assert_int_eq(with(2, 7, "25", "", &c, &err), -EBADMSG);
	ck_assert_int_eq(with(0, 8, "30", "", &c, &err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.msg, "buckets"));
	ck_assert_int_eq(with(0, 9, "16", "", &c, &err), -EBADMSG);
	ck_assert_int_eq(with(0, 9, "17", "", &c, &err), 0);
}
END_TEST

START_TEST(test_t5)
{
	struct ct_config c;
	struct ct_err err;

	ck_assert_int_eq(with(0, SIZE_MAX, NULL, "", &c, &err), 0);
	ck_assert_int_eq(c.arch, CT_ARCH_T5);
	ck_assert_uint_eq(c.n_layer, 3);
	ck_assert_uint_eq(c.enc.n_layer, 2);
	ck_assert_uint_eq(c.head_dim, 6);
	ck_assert(c.rms_norm && !c.post_norm && !c.biases && !c.gated && c.tied_head &&
		  c.shared_table && !c.scale_attn);
	ck_assert_int_eq(c.act, CT_ACT_RELU);
	ck_assert_int_eq(c.positions, CT_POSITIONS_RELATIVE);
	ck_assert_float_eq(c.head_factor, 0.25f);
	ck_assert_float_eq(c.ln_eps, 1e-6f);
	ck_assert_int_eq(c.start_id, 0);
	ck_assert_int_eq(c.pad_id, 0);
	ck_assert_int_eq(c.eos_id, 1);
	ck_assert_int_eq(c.bos_id, -1);
	ck_assert_int_eq(with(0, 5, NULL, ",\"feed_forward_proj\":\"gated-gelu\","
			      "\"tie_word_embeddings\":false,\"eos_token_id\":[3,4]", &c,
			      &err), 0);
	ck_assert_uint_eq(c.n_layer, 2);
	ck_assert(c.gated && !c.tied_head);
	ck_assert_int_eq(c.act, CT_ACT_GELU_TANH);
	ck_assert_float_eq(c.head_factor, 1);
	ck_assert_int_eq(c.eos_id, 3);
	ck_assert_uint_eq(c.n_eos, 2);
	ck_assert_int_eq(with(0, 5, NULL, ",\"feed_forward_proj\":\"gated-silu\"", &c,
			      &err), 0);
	ck_assert(c.gated && c.act == CT_ACT_SILU);
	ck_assert_int_eq(with(1, SIZE_MAX, NULL, "", &c, &err), 0);
	ck_assert(c.gated && !c.tied_head && c.act == CT_ACT_GELU_TANH);
}
END_TEST

START_TEST(test_fsmt)
{
	struct ct_config c;
	struct ct_err err;

	ck_assert_int_eq(with(2, SIZE_MAX, NULL, "", &c, &err), 0);
	ck_assert_int_eq(c.arch, CT_ARCH_FSMT);
	ck_assert_uint_eq(c.n_vocab, 73);
	ck_assert_uint_eq(c.enc.n_vocab, 61);
	ck_assert_uint_eq(c.head_dim, 8);
	ck_assert_uint_eq(c.enc.head_dim, 6);
	ck_assert(!c.rms_norm && c.post_norm && c.biases && !c.gated && c.tied_head &&
		  !c.shared_table && c.scale_attn);
	ck_assert_int_eq(c.positions, CT_POSITIONS_SINUSOID);
	ck_assert_uint_eq(c.first_position, 2);
	ck_assert_float_eq(c.embed_factor, sqrtf(24));
	ck_assert_int_eq(c.start_id, 2);
	ck_assert_int_eq(c.eos_id, 2);
	ck_assert_int_eq(with(2, SIZE_MAX, NULL, ",\"scale_embedding\":false,"
			      "\"activation_function\":\"gelu\",\"pad_token_id\":7,"
			      "\"tie_word_embeddings\":true", &c, &err), 0);
	ck_assert_float_eq(c.embed_factor, 1);
	ck_assert_int_eq(c.act, CT_ACT_GELU_ERF);
	ck_assert_uint_eq(c.first_position, 8);
	ck_assert(!c.shared_table);
}
END_TEST

START_TEST(test_generation)
{
	static const char *const keep[] = {
		"{}", "{\"decoder_start_token_id\":null}", "{\"num_beams\":4}",
	};
	struct ct_config c;
	struct ct_err err;
	const char *text;

	ck_assert_int_eq(with(0, SIZE_MAX, NULL, "", &c, &err), 0);
	for (size_t i = 0; i < N(keep); i++) {
		ck_assert_int_eq(ct_config_generation(keep[i], strlen(keep[i]), &c, &err),
				 0);
		ck_assert_int_eq(c.start_id, 0);
		ck_assert_int_eq(c.eos_id, 1);
	}
	text = "{\"decoder_start_token_id\":5,\"eos_token_id\":[6,7],\"pad_token_id\":8}";
	ck_assert_int_eq(ct_config_generation(text, strlen(text), &c, &err), 0);
	ck_assert_int_eq(c.start_id, 5);
	ck_assert_int_eq(c.eos_id, 6);
	ck_assert_uint_eq(c.n_eos, 2);
	text = "{\"decoder_start_token_id\":\"5\"}";
	ck_assert_int_eq(ct_config_generation(text, strlen(text), &c, &err), -EBADMSG);
	ck_assert_int_eq(c.start_id, 5);
}
END_TEST

/* Every cut of a good one is refused, or says the same. */
START_TEST(test_cut)
{
	static const char text[] =
		"{\"model_type\":\"t5\",\"vocab_size\":100,\"d_model\":16,\"d_kv\":6,"
		"\"d_ff\":20,\"num_layers\":2,\"num_heads\":2}";
	struct ct_config c;
	struct ct_err err;

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		char *copy = malloc(n ? n : 1);

		memcpy(copy, text, n);
		ck_assert_int_eq(ct_config_json(copy, n, &c, &err), -EBADMSG);
		free(copy);
	}
	ck_assert_int_eq(ct_config_json(text, sizeof(text) - 1, &c, &err), 0);
}
END_TEST

/* As published; T5's own counts leave out nothing. */
START_TEST(test_shapes)
{
	static const struct {
		const char *name;
		uint64_t parameters;
	} shapes[] = {
		{ "t5-small", 60506624 }, { "t5-base", 222903552 },
		{ "mt5-small", 300176768 },
	};
	struct ct_config c;
	struct ct_err err;

	for (size_t i = 0; i < N(shapes); i++) {
		ck_assert_int_eq(ct_config_shape(shapes[i].name, &c, &err), 0);
		ck_assert_int_eq(ct_config_check(&c, &err), 0);
		ck_assert_uint_eq(ct_config_n_params(&c), shapes[i].parameters);
	}
	ck_assert_int_eq(ct_config_shape("fsmt", &c, &err), 0);
	ck_assert_int_eq(ct_config_check(&c, &err), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_seq2seq");
	TCase *t = tcase_create("config");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(t, test_fields, 0, N(families));
	tcase_add_loop_test(t, test_bad, 0, N(bad));
	tcase_add_test(t, test_together);
	tcase_add_test(t, test_t5);
	tcase_add_test(t, test_fsmt);
	tcase_add_test(t, test_generation);
	tcase_add_test(t, test_cut);
	tcase_add_test(t, test_shapes);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
