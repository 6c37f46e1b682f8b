/* SPDX-License-Identifier: MIT */
/*
 * What every public function does: keep the message of a failure for
 * ctrans_message(), and take and fill structures that know their size.
 */
#ifndef CT_ENGINE_API_H
#define CT_ENGINE_API_H

#include <stddef.h>

#include "base/err.h"

/*
 * The end of a public function: @ret as it is; a failure's sentence (or, if
 * there is none, the code's) becomes the thread's message.
 */
int ct_api_return(int ret, const struct ct_err *err);

/*
 * Take a params structure whose first member is its size. @dst holds this
 * library's defaults, @len bytes, of which the first @least came with the first
 * release. An older program's shorter structure leaves the rest of @dst alone;
 * a newer one's longer structure must be zero beyond @len (-E2BIG), as what it
 * asks for is not known here. @src NULL: all defaults.
 */
int ct_struct_take(void *dst, size_t len, size_t least, const void *src,
		   const char *name, struct ct_err *err);

/*
 * Give @len bytes of @src, whose first member is a size, to a caller who has
 * room for @size: what fits, with the size member saying how much that is.
 */
int ct_struct_give(void *dst, size_t size, size_t least, const void *src,
		   size_t len, const char *name, struct ct_err *err);

#endif
