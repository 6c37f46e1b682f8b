// SPDX-License-Identifier: MIT
#include "text/stream.h"

#include <errno.h>
#include <string.h>

#include "text/utf8.h"

static const char replacement[] = "\xef\xbf\xbd";
#define REPLACEMENT_LEN	(sizeof(replacement) - 1)

/* Room for the worst case, each byte its own replacement, was made before. */
static void put(struct ct_buf *out, const char *bytes, size_t len)
{
	memcpy(out->data + out->n, bytes, len);
	out->n += len;
}

static void drop(struct ct_utf8_stream *s, size_t len)
{
	s->n_held -= len;
	memmove(s->held, s->held + len, s->n_held);
}

static void push_byte(struct ct_utf8_stream *s, char byte, struct ct_buf *out)
{
	uint32_t cp;
	int len;

	s->held[s->n_held++] = byte;
	while (s->n_held) {
		len = ct_utf8_next(s->held, s->n_held, &cp);
		if (!len)
			break;
		if (len < 0) {
			len = -len;
			put(out, replacement, REPLACEMENT_LEN);
		} else {
			put(out, s->held, len);
		}
		drop(s, len);
	}
}

int ct_utf8_stream_push(struct ct_utf8_stream *s, const char *bytes,
			size_t len, struct ct_buf *out)
{
	size_t worst, i;

	if (!len)
		return 0;
	if (__builtin_add_overflow(len, s->n_held, &worst) ||
	    __builtin_mul_overflow(worst, REPLACEMENT_LEN, &worst) ||
	    ct_buf_reserve(out, worst))
		return -ENOMEM;
	for (i = 0; i < len; i++)
		push_byte(s, bytes[i], out);
	return 0;
}

int ct_utf8_stream_flush(struct ct_utf8_stream *s, struct ct_buf *out)
{
	int ret;

	if (!s->n_held)
		return 0;
	ret = ct_buf_append(out, replacement, REPLACEMENT_LEN);
	if (!ret)
		s->n_held = 0;
	return ret;
}
