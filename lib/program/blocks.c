// SPDX-License-Identifier: MIT
/* Blocks of keys and values: what is where, for all layers of a model. */
#include <string.h>

#include "program/program.h"

static uint64_t layer_bytes(enum ctrans_kv_type kv, uint32_t n_head, uint32_t head_dim)
{
	return 2 * CTRANS_KV_TILE(kv, head_dim) * n_head;
}

/* Each layer begins at a granule; so does each head, its tiles being multiples. */
uint64_t ct_program_layer_offset(const struct ct_config *cfg, enum ctrans_kv_type kv,
				 uint32_t layer)
{
	return layer_bytes(kv, cfg->n_head, cfg->head_dim) * layer;
}

uint64_t ct_program_block_bytes(const struct ct_config *cfg,
				enum ctrans_kv_type kv)
{
	return ct_program_layer_offset(cfg, kv, cfg->n_layer);
}

uint64_t ct_program_source_offset(const struct ct_config *cfg, enum ctrans_kv_type kv,
				  uint32_t layer)
{
	return layer_bytes(kv, cfg->enc.n_head, cfg->enc.head_dim) +
	       ct_program_layer_offset(cfg, kv, layer);
}

uint64_t ct_program_source_bytes(const struct ct_config *cfg,
				 enum ctrans_kv_type kv)
{
	return ct_program_source_offset(cfg, kv, cfg->n_layer);
}

/* Elements [64/16][head_dim][16]: whole groups from some position, and one begun. */
static void clear_keys(uint8_t *keys, uint32_t head_dim, uint32_t element, uint32_t n)
{
	size_t group = 16ull * head_dim * element;
	uint32_t whole = (n + 15) / 16;

	memset(keys + whole * group, 0, (CTRANS_KV_POSITIONS / 16 - whole) * group);
	if (n % 16 == 0)
		return;
	keys += n / 16 * group;
	for (uint32_t i = 0; i < head_dim; i++)
		memset(keys + (16ull * i + n % 16) * element, 0,
		       (size_t)(16 - n % 16) * element);
}

void ct_program_block_clear(const struct ct_config *cfg, enum ctrans_kv_type kv,
			    void *block, uint32_t n)
{
	uint32_t d = cfg->head_dim, element = CTRANS_KV_ELEMENT(kv);
	uint32_t scales = CTRANS_KV_SCALES(kv), per = scales / CTRANS_KV_POSITIONS;
	uint64_t tile = CTRANS_KV_TILE(kv, d);
	uint8_t *at = block;

	if (n >= CTRANS_KV_POSITIONS)
		return;
	for (uint64_t h = 0; h < (uint64_t)cfg->n_head * cfg->n_layer; h++) {
		memset(at + n * per, 0, scales - n * per);
		clear_keys(at + scales, d, element, n);
		at += tile;
		memset(at + n * per, 0, scales - n * per);
		memset(at + scales + (uint64_t)n * d * element, 0,
		       (uint64_t)(CTRANS_KV_POSITIONS - n) * d * element);
		at += tile;
	}
}

void ct_program_block_copy(const struct ct_config *cfg, enum ctrans_kv_type kv,
			   void *to, const void *from, uint32_t n)
{
	uint32_t d = cfg->head_dim, element = CTRANS_KV_ELEMENT(kv);
	uint64_t scales = CTRANS_KV_SCALES(kv), tile = CTRANS_KV_TILE(kv, d);
	/* keys of sixteen positions lie together */
	uint64_t keys = scales + (uint64_t)(n + 15) / 16 * 16 * d * element;
	uint64_t values = scales + (uint64_t)n * d * element;

	for (uint64_t h = 0; h < (uint64_t)cfg->n_head * cfg->n_layer; h++) {
		uint64_t at = 2 * h * tile;

		memcpy((uint8_t *)to + at, (const uint8_t *)from + at, keys);
		memcpy((uint8_t *)to + at + tile, (const uint8_t *)from + at + tile,
		       values);
	}
}
