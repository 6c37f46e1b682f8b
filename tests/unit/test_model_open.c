// SPDX-License-Identifier: MIT
/* The committed models in every format, and paths that are no model. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/stream.h"
#include "model_help.h"

static struct ct_model *open_ok(const char *path)
{
	struct ct_err err = { 0 };
	struct ct_model *m = NULL;
	int code = ct_model_open(path, &m, &err);

	ck_assert_msg(code == 0, "%s", err.msg);
	return m;
}

static void open_fails(const char *path, int want, const char *text)
{
	struct ct_err err = { 0 };
	struct ct_model *m = NULL;
	int code = ct_model_open(path, &m, &err);

	ck_assert_msg(code == want && err.code == want &&
		      strstr(err.msg, text),
		      "wanted %d \"%s\", got %d \"%s\"", want, text, code,
		      err.msg);
	ck_assert_ptr_null(m);
}

static const struct {
	const char *name, *mix;
	bool tied;
	uint32_t embd, layers, heads, inner, files;
	uint64_t params;
	enum ct_tokenizer_kind tokenizer;
} models[] = {
	{ "hf_f32", "F32", true, 8, 2, 2, 32, 1, 3968, CT_TOKENIZER_HF_BPE },
	{ "hf_f16", "F16", true, 8, 2, 2, 32, 1, 3968, CT_TOKENIZER_HF_BPE },
	{ "hf_bf16_shards", "BF16", false, 12, 2, 3, 20, 3, 8752,
	  CT_TOKENIZER_HF_BPE },
	{ "f32.gguf", "F32", true, 8, 2, 2, 32, 1, 3968, CT_TOKENIZER_GGUF },
	{ "f16.gguf", "F16+F32", true, 8, 2, 2, 32, 1, 3968,
	  CT_TOKENIZER_GGUF },
	{ "bf16.gguf", "BF16+F32", false, 8, 2, 2, 32, 1, 6048,
	  CT_TOKENIZER_GGUF },
	{ "q8_0.gguf", "Q8_0+F32", true, 32, 1, 4, 32, 1, 15360,
	  CT_TOKENIZER_GGUF },
	{ "q4_0.gguf", "Q4_0+F32", true, 32, 1, 4, 32, 1, 15360,
	  CT_TOKENIZER_GGUF },
};

START_TEST(every_format)
{
	struct ct_read_opts small = { .depth = 3, .buffer = 100 };
	struct ct_model *m = open_ok(data_path(models[_i].name));
	const struct ct_config *c = &m->weights.cfg;
	uint64_t params = 0, bytes = 0;
	struct ct_model_info info;
	char mix[64];

	ck_assert_uint_eq(c->n_vocab, 260);
	ck_assert_uint_eq(c->n_embd, models[_i].embd);
	ck_assert_uint_eq(c->n_layer, models[_i].layers);
	ck_assert_uint_eq(c->n_head, models[_i].heads);
	ck_assert_uint_eq(c->n_inner, models[_i].inner);
	ck_assert_float_eq(c->ln_eps, 1e-5f);
	ck_assert_int_eq(c->bos_id, 259);
	ck_assert_int_eq(c->eos_id, 259);
	ck_assert(c->tied_head == models[_i].tied);
	ck_assert(c->scale_attn && !c->scale_attn_by_inverse_layer);

	ct_model_describe(m, &info);
	ct_model_dtype_mix(&info, mix, sizeof(mix));
	ck_assert_str_eq(mix, models[_i].mix);
	ck_assert_uint_eq(m->files.n, models[_i].files);
	for (int d = 0; d < CT_N_DTYPES; d++)
		params += info.n_params[d];
	ck_assert_uint_eq(params, models[_i].params);
	ck_assert_uint_eq(params, ct_config_n_params(c));
	for (uint32_t i = 0; i < m->files.n; i++)
		bytes += m->files.v[i].size;
	ck_assert_uint_ge(bytes, info.bytes);
	ck_assert_int_eq(m->tokenizer, models[_i].tokenizer);

	check_weights(m, NULL);
	check_weights(m, &small);
	setenv("CTRANS_NO_IO_URING", "1", 1);
	check_weights(m, NULL);
	check_weights(m, &small);
	ct_model_close(m);
}
END_TEST

START_TEST(details)
{
	struct ct_model *m = open_ok(data_path("hf_f32"));
	const struct ct_matrix *qkv;
	float *w;

	ck_assert_uint_eq(m->weights.cfg.n_eos, 2);
	ck_assert_uint_eq(m->weights.cfg.eos_ids[1], 10);
	ck_assert_int_eq(m->weights.cfg.act, CT_ACT_GELU_TANH);
	qkv = ct_weights_matrix(&m->weights, CT_QKV, 1);
	ck_assert(qkv->in_major);
	ck_assert_uint_eq(qkv->n_out, 24);
	w = malloc(24 * 8 * sizeof(*w));
	ck_assert_int_eq(ct_matrix_read(qkv, &m->files, w, NULL), 0);
	ck_assert_float_eq(w[3 * 24 + 7],
			   expected_weight(CT_QKV, 1, 7, 3, false));
	free(w);
	ct_model_close(m);

	m = open_ok(data_path("hf_bf16_shards"));
	ck_assert_int_eq(m->weights.cfg.act, CT_ACT_RELU);
	ck_assert_uint_eq(m->weights.cfg.n_ctx, 10);
	ck_assert_str_eq(ct_weights_matrix(&m->weights, CT_LM_HEAD, 0)->t.name, "lm_head.weight");
	ct_model_close(m);

	m = open_ok(data_path("f16.gguf"));
	ck_assert(!ct_weights_matrix(&m->weights, CT_QKV, 0)->in_major);
	ck_assert_int_eq(ct_weights_matrix(&m->weights, CT_QKV, 0)->t.dtype, CT_F16);
	ck_assert_int_eq(ct_weights_matrix(&m->weights, CT_WPE, 0)->t.dtype, CT_F32);
	ct_model_close(m);
}
END_TEST

START_TEST(embedded_tokenizer)
{
	struct ct_model *m = open_ok(data_path("q8_0.gguf"));
	const struct ct_vocab *v = &m->vocab;

	ck_assert_str_eq(v->model, "gpt2");
	ck_assert_str_eq(v->pre, "gpt-2");
	ck_assert_uint_eq(v->n_tokens, 260);
	ck_assert_uint_eq(v->n_merges, 3);
	ck_assert_mem_eq(v->merges[1].ptr, "h e", v->merges[1].len);
	ck_assert_uint_eq(v->tokens[259].len, 13);
	ck_assert_mem_eq(v->tokens[259].ptr, "<|endoftext|>", 13);
	ck_assert_int_eq(v->types[258], CT_TOKEN_NORMAL);
	ck_assert_int_eq(v->types[259], CT_TOKEN_CONTROL);
	ck_assert_int_eq(v->eos_id, 259);
	ck_assert_int_eq(v->unk_id, -1);
	ct_model_close(m);

	ck_assert_int_eq(ct_model_open_tokenizer(data_path("q8_0.gguf"), &m,
						 NULL), 0);
	ck_assert(!m->has_weights);
	ck_assert_uint_eq(m->vocab.n_tokens, 260);
	ct_model_close(m);
	ck_assert_int_eq(ct_model_open_tokenizer(data_path("hf_f16"), &m,
						 NULL), 0);
	ck_assert_int_eq(m->tokenizer, CT_TOKENIZER_HF_BPE);
	ct_model_close(m);
	ck_assert_int_eq(ct_model_open_tokenizer(data_path(""), &m, NULL),
			 -ENOENT);
	ck_assert_int_eq(ct_model_open_tokenizer(data_path("no/such"), &m,
						 NULL), -ENOENT);
}
END_TEST

static void *read_often(void *arg)
{
	const struct ct_model *m = arg;
	const struct ct_matrix *wte = ct_weights_matrix(&m->weights, CT_WTE, 0);
	float w[260 * 8];
	intptr_t wrong = 0;

	for (int n = 0; n < 50; n++) {
		wrong += ct_matrix_read(wte, &m->files, w, NULL) != 0;
		for (uint32_t i = 0; i < 260 * 8; i++)
			wrong += w[i] != expected_weight(CT_WTE, 0, i / 8,
							 i % 8, false);
	}
	return (void *)wrong;
}

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define TSAN	1
#else
#define TSAN	0
#endif

START_TEST(threads)
{
	struct ct_model *m;
	pthread_t t[4];
	void *wrong;

	/*
	 * liburing maps and unmaps by bare system calls, which TSan does not
	 * see: a ring where another thread's was looks like a race to it.
	 */
	if (TSAN)
		setenv("CTRANS_NO_IO_URING", "1", 1);
	m = open_ok(data_path("hf_f16"));

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, read_often, m),
				 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &wrong);
		ck_assert_ptr_null(wrong);
	}
	ct_model_close(m);
}
END_TEST

