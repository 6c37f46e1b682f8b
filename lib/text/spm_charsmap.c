// SPDX-License-Identifier: MIT
/*
 * A precompiled charsmap: the size of a trie (4 bytes), the trie, and strings
 * that end with a NUL each, all little-endian. The trie is a double array of
 * darts-clone's, 32 bits a unit; the values at its leaves are offsets of strings.
 *
 * The library follows a unit's offset wherever it leads, and writes no more than
 * 32 matches but reads as many as it counted. So every unit that some text can
 * reach is visited here, and shown to lead only to units of the array, to end,
 * and to pass 32 leaves at most.
 */
#include "text/spm_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text/utf8.h"

#define SIZE_MAX_MAP	(4u << 20)
/* NFKC's longest key has 18 bytes, its longest string 33. */
#define KEY_MAX		256
#define STRING_MAX	255
#define MATCHES_MAX	32

enum { UNSEEN, OPEN, DONE };

struct node {
	uint32_t unit, base;
	uint16_t next;		/* the next byte to try */
	uint8_t leaves;		/* on the fullest way down from here */
};

struct trie {
	const unsigned char *units;
	uint32_t n;
	const char *strings;
	size_t strings_len;
	size_t longest;
	uint8_t *state, *leaves;	/* of each unit */
	struct node path[KEY_MAX + 1];
	size_t depth;
	struct ct_err *err;
};

static uint32_t le32(const unsigned char *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t unit(const struct trie *t, uint32_t i)
{
	return le32(t->units + (size_t)i * 4);
}

/* Parts of a unit, as darts-clone has them. */
static uint32_t label_of(uint32_t u)
{
	return u & (1u << 31 | 0xff);
}

static bool has_leaf(uint32_t u)
{
	return u >> 8 & 1;
}

static uint32_t offset_of(uint32_t u)
{
	return u >> 10 << ((u & 1u << 9) >> 6);
}

static int bad(const struct trie *t, const char *what)
{
	return ct_fail(t->err, -EBADMSG, "the precompiled charsmap %s", what);
}

static int check_string(struct trie *t, uint32_t at)
{
	const char *s = t->strings + at;
	size_t len;

	if (at >= t->strings_len)
		return bad(t, "has a rule without a string");
	/* There is a NUL: the last byte of all. */
	len = strlen(s);
	if (len > STRING_MAX || ct_utf8_valid(s, len) != len)
		return bad(t, "has a string that is no UTF-8, or too long");
	if (len > t->longest)
		t->longest = len;
	return 0;
}

/* Go down to a unit; the root is one whose own leaf nobody looks for. */
static int enter(struct trie *t, uint32_t i, bool root)
{
	uint32_t u = unit(t, i), base = i ^ offset_of(u);
	struct node *node = &t->path[t->depth];

	/* One of 256 units will be looked at, whichever byte comes. */
	if ((base | 0xff) >= t->n)
		return bad(t, "has a trie that leads out of itself");
	*node = (struct node){ .unit = i, .base = base };
	t->state[i] = OPEN;
	t->depth++;
	if (root || !has_leaf(u))
		return 0;
	node->leaves = 1;
	return check_string(t, unit(t, base) & 0x7fffffff);
}

static void leave(struct trie *t)
{
	struct node *node = &t->path[--t->depth];

	t->state[node->unit] = DONE;
	t->leaves[node->unit] = node->leaves;
}

/* A child of the deepest node: its leaves count towards its parent's. */
static int visit(struct trie *t, uint32_t child)
{
	struct node *node = &t->path[t->depth - 1];
	bool own = node->unit && has_leaf(unit(t, node->unit));
	unsigned int sum;

	switch (t->state[child]) {
	case OPEN:
		return bad(t, "has a trie that goes in circles");
	case UNSEEN:
		if (t->depth > KEY_MAX)
			return bad(t, "has a rule for too long a text");
		/* Comes back to this child when it is done. */
		node->next--;
		return enter(t, child, false);
	}
	sum = own + t->leaves[child];
	if (sum > MATCHES_MAX)
		return bad(t, "has too many rules for one text");
	if (sum > node->leaves)
		node->leaves = sum;
	return 0;
}

static int walk(struct trie *t)
{
	int ret = enter(t, 0, true);

	while (!ret && t->depth) {
		struct node *node = &t->path[t->depth - 1];
		uint32_t c = node->next++, child = node->base ^ c;

		if (c > 0xff)
			leave(t);
		else if (label_of(unit(t, child)) == c)
			ret = visit(t, child);
	}
	return ret;
}

int ct_spm_charsmap_check(const void *map, size_t len, size_t *longest,
			  struct ct_err *err)
{
	const unsigned char *p = map;
	struct trie *t;
	size_t size;
	int ret;

	if (len > SIZE_MAX_MAP)
		return ct_fail(err, -E2BIG,
			       "the precompiled charsmap has %zu bytes; at most %u are supported",
			       len, SIZE_MAX_MAP);
	size = len > 4 ? le32(p) : 0;
	if (!size || size % 4 || size >= len - 4 || p[len - 1])
		return ct_fail(err, -EBADMSG,
			       "the precompiled charsmap has no trie, or no end");

	t = calloc(1, sizeof(*t));
	if (!t)
		return ct_fail(err, -ENOMEM, "out of memory for a charsmap");
	t->units = p + 4;
	t->n = size / 4;
	t->strings = (const char *)p + 4 + size;
	t->strings_len = len - 4 - size;
	t->err = err;
	t->state = calloc(t->n, 1);
	t->leaves = calloc(t->n, 1);
	if (t->state && t->leaves)
		ret = walk(t);
	else
		ret = ct_fail(err, -ENOMEM, "out of memory for a charsmap");
	*longest = t->longest;
	free(t->state);
	free(t->leaves);
	free(t);
	return ret;
}
