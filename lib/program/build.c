// SPDX-License-Identifier: MIT
#include "program/build.h"

#include <math.h>
#include <string.h>

uint32_t ct_build_bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

struct ctrans_insn *ct_build(struct ct_builder *b, enum ctrans_insn_op op,
			     enum ct_insn_kind kind)
{
	struct ctrans_insn *i = b->next++;

	memset(i, 0, sizeof(*i));
	i->op = (uint8_t)op;
	i->tag = (b->tag_base + b->layer) << 8 | kind;
	return i;
}

static uint32_t granules(const struct ct_weight_va *w)
{
	return w->enc == CTRANS_ENC_ESC ? (uint32_t)(w->bytes / CTRANS_GRANULE) : 0;
}

void ct_build_embed(struct ct_builder *b, const struct ct_weight_va *table,
		    uint32_t n_vocab)
{
	const struct ct_config *c = b->cfg;
	struct ctrans_insn_embed *e =
		&ct_build(b, CTRANS_INSN_EMBED, CT_INSN_EMBED)->embed;

	e->table_va = table->weights;
	e->scale_va = table->scale;
	e->position_va = b->at->wpe;
	e->out_va = b->act->x;
	e->out_stride = b->act->x_stride;
	e->n = c->n_embd;
	e->n_vocab = n_vocab;
	e->n_positions = b->at->wpe ? c->n_ctx : 0;
	e->factor_f32 = c->embed_factor != 1.0f ? ct_build_bits(c->embed_factor) : 0;
	e->encoding = (uint8_t)table->enc;
	e->weight_granules = granules(table);
}

uint64_t ct_build_normed(const struct ct_builder *b)
{
	return b->cfg->post_norm ? b->act->x : b->act->xn;
}

void ct_build_norm(struct ct_builder *b, const struct ct_norm_va *norm)
{
	struct ctrans_insn_norm *n = &ct_build(b, CTRANS_INSN_NORM, CT_INSN_NORM)->norm;

	n->in_va = b->act->x;
	n->out_va = ct_build_normed(b);
	n->gain_va = norm->gain;
	n->bias_va = norm->bias;
	n->in_stride = b->act->x_stride;
	n->out_stride = b->act->x_stride;
	n->n = b->cfg->n_embd;
	n->eps_f32 = ct_build_bits(b->cfg->ln_eps);
	n->kind = b->cfg->rms_norm ? CTRANS_NORM_RMS : CTRANS_NORM_LAYER;
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

struct ctrans_insn_linear *ct_build_linear(struct ct_builder *b, enum ctrans_insn_op op,
					   enum ct_insn_kind kind,
					   const struct ct_weight_va *w,
					   uint32_t n_in, uint32_t n_out)
{
	struct ctrans_insn_linear *l = &ct_build(b, op, kind)->linear;
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
		l->theta_f32 = ct_build_bits(at->theta[b->linears]);
	} else {
		l->theta_mode = CTRANS_THETA_DYNAMIC;
		l->theta_f32 = ct_build_bits(at->theta_factor);
	}
	b->linears++;
	return l;
}

void ct_build_rows(struct ctrans_insn_linear *l, uint64_t in, uint32_t in_stride,
		   uint64_t out, uint32_t out_stride)
{
	l->in_va = in;
	l->in_stride = in_stride;
	l->out_va = out;
	l->out_stride = out_stride;
}

void ct_build_sum(struct ct_builder *b, enum ct_insn_kind kind,
		  const struct ct_weight_va *w, uint64_t in, uint32_t in_stride,
		  uint32_t n_in)
{
	struct ctrans_insn_linear *l = ct_build_linear(b, CTRANS_INSN_LINEAR, kind, w,
						       n_in, b->cfg->n_embd);

	ct_build_rows(l, in, in_stride, b->act->x, b->act->x_stride);
	l->flags |= CTRANS_LINEAR_ADD;
}

/* ---- Parts of a layer --------------------------------------------------- */

