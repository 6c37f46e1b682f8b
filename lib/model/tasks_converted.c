// SPDX-License-Identifier: MIT
/* Tasks in a converted file (model/converted.h). */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/converted.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

/* What its arrays hold, while they are read. */
struct lists {
	struct ct_str *names, *prefixes, *langs;
	int32_t *search;
	float *penalty;
	uint32_t n_names, n_prefixes, n_langs, n_search, n_penalty;
};

static void free_lists(struct lists *l)
{
	free(l->names);
	free(l->prefixes);
	free(l->langs);
	free(l->search);
	free(l->penalty);
}

static int get_lists(const struct ct_gguf *gguf, struct lists *l, struct ct_err *err)
{
	int code = ct_gguf_strings_opt(gguf, CT_KEY_TASKS, &l->names, &l->n_names, err);

	if (!code)
		code = ct_gguf_strings_opt(gguf, CT_KEY_TASK_PREFIXES, &l->prefixes,
					   &l->n_prefixes, err);
	if (!code)
		code = ct_gguf_strings_opt(gguf, CT_KEY_LANGS, &l->langs, &l->n_langs,
					   err);
	if (!code)
		code = ct_gguf_i32s_opt(gguf, CT_KEY_SEARCH, &l->search, &l->n_search,
					err);
	if (!code)
		code = ct_gguf_f32s_opt(gguf, CT_KEY_LENGTH_PENALTY, &l->penalty,
					&l->n_penalty, err);
	return code;
}

static int check_lengths(const struct lists *l, struct ct_err *err)
{
	if (l->n_names > CT_TASKS_MAX)
		return ct_fail(err, -E2BIG, "metadata key %s has %u elements, beyond the limit of %u",
			       CT_KEY_TASKS, l->n_names, CT_TASKS_MAX);
	if (l->n_prefixes != l->n_names)
		return ct_fail(err, -EBADMSG, "%u tasks, but metadata key %s has %u elements",
			       l->n_names, CT_KEY_TASK_PREFIXES, l->n_prefixes);
	if (l->n_search != (l->n_names + 1) * CT_SEARCH_FIELDS)
		return ct_fail(err, -EBADMSG, "%u tasks, but metadata key %s has %u elements",
			       l->n_names, CT_KEY_SEARCH, l->n_search);
	if (l->n_penalty != l->n_names + 1)
		return ct_fail(err, -EBADMSG, "%u tasks, but metadata key %s has %u elements",
			       l->n_names, CT_KEY_LENGTH_PENALTY, l->n_penalty);
	if (l->n_langs != 2)
		return ct_fail(err, -EBADMSG, "metadata key %s has %u elements",
			       CT_KEY_LANGS, l->n_langs);
	return 0;
}

static int get_text(const char *key, const struct ct_str *from, char *to, size_t size,
		    struct ct_err *err)
{
	if (from->len >= size)
		return ct_fail(err, -E2BIG, "metadata key %s has a text of more than %zu bytes",
			       key, size - 1);
	if (memchr(from->ptr, 0, from->len))
		return ct_fail(err, -EBADMSG, "metadata key %s has a text with a zero in it",
			       key);
	memcpy(to, from->ptr, from->len);
	to[from->len] = '\0';
	return 0;
}

/* Number @i: 0 is that of no task. */
static int get_search(const struct lists *l, uint32_t i, const struct ct_config *cfg,
		      struct ct_search *s, struct ct_err *err)
{
	static const struct {
		const char *name;
		int32_t least, most;
	} limits[] = {
		{ "beams", 1, CT_MAX_BEAMS },
		{ "longest text", 0, CT_MAX_CTX },
		{ "shortest text", 0, CT_MAX_CTX },
		{ "repeated stretch", 0, CT_MAX_CTX },
		{ "early end", 0, 1 },
		{ "forced first token", -1, CT_MAX_VOCAB },
		{ "forced last token", -1, CT_MAX_VOCAB },
	};
	const int32_t *v = l->search + i * CT_SEARCH_FIELDS;
	float penalty = l->penalty[i];

