// SPDX-License-Identifier: MIT
#include "engine/convert_weights.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "convert/pack.h"
#include "convert/repack.h"
#include "engine/load.h"
#include "model/stream.h"

/*
 * Bits a weight that scales are chosen for, where nothing says otherwise: that of
 * five bits each and a granule of exceptions for each block, up to 32 of its 4096
 * weights. More buys little: scripts/curve-weights.sh has the curve.
 */
#define ESC_BITS	5.15

struct job {
	struct ct_core *core;
	const struct ct_model *model;
	const struct ct_calibration *seen;
	const struct ctrans_convert_params *params;
	struct ct_scale_matrix *curves;		/* by matrix */
	size_t n;
	struct ct_matrix_report *reports;
	double multiplier;
	uint64_t done, total;			/* weights */
};

/* ---- What belongs to a matrix ----------------------------------------- */

static void *part(const struct ct_core *core, enum ct_role role, uint32_t layer,
		  enum ct_part part)
{
	const struct ct_image_part *p = ct_image_find(&core->image, role, layer, part);

	return p ? (uint8_t *)core->weights.cpu + p->at : NULL;
}

/* Which linear it is; an embedding that is no head is none. */
static const struct ct_calibration_layer *seen_by(const struct job *j,
						  enum ct_role role, uint32_t layer)
{
	size_t n = ct_program_linears(&j->core->cfg);

	for (size_t i = 0; i < n && j->seen; i++)
		if (j->core->linears[i].role == role && j->core->linears[i].layer == layer)
			return &j->seen->layers[i];
	return NULL;
}

/* ---- Smoothing -------------------------------------------------------- */

static void divide(float *v, const float *by, uint32_t n)
{
	for (uint32_t i = 0; i < n && v; i++)
		v[i] /= by[i];
}

static void divide_norm(const struct job *j, enum ct_role gain, uint32_t layer,
			const float *by)
{
	uint32_t d = j->core->cfg.n_embd;

	divide(part(j->core, gain, layer, CT_PART_WEIGHTS), by, d);
	divide(part(j->core, (enum ct_role)(gain + 1), layer, CT_PART_WEIGHTS), by, d);
}

/*
 * What makes the inputs that are divided: norms, and values for the projection.
 * GPT-2's only: elsewhere norms are summed onto, or make several linears' inputs.
 */
static void smooth_vectors(const struct job *j)
{
	struct ct_core *core = j->core;
	uint32_t d = core->cfg.n_embd;

	for (uint32_t l = 0; l < core->cfg.n_layer; l++) {
		const struct ct_calibration_layer *of = &j->seen->layers[4ull * l];

		if (of[0].smoothing)
			divide_norm(j, CT_LN_1_GAIN, l, of[0].smoothing);
		if (of[1].smoothing)
			divide((float *)part(core, CT_QKV_BIAS, l, CT_PART_WEIGHTS) +
			       2 * d, of[1].smoothing, d);
		if (of[2].smoothing)
			divide_norm(j, CT_LN_2_GAIN, l, of[2].smoothing);
	}
}

/* Of the values' columns; to be freed. */
static int value_divisors(const struct job *j, enum ct_role role, uint32_t layer,
			  float **by, struct ct_err *err)
{
	uint32_t d = j->core->cfg.n_embd;
	const float *s;

	*by = NULL;
	if (role != CT_QKV || !j->seen)
		return 0;
	s = seen_by(j, CT_ATTN_OUT, layer)->smoothing;
	if (!s)
		return 0;
	*by = malloc(3ull * d * sizeof(**by));
	if (!*by)
		return ct_fail(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < 3 * d; i++)
		(*by)[i] = i < 2 * d ? 1.0f : s[i - 2 * d];
	return 0;
}

/* All slices, which are stored by output where they are several. */
static int read_matrix(const struct job *j, const struct ct_slices *slices,
		       float *weights, struct ct_err *err)
{
	for (unsigned int i = 0; i < slices->n; i++) {
		const struct ct_matrix *m = &slices->v[i];
		size_t n = (size_t)m->n_in * m->n_out;
		int ret = ct_matrix_read(m, &j->model->files, weights, err);

		if (!ret && !ct_all_finite(weights, n))
			ret = ct_fail(err, -EBADMSG,
				      "tensor %s: a weight is not a finite number",
				      m->t.name);
		if (ret)
			return ret;
		weights += n;
	}
	return 0;
}

/* ---- One matrix after the other --------------------------------------- */

typedef int matrix_fn(struct job *j, size_t index, struct ct_repack *r,
		      struct ct_err *err);

