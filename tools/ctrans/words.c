// SPDX-License-Identifier: MIT
#include "words.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/* A NULL with no length is no argument for memcmp(). */
static int compare_bytes(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.s, b.s, n) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

int buffer_room(struct buffer *b, size_t more)
{
	size_t room = b->room ? b->room : 64;
	char *s;

	if (more > SIZE_MAX / 4 - b->len)
		return -ENOMEM;
	while (room < b->len + more)
		room *= 2;
	if (room == b->room)
		return 0;
	s = realloc(b->s, room);
	if (!s)
		return -ENOMEM;
	b->s = s;
	b->room = room;
	return 0;
}

void buffer_free(struct buffer *b)
{
	free(b->s);
	*b = (struct buffer){ 0 };
}

int words_add(struct words *words, const char *s, size_t len)
{
	if (words->n == words->room) {
		size_t room = words->room ? 2 * words->room : 32;
		struct span *items;

		if (room > SIZE_MAX / sizeof(*items))
			return -ENOMEM;
		items = realloc(words->items, room * sizeof(*items));
		if (!items)
			return -ENOMEM;
		words->items = items;
		words->room = room;
	}
	words->items[words->n++] = (struct span){ s, len };
	return 0;
}

void words_free(struct words *words)
{
	free(words->items);
	*words = (struct words){ 0 };
}

static bool white(uint32_t c)
{
	if (c < 0x80)
		return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20);
	return c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
	       c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Bytes of the character at @i, whether or not it is one, and if it is white space. */
static size_t step(struct span text, size_t i, bool *is_white)
{
	uint32_t c;
	size_t n = utf8_decode(text.s + i, text.len - i, &c);

	*is_white = n && white(c);
	return n ? n : 1;
}

int words_split(struct words *words, struct span text)
{
	size_t start = 0, i = 0, n;
	bool is_white;
	int ret;

	for (; i < text.len; i += n) {
		n = step(text, i, &is_white);
		if (!is_white)
			continue;
		ret = i > start ? words_add(words, text.s + start, i - start) : 0;
		if (ret)
			return ret;
		start = i + n;
	}
	return i > start ? words_add(words, text.s + start, i - start) : 0;
}

struct span words_strip_end(struct span text)
{
	size_t end = 0;
	bool is_white;

	/* No white space is longer than three bytes. */
	while (text.len) {
		for (end = 1; end < 3 && end < text.len &&
		     ((unsigned char)text.s[text.len - end] & 0xc0) == 0x80;)
			end++;
		if (step(text, text.len - end, &is_white) != end || !is_white)
			break;
		text.len -= end;
	}
	return text;
}

struct numbered {
	struct span word;
	uint32_t at;
};

static int compare_numbered(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return compare_bytes(x->word, y->word);
}

/* Sorted, not hashed: no choice of words makes it slow. */
int words_number(const struct words *texts, size_t n_texts, uint32_t *ids,
		 uint32_t *n_ids)
{
	struct numbered *all;
	size_t n = 0, k = 0;
	uint32_t id = 0;

	*n_ids = 0;
	for (size_t t = 0; t < n_texts; t++) {
		if (texts[t].n > UINT32_MAX - 1 - n)
			return -E2BIG;
		n += texts[t].n;
	}
	if (!n)
		return 0;
	all = malloc(n * sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (size_t t = 0; t < n_texts; t++) {
		for (size_t i = 0; i < texts[t].n; i++, k++)
			all[k] = (struct numbered){ texts[t].items[i], (uint32_t)k };
	}
	qsort(all, n, sizeof(*all), compare_numbered);
	for (k = 0; k < n; k++) {
		if (k && compare_numbered(&all[k - 1], &all[k]))
			id++;
		ids[all[k].at] = id;
	}
	free(all);
	*n_ids = id + 1;
	return 0;
}
