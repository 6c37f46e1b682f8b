// SPDX-License-Identifier: MIT
/*
 * tokenizer.json: a pipeline of named parts, of which a GPT-2 tokenizer uses
 * few. Any part not known here would change the ids, so it is refused by name.
 */
#include "text/bpe_hf.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "text/json_file.h"

#define GET	cJSON_GetObjectItemCaseSensitive

static const char *type_of(const cJSON *part)
{
	const char *type = ct_json_string(GET(part, "type"));

	return type ? type : "without a type";
}

static bool is_type(const cJSON *part, const char *type)
{
	return !strcmp(type_of(part), type);
}

static int unsupported(const char *what, const cJSON *part,
		       const char *supported, struct ct_err *err)
{
	return ct_fail(err, -ENOTSUP,
		       "the %s %.40s is not supported, only %s", what,
		       type_of(part), supported);
}

/* --- the model -------------------------------------------------------- */

int ct_hf_vocab(struct ct_bpe_builder *b, const cJSON *vocab,
		struct ct_err *err)
{
	const cJSON *node;
	uint32_t id;
	int ret;

	if (!cJSON_IsObject(vocab))
		return ct_fail(err, -EBADMSG,
			       "the vocabulary is not a JSON object");
	cJSON_ArrayForEach(node, vocab) {
		ret = ct_json_id(node, &id, err);
		if (ret) {
			ct_err_prefix(err, "token \"%.40s\"", node->string);
			return ret;
		}
		ret = ct_bpe_builder_token(b, id, node->string,
					   strlen(node->string), err);
		if (ret)
			return ret;
	}
	return 0;
}

static int read_merge(struct ct_bpe_builder *b, const cJSON *node,
		      struct ct_err *err)
{
	const char *line = ct_json_string(node), *left, *right;

	if (line)
		return ct_bpe_builder_merge_line(b, line, strlen(line), err);
	if (cJSON_IsArray(node) && cJSON_GetArraySize(node) == 2) {
		left = ct_json_string(node->child);
		right = ct_json_string(node->child->next);
		if (left && right)
			return ct_bpe_builder_merge(b, left, strlen(left),
						    right, strlen(right), err);
	}
	return ct_fail(err, -EBADMSG,
		       "a merge is neither \"a b\" nor [\"a\", \"b\"]");
}

static int read_unknown(struct ct_bpe_builder *b, const cJSON *model,
			struct ct_bpe_options *opt, struct ct_err *err)
{
	const cJSON *node = GET(model, "unk_token");
	const char *name = ct_json_string(node);

	if (ct_json_is_unset(node))
		return 0;
	if (!name || ct_bpe_builder_find(b, name, strlen(name), &opt->unk_id))
		return ct_fail(err, -EBADMSG,
			       "\"unk_token\" is not a token of the vocabulary");
	return 0;
}

static int check_model(const cJSON *model, struct ct_err *err)
{
	const cJSON *dropout = GET(model, "dropout");
	bool byte_fallback = false;
	int ret;

	if (!cJSON_IsObject(model))
		return ct_fail(err, -EBADMSG, "\"model\" is not a JSON object");
	/* Files of the first versions have no type and are BPE. */
	if (GET(model, "type") && !is_type(model, "BPE"))
		return unsupported("model", model, "BPE", err);
	if (!ct_json_is_unset(GET(model, "continuing_subword_prefix")) ||
	    !ct_json_is_unset(GET(model, "end_of_word_suffix")))
		return ct_fail(err, -ENOTSUP,
			       "subword prefixes and word suffixes are not supported: this is no byte-level BPE");
	if (!ct_json_is_unset(dropout) &&
	    !(cJSON_IsNumber(dropout) && dropout->valuedouble == 0))
		return ct_fail(err, -ENOTSUP,
			       "\"dropout\" is for training; set it to null");
	ret = ct_json_bool_opt(model, "byte_fallback", &byte_fallback, err);
	if (!ret && byte_fallback)
		ret = ct_fail(err, -ENOTSUP,
			      "\"byte_fallback\" is not supported: this is no byte-level BPE");
	return ret;
}

static int read_model(struct ct_bpe_builder *b, const cJSON *model,
		      struct ct_bpe_options *opt, struct ct_err *err)
{
	const cJSON *merges = GET(model, "merges"), *node;
	int ret;

	ret = ct_json_bool_opt(model, "fuse_unk", &opt->fuse_unk, err);
	if (!ret)
		ret = ct_json_bool_opt(model, "ignore_merges", &opt->ignore_merges,
				   err);
	if (!ret)
		ret = ct_hf_vocab(b, GET(model, "vocab"), err);
	if (!ret)
		ret = read_unknown(b, model, opt, err);
	if (ret)
		return ret;

