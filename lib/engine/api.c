// SPDX-License-Identifier: MIT
#include "engine/api.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ctrans.h"
#include "engine/core.h"

/* A longer params structure than this is not one: its size was never set. */
#define STRUCT_MAX	4096

static _Thread_local char message[CT_ERR_MSG_MAX];

unsigned int ctrans_api_version(void)
{
	return CTRANS_API_VERSION;
}

const char *ctrans_version(void)
{
	return CT_VERSION;
}

const char *ctrans_message(void)
{
	return message;
}

const char *ctrans_strerror(int err)
{
	const char *text;

	/* The codes this library gives a meaning of its own. */
	switch (err < 0 ? err : -err) {
	case 0:
		return "success";
	case -ENOENT:
		return "not found";
	case -EBADMSG:
		return "malformed file";
	case -ENOTSUP:
		return "not supported";
	case -ENOMEM:
		return "out of memory";
	case -EINVAL:
		return "invalid argument";
	case -E2BIG:
		return "beyond a limit";
	case -ECANCELED:
		return "canceled";
	case -ENODEV:
		return "no such device";
	case -EIO:
		return "the device failed";
	case -EACCES:
		return "no permission";
	case -EBUSY:
		return "in use";
	}
	text = strerrordesc_np(err < 0 ? -(unsigned int)err : (unsigned int)err);
	return text ? text : "unknown error";
}

int ct_api_return(int ret, const struct ct_err *err)
{
	if (ret >= 0)
		return ret;
	/* @err may hold an earlier fault that was got over. */
	if (err && err->code == ret && err->msg[0])
		memcpy(message, err->msg, sizeof(message));
	else
		snprintf(message, sizeof(message), "%s", ctrans_strerror(ret));
	return ret;
}

int ct_struct_take(void *dst, size_t len, size_t least, const void *src,
		   const char *name, struct ct_err *err)
{
	const unsigned char *bytes = src;
	size_t size, i;

	if (!src)
		return 0;
	memcpy(&size, src, sizeof(size));
	if (size < least || size > STRUCT_MAX)
		return ct_fail(err, -EINVAL,
			       "%s says it is %zu bytes long, which no version of it is: set it up with %s_init()",
			       name, size, name);
	for (i = len; i < size; i++) {
		if (bytes[i])
			return ct_fail(err, -E2BIG,
				       "%s sets a field that libctrans %s does not know yet (byte %zu): update the library",
				       name, CT_VERSION, i);
	}
	memcpy(dst, src, size < len ? size : len);
	return 0;
}

int ct_struct_give(void *dst, size_t size, size_t least, const void *src,
		   size_t len, const char *name, struct ct_err *err)
{
	if (!dst)
		return ct_fail(err, -EINVAL, "no %s to fill: NULL", name);
	if (size < least)
		return ct_fail(err, -EINVAL,
			       "size of %s given as %zu, and it has at least %zu bytes: pass its sizeof",
			       name, size, least);
	if (size > len)
		size = len;
	memcpy(dst, src, size);
	memcpy(dst, &size, sizeof(size));
	return 0;
}

const char *ctrans_kind_name(enum ctrans_kind kind)
{
	static const char *const names[CTRANS_KINDS] = {
		[CTRANS_KIND_EMBED] = "embed",
		[CTRANS_KIND_NORM] = "norm",
		[CTRANS_KIND_QKV] = "qkv",
		[CTRANS_KIND_ATTENTION] = "attention",
		[CTRANS_KIND_PROJECTION] = "projection",
		[CTRANS_KIND_FFN_UP] = "ffn-up",
		[CTRANS_KIND_FFN_DOWN] = "ffn-down",
		[CTRANS_KIND_HEAD] = "head",
	};

	return (unsigned int)kind < CTRANS_KINDS ? names[kind] : NULL;
}

const char *ctrans_finish_name(enum ctrans_finish finish)
{
	static const char *const names[] = {
		[CTRANS_FINISH_LENGTH] = "length",
		[CTRANS_FINISH_EOS] = "eos",
		[CTRANS_FINISH_STOP] = "stop",
		[CTRANS_FINISH_CONTEXT] = "context",
		[CTRANS_FINISH_CANCELED] = "canceled",
	};

	return (size_t)finish < sizeof(names) / sizeof(names[0]) ?
	       names[finish] : "unknown";
}
