/* SPDX-License-Identifier: MIT */
/* Shared by the files that read a config.json; others include model/config.h. */
#ifndef CT_MODEL_CONFIG_IMPL_H
#define CT_MODEL_CONFIG_IMPL_H

#include "base/file.h"
#include "base/json.h"
#include "model/config.h"

/* One family's; @cfg has what an empty file would give, and its arch. */
int ct_config_gpt2_json(const cJSON *root, struct ct_config *cfg, struct ct_err *err);
int ct_config_t5_json(const cJSON *root, struct ct_config *cfg, struct ct_err *err);
int ct_config_fsmt_json(const cJSON *root, struct ct_config *cfg, struct ct_err *err);

/* A count under one of two names; *@found stays when neither is there. */
int ct_config_count(const cJSON *root, const char *key, const char *alias,
		    uint32_t *value, bool *found, struct ct_err *err);

/* A list of counts; a required one that is missing is -ENOENT. */
struct ct_config_item {
	const char *key;
	uint32_t *value;
	bool required;
};
int ct_config_counts(const cJSON *root, const struct ct_config_item *items, size_t n,
		     struct ct_err *err);

/* By the name that Hugging Face's ACT2FN has for it. */
int ct_config_act(const char *name, enum ct_act *act, struct ct_err *err);

/* An id of the decoder's vocabulary; negative or not in it: -1. */
int ct_config_id(const cJSON *item, const char *key, uint32_t n_vocab, int64_t *id,
		 struct ct_err *err);
void ct_config_add_eos(struct ct_config *cfg, int64_t id);
/* bos, eos, pad and start where they are in the file. */
int ct_config_ids(const cJSON *root, struct ct_config *cfg, struct ct_err *err);

#endif
