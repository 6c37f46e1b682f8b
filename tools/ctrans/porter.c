// SPDX-License-Identifier: MIT
#include "porter.h"

#include <stdbool.h>
#include <string.h>

struct word {
	char *s;
	size_t len;
};

/* A y is a consonant at the start and after a vowel; digits are, everywhere. */
static bool next_is_consonant(char c, bool first, bool after_consonant)
{
	if (c == 'y')
		return first || !after_consonant;
	return !memchr("aeiou", c, 5);
}

/* How often a consonant follows a vowel in the first @len letters. */
static size_t measure(const char *s, size_t len)
{
	bool is = false, was = true;
	size_t n = 0;

	for (size_t i = 0; i < len; i++, was = is) {
		is = next_is_consonant(s[i], !i, was);
		n += is && !was;
	}
	return n;
}

static bool consonant(const char *s, size_t at)
{
	bool is = false;

	for (size_t i = 0; i <= at; i++)
		is = next_is_consonant(s[i], !i, is);
	return is;
}

static bool has_vowel(const char *s, size_t len)
{
	bool is = true;

	for (size_t i = 0; i < len && is; i++)
		is = next_is_consonant(s[i], !i, is);
	return !is;
}

/* Consonant, vowel, consonant but w, x and y; or vowel and consonant, and that is all. */
static bool ends_short(const char *s, size_t len)
{
	if (len == 2)
		return !consonant(s, 0) && consonant(s, 1);
	return len > 2 && consonant(s, len - 3) && !consonant(s, len - 2) &&
	       consonant(s, len - 1) && !memchr("wxy", s[len - 1], 3);
}

static bool ends(const struct word *w, const char *suffix)
{
	size_t n = strlen(suffix);

	return w->len >= n && !memcmp(w->s + w->len - n, suffix, n);
}

/* Suffixes are replaced by shorter ones, or by as long ones. */
static void replace(struct word *w, const char *suffix, const char *by)
{
	size_t n = strlen(by);

	w->len -= strlen(suffix);
	memcpy(w->s + w->len, by, n);
	w->len += n;
}

struct rule {
	const char *suffix, *by;
};

/* The first suffix that is there decides; it goes if the stem measures @least. */
static void apply(struct word *w, const struct rule *rules, size_t n, size_t least)
{
	for (size_t i = 0; i < n; i++) {
		if (!ends(w, rules[i].suffix))
			continue;
		if (measure(w->s, w->len - strlen(rules[i].suffix)) >= least)
			replace(w, rules[i].suffix, rules[i].by);
		return;
	}
}

#define APPLY(w, rules, least) \
	apply(w, rules, sizeof(rules) / sizeof((rules)[0]), least)

/* Plurals. */
static void step_1a(struct word *w)
{
	static const struct rule rules[] = {
		{ "sses", "ss" }, { "ies", "i" }, { "ss", "ss" }, { "s", "" },
	};

	if (w->len == 4 && ends(w, "ies"))
		replace(w, "ies", "ie");
	else
		APPLY(w, rules, 0);
}

/* What -ed or -ing has been taken from. */
static void mend(struct word *w)
{
	char last = w->s[w->len - 1];

	if (ends(w, "at") || ends(w, "bl") || ends(w, "iz")) {
		w->s[w->len++] = 'e';
	} else if (w->len > 1 && w->s[w->len - 2] == last &&
		   consonant(w->s, w->len - 1)) {
		if (!memchr("lsz", last, 3))
			w->len--;
	} else if (measure(w->s, w->len) == 1 && ends_short(w->s, w->len)) {
		w->s[w->len++] = 'e';
	}
}

/* Past and participles. */
static void step_1b(struct word *w)
{
	size_t cut = ends(w, "ed") ? 2 : ends(w, "ing") ? 3 : 0;

	if (ends(w, "ied")) {
		replace(w, "ied", w->len == 4 ? "ie" : "i");
	} else if (ends(w, "eed")) {
		if (measure(w->s, w->len - 3))
			w->len--;
	} else if (cut && has_vowel(w->s, w->len - cut)) {
		w->len -= cut;
		mend(w);
	}
}

