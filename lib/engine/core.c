// SPDX-License-Identifier: MIT
#include "engine/core_impl.h"
#include "engine/dispatch.h"
#include "engine/fingerprint.h"
#include "engine/speculate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/converted.h"
#include "program/memory.h"
#include "text/tokenizer.h"

#define QUEUE_LOG2	4u

/* ---- Buffers ---------------------------------------------------------- */

static uint64_t carve(uint64_t *used, uint64_t bytes)
{
	uint64_t at = *used;

	*used += ct_granules(bytes);
	return at;
}

static int alloc_work(struct ct_core *core, struct ct_err *err)
{
	const struct ct_config *c = &core->cfg;
	struct ct_program_layout *at = &core->at;
	struct ct_activations *act = &at->act;
	uint32_t width = c->n_head * c->head_dim;
	uint64_t used = 0;
	int ret;

	act->x_stride = (uint32_t)ct_granules(4ull * c->n_embd);
	act->qkv_stride = (uint32_t)ct_granules(12ull * width);
	act->att_stride = (uint32_t)ct_granules(4ull * width);
	act->ffn_stride = (uint32_t)ct_granules(4ull * c->n_inner);
	at->logits_stride = (uint32_t)ct_granules(4ull * c->n_vocab);
	at->logits_rows = CT_STEP_LOGITS;
	act->x = carve(&used, (uint64_t)CT_STEP_ROWS * act->x_stride);
	act->xn = carve(&used, (uint64_t)CT_STEP_ROWS * act->x_stride);
	act->qkv = carve(&used, (uint64_t)CT_STEP_ROWS * act->qkv_stride);
	act->att = carve(&used, (uint64_t)CT_STEP_ROWS * act->att_stride);
	act->ffn = carve(&used, (uint64_t)CT_STEP_ROWS * act->ffn_stride);
	at->logits = carve(&used, (uint64_t)CT_STEP_LOGITS * at->logits_stride);
	ret = ct_device_alloc(core->dev, used, &core->work, err);
	if (ret)
		return ret;
	act->x += core->work.va;
	act->xn += core->work.va;
	act->qkv += core->work.va;
	act->att += core->work.va;
	act->ffn += core->work.va;
	at->logits += core->work.va;
	return 0;
}

static int alloc_ctl(struct ct_core *core, struct ct_err *err)
{
	uint64_t used = 0, prog, args, topk, stats;
	uint8_t *cpu;
	int ret;

	core->n_insns = ct_program_length(&core->cfg);
	core->at.top_k = CT_STEP_TOPK;
	core->at.topk_stride = (uint32_t)ct_granules(sizeof(struct ctrans_topk) +
						     8 * CT_STEP_TOPK);
	prog = carve(&used, core->n_insns * sizeof(struct ctrans_insn));
	args = carve(&used, sizeof(struct ctrans_args) +
			    CT_STEP_ROWS * sizeof(struct ctrans_row));
	topk = carve(&used, (uint64_t)CT_STEP_LOGITS * core->at.topk_stride);
	stats = carve(&used, CT_STEP_ROWS * core->n_insns * sizeof(struct ctrans_stat));
	ret = ct_device_alloc(core->dev, used, &core->ctl, err);
	if (ret)
		return ret;
	cpu = core->ctl.cpu;
	core->prog = (struct ctrans_insn *)(cpu + prog);
	core->prog_va = core->ctl.va + prog;
	core->args = (struct ctrans_args *)(cpu + args);
	core->args_va = core->ctl.va + args;
	core->topk = cpu + topk;
	core->at.topk = core->ctl.va + topk;
	core->stats = (struct ctrans_stat *)(cpu + stats);
	core->stats_va = core->ctl.va + stats;
	return 0;
}

void ct_core_build(struct ct_core *core)
{
	ct_program_build(&core->cfg, &core->at, core->prog);
	ct_encoder_rebuild(core);
}

/* ---- Opening ---------------------------------------------------------- */

static void put(char *dst, size_t size, const char *src)
{
	snprintf(dst, size, "%s", src ? src : "");
}

