// SPDX-License-Identifier: MIT
/*
 * tokenizer.json as transformers makes it of a SentencePiece model: turned back
 * into that model. Its parts are the model's settings in other words; a part that
 * no setting makes is refused by name.
 */
#include "text/spm_hf.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "text/json_file.h"
#include "text/spm_impl.h"

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

static bool is_string(const cJSON *node, const char *string)
{
	return cJSON_IsString(node) && !strcmp(node->valuestring, string);
}

static int unsupported(const char *what, const cJSON *part,
		       const char *supported, struct ct_err *err)
{
	return ct_fail(err, -ENOTSUP,
		       "the %s %.40s is not supported here, only %s", what,
		       type_of(part), supported);
}

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

static const cJSON *next_part(const cJSON *part, const cJSON *whole)
{
	return part == whole ? NULL : part->next;
}

/* --- the charsmap ----------------------------------------------------- */

static int base64_digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? at - digits : -1;
}

static int decode_base64(const char *text, struct ct_buf *out,
			 struct ct_err *err)
{
	size_t len = strlen(text), i;
	uint32_t bits = 0;

	while (len && text[len - 1] == '=')
		len--;
	if (ct_buf_reserve(out, len / 4 * 3 + 3))
		return ct_fail(err, -ENOMEM, "out of memory for a charsmap");
	for (i = 0; i < len; i++) {
		int digit = base64_digit(text[i]);

		if (digit < 0)
			return ct_fail(err, -EBADMSG,
				       "\"precompiled_charsmap\" is not base64");
		bits = bits << 6 | (uint32_t)digit;
		/* Each digit but the first of four completes a byte. */
		if (i % 4)
			out->data[out->n++] = bits >> (6 - 2 * (i % 4));
	}
	return 0;
}

/* --- what comes before and after the model ---------------------------- */

static int read_charsmap(const cJSON *part, struct ct_spm_model *m,
			 struct ct_buf *charsmap, struct ct_err *err)
{
	const cJSON *map = GET(part, "precompiled_charsmap");
	int ret;

	if (ct_json_is_unset(map))
		return 0;
	if (!cJSON_IsString(map) || m->charsmap_len)
		return ct_fail(err, -EBADMSG,
			       "\"precompiled_charsmap\" is no string, or there are two");
	ret = decode_base64(map->valuestring, charsmap, err);
	m->charsmap = charsmap->data;
	m->charsmap_len = charsmap->n;
	return ret;
}

/* Runs of spaces to one, or to what stands for one. */
static bool is_collapse(const cJSON *part)
{
	const cJSON *content = GET(part, "content");

	return is_type(part, "Replace") &&
	       is_string(GET(GET(part, "pattern"), "Regex"), " {2,}") &&
	       (is_string(content, " ") || is_string(content, CT_SPM_SPACE));
}

static int read_normalizer(const cJSON *whole, struct ct_spm_model *m,
			   struct ct_buf *charsmap, struct ct_err *err)
{
	const cJSON *part = parts_of(whole, "normalizers"), *strip = NULL;
	int ret = 0;

	for (; part && !ret; part = next_part(part, whole)) {
		if (is_type(part, "Precompiled"))
			ret = read_charsmap(part, m, charsmap, err);
		else if (is_collapse(part))
			m->remove_extra_whitespaces = true;
		else if (is_type(part, "Strip"))
			strip = part;
		else
			ret = unsupported("normalizer", part,
					  "Precompiled, Strip, and a Replace of runs of spaces",
					  err);
	}
	/* Removing extra spaces is both or neither. */
	if (!ret && strip && !m->remove_extra_whitespaces)
		ret = unsupported("normalizer", strip,
				  "one that also replaces runs of spaces", err);
	return ret;
}