static int with_matrix(struct job *j, size_t index, const struct ct_image_part *p,
		       matrix_fn *fn, struct ct_err *err)
{
	const struct ct_slices *slices = ct_weights_slices(&j->model->weights, p->role,
							   p->layer);
	enum ct_role bias = ct_role_bias(&j->core->cfg, p->role);
	const struct ct_calibration_layer *seen = seen_by(j, p->role, p->layer);
	uint32_t n_out, n_in;
	float *weights, *by_output = NULL;
	size_t n;
	struct ct_repack r = {
		.in_major = slices->v[0].in_major, .seen = seen,
		.by_input = seen ? seen->smoothing : NULL,
		.correct = j->params->correct && seen && seen->gram,
		.threads = ct_load_threads(j->core),
		.packed = part(j->core, p->role, p->layer, CT_PART_WEIGHTS),
		.scale = part(j->core, p->role, p->layer, CT_PART_SCALE),
		.colsum = part(j->core, p->role, p->layer, CT_PART_COLSUM),
	};
	int ret;

	ct_role_shape(&j->core->cfg, p->role, &n_out, &n_in);
	n = (size_t)n_in * n_out;
	weights = malloc(n * sizeof(*weights));
	if (!weights)
		return ct_fail(err, -ENOMEM, "no memory for a matrix of %zu weights", n);
	r.n_in = n_in;
	r.n_out = n_out;
	r.weights = weights;
	if (bias != CT_N_ROLES)
		r.bias = part(j->core, bias, p->layer, CT_PART_WEIGHTS);
	ret = read_matrix(j, slices, weights, err);
	if (!ret)
		ret = value_divisors(j, p->role, p->layer, &by_output, err);
	r.by_output = by_output;
	if (!ret)
		ret = fn(j, index, &r, err);
	free(by_output);
	free(weights);
	j->done += n;
	if (!ret && j->params->progress &&
	    j->params->progress(j->params->progress_arg, "Weights", j->done, j->total))
		ret = ct_fail(err, -ECANCELED, "conversion was cancelled");
	return ret;
}

static int with_all(struct job *j, matrix_fn *fn, struct ct_err *err)
{
	const struct ct_image *image = &j->core->image;
	size_t index = 0;
	int ret = 0;

	for (size_t i = 0; i < image->n && !ret; i++)
		if (ct_image_is_packed(&image->parts[i]))
			ret = with_matrix(j, index++, &image->parts[i], fn, err);
	return ret;
}

static int look(struct job *j, size_t index, struct ct_repack *r, struct ct_err *err)
{
	return ct_repack_curves(r, &j->curves[index], err);
}

static int repack(struct job *j, size_t index, struct ct_repack *r,
		  struct ct_err *err)
{
	struct ct_repack_scales scales = {
		.curves = j->curves ? &j->curves[index] : NULL,
		.multiplier = j->multiplier,
	};
	struct ct_repack_result result;
	int ret;

	if (!strcmp(j->params->weights, "esc"))
		scales.sigma = j->params->weight_sigma;
	ret = ct_repack_round(r, &scales, &result, err);
	j->reports[index].snr_db = 10 * log10(result.signal / result.noise);
	return ret;
}

size_t ct_convert_matrices(const struct ct_core *core, struct ct_matrix_report *reports)
{
	size_t n = 0;

	for (size_t i = 0; i < core->image.n; i++) {
		const struct ct_image_part *p = &core->image.parts[i];

		if (ct_image_is_packed(p))
			reports[n++] = (struct ct_matrix_report){
				p->role, p->layer, p->bytes, -1, NAN,
			};
	}
	return n;
}

static uint64_t count_weights(const struct job *j)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < j->n; i++) {
		uint32_t n_out, n_in;

		ct_role_shape(&j->core->cfg, j->reports[i].role, &n_out, &n_in);
		sum += (uint64_t)n_out * n_in;
	}
	return sum;
}

int ct_convert_weights(struct ct_core *core, const struct ct_model *model,
		       const struct ct_calibration *calibration,
		       const struct ctrans_convert_params *params,
		       struct ct_matrix_report *reports, struct ct_err *err)
{
	struct job j = {
		.core = core, .model = model, .seen = calibration,
		.params = params, .reports = reports,
	};
	bool choose = !strcmp(params->weights, "esc") && params->weight_sigma == 0;
	int ret = 0;

	j.n = ct_convert_matrices(core, reports);
	j.total = count_weights(&j);
	if (choose) {
		j.total *= 2;
		j.curves = calloc(j.n, sizeof(*j.curves));
		ret = j.curves ? with_all(&j, look, err) :
				 ct_fail(err, -ENOMEM, "out of memory");
		if (!ret)
			j.multiplier = ct_scales_balance(j.curves, j.n, ESC_BITS);
	}
	if (!ret && calibration)
		smooth_vectors(&j);
	if (!ret)
		ret = with_all(&j, repack, err);
	for (size_t i = 0; i < j.n && j.curves; i++)
		free(j.curves[i].curves);
	free(j.curves);
	return ret;
}
