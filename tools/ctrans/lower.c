// SPDX-License-Identifier: MIT
#include "lower.h"

#include <errno.h>
#include <stdbool.h>

#include "lower_table.h"
#include "utf8.h"

#define CAPITAL_SIGMA	0x3a3
#define SMALL_SIGMA	0x3c3
#define FINAL_SIGMA	0x3c2
#define CAPITAL_I_DOT	0x130
#define DOT_ABOVE	0x307

enum kind { CASELESS, CASED, IGNORABLE };

static enum kind kind_of(uint32_t c)
{
	size_t low = 0, high = n_case_ranges;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (case_ranges[middle].first <= c)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || c - case_ranges[low - 1].first >= case_ranges[low - 1].n)
		return CASELESS;
	return case_ranges[low - 1].cased ? CASED : IGNORABLE;
}

static uint32_t lower_of(uint32_t c)
{
	size_t low = 0, high = n_lower_ranges;
	const struct lower_range *r;

	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (lower_ranges[middle].first <= c)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return c;
	r = &lower_ranges[low - 1];
	if ((c - r->first) % r->step || (c - r->first) / r->step >= r->n)
		return c;
	return (uint32_t)((int32_t)c + r->delta);
}

/* The first character of @text that is not ignorable is cased. */
static bool cased_follows(struct span text)
{
	for (size_t i = 0; i < text.len;) {
		uint32_t c;
		size_t n = utf8_decode(text.s + i, text.len - i, &c);
		enum kind kind = n ? kind_of(c) : CASELESS;

		if (kind != IGNORABLE)
			return kind == CASED;
		i += n;
	}
	return false;
}

static void put(struct buffer *to, uint32_t c)
{
	unsigned char *s = (unsigned char *)to->s + to->len;

	if (c < 0x80) {
		s[0] = (unsigned char)c;
		to->len += 1;
	} else if (c < 0x800) {
		s[0] = (unsigned char)(0xc0 | c >> 6);
		s[1] = (unsigned char)(0x80 | (c & 0x3f));
		to->len += 2;
	} else if (c < 0x10000) {
		s[0] = (unsigned char)(0xe0 | c >> 12);
		s[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		s[2] = (unsigned char)(0x80 | (c & 0x3f));
		to->len += 3;
	} else {
		s[0] = (unsigned char)(0xf0 | c >> 18);
		s[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
		s[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		s[3] = (unsigned char)(0x80 | (c & 0x3f));
		to->len += 4;
	}
}

int lower_text(struct span text, struct buffer *to)
{
	bool after_cased = false;
	int ret;

	/* U+0130 grows most: two bytes to three; U+023A and U+023E do, too. */
	ret = text.len > SIZE_MAX / 2 ? -ENOMEM :
		buffer_room(to, text.len + text.len / 2 + 1);
	if (ret)
		return ret;
	for (size_t i = 0; i < text.len;) {
		uint32_t c;
		size_t n = utf8_decode(text.s + i, text.len - i, &c);
		enum kind kind = n ? kind_of(c) : CASELESS;

		if (!n) {
			to->s[to->len++] = text.s[i];
			n = 1;
		} else if (c == CAPITAL_SIGMA) {
			struct span rest = { text.s + i + n, text.len - i - n };

			put(to, after_cased && !cased_follows(rest) ?
			    FINAL_SIGMA : SMALL_SIGMA);
		} else if (c == CAPITAL_I_DOT) {
			put(to, 'i');
			put(to, DOT_ABOVE);
		} else {
			put(to, lower_of(c));
		}
		if (kind != IGNORABLE)
			after_cased = kind == CASED;
		i += n;
	}
	return 0;
}
