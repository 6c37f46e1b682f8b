// SPDX-License-Identifier: MIT
/* From a converted file: one stretch of bytes, read to where it stays. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "convert/converted.h"
#include "convert/profile.h"
#include "engine/load.h"
#include "model/reader.h"

/* In whatever thread read it, while it is in that CPU's cache. */
static int verify(void *ctx, unsigned int thread, size_t item, uint64_t at,
		  const void *bytes, size_t len, struct ct_err *err)
{
	(void)thread;
	(void)item;
	return ct_converted_verify(ctx, at, bytes, len, err);
}

static int take_thresholds(struct ct_core *core, struct ct_converted *c,
			   struct ct_err *err)
{
	if (!c->n_thresholds)
		return 0;
	if (c->n_thresholds != ct_program_linears(&core->cfg))
		return ct_fail(err, -EBADMSG, "%u thresholds for %zu layers that quantise",
			       c->n_thresholds, ct_program_linears(&core->cfg));
	for (uint32_t i = 0; i < c->n_thresholds; i++)
		if (!isfinite(c->thresholds[i]) || c->thresholds[i] <= 0)
			return ct_fail(err, -EBADMSG, "threshold %u is %g", i,
				       (double)c->thresholds[i]);
	core->theta = c->thresholds;
	core->at.theta = core->theta;
	c->thresholds = NULL;
	return 0;
}

/* Of its own thresholds only. */
static int take_profiles(struct ct_core *core, const struct ct_gguf *gguf,
			 struct ct_err *err)
{
	size_t n = ct_program_linears(&core->cfg);
	bool found;
	int ret;

	core->profiles = calloc(n, sizeof(*core->profiles));
	if (!core->profiles)
		return ct_fail(err, -ENOMEM, "out of memory");
	ct_core_profile_shapes(core, core->profiles);
	ret = ct_profiles_get(gguf, core->profiles, n, &found, err);
	if (ret || !found) {
		free(core->profiles);
		core->profiles = NULL;
	}
	return ret;
}

int ct_load_converted(struct ct_core *core, const struct ct_model *model,
		      const struct ctrans_model_params *params,
		      struct ct_err *err)
{
	struct ct_converted c;
	struct ct_read_opts opts = {
		.progress = params->progress,
		.ctx = params->progress_arg,
		.threads = ct_load_threads(core),
	};
	struct ct_read all = { .dst = core->weights.cpu };
	int ret;

	if (core->at.enc != CTRANS_ENC_S8)
		return ct_fail(err, -ENOTSUP,
			       "%s: converted, so its weights are packed: binary32 needs the model it was made from",
			       model->path);
	ret = ct_converted_check(model, &core->image, &c, err);
	if (ret) {
		ct_file_prefix(&model->files.v[0], err);
		return ret;
	}
	all.offset = c.data;
	all.len = c.bytes;
	opts.buffer = c.stretch;
	ret = ct_read_direct(&model->files, &all, 1, &opts, verify, &c, err);
	/* thresholds asked for now go before those of the file */
	if (!ret && !params->calibration)
		ret = take_thresholds(core, &c, err);
	if (!ret && core->theta)
		ret = take_profiles(core, &model->gguf, err);
	if (ret)
		ct_file_prefix(&model->files.v[0], err);
	ct_converted_free(&c);
	return ret;
}