struct ctrans_insn_attention *ct_build_attention(struct ct_builder *b,
						 enum ctrans_attend attend,
						 uint64_t offset)
{
	const struct ct_config *c = b->cfg;
	const struct ct_activations *act = b->act;
	struct ctrans_insn_attention *a =
		&ct_build(b, CTRANS_INSN_ATTENTION, CT_INSN_ATTENTION)->attention;
	float scale = c->scale_attn ? 1.0f / sqrtf((float)b->head_dim) : 1.0f;

	if (c->scale_attn_by_inverse_layer)
		scale /= (float)(b->layer + 1);
	a->q_va = act->qkv;
	a->out_va = act->att;
	a->layer_offset = offset;
	a->q_stride = act->qkv_stride;
	a->out_stride = act->att_stride;
	a->n_head = b->n_head;
	a->head_dim = b->head_dim;
	a->scale_f32 = ct_build_bits(scale);
	a->n_positions = attend == CTRANS_ATTEND_CAUSAL ? b->at->n_ctx : b->at->n_source;
	a->kv_type = (uint8_t)b->at->kv;
	a->attend = (uint8_t)attend;
	return a;
}

static void self_attention(struct ct_builder *b, enum ctrans_attend attend,
			   uint64_t offset)
{
	struct ctrans_insn_attention *a = ct_build_attention(b, attend, offset);
	uint64_t width = 4ull * b->n_head * b->head_dim;

	a->k_va = b->act->qkv + width;
	a->v_va = b->act->qkv + 2 * width;
	a->kv_stride = b->act->qkv_stride;
	a->bias_va = b->distances;
	a->bias_span = b->distances ? b->cfg->rel_span : 0;
}

void ct_build_self(struct ct_builder *b, enum ctrans_attend attend, uint64_t offset)
{
	const struct ct_layer_va *v = &b->layer_va[b->layer];
	const struct ct_activations *act = b->act;
	uint32_t d = b->cfg->n_embd, width = b->n_head * b->head_dim;
	struct ctrans_insn_linear *l;

	if (!b->cfg->post_norm)
		ct_build_norm(b, &v->ln_1);
	l = ct_build_linear(b, CTRANS_INSN_LINEAR, CT_INSN_QKV, &v->qkv, d, 3 * width);
	ct_build_rows(l, ct_build_normed(b), act->x_stride, act->qkv, act->qkv_stride);
	self_attention(b, attend, offset);
	ct_build_sum(b, CT_INSN_PROJECTION, &v->proj, act->att, act->att_stride, width);
	if (b->cfg->post_norm)
		ct_build_norm(b, &v->ln_1);
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

/* Output spikes are worth what the next linear, FFN-down, will count them for. */
static void speculate(const struct ct_builder *b, struct ctrans_insn_linear *up)
{
	const struct ct_program_layout *at = b->at;

	up->speculation = (uint8_t)at->speculation;
	if (at->speculation == CTRANS_SPEC_BOUND) {
		up->norm_va = at->norms +
			      (uint64_t)(b->tag_base + b->layer) * at->norms_stride;
	} else if (at->speculation == CTRANS_SPEC_SAMPLE) {
		up->spec_theta_f32 = ct_build_bits(at->theta[b->linears]);
		up->spec_steps = (uint8_t)at->spec_steps;
	}
}

void ct_build_ffn(struct ct_builder *b)
{
	const struct ct_layer_va *v = &b->layer_va[b->layer];
	const struct ct_activations *act = b->act;
	uint32_t d = b->cfg->n_embd;
	struct ctrans_insn_linear *l;

	if (!b->cfg->post_norm)
		ct_build_norm(b, &v->ln_2);
	l = ct_build_linear(b, CTRANS_INSN_LINEAR, CT_INSN_FFN_UP, &v->up, d, b->n_inner);
	ct_build_rows(l, ct_build_normed(b), act->x_stride, act->ffn, act->ffn_stride);
	if (b->cfg->gated) {
		l = ct_build_linear(b, CTRANS_INSN_LINEAR, CT_INSN_FFN_UP, &v->gate, d,
				    b->n_inner);
		ct_build_rows(l, ct_build_normed(b), act->x_stride, act->ffn,
			      act->ffn_stride);
		l->flags |= CTRANS_LINEAR_MUL;
	} else {
		speculate(b, l);
	}
	l->act = activation(b->cfg->act);
	ct_build_sum(b, CT_INSN_FFN_DOWN, &v->down, act->ffn, act->ffn_stride,
		     b->n_inner);
	if (b->cfg->post_norm)
		ct_build_norm(b, &v->ln_2);
}
