/* SPDX-License-Identifier: MIT */
/*
 * The C-DNN policy: which values go to the spiking domain.
 *
 * The chip decides by magnitude, with a bit for each of 1..127 in the
 * instruction (struct ctrans_insn_linear.spike_mask). A product costs one HMAU
 * cycle whatever the value; a value of m spikes costs m / 8 of one, as the
 * HMAU takes eight spikes in a cycle at the energy of one product. So a value is
 * cheaper as spikes if it has fewer than eight: small ones in the rate code, all
 * of 7 bits in the radix code. Ties go to the dense domain.
 */
#ifndef CT_DISPATCH_POLICY_H
#define CT_DISPATCH_POLICY_H

#include <stdint.h>

#include "base/err.h"
#include "uapi/ctrans_job.h"

enum ct_policy {
	CT_POLICY_DNN,		/* everything dense */
	CT_POLICY_SNN,		/* everything spiking */
	CT_POLICY_CDNN,		/* each value where it costs less */
};

#define CT_SPIKES_PER_MAC	8u

/* NULL: cdnn, radix. -EINVAL with the list of names. */
int ct_policy_parse(const char *name, enum ct_policy *policy, struct ct_err *err);
int ct_code_parse(const char *name, enum ctrans_spike_code *code, struct ct_err *err);

const char *ct_policy_name(enum ct_policy policy);

/* Spikes of magnitude @m in a code. */
unsigned int ct_spikes(enum ctrans_spike_code code, unsigned int m);

/* Which of the magnitudes 1..127 spike, as bits. */
void ct_policy_mask(enum ct_policy policy, enum ctrans_spike_code code,
		    uint64_t mask[2]);

#endif
