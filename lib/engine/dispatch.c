// SPDX-License-Identifier: MIT
#include "engine/dispatch.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dispatch/cost.h"
#include "dispatch/estimate.h"
#include "dispatch/point.h"
#include "dispatch/policy.h"
#include "dispatch/prior.h"
#include "engine/core_impl.h"
#include "engine/log.h"
#include "uapi/ctrans_regs.h"

/*
 * What a model is opened for is one text at a time. A step of one row has all
 * weights to itself, which is where waiting for them is dearest.
 */
#define ROWS_USUAL	1u

static bool names_point(const char *device)
{
	return device && (strstr(device, ":opp=") || strstr(device, ",opp="));
}

static int check_limits(const struct ct_dispatch_want *want, const char *device,
			struct ct_err *err)
{
	if (!(want->power_cap >= 0) || isinf(want->power_cap))
		return ct_fail(err, -EINVAL,
			       "power_cap is %g W: it must be a positive number, 0 for none",
			       (double)want->power_cap);
	if (!(want->deadline >= 0) || isinf(want->deadline))
		return ct_fail(err, -EINVAL,
			       "deadline is %g s: it must be a positive number, 0 for none",
			       (double)want->deadline);
	if ((want->power_cap > 0 || want->deadline > 0) && names_point(device))
		return ct_fail(err, -EINVAL,
			       "device \"%.64s\" names an operating point, which a power cap or deadline chooses: leave out one of them",
			       device);
	return 0;
}

int ct_dispatch_want(const struct ctrans_model_params *params,
		     struct ct_dispatch_want *want, struct ct_err *err)
{
	struct ctrans_dispatch_goal *goal = &want->goal;
	int ret;

	*want = (struct ct_dispatch_want){
		.goal = { .size = sizeof(*goal), .rows = ROWS_USUAL,
			  .flip = params->flip },
		.levels = params->levels,
		.power_cap = params->power_cap, .deadline = params->deadline,
	};
	ret = ct_policy_find(params->policy, &want->policy, err);
	if (!ret)
		ret = ct_code_parse(params->code, &goal->code, err);
	if (!ret)
		ret = ct_objective_parse(params->objective, &goal->objective, err);
	if (!ret && params->dispatch)
		ret = ct_policy_check(params->dispatch, err);
	if (ret)
		return ret;
	if (params->dispatch)
		want->policy = params->dispatch;
	if (goal->flip > 1)
		return ct_fail(err, -EINVAL, "flip is %u: it must be 0 or 1",
			       goal->flip);
	if (goal->flip && goal->code == CTRANS_SPIKES_NAF)
		return ct_fail(err, -EINVAL,
			"flip with code \"naf\", whose digits have signs already: take one of them");
	return check_limits(want, params->device, err);
}

static int check_caps(const struct ct_core *core, const struct ctrans_dispatch *d,
		      struct ct_err *err)
{
	static const struct {
		uint32_t cap;
		const char *what;
	} codes[] = {
		[CTRANS_SPIKES_RATE] = { CTRANS_CAP_RATE, "spike code \"rate\"" },
		[CTRANS_SPIKES_RADIX] = { CTRANS_CAP_RADIX, "spike code \"radix\"" },
		[CTRANS_SPIKES_NAF] = { CTRANS_CAP_NAF, "spike code \"naf\"" },
	};
	uint32_t caps = core->dev_info.caps;
	const char *missing = NULL;

	if (!(caps & codes[d->code].cap))
		missing = codes[d->code].what;
	else if (d->flip && !(caps & CTRANS_CAP_FLIP))
		missing = "flipping of dense spike trains";
	else if (d->by_unit && !(caps & CTRANS_CAP_UNIT))
		missing = "dispatch by work unit";
	if (!missing)
		return 0;
	return ct_fail(err, -ENOTSUP,
		       "%s: device %s does not have it; the chip model (device \"sim\") does",
		       missing, core->dev_info.name);
}

