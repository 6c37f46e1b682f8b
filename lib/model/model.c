// SPDX-License-Identifier: MIT
#include "model/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/converted.h"
#include "model/head.h"
#include "model/shards.h"

#define CONFIG_MAX	(16u << 20)

static int new_model(const char *path, struct ct_model **out,
		     struct ct_err *err)
{
	struct ct_model *m = calloc(1, sizeof(*m));

	if (m)
		m->path = strdup(path);
	if (!m || !m->path) {
		free(m);
		return ct_fail(err, -ENOMEM, "%s: out of memory", path);
	}
	*out = m;
	return 0;
}

void ct_model_close(struct ct_model *model)
{
	if (!model)
		return;
	ct_weights_free(&model->weights);
	ct_vocab_free(&model->vocab);
	ct_gguf_free(&model->gguf);
	ct_tensors_free(&model->tensors);
	ct_files_close(&model->files);
	free(model->path);
	free(model);
}

typedef int parse_fn(const char *text, size_t len, struct ct_model *m,
		     struct ct_err *err);

static int parse_file(struct ct_model *m, const char *name, parse_fn *parse,
		      struct ct_err *err)
{
	char *path = ct_path_join(m->path, name), *text;
	size_t len;
	int code;

	if (!path)
		return ct_fail(err, -ENOMEM, "%s: out of memory", m->path);
	code = ct_file_slurp(path, CONFIG_MAX, &text, &len, err);
	if (!code) {
		code = parse(text, len, m, err);
		if (code)
			ct_err_prefix(err, "%s", path);
		free(text);
	}
	free(path);
	return code;
}

static int read_tasks(const char *text, size_t len, struct ct_model *m,
		      struct ct_err *err)
{
	return ct_tasks_json(text, len, &m->weights.cfg, &m->tasks, err);
}

static int read_config(const char *text, size_t len, struct ct_model *m,
		       struct ct_err *err)
{
	int code = ct_config_json(text, len, &m->weights.cfg, err);

	if (code)
		return code;
	ct_tasks_init(&m->tasks, &m->weights.cfg);
	return ct_has_encoder(&m->weights.cfg) ? read_tasks(text, len, m, err) : 0;
}

static int read_generation(const char *text, size_t len, struct ct_model *m,
			   struct ct_err *err)
{
	int code = ct_config_generation(text, len, &m->weights.cfg, err);

	if (!code && ct_has_encoder(&m->weights.cfg))
		code = read_tasks(text, len, m, err);
	return code;
}

static bool any_exists(const char *dir, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ct_path_exists(dir, names[i]))
			return true;
	return false;
}

/*
 * One file of a pair counts: text/ says that the other is missing. Whoever has a
 * SentencePiece model beside tokenizer.json has the same in both.
 */
static enum ct_tokenizer_kind dir_tokenizer(const char *dir)
{
	static const char *const spm[] = {
		"spiece.model", "sentencepiece.bpe.model", "tokenizer.model",
	};
	static const char *const fsmt[] = { "vocab-src.json", "vocab-tgt.json" };
	static const char *const bpe[] = {
		"vocab.json", "merges.txt", "encoder.json", "vocab.bpe",
	};

	if (any_exists(dir, spm, sizeof(spm) / sizeof(spm[0])))
		return CT_TOKENIZER_HF_SPM;
	if (any_exists(dir, fsmt, sizeof(fsmt) / sizeof(fsmt[0])))
		return CT_TOKENIZER_HF_FSMT;
	if (ct_path_exists(dir, "tokenizer.json"))
		return CT_TOKENIZER_HF_JSON;
	if (any_exists(dir, bpe, sizeof(bpe) / sizeof(bpe[0])))
		return CT_TOKENIZER_HF_BPE;
	return CT_TOKENIZER_NONE;
}

