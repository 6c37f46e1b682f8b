// SPDX-License-Identifier: MIT
/*
 * From files as a model was trained to the packed image, packed as it arrives.
 * Several threads read, convert and pack; the bytes depend on none of that.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "convert/pack.h"
#include "engine/load.h"
#include "model/distance.h"
#include "model/stream.h"

struct loader {
	struct ct_core *core;
	const struct ct_model *model;
	struct ct_packer **packers;	/* of matrices; role_slot() */
	_Atomic bool stop;
};

unsigned int ct_load_threads(const struct ct_core *core)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (core->dev_info.threads)
		return core->dev_info.threads;
	return cpus > 0 ? (unsigned int)cpus : 1;
}

static size_t role_slot(const struct ct_weight *w)
{
	return ct_weight_slot(w->role, w->layer);
}

/* Where a part is in memory, or NULL if there is none. */
static void *place(const struct loader *l, const struct ct_weight *w,
		   enum ct_part part)
{
	const struct ct_image_part *p = ct_image_find(&l->core->image, w->role,
						      w->layer, part);

	return p ? (uint8_t *)l->core->weights.cpu + p->at : NULL;
}

/* One for all slices of a matrix. */
static int open_packer(struct loader *l, const struct ct_weight *w,
		       struct ct_err *err)
{
	struct ct_packer **packer = &l->packers[role_slot(w)];
	struct ct_pack_dst dst = {
		.weights = place(l, w, CT_PART_WEIGHTS),
		.scale = place(l, w, CT_PART_SCALE),
		.colsum = place(l, w, CT_PART_COLSUM),
	};
	uint32_t n_out, n_in;

	if (*packer)
		return 0;
	ct_role_shape(&l->core->cfg, w->role, &n_out, &n_in);
	return ct_packer_open(l->core->at.enc, n_in, n_out, w->m->in_major, &dst, packer,
			      err);
}

/* All at once: what a packer holds is two numbers an output. */
static int open_packers(struct loader *l, struct ct_err *err)
{
	const struct ct_weights *weights = &l->model->weights;
	struct ct_weight *w;
	size_t n;
	int ret;

	l->packers = calloc(ct_weight_slots(&weights->cfg), sizeof(*l->packers));
	if (!l->packers)
		return ct_fail(err, -ENOMEM, "out of memory");
	ret = ct_weights_list(weights, &w, &n, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < n && !ret; i++)
		if (ct_role_packed(w[i].role))
			ret = open_packer(l, &w[i], err);
	free(w);
	return ret;
}

/* The first failure counts; @ret is one already, or 0. */
static int close_packers(struct loader *l, int ret, struct ct_err *err)
{
	size_t n = ct_weight_slots(&l->core->cfg);

	for (size_t i = 0; l->packers && i < n; i++) {
		int end = ct_packer_close(l->packers[i], ret ? NULL : err);

		if (!ret)
			ret = end;
	}
	free(l->packers);
	return ret;
}

/* A bucket's biases, one for each head, to every distance that it is for. */
static void spread(const struct loader *l, const struct ct_weight *w, uint32_t bucket,
		   const float *row)
{
	const struct ct_config *c = &l->core->cfg;
	uint64_t stride = ct_image_distance_stride(c);
	uint8_t *to = place(l, w, CT_PART_WEIGHTS);
	int32_t span = (int32_t)c->rel_span;

	for (int32_t d = -span; d <= span; d++) {
		if (ct_distance_bucket(d, w->role == CT_ENC_REL_BIAS, c->rel_buckets,
				       c->rel_span) != bucket)
			continue;
		for (uint32_t h = 0; h < w->m->n_in; h++)
			memcpy(to + h * stride + 4 * (size_t)(d + span), row + h, 4);
	}
}

/* Vectors, and the tables of positions and distances. */
static int copy_rows(const struct loader *l, const struct ct_weight *w,
		     uint32_t first, uint32_t n, const float *rows,
		     struct ct_err *err)
{
	const struct ct_config *cfg = &l->core->cfg;
	uint64_t stride = w->role == CT_WPE ? ct_image_wpe_stride(cfg) : 0;
	uint8_t *to = place(l, w, CT_PART_WEIGHTS);
	uint32_t cols = ct_matrix_cols(w->m);

	if (!ct_all_finite(rows, (size_t)n * cols))
		return ct_fail(err, -EBADMSG, "a weight is not a finite number");
	if (w->role == CT_REL_BIAS || w->role == CT_ENC_REL_BIAS) {
		for (uint32_t r = 0; r < n; r++)
			spread(l, w, first + r, rows + (uint64_t)r * cols);
		return 0;
	}
	to += 4ull * w->first_out;
	for (uint32_t r = 0; r < n; r++)
		memcpy(to + (first + r) * stride, rows + (uint64_t)r * cols,
		       4ull * cols);
	/* what enters the head is scaled where it is normalised */
	if (w->role == CT_LN_F_GAIN && cfg->head_factor != 1.0f)
		for (uint32_t i = 0; i < cols; i++)
			((float *)to)[i] *= cfg->head_factor;
	return 0;
}

/* What no file has. */
static void make_positions(const struct ct_core *core)
{
	const struct ct_config *c = &core->cfg;
	const struct ct_image_part *p = ct_image_find(&core->image, CT_WPE, 0,
						      CT_PART_WEIGHTS);

	for (uint32_t i = 0; i < c->n_ctx; i++)
		ct_sinusoid(c->first_position + i, c->n_embd,
			    (float *)((uint8_t *)core->weights.cpu + p->at +
				      i * ct_image_wpe_stride(c)));
}

/*
 * For what other threads have in hand: rows of the pass before. Seldom, as a
 * whole matrix comes between the passes of one.
 */
static int wait_ready(struct loader *l, const struct ct_packer *p,
		      unsigned int pass, struct ct_err *err)
{
	static const struct timespec pause = { .tv_nsec = 50000 };

	while (!ct_packer_ready(p, pass)) {
		if (l->stop)
			return ct_fail(err, -ECANCELED, "loading has failed");
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Called by several threads at once. */
static int take_rows(void *ctx, const struct ct_weight *w, uint32_t first,
		     uint32_t n, const float *rows, struct ct_err *err)
{
	struct loader *l = ctx;
	struct ct_packer *p = l->packers[role_slot(w)];
	int ret;

	if (p) {
		ret = wait_ready(l, p, w->pass, err);
		if (!ret)
			ret = ct_packer_rows(p, w->pass, w->first_out + first, n, rows,
					     err);
	} else {
		ret = copy_rows(l, w, first, n, rows, err);
	}
	if (ret)
		ct_err_prefix(err, "%s: tensor %s",
			      l->model->files.v[w->m->t.file].path, w->m->t.name);
	return ret;
}

int ct_load_files(struct ct_core *core, const struct ct_model *model,
		  const struct ctrans_model_params *params, struct ct_err *err)
{
	struct loader l = { .core = core, .model = model };
	struct ct_read_opts opts = {
		.progress = params->progress,
		.ctx = params->progress_arg,
		.threads = ct_load_threads(core),
		.stop = &l.stop,
	};
	int ret;

	if (ct_role_made(&core->cfg, CT_WPE))
		make_positions(core);
	ret = open_packers(&l, err);
	if (!ret && core->at.enc == CTRANS_ENC_S8)
		ret = ct_weights_stream_twice(&model->weights, &model->files, &opts,
					   take_rows, &l, err);
	else if (!ret)
		ret = ct_weights_stream(&model->weights, &model->files, &opts,
				     take_rows, &l, err);
	return close_packers(&l, ret, err);
}