	if (!cJSON_IsArray(merges))
		return ct_fail(err, -EBADMSG, "\"merges\" is not an array");
	cJSON_ArrayForEach(node, merges) {
		ret = read_merge(b, node, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* --- added tokens ----------------------------------------------------- */

int ct_hf_flags(const cJSON *token, unsigned int *flags, struct ct_err *err)
{
	static const struct {
		const char *key;
		unsigned int flag;
	} keys[] = {
		{ "special", CT_BPE_ADD_SPECIAL },
		{ "lstrip", CT_BPE_ADD_LSTRIP },
		{ "rstrip", CT_BPE_ADD_RSTRIP },
		{ "single_word", CT_BPE_ADD_SINGLE_WORD },
		{ "normalized", CT_BPE_ADD_NORMALIZED },
	};
	size_t i;
	int ret;

	*flags = 0;
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		bool on = false;

		ret = ct_json_bool_opt(token, keys[i].key, &on, err);
		if (ret)
			return ret;
		if (on)
			*flags |= keys[i].flag;
	}
	return 0;
}

static int read_added(struct ct_bpe_builder *b, const cJSON *token,
		      struct ct_err *err)
{
	const char *text = ct_json_string(GET(token, "content"));
	unsigned int flags;
	uint32_t id;
	int ret;

	if (!text)
		return ct_fail(err, -EBADMSG,
			       "an added token has no \"content\"");
	/* Matches nowhere; Hugging Face drops it too. */
	if (!text[0])
		return 0;
	ret = ct_json_id(GET(token, "id"), &id, err);
	if (!ret)
		ret = ct_hf_flags(token, &flags, err);
	if (ret) {
		ct_err_prefix(err, "added token \"%.40s\"", text);
		return ret;
	}
	return ct_bpe_builder_added(b, id, text, strlen(text), flags, err);
}

static int read_all_added(struct ct_bpe_builder *b, const cJSON *list,
			  struct ct_err *err)
{
	const cJSON *node;
	int ret;

	if (!list || cJSON_IsNull(list))
		return 0;
	if (!cJSON_IsArray(list))
		return ct_fail(err, -EBADMSG, "\"added_tokens\" is not an array");
	cJSON_ArrayForEach(node, list) {
		ret = read_added(b, node, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* --- what comes before and after the model ---------------------------- */

/* The parts of a Sequence, or the part itself; NULL if there is none. */
static const cJSON *parts_of(const cJSON *part, const char *key)
{
	if (!part || cJSON_IsNull(part))
		return NULL;
	if (!is_type(part, "Sequence"))
		return part;
	part = GET(part, key);
	return part ? part->child : NULL;
}

static int check_normalizer(const cJSON *part, struct ct_err *err)
{
	part = parts_of(part, "normalizers");
	if (part)
		return unsupported("normalizer", part,
				   "tokenizers without one", err);
	return 0;
}

static int read_pre_tokenizer(const cJSON *whole, struct ct_bpe_options *opt,
			      struct ct_err *err)
{
	const cJSON *part = parts_of(whole, "pretokenizers");
	bool use_regex = true;
	int ret;

	if (!part)
		return ct_fail(err, -ENOTSUP,
			       "there is no pre-tokenizer; only ByteLevel is supported");
	if (!is_type(part, "ByteLevel"))
		return unsupported("pre-tokenizer", part, "ByteLevel", err);
	if (part != whole && part->next)
		return unsupported("pre-tokenizer", part->next,
				   "ByteLevel alone", err);
	ret = ct_json_bool_opt(part, "add_prefix_space", &opt->add_prefix_space,
			   err);
	if (!ret)
		ret = ct_json_bool_opt(part, "use_regex", &use_regex, err);
	opt->no_split = !use_regex;
	return ret;
}

/* One special token before the text, or nothing, is what can be done. */
static int read_template(struct ct_bpe_builder *b, const cJSON *part,
			 struct ct_bpe_options *opt, struct ct_err *err)
{
	const cJSON *item = GET(part, "single"), *special;
	const char *name;

	item = item ? item->child : NULL;
	special = GET(item, "SpecialToken");
	if (special) {
		name = ct_json_string(GET(special, "id"));
		if (!name || ct_bpe_builder_find(b, name, strlen(name),
						 &opt->bos_id))
			return ct_fail(err, -EBADMSG,
				       "the post-processor names a token that is not in the vocabulary");
		opt->add_bos = true;
		item = item->next;
	}
	if (!GET(item, "Sequence") || item->next)
		return unsupported("post-processor", part,
				   "ByteLevel, or one token before the text",
				   err);
	return 0;
}

static int read_post_processor(struct ct_bpe_builder *b, const cJSON *whole,
			       struct ct_bpe_options *opt, struct ct_err *err)
{
	const cJSON *part = parts_of(whole, "processors");
	int ret = 0;

	while (part && !ret) {
		if (is_type(part, "TemplateProcessing"))
			ret = read_template(b, part, opt, err);
		else if (!is_type(part, "ByteLevel"))
			ret = unsupported("post-processor", part,
					  "ByteLevel or TemplateProcessing",
					  err);
		part = part == whole ? NULL : part->next;
	}
	return ret;
}

static int check_decoder(const cJSON *whole, struct ct_err *err)
{
	const cJSON *part = parts_of(whole, "decoders");

	if (!part)
		return 0;
	if (!is_type(part, "ByteLevel"))
		return unsupported("decoder", part, "ByteLevel", err);
	if (part != whole && part->next)
		return unsupported("decoder", part->next, "ByteLevel alone",
				   err);
	return 0;
}

int ct_hf_tokenizer_json(struct ct_bpe_builder *b, const cJSON *root,
			 struct ct_bpe_options *opt, struct ct_err *err)
{
	int ret;

	/* Parts before the vocabulary: their refusal says more. */
	ret = check_model(GET(root, "model"), err);
	if (!ret)
		ret = check_normalizer(GET(root, "normalizer"), err);
	if (!ret)
		ret = read_pre_tokenizer(GET(root, "pre_tokenizer"), opt, err);
	if (!ret)
		ret = check_decoder(GET(root, "decoder"), err);
	if (!ret)
		ret = read_model(b, GET(root, "model"), opt, err);
	if (!ret)
		ret = read_all_added(b, GET(root, "added_tokens"), err);
	if (!ret)
		ret = read_post_processor(b, GET(root, "post_processor"), opt,
					  err);
	return ret;
}
