// SPDX-License-Identifier: MIT
/* config.json of FSMT (configuration_fsmt.py of Hugging Face transformers). */
#include <errno.h>
#include <math.h>

#include "model/config_impl.h"

static int get_shape(const cJSON *root, struct ct_config *c, struct ct_err *err)
{
	const struct ct_config_item items[] = {
		{ "tgt_vocab_size", &c->n_vocab, true },
		{ "src_vocab_size", &c->enc.n_vocab, true },
		{ "d_model", &c->n_embd, true },
		{ "max_position_embeddings", &c->n_ctx, false },
		{ "encoder_layers", &c->enc.n_layer, true },
		{ "encoder_attention_heads", &c->enc.n_head, true },
		{ "encoder_ffn_dim", &c->enc.n_inner, true },
		{ "decoder_layers", &c->n_layer, true },
		{ "decoder_attention_heads", &c->n_head, true },
		{ "decoder_ffn_dim", &c->n_inner, true },
	};
	int code;

	c->n_ctx = 1024;
	code = ct_config_counts(root, items, sizeof(items) / sizeof(items[0]), err);
	if (code)
		return code;
	if (!c->enc.n_layer)
		return ct_fail(err, -EBADMSG, "\"encoder_layers\" is 0");
	c->head_dim = c->n_head ? c->n_embd / c->n_head : 0;
	c->enc.head_dim = c->enc.n_head ? c->n_embd / c->enc.n_head : 0;
	return 0;
}

int ct_config_fsmt_json(const cJSON *root, struct ct_config *c, struct ct_err *err)
{
	const char *act = "relu";
	bool scale = true;
	int code;

	c->positions = CT_POSITIONS_SINUSOID;
	c->post_norm = true;
	c->biases = true;
	c->scale_attn = true;
	/* inside of the class, whatever tie_word_embeddings says of both tables */
	c->tied_head = true;
	c->ln_eps = 1e-5f;
	code = get_shape(root, c, err);
	if (!code)
		code = ct_json_string_opt(root, "activation_function", &act, err);
	if (!code)
		code = ct_config_act(act, &c->act, err);
	if (!code)
		code = ct_json_bool_opt(root, "scale_embedding", &scale, err);
	if (code)
		return code;
	if (scale)
		c->embed_factor = (float)sqrt((double)c->n_embd);
	/* FSMTConfig's defaults */
	if (c->n_vocab > 2) {
		c->bos_id = 0;
		c->pad_id = 1;
		c->start_id = 2;
		ct_config_add_eos(c, 2);
	}
	code = ct_config_ids(root, c, err);
	if (code)
		return code;
	/* positions are numbered from behind the padding's */
	c->first_position = c->pad_id >= 0 ? (uint32_t)c->pad_id + 1 : 0;
	return ct_config_check(c, err);
}