static void describe_config(struct ct_core *core)
{
	struct ctrans_model_info *i = &core->info;
	const struct ct_config *c = &core->cfg;

	put(i->architecture, sizeof(i->architecture), ct_arch_name(c->arch));
	put(i->activation, sizeof(i->activation), ct_act_name(c->act));
	i->vocab = c->n_vocab;
	i->context = core->context;
	i->width = c->n_embd;
	i->layers = c->n_layer;
	i->heads = c->n_head;
	i->inner = c->n_inner;
	i->start = ct_has_encoder(c) ? c->start_id : -1;
	i->encoder_layers = c->enc.n_layer;
	if (ct_has_encoder(c)) {
		i->encoder_vocab = c->enc.n_vocab;
		i->source_kv_bytes = ct_program_source_bytes(c, core->at.kv);
		ct_tasks_list(&core->tasks, c, i->tasks, sizeof(i->tasks));
	}
	i->tied_head = c->tied_head;
	i->bos = c->bos_id;
	i->eos = c->eos_id;
	i->parameters = ct_config_n_params(c);
	i->kv_bytes = ct_program_block_bytes(c, core->at.kv);
}

static void describe_files(struct ct_core *core, const struct ct_model *model)
{
	struct ctrans_model_info *i = &core->info;
	struct ct_model_info m;

	ct_model_describe(model, &m);
	put(i->format, sizeof(i->format), m.format);
	put(i->tokenizer, sizeof(i->tokenizer), ct_tokenizer_name(model));
	ct_model_dtype_mix(&m, i->types, sizeof(i->types));
	i->file_bytes = m.bytes;
}

static int choose_context(struct ct_core *core, uint32_t want, struct ct_err *err)
{
	uint32_t most = core->cfg.n_ctx;

	if (most > CTRANS_POSITIONS_MAX)
		return ct_fail(err, -E2BIG,
			"the model has %u positions; the chip has room for %u", most,
			CTRANS_POSITIONS_MAX);
	/* distances have no end, but the last bucket is for all of them */
	if (core->cfg.positions == CT_POSITIONS_RELATIVE && want > most)
		most = CTRANS_POSITIONS_MAX;
	if (want > most)
		return ct_fail(err, -EINVAL,
			"a context of %u was asked for; the model was trained for %u",
			want, most);
	core->context = want ? want : most;
	return 0;
}

static int choose_kv(struct ct_core *core, const struct ctrans_model_params *params,
		     struct ct_err *err)
{
	bool f32 = params->flags & CTRANS_MODEL_F32;

	if (!params->kv || !strcmp(params->kv, "f16")) {
		core->at.kv = f32 ? CTRANS_KV_F32 : CTRANS_KV_F16;
	} else if (strcmp(params->kv, "s8")) {
		return ct_fail(err, -EINVAL, "kv \"%.32s\": there are f16 and s8",
			       params->kv);
	} else if (f32) {
		return ct_fail(err, -EINVAL,
			       "kv \"s8\" with CTRANS_MODEL_F32, which quantises nothing: take one of them");
	} else {
		core->at.kv = CTRANS_KV_S8;
	}
	put(core->info.kv, sizeof(core->info.kv), ct_kv_name(core->at.kv));
	return 0;
}

static int check_stack(const struct ct_config *c, uint32_t n_head, uint32_t head_dim,
		       uint32_t n_inner, struct ct_err *err)
{
	if (head_dim > CTRANS_HEAD_DIM_MAX)
		return ct_fail(err, -ENOTSUP, "heads of width %u; the chip takes %u",
			       head_dim, CTRANS_HEAD_DIM_MAX);
	if (3ull * n_head * head_dim > CTRANS_WIDTH_MAX || c->n_embd > CTRANS_WIDTH_MAX ||
	    n_inner > CTRANS_WIDTH_MAX)
		return ct_fail(err, -ENOTSUP, "layers of width %u and %u; the chip takes %u",
			       3 * n_head * head_dim, n_inner, CTRANS_WIDTH_MAX);
	return 0;
}

