/* SPDX-License-Identifier: MIT */
/* A text through a model, for what it shows of activations. */
#ifndef CT_ENGINE_CALIBRATE_H
#define CT_ENGINE_CALIBRATE_H

#include "convert/calibration.h"
#include "engine/core_impl.h"

/* A shorter text says too little. */
#define CT_CALIBRATION_LEAST	16u

struct ct_calibrate {
	uint32_t tokens;	/* of the text at most */
	bool gram;
	/* Tokens; non-zero ends it with -ECANCELED. */
	int (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};

/*
 * Run @text in windows of the model's context, one after the other. -EINVAL: it is
 * too short; -ENOTSUP: the model has no tokenizer.
 */
int ct_core_observe(struct ct_core *core, const char *text, size_t len,
		    const struct ct_calibrate *how, struct ct_calibration **out,
		    struct ct_err *err);
int ct_core_observe_tokens(struct ct_core *core, const uint32_t *tokens, size_t n,
			   const struct ct_calibrate *how,
			   struct ct_calibration **out, struct ct_err *err);

/* Run with the thresholds of @c from now on; what it saw at them is kept, too. */
int ct_core_take_thresholds(struct ct_core *core, struct ct_calibration *c,
			    struct ct_err *err);

#endif