static void step_1c(struct word *w)
{
	if (w->len > 2 && w->s[w->len - 1] == 'y' && consonant(w->s, w->len - 2))
		w->s[w->len - 1] = 'i';
}

static void step_2(struct word *w)
{
	static const struct rule rules[] = {
		{ "ational", "ate" }, { "tional", "tion" }, { "enci", "ence" },
		{ "anci", "ance" }, { "izer", "ize" }, { "bli", "ble" },
		{ "alli", "al" }, { "entli", "ent" }, { "eli", "e" },
		{ "ousli", "ous" }, { "ization", "ize" }, { "ation", "ate" },
		{ "ator", "ate" }, { "alism", "al" }, { "iveness", "ive" },
		{ "fulness", "ful" }, { "ousness", "ous" }, { "aliti", "al" },
		{ "iviti", "ive" }, { "biliti", "ble" }, { "fulli", "ful" },
	};

	/* What -alli leaves goes through this step, too. */
	if (ends(w, "alli") && measure(w->s, w->len - 4))
		replace(w, "alli", "al");
	/* The l counts with the stem, for geology and theology. */
	if (ends(w, "logi")) {
		if (measure(w->s, w->len - 3))
			w->len--;
	} else {
		APPLY(w, rules, 1);
	}
}

static void step_3(struct word *w)
{
	static const struct rule rules[] = {
		{ "icate", "ic" }, { "ative", "" }, { "alize", "al" },
		{ "iciti", "ic" }, { "ical", "ic" }, { "ful", "" }, { "ness", "" },
	};

	APPLY(w, rules, 1);
}

static void step_4(struct word *w)
{
	static const struct rule rules[] = {
		{ "al", "" }, { "ance", "" }, { "ence", "" }, { "er", "" },
		{ "ic", "" }, { "able", "" }, { "ible", "" }, { "ant", "" },
		{ "ement", "" }, { "ment", "" }, { "ent", "" }, { "ou", "" },
		{ "ism", "" }, { "ate", "" }, { "iti", "" }, { "ous", "" },
		{ "ive", "" }, { "ize", "" },
	};

	/* The s and t of -sion and -tion count with the stem. */
	if (ends(w, "sion") || ends(w, "tion")) {
		if (measure(w->s, w->len - 3) > 1)
			w->len -= 3;
	} else {
		APPLY(w, rules, 2);
	}
}

static void step_5(struct word *w)
{
	size_t m = w->len ? measure(w->s, w->len - 1) : 0;

	if (ends(w, "e") && (m > 1 || (m == 1 && !ends_short(w->s, w->len - 1))))
		w->len--;
	if (ends(w, "ll") && measure(w->s, w->len - 1) > 1)
		w->len--;
}

static const struct {
	const char *word, *stem;
} irregular[] = {
	{ "sky", "sky" }, { "skies", "sky" }, { "dying", "die" }, { "lying", "lie" },
	{ "tying", "tie" }, { "news", "news" }, { "innings", "inning" },
	{ "inning", "inning" }, { "outings", "outing" }, { "outing", "outing" },
	{ "cannings", "canning" }, { "canning", "canning" }, { "howe", "howe" },
	{ "proceed", "proceed" }, { "exceed", "exceed" }, { "succeed", "succeed" },
};

#define N_IRREGULAR	(sizeof(irregular) / sizeof(irregular[0]))

size_t porter_stem(char *s, size_t len)
{
	struct word w = { s, len };

	for (size_t i = 0; i < N_IRREGULAR; i++) {
		if (len != strlen(irregular[i].word) ||
		    memcmp(s, irregular[i].word, len))
			continue;
		w.len = strlen(irregular[i].stem);
		memcpy(s, irregular[i].stem, w.len);
		return w.len;
	}
	if (len <= 2)
		return len;
	step_1a(&w);
	step_1b(&w);
	step_1c(&w);
	step_2(&w);
	step_3(&w);
	step_4(&w);
	step_5(&w);
	return w.len;
}
