// SPDX-License-Identifier: MIT
#include "small_stacks.h"

#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip_must.h"
#include "model/config.h"
#include "model/roles.h"

/* Numbers of layers, widths and heads that nothing can mistake for each other. */
static const char *const configs[SMALL_FAMILIES] = {
	"{\"model_type\":\"gpt2\",\"vocab_size\":44,\"n_positions\":96,\"n_embd\":32,"
	"\"n_layer\":2,\"n_head\":2,\"bos_token_id\":0,\"eos_token_id\":0}",
	"{\"model_type\":\"t5\",\"vocab_size\":44,\"d_model\":32,\"d_kv\":16,\"d_ff\":80,"
	"\"num_layers\":2,\"num_decoder_layers\":1,\"num_heads\":3,"
	"\"relative_attention_num_buckets\":8,\"relative_attention_max_distance\":16,"
	"\"n_positions\":96,\"feed_forward_proj\":\"relu\",\"eos_token_id\":1,"
	"\"pad_token_id\":0,\"decoder_start_token_id\":0,\"task_specific_params\":"
	"{\"translation_en_to_de\":{\"prefix\":\"ab \"}}}",
	"{\"model_type\":\"t5\",\"vocab_size\":44,\"d_model\":32,\"d_kv\":16,\"d_ff\":48,"
	"\"num_layers\":1,\"num_decoder_layers\":2,\"num_heads\":2,"
	"\"relative_attention_num_buckets\":8,\"relative_attention_max_distance\":16,"
	"\"n_positions\":96,\"feed_forward_proj\":\"gated-gelu\","
	"\"tie_word_embeddings\":false,\"eos_token_id\":1,\"pad_token_id\":0,"
	"\"decoder_start_token_id\":0}",
	"{\"model_type\":\"fsmt\",\"src_vocab_size\":40,\"tgt_vocab_size\":44,"
	"\"langs\":[\"en\",\"de\"],\"d_model\":32,\"max_position_embeddings\":96,"
	"\"encoder_layers\":2,\"encoder_attention_heads\":4,\"encoder_ffn_dim\":48,"
	"\"decoder_layers\":1,\"decoder_attention_heads\":2,\"decoder_ffn_dim\":64,"
	"\"activation_function\":\"relu\",\"bos_token_id\":0,\"pad_token_id\":1,"
	"\"eos_token_id\":2,\"decoder_start_token_id\":2}",
};

static const char *const files[] = { "config.json", "model.safetensors", "spiece.model" };

static char dirs[SMALL_FAMILIES][64];
static pid_t owner;

static void remove_models(void)
{
	char path[128];

	/* a test's child ends as well, and the models are not its own */
	if (getpid() != owner)
		return;
	for (int f = 0; f < SMALL_FAMILIES; f++) {
		if (!*dirs[f])
			continue;
		for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
			snprintf(path, sizeof(path), "%.63s/%.32s", dirs[f], files[i]);
			unlink(path);
		}
		rmdir(dirs[f]);
	}
}

static void write_file(const char *dir, const char *name, const void *head,
		       size_t head_len, const void *data, size_t len)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%.63s/%.32s", dir, name);
	f = fopen(path, "w");
	MUST(f);
	MUST(!head_len || fwrite(head, head_len, 1, f) == 1);
	MUST(!len || fwrite(data, len, 1, f) == 1);
	MUST(!fclose(f));
}

void small_spiece(const char *dir, const void *bytes, unsigned long len)
{
	write_file(dir, "spiece.model", NULL, 0, bytes, len);
}

struct writer {
	char head[1 << 16];
	size_t len, n;
	float data[1 << 18];
	uint64_t state;
};

static float some(struct writer *w)
{
	w->state = w->state * 6364136223846793005u + 1442695040888963407u;
	return (float)((int64_t)(w->state >> 33) - (1 << 30)) / (1u << 30);
}

