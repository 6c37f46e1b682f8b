// SPDX-License-Identifier: MIT
#include "engine/taps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Beyond so many bytes of taps a text's step has fewer rows. */
#define BYTES_MAX	(64ull << 20)
#define ROWS_LEAST	16u

static size_t pick(const struct ctrans_insn *prog, size_t n, struct ctrans_insn *to)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (ct_insn_quantises(&prog[i]))
			to[k++] = prog[i];
	return k;
}

int ct_core_linears(struct ct_core *core, struct ctrans_insn *insns, struct ct_err *err)
{
	size_t n = ct_encoder_length(&core->cfg);
	struct ctrans_insn *enc = calloc(n ? n : 1, sizeof(*enc));

	if (!enc)
		return ct_fail(err, -ENOMEM, "out of memory");
	pthread_mutex_lock(&core->lock);
	if (n)
		ct_encoder_build(&core->cfg, &core->at, enc);
	insns += pick(enc, n, insns);
	pick(core->prog, core->n_insns, insns);
	pthread_mutex_unlock(&core->lock);
	free(enc);
	return 0;
}

/* ---- Opening ---------------------------------------------------------- */

static uint32_t fewer_rows(const struct ct_taps *taps, uint32_t rows)
{
	const struct ct_core *core = taps->core;
	uint64_t bytes = ct_taps_plan(core->prog, core->n_insns, 1, taps->outputs,
				      taps->tap + taps->decoder.first);

	if (rows > BYTES_MAX / bytes)
		rows = BYTES_MAX / bytes > ROWS_LEAST ?
		       (uint32_t)(BYTES_MAX / bytes) : ROWS_LEAST;
	return rows < CT_STEP_ROWS ? rows : CT_STEP_ROWS;
}

/* Its own instructions follow its taps. */
static int open_program(struct ct_taps *taps, struct ct_taps_program *p,
			const struct ctrans_insn *prog, size_t n, struct ct_err *err)
{
	uint64_t insns = CT_TAPS_LENGTH(n) * sizeof(*prog);
	int ret;

	p->insns_at = ct_taps_plan(prog, n, p->rows, taps->outputs, taps->tap + p->first);
	ret = ct_device_alloc(taps->core->dev, p->insns_at + insns, &p->buf, err);
	if (ret)
		ct_err_prefix(err, "activations of %u tokens", p->rows);
	return ret;
}

static void build(const struct ct_taps *taps, struct ct_taps_program *p,
		  const struct ctrans_insn *prog, size_t n)
{
	p->n_insns = ct_taps_build(prog, n, taps->tap + p->first, p->buf.va,
				   taps->outputs,
				   (void *)((uint8_t *)p->buf.cpu + p->insns_at));
}

static int open_encoder(struct ct_taps *taps, struct ct_err *err)
{
	struct ct_core *core = taps->core;
	int ret;

	pthread_mutex_lock(&core->lock);
	ret = ct_encoder_reserve(core, taps->encoder.rows, err);
	if (!ret)
		ret = open_program(taps, &taps->encoder, core->encoder.prog,
				   core->encoder.n_insns, err);
	pthread_mutex_unlock(&core->lock);
	return ret;
}

int ct_taps_open(struct ct_core *core, uint32_t rows, uint32_t source, bool outputs,
		 struct ct_taps *taps, struct ct_err *err)
{
	size_t n = ct_program_linears(&core->cfg), enc = ct_encoder_linears(&core->cfg);
	int ret;

	*taps = (struct ct_taps){
		.core = core, .n = n, .outputs = outputs,
		.encoder = { .n = source ? enc : 0, .rows = source },
		.decoder = { .first = enc, .n = n - enc },
	};
	taps->tap = calloc(n, sizeof(*taps->tap));
	taps->insn = calloc(n, sizeof(*taps->insn));
	ret = taps->tap && taps->insn ? ct_core_linears(core, taps->insn, err) :
					ct_fail(err, -ENOMEM, "out of memory");
	if (!ret) {
		taps->decoder.rows = fewer_rows(taps, rows);
		ret = open_program(taps, &taps->decoder, core->prog, core->n_insns, err);
	}
	if (!ret && taps->encoder.n)
		ret = open_encoder(taps, err);
	if (ret) {
		ct_taps_close(taps);
		return ret;
	}
	build(taps, &taps->decoder, core->prog, core->n_insns);
	return 0;
}

void ct_taps_close(struct ct_taps *taps)
{
	if (taps->core) {
		ct_device_free(taps->core->dev, &taps->encoder.buf);
		ct_device_free(taps->core->dev, &taps->decoder.buf);
	}
	free(taps->tap);
	free(taps->insn);
	memset(taps, 0, sizeof(*taps));
}

/* ---- Running ---------------------------------------------------------- */

static uint64_t insns_va(const struct ct_taps_program *p)
{
	return p->buf.va + p->insns_at;
}

static int check_text(const struct ct_taps *taps, const struct ct_seq *seq,
		      const uint32_t *tokens, size_t n, struct ct_err *err)
{
	const struct ct_core *core = taps->core;

	if (!n || n > taps->decoder.rows || n > core->context - seq->position)
		return ct_fail(err, -EINVAL, "a step of %zu tokens; there may be %u, and %u are left",
			       n, taps->decoder.rows, core->context - seq->position);
	if (ct_has_encoder(&core->cfg) && !seq->source)
		return ct_fail(err, -EINVAL,
			       "the model has an encoder, and the text no source that it has read");
	for (size_t i = 0; i < n; i++)
		if (tokens[i] >= core->cfg.n_vocab)
			return ct_fail(err, -EINVAL, "token %u: the model has 0 to %u",
				       tokens[i], core->cfg.n_vocab - 1);
	return 0;
}

