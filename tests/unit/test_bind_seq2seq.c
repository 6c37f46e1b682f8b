// SPDX-License-Identifier: MIT
/* Weights of T5 and FSMT under all their names, in files that are not as they should be. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_help.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define PREFIX	8u

/* The header of a file, and the file after it. */
struct file {
	char *header;
	uint8_t *data;
	size_t n_data;
};

static struct file read_file(const char *name)
{
	char path[128];
	struct file f;
	size_t n, len = 0;
	uint8_t *v;

	snprintf(path, sizeof(path), "%s/model.safetensors", name);
	v = slurp(data_path(path), &n);
	for (unsigned int i = 0; i < PREFIX; i++)
		len |= (size_t)v[i] << 8 * i;
	f.header = calloc(1, len + 4096);
	memcpy(f.header, v + PREFIX, len);
	f.n_data = n - PREFIX - len;
	f.data = malloc(f.n_data);
	memcpy(f.data, v + PREFIX + len, f.n_data);
	free(v);
	return f;
}

static void write_file(const struct file *f, const char *name, size_t cut)
{
	struct bytes b = { 0 };
	size_t len = strlen(f->header);

	put_le(&b, (len + 7) & ~(size_t)7, 8);
	put(&b, f->header, len);
	for (; len % 8; len++)
		put(&b, " ", 1);
	put(&b, f->data, f->n_data);
	tmp_write(name, b.v, cut ? cut : b.n);
	free(b.v);
}

static void free_file(struct file *f)
{
	free(f->header);
	free(f->data);
}

/* All of @from becomes @to; how many there were. */
static unsigned int rename_all(char *header, const char *from, const char *to)
{
	char *copy = strdup(header), *at = copy, *next;
	unsigned int n = 0;

	*header = '\0';
	while ((next = strstr(at, from))) {
		strncat(header, at, (size_t)(next - at));
		strcat(header, to);
		at = next + strlen(from);
		n++;
	}
	strcat(header, at);
	free(copy);
	return n;
}

static void copy_config(const char *model)
{
	char path[128];
	uint8_t *v;
	size_t n;

	snprintf(path, sizeof(path), "%s/config.json", model);
	v = slurp(data_path(path), &n);
	tmp_write("config.json", v, n);
	free(v);
}

static int open_dir(struct ct_err *err)
{
	struct ct_model *m;
	int code = ct_model_open(tmp_path("."), &m, err);

	if (!code)
		ct_model_close(m);
	return code;
}

static const struct {
	const char *model, *from, *to, *text;
	int code;
} changes[] = {
	/* other names of the same */
	{ "t5_small", "\"shared.weight\"", "\"decoder.embed_tokens.weight\"", "", 0 },
	{ "t5_small", "\"shared.weight\"", "\"encoder.embed_tokens.weight\"", "", 0 },
	{ "fsmt_small", "\"model.", "\"", "", 0 },
	{ "fsmt_small", "model.decoder.embed_tokens", "model.decoder.output_projection",
	  "", 0 },
	/* what is missing */
	{ "t5_small", "\"shared.weight\"", "\"shared\"", "shared.weight is missing", -ENOENT },
	{ "t5_small", "decoder.block.2.layer.1.EncDecAttention.v.weight", "x",
	  "decoder.block.2.layer.1.EncDecAttention.v.weight is missing", -ENOENT },
	{ "t5_small", "encoder.block.0.layer.0.SelfAttention.relative_attention_bias", "x",
	  "relative_attention_bias.weight is missing", -ENOENT },
	{ "t5_small", "decoder.final_layer_norm.weight", "x", "is missing", -ENOENT },
	{ "t5_small", "layer.1.DenseReluDense.wi.weight", "layer.1.DenseReluDense.wi_1.weight",
	  "wi.weight is missing", -ENOENT },
	{ "t5_gated", "lm_head.weight", "x", "lm_head.weight is missing, although", -ENOENT },
	{ "t5_gated", "DenseReluDense.wi_0", "DenseReluDense.wi", "wi_0.weight is missing",
	  -ENOENT },
	{ "fsmt_small", "model.encoder.layers.1.fc2.bias", "x", "fc2.bias is missing",
	  -ENOENT },
	{ "fsmt_small", "model.encoder.embed_tokens", "x",
	  "model.encoder.embed_tokens.weight is missing", -ENOENT },
	{ "fsmt_small", "encoder_attn.k_proj.weight", "x", "k_proj.weight is missing",
	  -ENOENT },
	/* what is too much */
	{ "t5_small", "encoder.block.1.layer.0.SelfAttention.q.weight",
	  "encoder.block.2.layer.0.SelfAttention.q.weight", "is missing", -ENOENT },
	/* what has another shape or type */
	{ "t5_small", "[84,16]", "[16,84]", "shared.weight has shape [16, 84]", -EBADMSG },
	{ "t5_small", "[32,2]", "[2,32]", "relative_attention_bias", -EBADMSG },
	{ "t5_small", "[16,12]", "[12,16]", "o.weight has shape", -EBADMSG },
	{ "fsmt_small", "[73,24]", "[24,73]", "decoder.embed_tokens.weight has shape",
	  -EBADMSG },
	{ "fsmt_small", "[28,24]", "[24,28]", "fc1.weight has shape", -EBADMSG },
	{ "fsmt_small", "\"BF16\"", "\"I16\"", "type I16", -ENOTSUP },
};

