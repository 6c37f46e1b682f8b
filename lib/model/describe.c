// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "model/converted.h"
#include "model/model.h"

static const char *const tokenizers[] = {
	[CT_TOKENIZER_NONE] = "none",
	[CT_TOKENIZER_HF_JSON] = "tokenizer.json",
	[CT_TOKENIZER_HF_BPE] = "vocab.json and merges.txt",
	[CT_TOKENIZER_HF_SPM] = "SentencePiece",
	[CT_TOKENIZER_HF_FSMT] = "Moses and BPE",
	[CT_TOKENIZER_GGUF] = "embedded",
	[CT_TOKENIZER_CONVERTED] = "embedded",
};

const char *ct_tokenizer_name(const struct ct_model *model)
{
	return tokenizers[model->tokenizer];
}

static void count(struct ct_model_info *info, const struct ct_matrix *m)
{
	info->bytes += m->t.nbytes;
	info->n_params[m->t.dtype] += m->t.n_elems;
}

static bool is_compressed(const struct ct_gguf *gguf)
{
	struct ct_str s = { "", 0 };

	return !ct_gguf_string_opt(gguf, CT_KEY_ENCODING, &s, NULL) &&
	       s.len == strlen(CT_ENCODING_ESC) && !memcmp(s.ptr, CT_ENCODING_ESC, s.len);
}

static void describe_converted(const struct ct_model *model,
			       struct ct_model_info *info)
{
	info->format = is_compressed(&model->gguf) ? "GGUF v3, converted, compressed" :
						     "GGUF v3, converted";
	for (size_t i = 0; i < model->tensors.n; i++) {
		const struct ct_tensor *t = &model->tensors.v[i];

		/* a model of its own */
		if (!strcmp(t->name, CT_TENSOR_LITTLE))
			continue;
		info->bytes += t->nbytes;
		/* sums of columns are no parameters */
		if (t->dtype < CT_N_DTYPES)
			info->n_params[t->dtype] += t->n_elems;
	}
}

void ct_model_describe(const struct ct_model *model,
		       struct ct_model_info *info)
{
	const struct ct_weights *g = &model->weights;

	memset(info, 0, sizeof(*info));
	if (model->converted) {
		describe_converted(model, info);
		return;
	}
	info->format = model->format == CT_FORMAT_HF ? "safetensors" :
		       model->gguf.version == 2 ? "GGUF v2" : "GGUF v3";
	for (size_t s = 0; s < ct_weight_slots(&g->cfg); s++)
		for (unsigned int i = 0; i < g->slots[s].n; i++)
			count(info, &g->slots[s].v[i]);
}

void ct_model_dtype_mix(const struct ct_model_info *info, char *text,
			size_t size)
{
	bool done[CT_N_DTYPES] = { false };
	size_t at = 0;

	if (size)
		text[0] = '\0';
	for (int n = 0; n < CT_N_DTYPES; n++) {
		int best = -1;

		for (int d = 0; d < CT_N_DTYPES; d++)
			if (!done[d] && info->n_params[d] &&
			    (best < 0 ||
			     info->n_params[d] > info->n_params[best]))
				best = d;
		if (best < 0 || at >= size)
			return;
		done[best] = true;
		at += (size_t)snprintf(text + at, size - at, "%s%s",
				       at ? "+" : "",
				       ct_dtype_name((enum ct_dtype)best));
	}
}