#define CONFIG	"{\"model_type\":\"gpt2\",\"vocab_size\":260,\"n_embd\":8," \
		"\"n_layer\":2,\"n_head\":2,\"n_positions\":16}"

START_TEST(no_model)
{
	open_fails("/no/such/path", -ENOENT, "/no/such/path");
	open_fails("/dev/null", -EBADMSG, "not a regular file");
	open_fails(tmp_path("."), -ENOENT, "no config.json");
	open_fails(tmp_text("empty", ""), -EBADMSG, "empty");
	open_fails(tmp_text("x.txt", "hello"), -EBADMSG, "not a GGUF file");
	open_fails(tmp_text("short", "GG"), -EBADMSG, "not a GGUF file");
	open_fails(data_path("hf_f32/model.safetensors"), -EBADMSG,
		   "give the directory");
	mkfifo(tmp_path("fifo"), 0600);
	open_fails(tmp_path("fifo"), -EBADMSG, "not a regular file");
}
END_TEST

START_TEST(bad_directories)
{
	tmp_text("config.json", "");
	open_fails(tmp_path("."), -EBADMSG, "config.json: it is empty");
	tmp_text("config.json", "{\"model_type\": \"llama\"}");
	open_fails(tmp_path("."), -ENOTSUP, "\"llama\"");
	tmp_text("config.json", CONFIG);
	open_fails(tmp_path("."), -ENOENT, "no model.safetensors");
	tmp_text("pytorch_model.bin", "x");
	open_fails(tmp_path("."), -ENOTSUP, "convert it to safetensors");
	tmp_text("generation_config.json", "[]");
	open_fails(tmp_path("."), -EBADMSG, "generation_config.json");
}
END_TEST

