/* SPDX-License-Identifier: MIT */
/*
 * What makes two models one, as far as keys and values go: the same tokens give
 * the same bits in both. Dispatch, spike code, device, threads, and the room for
 * tokens never change a value, so they are no part of it.
 */
#ifndef CT_ENGINE_FINGERPRINT_H
#define CT_ENGINE_FINGERPRINT_H

#include "engine/core.h"
#include "uapi/ctrans_job.h"

struct ct_fingerprint {
	char model[33];		/* shape and weights, as hexadecimal digits */
	char thresholds[40];	/* "dynamic:" or "calibrated:" and digits, "none"; ":52/128" if sampled */
	const char *kv;		/* element type of keys and values; static */
};

/*
 * Of a model with weights. The first call for a model reads all of them (about
 * 5 ms for GPT-2 124M); later ones look it up. From any thread.
 */
void ct_core_fingerprint(struct ct_core *core, struct ct_fingerprint *fp);

/* "f16", "f32" or "s8" */
const char *ct_kv_name(enum ctrans_kv_type kv);

#endif