/*
 * The table of the point that the device is at; of a chip whose clock is none of
 * the model's, of the one it begins with: what is dearer than what is the same.
 */
int ct_core_costs(const struct ct_core *core, struct ctrans_chip_costs *costs,
		  struct ct_err *err)
{
	for (unsigned int opp = 0; !ct_device_costs(core->dev, opp, costs, NULL); opp++)
		if (costs->khz == core->dev_info.khz && costs->mv == core->dev_info.mv)
			return 0;
	return ct_device_costs(core->dev, CTRANS_OPP_RESET, costs, err);
}

static void layer_name(const struct ctrans_layer_profile *p, char *name, size_t size)
{
	if (p->kind == CTRANS_KIND_HEAD)
		snprintf(name, size, "the head");
	else
		snprintf(name, size, "layer %u's %s", p->layer,
			 ctrans_kind_name((enum ctrans_kind)p->kind));
}

/* What was seen, or for want of it what is usual. */
static int know(const struct ct_core *core, float levels,
		struct ctrans_layer_profile **profiles, struct ct_err *err)
{
	size_t n = ct_program_linears(&core->cfg);
	struct ctrans_layer_profile *p = calloc(n, sizeof(*p));

	if (!p)
		return ct_fail(err, -ENOMEM, "out of memory");
	if (core->profiles)
		memcpy(p, core->profiles, n * sizeof(*p));
	else
		ct_core_profile_shapes(core, p);
	for (size_t i = 0; i < n && !core->profiles; i++)
		ct_prior(&p[i], levels);
	*profiles = p;
	return 0;
}

/*
 * Speculation takes one code. Where outputs integrate a part of the timesteps, a
 * spike costs that part.
 */
static void speculating(const struct ct_core *core, struct ctrans_dispatch_goal *goal,
			struct ctrans_chip_costs *costs)
{
	uint32_t steps = core->at.spec_steps;

	goal->flip = 0;
	goal->code = CTRANS_SPIKES_RADIX;
	if (core->at.speculation != CTRANS_SPEC_SAMPLE)
		return;
	goal->code = CTRANS_SPIKES_RATE;
	costs->spike_aj = costs->spike_aj * steps / 128;
	costs->spikes_per_cycle = costs->spikes_per_cycle * 128 / steps;
}

static int ask_one(struct ct_core *core, const struct ct_dispatch_want *want,
		   const struct ctrans_layer_profile *profile,
		   const struct ctrans_chip_costs *costs, struct ctrans_dispatch *out,
		   struct ct_err *err)
{
	bool speculates = core->at.speculation && profile->kind == CTRANS_KIND_FFN_UP;
	struct ctrans_dispatch_goal goal = want->goal;
	struct ctrans_chip_costs c = *costs;
	char name[48];
	int ret;

	layer_name(profile, name, sizeof(name));
	if (speculates)
		speculating(core, &goal, &c);
	ret = ct_policy_ask(want->policy, name, profile, &c, &goal, out, err);
	if (!ret && speculates && (out->code != goal.code || out->flip))
		ret = ct_fail(err, -EINVAL,
			"policy \"%.15s\" changes the code of %s: speculation takes the one that the goal has, unflipped",
			want->policy->name, name);
	return ret ? ret : check_caps(core, out, err);
}

/* Into core->dispatch and the program. */
static int ask(struct ct_core *core, const struct ct_dispatch_want *want,
	       const struct ctrans_layer_profile *profiles,
	       const struct ctrans_chip_costs *costs, struct ct_err *err)
{
	size_t n = ct_program_linears(&core->cfg);

	for (size_t i = 0; i < n; i++) {
		int ret = ask_one(core, want, &profiles[i], costs,
				  &core->dispatch[i], err);

		if (ret)
			return ret;
	}
	core->at.dispatch = core->dispatch;
	ct_core_build(core);
	return 0;
}

/* ---- Operating point --------------------------------------------------- */

