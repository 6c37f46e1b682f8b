/* SPDX-License-Identifier: MIT */
/* Shared by core.c, load.c, calibrate.c, kv.c; others include engine/core.h. */
#ifndef CT_ENGINE_CORE_IMPL_H
#define CT_ENGINE_CORE_IMPL_H

#include <pthread.h>

#include "convert/image.h"
#include "device/device.h"
#include "ctrans_dispatch.h"
#include "engine/core.h"
#include "engine/kv.h"
#include "model/model.h"
#include "model/tasks.h"
#include "program/program.h"

/*
 * What a source's step takes beside the core's own: room for the longest so far.
 * Under the core's lock.
 */
struct ct_encoder_room {
	uint32_t rows;
	struct ct_buf_dev work;		/* activations */
	struct ct_buf_dev ctl;		/* program, arguments, statistics */
	struct ctrans_insn *prog;
	uint64_t prog_va;
	size_t n_insns;
	struct ctrans_args *args;
	uint64_t args_va;
	struct ctrans_stat *stats;
	uint64_t stats_va;
};

struct ct_core {
	struct ct_config cfg;
	struct ct_tasks tasks;		/* with an encoder */
	struct ctrans_model_info info;
	struct ct_tokenizer *tokenizer;	/* NULL: none */
	bool has_weights;
	uint32_t context;

	struct ct_device *beside;	/* to be used instead of one's own; or NULL */
	bool inside;			/* a file that has another model around it */
	char *holds_little;		/* the file that does; or NULL */
	struct ct_device *dev;
	struct ct_device_info dev_info;
	struct ct_queue *queue;
	struct ct_image image;		/* what is where in weights */
	struct ct_buf_dev weights;	/* packed, norms, positions */
	struct ct_buf_dev norms;	/* of FFN-up weights, for exact speculation */
	struct ct_buf_dev work;		/* activations, logits */
	struct ct_buf_dev ctl;		/* program, arguments, statistics, top-k */
	struct ct_layer_va *layer_va;	/* the decoder's, then the encoder's */
	struct ct_linear_id *linears;	/* [ct_program_linears()] */
	float *theta;			/* calibrated thresholds, or NULL */
	/* by linear: what calibration saw at these thresholds; NULL: not known */
	struct ctrans_layer_profile *profiles;
	struct ctrans_dispatch *dispatch;	/* by linear: the policy's answers */
	struct ct_program_layout at;

	/* inside ctl */
	struct ctrans_insn *prog;
	uint64_t prog_va;
	size_t n_insns;
	struct ctrans_args *args;
	uint64_t args_va;
	struct ctrans_stat *stats;
	uint64_t stats_va;
	uint8_t *topk;

	char fingerprint[33];		/* "" until asked for; lock */
	pthread_mutex_t lock;		/* a step */
	uint32_t sequence;
	uint64_t step_ns;		/* the last job, doorbell to completion */
	uint64_t block_bytes;		/* of keys and values */
	struct ct_kv kv;

	struct ct_encoder_room encoder;
	uint64_t source_bytes;		/* of a source's block */
	struct ct_source *idle;		/* source.c; kv.lock */
	uint32_t n_idle;
};

/* A source that has been read; encode.c, source.c. */
struct ct_source {
	struct ct_core *core;
	uint32_t refs;			/* kv.lock */
	uint32_t positions;
	uint32_t room;			/* blocks */
	struct ct_buf_dev buf;		/* struct ctrans_source, then blocks */
	struct ct_source *next;		/* idle: another */
};


struct ct_seq {
	struct ct_core *core;
	struct ct_buf_dev table;	/* __u64 block addresses */
	/* outside a step as many blocks as the positions need */
	uint32_t n_blocks;
	uint32_t position;
	bool unshared;
	struct ct_source *source;	/* what it attends to; or NULL */
	uint32_t block[];		/* their numbers */
};

/*
 * core.c: as ct_core_open(), without looking into a cache; the files stay open,
 * for the caller to close (NULL where there are none). @cache_key, unless NULL:
 * a converted file that was not made from this is -ESTALE. @dev, unless NULL: the
 * device to share.
 */
