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
	const char *task;	/* whose words sources begin with; pairs.h */
	bool gram;
	/* Tokens; non-zero ends it with -ECANCELED. */
	int (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};

/*
 * Run @text, or with an encoder the pairs that it is (pairs.h), in windows of the
 * model's context, one after the other. -EINVAL: it is too short; -ENOTSUP: the
 * model has no tokenizer.
 */
int ct_core_observe(struct ct_core *core, const char *text, size_t len,
		    const struct ct_calibrate *how, struct ct_calibration **out,
		    struct ct_err *err);
int ct_core_observe_pairs(struct ct_core *core, const struct ctrans_pair *pairs,
			  size_t n, const struct ct_calibrate *how,
			  struct ct_calibration **out, struct ct_err *err);
/* One text that has no source. */
int ct_core_observe_tokens(struct ct_core *core, const uint32_t *tokens, size_t n,
			   const struct ct_calibrate *how,
			   struct ct_calibration **out, struct ct_err *err);

/* Run with the thresholds of @c from now on; what it saw at them is kept, too. */
int ct_core_take_thresholds(struct ct_core *core, struct ct_calibration *c,
			    struct ct_err *err);

/*
 * Choose @c's thresholds by search (convert/threshold.h): of @how only progress is
 * taken, in layers, each of which comes twice. ct_value_costs_of() gives costs in the radix code.
 */
struct ct_value_costs;
int ct_core_search_thresholds(struct ct_core *core, struct ct_calibration *c,
			      double noise_db, const struct ct_value_costs *costs,
			      const struct ct_calibrate *how, struct ct_err *err);
void ct_value_costs_of(const struct ctrans_chip_costs *chip,
		       struct ct_value_costs *costs);

/*
 * sensitivity.c: fill the weights of @points, by linear, from what a known noise in
 * one layer after the other does to the model's predictions of @c's own text.
 */
struct ct_threshold_points;
int ct_core_sensitivities(struct ct_core *core, const struct ct_calibration *c,
			  struct ct_threshold_points *points,
			  const struct ct_calibrate *how, struct ct_err *err);

/* Choose @c's smoothing (convert/smooth.h) by the core's weights; before thresholds. */
int ct_core_smooth(const struct ct_core *core, struct ct_calibration *c, float alpha,
		   struct ct_err *err);

#endif