static void tensor(struct writer *w, const char *name, uint32_t rows, uint32_t cols,
		   float around, float by)
{
	size_t n = (size_t)rows * cols;
	char shape[32];

	MUST(w->n + n <= sizeof(w->data) / sizeof(w->data[0]));
	if (cols == 1)
		snprintf(shape, sizeof(shape), "%u", rows);
	else
		snprintf(shape, sizeof(shape), "%u,%u", rows, cols);
	w->len += (size_t)snprintf(w->head + w->len, sizeof(w->head) - w->len,
		"%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
		w->n ? "," : "{", name, shape, 4 * w->n, 4 * (w->n + n));
	MUST(w->len < sizeof(w->head) - 16);
	for (size_t i = 0; i < n; i++)
		w->data[w->n++] = around + by * some(w);
}

static bool is_gain(enum ct_role role)
{
	return role == CT_LN_F_GAIN || role == CT_ENC_LN_F_GAIN ||
	       role == CT_LN_1_GAIN || role == CT_LN_2_GAIN || role == CT_LN_X_GAIN ||
	       role == CT_ENC_LN_1_GAIN || role == CT_ENC_LN_2_GAIN;
}

static void role(struct writer *w, const struct ct_config *c, enum ct_role r,
		 uint32_t layer)
{
	char name[CT_ROLE_NAME_SIZE];
	uint32_t n_out, n_in;
	unsigned int slices = 0;
	float by;

	while (ct_role_hf_name(c, r, layer, slices, 0, name))
		slices++;
	MUST(slices);
	ct_role_shape(c, r, &n_out, &n_in);
	/* so that what a linear gives is about as large as what it takes */
	by = n_in > 1 ? 1.7f / sqrtf((float)n_in) : 0.3f;
	for (unsigned int s = 0; s < slices; s++) {
		ct_role_hf_name(c, r, layer, s, 0, name);
		/* GPT-2's linears lie the other way round */
		if (c->arch == CT_ARCH_GPT2 && n_in > 1 && r >= CT_FIRST_LAYER_ROLE)
			tensor(w, name, n_in, n_out, 0, by);
		else
			tensor(w, name, n_out / slices, n_in, is_gain(r), by);
	}
}

static void make(enum small_family family)
{
	const char *text = configs[family];
	struct writer *w = calloc(1, sizeof(*w));
	struct ct_config c;
	uint64_t len;

	MUST(w && !ct_config_json(text, strlen(text), &c, NULL));
	w->state = family;
	for (enum ct_role r = 0; r < CT_N_ROLES; r++)
		for (uint32_t l = 0; l < ct_role_layers(&c, r); l++)
			if (!ct_role_made(&c, r))
				role(w, &c, r, l);
	w->head[w->len++] = '}';
	while (w->len % 8)
		w->head[w->len++] = ' ';
	len = w->len;
	memmove(w->head + 8, w->head, w->len);
	memcpy(w->head, &len, 8);
	write_file(dirs[family], "config.json", NULL, 0, text, strlen(text));
	write_file(dirs[family], "model.safetensors", w->head, w->len + 8, w->data,
		   4 * w->n);
	free(w);
}

const char *small_stack(enum small_family family)
{
	const char *tmp = getenv("TMPDIR");

	if (*dirs[family])
		return dirs[family];
	snprintf(dirs[family], sizeof(dirs[family]), "%.32s/ctrans-stack-XXXXXX",
		 tmp ? tmp : "/tmp");
	MUST(mkdtemp(dirs[family]));
	if (!owner) {
		owner = getpid();
		atexit(remove_models);
	}
	make(family);
	return dirs[family];
}

struct ctrans_model *small_stack_open(enum small_family family, const char *policy,
				      const char *speculation, const char *calibration)
{
	struct ctrans_model_params p;
	struct ctrans_model *m;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=2";
	p.policy = policy;
	p.speculation = speculation;
	p.calibration = calibration;
	p.calibration_len = calibration ? strlen(calibration) : 0;
	if (ctrans_model_open(small_stack(family), &p, &m))
		ck_abort_msg("%s", ctrans_message());
	return m;
}
