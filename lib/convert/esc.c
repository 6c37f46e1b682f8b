// SPDX-License-Identifier: MIT
#include "convert/esc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define LINE		CTRANS_GRANULE
#define QUAD		4u
#define STEP		64u	/* inputs are padded to */
#define BLOCK		CTRANS_ESC_INPUTS
#define BLOCK_BYTES	(BLOCK * CTRANS_TILE_OUT)
#define ENTRIES		(LINE / 2)	/* of a list, in a granule */
#define LIST_MAX	(CTRANS_ESC_LIST_MAX * ENTRIES)

_Static_assert(CTRANS_ESC_BASE(BLOCK) + CTRANS_ESC_LIST_MAX == BLOCK_BYTES / LINE,
	       "a whole block is never longer than its S8 form");

struct shape {
	uint32_t n_in;		/* rounded up */
	uint32_t per_tile;	/* blocks */
	uint32_t tiles;
	uint64_t blocks;
	uint64_t table;		/* granules */
};

static uint32_t round_up(uint32_t n, uint32_t to)
{
	return (n + to - 1) / to * to;
}

static struct shape shape_of(uint32_t n_in, uint32_t n_out)
{
	struct shape s = { .n_in = round_up(n_in, STEP) };

	s.per_tile = round_up(s.n_in, BLOCK) / BLOCK;
	s.tiles = round_up(n_out, CTRANS_TILE_OUT) / CTRANS_TILE_OUT;
	s.blocks = (uint64_t)s.per_tile * s.tiles;
	s.table = ((s.blocks + 1) * sizeof(uint32_t) + LINE - 1) / LINE;
	return s;
}

/* Inputs of the @b-th block of a tile. */
static uint32_t inputs_of(const struct shape *s, uint32_t b)
{
	return s->n_in - b * BLOCK < BLOCK ? s->n_in - b * BLOCK : BLOCK;
}

uint64_t ct_esc_least(uint32_t n_in, uint32_t n_out)
{
	struct shape s = shape_of(n_in, n_out);

	return (s.table + (uint64_t)s.tiles * CTRANS_ESC_BASE(s.n_in)) * LINE;
}

uint64_t ct_esc_most(uint32_t n_in, uint32_t n_out)
{
	return ct_esc_least(n_in, n_out) +
	       shape_of(n_in, n_out).blocks * CTRANS_ESC_LIST_MAX * LINE;
}

/* Where the S8 form has a block, and how many of its bytes: the rest is padding. */
static uint64_t block_at(uint32_t n_in, uint32_t tile, uint32_t b, uint32_t *bytes)
{
	uint32_t in = round_up(n_in, QUAD), first = b * BLOCK;
	uint32_t left = in > first ? in - first : 0;

	*bytes = (left < BLOCK ? left : BLOCK) * CTRANS_TILE_OUT;
	return ((uint64_t)tile * in + first) * CTRANS_TILE_OUT;
}

static uint32_t count_exceptions(const int8_t *w, uint32_t n)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++)
		count += (uint8_t)(w[i] + 16) > 31;
	return count;
}

int ct_esc_bytes(const int8_t *s8, uint32_t n_in, uint32_t n_out,
		 struct ct_esc_size *size, struct ct_err *err)
{
	struct shape s = shape_of(n_in, n_out);
	uint64_t granules = s.table, exceptions = 0;

	for (uint32_t t = 0; t < s.tiles; t++) {
		for (uint32_t b = 0; b < s.per_tile; b++) {
			uint32_t bytes, n;
			uint64_t at = block_at(n_in, t, b, &bytes);

			n = count_exceptions(s8 + at, bytes);
			if (n > LIST_MAX)
				return ct_fail(err, -ERANGE,
					       "%u of %u weights are beyond five bits, so that compressing them makes them longer: keep them as S8",
					       n, bytes);
			granules += CTRANS_ESC_BASE(inputs_of(&s, b)) +
				    (n + ENTRIES - 1) / ENTRIES;
			exceptions += n;
		}
	}
	if (granules > UINT32_MAX)
		return ct_fail(err, -E2BIG, "a matrix of %u by %u is too large",
			       n_in, n_out);
	*size = (struct ct_esc_size){ granules * LINE, exceptions };
	return 0;
}

/* The upper bits of eight bytes, the first one's lowest. */
static uint8_t signs_of_eight(const int8_t *w)
{
	uint64_t x;

	memcpy(&x, w, sizeof(x));
	return (uint8_t)((x >> 7 & 0x0101010101010101u) * 0x0102040810204080u >> 56);
}

