/* SPDX-License-Identifier: MIT */
/*
 * The SentencePiece library, as C. What it is given has been checked before
 * (text/spm_model.h): the library trusts its models.
 */
#ifndef CT_TEXT_SPM_SHIM_H
#define CT_TEXT_SPM_SHIM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ct_spm_lib;

/*
 * Load a serialised ModelProto. Returns 0, -ENOMEM, or -EBADMSG with the
 * library's reason, cut to @size bytes, in @why.
 */
int ct_spm_lib_new(const void *proto, size_t len, struct ct_spm_lib **out,
		   char *why, size_t size);
void ct_spm_lib_free(struct ct_spm_lib *lib);

/*
 * Call @add with each id of a text. Stops when it returns something else than
 * 0, and returns that; or -ENOMEM, or -EBADMSG as above.
 */
int ct_spm_lib_encode(const struct ct_spm_lib *lib, const char *text,
		      size_t len, int (*add)(void *to, uint32_t id), void *to,
		      char *why, size_t size);

#ifdef __cplusplus
}
#endif

#endif