/* A directory with the good weights, whole or cut, and another config. */
static void weights_with(const char *config, size_t cut, long grow)
{
	size_t n;
	uint8_t *v = slurp(data_path("hf_f32/model.safetensors"), &n);

	tmp_text("config.json", config);
	if (grow) {
		v = realloc(v, n + (size_t)grow);
		memset(v + n, 0, (size_t)grow);
		n += (size_t)grow;
	}
	tmp_write("model.safetensors", v, cut ? cut : n);
	free(v);
}

START_TEST(config_against_weights)
{
	static const struct {
		const char *from, *to, *text;
		int code;
	} t[] = {
		{ "260", "261", "transformer.wte.weight has shape [260, 8], but the configuration asks for [261, 8]", -EBADMSG },
		{ "\"n_embd\":8", "\"n_embd\":10", "[260, 10]", -EBADMSG },
		{ "\"n_layer\":2", "\"n_layer\":3", "transformer.h.2.ln_1.weight is missing", -ENOENT },
		{ "\"n_layer\":2", "\"n_layer\":1", "only 1 layers", -EBADMSG },
		{ "\"n_layer\":2", "\"n_layer\":4000", "h.2.ln_1.weight is missing", -ENOENT },
		{ "\"n_head\":2", "\"n_head\":3", "does not divide", -EBADMSG },
		{ "\"n_positions\":16", "\"n_positions\":17", "wpe.weight", -EBADMSG },
		{ "\"n_head\":2", "\"n_head\":2,\"n_inner\":16", "c_fc.weight", -EBADMSG },
	};
	char config[256], *at;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		at = strstr(CONFIG, t[i].from);
		snprintf(config, sizeof(config), "%.*s%s%s",
			 (int)(at - CONFIG), CONFIG, t[i].to,
			 at + strlen(t[i].from));
		weights_with(config, 0, 0);
		open_fails(tmp_path("."), t[i].code, t[i].text);
	}
	weights_with(CONFIG, 20000, 0);
	open_fails(tmp_path("."), -EBADMSG, "but the file has 20000 bytes");
	weights_with(CONFIG, 1000, 0);
	open_fails(tmp_path("."), -EBADMSG, "truncated");
	weights_with(CONFIG, 7, 0);
	open_fails(tmp_path("."), -EBADMSG, "too few");
	weights_with(CONFIG, 0, 5);
	open_fails(tmp_path("."), -EBADMSG, "model.safetensors: the tensors end");
	weights_with(CONFIG, 0, 0);
	ct_model_close(open_ok(tmp_path(".///")));
}
END_TEST

