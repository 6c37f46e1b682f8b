// SPDX-License-Identifier: MIT
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/config.h"

#define SIZES	"\"vocab_size\":100,\"n_embd\":8,\"n_layer\":2,\"n_head\":2," \
		"\"n_positions\":16"
#define GPT2	"{\"model_type\":\"gpt2\"," SIZES

static int parse(const char *text, struct ct_config *c,
		 struct ct_err *err)
{
	/* Exactly its bytes, so that a read beyond the end is caught. */
	size_t n = strlen(text);
	char *copy = malloc(n ? n : 1);
	int code;

	memcpy(copy, text, n);
	code = ct_config_json(copy, n, c, err);
	free(copy);
	return code;
}

static const struct {
	const char *json;
	int code;
	const char *text;
} bad[] = {
	{ "", -EBADMSG, "not JSON" },
	{ "{", -EBADMSG, "not JSON" },
	{ "{\"model_type\":\"gpt2\"} {}", -EBADMSG, "something follows" },
	{ "{}", -ENOENT, "\"model_type\" is missing" },
	{ "{\"model_type\":7}", -EBADMSG, "\"model_type\" is not a string" },
	{ "{\"model_type\":\"bart\"}", -ENOTSUP, "architecture \"bart\"" },
	{ "{\"architectures\":[\"BloomModel\"]}", -ENOTSUP, "\"BloomModel\"" },
	{ "{\"architectures\":[]}", -ENOENT, "\"model_type\" is missing" },
	{ "{\"model_type\":\"gpt2\"}", -ENOENT, "\"vocab_size\" is missing" },
	{ "{\"model_type\":\"gpt2\",\"vocab_size\":100,\"n_embd\":8,"
	  "\"n_layer\":2,\"n_head\":2}", -ENOENT, "\"n_positions\"" },
	{ GPT2 ",\"n_layer\":2}", -EBADMSG, "\"n_layer\" occurs twice" },
	{ "{\"model_type\":\"gpt2\",\"vocab_size\":1.5}", -EBADMSG,
	  "vocab_size is 1.5" },
	{ "{\"model_type\":\"gpt2\",\"vocab_size\":-1}", -EBADMSG,
	  "vocab_size is -1" },
	{ "{\"model_type\":\"gpt2\",\"vocab_size\":1e400}", -EBADMSG,
	  "vocab_size" },
	{ "{\"model_type\":\"gpt2\",\"vocab_size\":5e9}", -E2BIG,
	  "vocab_size is 5000000000" },
	{ "{\"model_type\":\"gpt2\",\"vocab_size\":\"9\"}", -EBADMSG,
	  "vocab_size is not a number" },
	{ GPT2 ",\"n_inner\":0}", -EBADMSG, "inner length is 0" },
	{ GPT2 ",\"n_inner\":1000000}", -E2BIG, "inner length is 1000000" },
	{ GPT2 ",\"activation_function\":\"tanh\"}", -ENOTSUP, "\"tanh\"" },
	{ GPT2 ",\"layer_norm_epsilon\":\"x\"}", -EBADMSG,
	  "\"layer_norm_epsilon\"" },
	{ GPT2 ",\"layer_norm_epsilon\":-1}", -EBADMSG, "epsilon" },
	{ GPT2 ",\"layer_norm_epsilon\":1e300}", -EBADMSG, "epsilon" },
	{ GPT2 ",\"tie_word_embeddings\":1}", -EBADMSG,
	  "\"tie_word_embeddings\" is not true or false" },
	{ GPT2 ",\"add_cross_attention\":true}", -ENOTSUP, "cross attention" },
	{ GPT2 ",\"pruned_heads\":{\"0\":[1]}}", -ENOTSUP, "pruned heads" },
	{ GPT2 ",\"bos_token_id\":\"x\"}", -EBADMSG,
	  "bos_token_id is not a number" },
	{ GPT2 ",\"eos_token_id\":[1,2.5]}", -EBADMSG, "eos_token_id is 2.5" },
	{ GPT2 ",\"eos_token_id\":[0,1,2,3,4,5,6,7,8]}", -E2BIG,
	  "more than 8" },
	{ "{\"model_type\":\"gpt2\",\"n_embd\":4294967295,\"vocab_size\":1,"
	  "\"n_layer\":1,\"n_head\":1,\"n_positions\":1}", -E2BIG, "n_embd" },
	{ "{\"model_type\":\"gpt2\",\"vocab_size\":100,\"n_embd\":8,"
	  "\"n_layer\":2,\"n_head\":16,\"n_positions\":9}", -EBADMSG,
	  "head length is 0" },
	{ "{\"model_type\":\"\\u001b[2J\"}", -ENOTSUP, "\"?[2J\"" },
};

START_TEST(refused)
{
	struct ct_config c;
	struct ct_err err = { 0 };
	int code = parse(bad[_i].json, &c, &err);

	ck_assert_msg(code == bad[_i].code && strstr(err.msg, bad[_i].text),
		      "%s: %d \"%s\"", bad[_i].json, code, err.msg);
}
END_TEST

