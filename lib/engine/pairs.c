// SPDX-License-Identifier: MIT
#include "engine/pairs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/calibrate.h"
#include "engine/core_impl.h"
#include "text/tokenizer.h"

/* What a model writes of a source of n tokens is at most 2 n and so many. */
#define WRITTEN_MORE	16u

uint64_t ct_pairs_sources(const struct ctrans_pair *pairs, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += pairs[i].n_source;
	return sum;
}

uint64_t ct_pairs_texts(const struct ctrans_pair *pairs, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += pairs[i].n_target;
	return sum;
}

size_t ct_pairs_longest(const struct ctrans_pair *pairs, size_t n)
{
	size_t most = 0;

	for (size_t i = 0; i < n; i++)
		most = pairs[i].n_source > most ? pairs[i].n_source : most;
	return most;
}

int ct_pairs_check(const struct ct_core *core, const struct ctrans_pair *pairs, size_t n,
		   struct ct_err *err)
{
	bool encoder = ct_has_encoder(&core->cfg);
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++) {
		const struct ctrans_pair *p = &pairs[i];

		if (!p->target || !p->n_target)
			return ct_fail(err, -EINVAL, "no tokens to run");
		if (!encoder && p->n_source)
			return ct_fail(err, -ENOTSUP,
				       "the model has no encoder: there is nothing that reads a source");
		if (encoder && (!p->source || !p->n_source))
			return ct_fail(err, -EINVAL,
				       "the model has an encoder: its texts need the sources that they are made from");
		if (encoder)
			ret = ct_source_check(core, p->source, p->n_source, err);
	}
	return ret;
}

/* ---- Reading ---------------------------------------------------------- */

struct reading {
	struct ct_core *core;
	struct ct_pairs *to;
	const char *prefix;
	size_t most;
	struct ct_ids source, target;	/* of the line at hand */
};

static int no_memory(struct ct_err *err)
{
	return ct_fail(err, -ENOMEM, "no memory for a calibration text");
}

static int read_source(struct reading *r, const char *line, size_t len,
		       struct ct_err *err)
{
	const struct ct_config *cfg = &r->core->cfg;
	uint32_t eos = (uint32_t)cfg->eos_id;
	struct ct_buf text = { 0 };
	int ret = 0;

	r->source.n = 0;
	if (ct_buf_append(&text, r->prefix, strlen(r->prefix)) ||
	    ct_buf_append(&text, line, len))
		ret = no_memory(err);
	if (!ret)
		ret = ct_tokenizer_source(r->core->tokenizer, text.data, text.n, false,
					  &r->source, err);
	ct_buf_free(&text);
	if (!ret && r->source.n >= r->core->at.n_source)
		r->source.n = r->core->at.n_source - (cfg->eos_id >= 0);
	if (!ret && cfg->eos_id >= 0 && ct_ids_append(&r->source, eos))
		ret = no_memory(err);
	return ret;
}

static bool ends(const struct ct_config *cfg, uint32_t token)
{
	for (uint32_t i = 0; i < cfg->n_eos; i++)
		if (cfg->eos_ids[i] == token)
			return true;
	return false;
}

/* One token after the other, the likeliest each time. */
static int write_on(struct reading *r, struct ct_seq *seq, size_t most, struct ct_err *err)
{
	struct ct_step_row row = { .seq = seq };
	struct ct_best best;

	row.best = &best;
	while (r->target.n < most) {
		int ret;

		row.token = r->target.data[r->target.n - 1];
		ret = ct_core_step(r->core, &row, 1, NULL, err);
		if (ret)
			return ret;
		if (!best.n || ends(&r->core->cfg, best.top[0].id))
			break;
		if (ct_ids_append(&r->target, best.top[0].id))
			return no_memory(err);
	}
	return 0;
}

static int write_target(struct reading *r, struct ct_err *err)
{
	size_t most = 2 * r->source.n + WRITTEN_MORE;
	struct ct_source *source = NULL;
	struct ct_seq *seq = NULL;
	int ret;

	most = most < r->core->context ? most : r->core->context;
	ret = ct_core_encode(r->core, r->source.data, r->source.n, NULL, NULL, &source,
			     err);
	if (!ret)
		ret = ct_seq_open(r->core, &seq, err);
	if (!ret) {
		ct_seq_unshared(seq);
		ct_seq_attend(seq, source);
		ret = write_on(r, seq, most, err);
		ct_seq_close(seq);
	}
	ct_source_drop(source);
	return ret;
}

static int read_target(struct reading *r, const char *text, size_t len,
		       struct ct_err *err)
{
	int ret;

	r->target.n = 0;
	if (ct_ids_append(&r->target, (uint32_t)r->core->cfg.start_id))
		return no_memory(err);
	if (!len)
		return write_target(r, err);
	ret = ct_tokenizer_encode(r->core->tokenizer, text, len, false, &r->target, err);
	if (r->target.n > r->core->context)
		r->target.n = r->core->context;
	return ret;
}

