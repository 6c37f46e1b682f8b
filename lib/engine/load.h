/* SPDX-License-Identifier: MIT */
/* The ways to fill the packed image; load.c chooses. */
#ifndef CT_ENGINE_LOAD_H
#define CT_ENGINE_LOAD_H

#include "engine/core_impl.h"

/* Threads that loading may use: as many as compute. */
unsigned int ct_load_threads(const struct ct_core *core);

/* load_files.c: from a model as it was trained, packed as it arrives */
int ct_load_files(struct ct_core *core, const struct ct_model *model,
		  const struct ctrans_model_params *params, struct ct_err *err);

/*
 * load_random.c: for a shape; first, to be freed, how its matrices are stored (NULL:
 * as S8)
 */
int ct_random_stored(struct ct_core *core, const struct ctrans_model_params *params,
		     struct ct_stored **stored, struct ct_err *err);
int ct_load_random(struct ct_core *core, const struct ctrans_model_params *params,
		   struct ct_err *err);

/* load_converted.c: from a converted file, as it stands there */
int ct_load_converted(struct ct_core *core, const struct ct_model *model,
		      const struct ctrans_model_params *params,
		      struct ct_err *err);

#endif
