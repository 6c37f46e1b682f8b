// SPDX-License-Identifier: MIT
#include "program/build.h"

/* Of a layer: attention has four, the feed-forward network three, gated four. */
static size_t layer_length(const struct ct_config *cfg, bool cross)
{
	return 7u + (cross ? 4 : 0) + cfg->gated;
}

size_t ct_program_length(const struct ct_config *cfg)
{
	return layer_length(cfg, ct_has_encoder(cfg)) * cfg->n_layer + 2 +
	       !cfg->post_norm;
}

size_t ct_encoder_length(const struct ct_config *cfg)
{
	if (!ct_has_encoder(cfg))
		return 0;
	/* and for each of the decoder's layers keys and values, and their storing */
	return layer_length(cfg, false) * cfg->enc.n_layer + 1 + !cfg->post_norm +
	       2 * (size_t)cfg->n_layer;
}

/* ---- Which linear is which ---------------------------------------------- */

size_t ct_encoder_linears(const struct ct_config *cfg)
{
	return (4u + cfg->gated) * (size_t)cfg->enc.n_layer +
	       (ct_has_encoder(cfg) ? cfg->n_layer : 0);
}

size_t ct_program_linears(const struct ct_config *cfg)
{
	size_t layer = 4u + cfg->gated + (ct_has_encoder(cfg) ? 2 : 0);

	return ct_encoder_linears(cfg) + layer * cfg->n_layer + 1;
}

static struct ct_linear_id *put(struct ct_linear_id *next, enum ct_role role, uint32_t layer,
			     uint32_t base, enum ct_insn_kind kind)
{
	*next = (struct ct_linear_id){ role, layer, base + layer, kind };
	return next + 1;
}

void ct_program_list(const struct ct_config *cfg, struct ct_linear_id *l)
{
	uint32_t enc = cfg->enc.n_layer;

	for (uint32_t i = 0; i < enc; i++) {
		l = put(l, CT_ENC_QKV, i, 0, CT_INSN_QKV);
		l = put(l, CT_ENC_ATTN_OUT, i, 0, CT_INSN_PROJECTION);
		l = put(l, CT_ENC_FC, i, 0, CT_INSN_FFN_UP);
		if (cfg->gated)
			l = put(l, CT_ENC_FC_GATE, i, 0, CT_INSN_FFN_UP);
		l = put(l, CT_ENC_MLP_OUT, i, 0, CT_INSN_FFN_DOWN);
	}
	for (uint32_t i = 0; i < cfg->n_layer && enc; i++)
		l = put(l, CT_XKV, i, enc, CT_INSN_QKV);
	for (uint32_t i = 0; i < cfg->n_layer; i++) {
		l = put(l, CT_QKV, i, enc, CT_INSN_QKV);
		l = put(l, CT_ATTN_OUT, i, enc, CT_INSN_PROJECTION);
		if (enc) {
			l = put(l, CT_XQ, i, enc, CT_INSN_QKV);
			l = put(l, CT_X_OUT, i, enc, CT_INSN_PROJECTION);
		}
		l = put(l, CT_FC, i, enc, CT_INSN_FFN_UP);
		if (cfg->gated)
			l = put(l, CT_FC_GATE, i, enc, CT_INSN_FFN_UP);
		l = put(l, CT_MLP_OUT, i, enc, CT_INSN_FFN_DOWN);
	}
	put(l, cfg->tied_head ? CT_WTE : CT_LM_HEAD, 0, 0, CT_INSN_HEAD);
}

/* ---- Building ------------------------------------------------------------ */

static void cross(struct ct_builder *b)
{
	const struct ct_layer_va *v = &b->layer_va[b->layer];
	const struct ct_activations *act = b->act;
	uint32_t d = b->cfg->n_embd, width = b->n_head * b->head_dim;
	struct ctrans_insn_linear *l;

	if (!b->cfg->post_norm)
		ct_build_norm(b, &v->ln_x);
	l = ct_build_linear(b, CTRANS_INSN_LINEAR, CT_INSN_QKV, &v->xq, d, width);
	ct_build_rows(l, ct_build_normed(b), act->x_stride, act->qkv, act->qkv_stride);
	ct_build_attention(b, CTRANS_ATTEND_SOURCE,
			   ct_program_source_offset(b->cfg, b->at->kv, b->layer));
	ct_build_sum(b, CT_INSN_PROJECTION, &v->xout, act->att, act->att_stride, width);
	if (b->cfg->post_norm)
		ct_build_norm(b, &v->ln_x);
}