/* What the chip's instructions can hold, checked before anything is read. */
static int check_shape(const struct ct_config *c, struct ct_err *err)
{
	int ret = check_stack(c, c->n_head, c->head_dim, c->n_inner, err);

	if (!ret && ct_has_encoder(c))
		ret = check_stack(c, c->enc.n_head, c->enc.head_dim, c->enc.n_inner, err);
	if (ret)
		return ret;
	if (ct_program_length(c) > CTRANS_PROG_MAX ||
	    ct_encoder_length(c) > CTRANS_PROG_MAX)
		return ct_fail(err, -ENOTSUP,
			       "%u layers take %zu instructions; a chip program takes %u",
			       c->n_layer + c->enc.n_layer,
			       ct_program_length(c) + ct_encoder_length(c),
			       CTRANS_PROG_MAX);
	if (c->n_vocab > CTRANS_OUT_MAX || c->enc.n_vocab > CTRANS_OUT_MAX)
		return ct_fail(err, -ENOTSUP, "a vocabulary of %u; the chip takes %u",
			       c->n_vocab, CTRANS_OUT_MAX);
	if (ct_program_block_bytes(c, CTRANS_KV_F32) > UINT32_MAX ||
	    (ct_has_encoder(c) &&
	     ct_program_source_bytes(c, CTRANS_KV_F32) > UINT32_MAX))
		return ct_fail(err, -ENOTSUP,
			       "keys and values of 64 positions take over 4 GiB");
	return 0;
}

static int check_memory(const struct ct_core *core, struct ct_err *err)
{
	struct ctrans_chip_costs costs;
	int ret = ct_device_costs(core->dev, 0, &costs, err);

	return ret ? ret : ct_program_fits(&core->cfg, core->context, &costs, err);
}

static void count_weights(struct ct_core *core)
{
	for (size_t i = 0; i < core->image.n; i++) {
		const struct ct_image_part *p = &core->image.parts[i];
		uint32_t n_out, n_in;

		if (!ct_image_is_packed(p))
			continue;
		ct_role_shape(&core->cfg, p->role, &n_out, &n_in);
		core->info.weights += (uint64_t)n_out * n_in;
		core->info.weight_bytes += p->bytes;
	}
}

static int open_device(struct ct_core *core, const struct ct_model *model,
		       const struct ctrans_model_params *params, struct ct_err *err)
{
	bool f32 = params->flags & CTRANS_MODEL_F32;
	int ret;

	ret = core->beside ? 0 : ct_device_open(params->device, &core->dev, err);
	if (ret)
		return ret;
	if (core->beside) {
		core->dev = core->beside;
		ct_device_hold(core->dev);
	}
	/* with an encoder no text is a function of its own tokens alone */
	ct_kv_init(core, !(params->flags & CTRANS_MODEL_NO_SHARING) &&
			 !ct_has_encoder(&core->cfg));
	ct_device_info(core->dev, &core->dev_info);
	if (f32 && !core->dev_info.has_f32)
		return ct_fail(err, -ENOTSUP,
			       "binary32 weights: only the chip model (device \"sim\") has them");
	if (core->at.kv == CTRANS_KV_S8 && !core->dev_info.has_kv_s8)
		return ct_fail(err, -ENOTSUP,
			       "kv \"s8\": device %s keeps keys and values as f16 only",
			       core->dev_info.name);
	if (ct_has_encoder(&core->cfg) && !(core->dev_info.caps & CTRANS_CAP_SEQ2SEQ))
		return ct_fail(err, -ENOTSUP,
			       "%s models, encoder and decoder: device %s has no instructions for them; the chip model (device \"sim\") does",
			       ct_arch_name(core->cfg.arch), core->dev_info.name);
	/* binary32 is the model's alone, and takes no part in the chip's figures */
	ret = f32 ? 0 : check_memory(core, err);
	if (ret)
		return ret;
	core->at.enc = f32 ? CTRANS_ENC_F32 : CTRANS_ENC_S8;
	core->block_bytes = ct_program_block_bytes(&core->cfg, core->at.kv);
	core->at.n_ctx = core->context;
	_Static_assert(CT_SOURCE_MOST == CTRANS_ROWS_MAX, "a source is a step");
	core->at.n_source = core->context < CT_SOURCE_MOST ? core->context :
							     CT_SOURCE_MOST;
	if (ct_has_encoder(&core->cfg))
		core->source_bytes = ct_program_source_bytes(&core->cfg, core->at.kv);
	core->at.layer = NULL;
	ret = ct_load_weights(core, model, params, err);
	if (!ret)
		ret = alloc_work(core, err);
	if (!ret)
		ret = alloc_ctl(core, err);
	if (!ret)
		ret = ct_queue_open(core->dev, QUEUE_LOG2, &core->queue, err);
	if (ret)
		return ret;
	core->at.layer = core->layer_va;
	core->at.enc_layer = core->layer_va + core->cfg.n_layer;
	core->at.theta_factor = 1.0f / params->levels;
	ct_core_build(core);
	core->has_weights = true;
	core->info.chip_bytes = core->weights.size;
	count_weights(core);
	return 0;
}

