// SPDX-License-Identifier: MIT
/* Blocks of keys and values, and the sequences that have them: see kv.h. */
#include "engine/kv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core_impl.h"

static uint32_t blocks_for(uint32_t positions)
{
	return (positions + CTRANS_KV_POSITIONS - 1) / CTRANS_KV_POSITIONS;
}

/* ---- Blocks; lock held ------------------------------------------------- */

static uint64_t block_va(const struct ct_core *core, uint32_t b)
{
	return core->kv.chunks[b / CT_KV_CHUNK].va + b % CT_KV_CHUNK * core->block_bytes;
}

static uint8_t *block_cpu(const struct ct_core *core, uint32_t b)
{
	return (uint8_t *)core->kv.chunks[b / CT_KV_CHUNK].cpu +
	       b % CT_KV_CHUNK * core->block_bytes;
}

static void add_free(struct ct_kv *kv, uint32_t b)
{
	kv->block[b].next = kv->free;
	kv->free = b;
	kv->n_free++;
}

/* So that nothing a step does once it has its blocks can fail. */
static int room_for(struct ct_kv *kv, size_t n_chunks)
{
	size_t n = n_chunks * CT_KV_CHUNK;
	struct ct_buf_dev *chunks;
	struct ct_kv_block *block;

	if (n >= CT_KV_NONE)
		return -ENOMEM;
	chunks = realloc(kv->chunks, n_chunks * sizeof(*chunks));
	if (!chunks)
		return -ENOMEM;
	kv->chunks = chunks;
	block = realloc(kv->block, n * sizeof(*block));
	if (!block)
		return -ENOMEM;
	kv->block = block;
	return ct_prefix_room(kv, n);
}

static int more_blocks(struct ct_core *core, struct ct_err *err)
{
	struct ct_kv *kv = &core->kv;
	uint32_t first = (uint32_t)kv->n_chunks * CT_KV_CHUNK;
	int ret;

	if (room_for(kv, kv->n_chunks + 1))
		return ct_fail(err, -ENOMEM, "out of memory");
	ret = ct_device_alloc(core->dev, CT_KV_CHUNK * core->block_bytes,
			      &kv->chunks[kv->n_chunks], err);
	if (ret == -ENOMEM && ct_sources_reclaim(core))
		ret = ct_device_alloc(core->dev, CT_KV_CHUNK * core->block_bytes,
				      &kv->chunks[kv->n_chunks], err);
	if (ret) {
		ct_err_prefix(err, "keys and values");
		return ret;
	}
	kv->n_chunks++;
	memset(&kv->block[first], 0, CT_KV_CHUNK * sizeof(*kv->block));
	for (uint32_t b = first + CT_KV_CHUNK; b-- > first;)
		add_free(kv, b);
	return 0;
}

/* One that is nobody's, for a sequence to write. */
static int take(struct ct_core *core, uint32_t *taken, struct ct_err *err)
{
	struct ct_kv *kv = &core->kv;
	uint32_t b = CT_KV_NONE;

	if (!kv->n_free && kv->n_chunks * CT_KV_CHUNK >= kv->keep)
		b = ct_prefix_oldest(kv);
	if (b == CT_KV_NONE && !kv->n_free) {
		int ret = more_blocks(core, err);

		if (ret)
			b = ct_prefix_oldest(kv);
		if (ret && b == CT_KV_NONE)
			return ret;
	}
	if (b == CT_KV_NONE) {
		b = kv->free;
		kv->free = kv->block[b].next;
		kv->n_free--;
	}
	kv->block[b].refs = 1;
	kv->block[b].foreign = false;
	*taken = b;
	return 0;
}

static void hold(struct ct_kv *kv, uint32_t b)
{
	if (!kv->block[b].refs++)
		ct_prefix_unkeep(kv, b);
}

static void drop(struct ct_kv *kv, uint32_t b)
{
	if (--kv->block[b].refs)
		return;
	if (kv->block[b].name)
		b = ct_prefix_keep(kv, b);
	if (b != CT_KV_NONE)
		add_free(kv, b);
}

