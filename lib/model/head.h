/* SPDX-License-Identifier: MIT */
#ifndef CT_MODEL_HEAD_H
#define CT_MODEL_HEAD_H

#include "base/err.h"
#include "base/file.h"
#include "model/weights.h"

/*
 * A head of its own that is byte for byte the embedding table is tied after
 * all: llama.cpp's converter used to write GPT-2's twice. Makes it tied then,
 * which saves its memory (31 % of the smallest GPT-2) and its reading. A head
 * that differs does so in its first block, so the comparison costs nothing.
 */
int ct_head_tie(struct ct_weights *weights, const struct ct_files *files,
		struct ct_err *err);

#endif
