// SPDX-License-Identifier: MIT
/*
 * Merging the symbols of one piece. What is merged next is defined: the pair
 * of lowest rank, the leftmost where there are several. Short pieces, nearly
 * all there are, search for it; long ones keep a heap, so that a text of one
 * run costs n log n.
 */
#include "text/bpe_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SHORT_MAX	64

static size_t merge_short(const struct ct_bpe *bpe, uint32_t *sym, size_t n)
{
	uint32_t rank[SHORT_MAX];
	size_t i, at;

	for (i = 0; i + 1 < n; i++)
		rank[i] = ct_bpe_rank(bpe, sym[i], sym[i + 1]);
	while (n > 1) {
		uint32_t best = rank[0];

		at = 0;
		for (i = 1; i + 1 < n; i++) {
			if (rank[i] < best) {
				best = rank[i];
				at = i;
			}
		}
		if (best == CT_BPE_NO_RANK)
			break;

		sym[at] = bpe->products.data[best];
		n--;
		memmove(sym + at + 1, sym + at + 2,
			(n - at - 1) * sizeof(*sym));
		memmove(rank + at, rank + at + 1,
			(n - at - 1) * sizeof(*rank));
		if (at + 1 < n)
			rank[at] = ct_bpe_rank(bpe, sym[at], sym[at + 1]);
		if (at)
			rank[at - 1] = ct_bpe_rank(bpe, sym[at - 1], sym[at]);
	}
	return n;
}

/*
 * A long piece is a list, linked by place. An entry of the heap is (rank,
 * place of the left symbol), which as a number orders as merging does. It is
 * good as long as the pair at its place still has its rank: a rank belongs to
 * one pair, so nothing else need be remembered.
 */
struct node {
	uint32_t prev, next;
	uint32_t rank;		/* of this symbol and the next */
};

#define NO_NODE	UINT32_MAX

/* Four children to a node: half the levels, and they share a cache line. */
static void sift_down(uint64_t *heap, size_t n, size_t i)
{
	uint64_t v = heap[i];

	for (;;) {
		size_t child = 4 * i + 1, end = child + 4, c, least;

		if (child >= n)
			break;
		if (end > n)
			end = n;
		least = child;
		for (c = child + 1; c < end; c++)
			if (heap[c] < heap[least])
				least = c;
		if (heap[least] >= v)
			break;
		heap[i] = heap[least];
		i = least;
	}
	heap[i] = v;
}

static void sift_up(uint64_t *heap, size_t i)
{
	uint64_t v = heap[i];

	while (i && heap[(i - 1) / 4] > v) {
		heap[i] = heap[(i - 1) / 4];
		i = (i - 1) / 4;
	}
	heap[i] = v;
}

static void rate(const struct ct_bpe *bpe, const uint32_t *sym,
		 struct node *node, uint32_t at)
{
	uint32_t next = node[at].next;

	node[at].rank = next == NO_NODE ?
				CT_BPE_NO_RANK :
				ct_bpe_rank(bpe, sym[at], sym[next]);
}

static void rate_and_push(const struct ct_bpe *bpe, const uint32_t *sym,
			  struct node *node, uint32_t at, uint64_t *heap,
			  size_t *n_heap)
{
	rate(bpe, sym, node, at);
	if (node[at].rank == CT_BPE_NO_RANK)
		return;
	heap[*n_heap] = (uint64_t)node[at].rank << 32 | at;
	sift_up(heap, (*n_heap)++);
}

static size_t merge_long(const struct ct_bpe *bpe, uint32_t *sym, size_t n,
			 struct node *node, uint64_t *heap)
{
	size_t n_heap = 0, i, k = 0;
	uint32_t at;

	for (i = 0; i < n; i++) {
		node[i].prev = i ? i - 1 : NO_NODE;
		node[i].next = i + 1 < n ? i + 1 : NO_NODE;
		rate(bpe, sym, node, i);
		if (node[i].rank != CT_BPE_NO_RANK)
			heap[n_heap++] = (uint64_t)node[i].rank << 32 | i;
	}
	for (i = n_heap / 4 + 1; i-- > 0;)
		if (i < n_heap)
			sift_down(heap, n_heap, i);

	while (n_heap) {
		uint32_t rank = heap[0] >> 32, next;

		at = heap[0];
		heap[0] = heap[--n_heap];
		if (n_heap)
			sift_down(heap, n_heap, 0);
		if (node[at].rank != rank)
			continue;

		next = node[at].next;
		sym[at] = bpe->products.data[rank];
		node[next].rank = CT_BPE_NO_RANK;
		node[at].next = node[next].next;
		if (node[at].next != NO_NODE)
			node[node[at].next].prev = at;
		rate_and_push(bpe, sym, node, at, heap, &n_heap);
		if (node[at].prev != NO_NODE)
			rate_and_push(bpe, sym, node, node[at].prev, heap,
				      &n_heap);
	}

	for (at = 0; at != NO_NODE; at = node[at].next)
		sym[k++] = sym[at];
	return k;
}

int ct_bpe_merge(const struct ct_bpe *bpe, struct ct_bpe_merger *m,
		 uint32_t *symbols, size_t *n, struct ct_err *err)
{
	size_t heap_bytes, bytes;

	if (*n <= SHORT_MAX) {
		*n = merge_short(bpe, symbols, *n);
		return 0;
	}
	if (*n >= NO_NODE)
		return ct_fail(err, -E2BIG,
			       "a word of %zu bytes is too long to tokenize",
			       *n);
	/*
	 * Each of the n - 1 pairs is pushed once and each of the at most n - 1
	 * merges takes one entry out before it pushes up to two.
	 */
	if (__builtin_mul_overflow(*n, 2 * sizeof(uint64_t), &heap_bytes) ||
	    __builtin_mul_overflow(*n, sizeof(struct node), &bytes) ||
	    __builtin_add_overflow(heap_bytes, bytes, &bytes) ||
	    ct_array_grow(&m->work, &m->cap, bytes, 1))
		return ct_fail(err, -ENOMEM,
			       "no memory to tokenize a word of %zu bytes", *n);
	*n = merge_long(bpe, symbols, *n,
			(struct node *)((char *)m->work + heap_bytes), m->work);
	return 0;
}

void ct_bpe_merger_free(struct ct_bpe_merger *m)
{
	free(m->work);
	*m = (struct ct_bpe_merger){ 0 };
}
