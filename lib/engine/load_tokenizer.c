// SPDX-License-Identifier: MIT
/* The tokenizer that goes with a model. */
#include <errno.h>
#include <stdlib.h>

#include "engine/core_impl.h"
#include "model/converted.h"
#include "text/tokenizer.h"

static int keep(struct ct_core *core, struct ct_tokenizer *t, struct ct_err *err)
{
	core->tokenizer = t;
	return t ? 0 : ct_fail(err, -ENOMEM, "out of memory");
}

static int open_spm(struct ct_core *core, const struct ct_model *model,
		    struct ct_err *err)
{
	struct ct_spm *spm;
	int ret = ct_spm_open_hf(model->path, &spm, err);

	return ret ? ret : keep(core, ct_tokenizer_of_spm(spm), err);
}

static int open_fsmt(struct ct_core *core, const struct ct_model *model,
		     struct ct_err *err)
{
	struct ct_fsmt *fsmt;
	int ret = ct_fsmt_open_hf(model->path, &fsmt, err);

	return ret ? ret : keep(core, ct_tokenizer_of_fsmt(fsmt), err);
}

static int open_bpe(struct ct_core *core, const struct ct_model *model,
		    struct ct_err *err)
{
	struct ct_bpe *bpe;
	int ret;

	if (model->tokenizer == CT_TOKENIZER_GGUF) {
		ret = ct_bpe_from_vocab(&model->vocab, &bpe, err);
		if (ret)
			ct_err_prefix(err, "%s", model->path);
	} else {
		ret = ct_bpe_open_hf(model->path, &bpe, err);
	}
	return ret ? ret : keep(core, ct_tokenizer_of_bpe(bpe), err);
}

/* Its tokens beside the pieces, the texts being the header's; to be freed. */
static int stored_added(const struct ct_gguf *gguf, struct ct_spm_added **out,
			uint32_t *n, struct ct_err *err)
{
	struct ct_str *names = NULL;
	struct ct_spm_added *v = NULL;
	int32_t *ids = NULL;
	uint32_t n_ids;
	int ret = ct_gguf_strings_opt(gguf, CT_KEY_TOK_SPM_ADDED, &names, n, err);

	if (!ret)
		ret = ct_gguf_i32s_opt(gguf, CT_KEY_TOK_SPM_IDS, &ids, &n_ids, err);
	if (!ret && n_ids != 2ull * *n)
		ret = ct_fail(err, -EBADMSG, "%u added tokens, but metadata key %s has %u elements",
			      *n, CT_KEY_TOK_SPM_IDS, n_ids);
	if (!ret) {
		v = calloc((size_t)*n + 1, sizeof(*v));
		if (!v)
			ret = ct_fail(err, -ENOMEM, "no memory for the tokenizer");
	}
	for (uint32_t i = 0; i < *n && !ret; i++) {
		if (ids[2 * i] < 0 || (ids[2 * i + 1] & ~1))
			ret = ct_fail(err, -EBADMSG, "metadata key %s: token %u is %d, %d",
				      CT_KEY_TOK_SPM_IDS, i, ids[2 * i], ids[2 * i + 1]);
		v[i] = (struct ct_spm_added){
			.text = names[i].ptr, .len = names[i].len,
			.id = (uint32_t)ids[2 * i], .special = ids[2 * i + 1],
		};
	}
	free(names);
	free(ids);
	*out = v;
	return ret;
}

static int stored_spm(const struct ct_gguf *gguf, struct ct_tokenizer **out,
		      struct ct_err *err)
{
	struct ct_spm_added *added = NULL;
	struct ct_str proto = { "", 0 };
	struct ct_spm *spm = NULL;
	uint32_t n = 0;
	int ret = ct_gguf_bytes_opt(gguf, CT_KEY_TOK_SPM, &proto, err);

	if (!ret)
		ret = stored_added(gguf, &added, &n, err);
	if (!ret)
		ret = ct_spm_open(proto.ptr, proto.len, added, n, &spm, err);
	free(added);
	if (ret)
		return ret;
	*out = ct_tokenizer_of_spm(spm);
	return *out ? 0 : ct_fail(err, -ENOMEM, "out of memory");
}

static int stored_fsmt(const struct ct_gguf *gguf, struct ct_tokenizer **out,
		       struct ct_err *err)
{
	struct ct_fsmt_files files;
	struct ct_fsmt *fsmt = NULL;
	struct ct_str *v;
	uint32_t n;
	int ret = ct_gguf_strings_opt(gguf, CT_KEY_TOK_FSMT, &v, &n, err);

