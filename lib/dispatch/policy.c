// SPDX-License-Identifier: MIT
#include "dispatch/policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "uapi/ctrans_job.h"

#define NAME_MAX_BYTES	15u

static const struct {
	const char *name;
	const struct ctrans_policy *policy;
} policies[] = {
	{ "dnn", &ct_policy_dnn }, { "snn", &ct_policy_snn },
	{ "static", &ct_policy_static }, { "tile", &ct_policy_tile },
	{ "fine", &ct_policy_fine }, { "cdnn", &ct_policy_fine },
};

int ct_policy_find(const char *name, const struct ctrans_policy **policy,
		   struct ct_err *err)
{
	*policy = &ct_policy_fine;
	if (!name || !*name)
		return 0;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		if (!strcmp(name, policies[i].name)) {
			*policy = policies[i].policy;
			return 0;
		}
	}
	return ct_fail(err, -EINVAL,
		       "policy \"%.32s\": there are dnn, snn, static, tile and fine (or cdnn)",
		       name);
}

static int parse(const char *name, const char *const names[3], const char *what,
		 uint32_t *value, struct ct_err *err)
{
	for (uint32_t i = 0; i < 3; i++) {
		if (!strcmp(name, names[i])) {
			*value = i;
			return 0;
		}
	}
	return ct_fail(err, -EINVAL, "%s \"%.32s\": there are %s, %s and %s", what,
		       name, names[0], names[1], names[2]);
}

int ct_code_parse(const char *name, uint32_t *code, struct ct_err *err)
{
	static const char *const names[] = {
		[CTRANS_SPIKES_RATE] = "rate", [CTRANS_SPIKES_RADIX] = "radix",
		[CTRANS_SPIKES_NAF] = "naf",
	};

	*code = CTRANS_SPIKES_RADIX;
	return name && *name ? parse(name, names, "spike code", code, err) : 0;
}

int ct_objective_parse(const char *name, uint32_t *objective, struct ct_err *err)
{
	static const char *const names[] = {
		[CTRANS_LEAST_ENERGY] = "energy", [CTRANS_LEAST_LATENCY] = "latency",
		[CTRANS_LEAST_ENERGY_DELAY] = "edp",
	};

	*objective = CTRANS_LEAST_ENERGY;
	return name && *name ? parse(name, names, "objective", objective, err) : 0;
}

int ct_policy_check(const struct ctrans_policy *policy, struct ct_err *err)
{
	if (policy->size < sizeof(*policy))
		return ct_fail(err, -EINVAL,
			       "a policy of %zu bytes: set its size to sizeof(struct ctrans_policy)",
			       policy->size);
	if (!policy->name || !*policy->name ||
	    strnlen(policy->name, NAME_MAX_BYTES + 1) > NAME_MAX_BYTES)
		return ct_fail(err, -EINVAL, "a policy's name has 1 to %u bytes",
			       NAME_MAX_BYTES);
	if (!policy->linear)
		return ct_fail(err, -EINVAL,
			       "policy \"%s\" has no function: set linear", policy->name);
	return 0;
}

static int check_units(const struct ctrans_dispatch *d, const char *who,
		       const char *layer, struct ct_err *err)
{
	if (!d->by_unit && (d->unit_low || d->unit_high))
		return ct_fail(err, -EINVAL,
			       "%s, %s: limits of work units, but by_unit is 0", who, layer);
	if (!d->by_unit)
		return 0;
	if (d->spike_mask[0] || d->spike_mask[1])
		return ct_fail(err, -EINVAL,
			       "%s, %s: spike_mask is for by_unit = 0; leave it 0", who,
			       layer);
	if (d->unit_low > d->unit_high || d->unit_high > UINT8_MAX)
		return ct_fail(err, -EINVAL,
			       "%s, %s: unit_low %u, unit_high %u: they are 0 to %u, the high one not below the low one",
			       who, layer, d->unit_low, d->unit_high, UINT8_MAX);
	return 0;
}

int ct_dispatch_check(const struct ctrans_dispatch *d, const char *who,
		      const char *layer, struct ct_err *err)
{
	if (d->size != sizeof(*d))
		return ct_fail(err, -EINVAL,
			       "%s, %s: a dispatch of size %zu: it came with %zu, leave that",
			       who, layer, d->size, sizeof(*d));
	if (d->code > CTRANS_SPIKES_NAF)
		return ct_fail(err, -EINVAL,
			       "%s, %s: spike code %u: there are 0 (rate), 1 (radix) and 2 (naf)",
			       who, layer, d->code);
	if (d->flip > 1 || d->by_unit > 1)
		return ct_fail(err, -EINVAL, "%s, %s: flip and by_unit are 0 or 1", who,
			       layer);
	if (d->flip && d->code == CTRANS_SPIKES_NAF)
		return ct_fail(err, -EINVAL,
			       "%s, %s: flipping is for the codes radix and rate; the digits of naf have signs already",
			       who, layer);
	if (!d->by_unit && d->spike_mask[0] & 1)
		return ct_fail(err, -EINVAL,
			       "%s, %s: bit 0 of spike_mask: zeros have no spikes", who,
			       layer);
	return check_units(d, who, layer, err);
}

int ct_policy_ask(const struct ctrans_policy *policy, const char *layer,
		  const struct ctrans_layer_profile *profile,
		  const struct ctrans_chip_costs *costs,
		  const struct ctrans_dispatch_goal *goal,
		  struct ctrans_dispatch *out, struct ct_err *err)
{
	char who[NAME_MAX_BYTES + 16];
	int ret;

	*out = (struct ctrans_dispatch){ .size = sizeof(*out), .code = goal->code,
					 .flip = goal->flip };
	snprintf(who, sizeof(who), "policy \"%s\"", policy->name);
	ret = policy->linear(policy->arg, profile, costs, goal, out);
	if (ret > 0 || ret < -4095)	/* the kernel's MAX_ERRNO */
		return ct_fail(err, -EINVAL,
			       "%s, %s: it returned %d: 0 is right, a negative errno wrong",
			       who, layer, ret);
	if (ret)
		return ct_fail(err, ret, "%s, %s: it gave up: %s", who, layer,
			       strerror(-ret));
	return ct_dispatch_check(out, who, layer, err);
}

void ct_dispatch_dense(struct ctrans_dispatch *out)
{
	out->by_unit = 0;
	out->spike_mask[0] = 0;
	out->spike_mask[1] = 0;
}

void ct_dispatch_spiking(struct ctrans_dispatch *out)
{
	out->by_unit = 0;
	out->spike_mask[0] = ~1ull;
	out->spike_mask[1] = ~0ull;
}