static void put(struct ct_seq *seq, uint32_t at, uint32_t b)
{
	uint64_t *table = seq->table.cpu;

	seq->block[at] = b;
	table[at] = block_va(seq->core, b);
}

/* From the end on: see kv.h. */
static void give_back(struct ct_seq *seq, uint32_t keep)
{
	while (seq->n_blocks > keep)
		drop(&seq->core->kv, seq->block[--seq->n_blocks]);
}

/* The name that a block of the sequence goes by; false: it has none. */
static bool name_before(const struct ct_seq *seq, uint32_t at, uint64_t *name)
{
	*name = at ? seq->core->kv.block[seq->block[at - 1]].name : 0;
	return !at || *name;
}

/* ---- Sequences --------------------------------------------------------- */

int ct_seq_open(struct ct_core *core, struct ct_seq **out, struct ct_err *err)
{
	uint32_t blocks = blocks_for(core->context);
	struct ct_seq *seq;
	int ret;

	if (!core->has_weights)
		return ct_fail(err, -EINVAL, "the model was opened without its weights");
	seq = calloc(1, sizeof(*seq) + blocks * sizeof(seq->block[0]));
	if (!seq)
		return ct_fail(err, -ENOMEM, "out of memory");
	seq->core = core;
	ret = ct_device_alloc(core->dev, 8ull * blocks, &seq->table, err);
	if (ret) {
		free(seq);
		return ret;
	}
	*out = seq;
	return 0;
}

int ct_seq_fork(const struct ct_seq *seq, struct ct_seq **out, struct ct_err *err)
{
	struct ct_core *core = seq->core;
	struct ct_seq *copy;
	int ret;

	ret = ct_seq_open(core, &copy, err);
	if (ret)
		return ret;
	pthread_mutex_lock(&core->kv.lock);
	for (uint32_t i = 0; i < seq->n_blocks; i++) {
		hold(&core->kv, seq->block[i]);
		put(copy, i, seq->block[i]);
	}
	pthread_mutex_unlock(&core->kv.lock);
	copy->n_blocks = seq->n_blocks;
	copy->position = seq->position;
	copy->unshared = seq->unshared;
	ct_seq_attend(copy, seq->source);
	*out = copy;
	return 0;
}

void ct_seq_become(struct ct_seq *seq, const struct ct_seq *other)
{
	struct ct_kv *kv = &seq->core->kv;
	uint32_t same = 0;

	pthread_mutex_lock(&kv->lock);
	/* what they have in common, which of beams is nearly all, stays */
	while (same < seq->n_blocks && same < other->n_blocks &&
	       seq->block[same] == other->block[same])
		same++;
	give_back(seq, same);
	for (uint32_t i = same; i < other->n_blocks; i++) {
		hold(kv, other->block[i]);
		put(seq, i, other->block[i]);
	}
	seq->n_blocks = other->n_blocks;
	seq->position = other->position;
	seq->unshared = other->unshared;
	pthread_mutex_unlock(&kv->lock);
	if (seq->source != other->source)
		ct_seq_attend(seq, other->source);
}

void ct_seq_close(struct ct_seq *seq)
{
	if (!seq)
		return;
	pthread_mutex_lock(&seq->core->kv.lock);
	give_back(seq, 0);
	pthread_mutex_unlock(&seq->core->kv.lock);
	ct_source_drop(seq->source);
	ct_device_free(seq->core->dev, &seq->table);
	free(seq);
}

uint32_t ct_seq_position(const struct ct_seq *seq)
{
	return seq->position;
}

void ct_seq_truncate(struct ct_seq *seq, uint32_t position)
{
	if (position > seq->position)
		return;
	pthread_mutex_lock(&seq->core->kv.lock);
	seq->position = position;
	give_back(seq, blocks_for(position));
	pthread_mutex_unlock(&seq->core->kv.lock);
}

