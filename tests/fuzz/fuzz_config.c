// SPDX-License-Identifier: MIT
/*
 * The input is a config.json, and a generation_config.json over a good one; and what
 * either says of tasks.
 */
#include <stdlib.h>
#include <string.h>

#include "model/config.h"
#include "model/tasks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct ct_config *c)
{
	if (ct_config_check(c, NULL) || c->bos_id >= c->n_vocab ||
	    c->eos_id >= c->n_vocab || c->n_eos > CT_MAX_EOS ||
	    (c->n_eos > 0) != (c->eos_id >= 0))
		abort();
	for (uint32_t i = 0; i < c->n_eos; i++)
		if (c->eos_ids[i] >= c->n_vocab)
			abort();
	if (ct_has_encoder(c) && (c->start_id < 0 || c->start_id >= c->n_vocab))
		abort();
	ct_config_n_params(c);
}

static void check_search(const struct ct_search *s, const struct ct_config *c)
{
	if (!s->beams || s->beams > CT_MAX_BEAMS || s->max_length > CT_MAX_CTX ||
	    s->min_length > CT_MAX_CTX || s->forced_bos >= c->n_vocab ||
	    s->forced_eos >= c->n_vocab || !(s->length_penalty >= -100) ||
	    !(s->length_penalty <= 100))
		abort();
}

static void check_tasks(const char *text, size_t size, const struct ct_config *c)
{
	struct ct_tasks tasks;
	struct ct_task task;
	char list[128];

	ct_tasks_init(&tasks, c);
	if (ct_tasks_json(text, size, c, &tasks, NULL))
		return;
	check_search(&tasks.search, c);
	ct_tasks_list(&tasks, c, list, sizeof(list));
	if (strlen(list) >= sizeof(list) || tasks.n > CT_TASKS_MAX)
		abort();
	for (uint32_t i = 0; i < tasks.n; i++) {
		check_search(&tasks.v[i].search, c);
		if (c->arch == CT_ARCH_T5 &&
		    ct_tasks_find(&tasks, c, tasks.v[i].name, &task, NULL))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ct_config c;
	struct ct_err err;
	char *copy = malloc(size ? size : 1);

	memcpy(copy, data, size);
	if (!ct_config_json(copy, size, &c, &err)) {
		check(&c);
		check_tasks(copy, size, &c);
	}
	ct_config_shape("gpt2", &c, &err);
	if (!ct_config_generation(copy, size, &c, &err))
		check(&c);
	ct_config_shape("t5-small", &c, &err);
	check_tasks(copy, size, &c);
	if (!ct_config_generation(copy, size, &c, &err))
		check(&c);
	free(copy);
	return 0;
}
