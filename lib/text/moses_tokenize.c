// SPDX-License-Identifier: MIT
/*
 * A text into tokens: sacremoses' MosesTokenizer.tokenize(), pass by pass. A
 * regular expression goes from left to right and uses up what it matches, so
 * where one of its neighbours is part of a match it is looked at no more.
 */
#include "text/moses.h"

#include <errno.h>
#include <string.h>

#include "text/moses_chars.h"

typedef bool class_fn(uint32_t c);

/* White space to one space each, ASCII control characters away, no ends. */
static void clean(struct ct_moses_text *t)
{
	const uint32_t *c = t->now.data;
	size_t i, n;

	for (i = 0; i < t->now.n; i++) {
		if (ct_moses_is_space(c[i])) {
			if (!i || !ct_moses_is_space(c[i - 1]))
				ct_moses_put(t, ' ');
		} else if (c[i] >= ' ') {
			ct_moses_put(t, c[i]);
		}
	}
	ct_moses_flip(t);
	c = t->now.data;
	n = t->now.n;
	while (n && c[n - 1] == ' ')
		n--;
	for (i = 0; i < n && c[i] == ' ';)
		i++;
	ct_moses_copy(t, i, n);
	ct_moses_flip(t);
}

static void pad_others(struct ct_moses_text *t)
{
	size_t i;

	for (i = 0; i < t->now.n; i++) {
		uint32_t c = t->now.data[i];
		bool pad = c != '.' && c != '\'' && c != '`' && c != ',' &&
			   c != '-' && !ct_moses_is_space(c) &&
			   !ct_moses_is_alnum(c);

		if (pad)
			ct_moses_put(t, ' ');
		ct_moses_put(t, c);
		if (pad)
			ct_moses_put(t, ' ');
	}
	ct_moses_flip(t);
}

static void split_hyphens(struct ct_moses_text *t)
{
	const uint32_t *c = t->now.data;
	size_t i;

	for (i = 0; i < t->now.n; i++) {
		if (c[i] == '-' && i && i + 1 < t->now.n &&
		    ct_moses_is_alnum(c[i - 1]) && ct_moses_is_alnum(c[i + 1]))
			ct_moses_puts(t, " @-@ ");
		else
			ct_moses_put(t, c[i]);
	}
	ct_moses_flip(t);
}

/* --- several full stops ----------------------------------------------- */

/*
 * Of n > 1 full stops the original makes "DOT" n times and "MULTI", by a loop
 * that turns one stop at a time, and at the end each such word, wherever it
 * came from, into n stops again.
 */
static const char dot[] = "DOT", multi[] = "MULTI", dotmulti[] = "DOTMULTI";

static bool begins(const struct ct_moses_text *t, size_t at, const char *what)
{
	size_t i, n = strlen(what);

	if (t->now.n - at < n)
		return false;
	for (i = 0; i < n; i++)
		if (t->now.data[at + i] != (unsigned char)what[i])
			return false;
	return true;
}

static size_t stops_at(const struct ct_moses_text *t, size_t at)
{
	size_t n = 0;

	while (at + n < t->now.n && t->now.data[at + n] == '.')
		n++;
	return n;
}

static void mark_stops(struct ct_moses_text *t)
{
	size_t i = 0, n;

	while (i < t->now.n) {
		n = stops_at(t, i);
		if (n > 1) {
			ct_moses_put(t, ' ');
			ct_moses_puts(t, dotmulti);
			n--;
			ct_moses_copy(t, i + 1, i + 1 + n);
			i += n + 1;
		} else {
			ct_moses_put(t, t->now.data[i++]);
		}
	}
	ct_moses_flip(t);
}

/*
 * "DOTMULTI" and n stops. The turn that takes the last stop puts a space before
 * what follows, which it uses up: were that the "D" of another such word with
 * as many stops, it would have no space after it.
 */