/* Returns whether it puts a space before the text, or what is wrong. */
static int read_metaspace(const cJSON *part, struct ct_err *err)
{
	const cJSON *scheme = GET(part, "prepend_scheme");
	bool add = true;
	int ret;

	if (!is_string(GET(part, "replacement"), CT_SPM_SPACE))
		return ct_fail(err, -ENOTSUP,
			       "a Metaspace that puts something else than U+2581 for a space is not supported");
	ret = ct_json_bool_opt(part, "add_prefix_space", &add, err);
	if (ret)
		return ret;
	if (ct_json_is_unset(scheme))
		return add;
	/* "first" differs only after an added token in the text. */
	if (is_string(scheme, "always") || is_string(scheme, "first"))
		return true;
	if (is_string(scheme, "never"))
		return false;
	return ct_fail(err, -ENOTSUP,
		       "a Metaspace whose \"prepend_scheme\" is not always, first or never is not supported");
}

static int read_pre_tokenizer(const cJSON *whole, struct ct_spm_model *m,
			      struct ct_err *err)
{
	const cJSON *part = parts_of(whole, "pretokenizers");
	bool found = false;
	int ret;

	for (; part; part = next_part(part, whole)) {
		if (is_type(part, "WhitespaceSplit") && m->charsmap_len) {
			/* White space is spaces by then: the charsmap's work. */
			m->remove_extra_whitespaces = true;
		} else if (is_type(part, "Metaspace")) {
			ret = read_metaspace(part, err);
			if (ret < 0)
				return ret;
			m->add_dummy_prefix = ret;
			found = true;
		} else {
			return unsupported("pre-tokenizer", part,
					   "Metaspace, and WhitespaceSplit after a charsmap",
					   err);
		}
	}
	if (!found)
		return ct_fail(err, -ENOTSUP,
			       "there is no Metaspace pre-tokenizer, and no other is supported here");
	return 0;
}

static int check_decoder(const cJSON *whole, struct ct_err *err)
{
	const cJSON *part = parts_of(whole, "decoders");
	int ret = 0;

	for (; part && ret >= 0; part = next_part(part, whole)) {
		if (!is_type(part, "Metaspace"))
			return unsupported("decoder", part, "Metaspace", err);
		ret = read_metaspace(part, err);
	}
	return ret < 0 ? ret : 0;
}

/* The text and then one token, which is the end of a text, or just the text. */
static int check_post_processor(const cJSON *whole, struct ct_err *err)
{
	static const char supported[] = "one that puts a token after the text";
	const cJSON *part = parts_of(whole, "processors"), *item;

	for (; part; part = next_part(part, whole)) {
		item = is_type(part, "TemplateProcessing") ?
			       GET(part, "single") : NULL;
		item = item ? item->child : NULL;
		if (!GET(item, "Sequence"))
			return unsupported("post-processor", part, supported,
					   err);
		item = item->next;
		if (item && (!GET(item, "SpecialToken") || item->next))
			return unsupported("post-processor", part, supported,
					   err);
	}
	return 0;
}

/* --- the vocabulary --------------------------------------------------- */

static int read_added(const cJSON *list, struct ct_spm_names *names,
		      struct ct_err *err)
{
	const cJSON *node;
	const char *text;
	bool special;
	uint32_t id;
	int ret;

	if (list && !cJSON_IsNull(list) && !cJSON_IsArray(list))
		return ct_fail(err, -EBADMSG, "\"added_tokens\" is not an array");
	cJSON_ArrayForEach(node, list) {
		text = ct_json_string(GET(node, "content"));
		special = false;
		if (!text)
			return ct_fail(err, -EBADMSG,
				       "an added token has no \"content\"");
		/* Matches nowhere; Hugging Face drops it too. */
		if (!text[0])
			continue;
		ret = ct_json_id(GET(node, "id"), &id, err);
		if (!ret)
			ret = ct_json_bool_opt(node, "special", &special, err);
		if (!ret)
			ret = ct_spm_names_add(names, text, id, special, err);
		if (ret) {
			ct_err_prefix(err, "added token \"%.40s\"", text);
			return ret;
		}
	}
	return 0;
}

static int read_piece(struct ct_spm_model *m, const cJSON *node,
		      struct ct_err *err)
{
	const cJSON *text = cJSON_IsArray(node) ? node->child : NULL;
	const cJSON *score = text ? text->next : NULL;
	uint32_t type = CT_SPM_PIECE_NORMAL;
	size_t len;

