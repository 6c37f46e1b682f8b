/* SPDX-License-Identifier: MIT */
/*
 * The C-DNN policies by name, and what is asked of any of them.
 *
 * A product costs one HMAU cycle whatever the value; s spikes cost s / 8 of one, as
 * an HMAU takes eight in a cycle. So values of few spikes are cheaper as spikes.
 * How many are few, where weights do not come fast enough to feed eight spikes a
 * cycle or a change of mode takes its time, is for the cost model (cost.h) to say;
 * policies differ in what they decide about: a layer, a work unit or a value.
 */
#ifndef CT_DISPATCH_POLICY_H
#define CT_DISPATCH_POLICY_H

#include <stdint.h>

#include "base/err.h"
#include "ctrans_dispatch.h"

extern const struct ctrans_policy ct_policy_dnn;	/* everything dense */
extern const struct ctrans_policy ct_policy_snn;	/* everything spiking */
extern const struct ctrans_policy ct_policy_static;	/* each layer where it is cheaper */
extern const struct ctrans_policy ct_policy_tile;	/* each work unit */
extern const struct ctrans_policy ct_policy_fine;	/* each value */

/* NULL or "": fine. -EINVAL with the list of names. */
int ct_policy_find(const char *name, const struct ctrans_policy **policy,
		   struct ct_err *err);
int ct_code_parse(const char *name, uint32_t *code, struct ct_err *err);
int ct_objective_parse(const char *name, uint32_t *objective, struct ct_err *err);

/* Of a policy that is not ours: has it a name and a function? */
int ct_policy_check(const struct ctrans_policy *policy, struct ct_err *err);

/*
 * Is it something a chip could do? @who names whose it is, as in "policy \"mine\"",
 * @layer what for.
 */
int ct_dispatch_check(const struct ctrans_dispatch *dispatch, const char *who,
		      const char *layer, struct ct_err *err);

/*
 * Ask @policy about a layer, called @layer in messages: @out is a dispatch that
 * has been checked.
 */
int ct_policy_ask(const struct ctrans_policy *policy, const char *layer,
		  const struct ctrans_layer_profile *profile,
		  const struct ctrans_chip_costs *costs,
		  const struct ctrans_dispatch_goal *goal,
		  struct ctrans_dispatch *out, struct ct_err *err);

/* All dense; all spiking; by value. */
void ct_dispatch_dense(struct ctrans_dispatch *out);
void ct_dispatch_spiking(struct ctrans_dispatch *out);

#endif