void ct_seq_unshared(struct ct_seq *seq)
{
	seq->unshared = true;
}

/* ---- A step ------------------------------------------------------------ */

/* The block that is begun becomes the sequence's alone. */
static int own_begun(struct ct_seq *seq, struct ct_err *err)
{
	struct ct_core *core = seq->core;
	uint32_t at = seq->position / CTRANS_KV_POSITIONS, old = seq->block[at], b;
	struct ct_kv_block *block = &core->kv.block[old];
	int ret;

	if (block->refs == 1 && !block->name)
		return 0;
	ret = take(core, &b, err);
	if (ret)
		return ret;
	/* what blocks are described in may have moved */
	block = core->kv.block;
	ct_program_block_copy(&core->cfg, core->at.kv, block_cpu(core, b),
			      block_cpu(core, old), seq->position % CTRANS_KV_POSITIONS);
	memcpy(block[b].tokens, block[old].tokens, sizeof(block->tokens));
	block[b].foreign = block[old].foreign;
	put(seq, at, b);
	drop(&core->kv, old);
	return 0;
}

int ct_seq_reserve(struct ct_seq *seq, uint32_t end, struct ct_err *err)
{
	struct ct_core *core = seq->core;
	int ret = 0;

	pthread_mutex_lock(&core->kv.lock);
	if (seq->position % CTRANS_KV_POSITIONS)
		ret = own_begun(seq, err);
	while (!ret && seq->n_blocks < blocks_for(end)) {
		uint32_t b;

		ret = take(core, &b, err);
		if (!ret)
			put(seq, seq->n_blocks++, b);
	}
	pthread_mutex_unlock(&core->kv.lock);
	return ret;
}

/* A block is full: from here on it is known, by this name or that of its like. */
static void filled(struct ct_seq *seq, uint32_t at)
{
	struct ct_kv *kv = &seq->core->kv;
	uint32_t b = seq->block[at], like;
	uint64_t before;

	if (!kv->share || seq->unshared || kv->block[b].foreign ||
	    !name_before(seq, at, &before))
		return;
	like = ct_prefix_find(kv, before, kv->block[b].tokens);
	if (like == CT_KV_NONE) {
		ct_prefix_add(kv, b, before);
		return;
	}
	hold(kv, like);
	put(seq, at, like);
	drop(kv, b);
}

void ct_seq_advance(struct ct_core *core, const struct ct_step_row *rows, size_t n)
{
	pthread_mutex_lock(&core->kv.lock);
	for (size_t i = 0; i < n; i++) {
		struct ct_seq *seq = rows[i].seq;
		uint32_t at = seq->position / CTRANS_KV_POSITIONS;
		uint32_t in = seq->position++ % CTRANS_KV_POSITIONS;

		core->kv.block[seq->block[at]].tokens[in] = rows[i].token;
		if (in == CTRANS_KV_POSITIONS - 1)
			filled(seq, at);
	}
	pthread_mutex_unlock(&core->kv.lock);
}

void ct_seq_retreat(struct ct_core *core, const struct ct_step_row *rows, size_t n)
{
	pthread_mutex_lock(&core->kv.lock);
	for (size_t i = 0; i < n; i++)
		give_back(rows[i].seq, blocks_for(rows[i].seq->position));
	pthread_mutex_unlock(&core->kv.lock);
}

/* ---- Beginning as others did ------------------------------------------- */

/* The known block that holds what the one at the position and @tokens make. */
static uint32_t find_next(const struct ct_seq *seq, const uint32_t *tokens)
{
	const struct ct_kv *kv = &seq->core->kv;
	uint32_t at = seq->position / CTRANS_KV_POSITIONS;
	uint32_t begun = seq->position % CTRANS_KV_POSITIONS;
	uint32_t whole[CTRANS_KV_POSITIONS];
	uint64_t before;

	if (!name_before(seq, at, &before))
		return CT_KV_NONE;
	if (begun) {
		const struct ct_kv_block *block = &kv->block[seq->block[at]];

		if (block->foreign)
			return CT_KV_NONE;
		memcpy(whole, block->tokens, begun * sizeof(*whole));
	}
	memcpy(whole + begun, tokens, (CTRANS_KV_POSITIONS - begun) * sizeof(*whole));
	return ct_prefix_find(kv, before, whole);
}

