// SPDX-License-Identifier: MIT
#include "text/tokenizer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(CT_TOKEN_NONE == CT_BPE_NO_ID && CT_TOKEN_NONE == CT_SPM_NO_ID &&
	       CT_TOKEN_NONE == CT_FSMT_NO_ID, "one number for none");

struct ct_tokenizer {
	enum ct_tokenizer_family family;
	struct ct_bpe *bpe;
	struct ct_spm *spm;
	struct ct_fsmt *fsmt;
};

static struct ct_tokenizer *make(const struct ct_tokenizer *of)
{
	struct ct_tokenizer *t = malloc(sizeof(*t));

	if (t) {
		*t = *of;
		return t;
	}
	ct_bpe_free(of->bpe);
	ct_spm_free(of->spm);
	ct_fsmt_free(of->fsmt);
	return NULL;
}

struct ct_tokenizer *ct_tokenizer_of_bpe(struct ct_bpe *bpe)
{
	return make(&(struct ct_tokenizer){ .family = CT_FAMILY_BPE, .bpe = bpe });
}

struct ct_tokenizer *ct_tokenizer_of_spm(struct ct_spm *spm)
{
	return make(&(struct ct_tokenizer){ .family = CT_FAMILY_SPM, .spm = spm });
}

struct ct_tokenizer *ct_tokenizer_of_fsmt(struct ct_fsmt *fsmt)
{
	return make(&(struct ct_tokenizer){ .family = CT_FAMILY_FSMT, .fsmt = fsmt });
}

void ct_tokenizer_free(struct ct_tokenizer *t)
{
	if (!t)
		return;
	ct_bpe_free(t->bpe);
	ct_spm_free(t->spm);
	ct_fsmt_free(t->fsmt);
	free(t);
}

enum ct_tokenizer_family ct_tokenizer_family(const struct ct_tokenizer *t)
{
	return t->family;
}

const struct ct_bpe *ct_tokenizer_bpe(const struct ct_tokenizer *t)
{
	return t ? t->bpe : NULL;
}

const struct ct_spm *ct_tokenizer_spm(const struct ct_tokenizer *t)
{
	return t ? t->spm : NULL;
}

const struct ct_fsmt *ct_tokenizer_fsmt(const struct ct_tokenizer *t)
{
	return t ? t->fsmt : NULL;
}

/* ---- Text to ids --------------------------------------------------------- */

int ct_tokenizer_encode(const struct ct_tokenizer *t, const char *text, size_t len,
			bool special, struct ct_ids *out, struct ct_err *err)
{
	switch (t->family) {
	case CT_FAMILY_SPM:
		return ct_spm_encode(t->spm, text, len,
				     special ? CT_SPM_PARSE_SPECIAL : 0, out, err);
	case CT_FAMILY_FSMT:
		return ct_fsmt_encode_target(t->fsmt, text, len, out, err);
	default:
		return ct_bpe_encode(t->bpe, text, len,
				     special ? CT_BPE_PARSE_SPECIAL : 0, out, err);
	}
}

int ct_tokenizer_source(const struct ct_tokenizer *t, const char *text, size_t len,
			bool special, struct ct_ids *out, struct ct_err *err)
{
	if (t->family == CT_FAMILY_FSMT)
		return ct_fsmt_encode(t->fsmt, text, len, out, err);
	return ct_tokenizer_encode(t, text, len, special, out, err);
}

/* ---- Ids to text --------------------------------------------------------- */

bool ct_tokenizer_is_special(const struct ct_tokenizer *t, uint32_t id)
{
	enum ct_spm_kind spm;
	enum ct_fsmt_kind fsmt;

	switch (t->family) {
	case CT_FAMILY_SPM:
		spm = ct_spm_kind(t->spm, id);
		return spm == CT_SPM_SPECIAL || spm == CT_SPM_UNKNOWN;
	case CT_FAMILY_FSMT:
		fsmt = ct_fsmt_kind(t->fsmt, CT_FSMT_TARGET, id);
		return fsmt == CT_FSMT_SPECIAL || fsmt == CT_FSMT_UNKNOWN;
	default:
		return ct_bpe_kind(t->bpe, id) == CT_BPE_SPECIAL;
	}
}

int ct_tokenizer_bytes(const struct ct_tokenizer *t, uint32_t id, const char **bytes,
		       size_t *len)
{
	switch (t->family) {
	case CT_FAMILY_SPM:
		return ct_spm_bytes(t->spm, id, bytes, len);
	case CT_FAMILY_FSMT:
		return ct_fsmt_name(t->fsmt, CT_FSMT_TARGET, id, bytes, len);
	default:
		return ct_bpe_bytes(t->bpe, id, bytes, len);
	}
}

bool ct_tokenizer_streams(const struct ct_tokenizer *t)
{
	return t->family != CT_FAMILY_FSMT;
}

bool ct_tokenizer_strips(const struct ct_tokenizer *t)
{
	return t->family == CT_FAMILY_SPM;
}

