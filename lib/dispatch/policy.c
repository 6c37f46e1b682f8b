// SPDX-License-Identifier: MIT
#include "dispatch/policy.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const char *const policy_names[] = {
	[CT_POLICY_DNN] = "dnn",
	[CT_POLICY_SNN] = "snn",
	[CT_POLICY_CDNN] = "cdnn",
};

int ct_policy_parse(const char *name, enum ct_policy *policy, struct ct_err *err)
{
	*policy = CT_POLICY_CDNN;
	if (!name || !*name)
		return 0;
	for (unsigned int i = 0; i < 3; i++) {
		if (!strcmp(name, policy_names[i])) {
			*policy = (enum ct_policy)i;
			return 0;
		}
	}
	return ct_fail(err, -EINVAL, "policy \"%.32s\": there are dnn, snn and cdnn",
		       name);
}

int ct_code_parse(const char *name, enum ctrans_spike_code *code, struct ct_err *err)
{
	*code = CTRANS_CODE_RADIX;
	if (!name || !*name || !strcmp(name, "radix"))
		return 0;
	*code = CTRANS_CODE_RATE;
	if (!strcmp(name, "rate"))
		return 0;
	return ct_fail(err, -EINVAL, "spike code \"%.32s\": there are radix and rate",
		       name);
}

const char *ct_policy_name(enum ct_policy policy)
{
	return policy_names[policy];
}

unsigned int ct_spikes(enum ctrans_spike_code code, unsigned int m)
{
	return code == CTRANS_CODE_RATE ? m : (unsigned int)__builtin_popcount(m);
}

void ct_policy_mask(enum ct_policy policy, enum ctrans_spike_code code,
		    uint64_t mask[2])
{
	mask[0] = 0;
	mask[1] = 0;
	for (unsigned int m = 1; m < 128; m++) {
		bool spike = policy == CT_POLICY_SNN ||
			     (policy == CT_POLICY_CDNN &&
			      ct_spikes(code, m) < CT_SPIKES_PER_MAC);

		mask[m / 64] |= (uint64_t)spike << m % 64;
	}
}