START_TEST(untied)
{
	struct ct_model *m;

	/* The file has a head, the same as wte: tied whatever config says. */
	weights_with("{\"model_type\":\"gpt2\",\"vocab_size\":260,\"n_embd\":8,"
		     "\"n_layer\":2,\"n_head\":2,\"n_positions\":16,"
		     "\"tie_word_embeddings\":false}", 0, 0);
	m = open_ok(tmp_path("."));
	ck_assert(m->weights.cfg.tied_head);
	ck_assert_uint_eq(ct_weights_matrix(&m->weights, CT_LM_HEAD, 0)->t.offset,
			  ct_weights_matrix(&m->weights, CT_WTE, 0)->t.offset);
	ct_model_close(m);
}
END_TEST

static void copy_shards(const char *index)
{
	static const char *const names[] = {
		"config.json", "model-00001-of-00003.safetensors",
		"model-00002-of-00003.safetensors",
		"model-00003-of-00003.safetensors",
	};
	char from[128];
	size_t n;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint8_t *v;

		snprintf(from, sizeof(from), "hf_bf16_shards/%s", names[i]);
		v = slurp(data_path(from), &n);
		tmp_write(names[i], v, n);
		free(v);
	}
	tmp_text("model.safetensors.index.json", index);
}

START_TEST(bad_shards)
{
#define A "\"model-00001-of-00003.safetensors\""
#define B "\"model-00002-of-00003.safetensors\""
	static const struct {
		const char *index, *text;
		int code;
	} t[] = {
		{ "{}", "weight_map", -EBADMSG },
		{ "{\"weight_map\":[]}", "weight_map", -EBADMSG },
		{ "{\"weight_map\":{}}", "empty", -EBADMSG },
		{ "{\"weight_map\":{\"x\":1}}", "tensor x", -EBADMSG },
		{ "{\"weight_map\":{\"x\":\"../y\"}}", "\"../y\" is not the name", -EBADMSG },
		{ "{\"weight_map\":{\"x\":\"\"}}", "is not the name", -EBADMSG },
		{ "{\"weight_map\":{\"x\":\"..\"}}", "is not the name", -EBADMSG },
		{ "{\"weight_map\":{\"x\":\"gone.safetensors\"}}", "gone.safetensors: cannot open", -ENOENT },
		{ "{\"weight_map\":{\"x\":" A "}}", "tensor x is not in model-00001", -EBADMSG },
		{ "{\"weight_map\":{\"transformer.wte.weight\":" B ",\"y\":" A "}}", "is not in model-00002", -EBADMSG },
		{ "{\"weight_map\":{\"transformer.wte.weight\":" A "}}", "transformer.wpe.weight is missing", -ENOENT },
		{ "{", "index.json: not JSON", -EBADMSG },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		copy_shards(t[i].index);
		open_fails(tmp_path("."), t[i].code, t[i].text);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("model_open");
	TCase *good = tcase_create("good"), *bad = tcase_create("bad");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(good, every_format, 0,
			    sizeof(models) / sizeof(models[0]));
	tcase_add_test(good, details);
	tcase_add_test(good, embedded_tokenizer);
	tcase_add_test(good, threads);
	suite_add_tcase(s, good);
	tcase_add_checked_fixture(bad, tmp_make, tmp_remove);
	tcase_add_test(bad, no_model);
	tcase_add_test(bad, bad_directories);
	tcase_add_test(bad, config_against_weights);
	tcase_add_test(bad, untied);
	tcase_add_test(bad, bad_shards);
	suite_add_tcase(s, bad);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
