// SPDX-License-Identifier: MIT
#include "engine/little.h"

#include <errno.h>
#include <string.h>

#include "text/bpe.h"

void ct_little_params(struct ctrans_model_params *p)
{
	p->context = 0;
	p->little = "";
	/* a device has one operating point; and what there is to see is the big one's */
	p->power_cap = 0;
	p->deadline = 0;
	p->progress = NULL;
}

static bool same_token(const struct ct_bpe *a, const struct ct_bpe *b, uint32_t id)
{
	const char *bytes[2];
	size_t len[2];
	int ret[2];

	ret[0] = ct_bpe_bytes(a, id, &bytes[0], &len[0]);
	ret[1] = ct_bpe_bytes(b, id, &bytes[1], &len[1]);
	if (ret[0] || ret[1])
		return ret[0] == ret[1];
	return ct_bpe_kind(a, id) == ct_bpe_kind(b, id) && len[0] == len[1] &&
	       !memcmp(bytes[0], bytes[1], len[0]);
}

int ct_little_check(const struct ct_core *big, const struct ct_core *little,
		    struct ct_err *err)
{
	uint32_t vocab = ct_core_config(big)->n_vocab, id;
	const struct ct_bpe *bpe = ct_core_bpe(big), *its = ct_core_bpe(little);

	if (ct_core_config(little)->n_vocab != vocab)
		return ct_fail(err, -EINVAL,
			       "it has %u tokens and the model %u: a little model needs the same tokenizer",
			       ct_core_config(little)->n_vocab, vocab);
	/* it follows every text, so it has to hold the longest */
	if (ct_core_context(little) < ct_core_context(big))
		return ct_fail(err, -EINVAL,
			       "it has %u positions and the model's context is %u: open the model with a context of %u, or with another little one",
			       ct_core_context(little), ct_core_context(big),
			       ct_core_context(little));
	/* one without a tokenizer takes the model's on trust */
	if (!bpe || !its)
		return 0;
	for (id = 0; id < vocab; id++) {
		if (!same_token(bpe, its, id))
			return ct_fail(err, -EINVAL,
				       "token %u is another than the model's: a little model needs the same tokenizer",
				       id);
	}
	return 0;
}
