// SPDX-License-Identifier: MIT
#include "seq2seq_models.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "chip_must.h"
#include "converted_help.h"
#include "model_help.h"

static const char *const configs[] = {
	[SEQ2SEQ_T5] =
		"{\"model_type\":\"t5\",\"vocab_size\":1104,\"d_model\":48,\"d_kv\":8,"
		"\"d_ff\":80,\"num_layers\":2,\"num_decoder_layers\":1,\"num_heads\":4,"
		"\"relative_attention_num_buckets\":8,"
		"\"relative_attention_max_distance\":20,\"n_positions\":64,"
		"\"pad_token_id\":0,\"eos_token_id\":[1,7],\"decoder_start_token_id\":0,"
		"\"num_beams\":2,\"task_specific_params\":{\"translation_en_to_de\":"
		"{\"prefix\":\"translate English to German: \",\"num_beams\":4,"
		"\"max_length\":20,\"early_stopping\":true},\"summarization\":"
		"{\"prefix\":\"summarize: \",\"length_penalty\":2.0,\"min_length\":5,"
		"\"no_repeat_ngram_size\":3}}}",
	[SEQ2SEQ_GATED] =
		"{\"model_type\":\"mt5\",\"vocab_size\":200,\"d_model\":32,\"d_kv\":16,"
		"\"d_ff\":64,\"num_layers\":1,\"num_decoder_layers\":2,\"num_heads\":3,"
		"\"feed_forward_proj\":\"gated-gelu\",\"tie_word_embeddings\":false,"
		"\"pad_token_id\":0,\"eos_token_id\":1,\"decoder_start_token_id\":0}",
	[SEQ2SEQ_FSMT] =
		"{\"model_type\":\"fsmt\",\"langs\":[\"en\",\"de\"],"
		"\"src_vocab_size\":311,\"tgt_vocab_size\":318,\"d_model\":64,"
		"\"encoder_layers\":2,\"encoder_attention_heads\":4,"
		"\"encoder_ffn_dim\":48,\"decoder_layers\":1,"
		"\"decoder_attention_heads\":2,\"decoder_ffn_dim\":64,"
		"\"max_position_embeddings\":96,\"num_beams\":3,\"length_penalty\":1.1,"
		"\"early_stopping\":true,\"bos_token_id\":0,\"pad_token_id\":1,"
		"\"eos_token_id\":2,\"decoder_start_token_id\":2}",
};

struct maker {
	struct ct_config cfg;
	struct bytes header, data;
	unsigned int state;
};

/* Between -1 and 1. */
static float uniform(struct maker *m)
{
	m->state = m->state * 1664525u + 1013904223u;
	return (float)(int)(m->state >> 8) / (float)(1 << 23) - 1.0f;
}

/* Somewhat as trained weights are: most of them near 0. */
static float next(struct maker *m)
{
	return (uniform(m) + uniform(m) + uniform(m) + uniform(m)) / 2;
}

static void add_tensor(struct maker *m, const char *name, enum ct_role role, uint32_t rows,
		       uint32_t cols)
{
	bool norm = strstr(name, "norm.weight");
	size_t n = (size_t)rows * cols, from = m->data.n;
	char shape[32], text[300];

	for (size_t i = 0; i < n; i++) {
		float f = norm ? 1 + 0.2f * next(m) : 0.4f * next(m);

		put(&m->data, &f, sizeof(f));
	}
	if (cols == 1 && role != CT_REL_BIAS && role != CT_ENC_REL_BIAS)
		snprintf(shape, sizeof(shape), "%u", rows);
	else
		snprintf(shape, sizeof(shape), "%u,%u", rows, cols);
	snprintf(text, sizeof(text),
		 "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
		 m->header.n ? "," : "{", name, shape, from, m->data.n);
	put(&m->header, text, strlen(text));
}

static void add_role(struct maker *m, enum ct_role role, uint32_t layer)
{
	char name[CT_ROLE_NAME_SIZE];
	uint32_t n_out, n_in, n = 0;

	ct_role_shape(&m->cfg, role, &n_out, &n_in);
	while (n < CT_SLICES && ct_role_hf_name(&m->cfg, role, layer, n, 0, name))
		n++;
	for (uint32_t i = 0; i < n; i++) {
		ct_role_hf_name(&m->cfg, role, layer, i, 0, name);
		add_tensor(m, name, role, n_out / n, n_in);
	}
}

static void save(const char *dir, const char *name, const void *v, size_t n)
{
	char path[400];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	MUST(f && fwrite(v, 1, n, f) == n);
	MUST(!fclose(f));
}

static void take_file(const char *dir, const char *folder, const char *name)
{
	char path[400];
	uint8_t *v;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", data_path(folder), name);
	v = slurp(path, &n);
	save(dir, name, v, n);
	free(v);
}

static void save_tokenizer(const char *dir, enum seq2seq_model which)
{
	static const char *const fsmt[] = {
		"vocab-src.json", "vocab-tgt.json", "merges.txt", "tokenizer_config.json",
	};

	if (which == SEQ2SEQ_T5)
		take_file(dir, "../tokenizer/spm", "spiece.model");
	for (int i = 0; which == SEQ2SEQ_FSMT && i < 4; i++)
		take_file(dir, "../tokenizer/fsmt", fsmt[i]);
}

void seq2seq_make(const char *dir, enum seq2seq_model which, unsigned int seed)
{
	struct maker m = { .state = seed };
	const char *text = configs[which];
	struct bytes file = { 0 };
	struct ct_err err;

	MUST(!mkdir(dir, 0777));
	if (ct_config_json(text, strlen(text), &m.cfg, &err))
		ck_abort_msg("%s", err.msg);
	for (int r = 0; r < CT_N_ROLES; r++) {
		enum ct_role role = (enum ct_role)r;
		uint32_t n = ct_role_made(&m.cfg, role) ? 0 :
							  ct_role_layers(&m.cfg, role);

		for (uint32_t l = 0; l < n; l++)
			add_role(&m, role, l);
	}
	put(&m.header, "}", 1);
	put_le(&file, m.header.n, 8);
	put(&file, m.header.v, m.header.n);
	put(&file, m.data.v, m.data.n);
	save(dir, "model.safetensors", file.v, file.n);
	save(dir, "config.json", text, strlen(text));
	save_tokenizer(dir, which);
	free(m.header.v);
	free(m.data.v);
	free(file.v);
}

void seq2seq_place_make(struct seq2seq_place *p)
{
	tmp_make();
	snprintf(p->root, sizeof(p->root), "%s", tmp_path(""));
	snprintf(p->dir, sizeof(p->dir), "%s", tmp_path("model"));
	snprintf(p->out, sizeof(p->out), "%s", tmp_path("out.gguf"));
}

void seq2seq_place_remove(const struct seq2seq_place *p)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf '%s'", p->root);
	MUST(!system(command));
}

void seq2seq_convert(const struct seq2seq_place *p, const char *weights)
{
	struct ctrans_convert_params params;

	convert_params_init(&params);
	params.weights = weights;
	ck_assert_msg(!ctrans_convert(p->dir, &params, p->out), "%s", ctrans_message());
}