/*
 * A token decoded half way through the context, the mean over a text that fills
 * it: seconds and watts, external memory's included.
 */
static int decode(struct ct_core *core, const struct ct_dispatch_want *want,
		  const struct ctrans_layer_profile *profiles, unsigned int opp,
		  struct ct_point *point, struct ct_err *err)
{
	const struct ct_estimate_step step = {
		.rows = 1, .logits = 1, .position = core->context / 2,
		.source = ct_has_encoder(&core->cfg) ? core->at.n_source / 2 : 0,
	};
	struct ctrans_layer_cost sum = { 0 }, *cost;
	struct ctrans_chip_costs costs;
	int ret;

	ret = ct_device_costs(core->dev, opp, &costs, err);
	if (!ret)
		ret = ask(core, want, profiles, &costs, err);
	if (ret)
		return ret;
	cost = calloc(core->n_insns, sizeof(*cost));
	if (!cost)
		return ct_fail(err, -ENOMEM, "out of memory");
	ret = ct_estimate(&costs, core->prog, core->n_insns,
			  profiles + ct_encoder_linears(&core->cfg), &step, cost, err);
	for (size_t i = 0; i < core->n_insns; i++)
		ct_estimate_add(&sum, &cost[i]);
	free(cost);
	point->volts = costs.mv / 1e3;
	point->mhz = costs.khz / 1e3;
	point->seconds = sum.cycles / (costs.khz * 1e3);
	point->joules = ct_cost_energy(&sum) * 1e-15;
	return ret;
}

static int choose_point(struct ct_core *core, const struct ct_dispatch_want *want,
			const struct ctrans_layer_profile *profiles,
			struct ct_err *err)
{
	struct ct_point points[CT_POINTS_MAX];
	struct ctrans_chip_costs costs;
	unsigned int n, best;
	int ret;

	if (!core->dev_info.is_model)
		return ct_fail(err, -ENOTSUP,
			"a power cap or deadline for device %s: the operating point of a chip is its driver's choice, only the chip model's (device \"sim\") can be set",
			core->dev_info.name);
	for (n = 0; n < CT_POINTS_MAX && !ct_device_costs(core->dev, n, &costs, NULL);
	     n++) {
		ret = decode(core, want, profiles, n, &points[n], err);
		if (ret)
			return ret;
	}
	ret = ct_point_choose(points, n, want->power_cap, want->deadline, &best, err);
	if (!ret)
		ret = ct_device_set_opp(core->dev, best, err);
	if (ret)
		return ret;
	ct_device_info(core->dev, &core->dev_info);
	ct_log(CTRANS_LOG_INFO,
	       "operating point %u (%.1f V, %.1f MHz): %.3g W and %.3g ms a token when decoding, modelled",
	       best, points[best].volts, points[best].mhz,
	       points[best].joules / points[best].seconds, 1e3 * points[best].seconds);
	return 0;
}

int ct_core_dispatch(struct ct_core *core, const struct ct_dispatch_want *want,
		     struct ct_err *err)
{
	bool choose = want->power_cap > 0 || want->deadline > 0;
	struct ctrans_layer_profile *profiles = NULL;
	struct ctrans_chip_costs costs;
	int ret;

	/* binary32 values have no domains */
	if (core->at.enc == CTRANS_ENC_F32)
		return choose ? ct_fail(err, -EINVAL,
			"a power cap or deadline with CTRANS_MODEL_F32, which no chip could do: take one of them") : 0;
	core->dispatch = calloc(ct_program_linears(&core->cfg), sizeof(*core->dispatch));
	if (!core->dispatch)
		return ct_fail(err, -ENOMEM, "out of memory");
	ret = know(core, want->levels, &profiles, err);
	if (!ret && choose)
		ret = choose_point(core, want, profiles, err);
	if (!ret)
		ret = ct_core_costs(core, &costs, err);
	if (!ret)
		ret = ask(core, want, profiles, &costs, err);
	free(profiles);
	return ret;
}
