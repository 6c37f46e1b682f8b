// SPDX-License-Identifier: MIT
/* In place of spm_shim.cc where the library was not there at build time. */
#include "text/spm_shim.h"

#include <errno.h>

int ct_spm_lib_new(const void *proto, size_t len, struct ct_spm_lib **out,
		   char *why, size_t size)
{
	(void)proto;
	(void)len;
	(void)out;
	(void)why;
	(void)size;
	return -ENOTSUP;
}

void ct_spm_lib_free(struct ct_spm_lib *lib)
{
	(void)lib;
}

int ct_spm_lib_encode(const struct ct_spm_lib *lib, const char *text,
		      size_t len, int (*add)(void *to, uint32_t id), void *to,
		      char *why, size_t size)
{
	(void)lib;
	(void)text;
	(void)len;
	(void)add;
	(void)to;
	(void)why;
	(void)size;
	return -ENOTSUP;
}
