// SPDX-License-Identifier: MIT
/*
 * The input is a safetensors header; the file's size is taken from the
 * input's length, so that both fitting and truncated files occur.
 */
#include <stdlib.h>
#include <string.h>

#include "model/weights.h"
#include "model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STACKS	\
	.n_vocab = 4, .n_ctx = 2, .n_embd = 2, .n_layer = 1, .n_head = 1, .head_dim = 2, \
	.n_inner = 2, .tied_head = true, .enc = { 4, 1, 1, 2, 2 }

static const struct ct_config configs[] = {
	{ .n_vocab = 4, .n_ctx = 2, .n_embd = 2, .n_layer = 1, .n_head = 1,
	  .head_dim = 2, .n_inner = 2, .tied_head = true, .biases = true },
	{ .arch = CT_ARCH_T5, STACKS, .rms_norm = true, .shared_table = true,
	  .positions = CT_POSITIONS_RELATIVE, .rel_buckets = 4, .rel_span = 8 },
	{ .arch = CT_ARCH_FSMT, STACKS, .post_norm = true, .biases = true,
	  .positions = CT_POSITIONS_SINUSOID },
};

/* Use what was accepted, as the loader would. */
static void bind(const struct ct_tensors *table, const struct ct_config *cfg)
{
	struct ct_weights weights = { .cfg = *cfg };
	struct ct_weight *w;
	size_t n;

	if (ct_weights_bind(&weights, table, CT_NAMES_HF, NULL))
		return;
	if (!ct_weights_list(&weights, &w, &n, NULL))
		free(w);
	ct_weights_free(&weights);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ct_tensors table = { 0 };
	struct ct_err err;
	/* Tensor bytes there are, from the last two bytes of the input. */
	uint64_t room = size < 2 ? 0 : data[size - 2] | data[size - 1] << 8;
	size_t len = size < 2 ? size : size - 2;
	char *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	if (!ct_safetensors_parse(copy, len, 8 + len, 8 + len + room, 0,
				  &table, NULL, &err) &&
	    !ct_tensors_sort(&table, &err)) {
		for (size_t i = 0; i < table.n; i++)
			if (table.v[i].offset + table.v[i].nbytes >
			    8 + len + room)
				abort();
		for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++)
			bind(&table, &configs[i]);
	}
	ct_tensors_free(&table);
	free(copy);
	return 0;
}
