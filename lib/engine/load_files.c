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
	return (size_t)w->layer * CT_N_ROLES + w->role;
}

/* Where a part is in memory, or NULL if there is none. */
static void *place(const struct loader *l, const struct ct_weight *w,
		   enum ct_part part)
{
	const struct ct_image_part *p = ct_image_find(&l->core->image, w->role,
						      w->layer, part);

	return p ? (uint8_t *)l->core->weights.cpu + p->at : NULL;
}

static int open_packer(struct loader *l, const struct ct_weight *w,
		       struct ct_err *err)
{
	struct ct_pack_dst dst = {
		.weights = place(l, w, CT_PART_WEIGHTS),
		.scale = place(l, w, CT_PART_SCALE),
		.colsum = place(l, w, CT_PART_COLSUM),
	};

	return ct_packer_open(l->core->at.enc, w->m->n_in, w->m->n_out,
			      w->m->in_major, &dst, &l->packers[role_slot(w)], err);
}

/* All at once: what a packer holds is two numbers an output. */
static int open_packers(struct loader *l, struct ct_err *err)
{
	const struct ct_weights *weights = &l->model->weights;
	struct ct_weight *w;
	size_t n;
	int ret;

	l->packers = calloc((size_t)weights->cfg.n_layer * CT_N_ROLES,
			    sizeof(*l->packers));
	if (!l->packers)
		return ct_fail(err, -ENOMEM, "out of memory");
	ret = ct_weights_list(weights, &w, &n, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < n && !ret; i++)
		if (w[i].m->n_in > 1 && w[i].role != CT_WPE)
			ret = open_packer(l, &w[i], err);
	free(w);
	return ret;
}

/* The first failure counts; @ret is one already, or 0. */
static int close_packers(struct loader *l, int ret, struct ct_err *err)
{
	size_t n = (size_t)l->core->cfg.n_layer * CT_N_ROLES;

	for (size_t i = 0; l->packers && i < n; i++) {
		int end = ct_packer_close(l->packers[i], ret ? NULL : err);

		if (!ret)
			ret = end;
	}
	free(l->packers);
	return ret;
}

/* Vectors, and the table of positions. */
static int copy_rows(const struct loader *l, const struct ct_weight *w,
		     uint32_t first, uint32_t n, const float *rows,
		     struct ct_err *err)
{
	uint64_t stride = w->role == CT_WPE ?
			  ct_image_wpe_stride(&l->core->cfg) : 0;
	uint8_t *to = place(l, w, CT_PART_WEIGHTS);
	uint32_t cols = ct_matrix_cols(w->m);

	if (!ct_all_finite(rows, (size_t)n * cols))
		return ct_fail(err, -EBADMSG, "a weight is not a finite number");
	for (uint32_t r = 0; r < n; r++)
		memcpy(to + (first + r) * stride, rows + (uint64_t)r * cols,
		       4ull * cols);
	return 0;
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
			ret = ct_packer_rows(p, w->pass, first, n, rows, err);
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

	ret = open_packers(&l, err);
	if (!ret && core->at.enc == CTRANS_ENC_S8)
		ret = ct_weights_stream_twice(&model->weights, &model->files, &opts,
					   take_rows, &l, err);
	else if (!ret)
		ret = ct_weights_stream(&model->weights, &model->files, &opts,
				     take_rows, &l, err);
	return close_packers(&l, ret, err);
}
