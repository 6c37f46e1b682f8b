// SPDX-License-Identifier: MIT
#include "program/program.h"

#include <math.h>
#include <string.h>

struct builder {
	const struct ct_config *cfg;
	const struct ct_program_layout *at;
	struct ctrans_insn *next;
	size_t linears;
	uint32_t layer;
};

size_t ct_program_length(const struct ct_config *cfg)
{
	return 7 * (size_t)cfg->n_layer + 3;
}

size_t ct_program_linears(const struct ct_config *cfg)
{
	return 4 * (size_t)cfg->n_layer + 1;
}

static uint64_t head_tiles(const struct ct_config *cfg, enum ctrans_kv_type kv)
{
	return 2 * CTRANS_KV_TILE(kv, cfg->n_embd / cfg->n_head);
}

/* Each layer begins at a granule; so does each head, its tiles being multiples. */
uint64_t ct_program_block_bytes(const struct ct_config *cfg,
				enum ctrans_kv_type kv)
{
	return head_tiles(cfg, kv) * cfg->n_head * cfg->n_layer;
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
	uint32_t d = cfg->n_embd / cfg->n_head, element = CTRANS_KV_ELEMENT(kv);
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

static uint32_t bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static struct ctrans_insn *add(struct builder *b, enum ctrans_insn_op op,
			       enum ct_insn_kind kind)
{
	struct ctrans_insn *i = b->next++;

