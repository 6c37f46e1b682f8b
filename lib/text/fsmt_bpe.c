// SPDX-License-Identifier: MIT
/*
 * BPE as FSMTTokenizer.bpe() has it. It takes the pair of lowest rank in the
 * word and merges it wherever it is, from the left, before it looks at what
 * pairs there are then: not quite text/bpe_merge.c's order, which takes a pair
 * that a merge made at once if its rank is lower. And it merges strings, with
 * no regard to what has an id. A heap makes it n log n.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text/fsmt_impl.h"
#include "text/moses_chars.h"
#include "text/utf8.h"

#define NO_RANK		UINT32_MAX
#define NO_SYMBOL	UINT32_MAX
#define NO_NODE		UINT32_MAX

const char ct_fsmt_end[] = "</w>";

/* --- pairs ------------------------------------------------------------ */

static struct ct_fsmt_pair *pair_slot(const struct ct_fsmt_merges *m,
				      uint32_t left, uint32_t right)
{
	uint64_t h = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u;
	size_t i = h >> 32 ^ h >> 13;

	for (;; i++) {
		struct ct_fsmt_pair *p = &m->slot[i & (m->n_slots - 1)];

		if (p->rank == NO_RANK ||
		    (p->left == left && p->right == right))
			return p;
	}
}

static uint32_t rank_of(const struct ct_fsmt_merges *m, uint32_t left,
			uint32_t right)
{
	return m->n ? pair_slot(m, left, right)->rank : NO_RANK;
}

static int grow_pairs(struct ct_fsmt_merges *m)
{
	size_t n = m->n_slots ? 2 * m->n_slots : 64, old_n = m->n_slots, i;
	struct ct_fsmt_pair *old = m->slot, *slot;

	slot = calloc(n, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		slot[i].rank = NO_RANK;
	m->slot = slot;
	m->n_slots = n;
	for (i = 0; i < old_n; i++)
		if (old[i].rank != NO_RANK)
			*pair_slot(m, old[i].left, old[i].right) = old[i];
	free(old);
	return 0;
}

/* --- merges.txt ------------------------------------------------------- */

struct field {
	const char *s;
	size_t len;
};

/* The next part of a line between white space; false if there is none. */
static bool next_field(const char **s, const char *end, struct field *field)
{
	uint32_t cp;
	int len = 0;

	while (*s < end) {
		len = ct_utf8_next(*s, end - *s, &cp);
		if (!ct_moses_is_space(cp))
			break;
		*s += len;
	}
	field->s = *s;
	while (*s < end) {
		len = ct_utf8_next(*s, end - *s, &cp);
		if (ct_moses_is_space(cp))
			break;
		*s += len;
	}
	field->len = *s - field->s;
	return field->len > 0;
}

static int add_merge(struct ct_fsmt_merges *m, const struct field *left,
		     const struct field *right, struct ct_buf *both)
{
	uint32_t ids[3], rank = m->products.n;
	struct ct_fsmt_pair *pair;

	both->n = 0;
	if (ct_buf_append(both, left->s, left->len) ||
	    ct_buf_append(both, right->s, right->len) ||
	    ct_strtab_add(&m->symbols, left->s, left->len, &ids[0]) < 0 ||
	    ct_strtab_add(&m->symbols, right->s, right->len, &ids[1]) < 0 ||
	    ct_strtab_add(&m->symbols, both->data, both->n, &ids[2]) < 0 ||
	    ct_ids_append(&m->products, ids[2]) ||
	    (2 * (m->n + 1) > m->n_slots && grow_pairs(m)))
		return -ENOMEM;
	pair = pair_slot(m, ids[0], ids[1]);
	m->n += pair->rank == NO_RANK;
	/* Of a merge that is there twice the reference takes the last. */
	*pair = (struct ct_fsmt_pair){ ids[0], ids[1], rank };
	return 0;
}

static int read_line(struct ct_fsmt_merges *m, const char *line,
		     const char *end, struct ct_buf *both, struct ct_err *err)
{
	struct field left, right;
	int ret;

	/* An empty line merges nothing, but ranks are lines. */
	if (!next_field(&line, end, &left))
		ret = ct_ids_append(&m->products, NO_SYMBOL);
	else if (next_field(&line, end, &right))
		ret = add_merge(m, &left, &right, both);
	else
		return ct_fail(err, -EBADMSG,
			       "line %zu does not have two symbols to merge",
			       m->products.n + 1);
	return ret ? ct_fail(err, ret, "no memory for the merges") : 0;
}

int ct_fsmt_merges_read(struct ct_fsmt_merges *m, const char *text, size_t len,
			struct ct_err *err)
{
	const char *line = text, *stop = text + len, *end;
	size_t good = ct_utf8_valid(text, len);
	struct ct_buf both = { 0 };
	int ret = 0;

	if (good < len)
		return ct_fail(err, -EBADMSG, "not UTF-8 at byte %zu", good);
	while (line < stop && !ret) {
		for (end = line; end < stop && *end != '\n' && *end != '\r';)
			end++;
		/* As there, a line that is not ended is none. */
		if (end == stop)
			break;
		if (m->products.n >= NO_RANK - 1)
			ret = ct_fail(err, -E2BIG, "too many merges");
		else
			ret = read_line(m, line, end, &both, err);
		line = end + (stop - end >= 2 && end[0] == '\r' &&
			      end[1] == '\n' ? 2 : 1);
	}
	ct_buf_free(&both);
	return ret;
}

void ct_fsmt_merges_free(struct ct_fsmt_merges *m)
{
	ct_strtab_free(&m->symbols);
	ct_ids_free(&m->products);
	free(m->slot);
	*m = (struct ct_fsmt_merges){ 0 };
}

/* --- one word --------------------------------------------------------- */

struct ct_fsmt_node {
	uint32_t prev, next;
	uint32_t symbol;
	uint32_t rank;		/* of this symbol and the next */
	uint32_t start;
};

/*
 * An entry of the heap is (rank, place of the left symbol), which as a number
 * orders as merging does. It is good as long as the pair there still has its
 * rank.
 */
static void sift_down(uint64_t *heap, size_t n)
{
	uint64_t v = heap[0];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && heap[child + 1] < heap[child])
			child++;
		if (heap[child] >= v)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = v;
}

