// SPDX-License-Identifier: MIT
/*
 * A model as a network of integrate-and-fire neurons, layer by layer beside the
 * chip: neurons encode what enters a linear, synapses add up timestep by timestep,
 * and what comes out is compared with what the chip has left in memory.
 */
#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "convert/esc.h"
#include "convert/pack.h"
#include "convert/spiking.h"
#include "convert/values.h"
#include "engine/api.h"
#include "engine/load.h"
#include "engine/model.h"
#include "engine/taps.h"

/* Tokens of a step: each has sums of the widest layer. */
#define ROWS	16u

struct row {
	struct ct_spike_counts counts;
	uint64_t differ, direct, direct_differ;
	int16_t *a, *next;	/* inputs of this layer and of the one after */
	int64_t *sums, *added;
	int32_t *step;
	struct ct_neuron *neurons;	/* of the outputs, where they fire */
};

struct check {
	struct ct_core *core;
	struct ct_taps taps;
	uint32_t code;
	struct row row[ROWS];
	int8_t *s8, *w;		/* a layer's weights: as packed, and [n_in][n_out] */
	struct ctrans_spike_check sum;
	ctrans_progress_fn *progress;
	void *arg;
	uint64_t done, total;	/* rows of layers */

	/* the layer at hand, and the first of the step's rows that are */
	size_t linear, at;
	const struct ctrans_insn_linear *l;
	const float *scale, *bias;
	bool direct;		/* its outputs fire for the next layer */
};

static const void *weights_at(const struct ct_core *core, uint64_t va)
{
	return va ? (const uint8_t *)core->weights.cpu + (va - core->weights.va) : NULL;
}