void ct_program_build(const struct ct_config *cfg,
		      const struct ct_program_layout *at, struct ctrans_insn *insn)
{
	struct ct_builder b = {
		.cfg = cfg, .at = at, .act = &at->act, .layer_va = at->layer,
		.n_layer = cfg->n_layer, .n_head = cfg->n_head,
		.head_dim = cfg->head_dim, .n_inner = cfg->n_inner,
		.distances = at->distances, .tag_base = cfg->enc.n_layer,
		.next = insn, .linears = ct_encoder_linears(cfg),
	};
	struct ctrans_insn_linear *l;

	ct_build_embed(&b, &at->wte, cfg->n_vocab);
	for (b.layer = 0; b.layer < b.n_layer; b.layer++) {
		ct_build_self(&b, CTRANS_ATTEND_CAUSAL,
			      ct_program_layer_offset(cfg, at->kv, b.layer));
		if (ct_has_encoder(cfg))
			cross(&b);
		ct_build_ffn(&b);
	}
	if (!cfg->post_norm)
		ct_build_norm(&b, &at->ln_f);
	l = ct_build_linear(&b, CTRANS_INSN_LOGITS, CT_INSN_HEAD, &at->head,
			    cfg->n_embd, cfg->n_vocab);
	ct_build_rows(l, ct_build_normed(&b), at->act.x_stride, at->logits,
		      at->logits_stride);
	l->topk_va = at->topk;
	l->topk_stride = at->topk_stride;
	l->rows_max = at->logits_rows;
	l->top_k = (uint16_t)at->top_k;
}

/* What the decoder's layers will attend to, from what the encoder has made. */
static void store(struct ct_builder *b)
{
	const struct ct_config *c = b->cfg;
	uint32_t width = c->n_head * c->head_dim;
	struct ctrans_insn_attention *a;
	struct ctrans_insn_linear *l;

	b->n_head = c->n_head;
	b->head_dim = c->head_dim;
	b->tag_base = c->enc.n_layer;
	for (b->layer = 0; b->layer < c->n_layer; b->layer++) {
		l = ct_build_linear(b, CTRANS_INSN_LINEAR, CT_INSN_QKV,
				    &b->at->layer[b->layer].xkv, c->n_embd, 2 * width);
		ct_build_rows(l, ct_build_normed(b), b->act->x_stride, b->act->qkv,
			      b->act->qkv_stride);
		a = ct_build_attention(b, CTRANS_ATTEND_STORE,
				       ct_program_source_offset(c, b->at->kv, b->layer));
		a->q_va = 0;
		a->out_va = 0;
		a->q_stride = 0;
		a->out_stride = 0;
		a->k_va = b->act->qkv;
		a->v_va = b->act->qkv + 4ull * width;
		a->kv_stride = b->act->qkv_stride;
	}
}

void ct_encoder_build(const struct ct_config *cfg,
		      const struct ct_program_layout *at, struct ctrans_insn *insn)
{
	struct ct_builder b = {
		.cfg = cfg, .at = at, .act = &at->enc_act, .layer_va = at->enc_layer,
		.n_layer = cfg->enc.n_layer, .n_head = cfg->enc.n_head,
		.head_dim = cfg->enc.head_dim, .n_inner = cfg->enc.n_inner,
		.distances = at->enc_distances, .next = insn,
	};

	ct_build_embed(&b, &at->enc_wte, cfg->enc.n_vocab);
	for (b.layer = 0; b.layer < b.n_layer; b.layer++) {
		ct_build_self(&b, CTRANS_ATTEND_FULL, 0);
		ct_build_ffn(&b);
	}
	if (!cfg->post_norm)
		ct_build_norm(&b, &at->enc_ln_f);
	store(&b);
}
