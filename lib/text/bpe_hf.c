// SPDX-License-Identifier: MIT
/*
 * A Hugging Face directory: which of its files make the tokenizer. Newer ones
 * have tokenizer.json, which says all; in older ones the tokens besides
 * vocab.json are spread over up to three files, each of which may be missing.
 */
#include "text/bpe_hf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "text/json_file.h"

#define GET	cJSON_GetObjectItemCaseSensitive

/* What transformers takes for bos, eos and unk where no file names others. */
static const char end_of_text[] = "<|endoftext|>";

struct hf {
	const char *dir;
	struct ct_bpe_builder *b;
	struct ct_bpe_options opt;
	cJSON *config;		/* tokenizer_config.json, or NULL */
	cJSON *map;		/* special_tokens_map.json, or NULL */
};

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

/* --- special tokens by name ------------------------------------------- */

/* A name is a string, or an object with "content" and flags. */
static const char *name_of(const cJSON *node)
{
	if (cJSON_IsObject(node))
		node = GET(node, "content");
	return ct_json_string(node);
}

/* The name both files may give for a role; tokenizer_config.json is newer. */
static const char *role(const struct hf *hf, const char *key)
{
	const char *name = name_of(GET(hf->config, key));

	return name ? name : name_of(GET(hf->map, key));
}

/* A name that no file gives an id is a token the model was not trained on. */
static int mark_special(struct hf *hf, const cJSON *node, struct ct_err *err)
{
	const char *name = name_of(node);
	unsigned int flags = 0;
	uint32_t id;
	int ret = 0;

	if (!name || ct_bpe_builder_find(hf->b, name, strlen(name), &id))
		return 0;
	if (cJSON_IsObject(node))
		ret = ct_hf_flags(node, &flags, err);
	if (ret)
		return ret;
	return ct_bpe_builder_added(hf->b, id, name, strlen(name),
				    flags | CT_BPE_ADD_SPECIAL, err);
}