static void describe_device(struct ct_core *core)
{
	struct ctrans_device_info *i = &core->info.device;
	const struct ct_device_info *d = &core->dev_info;

	i->size = sizeof(*i);
	if (!core->dev)
		return;
	put(i->name, sizeof(i->name), d->name);
	put(i->description, sizeof(i->description), d->description);
	put(i->kernel, sizeof(i->kernel), d->kernel);
	i->threads = d->threads;
	i->cores = d->cores;
	i->mv = d->mv;
	i->khz = d->khz;
	i->is_model = d->is_model;
}

/* From now, or from when the model was converted. */
static bool has_thresholds(const struct ct_model *model,
			   const struct ctrans_model_params *params)
{
	return params->calibration ||
	       (model && model->converted &&
		ct_gguf_find(&model->gguf, CT_KEY_THRESHOLDS));
}

/* Is a cache's entry what it should be? */
static int check_key(const struct ct_model *model, const char *want,
		     struct ct_err *err)
{
	struct ct_str have = { "", 0 };
	int ret = ct_gguf_string_opt(&model->gguf, CT_KEY_CACHE, &have, err);

	if (!ret && (have.len != strlen(want) || memcmp(have.ptr, want, have.len)))
		ret = ct_fail(err, -ESTALE, "%s: made from other files", model->path);
	return ret;
}

static int list_linears(struct ct_core *core, struct ct_err *err)
{
	core->linears = calloc(ct_program_linears(&core->cfg), sizeof(*core->linears));
	if (!core->linears)
		return ct_fail(err, -ENOMEM, "out of memory");
	ct_program_list(&core->cfg, core->linears);
	return 0;
}

static int open_core(struct ct_core *core, const char *path,
		     const struct ctrans_model_params *params,
		     const char *cache_key, struct ct_model **model,
		     struct ct_err *err)
{
	struct ct_speculation speculation;
	struct ct_dispatch_want want;
	int ret;

	ret = ct_dispatch_want(params, &want, err);
	if (!ret)
		ret = ct_speculation_want(params, &speculation, err);
	if (!ret)
		ret = choose_kv(core, params, err);
	if (ret)
		return ret;
	core->info.bos = -1;
	core->info.eos = -1;
	core->info.start = -1;

	if (!strncmp(path, CT_SHAPE_PREFIX, strlen(CT_SHAPE_PREFIX))) {
		ret = ct_config_shape(path + strlen(CT_SHAPE_PREFIX), &core->cfg, err);
		if (ret)
			return ret;
		ct_tasks_init(&core->tasks, &core->cfg);
		put(core->info.format, sizeof(core->info.format), "random weights");
		put(core->info.tokenizer, sizeof(core->info.tokenizer), "none");
	} else if (params->flags & CTRANS_MODEL_TOKENIZER) {
		ret = ct_model_open_tokenizer(path, model, err);
		if (ret)
			return ret;
		ret = ct_load_tokenizer(core, *model, err);
		put(core->info.tokenizer, sizeof(core->info.tokenizer),
		    ct_tokenizer_name(*model));
		return ret;
	} else {
		ret = core->inside ? ct_model_open_little(path, model, err) :
				     ct_model_open(path, model, err);
		if (!ret && cache_key)
			ret = check_key(*model, cache_key, err);
		if (ret)
			return ret;
		core->cfg = (*model)->weights.cfg;
		core->tasks = (*model)->tasks;
		if (!ct_has_encoder(&core->cfg))
			ct_tasks_init(&core->tasks, &core->cfg);
		describe_files(core, *model);
		ret = ct_load_tokenizer(core, *model, err);
		if (ret)
			return ret;
	}
	ret = choose_context(core, params->context, err);
	if (!ret)
		ret = check_shape(&core->cfg, err);
	if (ret)
		return ret;
	ret = list_linears(core, err);
	if (ret)
		return ret;
	describe_config(core);
	put(core->info.policy, sizeof(core->info.policy), want.policy->name);
	put(core->info.thresholds, sizeof(core->info.thresholds),
	    has_thresholds(*model, params) ? "calibrated" : "dynamic");
	if (params->flags & (CTRANS_MODEL_NO_WEIGHTS | CTRANS_MODEL_TOKENIZER))
		return 0;
	ret = open_device(core, *model, params, err);
	if (!ret && params->calibration)
		ret = ct_core_calibrate(core, params->calibration,
					params->calibration_len, params->levels, err);
	if (!ret)
		ret = ct_core_speculate(core, &speculation, err);
	if (!ret)
		ret = ct_core_dispatch(core, &want, err);
	describe_device(core);
	return ret;
}