/* One whole block, already padded; returns what follows it. */
static uint8_t *pack_block(const int8_t *w, uint32_t m, uint8_t *to)
{
	uint32_t bytes = m * CTRANS_TILE_OUT, n = 0;
	uint16_t list[LIST_MAX];

	for (uint32_t i = 0; i < bytes; i += 2 * LINE, to += LINE)
		for (uint32_t j = 0; j < LINE; j++)
			to[j] = (uint8_t)((w[i + j] & 15) |
					  (uint32_t)w[i + LINE + j] << 4);
	for (uint32_t i = 0; i < bytes; i += 8)
		*to++ = signs_of_eight(w + i);
	for (uint32_t i = 0; i < bytes; i++)
		if ((uint8_t)(w[i] + 16) > 31)
			list[n++] = (uint16_t)(i | (uint32_t)(w[i] & 0xf0) << 8);
	while (n % ENTRIES) {
		list[n] = list[n - 1];
		n++;
	}
	memcpy(to, list, n * sizeof(*list));
	return to + n * sizeof(*list);
}

static void put_entry(uint8_t *table, uint64_t i, uint64_t granule)
{
	uint32_t at = (uint32_t)granule;

	memcpy(table + i * sizeof(at), &at, sizeof(at));
}

int ct_esc_pack(const int8_t *s8, uint32_t n_in, uint32_t n_out, void *esc,
		uint64_t bytes, struct ct_err *err)
{
	struct shape s = shape_of(n_in, n_out);
	struct ct_esc_size size;
	uint8_t *table = esc, *at;
	uint64_t i = 0;
	int ret = ct_esc_bytes(s8, n_in, n_out, &size, err);

	if (ret)
		return ret;
	if (size.bytes != bytes)
		return ct_fail(err, -EINVAL,
			       "compressed weights take %" PRIu64 " bytes, not %" PRIu64,
			       size.bytes, bytes);
	memset(table, 0, s.table * LINE);
	at = table + s.table * LINE;
	for (uint32_t t = 0; t < s.tiles; t++) {
		for (uint32_t b = 0; b < s.per_tile; b++) {
			int8_t room[BLOCK_BYTES] = { 0 };
			uint32_t m = inputs_of(&s, b), n;
			const int8_t *w = s8 + block_at(n_in, t, b, &n);

			if (n < m * CTRANS_TILE_OUT)
				w = memcpy(room, w, n);
			put_entry(table, i++, (uint64_t)(at - table) / LINE);
			at = pack_block(w, m, at);
		}
	}
	put_entry(table, i, (uint64_t)(at - table) / LINE);
	return 0;
}

/* @list entries follow the base. False: one of them is beyond the block. */
static bool unpack_block(const uint8_t *from, uint32_t m, uint32_t n, int8_t *w)
{
	const uint8_t *sign = from + m / 8 * LINE, *list = sign + m / QUAD * 8;
	uint32_t bytes = m * CTRANS_TILE_OUT;

	for (uint32_t i = 0; i < bytes; i++) {
		uint8_t two = from[i / (2 * LINE) * LINE + i % LINE];
		uint8_t low = i / LINE % 2 ? two >> 4 : two & 15;

		w[i] = (int8_t)(sign[i / 8] >> i % 8 & 1 ? low | 0xf0 : low);
	}
	for (uint32_t i = 0; i < n; i++) {
		uint16_t e;

		memcpy(&e, list + i * sizeof(e), sizeof(e));
		if ((e & 0xfffu) >= bytes)
			return false;
		w[e & 0xfff] = (int8_t)((w[e & 0xfff] & 15) | (e >> 8 & 0xf0));
	}
	return true;
}

static uint32_t entry(const uint8_t *table, uint64_t i)
{
	uint32_t at;

	memcpy(&at, table + i * sizeof(at), sizeof(at));
	return at;
}

int ct_esc_unpack(const void *esc, uint64_t bytes, uint32_t n_in, uint32_t n_out,
		  int8_t *s8, struct ct_err *err)
{
	struct shape s = shape_of(n_in, n_out);
	const uint8_t *table = esc;
	uint64_t i = 0;

	if (bytes / LINE < s.table || entry(table, 0) != s.table ||
	    bytes != (uint64_t)entry(table, s.blocks) * LINE)
		return ct_fail(err, -EBADMSG, "compressed weights are not of %u by %u",
			       n_in, n_out);
	for (uint32_t t = 0; t < s.tiles; t++) {
		for (uint32_t b = 0; b < s.per_tile; b++, i++) {
			uint64_t at = entry(table, i), end = entry(table, i + 1);
			uint32_t m = inputs_of(&s, b), base = CTRANS_ESC_BASE(m), n;
			int8_t *to = s8 + block_at(n_in, t, b, &n);
			int8_t room[BLOCK_BYTES];

			if (end < at + base ||
			    end > at + base + CTRANS_ESC_LIST_MAX ||
			    end * LINE > bytes ||
			    !unpack_block(table + at * LINE, m,
					  (uint32_t)(end - at - base) * ENTRIES, room))
				return ct_fail(err, -EBADMSG,
					       "block %" PRIu64 " of compressed weights is damaged",
					       i);
			memcpy(to, room, n);
		}
	}
	return 0;
}
