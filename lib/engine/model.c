// SPDX-License-Identifier: MIT
#include "engine/model.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "engine/api.h"
#include "engine/little.h"
#include "engine/log.h"
#include "text/tokenizer.h"

#define MODEL_FLAGS	(CTRANS_MODEL_NO_WEIGHTS | CTRANS_MODEL_F32 | \
			 CTRANS_MODEL_TOKENIZER | CTRANS_MODEL_NO_SHARING)

static const struct ctrans_model_params default_params = {
	.size = sizeof(default_params),
	.policy = "fine",
	.code = "radix",
	.levels = 24,
	.kv = "f16",
	.objective = "energy",
};

void ctrans_model_params_init(struct ctrans_model_params *params, size_t size)
{
	struct ct_err err;

	if (!params || size < sizeof(params->size))
		return;
	memset(params, 0, size);
	ct_struct_give(params, size, sizeof(params->size), &default_params,
		       sizeof(default_params), "ctrans_model_params", &err);
	params->size = size;
}

static int check_params(const struct ctrans_model_params *p, struct ct_err *err)
{
	if (p->flags & ~(uint32_t)MODEL_FLAGS)
		return ct_fail(err, -EINVAL,
			       "model flags %#x: this version knows %#x only",
			       p->flags, MODEL_FLAGS);
	if (!isfinite(p->levels) || p->levels < 1 || p->levels > 32767)
		return ct_fail(err, -EINVAL,
			       "levels is %g: it must be between 1 and 32767",
			       (double)p->levels);
	if (!p->calibration != !p->calibration_len)
		return ct_fail(err, -EINVAL,
			       "calibration needs both a text and its length");
	if (p->weights && strcmp(p->weights, "s8") && strcmp(p->weights, "esc"))
		return ct_fail(err, -EINVAL, "weights \"%.32s\": there are s8 and esc",
			       p->weights);
	return 0;
}

int ct_model_params_take(struct ctrans_model_params *p,
			 const struct ctrans_model_params *from,
			 struct ct_err *err)
{
	int ret;

	*p = default_params;
	/* the first release's structure ended before kv */
	ret = ct_struct_take(p, sizeof(*p),
			     offsetof(struct ctrans_model_params, kv), from,
			     "ctrans_model_params", err);
	return ret ? ret : check_params(p, err);
}

static void tell(const struct ctrans_model *model, const char *path)
{
	struct ctrans_model_info info = { 0 };

	ct_core_info(model->core, &info);
	if (info.layers)
		ct_log(CTRANS_LOG_INFO,
		       "%s: %s (%s%s%s), %u layers of width %u, %u tokens, tokenizer %s",
		       path, info.architecture, info.format,
		       info.types[0] ? ", " : "", info.types, info.layers,
		       info.width, info.vocab, info.tokenizer);
	else
		ct_log(CTRANS_LOG_INFO, "%s: tokenizer %s", path, info.tokenizer);
	if (info.device.name[0])
		ct_log(CTRANS_LOG_INFO, "device %s: %s",
		       info.device.name, info.device.description);
}

/* @beside: the model whose device it shares; NULL: none. @path: see core.h. */
static int open_one(const char *path, const struct ctrans_model_params *p,
		    const struct ct_core *beside, struct ctrans_model **out,
		    struct ct_err *err)
{
	struct ctrans_model *model = calloc(1, sizeof(*model));
	int ret;

	if (!model)
		return ct_fail(err, -ENOMEM, "no memory for a model");
	if (beside)
		ret = ct_core_open_beside(path, p, beside, &model->core, err);
	else
		ret = ct_core_open(path, p, &model->core, err);
	if (!ret) {
		ret = ct_gather_init(&model->gather, model->core, err);
		if (ret)
			ct_core_close(model->core);
	}
	if (ret) {
		free(model);
		return ret;
	}
	tell(model, path ? path : "the little model in it");
	*out = model;
	return 0;
}

static int open_little(struct ctrans_model *model,
		       const struct ctrans_model_params *params,
		       struct ct_err *err)
{
	struct ctrans_model_params p = *params;
	int ret;

	ct_little_params(model->core, &p);
	ret = open_one(params->little, &p, model->core, &model->little, err);
	if (!ret)
		ret = ct_little_check(model->core, model->little->core, err);
	if (ret && params->little)
		ct_err_prefix(err, "little model %s", params->little);
	else if (ret)
		ct_err_prefix(err, "the little model in the file");
	return ret;
}

