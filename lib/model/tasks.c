// SPDX-License-Identifier: MIT
#include "model/tasks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

/* Raffel et al. 2020, appendix D: what the published checkpoints were trained with. */
static const struct {
	const char *name, *prefix;
} t5_own[] = {
	{ "translation_en_to_de", "translate English to German: " },
	{ "translation_en_to_fr", "translate English to French: " },
	{ "translation_en_to_ro", "translate English to Romanian: " },
	{ "summarization", "summarize: " },
};

void ct_tasks_init(struct ct_tasks *tasks, const struct ct_config *cfg)
{
	memset(tasks, 0, sizeof(*tasks));
	tasks->search = (struct ct_search){
		.beams = 1, .length_penalty = 1.0f, .forced_bos = -1, .forced_eos = -1,
	};
	/* FSMTConfig's own */
	if (cfg->arch == CT_ARCH_FSMT)
		tasks->search.forced_eos = cfg->eos_id;
}

/* ---- Reading ------------------------------------------------------------ */

static int get_u32(const cJSON *root, const char *key, uint32_t max, uint32_t *value,
		   struct ct_err *err)
{
	const cJSON *item;
	uint64_t v;
	int code = ct_json_find(root, key, &item, err);

	if (code || !item || cJSON_IsNull(item))
		return code;
	code = ct_json_u64(item, key, &v, err);
	if (!code && v > max)
		return ct_fail(err, -E2BIG, "%s is %" PRIu64 ", beyond the limit of %u",
			       key, v, max);
	if (!code)
		*value = (uint32_t)v;
	return code;
}

/* early_stopping is true, false or, of newer files, "never", which is its false. */
static int get_early(const cJSON *root, bool *early, struct ct_err *err)
{
	const cJSON *item;
	int code = ct_json_find(root, "early_stopping", &item, err);

	if (code || !item || cJSON_IsNull(item))
		return code;
	if (cJSON_IsString(item) && !strcmp(item->valuestring, "never")) {
		*early = false;
		return 0;
	}
	return ct_json_bool_opt(root, "early_stopping", early, err);
}

static int get_forced(const cJSON *root, const char *key, uint32_t n_vocab, int64_t *id,
		      struct ct_err *err)
{
	const cJSON *item;
	uint64_t v;
	int code = ct_json_find(root, key, &item, err);

	if (code || !item)
		return code;
	*id = -1;
	if (cJSON_IsNull(item))
		return 0;
	code = ct_json_u64(item, key, &v, err);
	if (!code && v >= n_vocab)
		return ct_fail(err, -EBADMSG, "%s is %" PRIu64
			       ", but the vocabulary has %u tokens", key, v, n_vocab);
	if (!code)
		*id = (int64_t)v;
	return code;
}

static int get_search(const cJSON *root, const struct ct_config *cfg,
		      struct ct_search *s, struct ct_err *err)
{
	double penalty = s->length_penalty;
	int code = get_u32(root, "num_beams", CT_MAX_BEAMS, &s->beams, err);

	if (!code && !s->beams)
		code = ct_fail(err, -EBADMSG, "num_beams is 0");
	if (!code)
		code = get_u32(root, "max_length", CT_MAX_CTX, &s->max_length, err);
	if (!code)
		code = get_u32(root, "min_length", CT_MAX_CTX, &s->min_length, err);
	if (!code)
		code = get_u32(root, "no_repeat_ngram_size", CT_MAX_CTX,
			       &s->no_repeat_ngram, err);
	if (!code)
		code = get_early(root, &s->early_stopping, err);
	if (!code)
		code = ct_json_double_opt(root, "length_penalty", &penalty, err);
	if (!code)
		code = get_forced(root, "forced_bos_token_id", cfg->n_vocab,
				  &s->forced_bos, err);
	if (!code)
		code = get_forced(root, "forced_eos_token_id", cfg->n_vocab,
				  &s->forced_eos, err);
	if (code)
		return code;
	if (!(penalty >= -30 && penalty <= 30))
		return ct_fail(err, -EBADMSG, "length_penalty is %g", penalty);
	s->length_penalty = (float)penalty;
	return 0;
}

static int copy(char *to, size_t size, const char *from, const char *what,
		struct ct_err *err)
{
	if (strlen(from) >= size)
		return ct_fail(err, -E2BIG, "%s \"%s\" is longer than %zu bytes", what,
			       ct_show(from, strlen(from)).s, size - 1);
	strcpy(to, from);
	return 0;
}

static int get_task(const cJSON *item, const struct ct_config *cfg,
		    struct ct_tasks *tasks, struct ct_err *err)
{
	struct ct_task task = { .search = tasks->search };
	const char *prefix = "";
	int code;

	if (!cJSON_IsObject(item))
		return ct_fail(err, -EBADMSG, "task \"%s\" is no object",
			       ct_show(item->string, strlen(item->string)).s);
	code = copy(task.name, sizeof(task.name), item->string, "task", err);
	if (!code)
		code = ct_json_string_opt(item, "prefix", &prefix, err);
	if (!code)
		code = copy(task.prefix, sizeof(task.prefix), prefix, "prefix", err);
	if (!code)
		code = get_search(item, cfg, &task.search, err);
	if (code)
		return code;
	for (uint32_t i = 0; i < tasks->n; i++)
		if (!strcmp(tasks->v[i].name, task.name)) {
			tasks->v[i] = task;
			return 0;
		}
	if (tasks->n == CT_TASKS_MAX)
		return ct_fail(err, -E2BIG, "more than %u tasks", CT_TASKS_MAX);
	tasks->v[tasks->n++] = task;
	return 0;
}

