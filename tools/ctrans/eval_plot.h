/* SPDX-License-Identifier: MIT */
/* ctrans eval --plot: what a value costs, and where the values went. */
#ifndef CTRANS_TOOL_EVAL_PLOT_H
#define CTRANS_TOOL_EVAL_PLOT_H

#include "eval.h"

/*
 * Run @text through @model once more and draw to @path: energy against magnitude
 * for both domains, over what magnitudes there were, and for each linear layer
 * which domains its values went to under the model's policy. Prints what is wrong;
 * an exit status.
 */
int eval_plot(struct ctrans_model *model, const char *name,
	      const struct eval_text *text, const char *path);

#endif
