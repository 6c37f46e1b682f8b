// SPDX-License-Identifier: MIT
#include "text/moses.h"

#include <errno.h>

#include "text/moses_chars.h"
#include "text/utf8.h"

#define REPLACEMENT	0xfffd

int ct_moses_done(const struct ct_moses_text *t, struct ct_err *err)
{
	if (t->full)
		return ct_fail(err, -ENOMEM, "no memory to tokenize");
	return 0;
}

int ct_moses_text_set(struct ct_moses_text *t, const char *utf8, size_t len,
		      struct ct_err *err)
{
	size_t i = 0;
	uint32_t cp;
	int step;

	t->full = false;
	t->now.n = 0;
	while (i < len) {
		step = ct_utf8_next(utf8 + i, len - i, &cp);
		if (step <= 0) {
			cp = REPLACEMENT;
			step = step ? -step : (int)(len - i);
		}
		i += step;
		if (ct_ids_append(&t->now, cp))
			t->full = true;
	}
	return ct_moses_done(t, err);
}

static int spell(uint32_t cp, char out[4])
{
	if (cp < 0x80) {
		out[0] = cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = 0xc0 | cp >> 6;
		out[1] = 0x80 | (cp & 0x3f);
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = 0xe0 | cp >> 12;
		out[1] = 0x80 | (cp >> 6 & 0x3f);
		out[2] = 0x80 | (cp & 0x3f);
		return 3;
	}
	out[0] = 0xf0 | cp >> 18;
	out[1] = 0x80 | (cp >> 12 & 0x3f);
	out[2] = 0x80 | (cp >> 6 & 0x3f);
	out[3] = 0x80 | (cp & 0x3f);
	return 4;
}

int ct_moses_text_get(const struct ct_moses_text *t, struct ct_buf *out,
		      struct ct_err *err)
{
	size_t i, before = out->n;
	char bytes[4];

	for (i = 0; i < t->now.n; i++) {
		if (ct_buf_append(out, bytes, spell(t->now.data[i], bytes))) {
			out->n = before;
			return ct_fail(err, -ENOMEM, "no memory to tokenize");
		}
	}
	return 0;
}

void ct_moses_text_free(struct ct_moses_text *t)
{
	ct_ids_free(&t->now);
	ct_ids_free(&t->next);
	t->full = false;
}

void ct_moses_puts(struct ct_moses_text *t, const char *ascii)
{
	for (; *ascii; ascii++)
		ct_moses_put(t, *ascii);
}

void ct_moses_copy(struct ct_moses_text *t, size_t from, size_t to)
{
	for (; from < to; from++)
		ct_moses_put(t, t->now.data[from]);
}

void ct_moses_flip(struct ct_moses_text *t)
{
	struct ct_ids old = t->now;

	t->now = t->next;
	t->next = old;
	t->next.n = 0;
}

void ct_moses_squeeze(struct ct_moses_text *t)
{
	bool space = false;
	size_t i;

	for (i = 0; i < t->now.n; i++) {
		uint32_t c = t->now.data[i];

		if (ct_moses_is_space(c)) {
			space = t->next.n > 0;
			continue;
		}
		if (space)
			ct_moses_put(t, ' ');
		space = false;
		ct_moses_put(t, c);
	}
	ct_moses_flip(t);
}

int ct_moses_lower(struct ct_moses_text *t, struct ct_err *err)
{
	size_t i;

	for (i = 0; i < t->now.n; i++) {
		uint32_t c = t->now.data[i];

		ct_moses_put(t, ct_moses_lower_of(c));
		/* The one character whose lower case is two. */
		if (c == 0x130)
			ct_moses_put(t, 0x307);
	}
	ct_moses_flip(t);
	return ct_moses_done(t, err);
}
