// SPDX-License-Identifier: MIT
#include "engine/calibrate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "convert/threshold.h"
#include "engine/load.h"
#include "engine/taps.h"
#include "text/tokenizer.h"

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

struct observing {
	const struct ct_calibrate *how;
	struct ct_calibration *c;
	struct ct_calibration_rows *in;	/* by linear */
};

static int take(void *arg, const struct ct_taps *taps, size_t rows, size_t done,
		struct ct_err *err)
{
	const struct observing *o = arg;
	int ret;

	for (size_t i = 0; i < taps->n; i++)
		o->in[i] = (struct ct_calibration_rows){
			.x = ct_taps_in(taps, i, 0),
			.stride = taps->tap[i].in_stride / sizeof(float),
		};
	ret = ct_calibration_add(o->c, o->in, (uint32_t)rows,
				 ct_load_threads(taps->core), err);
	if (!ret && o->how->progress &&
	    o->how->progress(o->how->arg, done, o->c->rows_total))
		ret = ct_fail(err, -ECANCELED, "calibration was cancelled");
	return ret;
}

int ct_core_observe_tokens(struct ct_core *core, const uint32_t *tokens, size_t n,
			   const struct ct_calibrate *how,
			   struct ct_calibration **out, struct ct_err *err)
{
	struct observing o = { .how = how };
	struct ct_taps taps;
	int ret;

	ret = ct_taps_open(core, CT_STEP_ROWS, false, &taps, err);
	if (ret)
		return ret;
	o.in = calloc(taps.n, sizeof(*o.in));
	ret = o.in ? open_calibration(&taps, n, how->gram, &o.c, err) :
		     ct_fail(err, -ENOMEM, "out of memory");
	if (!ret) {
		o.c->n_first = n < CT_CALIBRATION_FIRST ? (uint32_t)n : CT_CALIBRATION_FIRST;
		memcpy(o.c->first, tokens, o.c->n_first * sizeof(*tokens));
		ret = ct_taps_text(&taps, tokens, n, take, &o, err);
	}
	free(o.in);
	ct_taps_close(&taps);
	if (ret) {
		ct_calibration_close(o.c);
		return ret;
	}
	*out = o.c;
	return 0;
}

int ct_core_observe(struct ct_core *core, const char *text, size_t len,
		    const struct ct_calibrate *how, struct ct_calibration **out,
		    struct ct_err *err)
{
	struct ct_ids ids = { 0 };
	int ret;

	if (!core->tokenizer)
		return ct_fail(err, -ENOTSUP,
			       "calibration needs a tokenizer, and the model has none");
	ret = ct_tokenizer_encode(core->tokenizer, text, len, false, &ids, err);
	if (ret)
		return ret;
	if (ids.n < CT_CALIBRATION_LEAST)
		ret = ct_fail(err, -EINVAL,
			      "the calibration text has %zu tokens; at least %u are needed, "
			      "and some thousands are better", ids.n, CT_CALIBRATION_LEAST);
	else
		ret = ct_core_observe_tokens(core, ids.data,
					     ids.n < how->tokens ? ids.n : how->tokens,
					     how, out, err);
	ct_ids_free(&ids);
	return ret;
}

int ct_core_take_thresholds(struct ct_core *core, struct ct_calibration *c,
			    struct ct_err *err)
{
	float *theta = calloc(c->n, sizeof(*theta));
	struct ctrans_layer_profile *p = calloc(c->n, sizeof(*p));
	int ret = theta && p ? ct_thresholds_profile(c, ct_load_threads(core), err) :
			       ct_fail(err, -ENOMEM, "out of memory");

	if (ret) {
		free(theta);
		free(p);
		return ret;
	}
	for (size_t i = 0; i < c->n; i++) {
		theta[i] = c->layers[i].threshold;
		p[i] = c->layers[i].profile;
	}
	free(core->theta);
	free(core->profiles);
	core->theta = theta;
	core->profiles = p;
	core->at.theta = theta;
	ct_core_build(core);
	return 0;
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
	ct_thresholds_rms(c, levels);
	ret = ct_core_take_thresholds(core, c, err);
	ct_calibration_close(c);
	return ret;
}
