// SPDX-License-Identifier: MIT
/*
 * Plain punctuation. The passes are those of FSMTTokenizer's
 * replace_unicode_punct() and of sacremoses' MosesPunctNormalizer, in their
 * order, for what one leaves is what the next finds. Left out are two that
 * change nothing: a curly apostrophe between letters, which becomes a straight
 * one anywhere.
 */
#include "text/moses.h"

#include <uchar.h>

#include "text/moses_chars.h"

#define NBSP	0xa0

struct pass {
	const char32_t *from, *to;
	bool then_space;	/* takes the white space after it, too */
	void (*run)(struct ct_moses_text *t);	/* instead of these */
};

static size_t length(const char32_t *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static bool begins(const struct ct_moses_text *t, size_t at,
		   const char32_t *what, size_t n)
{
	size_t i;

	if (t->now.n - at < n)
		return false;
	for (i = 0; i < n; i++)
		if (t->now.data[at + i] != what[i])
			return false;
	return true;
}

static void replace(struct ct_moses_text *t, const struct pass *pass)
{
	size_t n = length(pass->from), i = 0, k;
	const uint32_t *c = t->now.data;

	/* Most find nothing, and then nothing is to be copied. */
	while (i < t->now.n && (c[i] != pass->from[0] ||
				!begins(t, i, pass->from, n)))
		i++;
	if (i == t->now.n)
		return;
	ct_moses_copy(t, 0, i);
	while (i < t->now.n) {
		if (c[i] != pass->from[0] || !begins(t, i, pass->from, n)) {
			ct_moses_put(t, c[i++]);
			continue;
		}
		for (k = 0; pass->to[k]; k++)
			ct_moses_put(t, pass->to[k]);
		i += n;
		while (pass->then_space && i < t->now.n &&
		       ct_moses_is_space(c[i]))
			i++;
	}
	ct_moses_flip(t);
}

/* --- passes that are more than a replacement -------------------------- */

/* " +" -> " " */
static void one_space(struct ct_moses_text *t)
{
	size_t i;

	for (i = 0; i < t->now.n; i++)
		if (t->now.data[i] != ' ' || !i || t->now.data[i - 1] != ' ')
			ct_moses_put(t, t->now.data[i]);
	ct_moses_flip(t);
}

static bool is_one_of(uint32_t c, const char *set)
{
	for (; *set; set++)
		if (c == (unsigned char)*set)
			return true;
	return false;
}

/* "\) ([.!:?;,])" -> ")\1" */
static void mark_after_bracket(struct ct_moses_text *t)
{
	const uint32_t *c = t->now.data;
	size_t i;

	for (i = 0; i < t->now.n; i++)
		if (c[i] != ' ' || !i || c[i - 1] != ')' ||
		    i + 1 == t->now.n || !is_one_of(c[i + 1], ".!:?;,"))
			ct_moses_put(t, c[i]);
	ct_moses_flip(t);
}

/* "(\d) %" -> "\1%" */
static void percent(struct ct_moses_text *t)
{
	const uint32_t *c = t->now.data;
	size_t i;

	for (i = 0; i < t->now.n; i++)
		if (c[i] != ' ' || !i || i + 1 == t->now.n ||
		    c[i + 1] != '%' || !ct_moses_is_decimal(c[i - 1]))
			ct_moses_put(t, c[i]);
	ct_moses_flip(t);
}

/* '"([,.]+)' -> '\1"' */
static void quotes_en(struct ct_moses_text *t)
{
	const uint32_t *c = t->now.data;
	size_t i = 0, end;

	while (i < t->now.n) {
		end = i + 1;
		if (c[i] == '"')
			while (end < t->now.n && is_one_of(c[end], ",."))
				end++;
		ct_moses_copy(t, i + (end > i + 1), end);
		if (end > i + 1)
			ct_moses_put(t, '"');
		i = end;
	}
	ct_moses_flip(t);
}

/*
 * Where the match of '"(\s*[^<])' at @at ends; @at if there is none. White
 * space is itself no "<", so a run of it that nothing else follows matches.
 */
static size_t quote_and_more(const struct ct_moses_text *t, size_t at)
{
	const uint32_t *c = t->now.data;
	size_t end = at + 1;

	while (end < t->now.n && ct_moses_is_space(c[end]))
		end++;
	if (end < t->now.n && c[end] != '<')
		return end + 1;
	return end > at + 1 ? end : at;
}

/* '(\.+)"(\s*[^<])' -> '"\1\2' */
static void quotes_de(struct ct_moses_text *t)
{
	const uint32_t *c = t->now.data;
	size_t i = 0, end, more;

	while (i < t->now.n) {
		if (c[i] != '.') {
			ct_moses_put(t, c[i++]);
			continue;
		}
		for (end = i; end < t->now.n && c[end] == '.';)
			end++;
		more = end;
		if (end < t->now.n && c[end] == '"')
			more = quote_and_more(t, end);
		if (more > end) {
			ct_moses_put(t, '"');
			ct_moses_copy(t, i, end);
			ct_moses_copy(t, end + 1, more);
		} else {
			ct_moses_copy(t, i, end);
		}
		i = more;
	}
	ct_moses_flip(t);
}

/* "(\d)NBSP(\d)" -> "\1,\2", or a full stop; a digit is in one match only. */
static void numbers(struct ct_moses_text *t, uint32_t mark)
{
	const uint32_t *c = t->now.data;
	size_t i = 0;

	while (i < t->now.n) {
		if (t->now.n - i >= 3 && c[i + 1] == NBSP &&
		    ct_moses_is_decimal(c[i]) &&
		    ct_moses_is_decimal(c[i + 2])) {
			ct_moses_put(t, c[i]);
			ct_moses_put(t, mark);
			ct_moses_put(t, c[i + 2]);
			i += 3;
		} else {
			ct_moses_put(t, c[i++]);
		}
	}
	ct_moses_flip(t);
}

/* --- their order ------------------------------------------------------ */

#define TO(old, new)		{ .from = old, .to = new }
#define AND_SPACE(old, new)	{ .from = old, .to = new, .then_space = true }
#define RUN(function)		{ .run = function }

static const struct pass passes[] = {
	/* replace_unicode_punct() */
	TO(U"\uff0c", U","),
	AND_SPACE(U"\u3002", U". "),
	TO(U"\u3001", U","),
	TO(U"\u201d", U"\""),
	TO(U"\u201c", U"\""),
	TO(U"\u2236", U":"),
	TO(U"\uff1a", U":"),
	TO(U"\uff1f", U"?"),
	TO(U"\u300a", U"\""),
	TO(U"\u300b", U"\""),
	TO(U"\uff09", U")"),
	TO(U"\uff01", U"!"),
	TO(U"\uff08", U"("),
	TO(U"\uff1b", U";"),
	TO(U"\u300d", U"\""),
	TO(U"\u300c", U"\""),
	TO(U"\uff10", U"0"),
	TO(U"\uff11", U"1"),
	TO(U"\uff12", U"2"),
	TO(U"\uff13", U"3"),
	TO(U"\uff14", U"4"),
	TO(U"\uff15", U"5"),
	TO(U"\uff16", U"6"),
	TO(U"\uff17", U"7"),
	TO(U"\uff18", U"8"),
	TO(U"\uff19", U"9"),
	AND_SPACE(U"\uff0e", U". "),
	TO(U"\uff5e", U"~"),
	TO(U"\u2019", U"'"),
	TO(U"\u2026", U"..."),
	TO(U"\u2501", U"-"),
	TO(U"\u3008", U"<"),
	TO(U"\u3009", U">"),
	TO(U"\u3010", U"["),
	TO(U"\u3011", U"]"),
	TO(U"\uff05", U"%"),
	/* EXTRA_WHITESPACE */
	TO(U"\r", U""),
	TO(U"(", U" ("),
	TO(U")", U") "),
	RUN(one_space),
	RUN(mark_after_bracket),
	TO(U"( ", U"("),
	TO(U" )", U")"),
	RUN(percent),
	TO(U" :", U":"),
	TO(U" ;", U";"),
	/* NORMALIZE_UNICODE_IF_NOT_PENN */
	TO(U"`", U"'"),
	TO(U"''", U" \" "),
	/* NORMALIZE_UNICODE */
	TO(U"\u201e", U"\""),
	TO(U"\u2013", U"-"),
	TO(U"\u2014", U" - "),
	RUN(one_space),
	TO(U"\u00b4", U"'"),
	TO(U"\u2018", U"'"),
	TO(U"\u201a", U"'"),
	TO(U"''", U"\""),
	/* FRENCH_QUOTES */
	TO(U"\u00a0\u00ab\u00a0", U"\""),
	TO(U"\u00ab\u00a0", U"\""),
	TO(U"\u00ab", U"\""),
	TO(U"\u00a0\u00bb\u00a0", U"\""),
	TO(U"\u00a0\u00bb", U"\""),
	TO(U"\u00bb", U"\""),
	/* HANDLE_PSEUDO_SPACES */
	TO(U"\u00a0%", U"%"),
	TO(U"n\u00ba\u00a0", U"n\u00ba "),
	TO(U"\u00a0:", U":"),
	TO(U"\u00a0\u00baC", U" \u00baC"),
	TO(U"\u00a0cm", U" cm"),
	TO(U"\u00a0?", U"?"),
	TO(U"\u00a0!", U"!"),
	TO(U"\u00a0;", U";"),
	TO(U",\u00a0", U", "),
	RUN(one_space),
};

static void strip(struct ct_moses_text *t)
{
	size_t i = 0, n = t->now.n;

	while (n && ct_moses_is_space(t->now.data[n - 1]))
		n--;
	while (i < n && ct_moses_is_space(t->now.data[i]))
		i++;
	ct_moses_copy(t, i, n);
	ct_moses_flip(t);
}

static void remove_unprinted(struct ct_moses_text *t)
{
	size_t i;

	for (i = 0; i < t->now.n; i++)
		if (!ct_moses_is_unprinted(t->now.data[i]))
			ct_moses_put(t, t->now.data[i]);
	ct_moses_flip(t);
}

int ct_moses_normalize(const struct ct_moses_lang *lang,
		       struct ct_moses_text *t, struct ct_err *err)
{
	static const struct pass comma = TO(U",\"", U"\",");
	size_t i;

	for (i = 0; i < sizeof(passes) / sizeof(passes[0]); i++) {
		if (passes[i].run)
			passes[i].run(t);
		else
			replace(t, &passes[i]);
	}
	if (lang->quotes_en)
		quotes_en(t);
	if (lang->quotes_de) {
		replace(t, &comma);
		quotes_de(t);
	}
	numbers(t, lang->decimal_mark);
	strip(t);
	remove_unprinted(t);
	return ct_moses_done(t, err);
}
