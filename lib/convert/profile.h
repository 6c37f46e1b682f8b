/* SPDX-License-Identifier: MIT */
/* Profiles in a converted file: one array of numbers (model/converted.h). */
#ifndef CT_CONVERT_PROFILE_H
#define CT_CONVERT_PROFILE_H

#include "base/err.h"
#include "ctrans_dispatch.h"
#include "model/gguf.h"
#include "model/gguf_write.h"

/* Fails as @out does: with its end. */
int ct_profiles_put(struct ct_gguf_out *out, const struct ctrans_layer_profile *p,
		    size_t n, struct ct_err *err);

/*
 * The counts of @n profiles whose shapes are filled in. *@found: there are any.
 * -EBADMSG: of other layers, or they do not add up.
 */
int ct_profiles_get(const struct ct_gguf *gguf, struct ctrans_layer_profile *p,
		    size_t n, bool *found, struct ct_err *err);

#endif