int ct_core_open_files(const char *path, const struct ctrans_model_params *params,
		       const char *cache_key, struct ct_device *dev,
		       struct ct_core **core,
		       struct ct_model **model, struct ct_err *err);

/* cache.c: as ct_core_open(), for parameters that name a cache */
int ct_cache_open(const char *path, const struct ctrans_model_params *params,
		  struct ct_device *dev, struct ct_core **core, struct ct_err *err);

/* load.c: from the model's files, or made up for a shape */
int ct_load_weights(struct ct_core *core, const struct ct_model *model,
		    const struct ctrans_model_params *params, struct ct_err *err);

/*
 * step.c: @n_insns instructions at @prog_va on @n_rows rows; lock held. Statistics
 * have room for the core's own program.
 */
int ct_core_run(struct ct_core *core, uint64_t prog_va, size_t n_insns,
		const struct ct_step_row *rows, size_t n_rows, bool stats,
		struct ct_err *err);
/* The same of any program and argument block, which the caller has filled. */
int ct_core_submit(struct ct_core *core, uint64_t prog_va, size_t n_insns,
		   uint64_t args_va, uint64_t stats_va, struct ct_err *err);
void ct_core_add_stat(struct ctrans_cost *cost, const struct ctrans_stat *stat);
void ct_core_build(struct ct_core *core);

/*
 * encode.c; lock held: room for @rows, and its program as the core's layout now is;
 * run it on rows that argument block and source hold.
 */
int ct_encoder_reserve(struct ct_core *core, uint32_t rows, struct ct_err *err);
void ct_encoder_rebuild(struct ct_core *core);
void ct_encoder_args(struct ct_core *core, const struct ct_source *source,
		     const uint32_t *tokens, uint32_t n);
void ct_encoder_free(struct ct_core *core);
/* What ct_core_encode() says of tokens. */
int ct_source_check(const struct ct_core *core, const uint32_t *tokens, size_t n,
		    struct ct_err *err);

/* source.c: one for @n positions, of which nothing is written yet */
int ct_source_open(struct ct_core *core, uint32_t n, struct ct_source **source,
		   struct ct_err *err);
/* Give up those that are kept for others; kv.lock held. Were there any? */
bool ct_sources_reclaim(struct ct_core *core);

/* calibrate.c */
int ct_core_calibrate(struct ct_core *core, const char *text, size_t len,
		      float levels, struct ct_err *err);

/* profile.c: profiles of all its linears, with nothing counted yet */
void ct_core_profile_shapes(const struct ct_core *core,
			    struct ctrans_layer_profile *p);

/*
 * kv.c: before a step, blocks that it may write for positions below @end; after
 * it the rows have been run, or they have not.
 */
int ct_seq_reserve(struct ct_seq *seq, uint32_t end, struct ct_err *err);
void ct_seq_advance(struct ct_core *core, const struct ct_step_row *rows, size_t n);
void ct_seq_retreat(struct ct_core *core, const struct ct_step_row *rows, size_t n);
void ct_kv_init(struct ct_core *core, bool share);
void ct_kv_free(struct ct_core *core);

/* vocab.c */
struct ct_bpe;
int ct_bpe_from_vocab(const struct ct_vocab *vocab, struct ct_bpe **bpe,
		      struct ct_err *err);

/* load_tokenizer.c: of a converted file that is CT_TOKENIZER_CONVERTED */
struct ct_gguf;
int ct_tokenizer_stored(const struct ct_gguf *gguf, struct ct_tokenizer **tokenizer,
			struct ct_err *err);

/* load_tokenizer.c: the core's, from wherever the model has it; NULL where not */
int ct_load_tokenizer(struct ct_core *core, const struct ct_model *model,
		      struct ct_err *err);

static inline uint64_t ct_granules(uint64_t bytes)
{
	return (bytes + CTRANS_GRANULE - 1) & ~(uint64_t)(CTRANS_GRANULE - 1);
}

#endif
