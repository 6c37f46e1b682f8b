// SPDX-License-Identifier: MIT
/* The values that enter each linear of a model, counted as the chip counts them. */
#include <errno.h>
#include <fenv.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "convert/values.h"
#include "engine/api.h"
#include "engine/model.h"
#include "engine/taps.h"

struct counting {
	struct ctrans_layer_profile *p;
	int16_t *a;			/* a row of the widest */
};

static float factor_of(const struct ctrans_insn_linear *l)
{
	float f;

	memcpy(&f, &l->theta_f32, sizeof(f));
	return f;
}

static int count(void *arg, const struct ct_taps *taps, const struct ct_taps_step *step,
		 struct ct_err *err)
{
	const struct counting *c = arg;

	(void)err;
	for (size_t i = step->first; i < step->end; i++) {
		const struct ctrans_insn_linear *l = &ct_taps_insn(taps, i)->linear;
		bool dynamic = l->theta_mode == CTRANS_THETA_DYNAMIC;

		for (size_t r = 0; r < step->rows; r++) {
			const float *x = ct_taps_in(taps, i, r);
			float theta = ct_values_theta(x, l->n_in, factor_of(l), dynamic);
			uint32_t clamped = ct_values_quantise(x, l->n_in, theta, c->a);

			ct_values_count(c->a, l->n_in, clamped, &c->p[i]);
		}
	}
	return 0;
}

void ct_core_profile_shapes(const struct ct_core *core,
			    struct ctrans_layer_profile *p)
{
	size_t n = ct_program_linears(&core->cfg);

	for (size_t i = 0; i < n; i++) {
		const struct ct_linear_id *l = &core->linears[i];
		uint32_t n_out, n_in;

		ct_role_shape(&core->cfg, l->role, &n_out, &n_in);
		p[i] = (struct ctrans_layer_profile){
			.size = sizeof(*p), .layer = l->tag_layer,
			.kind = (uint32_t)l->kind, .n_in = n_in, .n_out = n_out,
			.threshold = core->theta ? core->theta[i] : 0,
		};
	}
}

/* What is to be profiled, and where to. */
struct asking {
	const char *call;
	const struct ctrans_pair *pairs;
	size_t n;
	struct ctrans_layer_profile *profiles;
	size_t room, *n_profiles;
};

static int run(struct ct_core *core, const struct asking *ask, struct counting *c,
	       struct ct_err *err)
{
	struct ct_taps taps;
	uint32_t widest = 0;
	fenv_t env;
	int ret;

	ret = ct_taps_open(core, CT_STEP_ROWS,
			   (uint32_t)ct_pairs_longest(ask->pairs, ask->n), false, &taps,
			   err);
	if (ret)
		return ret;
	ct_core_profile_shapes(core, c->p);
	for (size_t i = 0; i < taps.n; i++)
		widest = c->p[i].n_in > widest ? c->p[i].n_in : widest;
	c->a = malloc(widest * sizeof(*c->a));
	if (c->a) {
		fegetenv(&env);
		fesetenv(FE_DFL_ENV);
		ret = ct_taps_pairs(&taps, ask->pairs, ask->n, count, c, err);
		fesetenv(&env);
	} else {
		ret = ct_fail(err, -ENOMEM, "out of memory");
	}
	free(c->a);
	ct_taps_close(&taps);
	return ret;
}

static int check(const struct ctrans_model *model, const struct asking *ask,
		 struct ct_err *err)
{
	const struct ctrans_layer_profile *first = ask->profiles;
	int ret;

	if (!model || !ask->n_profiles || (!first && ask->room))
		return ct_fail(err, -EINVAL,
			       "%s() needs a model, profiles and their count: one is NULL",
			       ask->call);
	ret = ct_model_needs_weights(model, err);
	if (ret)
		return ret;
	if (model->core->at.enc == CTRANS_ENC_F32)
		return ct_fail(err, -ENOTSUP,
			       "the model was opened unquantised (CTRANS_MODEL_F32): its values are not integers");
	if (!ask->room)
		return 0;
	if (first->size < offsetof(struct ctrans_layer_profile, clamped) +
			  sizeof(first->clamped) ||
	    first->size % _Alignof(struct ctrans_layer_profile))
		return ct_fail(err, -EINVAL,
			       "profiles[0].size is %zu: set it to sizeof(struct ctrans_layer_profile)",
			       first->size);
	if (!ask->pairs || !ask->n)
		return ct_fail(err, -EINVAL, "no tokens to run");
	return ct_pairs_check(model->core, ask->pairs, ask->n, err);
}

static int profile(struct ctrans_model *model, const struct asking *ask,
		   struct ct_err *err)
{
	struct counting c = { 0 };
	size_t layers, size, known;
	int ret;

	ret = check(model, ask, err);
	if (ret)
		return ret;
	layers = ct_program_linears(&model->core->cfg);
	*ask->n_profiles = layers;
	if (!ask->room)
		return ct_fail(err, -E2BIG, "the model has %zu linear layers", layers);
	c.p = calloc(layers, sizeof(*c.p));
	if (!c.p)
		return ct_fail(err, -ENOMEM, "out of memory");
	ret = run(model->core, ask, &c, err);
	size = ask->profiles->size;
	known = size < sizeof(*c.p) ? size : sizeof(*c.p);
	for (size_t i = 0; i < layers && i < ask->room && !ret; i++) {
		c.p[i].size = known;
		memcpy((uint8_t *)ask->profiles + i * size, &c.p[i], known);
	}
	free(c.p);
	if (!ret && ask->room < layers)
		ret = ct_fail(err, -E2BIG,
			      "the model has %zu linear layers and there is room for %zu",
			      layers, ask->room);
	return ret;
}

int ctrans_profile_pairs(struct ctrans_model *model, const struct ctrans_pair *pairs,
			 size_t n, struct ctrans_layer_profile *profiles, size_t room,
			 size_t *n_profiles)
{
	const struct asking ask = {
		"ctrans_profile_pairs", pairs, n, profiles, room, n_profiles,
	};
	struct ct_err err = { 0 };

	return ct_api_return(profile(model, &ask, &err), &err);
}

int ctrans_profile_tokens(struct ctrans_model *model, const uint32_t *tokens, size_t n,
			  struct ctrans_layer_profile *profiles, size_t room,
			  size_t *n_profiles)
{
	const struct ctrans_pair pair = { .target = tokens, .n_target = n };
	const struct asking ask = {
		"ctrans_profile_tokens", &pair, 1, profiles, room, n_profiles,
	};
	struct ct_err err = { 0 };

	return ct_api_return(profile(model, &ask, &err), &err);
}