static int get_langs(const cJSON *root, struct ct_tasks *tasks, struct ct_err *err)
{
	const cJSON *item, *lang;
	unsigned int n = 0;
	int code = ct_json_find(root, "langs", &item, err);

	if (code || !cJSON_IsArray(item))
		return code;
	cJSON_ArrayForEach(lang, item) {
		if (n == 2 || !cJSON_IsString(lang))
			return ct_fail(err, -EBADMSG, "langs are not two names");
		code = copy(tasks->langs[n], sizeof(tasks->langs[n]), lang->valuestring,
			    "language", err);
		if (code)
			return code;
		n++;
	}
	return 0;
}

int ct_tasks_json(const char *text, size_t len, const struct ct_config *cfg,
		  struct ct_tasks *tasks, struct ct_err *err)
{
	const cJSON *params, *item;
	cJSON *root;
	int code = ct_json_parse(text, len, &root, err);

	if (code)
		return code;
	code = get_search(root, cfg, &tasks->search, err);
	if (!code)
		code = get_langs(root, tasks, err);
	if (!code)
		code = ct_json_find(root, "task_specific_params", &params, err);
	if (!code && cJSON_IsObject(params)) {
		cJSON_ArrayForEach(item, params) {
			code = get_task(item, cfg, tasks, err);
			if (code)
				break;
		}
	}
	cJSON_Delete(root);
	return code;
}

/* ---- Finding ------------------------------------------------------------ */

/* "translation_en_to_de" as "translate_en_de", "summarization" as "summarize". */
static void short_name(const char *name, char *to, size_t size)
{
	static const char translation[] = "translation_";
	const char *from, *middle;

	snprintf(to, size, "%s", name);
	if (!strcmp(name, "summarization"))
		snprintf(to, size, "summarize");
	if (strncmp(name, translation, strlen(translation)))
		return;
	from = name + strlen(translation);
	middle = strstr(from, "_to_");
	if (middle)
		snprintf(to, size, "translate_%.*s_%s", (int)(middle - from), from,
			 middle + 4);
}

static bool is_called(const char *task, const char *name)
{
	char text[96];

	short_name(task, text, sizeof(text));
	return !strcmp(name, task) || !strcmp(name, text);
}

static void fsmt_name(const struct ct_tasks *tasks, char *text, size_t size)
{
	if (*tasks->langs[0] && *tasks->langs[1])
		snprintf(text, size, "translation_%s_to_%s", tasks->langs[0],
			 tasks->langs[1]);
	else
		snprintf(text, size, "translate");
}

/* Task @i that the model has; false: there are no more. */
static bool task_at(const struct ct_tasks *tasks, const struct ct_config *cfg, uint32_t i,
		    struct ct_task *task)
{
	*task = (struct ct_task){ .search = tasks->search };
	if (cfg->arch == CT_ARCH_FSMT) {
		fsmt_name(tasks, task->name, sizeof(task->name));
		return !i;
	}
	if (i < tasks->n) {
		*task = tasks->v[i];
		return true;
	}
	/* T5 1.1 and mT5, which are gated, were trained for none */
	if (tasks->n || cfg->arch != CT_ARCH_T5 || cfg->gated || i >= N(t5_own))
		return false;
	snprintf(task->name, sizeof(task->name), "%s", t5_own[i].name);
	snprintf(task->prefix, sizeof(task->prefix), "%s", t5_own[i].prefix);
	return true;
}

int ct_tasks_find(const struct ct_tasks *tasks, const struct ct_config *cfg,
		  const char *name, struct ct_task *task, struct ct_err *err)
{
	char list[256];

	for (uint32_t i = 0; task_at(tasks, cfg, i, task); i++)
		if (is_called(task->name, name) ||
		    (cfg->arch == CT_ARCH_FSMT && !strcmp(name, "translate")))
			return 0;
	if (!ct_has_encoder(cfg))
		return ct_fail(err, -EINVAL,
			       "task \"%s\": the model has no encoder, and so no tasks",
			       ct_show(name, strlen(name)).s);
	ct_tasks_list(tasks, cfg, list, sizeof(list));
	return ct_fail(err, -EINVAL, "the model has no task \"%s\" (it has %s)",
		       ct_show(name, strlen(name)).s, list);
}

void ct_tasks_list(const struct ct_tasks *tasks, const struct ct_config *cfg,
		   char *text, size_t size)
{
	struct ct_task task;
	char name[96];
	size_t at = 0;

	*text = '\0';
	for (uint32_t i = 0; task_at(tasks, cfg, i, &task) && at < size; i++) {
		short_name(task.name, name, sizeof(name));
		at += (size_t)snprintf(text + at, size - at, "%s%s", i ? ", " : "", name);
	}
}
