// SPDX-License-Identifier: MIT
/* The input is a config.json, and a generation_config.json over a good one. */
#include <stdlib.h>
#include <string.h>

#include "model/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct ct_config *c)
{
	if (ct_config_check(c, NULL) || c->bos_id >= c->n_vocab ||
	    c->eos_id >= c->n_vocab || c->n_eos > CT_MAX_EOS ||
	    (c->n_eos > 0) != (c->eos_id >= 0))
		abort();
	for (uint32_t i = 0; i < c->n_eos; i++)
		if (c->eos_ids[i] >= c->n_vocab)
			abort();
	ct_config_n_params(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ct_config c;
	struct ct_err err;
	char *copy = malloc(size ? size : 1);

	memcpy(copy, data, size);
	if (!ct_config_json(copy, size, &c, &err))
		check(&c);
	ct_config_shape("gpt2", &c, &err);
	if (!ct_config_generation(copy, size, &c, &err))
		check(&c);
	free(copy);
	return 0;
}