	if (!cJSON_IsString(text) || !cJSON_IsNumber(score) || score->next ||
	    !(fabs(score->valuedouble) <= 1e30))
		return ct_fail(err, -EBADMSG,
			       "entry %zu of the vocabulary is not [\"piece\", score]",
			       m->n);
	len = strlen(text->valuestring);
	if (m->n == (size_t)m->unk_id)
		type = CT_SPM_PIECE_UNKNOWN;
	else if (m->byte_fallback &&
		 ct_spm_piece_byte(text->valuestring, len) >= 0)
		type = CT_SPM_PIECE_BYTE;
	return ct_spm_model_add(m, text->valuestring, len,
				(float)score->valuedouble, type, err);
}

/*
 * The vocabulary lists added tokens as well. At its end they are T5's, with ids
 * beyond the model's pieces; elsewhere pieces that the model has a name for.
 */
static void set_types(struct ct_spm_model *m, const struct ct_spm_names *names)
{
	size_t i, n = 0;

	for (i = 0; i < names->n; i++) {
		const struct ct_spm_added *a = &names->v[i];
		struct ct_spm_piece *p;

		if (a->id >= m->n)
			continue;
		p = &m->pieces[a->id];
		if (p->type == CT_SPM_PIECE_NORMAL && p->len == a->len &&
		    !memcmp(p->text, a->text, a->len))
			p->type = a->special ? CT_SPM_PIECE_CONTROL :
					       CT_SPM_PIECE_USER;
	}
	for (i = 0; i < m->n; i++) {
		if (m->pieces[i].type != CT_SPM_PIECE_CONTROL)
			n = i + 1;
	}
	m->n = n;
}

static int check_model(const cJSON *model, struct ct_err *err)
{
	if (!cJSON_IsObject(model))
		return ct_fail(err, -EBADMSG, "\"model\" is not a JSON object");
	if (!is_type(model, "Unigram"))
		return unsupported("model", model, "Unigram", err);
	if (!cJSON_IsArray(GET(model, "vocab")))
		return ct_fail(err, -EBADMSG, "\"vocab\" is not an array");
	return 0;
}

static int read_model(const cJSON *model, struct ct_spm_model *m,
		      struct ct_err *err)
{
	const cJSON *node;
	uint32_t id;
	int ret;

	ret = ct_json_id(GET(model, "unk_id"), &id, err);
	if (ret || id >= CT_SPM_MAX_IDS)
		return ct_fail(err, -EBADMSG, "\"unk_id\" is no token id");
	m->unk_id = id;
	ret = ct_json_bool_opt(model, "byte_fallback", &m->byte_fallback, err);
	if (ret)
		return ret;
	cJSON_ArrayForEach(node, GET(model, "vocab")) {
		ret = read_piece(m, node, err);
		if (ret)
			return ret;
	}
	return 0;
}

int ct_spm_hf_json(const cJSON *root, struct ct_spm_model *m,
		   struct ct_spm_names *names, struct ct_buf *charsmap,
		   struct ct_err *err)
{
	int ret;

	ct_spm_model_init(m);
	m->remove_extra_whitespaces = false;
	m->bos_id = m->eos_id = m->pad_id = -1;
	/* Parts before the vocabulary: their refusal says more. */
	ret = check_model(GET(root, "model"), err);
	if (!ret)
		ret = read_normalizer(GET(root, "normalizer"), m, charsmap, err);
	if (!ret)
		ret = read_pre_tokenizer(GET(root, "pre_tokenizer"), m, err);
	if (!ret)
		ret = check_decoder(GET(root, "decoder"), err);
	if (!ret)
		ret = check_post_processor(GET(root, "post_processor"), err);
	if (!ret)
		ret = read_model(GET(root, "model"), m, err);
	if (!ret)
		ret = read_added(GET(root, "added_tokens"), names, err);
	if (!ret)
		set_types(m, names);
	return ret;
}