static int load_dir(struct ct_model *m, struct ct_err *err)
{
	static const char generation[] = "generation_config.json";
	int code;

	m->format = CT_FORMAT_HF;
	m->tokenizer = dir_tokenizer(m->path);
	if (!ct_path_exists(m->path, "config.json"))
		return ct_fail(err, -ENOENT,
			       "%s: no config.json in it, so it is not a Hugging Face model directory",
			       m->path);
	code = parse_file(m, "config.json", read_config, err);
	if (!code && ct_path_exists(m->path, generation))
		code = parse_file(m, generation, read_generation, err);
	if (!code)
		code = ct_shards_load(m->path, &m->files, &m->tensors, err);
	if (code)
		return code;
	code = ct_weights_bind(&m->weights, &m->tensors, CT_NAMES_HF, err);
	if (code)
		ct_err_prefix(err, "%s", m->path);
	return code;
}

/* The header, and with it the tokenizer, of what should be GGUF. */
static int read_gguf(struct ct_model *m, uint32_t index, struct ct_err *err)
{
	bool is_gguf;
	int code;

	code = ct_gguf_probe(&m->files.v[index], &is_gguf, err);
	if (code)
		return code;
	if (!is_gguf)
		return ct_fail(err, -EBADMSG,
			       "%s: not a GGUF file (of a Hugging Face model, give the directory that has config.json in it)",
			       m->path);
	code = ct_gguf_load(&m->files, index, &m->gguf, &m->tensors, err);
	if (code)
		return code;
	if (!ct_vocab_present(&m->gguf)) {
		if (ct_converted_has_tokenizer(&m->gguf))
			m->tokenizer = CT_TOKENIZER_CONVERTED;
		return 0;
	}
	m->tokenizer = CT_TOKENIZER_GGUF;
	code = ct_vocab_load(&m->gguf, &m->vocab, err);
	if (code)
		ct_err_prefix(err, "%s", m->path);
	return code;
}

static int open_gguf(struct ct_model *m, struct ct_err *err)
{
	uint32_t index = 0;
	int code;

	m->format = CT_FORMAT_GGUF;
	code = ct_files_add(&m->files, m->path, &index, err);
	return code ? code : read_gguf(m, index, err);
}

static bool is_arch(const struct ct_str *arch, const char *name)
{
	return arch->len == strlen(name) && !memcmp(arch->ptr, name, arch->len);
}

static int check_gguf_kind(struct ct_model *m, struct ct_err *err)
{
	struct ct_str arch = { "", 0 };
	enum ct_arch converted;
	uint64_t splits = 1;
	int code;

	if (!ct_gguf_find(&m->gguf, "general.architecture"))
		return ct_fail(err, -ENOENT,
			       "metadata key general.architecture is missing");
	code = ct_gguf_string_opt(&m->gguf, "general.architecture", &arch, err);
	if (!code)
		code = ct_gguf_u64_opt(&m->gguf, "split.count", &splits, err);
	if (code)
		return code;
	m->converted = ct_converted_arch_find(&arch, &converted);
	if (!m->converted && !is_arch(&arch, "gpt2"))
		return ct_fail(err, -ENOTSUP,
			       "architecture \"%s\" is not supported (gpt2 is)",
			       ct_show(arch.ptr, arch.len).s);
	if (splits > 1)
		return ct_fail(err, -ENOTSUP,
			       "one of several files: join them with llama-gguf-split --merge");
	if (!m->tensors.n)
		return ct_fail(err, -ENOENT,
			       "the file holds only a vocabulary, no weights");
	return 0;
}

static int bind_gguf(struct ct_model *m, struct ct_err *err)
{
	const struct ct_tensor *wte;
	int code;

	wte = ct_tensors_find(&m->tensors, "token_embd.weight");
	if (!wte)
		return ct_fail(err, -ENOENT,
			       "tensor token_embd.weight is missing");
	code = ct_config_gguf(&m->gguf, wte->shape[0], &m->weights.cfg, err);
	return code ? code : ct_weights_bind(&m->weights, &m->tensors, CT_NAMES_GGUF,
					  err);
}

