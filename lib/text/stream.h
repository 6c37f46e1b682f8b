/* SPDX-License-Identifier: MIT */
/*
 * From the bytes of tokens, as they are made, to text that can be shown.
 *
 * A token may end in the middle of a character. The stream holds such bytes
 * back until the rest is there, so that what it lets out is always whole
 * characters. Bytes that can never become one turn into U+FFFD, one for each
 * maximal subpart (what browsers and Python's errors="replace" do). All zero is
 * a stream at its beginning.
 */
#ifndef CT_TEXT_STREAM_H
#define CT_TEXT_STREAM_H

#include <stddef.h>

#include "text/buf.h"

struct ct_utf8_stream {
	char held[4];
	unsigned char n_held;	/* at most 3 between calls */
};

/*
 * Append to @out what @len more bytes complete. Returns 0 or -ENOMEM; then the
 * stream and @out are as they were.
 */
int ct_utf8_stream_push(struct ct_utf8_stream *s, const char *bytes,
			size_t len, struct ct_buf *out);

/* The end: append what is held (U+FFFD). */
int ct_utf8_stream_flush(struct ct_utf8_stream *s, struct ct_buf *out);

#endif
