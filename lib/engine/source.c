// SPDX-License-Identifier: MIT
/*
 * Sources: a table that the chip reads, and the blocks that it names, in one
 * buffer. One that nobody has any more is kept for the next of about its length,
 * as a sentence takes less time to read than memory to allocate.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine/core_impl.h"

#define IDLE_MAX	16u
/* An idle one is taken for a source that fills at least this part of it. */
#define FILLS		4u

static uint32_t blocks_for(uint32_t positions)
{
	return (positions + CTRANS_KV_POSITIONS - 1) / CTRANS_KV_POSITIONS;
}

static uint64_t table_bytes(uint32_t blocks)
{
	uint64_t bytes = sizeof(struct ctrans_source) + 8ull * blocks;

	return (bytes + CT_IMAGE_ALIGN - 1) / CT_IMAGE_ALIGN * CT_IMAGE_ALIGN;
}

/* Lock held. */
static struct ct_source *take_idle(struct ct_core *core, uint32_t blocks)
{
	struct ct_source **at, *s;

	for (at = &core->idle; *at; at = &(*at)->next) {
		s = *at;
		if (s->room < blocks || s->room / FILLS > blocks)
			continue;
		*at = s->next;
		core->n_idle--;
		return s;
	}
	return NULL;
}

static void destroy(struct ct_source *s)
{
	ct_device_free(s->core->dev, &s->buf);
	free(s);
}

bool ct_sources_reclaim(struct ct_core *core)
{
	struct ct_source *next;
	bool any = core->idle;

	for (struct ct_source *s = core->idle; s; s = next) {
		next = s->next;
		destroy(s);
	}
	core->idle = NULL;
	core->n_idle = 0;
	return any;
}

static int alloc_blocks(struct ct_core *core, struct ct_source *s, struct ct_err *err)
{
	uint64_t bytes = table_bytes(s->room) + s->room * core->source_bytes;
	int ret = ct_device_alloc(core->dev, bytes, &s->buf, err);
	bool any;

	if (ret != -ENOMEM)
		return ret;
	pthread_mutex_lock(&core->kv.lock);
	any = ct_sources_reclaim(core);
	pthread_mutex_unlock(&core->kv.lock);
	return any ? ct_device_alloc(core->dev, bytes, &s->buf, err) : ret;
}

static int make(struct ct_core *core, uint32_t blocks, struct ct_source **out,
		struct ct_err *err)
{
	struct ct_source *s = calloc(1, sizeof(*s));
	struct ctrans_source *table;
	int ret;

	if (!s)
		return ct_fail(err, -ENOMEM, "out of memory");
	s->core = core;
	/* rounded up, so that it does for more than one length */
	for (s->room = 1; s->room < blocks; s->room *= 2)
		;
	ret = alloc_blocks(core, s, err);
	if (ret) {
		ct_err_prefix(err, "keys and values of a source");
		free(s);
		return ret;
	}
	table = s->buf.cpu;
	for (uint32_t i = 0; i < s->room; i++)
		table->blocks[i] = s->buf.va + table_bytes(s->room) +
				   i * core->source_bytes;
	*out = s;
	return 0;
}

int ct_source_open(struct ct_core *core, uint32_t n, struct ct_source **source,
		   struct ct_err *err)
{
	uint32_t blocks = blocks_for(n);
	struct ctrans_source *table;
	struct ct_source *s;
	int ret;

	pthread_mutex_lock(&core->kv.lock);
	s = take_idle(core, blocks);
	pthread_mutex_unlock(&core->kv.lock);
	ret = s ? 0 : make(core, blocks, &s, err);
	if (ret)
		return ret;
	s->refs = 1;
	s->positions = n;
	table = s->buf.cpu;
	table->n_positions = n;
	table->n_blocks = blocks;
	*source = s;
	return 0;
}

void ct_source_hold(struct ct_source *s)
{
	pthread_mutex_lock(&s->core->kv.lock);
	s->refs++;
	pthread_mutex_unlock(&s->core->kv.lock);
}

void ct_source_drop(struct ct_source *s)
{
	struct ct_core *core;
	bool kept = true;

	if (!s)
		return;
	core = s->core;
	pthread_mutex_lock(&core->kv.lock);
	if (!--s->refs) {
		kept = core->n_idle < IDLE_MAX;
		if (kept) {
			s->next = core->idle;
			core->idle = s;
			core->n_idle++;
		}
	}
	pthread_mutex_unlock(&core->kv.lock);
	if (!kept)
		destroy(s);
}

void ct_seq_attend(struct ct_seq *seq, struct ct_source *source)
{
	struct ct_source *before = seq->source;

	if (source)
		ct_source_hold(source);
	seq->source = source;
	ct_source_drop(before);
}

bool ct_seq_has_source(const struct ct_seq *seq)
{
	return seq->source;
}