	memset(i, 0, sizeof(*i));
	i->op = (uint8_t)op;
	i->tag = b->layer << 8 | kind;
	return i;
}

static uint32_t granules(const struct ct_weight_va *w)
{
	return w->enc == CTRANS_ENC_ESC ? (uint32_t)(w->bytes / CTRANS_GRANULE) : 0;
}

static void norm(struct builder *b, uint64_t gain, uint64_t bias)
{
	struct ctrans_insn_norm *n = &add(b, CTRANS_INSN_NORM, CT_INSN_NORM)->norm;

	n->in_va = b->at->x;
	n->out_va = b->at->xn;
	n->gain_va = gain;
	n->bias_va = bias;
	n->in_stride = b->at->x_stride;
	n->out_stride = b->at->x_stride;
	n->n = b->cfg->n_embd;
	n->eps_f32 = bits(b->cfg->ln_eps);
	n->kind = CTRANS_NORM_LAYER;
}

static void dispatch(struct ctrans_insn_linear *l, const struct ctrans_dispatch *d)
{
	l->code = (uint8_t)d->code;
	l->flags = d->flip ? CTRANS_LINEAR_FLIP : 0;
	l->by = d->by_unit ? CTRANS_BY_UNIT : CTRANS_BY_VALUE;
	l->spike_mask[0] = d->spike_mask[0];
	l->spike_mask[1] = d->spike_mask[1];
	l->unit_low = (uint8_t)d->unit_low;
	l->unit_high = (uint8_t)d->unit_high;
}

static struct ctrans_insn_linear *linear(struct builder *b, enum ctrans_insn_op op,
					 enum ct_insn_kind kind,
					 const struct ct_weight_va *w,
					 uint32_t n_in, uint32_t n_out)
{
	struct ctrans_insn_linear *l = &add(b, op, kind)->linear;
	const struct ct_program_layout *at = b->at;

	l->weight_va = w->weights;
	l->scale_va = w->scale;
	l->colsum_va = w->colsum;
	l->bias_va = w->bias;
	l->n_in = n_in;
	l->n_out = n_out;
	l->encoding = (uint8_t)w->enc;
	l->weight_granules = granules(w);
	if (at->dispatch)
		dispatch(l, &at->dispatch[b->linears]);
	if (at->theta) {
		l->theta_mode = CTRANS_THETA_STATIC;
		l->theta_f32 = bits(at->theta[b->linears]);
	} else {
		l->theta_mode = CTRANS_THETA_DYNAMIC;
		l->theta_f32 = bits(at->theta_factor);
	}
	b->linears++;
	return l;
}

static void rows(struct ctrans_insn_linear *l, uint64_t in, uint32_t in_stride,
		 uint64_t out, uint32_t out_stride)
{
	l->in_va = in;
	l->in_stride = in_stride;
	l->out_va = out;
	l->out_stride = out_stride;
}

static uint8_t activation(enum ct_act act)
{
	switch (act) {
	case CT_ACT_GELU_TANH:	return CTRANS_ACT_GELU_TANH;
	case CT_ACT_GELU_ERF:	return CTRANS_ACT_GELU_ERF;
	case CT_ACT_RELU:	return CTRANS_ACT_RELU;
	case CT_ACT_SILU:	return CTRANS_ACT_SILU;
	default:		return CTRANS_ACT_NONE;
	}
}

static void attention(struct builder *b)
{
	const struct ct_config *c = b->cfg;
	const struct ct_program_layout *at = b->at;
	struct ctrans_insn_attention *a =
		&add(b, CTRANS_INSN_ATTENTION, CT_INSN_ATTENTION)->attention;
	uint32_t d = c->n_embd / c->n_head;
	float scale = c->scale_attn ? 1.0f / sqrtf((float)d) : 1.0f;

	if (c->scale_attn_by_inverse_layer)
		scale /= (float)(b->layer + 1);
	a->q_va = at->qkv;
	a->k_va = at->qkv + 4ull * c->n_embd;
	a->v_va = at->qkv + 8ull * c->n_embd;
	a->out_va = at->att;
	a->layer_offset = head_tiles(c, at->kv) * c->n_head * b->layer;
	a->q_stride = at->qkv_stride;
	a->kv_stride = at->qkv_stride;
	a->out_stride = at->x_stride;
	a->n_head = c->n_head;
	a->head_dim = d;
	a->scale_f32 = bits(scale);
	a->n_positions = at->n_ctx;
	a->kv_type = (uint8_t)at->kv;
}

/* Output spikes are worth what the next linear, FFN-down, will count them for. */
static void speculate(const struct builder *b, struct ctrans_insn_linear *up)
{
	const struct ct_program_layout *at = b->at;

	up->speculation = (uint8_t)at->speculation;
	if (at->speculation == CTRANS_SPEC_BOUND) {
		up->norm_va = at->norms + (uint64_t)b->layer * at->norms_stride;
	} else if (at->speculation == CTRANS_SPEC_SAMPLE) {
		up->spec_theta_f32 = bits(at->theta[b->linears]);
		up->spec_steps = (uint8_t)at->spec_steps;
	}
}

static void layer(struct builder *b)
{
	const struct ct_program_layout *at = b->at;
	const struct ct_layer_va *v = &at->layer[b->layer];
	uint32_t d = b->cfg->n_embd, inner = b->cfg->n_inner;
	struct ctrans_insn_linear *l;

	norm(b, v->ln_1_gain, v->ln_1_bias);
	l = linear(b, CTRANS_INSN_LINEAR, CT_INSN_QKV, &v->qkv, d, 3 * d);
	rows(l, at->xn, at->x_stride, at->qkv, at->qkv_stride);
	attention(b);
	l = linear(b, CTRANS_INSN_LINEAR, CT_INSN_PROJECTION, &v->proj, d, d);
	rows(l, at->att, at->x_stride, at->x, at->x_stride);
	l->flags |= CTRANS_LINEAR_ADD;
	norm(b, v->ln_2_gain, v->ln_2_bias);
	l = linear(b, CTRANS_INSN_LINEAR, CT_INSN_FFN_UP, &v->up, d, inner);
	rows(l, at->xn, at->x_stride, at->ffn, at->ffn_stride);
	l->act = activation(b->cfg->act);
	speculate(b, l);
	l = linear(b, CTRANS_INSN_LINEAR, CT_INSN_FFN_DOWN, &v->down, inner, d);
	rows(l, at->ffn, at->ffn_stride, at->x, at->x_stride);
	l->flags |= CTRANS_LINEAR_ADD;
}

void ct_program_build(const struct ct_config *cfg,
		      const struct ct_program_layout *at, struct ctrans_insn *insn)
{
	struct builder b = { .cfg = cfg, .at = at, .next = insn };
	struct ctrans_insn_embed *e = &add(&b, CTRANS_INSN_EMBED, CT_INSN_EMBED)->embed;
	struct ctrans_insn_linear *l;

	e->table_va = at->wte.weights;
	e->scale_va = at->wte.scale;
	e->position_va = at->wpe;
	e->out_va = at->x;
	e->out_stride = at->x_stride;
	e->n = cfg->n_embd;
	e->n_vocab = cfg->n_vocab;
	e->n_positions = cfg->n_ctx;
	e->encoding = (uint8_t)at->wte.enc;
	e->weight_granules = granules(&at->wte);

	for (b.layer = 0; b.layer < cfg->n_layer; b.layer++)
		layer(&b);
	norm(&b, at->ln_f_gain, at->ln_f_bias);
	l = linear(&b, CTRANS_INSN_LOGITS, CT_INSN_HEAD, &at->head, cfg->n_embd,
		   cfg->n_vocab);
	rows(l, at->xn, at->x_stride, at->logits, at->logits_stride);
	l->topk_va = at->topk;
	l->topk_stride = at->topk_stride;
	l->rows_max = at->logits_rows;
	l->top_k = (uint16_t)at->top_k;
}