static void name_stops(struct ct_moses_text *t)
{
	size_t i = 0, n, k, last_end = 0, last_n = 0;
	bool last_space = false, space;

	while (i < t->now.n) {
		n = 0;
		if (begins(t, i, dotmulti))
			n = stops_at(t, i + strlen(dotmulti));
		if (!n) {
			ct_moses_put(t, t->now.data[i++]);
			continue;
		}
		space = !(last_space && last_end == i && last_n == n);
		for (k = 0; k < n; k++)
			ct_moses_puts(t, dot);
		ct_moses_puts(t, dotmulti);
		i += strlen(dotmulti) + n;
		space = space && i < t->now.n;
		if (space)
			ct_moses_put(t, ' ');
		last_space = space;
		last_end = i;
		last_n = n;
	}
	ct_moses_flip(t);
}

static void restore_stops(struct ct_moses_text *t)
{
	size_t i = 0, n, end;

	while (i < t->now.n) {
		end = i;
		while (begins(t, end, dot))
			end += strlen(dot);
		n = (end - i) / strlen(dot);
		if (n && begins(t, end, multi)) {
			while (n--)
				ct_moses_put(t, '.');
			i = end + strlen(multi);
		} else if (n) {
			ct_moses_copy(t, i, end);
			i = end;
		} else {
			ct_moses_put(t, t->now.data[i++]);
		}
	}
	ct_moses_flip(t);
}

/* --- commas ----------------------------------------------------------- */

static void split_commas(struct ct_moses_text *t)
{
	const uint32_t *c = t->now.data;
	size_t i, n = t->now.n;

	/* "([^N])," -> "\1 , " */
	for (i = 0; i < n; i++) {
		ct_moses_put(t, c[i]);
		if (i + 1 < n && c[i + 1] == ',' && !ct_moses_is_n(c[i])) {
			ct_moses_puts(t, " , ");
			i++;
		}
	}
	ct_moses_flip(t);
	c = t->now.data;
	n = t->now.n;
	/* ",([^N])" -> " , \1" */
	for (i = 0; i < n; i++) {
		if (i + 1 < n && c[i] == ',' && !ct_moses_is_n(c[i + 1])) {
			ct_moses_puts(t, " , ");
			i++;
		}
		ct_moses_put(t, c[i]);
	}
	ct_moses_flip(t);
	c = t->now.data;
	n = t->now.n;
	/* "([N]),$" -> "\1 , " */
	if (n >= 2 && c[n - 1] == ',' && ct_moses_is_n(c[n - 2])) {
		ct_moses_copy(t, 0, n - 1);
		ct_moses_puts(t, " , ");
		ct_moses_flip(t);
	}
}

/* --- apostrophes ------------------------------------------------------ */

static bool is_other(uint32_t c)
{
	return !ct_moses_is_letter(c);
}

static bool is_neither(uint32_t c)
{
	return !ct_moses_is_letter(c) && !ct_moses_is_n(c);
}

static bool is_s(uint32_t c)
{
	return c == 's';
}

/* An apostrophe with one of @left before and one of @right after it. */
static void apostrophe(struct ct_moses_text *t, class_fn *left,
		       class_fn *right, const char *instead)
{
	const uint32_t *c = t->now.data;
	size_t i = 0;

	while (i < t->now.n) {
		ct_moses_put(t, c[i]);
		if (t->now.n - i < 3 || c[i + 1] != '\'' || !left(c[i]) ||
		    !right(c[i + 2])) {
			i++;
			continue;
		}
		ct_moses_puts(t, instead);
		ct_moses_put(t, c[i + 2]);
		i += 3;
	}
	ct_moses_flip(t);
}

static void split_apostrophes(const struct ct_moses_lang *lang,
			      struct ct_moses_text *t)
{
	size_t i;