START_TEST(defaults)
{
	struct ct_config c;

	ck_assert_int_eq(parse(GPT2 "}", &c, NULL), 0);
	ck_assert_uint_eq(c.n_vocab, 100);
	ck_assert_uint_eq(c.n_ctx, 16);
	ck_assert_uint_eq(c.n_inner, 32);
	ck_assert_float_eq(c.ln_eps, 1e-5f);
	ck_assert_int_eq(c.act, CT_ACT_GELU_TANH);
	ck_assert(c.tied_head && c.scale_attn);
	ck_assert(!c.scale_attn_by_inverse_layer);
	ck_assert_int_eq(c.bos_id, -1);
	ck_assert_int_eq(c.eos_id, -1);

	/* GPT2Config's own ids where the vocabulary has them. */
	ck_assert_int_eq(parse("{\"architectures\":[\"GPT2LMHeadModel\"],"
			       "\"vocab_size\":50257,\"hidden_size\":8,"
			       "\"num_hidden_layers\":2,\"n_inner\":null,"
			       "\"num_attention_heads\":2,\"n_ctx\":9,"
			       "\"max_position_embeddings\":16}", &c, NULL), 0);
	ck_assert_int_eq(c.bos_id, 50256);
	ck_assert_int_eq(c.eos_id, 50256);
	ck_assert_uint_eq(c.n_eos, 1);
	ck_assert_uint_eq(c.n_ctx, 16);
}
END_TEST

START_TEST(settings)
{
	static const struct {
		const char *name;
		enum ct_act act;
	} acts[] = {
		{ "gelu_new", CT_ACT_GELU_TANH },
		{ "gelu_fast", CT_ACT_GELU_TANH },
		{ "gelu_pytorch_tanh", CT_ACT_GELU_TANH },
		{ "gelu", CT_ACT_GELU_ERF },
		{ "relu", CT_ACT_RELU },
		{ "silu", CT_ACT_SILU },
		{ "swish", CT_ACT_SILU },
	};
	struct ct_config c;
	char text[512];

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		strcpy(text, GPT2 ",\"activation_function\":\"");
		strcat(text, acts[i].name);
		strcat(text, "\"}");
		ck_assert_int_eq(parse(text, &c, NULL), 0);
		ck_assert_int_eq(c.act, acts[i].act);
	}

	ck_assert_int_eq(parse(GPT2 ",\"scale_attn_weights\":false,"
			       "\"scale_attn_by_inverse_layer_idx\":true,"
			       "\"tie_word_embeddings\":false,\"n_inner\":7,"
			       "\"pruned_heads\":{},\"bos_token_id\":3,"
			       "\"eos_token_id\":[5,6,5]}", &c, NULL), 0);
	ck_assert(!c.scale_attn && c.scale_attn_by_inverse_layer);
	ck_assert(!c.tied_head);
	ck_assert_uint_eq(c.n_inner, 7);
	ck_assert_int_eq(c.bos_id, 3);
	ck_assert_int_eq(c.eos_id, 5);
	ck_assert_uint_eq(c.n_eos, 2);
	ck_assert_uint_eq(c.eos_ids[1], 6);

	/* Ids that no step can produce are none. */
	ck_assert_int_eq(parse(GPT2 ",\"bos_token_id\":100,"
			       "\"eos_token_id\":-1}", &c, NULL), 0);
	ck_assert_int_eq(c.bos_id, -1);
	ck_assert_int_eq(c.eos_id, -1);
	ck_assert_uint_eq(c.n_eos, 0);
}
END_TEST

START_TEST(generation)
{
	struct ct_config c;
	struct ct_err err = { 0 };
	const char *text = "{\"eos_token_id\":[7,9],\"temperature\":0.5}";

	parse(GPT2 ",\"bos_token_id\":3,\"eos_token_id\":5}", &c, NULL);
	ck_assert_int_eq(ct_config_generation(text, strlen(text), &c,
						   &err), 0);
	ck_assert_int_eq(c.bos_id, 3);
	ck_assert_int_eq(c.eos_id, 7);
	ck_assert_uint_eq(c.n_eos, 2);
	text = "{\"bos_token_id\":null,\"eos_token_id\":null}";
	ck_assert_int_eq(ct_config_generation(text, strlen(text), &c,
						   &err), 0);
	ck_assert_int_eq(c.bos_id, -1);
	ck_assert_int_eq(c.eos_id, -1);
	text = "{\"eos_token_id\":{}}";
	ck_assert_int_eq(ct_config_generation(text, strlen(text), &c,
						   &err), -EBADMSG);
}
END_TEST

START_TEST(shapes)
{
	/* As published: 124, 355, 774 and 1558 million. */
	static const struct {
		const char *name;
		uint64_t params;
	} s[] = {
		{ "gpt2", 124439808 },
		{ "gpt2-medium", 354823168 },
		{ "gpt2-large", 774030080 },
		{ "gpt2-xl", 1557611200 },
	};
	struct ct_config c;
	struct ct_err err = { 0 };

	for (size_t i = 0; i < sizeof(s) / sizeof(s[0]); i++) {
		ck_assert_int_eq(ct_config_shape(s[i].name, &c, &err), 0);
		ck_assert_int_eq(ct_config_check(&c, &err), 0);
		ck_assert_uint_eq(ct_config_n_params(&c), s[i].params);
	}
	ck_assert_int_eq(ct_config_shape("gpt3", &c, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "gpt2-xl"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("model_config");
	TCase *t = tcase_create("config");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(t, refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, defaults);
	tcase_add_test(t, settings);
	tcase_add_test(t, generation);
	tcase_add_test(t, shapes);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
