/* SPDX-License-Identifier: MIT */
/* A model in memory as a converted file (model/converted.h). */
#ifndef CT_ENGINE_SAVE_H
#define CT_ENGINE_SAVE_H

#include "engine/core_impl.h"

struct ct_save {
	const char *source;	/* where the model came from: its name is noted */
	const char *cache_key;	/* or NULL */
	float levels;		/* of calibrated thresholds; 0: chosen otherwise */
	/* A little model to go with it, and where that came from; or NULL. */
	const struct ct_core *little;
	const char *little_source;
	ctrans_progress_fn *progress;
	void *progress_arg;
};

/*
 * @model: the files that @core was loaded from, or NULL for a shape. The file
 * appears whole or not at all.
 */
int ct_core_save(const struct ct_core *core, const struct ct_model *model,
		 const char *out, const struct ct_save *how, struct ct_err *err);

/* save_tokenizer.c: the tokenizer's metadata */
struct ct_gguf_out;
int ct_save_tokenizer(struct ct_gguf_out *out, const struct ct_model *model,
		      const struct ct_tokenizer *tokenizer, struct ct_err *err);

#endif