	_Static_assert(N(limits) == CT_SEARCH_FIELDS, "a limit for each");
	for (size_t k = 0; k < N(limits); k++)
		if (v[k] < limits[k].least || v[k] > limits[k].most ||
		    (k >= 5 && v[k] >= (int64_t)cfg->n_vocab))
			return ct_fail(err, -EBADMSG, "metadata key %s: %s is %" PRId32,
				       CT_KEY_SEARCH, limits[k].name, v[k]);
	if (!(penalty >= -100 && penalty <= 100))
		return ct_fail(err, -EBADMSG, "metadata key %s: length penalty is %g",
			       CT_KEY_LENGTH_PENALTY, (double)penalty);
	*s = (struct ct_search){
		.beams = (uint32_t)v[0], .max_length = (uint32_t)v[1],
		.min_length = (uint32_t)v[2], .no_repeat_ngram = (uint32_t)v[3],
		.early_stopping = v[4], .length_penalty = penalty,
		.forced_bos = v[5], .forced_eos = v[6],
	};
	return 0;
}

static int get_task(const struct lists *l, uint32_t i, const struct ct_config *cfg,
		    struct ct_tasks *t, struct ct_err *err)
{
	struct ct_task *task = &t->v[i];
	int code = get_text(CT_KEY_TASKS, &l->names[i], task->name, sizeof(task->name),
			    err);

	if (!code)
		code = get_text(CT_KEY_TASK_PREFIXES, &l->prefixes[i], task->prefix,
				sizeof(task->prefix), err);
	if (!code)
		code = get_search(l, i + 1, cfg, &task->search, err);
	for (uint32_t k = 0; k < i && !code; k++)
		if (!strcmp(t->v[k].name, task->name))
			code = ct_fail(err, -EBADMSG, "metadata key %s has \"%s\" twice",
				       CT_KEY_TASKS,
				       ct_show(task->name, strlen(task->name)).s);
	return code;
}

static int get_all(const struct lists *l, const struct ct_config *cfg,
		   struct ct_tasks *t, struct ct_err *err)
{
	int code = get_search(l, 0, cfg, &t->search, err);

	for (t->n = 0; t->n < l->n_names && !code; t->n++)
		code = get_task(l, t->n, cfg, t, err);
	for (uint32_t i = 0; i < 2 && !code; i++)
		code = get_text(CT_KEY_LANGS, &l->langs[i], t->langs[i],
				sizeof(t->langs[i]), err);
	return code;
}

int ct_tasks_converted(const struct ct_gguf *gguf, const struct ct_config *cfg,
		       struct ct_tasks *tasks, struct ct_err *err)
{
	struct ct_tasks t = { .n = 0 };
	struct lists l = { 0 };
	int code = get_lists(gguf, &l, err);

	if (!code)
		code = check_lengths(&l, err);
	if (!code)
		code = get_all(&l, cfg, &t, err);
	free_lists(&l);
	if (!code)
		*tasks = t;
	return code;
}

/* ---- Writing ------------------------------------------------------------ */

static void put_search(const struct ct_search *s, int32_t v[CT_SEARCH_FIELDS],
		       float *penalty)
{
	v[0] = (int32_t)s->beams;
	v[1] = (int32_t)s->max_length;
	v[2] = (int32_t)s->min_length;
	v[3] = (int32_t)s->no_repeat_ngram;
	v[4] = s->early_stopping;
	v[5] = (int32_t)s->forced_bos;
	v[6] = (int32_t)s->forced_eos;
	*penalty = s->length_penalty;
}

void ct_tasks_put(const struct ct_tasks *t, struct ct_gguf_out *out)
{
	int32_t search[(CT_TASKS_MAX + 1) * CT_SEARCH_FIELDS];
	struct ct_str names[CT_TASKS_MAX], prefixes[CT_TASKS_MAX], langs[2];
	float penalty[CT_TASKS_MAX + 1];

	put_search(&t->search, search, penalty);
	for (uint32_t i = 0; i < t->n; i++) {
		const struct ct_task *task = &t->v[i];

		names[i] = (struct ct_str){ task->name, strlen(task->name) };
		prefixes[i] = (struct ct_str){ task->prefix, strlen(task->prefix) };
		put_search(&task->search, search + (i + 1) * CT_SEARCH_FIELDS,
			   &penalty[i + 1]);
	}
	for (uint32_t i = 0; i < 2; i++)
		langs[i] = (struct ct_str){ t->langs[i], strlen(t->langs[i]) };
	ct_gguf_put_strings(out, CT_KEY_TASKS, names, t->n);
	ct_gguf_put_strings(out, CT_KEY_TASK_PREFIXES, prefixes, t->n);
	ct_gguf_put_i32s(out, CT_KEY_SEARCH, search, (t->n + 1) * CT_SEARCH_FIELDS);
	ct_gguf_put_f32s(out, CT_KEY_LENGTH_PENALTY, penalty, t->n + 1);
	ct_gguf_put_strings(out, CT_KEY_LANGS, langs, 2);
}