static int read_converted(struct ct_model *m, struct ct_err *err)
{
	const struct ct_config *cfg = &m->weights.cfg;
	int code = ct_config_converted(&m->gguf, &m->weights.cfg, err);

	if (code)
		return code;
	ct_tasks_init(&m->tasks, cfg);
	return ct_has_encoder(cfg) ? ct_tasks_converted(&m->gguf, cfg, &m->tasks, err) : 0;
}

/* After the header. */
static int load_gguf(struct ct_model *m, struct ct_err *err)
{
	int code = check_gguf_kind(m, err);

	if (!code && m->converted)
		code = read_converted(m, err);
	else if (!code)
		code = bind_gguf(m, err);
	/* Padding rows without a token are common; tokens without a row are not. */
	if (!code && m->vocab.n_tokens > m->weights.cfg.n_vocab)
		code = ct_fail(err, -EBADMSG,
			       "%u tokens, but the token table has %u rows",
			       m->vocab.n_tokens, m->weights.cfg.n_vocab);
	if (code)
		ct_file_prefix(&m->files.v[0], err);
	return code;
}

bool ct_model_has_little(const struct ct_model *m)
{
	return m->converted && ct_tensors_find(&m->tensors, CT_TENSOR_LITTLE);
}

/* From the header of a file to that of the little model inside it. */
static int enter_little(struct ct_model *m, struct ct_err *err)
{
	const struct ct_tensor *t;

	t = ct_tensors_find(&m->tensors, CT_TENSOR_LITTLE);
	if (!t)
		return ct_fail(err, -ENOENT, "%s: holds no little model", m->path);
	ct_file_narrow(&m->files.v[0], t->offset, t->nbytes);
	ct_vocab_free(&m->vocab);
	ct_gguf_free(&m->gguf);
	ct_tensors_free(&m->tensors);
	m->tokenizer = CT_TOKENIZER_NONE;
	return read_gguf(m, 0, err);
}

int ct_model_open_little(const char *path, struct ct_model **model,
			 struct ct_err *err)
{
	struct ct_model *m = NULL;
	int code = new_model(path, &m, err);

	if (code)
		return code;
	code = open_gguf(m, err);
	if (!code)
		code = enter_little(m, err);
	if (!code)
		code = load_gguf(m, err);
	if (!code && !m->converted)
		code = ct_fail(err, -EBADMSG,
			       "%s: its little model is not converted: convert the model again",
			       path);
	if (code) {
		ct_model_close(m);
		return code;
	}
	m->has_weights = true;
	*model = m;
	return 0;
}

static int stat_path(const char *path, bool *is_dir, struct ct_err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return ct_fail(err, -errno, "%s: %s", path, strerror(errno));
	*is_dir = S_ISDIR(st.st_mode);
	return 0;
}

int ct_model_open(const char *path, struct ct_model **model,
		  struct ct_err *err)
{
	struct ct_model *m = NULL;
	bool is_dir = false;
	int code;

	code = stat_path(path, &is_dir, err);
	if (!code)
		code = new_model(path, &m, err);
	if (code)
		return code;
	code = is_dir ? load_dir(m, err) : open_gguf(m, err);
	if (!code && !is_dir)
		code = load_gguf(m, err);
	if (!code && !m->converted)
		code = ct_head_tie(&m->weights, &m->files, err);
	if (code) {
		ct_model_close(m);
		return code;
	}
	m->has_weights = true;
	*model = m;
	return 0;
}

int ct_model_open_tokenizer(const char *path, struct ct_model **model,
			    struct ct_err *err)
{
	struct ct_model *m = NULL;
	bool is_dir = false;
	int code;

	code = stat_path(path, &is_dir, err);
	if (!code)
		code = new_model(path, &m, err);
	if (code)
		return code;
	if (is_dir)
		m->tokenizer = dir_tokenizer(path);
	else
		code = open_gguf(m, err);
	if (!code && m->tokenizer == CT_TOKENIZER_NONE)
		code = ct_fail(err, -ENOENT,
			       is_dir ? "%s: no tokenizer.json, and no vocab.json with merges.txt" :
					"%s: the file has no tokenizer", path);
	if (code) {
		ct_model_close(m);
		return code;
	}
	*model = m;
	return 0;
}
