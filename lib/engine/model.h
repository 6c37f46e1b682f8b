/* SPDX-License-Identifier: MIT */
#ifndef CT_ENGINE_MODEL_H
#define CT_ENGINE_MODEL_H

#include "engine/core.h"
#include "engine/gather.h"

struct ctrans_model {
	struct ct_core *core;
	struct ct_gather gather;
	struct ctrans_model *little;	/* drafts for it; or NULL */
};

/* A caller's parameters over the defaults, checked. */
int ct_model_params_take(struct ctrans_model_params *p,
			 const struct ctrans_model_params *from,
			 struct ct_err *err);

/* Whether a token ends the text, as the model's files say. */
bool ct_model_is_eos(const struct ctrans_model *model, uint32_t token);
/* The token a text begins with; -1: none. */
int64_t ct_model_bos(const struct ctrans_model *model);

/* -ENOTSUP for a model that was opened without its weights. */
int ct_model_needs_weights(const struct ctrans_model *model,
			   struct ct_err *err);

#endif