static int decode(const struct ct_tokenizer *t, const uint32_t *ids, size_t n,
		  struct ct_buf *out, struct ct_err *err)
{
	switch (t->family) {
	case CT_FAMILY_SPM:
		return ct_spm_decode(t->spm, ids, n, CT_SPM_SKIP_SPECIAL, out, err);
	case CT_FAMILY_FSMT:
		return ct_fsmt_decode(t->fsmt, ids, n, CT_FSMT_SKIP_SPECIAL, out, err);
	default:
		return ct_bpe_decode(t->bpe, ids, n, CT_BPE_SKIP_SPECIAL, out, err);
	}
}

static bool is_hole(const struct ct_tokenizer *t, uint32_t id)
{
	const char *bytes;
	size_t len;

	return ct_tokenizer_bytes(t, id, &bytes, &len) && !ct_tokenizer_is_special(t, id);
}

int ct_tokenizer_decode(const struct ct_tokenizer *t, const uint32_t *ids, size_t n,
			struct ct_buf *out, struct ct_err *err)
{
	struct ct_ids real = { 0 };
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++)
		if (!is_hole(t, ids[i]) && ct_ids_append(&real, ids[i]))
			ret = ct_fail(err, -ENOMEM, "no memory for the text of %zu tokens",
				      n);
	if (!ret)
		ret = decode(t, real.data, real.n, out, err);
	ct_ids_free(&real);
	return ret;
}

/* ---- Lookups ------------------------------------------------------------- */

uint32_t ct_tokenizer_size(const struct ct_tokenizer *t)
{
	switch (t->family) {
	case CT_FAMILY_SPM:
		return ct_spm_size(t->spm);
	case CT_FAMILY_FSMT:
		return ct_fsmt_size(t->fsmt, CT_FSMT_TARGET);
	default:
		return ct_bpe_size(t->bpe);
	}
}

uint32_t ct_tokenizer_source_size(const struct ct_tokenizer *t)
{
	return t->family == CT_FAMILY_FSMT ? ct_fsmt_size(t->fsmt, CT_FSMT_SOURCE) :
					     ct_tokenizer_size(t);
}

uint32_t ct_tokenizer_bos(const struct ct_tokenizer *t)
{
	switch (t->family) {
	case CT_FAMILY_SPM:
		return ct_spm_bos(t->spm);
	case CT_FAMILY_FSMT:
		return ct_fsmt_bos(t->fsmt, CT_FSMT_TARGET);
	default:
		return ct_bpe_bos(t->bpe);
	}
}

uint32_t ct_tokenizer_eos(const struct ct_tokenizer *t)
{
	switch (t->family) {
	case CT_FAMILY_SPM:
		return ct_spm_eos(t->spm);
	case CT_FAMILY_FSMT:
		return ct_fsmt_eos(t->fsmt, CT_FSMT_TARGET);
	default:
		return ct_bpe_eos(t->bpe);
	}
}

bool ct_tokenizer_adds_bos(const struct ct_tokenizer *t)
{
	return t->family == CT_FAMILY_BPE && ct_bpe_adds_bos(t->bpe);
}

/* @source: of those of a source, which FSMT has a table of its own for. */
static bool same_token(const struct ct_tokenizer *a, const struct ct_tokenizer *b,
		       bool source, uint32_t id)
{
	const struct ct_tokenizer *t[2] = { a, b };
	const char *bytes[2];
	size_t len[2];
	int ret[2], kind[2];

	for (int i = 0; i < 2; i++) {
		bool table = source && t[i]->family == CT_FAMILY_FSMT;

		ret[i] = table ? ct_fsmt_name(t[i]->fsmt, CT_FSMT_SOURCE, id, &bytes[i],
					      &len[i]) :
				 ct_tokenizer_bytes(t[i], id, &bytes[i], &len[i]);
		kind[i] = table ? (int)ct_fsmt_kind(t[i]->fsmt, CT_FSMT_SOURCE, id) :
				  ct_tokenizer_is_special(t[i], id);
	}
	if (ret[0] || ret[1])
		return ret[0] == ret[1];
	return kind[0] == kind[1] && len[0] == len[1] &&
	       !memcmp(bytes[0], bytes[1], len[0]);
}

static bool same_tokens(const struct ct_tokenizer *a, const struct ct_tokenizer *b,
			bool source, uint32_t *differs)
{
	uint32_t n = source ? ct_tokenizer_source_size(a) : ct_tokenizer_size(a);
	uint32_t m = source ? ct_tokenizer_source_size(b) : ct_tokenizer_size(b);

	for (*differs = 0; *differs < (n > m ? n : m); ++*differs)
		if (!same_token(a, b, source, *differs))
			return false;
	return true;
}

bool ct_tokenizer_same(const struct ct_tokenizer *a, const struct ct_tokenizer *b,
		       uint32_t *differs)
{
	*differs = 0;
	return a->family == b->family && same_tokens(a, b, false, differs) &&
	       (a->family != CT_FAMILY_FSMT || same_tokens(a, b, true, differs));
}