uint32_t ct_seq_reuse(struct ct_seq *seq, const uint32_t *tokens, size_t n)
{
	struct ct_kv *kv = &seq->core->kv;
	uint32_t reused = 0, more, b;

	more = CTRANS_KV_POSITIONS - seq->position % CTRANS_KV_POSITIONS;
	if (!kv->share || seq->unshared || n <= more)
		return 0;
	pthread_mutex_lock(&kv->lock);
	for (; n - reused > more; more = CTRANS_KV_POSITIONS) {
		uint32_t at = seq->position / CTRANS_KV_POSITIONS;

		b = find_next(seq, tokens + reused);
		if (b == CT_KV_NONE)
			break;
		hold(kv, b);
		if (at < seq->n_blocks)
			drop(kv, seq->block[at]);
		else
			seq->n_blocks++;
		put(seq, at, b);
		seq->position += more;
		reused += more;
	}
	pthread_mutex_unlock(&kv->lock);
	return reused;
}

/* ---- As bytes ---------------------------------------------------------- */

size_t ct_seq_kv_bytes(const struct ct_core *core, uint32_t positions)
{
	return blocks_for(positions) * core->block_bytes;
}

void ct_seq_kv_get(const struct ct_seq *seq, void *dst)
{
	struct ct_core *core = seq->core;
	uint32_t n = blocks_for(seq->position);
	uint8_t *to = dst;

	for (uint32_t i = 0; i < n; i++, to += core->block_bytes) {
		const uint8_t *from;

		/* it stays where it is, the list of chunks may not */
		pthread_mutex_lock(&core->kv.lock);
		from = block_cpu(core, seq->block[i]);
		pthread_mutex_unlock(&core->kv.lock);
		memcpy(to, from, core->block_bytes);
	}
	if (seq->position % CTRANS_KV_POSITIONS)
		ct_program_block_clear(&core->cfg, core->at.kv, to - core->block_bytes,
				       seq->position % CTRANS_KV_POSITIONS);
}

int ct_seq_kv_set(struct ct_seq *seq, uint32_t positions, const void *src,
		  struct ct_err *err)
{
	struct ct_core *core = seq->core;
	const uint8_t *from = src;
	int ret;

	if (seq->position || positions > core->context)
		return ct_fail(err, -EINVAL,
			"keys and values of %u positions into a sequence that holds %u of at most %u",
			positions, seq->position, core->context);
	ret = ct_seq_reserve(seq, positions, err);
	pthread_mutex_lock(&core->kv.lock);
	if (ret)
		give_back(seq, 0);
	for (uint32_t i = 0; i < seq->n_blocks; i++) {
		memcpy(block_cpu(core, seq->block[i]), from + i * core->block_bytes,
		       core->block_bytes);
		core->kv.block[seq->block[i]].foreign = true;
	}
	pthread_mutex_unlock(&core->kv.lock);
	if (!ret)
		seq->position = positions;
	return ret;
}

/* ---- The model's ------------------------------------------------------- */

void ct_kv_init(struct ct_core *core, bool share)
{
	struct ct_kv *kv = &core->kv;

	pthread_mutex_init(&kv->lock, NULL);
	kv->free = kv->oldest = kv->newest = CT_KV_NONE;
	kv->share = share;
	kv->keep = blocks_for(core->context);
}

void ct_kv_free(struct ct_core *core)
{
	struct ct_kv *kv = &core->kv;

	for (size_t i = 0; i < kv->n_chunks; i++)
		ct_device_free(core->dev, &kv->chunks[i]);
	free(kv->chunks);
	free(kv->block);
	ct_prefix_free(kv);
	pthread_mutex_destroy(&kv->lock);
}
