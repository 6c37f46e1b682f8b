// SPDX-License-Identifier: MIT
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int ct_fail(struct ct_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;

	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return code;
}

void ct_err_prefix(struct ct_err *err, const char *fmt, ...)
{
	char head[CT_ERR_MSG_MAX];
	size_t used, keep;
	va_list ap;

	if (!err || !err->code)
		return;

	va_start(ap, fmt);
	vsnprintf(head, sizeof(head) - 2, fmt, ap);
	va_end(ap);
	strcat(head, ": ");

	used = strlen(head);
	keep = strlen(err->msg);
	if (keep > sizeof(err->msg) - 1 - used)
		keep = sizeof(err->msg) - 1 - used;
	memmove(err->msg + used, err->msg, keep);
	memcpy(err->msg, head, used);
	err->msg[used + keep] = '\0';
}
