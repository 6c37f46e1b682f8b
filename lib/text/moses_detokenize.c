// SPDX-License-Identifier: MIT
/*
 * Tokens into a text: sacremoses' MosesDetokenizer. Each token goes to the one
 * before it, or the next one will go to it, or neither; which of the two ends
 * of a quotation a quote is is known by counting.
 */
#include "text/moses.h"

#include <errno.h>
#include <string.h>

#include "text/moses_chars.h"
#include "text/strtab.h"

/* --- entities --------------------------------------------------------- */

static const struct {
	const char *name;
	char is;
} entities[] = {
	{ "&bar;", '|' }, { "&#124;", '|' }, { "&lt;", '<' }, { "&gt;", '>' },
	{ "&bra;", '[' }, { "&ket;", ']' }, { "&quot;", '"' },
	{ "&apos;", '\'' }, { "&#91;", '[' }, { "&#93;", ']' },
	{ "&amp;", '&' },
};

#define N_ENTITIES	(sizeof(entities) / sizeof(entities[0]))

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

/*
 * The original looks for one entity after the other, for "&amp;" last: so what
 * one becomes is never part of another, and one pass will do.
 */
static void unescape(struct ct_moses_text *t)
{
	size_t i = 0, k;

	while (i < t->now.n) {
		k = N_ENTITIES;
		if (t->now.data[i] == '&')
			for (k = 0; k < N_ENTITIES; k++)
				if (begins(t, i, entities[k].name))
					break;
		if (k < N_ENTITIES) {
			ct_moses_put(t, entities[k].is);
			i += strlen(entities[k].name);
		} else {
			ct_moses_put(t, t->now.data[i++]);
		}
	}
	ct_moses_flip(t);
}

/* " @-@ " -> "-", in a text with a space at either end */
static void join_hyphens(struct ct_moses_text *t)
{
	static const char hyphen[] = " @-@ ";
	size_t i = 0;

	ct_moses_squeeze(t);
	ct_moses_put(t, ' ');
	ct_moses_copy(t, 0, t->now.n);
	ct_moses_put(t, ' ');
	ct_moses_flip(t);
	while (i < t->now.n) {
		if (begins(t, i, hyphen)) {
			ct_moses_put(t, '-');
			i += strlen(hyphen);
		} else {
			ct_moses_put(t, t->now.data[i++]);
		}
	}
	ct_moses_flip(t);
}

/* --- tokens ----------------------------------------------------------- */

struct token {
	const uint32_t *c;
	size_t n;
};

struct joiner {
	const struct ct_moses_lang *lang;
	struct ct_moses_text *t;
	struct token last, now, next;	/* n is 0 where there is none */
	bool space;			/* before the next one */
	struct ct_strtab quotes;	/* kinds seen */
	struct ct_ids closes;		/* is the next of the kind the end? */
};

static bool all_of(const struct token *token, bool (*is)(uint32_t c))
{
	size_t i;

	for (i = 0; i < token->n; i++)
		if (!is(token->c[i]))
			return false;
	return true;
}

static bool is_money(uint32_t c)
{
	return c == '(' || c == '[' || c == '{' || c == 0xbf || c == 0xa1 ||
	       ct_moses_is_sc(c);
}

static bool is_mark(uint32_t c)
{
	return c < 0x80 && c && strchr(",.?!:;\\%}])", c);
}

static bool is_mark_fr(uint32_t c)
{
	return c < 0x80 && c && strchr("?!:;\\%", c);
}

static bool is_curly(uint32_t c)
{
	return c == 0x201e || c == 0x201c;
}

static bool is_quote(uint32_t c)
{
	return c == '\'' || c == '"' || c == '`' || is_curly(c);
}

static void join(struct joiner *j, bool before, bool after)
{
	size_t i;

	if (before)
		ct_moses_put(j->t, ' ');
	for (i = 0; i < j->now.n; i++)
		ct_moses_put(j->t, j->now.c[i]);
	j->space = after;
}

/* The count of a kind of quote, made if it is new; NULL without memory. */
static uint32_t *count_of(struct joiner *j)
{
	static const uint32_t straight = '"';
	struct token kind = j->now;
	uint32_t number;
	int ret;

	if (all_of(&kind, is_curly))
		kind = (struct token){ &straight, 1 };
	ret = ct_strtab_add(&j->quotes, (const char *)kind.c,
			    kind.n * sizeof(*kind.c), &number);
	if (ret < 0 || (ret && ct_ids_append(&j->closes, 0))) {
		j->t->full = true;
		return NULL;
	}
	return &j->closes.data[number];
}

static void join_quote(struct joiner *j)
{
	uint32_t *closes = count_of(j);

	if (!closes)
		return;
	if (*closes) {
		join(j, false, true);
	} else if (j->lang->english && j->now.n == 1 && j->now.c[0] == '\'' &&
		   j->last.n && j->last.c[j->last.n - 1] == 's') {
		/* The Jones' house: no quotation begins here. */
		join(j, false, true);
		return;
	} else {
		join(j, j->space, false);
	}
	*closes = !*closes;
}

static bool is_contraction(const struct joiner *j)
{
	return j->lang->english && j->last.n && j->now.n >= 2 &&
	       j->now.c[0] == '\'' && ct_moses_is_alpha(j->now.c[1]);
}

static bool is_elision(const struct joiner *j)
{
	return j->lang->elides && j->next.n && j->now.n >= 2 &&
	       j->now.c[j->now.n - 1] == '\'' &&
	       ct_moses_is_alpha(j->now.c[j->now.n - 2]) &&
	       ct_moses_is_alpha(j->next.c[0]);
}

static void join_one(struct joiner *j)
{
	const struct token *now = &j->now;

	if (ct_moses_is_cjk(now->c[0]) && !j->lang->korean)
		join(j, !(j->last.n &&
			  ct_moses_is_cjk(j->last.c[j->last.n - 1])) &&
				j->space, true);
	else if (all_of(now, is_money))
		join(j, j->space, false);
	else if (all_of(now, is_mark))
		join(j, j->lang->french && now->n == 1 &&
				is_mark_fr(now->c[0]), true);
	else if (is_contraction(j))
		join(j, false, true);
	else if (is_elision(j))
		join(j, j->space, false);
	else if (all_of(now, is_quote))
		join_quote(j);
	else
		join(j, j->space, true);
}

static struct token token_at(const struct ct_moses_text *t, size_t *at)
{
	struct token token = { 0 };
	size_t i = *at;

	while (i < t->now.n && ct_moses_is_space(t->now.data[i]))
		i++;
	token.c = t->now.data + i;
	while (i < t->now.n && !ct_moses_is_space(t->now.data[i])) {
		token.n++;
		i++;
	}
	*at = i;
	return token;
}

int ct_moses_detokenize(const struct ct_moses_lang *lang,
			struct ct_moses_text *t, struct ct_err *err)
{
	struct joiner j = { .lang = lang, .t = t, .space = true };
	size_t at = 0;

	if (!lang->can_join)
		return ct_fail(err, -ENOTSUP,
			       "this library does not have Moses' rules for joining tokens of that language");
	join_hyphens(t);
	unescape(t);
	if (t->now.n) {
		j.next = token_at(t, &at);
		while (j.next.n) {
			j.last = j.now;
			j.now = j.next;
			j.next = token_at(t, &at);
			join_one(&j);
		}
		ct_moses_flip(t);
	}
	ct_moses_squeeze(t);
	ct_strtab_free(&j.quotes);
	ct_ids_free(&j.closes);
	return ct_moses_done(t, err);
}