static void push(uint64_t *heap, size_t *n, uint64_t v)
{
	size_t i = (*n)++;

	while (i && heap[(i - 1) / 2] > v) {
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap[i] = v;
}

static bool rate(const struct ct_fsmt_merges *m, struct ct_fsmt_node *node,
		 uint32_t at, uint64_t *entry)
{
	uint32_t next = node[at].next;

	node[at].rank = next == NO_NODE ?
				NO_RANK :
				rank_of(m, node[at].symbol, node[next].symbol);
	*entry = (uint64_t)node[at].rank << 32 | at;
	return node[at].rank != NO_RANK;
}

/* Cut the word into characters, the last with what ends the word. */
static size_t cut(const struct ct_fsmt_merges *m, const char *word, size_t len,
		  struct ct_fsmt_node *node)
{
	size_t at = 0, n = 0, step, end = len - CT_FSMT_END_LEN;
	uint32_t cp;

	while (at < end) {
		step = ct_utf8_next(word + at, end - at, &cp);
		if (at + step == end)
			step = len - at;
		if (ct_strtab_find(&m->symbols, word + at, step,
				   &node[n].symbol))
			node[n].symbol = NO_SYMBOL;
		node[n].start = at;
		node[n].prev = n ? n - 1 : NO_NODE;
		node[n].next = n + 1;
		n++;
		at += step;
	}
	if (n)
		node[n - 1].next = NO_NODE;
	return n;
}

/*
 * All merges of one rank. Pairs that they make are kept for later behind the
 * heap: each merge has taken one entry out before it makes two, and there were
 * at most n - 1, so that 2 n entries are room enough.
 */
static void merge_rank(const struct ct_fsmt_merges *m,
		       struct ct_fsmt_node *node, uint64_t *heap,
		       size_t *n_heap, size_t cap)
{
	uint32_t rank = heap[0] >> 32, at, next;
	size_t later = cap;
	uint64_t entry;

	while (*n_heap && heap[0] >> 32 == rank) {
		at = heap[0];
		heap[0] = heap[--*n_heap];
		sift_down(heap, *n_heap);
		if (node[at].rank != rank)
			continue;
		next = node[at].next;
		node[at].symbol = m->products.data[rank];
		node[at].next = node[next].next;
		node[next].rank = NO_RANK;
		if (node[at].next != NO_NODE)
			node[node[at].next].prev = at;
		if (rate(m, node, at, &entry))
			heap[--later] = entry;
		if (node[at].prev != NO_NODE &&
		    rate(m, node, node[at].prev, &entry))
			heap[--later] = entry;
	}
	while (later < cap)
		push(heap, n_heap, heap[later++]);
}

int ct_fsmt_merge(const struct ct_fsmt_merges *m, const char *word, size_t len,
		  struct ct_fsmt_work *work, struct ct_err *err)
{
	size_t n, i, n_heap = 0;
	uint64_t entry;
	uint32_t at;

	work->starts.n = 0;
	if (len >= NO_NODE)
		return ct_fail(err, -E2BIG,
			       "a word of %zu bytes is too long to tokenize",
			       len);
	if (ct_array_grow(&work->nodes, &work->cap_nodes, len,
			  sizeof(*work->nodes)) ||
	    ct_array_grow(&work->heap, &work->cap_heap, 2 * len,
			  sizeof(*work->heap)))
		goto no_memory;

	n = cut(m, word, len, work->nodes);
	for (i = 0; i < n; i++)
		if (rate(m, work->nodes, i, &entry))
			push(work->heap, &n_heap, entry);
	while (n_heap)
		merge_rank(m, work->nodes, work->heap, &n_heap, 2 * len);

	for (at = n ? 0 : NO_NODE; at != NO_NODE; at = work->nodes[at].next)
		if (ct_ids_append(&work->starts, work->nodes[at].start))
			goto no_memory;
	return 0;

no_memory:
	return ct_fail(err, -ENOMEM,
		       "no memory to tokenize a word of %zu bytes", len);
}

void ct_fsmt_work_free(struct ct_fsmt_work *work)
{
	free(work->nodes);
	free(work->heap);
	ct_ids_free(&work->starts);
	*work = (struct ct_fsmt_work){ 0 };
}
