// SPDX-License-Identifier: MIT
/*
 * The rules are those of sacreBLEU 2.6.0, tokenizers "13a" and "re", in their order: each
 * goes once over all that the one before it has left, from left to right, and never looks
 * at a character twice. That is why "a..5" and "a...5" differ in more than a period.
 *
 * Bytes do for characters here: what a rule names is ASCII, and where it takes any
 * neighbour, only the edge of it counts.
 */
#include "tok13a.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool period(char c)
{
	return c == '.' || c == ',';
}

/* ASCII but letters, digits, controls and ' , - . */
static bool symbol(char c)
{
	return (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') || c == '/' ||
	       (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
	       (c >= '{' && c <= '~');
}

/* What stands in a text for something else. */
static const struct {
	const char *from, *to;
} words[] = {
	{ "<skipped>", "" }, { "-\n", "" }, { "\n", " " },
	/* "&amp;" after "&quot;" but before "&lt;": "&amp;lt;" is "<" */
	{ "&quot;", "\"" }, { "&amp;", "&" }, { "&lt;", "<" }, { "&gt;", ">" },
};

#define N_WORDS	(sizeof(words) / sizeof(words[0]))

/* In place: nothing becomes longer. */
static void replace(struct buffer *b, const char *from, const char *to)
{
	size_t n = strlen(from), m = strlen(to), kept = 0;
	char *s = b->s;

	for (size_t i = 0; i < b->len;) {
		if (s[i] == *from && b->len - i >= n && !memcmp(s + i, from, n)) {
			memcpy(s + kept, to, m);
			kept += m;
			i += n;
		} else {
			s[kept++] = s[i++];
		}
	}
	b->len = kept;
}

static void put(struct buffer *to, char c)
{
	to->s[to->len++] = c;
}

static void apart(const struct buffer *from, struct buffer *to)
{
	for (size_t i = 0; i < from->len; i++) {
		bool is = symbol(from->s[i]);

		if (is)
			put(to, ' ');
		put(to, from->s[i]);
		if (is)
			put(to, ' ');
	}
}

/* A period that follows anything but a digit. */
static void period_after(const struct buffer *from, struct buffer *to)
{
	const char *s = from->s;

	for (size_t i = 0; i < from->len; i++) {
		put(to, s[i]);
		if (!digit(s[i]) && i + 1 < from->len && period(s[i + 1])) {
			put(to, ' ');
			put(to, s[++i]);
			put(to, ' ');
		}
	}
}

/* A period before anything but a digit. */
static void period_before(const struct buffer *from, struct buffer *to)
{
	const char *s = from->s;

	for (size_t i = 0; i < from->len; i++) {
		if (period(s[i]) && i + 1 < from->len && !digit(s[i + 1])) {
			put(to, ' ');
			put(to, s[i++]);
			put(to, ' ');
		}
		put(to, s[i]);
	}
}

static void dash_after(const struct buffer *from, struct buffer *to)
{
	const char *s = from->s;

	for (size_t i = 0; i < from->len; i++) {
		put(to, s[i]);
		if (digit(s[i]) && i + 1 < from->len && s[i + 1] == '-') {
			put(to, ' ');
			put(to, s[++i]);
			put(to, ' ');
		}
	}
}

/* @grow: to how many bytes one can become. */
static const struct {
	void (*apply)(const struct buffer *from, struct buffer *to);
	size_t grow;
} rules[] = {
	{ apart, 3 }, { period_after, 2 }, { period_before, 2 }, { dash_after, 2 },
};

#define N_RULES	(sizeof(rules) / sizeof(rules[0]))

static int start(struct span text, struct buffer *b)
{
	int ret = text.len > SIZE_MAX / 2 ? -ENOMEM : buffer_room(b, text.len + 2);

	if (ret)
		return ret;
	if (text.len)
		memcpy(b->s, text.s, text.len);
	b->len = text.len;
	for (size_t i = 0; i < N_WORDS; i++)
		replace(b, words[i].from, words[i].to);
	/* every character has neighbours */
	memmove(b->s + 1, b->s, b->len);
	b->s[0] = ' ';
	b->len++;
	put(b, ' ');
	return 0;
}

int tok13a(struct span text, struct buffer *to)
{
	struct buffer now = { 0 }, next = { 0 }, was;
	int ret = start(text, &now);

	for (size_t i = 0; i < N_RULES && !ret; i++) {
		next.len = 0;
		ret = now.len > SIZE_MAX / 4 ? -ENOMEM :
			buffer_room(&next, now.len * rules[i].grow);
		if (ret)
			break;
		rules[i].apply(&now, &next);
		was = now;
		now = next;
		next = was;
	}
	if (!ret)
		ret = buffer_room(to, now.len);
	if (!ret) {
		memcpy(to->s + to->len, now.s, now.len);
		to->len += now.len;
	}
	buffer_free(&now);
	buffer_free(&next);
	return ret;
}
