// SPDX-License-Identifier: MIT
#include "engine/calibrate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/load.h"
#include "engine/taps.h"
#include "text/bpe.h"

/* Of the text that ctrans_model_params.calibration names. */
#define OPEN_TOKENS	512u

static int open_calibration(const struct ct_taps *taps, size_t n_tokens, bool gram,
			    struct ct_calibration **out, struct ct_err *err)
{
	struct ct_calibration_shape *s = calloc(taps->n, sizeof(*s));
	int ret;

	if (!s)
		return ct_fail(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < taps->n; i++) {
		const struct ctrans_insn *insn = ct_taps_insn(taps, i);

		s[i] = (struct ct_calibration_shape){
			.layer = ct_tag_kind(insn->tag) == CT_INSN_HEAD ? 0 :
				 insn->tag >> 8,
			.kind = (uint32_t)ct_tag_kind(insn->tag),
			.n_in = insn->linear.n_in,
			.n_out = insn->linear.n_out,
		};
	}
	ret = ct_calibration_open(s, taps->n, n_tokens, gram, out, err);
	free(s);
	return ret;
}

static int take(const struct ct_taps *taps, size_t n, struct ct_calibration_rows *in,
		struct ct_calibration *c, struct ct_err *err)
{
	for (size_t i = 0; i < taps->n; i++)
		in[i] = (struct ct_calibration_rows){
			.x = ct_taps_in(taps, i, 0),
			.stride = taps->tap[i].in_stride / sizeof(float),
		};
	return ct_calibration_add(c, in, (uint32_t)n, ct_load_threads(taps->core), err);
}

static int run_text(struct ct_taps *taps, struct ct_seq *seq, const uint32_t *tokens,
		    size_t n, const struct ct_calibrate *how, struct ct_calibration *c,
		    struct ct_err *err)
{
	struct ct_calibration_rows *in = calloc(taps->n, sizeof(*in));
	uint32_t context = taps->core->context;
	int ret = in ? 0 : ct_fail(err, -ENOMEM, "out of memory");

	for (size_t at = 0, here; at < n && !ret; at += here) {
		uint32_t left;

		if (ct_seq_position(seq) == context)
			ct_seq_truncate(seq, 0);
		left = context - ct_seq_position(seq);
		here = n - at < taps->rows ? n - at : taps->rows;
		here = here < left ? here : left;
		ret = ct_taps_run(taps, seq, tokens + at, here, err);
		if (!ret)
			ret = take(taps, here, in, c, err);
		if (!ret && how->progress && how->progress(how->arg, at + here, n))
			ret = ct_fail(err, -ECANCELED, "calibration was cancelled");
	}
	free(in);
	return ret;
}

int ct_core_observe_tokens(struct ct_core *core, const uint32_t *tokens, size_t n,
			   const struct ct_calibrate *how,
			   struct ct_calibration **out, struct ct_err *err)
{
	struct ct_calibration *c = NULL;
	struct ct_taps taps;
	struct ct_seq *seq;
	int ret;

	ret = ct_taps_open(core, CT_STEP_ROWS, false, &taps, err);
	if (ret)
		return ret;
	ret = ct_seq_open(core, &seq, err);
	if (ret) {
		ct_taps_close(&taps);
		return ret;
	}
	ct_seq_unshared(seq);
	ret = open_calibration(&taps, n, how->gram, &c, err);
	if (!ret)
		ret = run_text(&taps, seq, tokens, n, how, c, err);
	ct_seq_close(seq);
	ct_taps_close(&taps);
	if (ret) {
		ct_calibration_close(c);
		return ret;
	}
	*out = c;
	return 0;
}

int ct_core_observe(struct ct_core *core, const char *text, size_t len,
		    const struct ct_calibrate *how, struct ct_calibration **out,
		    struct ct_err *err)
{
	struct ct_ids ids = { 0 };
	int ret;

	if (!core->bpe)
		return ct_fail(err, -ENOTSUP,
			       "calibration needs a tokenizer, and the model has none");
	ret = ct_bpe_encode(core->bpe, text, len, 0, &ids, err);
	if (ret)
		return ret;
	if (ids.n < CT_CALIBRATION_LEAST)
		ret = ct_fail(err, -EINVAL,
			      "the calibration text has %zu tokens; at least %u are needed",
			      ids.n, CT_CALIBRATION_LEAST);
	else
		ret = ct_core_observe_tokens(core, ids.data,
					     ids.n < how->tokens ? ids.n : how->tokens,
					     how, out, err);
	ct_ids_free(&ids);
	return ret;
}

int ct_core_calibrate(struct ct_core *core, const char *text, size_t len,
		      float levels, struct ct_err *err)
{
	struct ct_calibrate how = { .tokens = OPEN_TOKENS };
	struct ct_calibration *c;
	int ret;

	if (how.tokens > core->context && core->context >= CT_CALIBRATION_LEAST)
		how.tokens = core->context;
	ret = ct_core_observe(core, text, len, &how, &c, err);
	if (ret)
		return ret;
	core->theta = calloc(c->n, sizeof(*core->theta));
	if (core->theta) {
		ct_thresholds_rms(c, levels);
		for (size_t i = 0; i < c->n; i++)
			core->theta[i] = c->layers[i].threshold;
		core->at.theta = core->theta;
		ct_core_build(core);
	} else {
		ret = ct_fail(err, -ENOMEM, "out of memory");
	}
	ct_calibration_close(c);
	return ret;
}
