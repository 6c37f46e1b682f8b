// SPDX-License-Identifier: MIT
/*
 * A Hugging Face directory: the model is in SentencePiece's own file or, turned
 * inside out, in tokenizer.json; the tokens beside it are spread over up to three
 * more files, each of which may be missing, and partly known from T5's source.
 */
#include "text/spm_hf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "text/json_file.h"

#define GET	cJSON_GetObjectItemCaseSensitive

#define EXTRA		"<extra_id_"
#define EXTRA_IDS	100	/* T5's, where no file says how many */
#define EXTRA_MAX	1000
#define EXTRA_NAME	24

struct hf {
	const char *dir;
	cJSON *config;		/* tokenizer_config.json, or NULL */
	cJSON *map;		/* special_tokens_map.json, or NULL */
	cJSON *added;		/* added_tokens.json, or NULL */
	cJSON *json;		/* tokenizer.json, where it is the model */
	char *file;		/* the model's file, where it is */
	size_t file_len;
	struct ct_buf charsmap, proto;
	struct ct_spm_model model;
	struct ct_spm_names names;
	char extra[EXTRA_MAX][EXTRA_NAME];
};

/* --- tokens by name --------------------------------------------------- */

struct ct_spm_added *ct_spm_names_find(struct ct_spm_names *names,
				       const char *text)
{
	size_t i, len = strlen(text);

	for (i = 0; i < names->n; i++) {
		if (names->v[i].len == len &&
		    !memcmp(names->v[i].text, text, len))
			return &names->v[i];
	}
	return NULL;
}

static bool has_id(const struct ct_spm_names *names, uint32_t id)
{
	size_t i;

	for (i = 0; i < names->n; i++) {
		if (names->v[i].id == id)
			return true;
	}
	return false;
}

int ct_spm_names_add(struct ct_spm_names *names, const char *text, uint32_t id,
		     bool special, struct ct_err *err)
{
	struct ct_spm_added *a = ct_spm_names_find(names, text);

	if (a && a->id != id)
		return ct_fail(err, -EBADMSG, "it has two ids, %u and %u",
			       a->id, id);
	if (a) {
		a->special |= special;
		return 0;
	}
	if (has_id(names, id))
		return ct_fail(err, -EBADMSG, "another token has its id, %u",
			       id);
	if (names->n >= CT_SPM_MAX_ADDED)
		return ct_fail(err, -E2BIG,
			       "more than %u added tokens are not supported",
			       CT_SPM_MAX_ADDED);
	names->v[names->n++] = (struct ct_spm_added){
		.text = text, .len = strlen(text), .id = id, .special = special,
	};
	return 0;
}

static int optional_json(const char *dir, const char *name, cJSON **out,
			 struct ct_err *err)
{
	int ret = ct_text_json(dir, name, out, err);

	if (ret == -ENOENT) {
		*out = NULL;
		return 0;
	}
	return ret;
}

/* A name is a string, or an object with "content" and flags. */
static const char *name_of(const cJSON *node)
{
	if (cJSON_IsObject(node))
		node = GET(node, "content");
	return ct_json_is_unset(node) ? NULL : ct_json_string(node);
}

/* The id a name has as an added token or as a piece. */
static bool find_id(struct hf *hf, const char *name, uint32_t *id)
{
	const struct ct_spm_added *a = ct_spm_names_find(&hf->names, name);
	const struct ct_spm_model *m = &hf->model;
	size_t i, len = strlen(name);

	if (a) {
		*id = a->id;
		return true;
	}
	for (i = 0; i < m->n; i++) {
		if (m->pieces[i].len == len &&
		    !memcmp(m->pieces[i].text, name, len)) {
			*id = i;
			return true;
		}
	}
	return false;
}

/* A name that no file gives an id is a token the model was not trained on. */
static int mark_special(struct hf *hf, const char *name, int32_t *id,
			struct ct_err *err)
{
	uint32_t found;
	int ret;

	*id = -1;
	if (!name || !find_id(hf, name, &found))
		return 0;
	ret = ct_spm_names_add(&hf->names, name, found, true, err);
	if (ret)
		ct_err_prefix(err, "special token \"%.40s\"", name);
	else if (found < CT_SPM_MAX_IDS)
		*id = found;
	return ret;
}

/* The name both files may give for a role; tokenizer_config.json is newer. */
static const char *role(const struct hf *hf, const char *key,
			const char *otherwise)
{
	const char *name = name_of(GET(hf->config, key));

	if (!name)
		name = name_of(GET(hf->map, key));
	return name ? name : otherwise;
}

static int mark_roles(struct hf *hf, struct ct_err *err)
{
	static const char *const more[] = {
		"sep_token", "cls_token", "mask_token",
	};
	struct ct_spm_model *m = &hf->model;
	const char *bos = role(hf, "bos_token", NULL);
	int32_t id;
	size_t i;
	int ret;

	ret = mark_special(hf, role(hf, "eos_token", "</s>"), &m->eos_id, err);
	if (!ret)
		ret = mark_special(hf, role(hf, "pad_token", "<pad>"),
				   &m->pad_id, err);
	if (!ret)
		ret = mark_special(hf, role(hf, "unk_token", "<unk>"), &id, err);
	if (!ret && bos)
		ret = mark_special(hf, bos, &m->bos_id, err);
	for (i = 0; i < sizeof(more) / sizeof(more[0]) && !ret; i++)
		ret = mark_special(hf, role(hf, more[i], NULL), &id, err);
	return ret;
}