static float f32(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static bool same(float a, float b)
{
	return !memcmp(&a, &b, sizeof(a)) || (a != a && b != b);
}

/* ---- A layer of a row ------------------------------------------------- */

static float encode(const struct check *c, struct row *row, const float *x)
{
	const struct ctrans_insn_linear *l = c->l;
	float theta = ct_values_theta(x, l->n_in, f32(l->theta_f32),
				      l->theta_mode == CTRANS_THETA_DYNAMIC);

	for (uint32_t k = 0; k < l->n_in; k++) {
		struct ct_neuron n = {
			.membrane = ct_encoder_membrane(ct_values_scaled(x[k], theta)),
		};

		ct_neuron_settle(&n, &ct_encoder_ladder);
		row->a[k] = (int16_t)n.count;
		row->counts.taken_back += n.taken_back;
	}
	return theta;
}

/* The outputs' neurons, where one fires for the next layer. */
struct firing {
	const struct check *c;
	struct row *row;
	float theta, next;	/* this layer's threshold, and the next's */
};

static struct ct_sum_ladder ladder_of(const struct firing *f, uint32_t j)
{
	return (struct ct_sum_ladder){
		.ladder = { ct_sum_rung },
		.scale = f->theta * f->c->scale[j],
		.bias = f->c->bias ? f->c->bias[j] : 0.0f,
		.relu = f->c->l->act == CTRANS_ACT_RELU,
		.theta = f->next,
	};
}

static void fire(void *arg, const int64_t *added)
{
	const struct firing *f = arg;

	for (uint32_t j = 0; j < f->c->l->n_out; j++) {
		const struct ct_sum_ladder l = ladder_of(f, j);

		ct_neuron_step(&f->row->neurons[j], &l.ladder, added[j]);
	}
}

static void settle(const struct firing *f, const float *x)
{
	const struct ctrans_insn_linear *l = f->c->l;
	struct row *row = f->row;

	ct_values_quantise(x, l->n_out, f->next, row->next);
	for (uint32_t j = 0; j < l->n_out; j++) {
		const struct ct_sum_ladder ladder = ladder_of(f, j);
		struct ct_neuron *n = &row->neurons[j];

		ct_neuron_settle(n, &ladder.ladder);
		row->direct_differ += n->count != row->next[j];
		row->counts.taken_back += n->taken_back;
	}
	row->direct += l->n_out;
}

static void run_row(void *ctx, size_t r)
{
	struct check *c = ctx;
	const struct ctrans_insn_linear *l = c->l;
	struct row *row = &c->row[r];
	const float *want = ct_taps_out(&c->taps, c->linear, c->at + r);
	struct firing f = { .c = c, .row = row };
	struct ct_synapses s = {
		.w = c->w, .n_in = l->n_in, .n_out = l->n_out, .code = c->code,
		.added = row->added, .step = row->step,
	};

	f.theta = encode(c, row, ct_taps_in(&c->taps, c->linear, c->at + r));
	if (c->direct) {
		f.next = ct_values_theta(NULL, 0, f32(ct_taps_insn(&c->taps,
					 c->linear + 1)->linear.theta_f32), false);
		memset(row->neurons, 0, l->n_out * sizeof(*row->neurons));
		s.after = fire;
		s.arg = &f;
	}
	ct_synapses_run(&s, row->a, row->sums, &row->counts);
	for (uint32_t j = 0; j < l->n_out; j++) {
		float y = fmaf((float)row->sums[j], f.theta * c->scale[j],
			       c->bias ? c->bias[j] : 0.0f);

		row->differ += !same(y, want[j]);
	}
	if (c->direct)
		settle(&f, ct_taps_in(&c->taps, c->linear + 1, c->at + r));
}

/* ---- Layers ----------------------------------------------------------- */

/* Tiles [n_out / 16][n_in / 4][16][4] to [n_in][n_out]. */
static int unpack(struct check *c, struct ct_err *err)
{
	const struct ctrans_insn_linear *l = c->l;
	const int8_t *tiles = weights_at(c->core, l->weight_va);
	size_t quads = (l->n_in + 3) / 4;

	if (l->encoding == CTRANS_ENC_ESC) {
		int ret = ct_esc_unpack(tiles, (uint64_t)l->weight_granules *
					CTRANS_GRANULE, l->n_in, l->n_out, c->s8, err);

		if (ret)
			return ret;
		tiles = c->s8;
	}
	for (uint32_t k = 0; k < l->n_in; k++)
		for (uint32_t n = 0; n < l->n_out; n++)
			c->w[(size_t)k * l->n_out + n] =
				tiles[((n / 16) * quads + k / 4) * 64 + n % 16 * 4 + k % 4];
	return 0;
}

/* Does what it gives enter the next layer as it is? A gate multiplies it before. */
static bool is_direct(const struct check *c, size_t linear)
{
	const struct ctrans_insn *insn = ct_taps_insn(&c->taps, linear), *next = insn + 1;

	return ct_tag_kind(insn->tag) == CT_INSN_FFN_UP &&
	       ct_tag_kind(next->tag) == CT_INSN_FFN_DOWN &&
	       !(insn->linear.flags & CTRANS_LINEAR_MUL) &&
	       (insn->linear.act == CTRANS_ACT_RELU ||
		insn->linear.act == CTRANS_ACT_NONE) &&
	       next->linear.theta_mode == CTRANS_THETA_STATIC;
}

static int run_layer(struct check *c, size_t linear, size_t rows, struct ct_err *err)
{
	int ret;

	c->linear = linear;
	c->l = &ct_taps_insn(&c->taps, linear)->linear;
	c->scale = weights_at(c->core, c->l->scale_va);
	c->bias = weights_at(c->core, c->l->bias_va);
	c->direct = is_direct(c, linear);
	ret = unpack(c, err);
	if (ret)
		return ret;
	/* a source's step may have more rows than there is room for at once */
	for (c->at = 0; c->at < rows; c->at += ROWS)
		ct_parallel(ct_load_threads(c->core),
			    rows - c->at < ROWS ? rows - c->at : ROWS, run_row, c);
	c->sum.values += (uint64_t)rows * c->l->n_out;
	return 0;
}

static int run_step(void *arg, const struct ct_taps *taps,
		    const struct ct_taps_step *step, struct ct_err *err)
{
	struct check *c = arg;
	int ret = 0;

	(void)taps;
	for (size_t i = step->first; i < step->end && !ret; i++) {
		ret = run_layer(c, i, step->rows, err);
		c->done += step->rows;
		if (!ret && c->progress && c->progress(c->arg, c->done, c->total))
			ret = ct_fail(err, -ECANCELED, "given up");
	}
	return ret;
}

/* ---- A model ---------------------------------------------------------- */

static int open_rows(struct check *c, struct ct_err *err)
{
	size_t in = 0, out = 0, most = 0;

	for (size_t i = 0; i < c->taps.n; i++) {
		const struct ctrans_insn_linear *l = &ct_taps_insn(&c->taps, i)->linear;
		size_t bytes = ct_pack_weight_bytes(CTRANS_ENC_S8, l->n_in, l->n_out);

		in = l->n_in > in ? l->n_in : in;
		out = l->n_out > out ? l->n_out : out;
		most = bytes > most ? bytes : most;
	}
	c->w = malloc(most);
	c->s8 = malloc(most);
	if (!c->w || !c->s8)
		return ct_fail(err, -ENOMEM, "out of memory");
	for (size_t r = 0; r < ROWS; r++) {
		struct row *row = &c->row[r];

		row->a = malloc(in * sizeof(*row->a));
		row->next = malloc(out * sizeof(*row->next));
		row->sums = malloc(out * sizeof(*row->sums));
		row->added = malloc(out * sizeof(*row->added));
		row->step = malloc(out * sizeof(*row->step));
		row->neurons = malloc(out * sizeof(*row->neurons));
		if (!row->a || !row->next || !row->sums || !row->added || !row->step ||
		    !row->neurons)
			return ct_fail(err, -ENOMEM, "out of memory");
	}
	return 0;
}

static void close_check(struct check *c)
{
	for (size_t r = 0; r < ROWS; r++) {
		struct row *row = &c->row[r];

		free(row->a);
		free(row->next);
		free(row->sums);
		free(row->added);
		free(row->step);
		free(row->neurons);
	}
	free(c->w);
	free(c->s8);
	ct_taps_close(&c->taps);
}

static int run_check(struct check *c, const struct ctrans_pair *pairs, size_t n,
		     struct ct_err *err)
{
	uint64_t sources = ct_pairs_sources(pairs, n), texts = ct_pairs_texts(pairs, n);
	fenv_t env;
	int ret = ct_taps_open(c->core, ROWS, (uint32_t)ct_pairs_longest(pairs, n), true,
			       &c->taps, err);

	if (!ret)
		ret = open_rows(c, err);
	if (ret)
		return ret;
	c->total = sources * c->taps.encoder.n + texts * c->taps.decoder.n;
	fegetenv(&env);
	fesetenv(FE_DFL_ENV);
	ret = ct_taps_pairs(&c->taps, pairs, n, run_step, c, err);
	fesetenv(&env);
	c->sum.tokens = sources + texts;
	c->sum.layers = c->taps.n;
	for (size_t r = 0; r < ROWS; r++) {
		const struct row *row = &c->row[r];

		c->sum.differ += row->differ + row->direct_differ;
		c->sum.direct += row->direct;
		c->sum.spikes += row->counts.spikes;
		c->sum.outliers += row->counts.outliers;
		c->sum.events += row->counts.events;
		c->sum.taken_back += row->counts.taken_back;
	}
	return ret;
}

static int check_spikes(struct check *c, const struct ctrans_model *model,
			const struct ctrans_pair *pairs, size_t n, struct ct_err *err)
{
	int ret;

	if (!model || !pairs || !n || !pairs->target || !pairs->n_target)
		return ct_fail(err, -EINVAL,
			       "ctrans_check_spikes() needs a model and tokens: there are none");
	ret = ct_model_needs_weights(model, err);
	if (ret)
		return ret;
	if (c->code > CTRANS_SPIKES_NAF)
		return ct_fail(err, -EINVAL,
			       "spike code %u: there are rate (%d), radix (%d) and naf (%d)",
			       c->code, CTRANS_SPIKES_RATE, CTRANS_SPIKES_RADIX,
			       CTRANS_SPIKES_NAF);
	if (model->core->at.enc == CTRANS_ENC_F32)
		return ct_fail(err, -ENOTSUP,
			       "the model was opened unquantised (CTRANS_MODEL_F32): it has no spikes");
	ret = ct_pairs_check(model->core, pairs, n, err);
	if (ret)
		return ret;
	c->core = model->core;
	ret = run_check(c, pairs, n, err);
	close_check(c);
	return ret;
}

int ctrans_check_spikes_pairs(struct ctrans_model *model, const struct ctrans_pair *pairs,
			      size_t n, uint32_t code, ctrans_progress_fn *progress,
			      void *arg, struct ctrans_spike_check *check, size_t size)
{
	struct check *c = calloc(1, sizeof(*c));
	struct ct_err err = { 0 };
	int ret;

	if (!c)
		return ct_api_return(ct_fail(&err, -ENOMEM, "out of memory"), &err);
	c->code = code;
	c->progress = progress;
	c->arg = arg;
	c->sum.size = sizeof(c->sum);
	ret = ct_struct_give(check, size, sizeof(c->sum), &c->sum, sizeof(c->sum),
			     "ctrans_spike_check", &err);
	if (!ret)
		ret = check_spikes(c, model, pairs, n, &err);
	if (!ret)
		ret = ct_struct_give(check, size, sizeof(c->sum), &c->sum,
				     sizeof(c->sum), "ctrans_spike_check", &err);
	free(c);
	return ct_api_return(ret, &err);
}

int ctrans_check_spikes(struct ctrans_model *model, const uint32_t *tokens, size_t n,
			uint32_t code, ctrans_progress_fn *progress, void *arg,
			struct ctrans_spike_check *check, size_t size)
{
	const struct ctrans_pair pair = { .target = tokens, .n_target = n };

	return ctrans_check_spikes_pairs(model, &pair, 1, code, progress, arg, check,
					 size);
}