static int open_files(const char *path, const struct ctrans_model_params *params,
		      const char *cache_key, struct ct_device *dev, bool inside,
		      struct ct_core **out, struct ct_model **model,
		      struct ct_err *err)
{
	struct ct_core *core = calloc(1, sizeof(*core));
	int ret;

	*model = NULL;
	if (!core)
		return ct_fail(err, -ENOMEM, "out of memory");
	core->beside = dev;
	core->inside = inside;
	pthread_mutex_init(&core->lock, NULL);
	ret = open_core(core, path, params, cache_key, model, err);
	if (!ret && *model && ct_model_has_little(*model)) {
		core->holds_little = strdup(path);
		if (!core->holds_little)
			ret = ct_fail(err, -ENOMEM, "out of memory");
	}
	if (ret) {
		ct_model_close(*model);
		*model = NULL;
		ct_core_close(core);
		return ret;
	}
	*out = core;
	return 0;
}

int ct_core_open_files(const char *path, const struct ctrans_model_params *params,
		       const char *cache_key, struct ct_device *dev,
		       struct ct_core **core, struct ct_model **model,
		       struct ct_err *err)
{
	return open_files(path, params, cache_key, dev, false, core, model, err);
}

static int open_on(const char *path, const struct ctrans_model_params *params,
		   struct ct_device *dev, struct ct_core **core, struct ct_err *err)
{
	struct ct_model *model;
	int ret;

	if (params->cache && *params->cache)
		return ct_cache_open(path, params, dev, core, err);
	ret = ct_core_open_files(path, params, NULL, dev, core, &model, err);
	ct_model_close(model);
	return ret;
}

int ct_core_open(const char *path, const struct ctrans_model_params *params,
		 struct ct_core **core, struct ct_err *err)
{
	return open_on(path, params, NULL, core, err);
}

int ct_core_open_beside(const char *path, const struct ctrans_model_params *params,
			const struct ct_core *other, struct ct_core **core,
			struct ct_err *err)
{
	struct ct_model *model;
	int ret;

	if (path)
		return open_on(path, params, other->dev, core, err);
	ret = open_files(other->holds_little, params, NULL, other->dev, true, core,
			 &model, err);
	ct_model_close(model);
	return ret;
}

void ct_core_close(struct ct_core *core)
{
	if (!core)
		return;
	if (core->dev) {
		ct_queue_close(core->queue);
		ct_sources_reclaim(core);
		ct_kv_free(core);
		ct_encoder_free(core);
		ct_device_free(core->dev, &core->ctl);
		ct_device_free(core->dev, &core->work);
		ct_device_free(core->dev, &core->norms);
		ct_device_free(core->dev, &core->weights);
		ct_device_close(core->dev);
	}
	ct_tokenizer_free(core->tokenizer);
	free(core->dispatch);
	free(core->profiles);
	free(core->theta);
	free(core->linears);
	free(core->layer_va);
	free(core->holds_little);
	ct_image_free(&core->image);
	pthread_mutex_destroy(&core->lock);
	free(core);
}

/* ---- Asking ----------------------------------------------------------- */

const struct ct_config *ct_core_config(const struct ct_core *core)
{
	return &core->cfg;
}

const struct ct_tasks *ct_core_tasks(const struct ct_core *core)
{
	return &core->tasks;
}

bool ct_core_has_little(const struct ct_core *core)
{
	return core->holds_little;
}

const struct ct_tokenizer *ct_core_tokenizer(const struct ct_core *core)
{
	return core->tokenizer;
}

uint32_t ct_core_context(const struct ct_core *core)
{
	return core->context;
}

void ct_core_info(const struct ct_core *core, struct ctrans_model_info *info)
{
	*info = core->info;
}

bool ct_core_has_weights(const struct ct_core *core)
{
	return core->has_weights;
}

double ct_core_seconds(const struct ct_core *core, uint64_t cycles)
{
	return core->dev_info.khz ? (double)cycles / (1e3 * core->dev_info.khz) : 0.0;
}
