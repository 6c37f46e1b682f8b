// SPDX-License-Identifier: MIT
#include "engine/calibrate.h"

#include <errno.h>
#include <stdlib.h>

#include "convert/threshold.h"
#include "engine/load.h"
#include "engine/pairs.h"
#include "engine/taps.h"

/* Of the text that ctrans_model_params.calibration names. */
#define OPEN_TOKENS	512u

struct observing {
	const struct ct_calibrate *how;
	struct ct_calibration *c;
	struct ct_calibration_rows *in;	/* by linear */
	uint64_t total;			/* tokens, of sources and texts */
};

static int open_calibration(const struct ct_taps *taps, const struct ctrans_pair *pairs,
			    size_t n, struct observing *o, struct ct_err *err)
{
	struct ct_calibration_shape *s = calloc(taps->n, sizeof(*s));
	uint64_t sources = ct_pairs_sources(pairs, n), texts = ct_pairs_texts(pairs, n);
	int ret;

	if (!s)
		return ct_fail(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < taps->n; i++) {
		const struct ct_linear_id *id = &taps->core->linears[i];
		const struct ctrans_insn *insn = ct_taps_insn(taps, i);

		s[i] = (struct ct_calibration_shape){
			.layer = id->tag_layer, .kind = (uint32_t)id->kind,
			.n_in = insn->linear.n_in, .n_out = insn->linear.n_out,
			.rows = i < taps->decoder.first ? sources : texts,
		};
	}
	o->total = sources + texts;
	ret = ct_calibration_open(s, taps->n, o->how->gram, &o->c, err);
	free(s);
	return ret;
}

/* The first of them, as many as there is room for. */
static int keep_texts(struct ct_calibration *c, const struct ctrans_pair *pairs, size_t n,
		      struct ct_err *err)
{
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++)
		ret = ct_calibration_keep(c, pairs[i].source, pairs[i].n_source,
					  pairs[i].target, pairs[i].n_target, err);
	return ret == -ENOSPC ? 0 : ret;
}

static int take(void *arg, const struct ct_taps *taps, const struct ct_taps_step *step,
		struct ct_err *err)
{
	const struct observing *o = arg;
	int ret;

	for (size_t i = step->first; i < step->end; i++)
		o->in[i] = (struct ct_calibration_rows){
			.x = ct_taps_in(taps, i, 0),
			.stride = taps->tap[i].in_stride / sizeof(float),
		};
	ret = ct_calibration_add(o->c, step->first, step->end, o->in,
				 (uint32_t)step->rows, ct_load_threads(taps->core), err);
	if (!ret && o->how->progress &&
	    o->how->progress(o->how->arg, step->done, o->total))
		ret = ct_fail(err, -ECANCELED, "calibration was cancelled");
	return ret;
}

int ct_core_observe_pairs(struct ct_core *core, const struct ctrans_pair *pairs,
			  size_t n, const struct ct_calibrate *how,
			  struct ct_calibration **out, struct ct_err *err)
{
	struct observing o = { .how = how };
	struct ct_taps taps;
	int ret = ct_pairs_check(core, pairs, n, err);

	if (!ret)
		ret = ct_taps_open(core, CT_STEP_ROWS,
				   (uint32_t)ct_pairs_longest(pairs, n), false, &taps,
				   err);
	if (ret)
		return ret;
	o.in = calloc(taps.n, sizeof(*o.in));
	ret = o.in ? open_calibration(&taps, pairs, n, &o, err) :
		     ct_fail(err, -ENOMEM, "out of memory");
	if (!ret)
		ret = keep_texts(o.c, pairs, n, err);
	if (!ret)
		ret = ct_taps_pairs(&taps, pairs, n, take, &o, err);
	free(o.in);
	ct_taps_close(&taps);
	if (ret) {
		ct_calibration_close(o.c);
		return ret;
	}
	*out = o.c;
	return 0;
}

int ct_core_observe_tokens(struct ct_core *core, const uint32_t *tokens, size_t n,
			   const struct ct_calibrate *how,
			   struct ct_calibration **out, struct ct_err *err)
{
	const struct ctrans_pair pair = { .target = tokens, .n_target = n };

	return ct_core_observe_pairs(core, &pair, 1, how, out, err);
}

int ct_core_observe(struct ct_core *core, const char *text, size_t len,
		    const struct ct_calibrate *how, struct ct_calibration **out,
		    struct ct_err *err)
{
	struct ct_pairs pairs;
	int ret = ct_pairs_read(core, text, len, how->task, how->tokens, &pairs, err);

	if (ret)
		return ret;
	ret = ct_core_observe_pairs(core, pairs.v, pairs.n, how, out, err);
	ct_pairs_free(&pairs);
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
