// SPDX-License-Identifier: MIT
#include "program/memory.h"

#include <errno.h>
#include <inttypes.h>

/* Bytes of one row: inputs, 16 bits each, and sums, 32 bits, of a group of outputs. */
static uint64_t linear_row(const struct ctrans_chip_costs *c, uint32_t n_in,
			   uint32_t n_out)
{
	uint64_t group = (uint64_t)c->cores * c->cols;

	return 2ull * n_in + 4 * (n_out < group ? n_out : group);
}

/* A query and what comes of it, and the scores of one head. */
static uint64_t attention_row(uint32_t width, uint32_t n_ctx)
{
	return 8ull * width + 4ull * n_ctx;
}

static int check_row(const char *what, uint64_t bytes,
		     const struct ctrans_chip_costs *c, const char *remedy,
		     struct ct_err *err)
{
	if (bytes <= c->sram_activations)
		return 0;
	return ct_fail(err, -E2BIG,
		"one row of %s takes %" PRIu64 " KiB; the chip's activation memory has %u: %s",
		what, (bytes + 1023) / 1024, c->sram_activations / 1024, remedy);
}

static const char narrower[] = "the model is too wide for it";

static int check_stack(const struct ct_config *cfg, uint32_t width, uint32_t inner,
		       uint32_t n_ctx, const struct ctrans_chip_costs *c,
		       struct ct_err *err)
{
	uint32_t d = cfg->n_embd;
	int ret;

	ret = check_row("queries, keys and values", linear_row(c, d, 3 * width), c,
			narrower, err);
	if (!ret)
		ret = check_row("the projection", linear_row(c, width, d), c, narrower,
				err);
	if (!ret)
		ret = check_row("the first feed-forward layer", linear_row(c, d, inner), c,
				narrower, err);
	if (!ret)
		ret = check_row("the second feed-forward layer", linear_row(c, inner, d),
				c, narrower, err);
	if (!ret)
		ret = check_row("attention", attention_row(width, n_ctx), c,
				"open the model with a shorter context", err);
	return ret;
}

int ct_program_fits(const struct ct_config *cfg, uint32_t n_ctx,
		    const struct ctrans_chip_costs *c, struct ct_err *err)
{
	uint32_t d = cfg->n_embd;
	/* what the array takes at once: each HMAU its eight weights */
	uint64_t block = (uint64_t)c->rows * c->spikes_per_cycle * c->cores * c->cols;
	int ret;

	if (2 * block > c->sram_weights)
		return ct_fail(err, -E2BIG,
			"two blocks of weights take %" PRIu64 " KiB; the chip's weight memory has %u",
			2 * block / 1024, c->sram_weights / 1024);
	ret = check_row("a normalisation", 4ull * d, c, narrower, err);
	if (!ret)
		ret = check_stack(cfg, cfg->n_head * cfg->head_dim, cfg->n_inner, n_ctx, c,
				  err);
	if (!ret && ct_has_encoder(cfg))
		ret = check_stack(cfg, cfg->enc.n_head * cfg->enc.head_dim,
				  cfg->enc.n_inner, n_ctx, c, err);
	if (!ret)
		ret = check_row("the head", linear_row(c, d, cfg->n_vocab), c, narrower,
				err);
	return ret;
}