/* Its tokens follow those of the pair before; pointers come when none moves. */
static int keep(struct reading *r, struct ct_err *err)
{
	struct ct_pairs *to = r->to;

	if (ct_array_grow(&to->v, &to->cap, to->n + 1, sizeof(*to->v)) ||
	    ct_ids_append_all(&to->ids, &r->source) ||
	    ct_ids_append_all(&to->ids, &r->target))
		return no_memory(err);
	to->v[to->n++] = (struct ctrans_pair){
		.n_source = r->source.n, .n_target = r->target.n,
	};
	return 0;
}

static void point(struct ct_pairs *pairs)
{
	const uint32_t *at = pairs->ids.data;

	for (size_t i = 0; i < pairs->n; i++) {
		struct ctrans_pair *p = &pairs->v[i];

		p->source = p->n_source ? at : NULL;
		at += p->n_source;
		p->target = at;
		at += p->n_target;
	}
}

/* @full: it is more than may be taken. */
static int read_line(struct reading *r, const char *line, size_t len, bool *full,
		     struct ct_err *err)
{
	const char *tab = memchr(line, '\t', len), *text, *end;
	int ret;

	text = tab ? tab + 1 : line + len;
	end = memchr(text, '\t', (size_t)(line + len - text));
	if (!end)
		end = line + len;
	ret = read_source(r, line, (size_t)((tab ? tab : line + len) - line), err);
	/* before a long target is written for nothing */
	*full = r->to->n && r->to->ids.n + r->source.n + 1 > r->most;
	if (!ret && !*full)
		ret = read_target(r, text, (size_t)(end - text), err);
	if (ret || *full)
		return ret;
	*full = r->to->n && r->to->ids.n + r->source.n + r->target.n > r->most;
	return *full ? 0 : keep(r, err);
}

static int read_lines(struct reading *r, const char *text, size_t len, struct ct_err *err)
{
	const char *end = text + len, *next;
	size_t number = 0;
	bool full = false;
	int ret = 0;

	for (; text < end && !ret && !full && r->to->ids.n < r->most; text = next) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		number++;
		stop = stop ? stop : end;
		next = stop < end ? stop + 1 : end;
		if (stop > text && stop[-1] == '\r')
			stop--;
		if (stop == text)
			continue;
		if (*text == '\t')
			return ct_fail(err, -EINVAL,
				       "the calibration text's line %zu has no source before its tab",
				       number);
		ret = read_line(r, text, (size_t)(stop - text), &full, err);
	}
	return ret;
}

static int find_prefix(const struct ct_core *core, const char *name, struct ct_task *task,
		       struct ct_err *err)
{
	task->prefix[0] = '\0';
	if (name && *name)
		return ct_tasks_find(&core->tasks, &core->cfg, name, task, err);
	if (core->tasks.n)
		*task = core->tasks.v[0];
	return 0;
}

static int read_pairs(struct ct_core *core, const char *text, size_t len,
		      const char *name, size_t most, struct ct_pairs *pairs,
		      struct ct_err *err)
{
	struct reading r = { .core = core, .to = pairs, .most = most };
	struct ct_task task;
	int ret = find_prefix(core, name, &task, err);

	r.prefix = task.prefix;
	if (!ret)
		ret = read_lines(&r, text, len, err);
	ct_ids_free(&r.source);
	ct_ids_free(&r.target);
	return ret;
}

static int read_text(struct ct_core *core, const char *text, size_t len, size_t most,
		     struct ct_pairs *pairs, struct ct_err *err)
{
	int ret = ct_tokenizer_encode(core->tokenizer, text, len, false, &pairs->ids,
				      err);

	if (!ret && ct_array_grow(&pairs->v, &pairs->cap, 1, sizeof(*pairs->v)))
		ret = no_memory(err);
	if (ret)
		return ret;
	pairs->v[0] = (struct ctrans_pair){
		.n_target = pairs->ids.n < most ? pairs->ids.n : most,
	};
	pairs->n = 1;
	return 0;
}

int ct_pairs_read(struct ct_core *core, const char *text, size_t len, const char *task,
		  size_t most, struct ct_pairs *pairs, struct ct_err *err)
{
	bool encoder = ct_has_encoder(&core->cfg);
	int ret = 0;

	*pairs = (struct ct_pairs){ 0 };
	if (!core->tokenizer)
		return ct_fail(err, -ENOTSUP,
			       "calibration needs a tokenizer, and the model has none");
	if (!encoder && task && *task) {
		struct ct_task none;

		ret = ct_tasks_find(&core->tasks, &core->cfg, task, &none, err);
	}
	if (!ret)
		ret = encoder ? read_pairs(core, text, len, task, most, pairs, err) :
				read_text(core, text, len, most, pairs, err);
	if (!ret && pairs->ids.n < CT_CALIBRATION_LEAST)
		ret = ct_fail(err, -EINVAL,
			      "the calibration text has %zu tokens; at least %u are needed, "
			      "and some thousands are better", pairs->ids.n,
			      CT_CALIBRATION_LEAST);
	if (ret) {
		ct_pairs_free(pairs);
		return ret;
	}
	point(pairs);
	return 0;
}

void ct_pairs_free(struct ct_pairs *pairs)
{
	ct_ids_free(&pairs->ids);
	free(pairs->v);
	*pairs = (struct ct_pairs){ 0 };
}