static int mark_named(struct hf *hf, const cJSON *file, struct ct_err *err)
{
	static const char *const keys[] = {
		"bos_token", "eos_token", "unk_token", "sep_token",
		"pad_token", "cls_token", "mask_token",
	};
	const cJSON *node;
	size_t i;
	int ret = 0;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]) && !ret; i++)
		ret = mark_special(hf, GET(file, keys[i]), err);
	if (ret)
		return ret;
	cJSON_ArrayForEach(node, GET(file, "additional_special_tokens")) {
		ret = mark_special(hf, node, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* --- vocab.json and merges.txt ---------------------------------------- */

static int read_merges(struct ct_bpe_builder *b, const char *text, size_t len,
		       struct ct_err *err)
{
	static const char version[] = "#version";
	const char *line = text, *stop = text + len, *end;
	size_t n, number = 0;
	int ret;

	for (; line < stop; line = end + 1) {
		end = memchr(line, '\n', stop - line);
		if (!end)
			end = stop;
		n = end - line;
		number++;
		if (n && line[n - 1] == '\r')
			n--;
		if (!n)
			continue;
		if (number == 1 && n >= sizeof(version) - 1 &&
		    !memcmp(line, version, sizeof(version) - 1))
			continue;
		ret = ct_bpe_builder_merge_line(b, line, n, err);
		if (ret) {
			ct_err_prefix(err, "line %zu", number);
			return ret;
		}
	}
	return 0;
}

/* added_tokens.json: {"text": id, ...} */
static int load_added(struct hf *hf, struct ct_err *err)
{
	const cJSON *node;
	cJSON *added;
	uint32_t id;
	int ret;

	ret = optional_json(hf->dir, "added_tokens.json", &added, err);
	if (ret)
		return ret;
	cJSON_ArrayForEach(node, added) {
		if (!node->string[0])
			continue;
		ret = ct_json_id(node, &id, err);
		if (!ret)
			ret = ct_bpe_builder_added(hf->b, id, node->string,
						   strlen(node->string), 0,
						   err);
		if (ret) {
			ct_err_prefix(err, "%s/added_tokens.json", hf->dir);
			break;
		}
	}
	cJSON_Delete(added);
	return ret;
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
	unsigned int flags;
	const char *text;
	uint32_t id;
	int ret;

	cJSON_ArrayForEach(node, GET(hf->config, "added_tokens_decoder")) {
		text = name_of(node);
		if (!node->string || !text || read_decimal(node->string, &id))
			return ct_fail(err, -EBADMSG,
				       "\"added_tokens_decoder\" is not a set of \"id\": {\"content\": ...}");
		if (!text[0])
			continue;
		ret = ct_hf_flags(node, &flags, err);
		if (!ret)
			ret = ct_bpe_builder_added(hf->b, id, text,
						   strlen(text), flags, err);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * A role that no file speaks of is <|endoftext|>'s, which so is special even
 * where nothing lists it.
 */
static int mark_default(struct hf *hf, struct ct_err *err)
{
	uint32_t id;

	if ((role(hf, "bos_token") && role(hf, "eos_token") &&
	     role(hf, "unk_token")) ||
	    ct_bpe_builder_find(hf->b, end_of_text, strlen(end_of_text), &id))
		return 0;
	return ct_bpe_builder_added(hf->b, id, end_of_text,
				    strlen(end_of_text), CT_BPE_ADD_SPECIAL,
				    err);
}

static int load_special(struct hf *hf, struct ct_err *err)
{
	const char *unk;
	int ret;

	ret = load_added(hf, err);
	if (!ret)
		ret = mark_default(hf, err);
	if (ret)
		return ret;
	ret = mark_named(hf, hf->map, err);
	if (ret) {
		ct_err_prefix(err, "%s/special_tokens_map.json", hf->dir);
		return ret;
	}
	/* added_tokens_decoder last, as it is complete where it exists. */
	ret = mark_named(hf, hf->config, err);
	if (!ret)
		ret = read_added_decoder(hf, err);
	if (ret) {
		ct_err_prefix(err, "%s/tokenizer_config.json", hf->dir);
		return ret;
	}
	unk = role(hf, "unk_token");
	if (!unk)
		unk = end_of_text;
	ct_bpe_builder_find(hf->b, unk, strlen(unk), &hf->opt.unk_id);
	return 0;
}

/*
 * Returns -ENOENT if neither file is there; one without the other is damage,
 * not absence.
 */
static int load_pair(struct hf *hf, const char *vocab_name,
		     const char *merges_name, struct ct_err *err)
{
	char *merges = NULL;
	cJSON *vocab = NULL;
	int ret, other;
	size_t len;

	ret = ct_text_json(hf->dir, vocab_name, &vocab, err);
	if (ret && ret != -ENOENT)
		return ret;
	other = ct_text_read(hf->dir, merges_name, &merges, &len, err);
	if ((ret == -ENOENT) != (other == -ENOENT)) {
		ret = ct_fail(err, -EBADMSG,
			      "%s has %s but no %s; a tokenizer needs both",
			      hf->dir, ret ? merges_name : vocab_name,
			      ret ? vocab_name : merges_name);
		goto out;
	}
	if (!ret)
		ret = other;
	if (ret)
		goto out;

	ret = ct_hf_vocab(hf->b, vocab, err);
	if (ret) {
		ct_err_prefix(err, "%s/%s", hf->dir, vocab_name);
		goto out;
	}
	ret = read_merges(hf->b, merges, len, err);
	if (ret)
		ct_err_prefix(err, "%s/%s", hf->dir, merges_name);
out:
	cJSON_Delete(vocab);
	free(merges);
	return ret;
}

static int load_old(struct hf *hf, struct ct_err *err)
{
	int ret;

	ret = load_pair(hf, "vocab.json", "merges.txt", err);
	/* OpenAI's own names for the same. */
	if (ret == -ENOENT)
		ret = load_pair(hf, "encoder.json", "vocab.bpe", err);
	if (ret == -ENOENT)
		return ct_fail(err, -ENOENT,
			       "%s has no byte-level BPE tokenizer (tokenizer.json, or vocab.json and merges.txt)",
			       hf->dir);
	return ret ? ret : load_special(hf, err);
}

/* --- either ----------------------------------------------------------- */

static int load_new(struct hf *hf, struct ct_err *err)
{
	cJSON *root;
	int ret;

	ret = ct_text_json(hf->dir, "tokenizer.json", &root, err);
	if (ret)
		return ret;
	ret = ct_hf_tokenizer_json(hf->b, root, &hf->opt, err);
	if (ret)
		ct_err_prefix(err, "%s/tokenizer.json", hf->dir);
	cJSON_Delete(root);
	return ret;
}

/* What tokenizer_config.json says goes before tokenizer.json. */
static int apply_config(struct hf *hf, struct ct_err *err)
{
	const char *bos = role(hf, "bos_token"), *eos = role(hf, "eos_token");
	int ret;

	if (bos)
		ct_bpe_builder_find(hf->b, bos, strlen(bos), &hf->opt.bos_id);
	if (eos)
		ct_bpe_builder_find(hf->b, eos, strlen(eos), &hf->opt.eos_id);
	ret = ct_json_bool_opt(hf->config, "add_prefix_space",
			   &hf->opt.add_prefix_space, err);
	if (!ret)
		ret = ct_json_bool_opt(hf->config, "add_bos_token",
				   &hf->opt.add_bos, err);
	if (ret)
		ct_err_prefix(err, "%s/tokenizer_config.json", hf->dir);
	return ret;
}

static int load(struct hf *hf, struct ct_err *err)
{
	int ret;

	ret = optional_json(hf->dir, "tokenizer_config.json", &hf->config, err);
	if (!ret)
		ret = optional_json(hf->dir, "special_tokens_map.json",
				    &hf->map, err);
	if (!ret)
		ret = load_new(hf, err);
	if (ret == -ENOENT)
		ret = load_old(hf, err);
	if (!ret)
		ret = apply_config(hf, err);
	return ret;
}

static int check_dir(const char *dir, struct ct_err *err)
{
	struct stat st;

	if (stat(dir, &st)) {
		int code = errno;

		return ct_fail(err, -code, "%s: %s", dir, strerror(code));
	}
	if (!S_ISDIR(st.st_mode))
		return ct_fail(err, -ENOTDIR, "%s: not a directory", dir);
	return 0;
}

int ct_bpe_open_hf(const char *dir, struct ct_bpe **out, struct ct_err *err)
{
	struct hf hf = { .dir = dir, .opt = CT_BPE_OPTIONS_INIT };
	int ret;

	ret = check_dir(dir, err);
	if (!ret)
		ret = ct_bpe_builder_new(&hf.b, err);
	if (ret)
		return ret;
	ret = load(&hf, err);
	if (!ret) {
		ret = ct_bpe_builder_finish(hf.b, &hf.opt, out, err);
		if (ret)
			ct_err_prefix(err, "%s", dir);
	}
	/* A file that may be missing left a sentence, which is no one's. */
	if (!ret && err)
		*err = (struct ct_err){ 0 };
	ct_bpe_builder_free(hf.b);
	cJSON_Delete(hf.config);
	cJSON_Delete(hf.map);
	return ret;
}