START_TEST(test_changed)
{
	struct file f = read_file(changes[_i].model);
	struct ct_err err = { 0 };
	int code;

	ck_assert_uint_gt(rename_all(f.header, changes[_i].from, changes[_i].to), 0);
	copy_config(changes[_i].model);
	write_file(&f, "model.safetensors", 0);
	code = open_dir(&err);
	/* a name that several have become is said so, which is as good */
	ck_assert_msg(code == changes[_i].code ||
		      (code == -EBADMSG && strstr(err.msg, "twice")),
		      "%s: %d %s", changes[_i].from, code, err.msg);
	ck_assert_msg(strstr(err.msg, changes[_i].text) || strstr(err.msg, "twice"),
		      "%s: %s", changes[_i].from, err.msg);
	free_file(&f);
}
END_TEST

/* More layers than config.json says, of either stack. */
START_TEST(test_layers)
{
	static const struct {
		const char *model, *key, *less;
	} t[] = {
		{ "t5_small", "\"num_layers\": 2", "\"num_layers\": 1" },
		{ "t5_small", "\"num_decoder_layers\": 3", "\"num_decoder_layers\": 2" },
		{ "fsmt_small", "\"encoder_layers\": 2", "\"encoder_layers\": 1" },
		{ "fsmt_small", "\"decoder_layers\": 2", "\"decoder_layers\": 1" },
	};
	struct ct_err err = { 0 };
	char path[128], *config;
	struct file f;
	uint8_t *v;
	size_t n;

	f = read_file(t[_i].model);
	write_file(&f, "model.safetensors", 0);
	snprintf(path, sizeof(path), "%s/config.json", t[_i].model);
	v = slurp(data_path(path), &n);
	config = calloc(1, n + 64);
	memcpy(config, v, n);
	ck_assert_uint_eq(rename_all(config, t[_i].key, t[_i].less), 1);
	tmp_text("config.json", config);
	ck_assert_int_eq(open_dir(&err), -EBADMSG);
	ck_assert_msg(strstr(err.msg, "layers"), "%s", err.msg);
	free(config);
	free(v);
	free_file(&f);
}
END_TEST

/* The biases of one head are a table, too: 64 buckets of the same bytes. */
START_TEST(test_one_head)
{
	static const char *const change[][2] = {
		{ "\"num_heads\": 2", "\"num_heads\": 1" }, { "\"d_kv\": 6", "\"d_kv\": 12" },
		{ "\"relative_attention_num_buckets\": 32",
		  "\"relative_attention_num_buckets\": 64" },
	};
	struct file f = read_file("t5_small");
	struct ct_err err = { 0 };
	char *config;
	uint8_t *v;
	size_t n;

	v = slurp(data_path("t5_small/config.json"), &n);
	config = calloc(1, n + 64);
	memcpy(config, v, n);
	for (size_t i = 0; i < N(change); i++)
		ck_assert_uint_eq(rename_all(config, change[i][0], change[i][1]), 1);
	tmp_text("config.json", config);
	ck_assert_uint_eq(rename_all(f.header, "[32,2]", "[64,1]"), 2);
	write_file(&f, "model.safetensors", 0);
	if (open_dir(&err))
		ck_abort_msg("%s", err.msg);
	free(config);
	free(v);
	free_file(&f);
}
END_TEST

/* Cut anywhere, it is refused. */
START_TEST(test_truncated)
{
	static const char *const models[] = { "t5_small", "fsmt_small" };
	struct file f = read_file(models[_i]);
	size_t whole = PREFIX + ((strlen(f.header) + 7) & ~(size_t)7) + f.n_data;
	struct ct_err err = { 0 };

	copy_config(models[_i]);
	write_file(&f, "model.safetensors", 0);
	ck_assert_int_eq(open_dir(&err), 0);
	for (size_t cut = 1; cut < whole; cut += 1 + cut / 3) {
		write_file(&f, "model.safetensors", cut);
		ck_assert_int_eq(open_dir(&err), -EBADMSG);
	}
	write_file(&f, "model.safetensors", whole - 1);
	ck_assert_int_eq(open_dir(&err), -EBADMSG);
	free_file(&f);
}
END_TEST

/* In two files, every other tensor in each: the same as in one. */
START_TEST(test_shards)
{
	struct file f = read_file("t5_small");
	char *index = calloc(1, 65536), *at = f.header;
	struct ct_err err = { 0 };
	unsigned int n = 0;

	/* both have all of the data, and name what is theirs: holes are no fault */
	strcat(index, "{\"weight_map\":{");
	while ((at = strstr(at, "coder.block."))) {
		char name[128];

		sscanf(at - 2, "%127[^\"]", name);
		snprintf(index + strlen(index), 256, "%s\"%s\":\"model-1.safetensors\"",
			 n++ ? "," : "", name);
		at += 8;
	}
	strcat(index, ",\"shared.weight\":\"model-1.safetensors\"");
	strcat(index, ",\"encoder.final_layer_norm.weight\":\"model-1.safetensors\"");
	strcat(index, ",\"decoder.final_layer_norm.weight\":\"model-1.safetensors\"}}");
	copy_config("t5_small");
	write_file(&f, "model-1.safetensors", 0);
	tmp_text("model.safetensors.index.json", index);
	if (open_dir(&err))
		ck_abort_msg("%s", err.msg);
	/* one that the index has elsewhere */
	rename_all(index, "\"shared.weight\":\"model-1", "\"shared.weight\":\"model-2");
	tmp_text("model.safetensors.index.json", index);
	ck_assert_int_eq(open_dir(&err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "model-2.safetensors"));
	free(index);
	free_file(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bind_seq2seq");
	TCase *t = tcase_create("bind");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, tmp_make, tmp_remove);
	tcase_add_loop_test(t, test_changed, 0, N(changes));
	tcase_add_loop_test(t, test_layers, 0, 4);
	tcase_add_test(t, test_one_head);
	tcase_add_loop_test(t, test_truncated, 0, 2);
	tcase_add_test(t, test_shards);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