static int mark_list(struct hf *hf, const cJSON *file, struct ct_err *err)
{
	const cJSON *node;
	int32_t id;
	int ret;

	cJSON_ArrayForEach(node, GET(file, "additional_special_tokens")) {
		ret = mark_special(hf, name_of(node), &id, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* added_tokens.json: {"text": id, ...} */
static int read_added(struct hf *hf, struct ct_err *err)
{
	const cJSON *node;
	uint32_t id;
	int ret;

	cJSON_ArrayForEach(node, hf->added) {
		if (!node->string[0])
			continue;
		ret = ct_json_id(node, &id, err);
		if (!ret)
			ret = ct_spm_names_add(&hf->names, node->string, id,
					       false, err);
		if (ret) {
			ct_err_prefix(err, "%s/added_tokens.json: \"%.40s\"",
				      hf->dir, node->string);
			return ret;
		}
	}
	return 0;
}

static int read_decimal(const char *s, uint32_t *id)
{
	uint64_t v = 0;

	if (!*s)
		return -EBADMSG;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EBADMSG;
		v = v * 10 + (*s - '0');
		if (v > UINT32_MAX)
			return -EBADMSG;
	}
	*id = v;
	return 0;
}

/* tokenizer_config.json: "added_tokens_decoder": {"id": {...}, ...} */
static int read_added_decoder(struct hf *hf, struct ct_err *err)
{
	const cJSON *node;
	const char *text;
	uint32_t id;
	int ret;

	cJSON_ArrayForEach(node, GET(hf->config, "added_tokens_decoder")) {
		bool special = false;

		text = ct_json_string(GET(node, "content"));
		if (!node->string || !text || read_decimal(node->string, &id))
			return ct_fail(err, -EBADMSG,
				       "%s/tokenizer_config.json: \"added_tokens_decoder\" is not a set of \"id\": {\"content\": ...}",
				       hf->dir);
		if (!text[0])
			continue;
		ret = ct_json_bool_opt(node, "special", &special, err);
		if (!ret)
			ret = ct_spm_names_add(&hf->names, text, id, special,
					       err);
		if (ret) {
			ct_err_prefix(err,
				      "%s/tokenizer_config.json: \"%.40s\"",
				      hf->dir, text);
			return ret;
		}
	}
	return 0;
}

/* --- T5's own tokens -------------------------------------------------- */

static bool is_extra(const char *text)
{
	return text && !strncmp(text, EXTRA, strlen(EXTRA));
}

/* Names of them in a list; -1 if there is no list. */
static int count_extra(const cJSON *file)
{
	const cJSON *list = GET(file, "additional_special_tokens"), *node;
	int n = 0;

	if (!cJSON_IsArray(list))
		return -1;
	cJSON_ArrayForEach(node, list)
		n += is_extra(name_of(node));
	return n;
}

/* T5 has a hundred, unless the model's table of tokens is too short for them. */
static int default_extra(const struct hf *hf, uint64_t *count,
			 struct ct_err *err)
{
	uint64_t vocab = hf->model.n + EXTRA_IDS;
	const cJSON *item;
	cJSON *config;
	int ret;

	ret = optional_json(hf->dir, "config.json", &config, err);
	if (ret)
		return ret;
	ret = ct_json_find(config, "vocab_size", &item, err);
	if (!ret && item)
		ret = ct_json_u64(item, "vocab_size", &vocab, err);
	if (ret)
		ct_err_prefix(err, "%s/config.json", hf->dir);
	*count = vocab >= hf->model.n + EXTRA_IDS ? EXTRA_IDS : 0;
	cJSON_Delete(config);
	return ret;
}

static int how_many_extra(const struct hf *hf, uint64_t *count,
			  struct ct_err *err)
{
	const cJSON *item;
	int ret, listed;

	ret = ct_json_find(hf->config, "extra_ids", &item, err);
	if (!ret && item)
		ret = ct_json_u64(item, "extra_ids", count, err);
	if (ret) {
		ct_err_prefix(err, "%s/tokenizer_config.json", hf->dir);
		return ret;
	}
	if (item)
		return 0;
	listed = count_extra(hf->config);
	if (listed < 0)
		listed = count_extra(hf->map);
	if (listed < 0)
		return default_extra(hf, count, err);
	*count = listed;
	return 0;
}

/* They end the vocabulary, in reverse. */
static int add_extra(struct hf *hf, struct ct_err *err)
{
	uint64_t count = 0, i;
	uint32_t id;
	int ret;

	for (i = 0; i < hf->names.n; i++) {
		if (is_extra(hf->names.v[i].text))
			return 0;
	}
	ret = how_many_extra(hf, &count, err);
	if (ret)
		return ret;
	if (count > EXTRA_MAX)
		return ct_fail(err, -E2BIG,
			       "%s/tokenizer_config.json: %llu extra ids; at most %u are supported",
			       hf->dir, (unsigned long long)count, EXTRA_MAX);
	for (i = 0; i < count; i++) {
		snprintf(hf->extra[i], EXTRA_NAME, EXTRA "%u>", (unsigned int)i);
		id = hf->model.n + count - 1 - i;
		if (find_id(hf, hf->extra[i], &(uint32_t){ 0 }) ||
		    has_id(&hf->names, id))
			continue;
		ret = ct_spm_names_add(&hf->names, hf->extra[i], id, true, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* --- the model -------------------------------------------------------- */

/*
 * Other tokenizers of transformers have models of this format, too, but number
 * their pieces otherwise.
 */
static int check_class(const struct hf *hf, struct ct_err *err)
{
	static const char *const known[] = {
		"T5Tokenizer", "T5TokenizerFast", "MT5Tokenizer",
		"MT5TokenizerFast",
	};
	const char *class = name_of(GET(hf->config, "tokenizer_class"));
	size_t i;

	if (!class)
		return 0;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!strcmp(class, known[i]))
			return 0;
	}
	return ct_fail(err, -ENOTSUP,
		       "%s/tokenizer_config.json: the tokenizer class %s is not supported with a SentencePiece model, only T5Tokenizer and MT5Tokenizer",
		       hf->dir, ct_show(class, strlen(class)).s);
}

static int load_model(struct hf *hf, struct ct_err *err)
{
	static const char *const names[] = {
		"spiece.model", "sentencepiece.bpe.model", "tokenizer.model",
	};
	int ret = -ENOENT;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ret = ct_text_read(hf->dir, names[i], &hf->file, &hf->file_len,
				   err);
		if (ret != -ENOENT)
			break;
	}
	if (ret)
		return ret;
	ret = check_class(hf, err);
	if (ret)
		return ret;
	ret = ct_spm_model_parse(&hf->model, hf->file, hf->file_len, err);
	if (ret)
		ct_err_prefix(err, "%s/%s", hf->dir, names[i]);
	return ret;
}

static int load_json(struct hf *hf, struct ct_err *err)
{
	int ret = ct_text_json(hf->dir, "tokenizer.json", &hf->json, err);

	if (ret == -ENOENT)
		return ct_fail(err, ret,
			       "%s has no SentencePiece tokenizer (spiece.model, or tokenizer.json)",
			       hf->dir);
	if (ret)
		return ret;
	ret = ct_spm_hf_json(hf->json, &hf->model, &hf->names, &hf->charsmap,
			     err);
	if (ret)
		ct_err_prefix(err, "%s/tokenizer.json", hf->dir);
	return ret;
}

static int load_names(struct hf *hf, struct ct_err *err)
{
	int ret;

	ret = read_added(hf, err);
	if (!ret)
		ret = read_added_decoder(hf, err);
	/* tokenizer.json lists all there are. */
	if (!ret && !hf->json)
		ret = add_extra(hf, err);
	if (ret)
		return ret;
	ret = mark_roles(hf, err);
	if (!ret)
		ret = mark_list(hf, hf->map, err);
	if (!ret)
		ret = mark_list(hf, hf->config, err);
	if (ret)
		ct_err_prefix(err, "%s", hf->dir);
	return ret;
}

static int load(struct hf *hf, struct ct_spm **out, struct ct_err *err)
{
	int ret;

	ret = optional_json(hf->dir, "tokenizer_config.json", &hf->config, err);
	if (!ret)
		ret = optional_json(hf->dir, "special_tokens_map.json",
				    &hf->map, err);
	if (!ret)
		ret = optional_json(hf->dir, "added_tokens.json", &hf->added,
				    err);
	if (!ret)
		ret = load_model(hf, err);
	if (ret == -ENOENT)
		ret = load_json(hf, err);
	if (!ret)
		ret = load_names(hf, err);
	if (ret)
		return ret;
	ret = ct_spm_model_write(&hf->model, &hf->proto, err);
	if (!ret)
		ret = ct_spm_open(hf->proto.data, hf->proto.n, hf->names.v,
				  hf->names.n, out, err);
	if (ret)
		ct_err_prefix(err, "%s", hf->dir);
	return ret;
}

int ct_spm_open_hf(const char *dir, struct ct_spm **out, struct ct_err *err)
{
	struct hf *hf = calloc(1, sizeof(*hf));
	int ret;

	if (!hf)
		return ct_fail(err, -ENOMEM, "%s: out of memory", dir);
	hf->dir = dir;
	ret = load(hf, out, err);
	/* A file that may be missing left a sentence, which is no one's. */
	if (!ret && err)
		*err = (struct ct_err){ 0 };
	ct_spm_model_free(&hf->model);
	ct_buf_free(&hf->charsmap);
	ct_buf_free(&hf->proto);
	free(hf->file);
	cJSON_Delete(hf->config);
	cJSON_Delete(hf->map);
	cJSON_Delete(hf->added);
	cJSON_Delete(hf->json);
	free(hf);
	return ret;
}