	if (ret)
		return ret;
	if (n != 4) {
		free(v);
		return ct_fail(err, -EBADMSG, "metadata key %s has %u elements, not 4",
			       CT_KEY_TOK_FSMT, n);
	}
	files.src.data = v[0].ptr;
	files.src.len = v[0].len;
	files.tgt.data = v[1].ptr;
	files.tgt.len = v[1].len;
	files.merges.data = v[2].ptr;
	files.merges.len = v[2].len;
	files.config.data = v[3].ptr;
	files.config.len = v[3].len;
	free(v);
	ret = ct_fsmt_open(&files, &fsmt, err);
	if (ret)
		return ret;
	*out = ct_tokenizer_of_fsmt(fsmt);
	return *out ? 0 : ct_fail(err, -ENOMEM, "out of memory");
}

int ct_tokenizer_stored(const struct ct_gguf *gguf, struct ct_tokenizer **out,
			struct ct_err *err)
{
	bool spm = ct_gguf_find(gguf, CT_KEY_TOK_SPM);

	if (spm && ct_gguf_find(gguf, CT_KEY_TOK_FSMT))
		return ct_fail(err, -EBADMSG, "it has both metadata keys, %s and %s",
			       CT_KEY_TOK_SPM, CT_KEY_TOK_FSMT);
	return spm ? stored_spm(gguf, out, err) : stored_fsmt(gguf, out, err);
}

static int open_stored(struct ct_core *core, const struct ct_model *model,
		       struct ct_err *err)
{
	int ret = ct_tokenizer_stored(&model->gguf, &core->tokenizer, err);

	if (ret)
		ct_err_prefix(err, "%s", model->path);
	return ret;
}

static int open_any(struct ct_core *core, const struct ct_model *model,
		    struct ct_err *err)
{
	int ret;

	switch (model->tokenizer) {
	case CT_TOKENIZER_HF_SPM:
		return open_spm(core, model, err);
	case CT_TOKENIZER_HF_FSMT:
		return open_fsmt(core, model, err);
	case CT_TOKENIZER_HF_JSON:
		/* which may be of either kind: the model tells, if it is known */
		if (model->has_weights && core->cfg.arch == CT_ARCH_T5)
			return open_spm(core, model, err);
		ret = open_bpe(core, model, err);
		if (ret == -ENOTSUP && !model->has_weights &&
		    !open_spm(core, model, NULL))
			ret = 0;
		return ret;
	case CT_TOKENIZER_CONVERTED:
		return open_stored(core, model, err);
	default:
		return open_bpe(core, model, err);
	}
}

static int check_sizes(const struct ct_core *core, const struct ct_model *model,
		       struct ct_err *err)
{
	uint32_t n = ct_tokenizer_size(core->tokenizer);
	uint32_t source = ct_tokenizer_source_size(core->tokenizer);

	if (n > core->cfg.n_vocab)
		return ct_fail(err, -EBADMSG,
			"%s: the tokenizer has %u tokens and the model %u: they do not belong together",
			model->path, n, core->cfg.n_vocab);
	if (ct_has_encoder(&core->cfg) && source > core->cfg.enc.n_vocab)
		return ct_fail(err, -EBADMSG,
			"%s: the tokenizer has %u tokens of a source and the model %u: they do not belong together",
			model->path, source, core->cfg.enc.n_vocab);
	return 0;
}

int ct_load_tokenizer(struct ct_core *core, const struct ct_model *model,
		      struct ct_err *err)
{
	int ret;

	if (model->tokenizer == CT_TOKENIZER_NONE)
		return 0;
	ret = open_any(core, model, err);
	if (!ret && model->has_weights)
		ret = check_sizes(core, model, err);
	if (ret)
		return ret;
	/* where config.json is silent the tokenizer may know */
	if (core->cfg.bos_id < 0 && ct_tokenizer_bos(core->tokenizer) != CT_TOKEN_NONE)
		core->cfg.bos_id = ct_tokenizer_bos(core->tokenizer);
	if (!core->cfg.n_eos && ct_tokenizer_eos(core->tokenizer) != CT_TOKEN_NONE) {
		core->cfg.eos_id = ct_tokenizer_eos(core->tokenizer);
		core->cfg.eos_ids[core->cfg.n_eos++] = ct_tokenizer_eos(core->tokenizer);
	}
	return 0;
}
