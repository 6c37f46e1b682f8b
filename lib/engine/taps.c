// SPDX-License-Identifier: MIT
#include "engine/taps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Beyond so many bytes of taps a step has fewer rows. */
#define BYTES_MAX	(64ull << 20)
#define ROWS_LEAST	16u

int ct_taps_open(struct ct_core *core, uint32_t rows, bool outputs,
		 struct ct_taps *taps, struct ct_err *err)
{
	size_t n = core->n_insns;
	uint64_t bytes, prog;
	int ret;

	*taps = (struct ct_taps){
		.core = core, .n = ct_program_linears(&core->cfg), .outputs = outputs,
	};
	taps->tap = calloc(taps->n, sizeof(*taps->tap));
	if (!taps->tap)
		return ct_fail(err, -ENOMEM, "out of memory");
	bytes = ct_taps_plan(core->prog, n, 1, outputs, taps->tap);
	if (rows > BYTES_MAX / bytes)
		rows = BYTES_MAX / bytes > ROWS_LEAST ?
		       (uint32_t)(BYTES_MAX / bytes) : ROWS_LEAST;
	taps->rows = rows < CT_STEP_ROWS ? rows : CT_STEP_ROWS;
	bytes = ct_taps_plan(core->prog, n, taps->rows, outputs, taps->tap);
	prog = CT_TAPS_LENGTH(n) * sizeof(struct ctrans_insn);
	ret = ct_device_alloc(core->dev, bytes + prog, &taps->buf, err);
	if (ret) {
		ct_taps_close(taps);
		return ret;
	}
	taps->prog_va = taps->buf.va + bytes;
	taps->n_insns = ct_taps_build(core->prog, n, taps->tap, taps->buf.va, outputs,
				      (void *)((uint8_t *)taps->buf.cpu + bytes));
	return 0;
}

void ct_taps_close(struct ct_taps *taps)
{
	if (taps->core)
		ct_device_free(taps->core->dev, &taps->buf);
	free(taps->tap);
	memset(taps, 0, sizeof(*taps));
}

int ct_taps_run(struct ct_taps *taps, struct ct_seq *seq, const uint32_t *tokens,
		size_t n, struct ct_err *err)
{
	struct ct_step_row rows[CT_STEP_ROWS];
	struct ct_core *core = taps->core;
	int ret;

	if (!n || n > taps->rows || n > core->context - seq->position)
		return ct_fail(err, -EINVAL, "a step of %zu tokens; there may be %u, and %u are left",
			       n, taps->rows, core->context - seq->position);
	memset(rows, 0, sizeof(rows));
	for (size_t i = 0; i < n; i++) {
		if (tokens[i] >= core->cfg.n_vocab)
			return ct_fail(err, -EINVAL, "token %u: the model has 0 to %u",
				       tokens[i], core->cfg.n_vocab - 1);
		rows[i] = (struct ct_step_row){ .seq = seq, .token = tokens[i] };
	}
	pthread_mutex_lock(&core->lock);
	ret = ct_seq_reserve(seq, seq->position + (uint32_t)n, err);
	if (!ret)
		ret = ct_core_run(core, taps->prog_va, taps->n_insns, rows, n, false,
				  err);
	if (ret)
		ct_seq_retreat(core, rows, n);
	else
		ct_seq_advance(core, rows, n);
	pthread_mutex_unlock(&core->lock);
	return ret;
}

int ct_taps_text(struct ct_taps *taps, const uint32_t *tokens, size_t n, ct_taps_fn *fn,
		 void *arg, struct ct_err *err)
{
	uint32_t context = taps->core->context;
	struct ct_seq *seq;
	int ret;

	ret = ct_seq_open(taps->core, &seq, err);
	if (ret)
		return ret;
	ct_seq_unshared(seq);
	for (size_t at = 0, here; at < n && !ret; at += here) {
		uint32_t left;

		if (ct_seq_position(seq) == context)
			ct_seq_truncate(seq, 0);
		left = context - ct_seq_position(seq);
		here = n - at < taps->rows ? n - at : taps->rows;
		here = here < left ? here : left;
		ret = ct_taps_run(taps, seq, tokens + at, here, err);
		if (!ret)
			ret = fn(arg, taps, here, at + here, err);
	}
	ct_seq_close(seq);
	return ret;
}

static const float *at(const struct ct_taps *taps, uint64_t offset)
{
	return (const float *)((const uint8_t *)taps->buf.cpu + offset);
}

const float *ct_taps_in(const struct ct_taps *taps, size_t linear, size_t row)
{
	const struct ct_tap *t = &taps->tap[linear];

	return at(taps, t->in + row * t->in_stride);
}

const float *ct_taps_out(const struct ct_taps *taps, size_t linear, size_t row)
{
	const struct ct_tap *t = &taps->tap[linear];

	return at(taps, t->out + row * t->out_stride);
}
