// SPDX-License-Identifier: MIT
/*
 * The encoder's step: all of a source at once, as each of its tokens attends to all
 * of them. Its memory grows with the longest source.
 */
#include <errno.h>
#include <string.h>

#include "engine/core_impl.h"
#include "engine/usage.h"

#define ROWS_LEAST	64u

static uint64_t carve(uint64_t *used, uint64_t bytes)
{
	uint64_t at = *used;

	*used += ct_granules(bytes);
	return at;
}

/* Of the encoder's stack, and for keys and values of the decoder's layers. */
static int alloc_work(struct ct_core *core, uint32_t rows, struct ct_buf_dev *work,
		      struct ct_activations *act, struct ct_err *err)
{
	const struct ct_config *c = &core->cfg;
	uint32_t width = c->enc.n_head * c->enc.head_dim;
	uint32_t kv = 2 * c->n_head * c->head_dim;
	uint64_t used = 0;
	int ret;

	act->x_stride = (uint32_t)ct_granules(4ull * c->n_embd);
	act->att_stride = (uint32_t)ct_granules(4ull * width);
	act->qkv_stride = (uint32_t)ct_granules(4ull * (3 * width > kv ? 3 * width : kv));
	act->ffn_stride = (uint32_t)ct_granules(4ull * c->enc.n_inner);
	act->x = carve(&used, (uint64_t)rows * act->x_stride);
	act->xn = carve(&used, (uint64_t)rows * act->x_stride);
	act->qkv = carve(&used, (uint64_t)rows * act->qkv_stride);
	act->att = carve(&used, (uint64_t)rows * act->att_stride);
	act->ffn = carve(&used, (uint64_t)rows * act->ffn_stride);
	ret = ct_device_alloc(core->dev, used, work, err);
	if (ret)
		return ret;
	act->x += work->va;
	act->xn += work->va;
	act->qkv += work->va;
	act->att += work->va;
	act->ffn += work->va;
	return 0;
}

static int alloc_ctl(struct ct_core *core, struct ct_encoder_room *r, struct ct_err *err)
{
	uint64_t used = 0, prog, args, stats;
	uint8_t *cpu;
	int ret;

	r->n_insns = ct_encoder_length(&core->cfg);
	prog = carve(&used, r->n_insns * sizeof(struct ctrans_insn));
	args = carve(&used, sizeof(struct ctrans_args) +
			    r->rows * sizeof(struct ctrans_row));
	stats = carve(&used, (uint64_t)r->rows * r->n_insns * sizeof(struct ctrans_stat));
	ret = ct_device_alloc(core->dev, used, &r->ctl, err);
	if (ret)
		return ret;
	cpu = r->ctl.cpu;
	r->prog = (struct ctrans_insn *)(cpu + prog);
	r->prog_va = r->ctl.va + prog;
	r->args = (struct ctrans_args *)(cpu + args);
	r->args_va = r->ctl.va + args;
	r->stats = (struct ctrans_stat *)(cpu + stats);
	r->stats_va = r->ctl.va + stats;
	return 0;
}

void ct_encoder_rebuild(struct ct_core *core)
{
	if (core->encoder.rows)
		ct_encoder_build(&core->cfg, &core->at, core->encoder.prog);
}

int ct_encoder_reserve(struct ct_core *core, uint32_t rows, struct ct_err *err)
{
	struct ct_encoder_room room = { .rows = ROWS_LEAST };
	struct ct_activations act;
	int ret;

	if (rows <= core->encoder.rows)
		return 0;
	while (room.rows < rows)
		room.rows *= 2;
	ret = alloc_work(core, room.rows, &room.work, &act, err);
	if (!ret)
		ret = alloc_ctl(core, &room, err);
	if (ret) {
		ct_device_free(core->dev, &room.work);
		ct_err_prefix(err, "a source of %u tokens", rows);
		return ret;
	}
	ct_encoder_free(core);
	core->encoder = room;
	core->at.enc_act = act;
	ct_encoder_rebuild(core);
	return 0;
}

void ct_encoder_free(struct ct_core *core)
{
	ct_device_free(core->dev, &core->encoder.ctl);
	ct_device_free(core->dev, &core->encoder.work);
	core->encoder = (struct ct_encoder_room){ 0 };
}

void ct_encoder_args(struct ct_core *core, const struct ct_source *source,
		     const uint32_t *tokens, uint32_t n)
{
	const struct ctrans_source *table = source->buf.cpu;
	struct ctrans_args *args = core->encoder.args;
	struct ctrans_row *rows = (struct ctrans_row *)(args + 1);

	for (uint32_t i = 0; i < n; i++)
		rows[i] = (struct ctrans_row){
			.token = tokens[i],
			.position = i,
			.n_blocks = table->n_blocks,
			.blocks_va = source->buf.va + offsetof(struct ctrans_source, blocks),
		};
	*args = (struct ctrans_args){ .n_rows = n };
}

int ct_source_check(const struct ct_core *core, const uint32_t *tokens, size_t n,
		    struct ct_err *err)
{
	if (!ct_has_encoder(&core->cfg))
		return ct_fail(err, -ENOTSUP, "the model has no encoder");
	if (!core->has_weights)
		return ct_fail(err, -EINVAL, "the model was opened without its weights");
	if (!n)
		return ct_fail(err, -EINVAL, "a source of no tokens");
	if (n > core->at.n_source)
		return ct_fail(err, -E2BIG,
			       "a source of %zu tokens; the model was opened for %u: open it with a longer context, or give it a part of the text",
			       n, core->at.n_source);
	for (size_t i = 0; i < n; i++)
		if (tokens[i] >= core->cfg.enc.n_vocab)
			return ct_fail(err, -EINVAL, "token %u: a source's are 0 to %u",
				       tokens[i], core->cfg.enc.n_vocab - 1);
	return 0;
}

static void collect(const struct ct_core *core, uint32_t n,
		    struct ctrans_cost cost[CTRANS_KINDS])
{
	const struct ct_encoder_room *r = &core->encoder;

	for (uint32_t row = 0; row < n; row++)
		for (size_t i = 0; i < r->n_insns; i++)
			ct_core_add_stat(&cost[ct_tag_kind(r->prog[i].tag)],
					 &r->stats[row * r->n_insns + i]);
}

int ct_core_encode(struct ct_core *core, const uint32_t *tokens, size_t n,
		   struct ctrans_cost cost[CTRANS_KINDS], uint64_t *device_ns,
		   struct ct_source **out, struct ct_err *err)
{
	struct ct_source *source;
	int ret = ct_source_check(core, tokens, n, err);

	if (!ret)
		ret = ct_source_open(core, (uint32_t)n, &source, err);
	if (ret)
		return ret;
	pthread_mutex_lock(&core->lock);
	ret = ct_encoder_reserve(core, (uint32_t)n, err);
	if (!ret) {
		ct_encoder_args(core, source, tokens, (uint32_t)n);
		ret = ct_core_submit(core, core->encoder.prog_va, core->encoder.n_insns,
				     core->encoder.args_va,
				     cost ? core->encoder.stats_va : 0, err);
	}
	if (!ret && cost)
		collect(core, (uint32_t)n, cost);
	if (!ret && device_ns)
		*device_ns = core->step_ns;
	pthread_mutex_unlock(&core->lock);
	if (ret) {
		ct_source_drop(source);
		return ret;
	}
	*out = source;
	return 0;
}