int ct_taps_run(struct ct_taps *taps, struct ct_seq *seq, const uint32_t *tokens,
		size_t n, struct ct_err *err)
{
	struct ct_step_row rows[CT_STEP_ROWS];
	struct ct_core *core = taps->core;
	int ret = check_text(taps, seq, tokens, n, err);

	if (ret)
		return ret;
	memset(rows, 0, sizeof(rows));
	for (size_t i = 0; i < n; i++)
		rows[i] = (struct ct_step_row){ .seq = seq, .token = tokens[i] };
	pthread_mutex_lock(&core->lock);
	ret = ct_seq_reserve(seq, seq->position + (uint32_t)n, err);
	if (!ret)
		ret = ct_core_run(core, insns_va(&taps->decoder), taps->decoder.n_insns,
				  rows, n, false, err);
	if (ret)
		ct_seq_retreat(core, rows, n);
	else
		ct_seq_advance(core, rows, n);
	pthread_mutex_unlock(&core->lock);
	return ret;
}

/* Lock held. The activations may have moved since the last one was read. */
static int run_encoder(struct ct_taps *taps, const struct ct_source *source,
		       const uint32_t *tokens, uint32_t n, struct ct_err *err)
{
	struct ct_core *core = taps->core;
	int ret = ct_encoder_reserve(core, n, err);

	if (ret)
		return ret;
	build(taps, &taps->encoder, core->encoder.prog, core->encoder.n_insns);
	ct_encoder_args(core, source, tokens, n);
	return ct_core_submit(core, insns_va(&taps->encoder), taps->encoder.n_insns,
			      core->encoder.args_va, 0, err);
}

int ct_taps_encode(struct ct_taps *taps, const uint32_t *tokens, size_t n,
		   struct ct_source **out, struct ct_err *err)
{
	struct ct_core *core = taps->core;
	struct ct_source *source;
	int ret = ct_source_check(core, tokens, n, err);

	if (!ret && (!taps->encoder.n || n > taps->encoder.rows))
		ret = ct_fail(err, -EINVAL, "a source of %zu tokens; there may be %u", n,
			      taps->encoder.n ? taps->encoder.rows : 0);
	if (!ret)
		ret = ct_source_open(core, (uint32_t)n, &source, err);
	if (ret)
		return ret;
	pthread_mutex_lock(&core->lock);
	ret = run_encoder(taps, source, tokens, (uint32_t)n, err);
	pthread_mutex_unlock(&core->lock);
	if (ret) {
		ct_source_drop(source);
		return ret;
	}
	*out = source;
	return 0;
}

/* ---- Pairs ------------------------------------------------------------ */

struct walk {
	struct ct_taps *taps;
	struct ct_seq *seq;
	ct_taps_fn *fn;
	void *arg;
	uint64_t done;
};

static int tell(struct walk *w, const struct ct_taps_program *p, size_t rows,
		struct ct_err *err)
{
	struct ct_taps_step step = { p->first, p->first + p->n, rows };

	w->done += rows;
	step.done = w->done;
	return w->fn(w->arg, w->taps, &step, err);
}

static int read_source(struct walk *w, const struct ctrans_pair *pair, struct ct_err *err)
{
	struct ct_source *source = NULL;
	int ret = ct_taps_encode(w->taps, pair->source, pair->n_source, &source, err);

	if (!ret) {
		ct_seq_attend(w->seq, source);
		ret = tell(w, &w->taps->encoder, pair->n_source, err);
	}
	ct_source_drop(source);
	return ret;
}

static int run_text(struct walk *w, const struct ctrans_pair *pair, struct ct_err *err)
{
	uint32_t context = w->taps->core->context;
	int ret = 0;

	ct_seq_truncate(w->seq, 0);
	for (size_t at = 0, here; at < pair->n_target && !ret; at += here) {
		uint32_t left;

		if (ct_seq_position(w->seq) == context)
			ct_seq_truncate(w->seq, 0);
		left = context - ct_seq_position(w->seq);
		here = pair->n_target - at;
		here = here < w->taps->decoder.rows ? here : w->taps->decoder.rows;
		here = here < left ? here : left;
		ret = ct_taps_run(w->taps, w->seq, pair->target + at, here, err);
		if (!ret)
			ret = tell(w, &w->taps->decoder, here, err);
	}
	return ret;
}

int ct_taps_pairs(struct ct_taps *taps, const struct ctrans_pair *pairs, size_t n,
		  ct_taps_fn *fn, void *arg, struct ct_err *err)
{
	struct walk w = { .taps = taps, .fn = fn, .arg = arg };
	int ret = ct_seq_open(taps->core, &w.seq, err);

	if (ret)
		return ret;
	ct_seq_unshared(w.seq);
	for (size_t i = 0; i < n && !ret; i++) {
		if (pairs[i].n_source)
			ret = read_source(&w, &pairs[i], err);
		if (!ret)
			ret = run_text(&w, &pairs[i], err);
	}
	ct_seq_close(w.seq);
	return ret;
}

/* ---- What was tapped -------------------------------------------------- */

static const float *at(const struct ct_taps *taps, size_t linear, uint64_t offset)
{
	const struct ct_taps_program *p = linear < taps->decoder.first ?
					  &taps->encoder : &taps->decoder;

	return (const float *)((const uint8_t *)p->buf.cpu + offset);
}

const float *ct_taps_in(const struct ct_taps *taps, size_t linear, size_t row)
{
	const struct ct_tap *t = &taps->tap[linear];

	return at(taps, linear, t->in + row * t->in_stride);
}

const float *ct_taps_out(const struct ct_taps *taps, size_t linear, size_t row)
{
	const struct ct_tap *t = &taps->tap[linear];

	return at(taps, linear, t->out + row * t->out_stride);
}
