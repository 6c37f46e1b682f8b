// SPDX-License-Identifier: MIT
/* The tokenizer that goes with a model. */
#include <errno.h>

#include "engine/core_impl.h"
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

static int open_any(struct ct_core *core, const struct ct_model *model,
		    struct ct_err *err)
{
	switch (model->tokenizer) {
	case CT_TOKENIZER_HF_SPM:
		return open_spm(core, model, err);
	case CT_TOKENIZER_HF_FSMT:
		return open_fsmt(core, model, err);
	case CT_TOKENIZER_HF_JSON:
		/* which may be of either kind: the model tells, if it is known */
		if (model->has_weights && core->cfg.arch == CT_ARCH_T5)
			return open_spm(core, model, err);
		return open_bpe(core, model, err);
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