	if (lang->apostrophe_en) {
		apostrophe(t, is_other, is_other, " ' ");
		apostrophe(t, is_neither, ct_moses_is_letter, " ' ");
		apostrophe(t, ct_moses_is_letter, is_other, " ' ");
		apostrophe(t, ct_moses_is_letter, ct_moses_is_letter, " '");
		apostrophe(t, ct_moses_is_n, is_s, " '");
	} else if (lang->apostrophe_fr) {
		apostrophe(t, is_other, is_other, " ' ");
		apostrophe(t, is_other, ct_moses_is_letter, " ' ");
		apostrophe(t, ct_moses_is_letter, is_other, " ' ");
		apostrophe(t, ct_moses_is_letter, ct_moses_is_letter, "' ");
	} else {
		for (i = 0; i < t->now.n; i++) {
			if (t->now.data[i] == '\'')
				ct_moses_puts(t, " ' ");
			else
				ct_moses_put(t, t->now.data[i]);
		}
		ct_moses_flip(t);
	}
}

/* --- full stops ------------------------------------------------------- */

/* Whether a token of @n characters keeps the full stop after it. */
static bool keeps_stop(const struct ct_moses_lang *lang, const uint32_t *token,
		       size_t n, const uint32_t *next)
{
	const struct ct_moses_prefix *prefix;
	bool stop = false, letter = false;
	size_t i;

	for (i = 0; i < n; i++) {
		stop |= token[i] == '.';
		letter |= ct_moses_is_letter(token[i]);
	}
	if (stop && letter)
		return true;
	prefix = ct_moses_prefix_find(lang, token, n);
	if (prefix && !prefix->before_digit)
		return true;
	if (!next)
		return false;
	return ct_moses_is_lower(*next) ||
	       (prefix && *next >= '0' && *next <= '9');
}

/* Leaves single spaces between the tokens. */
static void split_stops(const struct ct_moses_lang *lang,
			struct ct_moses_text *t)
{
	const uint32_t *c;
	size_t i = 0, end, n;

	ct_moses_squeeze(t);
	c = t->now.data;
	n = t->now.n;
	for (i = 0; i < n; i = end + 1) {
		for (end = i; end < n && c[end] != ' ';)
			end++;
		if (i)
			ct_moses_put(t, ' ');
		if (end - i >= 2 && c[end - 1] == '.' &&
		    !keeps_stop(lang, c + i, end - 1 - i,
				end < n ? c + end + 1 : NULL)) {
			ct_moses_copy(t, i, end - 1);
			ct_moses_puts(t, " .");
		} else {
			ct_moses_copy(t, i, end);
		}
	}
	ct_moses_flip(t);
}

static void split_last_quote(struct ct_moses_text *t)
{
	size_t n = t->now.n;

	if (n < 2 || t->now.data[n - 2] != '.' || t->now.data[n - 1] != '\'')
		return;
	ct_moses_copy(t, 0, n - 2);
	ct_moses_puts(t, " . ' ");
	ct_moses_flip(t);
}

/* --- entities --------------------------------------------------------- */

static const char *entity(uint32_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '|':
		return "&#124;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '\'':
		return "&apos;";
	case '"':
		return "&quot;";
	case '[':
		return "&#91;";
	case ']':
		return "&#93;";
	default:
		return NULL;
	}
}

static void escape(struct ct_moses_text *t)
{
	const char *name;
	size_t i;

	for (i = 0; i < t->now.n; i++) {
		name = entity(t->now.data[i]);
		if (name)
			ct_moses_puts(t, name);
		else
			ct_moses_put(t, t->now.data[i]);
	}
	ct_moses_flip(t);
}

int ct_moses_tokenize(const struct ct_moses_lang *lang,
		      struct ct_moses_text *t, struct ct_err *err)
{
	if (!lang->can_tokenize)
		return ct_fail(err, -ENOTSUP,
			       "this library does not have Moses' rules for cutting up texts in that language");
	clean(t);
	pad_others(t);
	split_hyphens(t);
	mark_stops(t);
	name_stops(t);
	split_commas(t);
	split_apostrophes(lang, t);
	split_stops(lang, t);
	split_last_quote(t);
	restore_stops(t);
	escape(t);
	ct_moses_squeeze(t);
	return ct_moses_done(t, err);
}
