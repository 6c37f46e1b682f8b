/* SPDX-License-Identifier: MIT */
/*
 * What a model with an encoder was trained for: its tasks, what each begins a source
 * with, and how its texts are searched for (generation_config.json, and config.json
 * with its task_specific_params).
 */
#ifndef CT_MODEL_TASKS_H
#define CT_MODEL_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/config.h"

struct ct_search {
	uint32_t beams;			/* 1: greedy */
	uint32_t max_length;		/* tokens with the first; 0: not said */
	uint32_t min_length;
	uint32_t no_repeat_ngram;	/* 0: off */
	float length_penalty;
	bool early_stopping;
	int64_t forced_bos, forced_eos;	/* -1: none */
};

#define CT_TASKS_MAX	16u

struct ct_task {
	char name[48];			/* as the file has it: "translation_en_to_de" */
	char prefix[96];
	struct ct_search search;
};

struct ct_tasks {
	struct ct_search search;	/* where no task is named */
	uint32_t n;
	struct ct_task v[CT_TASKS_MAX];
	char langs[2][16];		/* FSMT: source and target; else "" */
};

/* Before any file is read: what Hugging Face's PretrainedConfig has. */
void ct_tasks_init(struct ct_tasks *tasks, const struct ct_config *cfg);
/* From the text of config.json, then of generation_config.json. */
int ct_tasks_json(const char *text, size_t len, const struct ct_config *cfg,
		  struct ct_tasks *tasks, struct ct_err *err);

/*
 * A task by its name, "translation_en_to_de" or "translate_en_de", "summarization"
 * or "summarize"; of FSMT the one that it was trained for also "translate". Where
 * the files name none, T5's own. -EINVAL with the list.
 */
int ct_tasks_find(const struct ct_tasks *tasks, const struct ct_config *cfg,
		  const char *name, struct ct_task *task, struct ct_err *err);

/* "translate_en_de, summarize" */
void ct_tasks_list(const struct ct_tasks *tasks, const struct ct_config *cfg,
		   char *text, size_t size);

#endif
