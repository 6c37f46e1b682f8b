/* SPDX-License-Identifier: MIT */
#ifndef CT_MODEL_SHARDS_H
#define CT_MODEL_SHARDS_H

#include "base/err.h"
#include "base/file.h"
#include "model/tensor.h"

#define CT_MAX_SHARDS	1024u

/*
 * The tensors of a Hugging Face directory, sorted: model.safetensors, or the
 * files that model.safetensors.index.json names. Weights in another format
 * only are -ENOTSUP, none at all -ENOENT.
 */
int ct_shards_load(const char *dir, struct ct_files *files,
		   struct ct_tensors *table, struct ct_err *err);

#endif
