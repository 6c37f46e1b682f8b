// SPDX-License-Identifier: MIT
#include "engine/little.h"

#include <errno.h>

#include "text/tokenizer.h"

uint32_t ct_little_context(const struct ct_core *big)
{
	/* distances have no end: one that knows places by them goes as far as asked */
	return ct_core_config(big)->positions == CT_POSITIONS_RELATIVE ?
		       ct_core_context(big) : 0;
}

void ct_little_params(const struct ct_core *big, struct ctrans_model_params *p)
{
	p->context = ct_little_context(big);
	p->little = "";
	/* a device has one operating point; and what there is to see is the big one's */
	p->power_cap = 0;
	p->deadline = 0;
	p->progress = NULL;
}

int ct_little_check(const struct ct_core *big, const struct ct_core *little,
		    struct ct_err *err)
{
	uint32_t vocab = ct_core_config(big)->n_vocab, id;
	const struct ct_tokenizer *tokenizer = ct_core_tokenizer(big);
	const struct ct_tokenizer *its = ct_core_tokenizer(little);

	if (ct_core_config(little)->n_vocab != vocab)
		return ct_fail(err, -EINVAL,
			       "it has %u tokens and the model %u: a little model needs the same tokenizer",
			       ct_core_config(little)->n_vocab, vocab);
	if (ct_has_encoder(ct_core_config(little)) != ct_has_encoder(ct_core_config(big)))
		return ct_fail(err, -EINVAL,
			       "one of the two has an encoder and the other none: a little model is of the model's family");
	if (ct_core_config(little)->enc.n_vocab != ct_core_config(big)->enc.n_vocab)
		return ct_fail(err, -EINVAL,
			       "it reads %u tokens and the model %u: a little model needs the same tokenizer",
			       ct_core_config(little)->enc.n_vocab,
			       ct_core_config(big)->enc.n_vocab);
	/* it follows every text, so it has to hold the longest */
	if (ct_core_context(little) < ct_core_context(big))
		return ct_fail(err, -EINVAL,
			       "it has %u positions and the model's context is %u: open the model with a context of %u, or with another little one",
			       ct_core_context(little), ct_core_context(big),
			       ct_core_context(little));
	/* one without a tokenizer takes the model's on trust */
	if (!tokenizer || !its || ct_tokenizer_same(tokenizer, its, &id))
		return 0;
	return ct_fail(err, -EINVAL,
		       "token %u is another than the model's: a little model needs the same tokenizer",
		       id);
}
