// SPDX-License-Identifier: MIT
#include "engine/dispatch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dispatch/policy.h"
#include "dispatch/prior.h"
#include "engine/core_impl.h"
#include "uapi/ctrans_regs.h"

/*
 * What a model is opened for is one text at a time. A step of one row has all
 * weights to itself, which is where waiting for them is dearest.
 */
#define ROWS_USUAL	1u

int ct_dispatch_want(const struct ctrans_model_params *params,
		     struct ct_dispatch_want *want, struct ct_err *err)
{
	struct ctrans_dispatch_goal *goal = &want->goal;
	int ret;

	*want = (struct ct_dispatch_want){
		.goal = { .size = sizeof(*goal), .rows = ROWS_USUAL,
			  .flip = params->flip },
		.levels = params->levels,
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
	return 0;
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

static void assume(const struct ctrans_insn *insn, float levels,
		   struct ctrans_layer_profile *p)
{
	*p = (struct ctrans_layer_profile){
		.size = sizeof(*p),
		.layer = insn->tag >> 8,
		.kind = ct_tag_kind(insn->tag),
		.n_in = insn->linear.n_in,
		.n_out = insn->linear.n_out,
	};
	if (insn->linear.theta_mode == CTRANS_THETA_STATIC)
		memcpy(&p->threshold, &insn->linear.theta_f32, 4);
	ct_prior(p, levels);
}

int ct_core_dispatch(struct ct_core *core, const struct ct_dispatch_want *want,
		     struct ct_err *err)
{
	size_t n = ct_program_linears(&core->cfg), j = 0;
	struct ctrans_chip_costs costs;
	struct ctrans_dispatch *d;
	int ret;

	/* binary32 values have no domains */
	if (core->at.enc == CTRANS_ENC_F32)
		return 0;
	ret = ct_core_costs(core, &costs, err);
	if (ret)
		return ret;
	d = calloc(n, sizeof(*d));
	if (!d)
		return ct_fail(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < core->n_insns && !ret; i++) {
		const struct ctrans_insn *insn = &core->prog[i];
		struct ctrans_layer_profile p;
		char name[48];

		if (insn->op != CTRANS_INSN_LINEAR && insn->op != CTRANS_INSN_LOGITS)
			continue;
		if (core->profiles)
			p = core->profiles[j];
		else
			assume(insn, want->levels, &p);
		layer_name(&p, name, sizeof(name));
		ret = ct_policy_ask(want->policy, name, &p, &costs, &want->goal, &d[j],
				    err);
		if (!ret)
			ret = check_caps(core, &d[j], err);
		j++;
	}
	if (ret) {
		free(d);
		return ret;
	}
	free(core->dispatch);
	core->dispatch = d;
	core->at.dispatch = d;
	ct_core_build(core);
	return 0;
}
