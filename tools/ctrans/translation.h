/* SPDX-License-Identifier: MIT */
#ifndef CTRANS_TOOL_TRANSLATION_H
#define CTRANS_TOOL_TRANSLATION_H

#include "ctrans.h"

/*
 * The one task of a model that translates @from a language @to another; NULL: any.
 * An exit status; *@task stays valid until the next call.
 */
int find_translation(const struct ctrans_model_info *info, const char *from,
		     const char *to, const char **task);

#endif