static bool wants_little(const struct ct_core *core,
			 const struct ctrans_model_params *p)
{
	/* of a file that is only looked at, the one in it is a part */
	if (p->little)
		return *p->little && ct_core_has_weights(core);
	return ct_core_has_little(core) && !(p->flags & CTRANS_MODEL_TOKENIZER);
}

static int model_open(const char *path, const struct ctrans_model_params *params,
		      struct ctrans_model **out, struct ct_err *err)
{
	struct ctrans_model_params p;
	struct ctrans_model *model;
	int ret;

	if (!out)
		return ct_fail(err, -EINVAL, "no place for the model: NULL");
	*out = NULL;
	if (!path || !*path)
		return ct_fail(err, -EINVAL,
			       "no model named: give a Hugging Face directory or a GGUF file");
	ret = ct_model_params_take(&p, params, err);
	if (ret)
		return ret;

	ret = open_one(path, &p, NULL, &model, err);
	if (ret)
		return ret;
	if (wants_little(model->core, &p))
		ret = open_little(model, &p, err);
	if (ret)
		ctrans_model_close(model);
	else
		*out = model;
	return ret;
}

int ctrans_model_open(const char *path, const struct ctrans_model_params *params,
		      struct ctrans_model **model)
{
	struct ct_err err = { 0 };

	return ct_api_return(model_open(path, params, model, &err), &err);
}

void ctrans_model_close(struct ctrans_model *model)
{
	if (!model)
		return;
	ctrans_model_close(model->little);
	ct_gather_free(&model->gather);
	ct_core_close(model->core);
	free(model);
}

bool ct_model_is_eos(const struct ctrans_model *model, uint32_t token)
{
	const struct ct_config *cfg = ct_core_config(model->core);
	uint32_t i;

	for (i = 0; i < cfg->n_eos; i++) {
		if (cfg->eos_ids[i] == token)
			return true;
	}
	return false;
}

int64_t ct_model_bos(const struct ctrans_model *model)
{
	const struct ct_tokenizer *tokenizer = ct_core_tokenizer(model->core);

	if (tokenizer && ct_tokenizer_bos(tokenizer) != CT_TOKEN_NONE)
		return ct_tokenizer_bos(tokenizer);
	return ct_core_config(model->core)->bos_id;
}

int ct_model_needs_weights(const struct ctrans_model *model,
			   struct ct_err *err)
{
	if (ct_core_has_weights(model->core))
		return 0;
	return ct_fail(err, -ENOTSUP,
		       "the model was opened without its weights (CTRANS_MODEL_NO_WEIGHTS)");
}

int ctrans_model_info(const struct ctrans_model *model,
		      struct ctrans_model_info *info, size_t size)
{
	struct ctrans_model_info full = { 0 };
	struct ct_err err = { 0 };
	int ret;

	if (!model)
		return ct_api_return(ct_fail(&err, -EINVAL, "no model: NULL"),
				     &err);
	ct_core_info(model->core, &full);
	if (model->little) {
		struct ctrans_model_info little = { 0 };

		ct_core_info(model->little->core, &little);
		full.little_parameters = little.parameters;
		full.little_bytes = little.chip_bytes;
	}
	full.device.size = sizeof(full.device);
	ret = ct_struct_give(info, size, offsetof(struct ctrans_model_info, kv),
			     &full, sizeof(full), "ctrans_model_info", &err);
	return ct_api_return(ret, &err);
}

int ctrans_device_get(unsigned int index, struct ctrans_device_info *info,
		      size_t size)
{
	struct ctrans_device_info full = { 0 };
	struct ct_device_info dev = { 0 };
	struct ct_err err = { 0 };
	int ret;

	ret = ct_device_list(index, &dev);
	if (ret)
		return ct_api_return(ct_fail(&err, ret, "this machine has no device number %u",
					     index), &err);
	memcpy(full.name, dev.name, sizeof(full.name));
	memcpy(full.description, dev.description, sizeof(full.description));
	memcpy(full.kernel, dev.kernel, sizeof(full.kernel));
	full.threads = dev.threads;
	full.cores = dev.cores;
	full.mv = dev.mv;
	full.khz = dev.khz;
	full.is_model = dev.is_model;
	ret = ct_struct_give(info, size, sizeof(full), &full, sizeof(full),
			     "ctrans_device_info", &err);
	return ct_api_return(ret, &err);
}
