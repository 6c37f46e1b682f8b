// SPDX-License-Identifier: MIT
/*
 * Fixed firing thresholds, one for each linear, from running a text once.
 *
 * A program is an array without branches, so its first instructions are a
 * program too: cut off before a linear, it leaves that linear's input in memory,
 * where its root mean square over all rows can be taken.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core_impl.h"
#include "text/bpe.h"

#define CALIBRATION_TOKENS	512u
#define CALIBRATION_LEAST	16u

static double sum_of_squares(const struct ct_core *core,
			     const struct ctrans_insn_linear *l, size_t n_rows)
{
	const uint8_t *in = (const uint8_t *)core->work.cpu +
			    (l->in_va - core->work.va);
	double sum = 0.0;

	for (size_t r = 0; r < n_rows; r++) {
		const float *x = (const float *)(in + r * l->in_stride);

		for (uint32_t i = 0; i < l->n_in; i++)
			sum += (double)x[i] * x[i];
	}
	return sum;
}

static bool quantises(const struct ctrans_insn *i)
{
	return i->op == CTRANS_INSN_LINEAR || i->op == CTRANS_INSN_LOGITS;
}

/* sums[j] += squares of linear j's input for one chunk of rows */
static int measure(struct ct_core *core, const struct ct_step_row *rows, size_t n,
		   double *sums, struct ct_err *err)
{
	size_t j = 0;

	for (size_t i = 0; i < core->n_insns; i++) {
		int ret;

		if (!quantises(&core->prog[i]))
			continue;
		ret = ct_core_run(core, i, rows, n, false, err);
		if (ret)
			return ret;
		sums[j++] += sum_of_squares(core, &core->prog[i].linear, n);
	}
	return 0;
}

static int run_text(struct ct_core *core, const uint32_t *ids, size_t n,
		    double *sums, struct ct_err *err)
{
	struct ct_step_row rows[CT_STEP_ROWS];
	struct ct_seq *seq;
	int ret = ct_seq_open(core, &seq, err);

	if (ret)
		return ret;
	pthread_mutex_lock(&core->lock);
	for (size_t at = 0; at < n && !ret; at += CT_STEP_ROWS) {
		size_t here = n - at < CT_STEP_ROWS ? n - at : CT_STEP_ROWS;

		memset(rows, 0, sizeof(rows));
		for (size_t i = 0; i < here; i++)
			rows[i] = (struct ct_step_row){ .seq = seq,
							.token = ids[at + i] };
		ret = ct_seq_reserve(seq, (uint32_t)(at + here), err);
		if (!ret)
			ret = measure(core, rows, here, sums, err);
		seq->position += (uint32_t)here;
	}
	pthread_mutex_unlock(&core->lock);
	ct_seq_close(seq);
	return ret;
}

int ct_core_calibrate(struct ct_core *core, const char *text, size_t len,
		      float levels, struct ct_err *err)
{
	size_t n_linears = ct_program_linears(&core->cfg), n, j = 0;
	struct ct_ids ids = { 0 };
	double *sums = NULL;
	int ret;

	if (!core->bpe)
		return ct_fail(err, -ENOTSUP,
			       "calibration needs a tokenizer, and the model has none");
	ret = ct_bpe_encode(core->bpe, text, len, 0, &ids, err);
	if (ret)
		return ret;
	n = ids.n < CALIBRATION_TOKENS ? ids.n : CALIBRATION_TOKENS;
	if (n > core->context)
		n = core->context;
	if (n < CALIBRATION_LEAST) {
		ret = ct_fail(err, -EINVAL,
			      "the calibration text has %zu tokens; at least %u are needed",
			      ids.n, CALIBRATION_LEAST);
		goto out;
	}
	sums = calloc(n_linears, sizeof(*sums));
	core->theta = calloc(n_linears, sizeof(*core->theta));
	if (!sums || !core->theta) {
		ret = ct_fail(err, -ENOMEM, "out of memory");
		goto out;
	}
	ret = run_text(core, ids.data, n, sums, err);
	if (ret)
		goto out;
	for (size_t i = 0; i < core->n_insns; i++) {
		double rms;

		if (!quantises(&core->prog[i]))
			continue;
		rms = sqrt(sums[j] / ((double)n * core->prog[i].linear.n_in));
		/* a layer that is always zero has no scale; any will do */
		core->theta[j] = rms > 1e-20 ? (float)(rms / levels) : 1.0f;
		j++;
	}
	core->at.theta = core->theta;
	ct_core_build(core);
out:
	free(sums);
	ct_ids_free(&ids);
	return ret;
}
