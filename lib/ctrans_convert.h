/* SPDX-License-Identifier: MIT */
/*
 * libctrans: conversion, from a model as it was trained to one that the chip runs
 * at its best. Part of ctrans.h, which says what holds for all functions, and
 * includes it.
 */
#ifndef CTRANS_CONVERT_H
#define CTRANS_CONVERT_H

#include "ctrans.h"
#include "ctrans_dispatch.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/*
 * What conversion found and decided for one linear layer. Shares are of values,
 * 0 to 1; figures that take a calibration text are NaN without one.
 */
enum ctrans_stack {
	CTRANS_STACK_ONLY = 0,		/* of a model without encoder */
	CTRANS_STACK_ENCODER = 1,
	CTRANS_STACK_DECODER = 2,
};

struct ctrans_layer_report {
	size_t size;
	uint32_t layer;
	uint32_t kind;			/* enum ctrans_kind */
	uint32_t n_in, n_out;
	float threshold;		/* firing threshold; 0: each row its own */
	float zero, outlier, clipped;	/* outlier: |a| > 127; clipped: > 32767 */
	float spikes_radix, spikes_naf;	/* a value that is not zero */
	float activation_snr_db;	/* at the output, from quantised activations */
	float weight_snr_db;		/* at the output, from quantised weights */
	float weight_bits;		/* a weight, as stored */
	float weight_exceptions;	/* share of weights */
	float smoothing;		/* largest factor moved into weights; 1: none */
	uint32_t stack;			/* enum ctrans_stack */
	uint32_t stack_layer;		/* of its stack, from 0 */
	/* "qkv", "projection", "cross-q", "cross-kv", "cross-out", "ffn-up", "ffn-gate",
	   "ffn-down" or "head"; a string of the library's */
	const char *part;
};

/* A layer's report, in program order, when all of it is known. */
typedef void ctrans_layer_report_fn(void *arg, const struct ctrans_layer_report *report);

/*
 * Phases follow each other: "Loading", "Calibrating", "Thresholds", "Weights",
 * "Writing". Return non-zero to give up (-ECANCELED).
 */
typedef int ctrans_convert_progress_fn(void *arg, const char *phase, uint64_t done,
				       uint64_t total);

struct ctrans_convert_params {
	size_t size;
	const char *device;	/* to run the calibration text on; as model params' */
	/*
	 * Text to calibrate with, and tokens of it at most (default 10240). For a model
	 * with an encoder it is lines, SOURCE<TAB>TARGET, of which further columns are
	 * ignored, or a SOURCE alone, whose target is what the model writes greedily;
	 * tokens of both count, and pairs are taken whole.
	 */
	const char *calibration;
	size_t calibration_len;
	uint32_t calibration_tokens;
	/*
	 * Firing thresholds with a calibration text: "search" (default), those of
	 * least modelled energy at which outputs keep @noise_db of signal to noise
	 * in the mean over layers; "rms", each layer's root mean square over
	 * @levels. Without a text: "dynamic", each row has its own when it runs.
	 */
	const char *thresholds;
	float noise_db, levels;
	float smooth;		/* 0 (default): none; to 1: outliers into weights */
	const char *weights;	/* "esc" (default) or "s8" */
	/*
	 * ESC: standard deviation of an output's weights in steps of their scale;
	 * 0 (default): chosen by what it costs.
	 */
	float weight_sigma;
	uint32_t correct;	/* 1 (default): later weights make up for earlier ones */
	const char *little;	/* a little model to put into the file; NULL: none */
	ctrans_convert_progress_fn *progress;
	void *progress_arg;
	ctrans_layer_report_fn *report;
	void *report_arg;
	/*
	 * The task whose words the calibration text's sources begin with; NULL: the
	 * model's first, if its files name any.
	 */
	const char *task;
};

/* The defaults; @size is sizeof(*params). */
void ctrans_convert_params_init(struct ctrans_convert_params *params, size_t size);

/*
 * Write the model at @path (as ctrans_model_open() takes it, shapes too) to the
 * GGUF file @out: weights packed, thresholds, what was seen of activations, the
 * tokenizer, and the little model where there is one. It loads fastest, and every
 * policy finds in it what it wants to know. Only this library reads such files.
 * With weights "s8" and no calibration text it gives the tokens that the model
 * gives unconverted.
 *
 * @out is replaced as a whole: whatever happens, it is what was there before, or
 * complete. Errors are those of ctrans_model_open(); and -EINVAL for a model that is
 * converted already, a calibration text too short, a little model with another
 * tokenizer, or an @out that holds the model's weights or is no regular file;
 * -ENOSPC, -EACCES and the like as the system says.
 */
int ctrans_convert(const char *path, const struct ctrans_convert_params *params,
		   const char *out);

/*
 * The model as a network of integrate-and-fire neurons, timestep by timestep, in
 * integers: for each token and linear layer, neurons with soft reset turn what enters
 * it into spike trains of @code (enum ctrans_code), synapses add weights for spikes,
 * and what that comes to is compared, to the bit, with what the chip has computed
 * from the same inputs. Where nothing but a ReLU lies between two layers and
 * thresholds are fixed, neurons fire from the sums themselves while these come in,
 * take back what they fired too early, and end at the chip's quantised values.
 */
struct ctrans_spike_check {
	size_t size;
	uint64_t tokens, layers;	/* tokens of sources, too */
	uint64_t values;	/* outputs that were compared */
	uint64_t direct;	/* and values of neurons that fired from sums */
	uint64_t differ;	/* of both; 0 if the network is equivalent */
	uint64_t spikes;	/* each reaching every output of its layer */
	uint64_t outliers;	/* values beyond 127, which the INT16 unit adds */
	uint64_t events;	/* weights added or subtracted */
	uint64_t taken_back;	/* spikes fired too early */
};

/*
 * Run @n tokens in that way. It is slow: a check, not a way to run models.
 * @progress counts rows of layers. -ENOTSUP for a model without weights or opened
 * unquantised, -EINVAL for a token or code out of range, -ECANCELED, -ENOMEM, -EIO.
 */
int ctrans_check_spikes(struct ctrans_model *model, const uint32_t *tokens, size_t n,
			uint32_t code, ctrans_progress_fn *progress, void *arg,
			struct ctrans_spike_check *check, size_t size);

/* The same of @n pairs (ctrans_profile_pairs()), of sources and of their texts. */
int ctrans_check_spikes_pairs(struct ctrans_model *model, const struct ctrans_pair *pairs,
			      size_t n, uint32_t code, ctrans_progress_fn *progress,
			      void *arg, struct ctrans_spike_check *check, size_t size);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
