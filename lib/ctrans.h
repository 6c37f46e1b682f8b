/* SPDX-License-Identifier: MIT */
/*
 * libctrans: language models on the C-Transformer chip.
 *
 * The whole of it in four calls:
 *
 *	struct ctrans_model *m;
 *	struct ctrans_result *r;
 *
 *	if (ctrans_model_open("models/demo", NULL, &m) == 0 &&
 *	    ctrans_generate(m, "Once upon a time", NULL, &r) == 0)
 *		puts(r->text);
 *
 * Errors. Functions that can fail return 0 or a negative errno.
 * ctrans_strerror() names the code, ctrans_message() says what was wrong and
 * what to do, for the last call that failed in the calling thread. Nothing
 * here ends the process, prints, or changes process-wide state.
 *
 * Structures. Parameters carry their own size, so that old programs work with
 * new libraries: set them up with the _init function, then change fields. A
 * NULL pointer to parameters means all defaults. Structures that the library
 * fills say in their size how much of them is valid, and may grow at the end.
 *
 * Threads. A model may be used by any number of threads at once; a session by
 * one at a time. Results belong to the caller.
 *
 * Exactness. The same model file, text, parameters and seed give the same
 * tokens on every device, CPU, number of threads and dispatch policy, and
 * whatever other calls run at the same time.
 */
#ifndef CTRANS_H
#define CTRANS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library is built with hidden visibility: what is declared here is not. */
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/* Goes up by one whenever this header gains something. */
#define CTRANS_API_VERSION 4

/* CTRANS_API_VERSION of the library that is running. */
unsigned int ctrans_api_version(void);

/* "0.1.0" */
const char *ctrans_version(void);

/* Text for a return value; never NULL. */
const char *ctrans_strerror(int err);

/*
 * What was wrong and what to do, for the last call of this library that failed
 * in this thread; "" if none has. Valid until the next call in this thread.
 */
const char *ctrans_message(void);

/* ---- Log -------------------------------------------------------------- */

enum ctrans_log_level {
	CTRANS_LOG_ERROR = 0,
	CTRANS_LOG_WARNING = 1,
	CTRANS_LOG_INFO = 2,
	CTRANS_LOG_DEBUG = 3,
};

typedef void ctrans_log_fn(void *arg, enum ctrans_log_level level,
			   const char *line);

/*
 * Hear from now on what the library has to say: which device a model that is
 * opened takes, what was found in its files. @line has no newline. NULL (the
 * default): silence. May be called by several threads at once.
 */
void ctrans_set_log(ctrans_log_fn *fn, void *arg, enum ctrans_log_level most);

/* ---- Devices ---------------------------------------------------------- */

/*
 * Devices are named by strings: "sim" is the chip model in this process, with
 * options "sim:threads=2,kernel=reference,opp=4"; "accel:0" is the chip at
 * /dev/accel/accel0, "accel" the first chip. NULL or "" takes the first chip
 * found, else "sim". A chip can go, or have to be reset: all calls on its models
 * are -ENODEV from then on; close them and open them again.
 *   threads  workers, the calling thread included (default: as many as CPUs
 *            that the process may use, by its affinity and its control group's
 *            quota, siblings of one core counted as two). More than these sleep
 *   cpus     a CPU for each worker, as in cpus=0-1 or cpus=0+2-3 (default: any);
 *            the first is for the calling thread, whose affinity is its own
 *            affair: it is not changed. Without threads, as many as are named
 *   kernel   the model's arithmetic: "auto", "reference", "generic", "avx2",
 *            "avx512", "neon", ...; all give the same bits
 *   opp      operating point, 0 (0.7 V, 50 MHz) .. 4 (1.1 V, 200 MHz); default 2
 */
struct ctrans_device_info {
	size_t size;
	char name[64];		/* what to pass as a device string */
	char description[160];
	char kernel[32];	/* "" where it is silicon */
	uint32_t threads;	/* 0 where it is silicon */
	uint32_t cores;		/* 48 */
	uint32_t mv, khz;	/* operating point */
	uint32_t is_model;	/* 1: the chip model */
};

/*
 * The @index-th device of this machine, from 0; the chip model is the last.
 * One that cannot be used has 0 cores, and a description that says why.
 * -ENODEV past the end.
 */
int ctrans_device_get(unsigned int index, struct ctrans_device_info *info,
		      size_t size);

/* ---- Models ----------------------------------------------------------- */

struct ctrans_model;

/*
 * Return non-zero to give up (-ECANCELED). Bytes of the model's files; those
 * that are read twice count twice.
 */
typedef int ctrans_progress_fn(void *arg, uint64_t done, uint64_t total);

enum ctrans_model_flags {
	/* Tokenizer and shape only: no weights, no device. */
	CTRANS_MODEL_NO_WEIGHTS = 1 << 0,
	/*
	 * Weights, keys and values as binary32, nothing quantised. Only the chip
	 * model can; four times the memory; for comparing.
	 */
	CTRANS_MODEL_F32 = 1 << 1,
	/*
	 * Tokenizer only: a vocabulary without a model will do (a GGUF file or a
	 * directory with tokenizer files). Everything else of the model is unknown.
	 */
	CTRANS_MODEL_TOKENIZER = 1 << 2,
	/*
	 * Sessions do not take over what others have run (see Sessions). For
	 * callers that must not learn from a call's time how texts of others begin.
	 */
	CTRANS_MODEL_NO_SHARING = 1 << 3,
};

struct ctrans_model_params {
	size_t size;
	const char *device;	/* see above; NULL: chosen */
	/*
	 * C-DNN dispatch (ctrans_dispatch.h): "dnn" all dense, "snn" all spiking,
	 * "static" by layer, "tile" by work unit, "fine" by value (default; "cdnn"
	 * is another name for it). Never changes a token.
	 */
	const char *policy;
	const char *code;	/* spikes: "radix" (default), "rate" or "naf" */
	uint32_t flags;		/* enum ctrans_model_flags */
	uint32_t context;	/* most tokens a session may hold; 0: the model's */
	/*
	 * Firing thresholds. Dynamic (default): each row of activations by its
	 * own root mean square over @levels. Calibrated: fixed for each layer
	 * from running @calibration (text, @calibration_len bytes) once; with an
	 * encoder lines, as ctrans_convert() takes them, of the model's first task.
	 */
	float levels;		/* 1 to 32767; default 24 */
	const char *calibration;
	size_t calibration_len;
	ctrans_progress_fn *progress;
	void *progress_arg;
	/*
	 * How keys and values are kept: "f16" (default) or "s8", a byte each with
	 * a scale for each position and head. S8 takes half the memory and its
	 * bandwidth and changes results a little; it is an error together with
	 * CTRANS_MODEL_F32.
	 */
	const char *kv;
	/*
	 * A directory (made where it does not exist) in which the model is kept
	 * as converted, so that the next open with the same parameters has only
	 * to read it; NULL (default) or "": none. An entry that is damaged, or
	 * older than the model's files, is made anew. What cannot be kept, for
	 * whatever reason, is told to the log and fails nothing. Entries may be
	 * deleted at any time.
	 */
	const char *cache;
	uint32_t flip;		/* 1: dense spike trains as their complement */
	const char *objective;	/* "energy" (default), "latency" or "edp" */
	const struct ctrans_policy *dispatch;	/* one of your own; NULL: @policy */
	/*
	 * Choose the operating point (chip model only): the fastest whose modelled
	 * power while decoding stays below @power_cap watts; or the one of least
	 * energy that decodes a token in @deadline seconds. 0 (default): not asked.
	 */
	float power_cap, deadline;
	/*
	 * Output spike speculation in the first linear of each feed-forward block:
	 * "off" (default); "exact" (ReLU models: no result changes), in the radix
	 * code; "sampled" (lossy: @sample of the timesteps are integrated, 0: the
	 * published 0.407; calibrated thresholds only), in the rate code.
	 */
	const char *speculation;
	float sample;
	const char *weights;	/* of a shape: "s8" (default) or "esc" */
	/*
	 * A little model to draft tokens for this one, with the same tokenizer, and
	 * otherwise opened as this one; NULL: the one that a converted file holds,
	 * if any; "": none.
	 */
	const char *little;
};

void ctrans_model_params_init(struct ctrans_model_params *params, size_t size);

/*
 * Load a model: a Hugging Face directory of GPT-2, T5 (1.0 and 1.1), mT5 or FSMT, a
 * GGUF file of GPT-2, one that ctrans_convert() has written,
 * or "shape:gpt2", "shape:gpt2-medium", "shape:gpt2-large", "shape:gpt2-xl",
 * "shape:t5-small", "shape:t5-base", "shape:mt5-small", "shape:fsmt" for
 * random weights of that shape (benchmarks; no tokenizer: see prompt_tokens).
 * -ENOENT no such file, or one of its parts is missing; -EBADMSG malformed;
 * -ENOTSUP an architecture or type that is not supported; -E2BIG beyond a limit
 * of the chip or of a format; -ENOMEM too large for this machine; -ENODEV no
 * such device; -EACCES a device or file not for this user; -EBUSY others have all
 * of the device; -EINVAL a parameter out of range; -EIO a file could not be read;
 * -ECANCELED by the progress callback.
 */
int ctrans_model_open(const char *path, const struct ctrans_model_params *params,
		      struct ctrans_model **model);

/* No call on the model may be under way, and its sessions must be closed. */
void ctrans_model_close(struct ctrans_model *model);

struct ctrans_model_info {
	size_t size;
	char format[32];	/* "safetensors", "GGUF v3" */
	char architecture[32];	/* "gpt2", "t5" (also mT5), "fsmt" */
	char tokenizer[32];	/* "tokenizer.json", "none", ... */
	char types[64];		/* element types in the file, "F16" */
	uint32_t vocab, context, width, layers, heads, inner;
	uint32_t tied_head;
	int64_t bos, eos;	/* -1: none */
	uint64_t parameters;
	uint64_t file_bytes;	/* of the weights as stored */
	uint64_t chip_bytes;	/* of the weights as packed for the chip; 0 if not loaded */
	char policy[16];
	char thresholds[16];	/* "dynamic" or "calibrated" */
	struct ctrans_device_info device;	/* name "" if none */
	char kv[8];		/* keys and values: "f16", "s8" or "f32" */
	uint64_t kv_bytes;	/* of them for 64 tokens, the unit they are kept in */
	uint64_t little_parameters;	/* of the little model; 0: there is none */
	uint64_t little_bytes;		/* as chip_bytes */
	uint64_t weights;	/* in the matrices of linear layers and the head */
	uint64_t weight_bytes;	/* of them in chip_bytes; the rest is vectors, scales */
	char activation[16];	/* of feed-forward blocks: "gelu_tanh", "relu", ... */
	/*
	 * Of a model that reads a source before it writes; else 0 and "". @vocab,
	 * @layers and @heads are the decoder's.
	 */
	uint32_t encoder_layers, encoder_vocab;
	uint64_t source_kv_bytes;	/* keys and values of 64 of its tokens */
	char tasks[128];	/* "translate_en_de, summarize" */
	int64_t start;		/* the token that its texts begin with; else -1 */
};

int ctrans_model_info(const struct ctrans_model *model,
		      struct ctrans_model_info *info, size_t size);

/* ---- Tokens ----------------------------------------------------------- */

enum ctrans_tokenize_flags {
	/* Take "<|endoftext|>" and the like for the tokens they name. */
	CTRANS_TOKENIZE_SPECIAL = 1 << 0,
	/* As a source, where a model has another vocabulary for those (FSMT). */
	CTRANS_TOKENIZE_SOURCE = 1 << 1,
};

/*
 * Text of @len bytes, any bytes, to token ids. Writes at most @room ids and sets
 * *@n to how many there are; -E2BIG if that is more than @room (@tokens may be
 * NULL with @room 0 to ask). -ENOTSUP if the model has no tokenizer.
 */
int ctrans_tokenize(const struct ctrans_model *model, const char *text, size_t len,
		    uint32_t flags, uint32_t *tokens, size_t room, size_t *n);

/*
 * The bytes of one token; they need not be whole characters, and are not
 * terminated. Valid as long as the model. -ENOENT if there is no such token.
 */
int ctrans_token_bytes(const struct ctrans_model *model, uint32_t token,
		       const char **bytes, size_t *len);

/* ---- Cost ------------------------------------------------------------- */

enum ctrans_kind {		/* of work, by layer kind */
	CTRANS_KIND_EMBED,
	CTRANS_KIND_NORM,
	CTRANS_KIND_QKV,
	CTRANS_KIND_ATTENTION,
	CTRANS_KIND_PROJECTION,
	CTRANS_KIND_FFN_UP,
	CTRANS_KIND_FFN_DOWN,
	CTRANS_KIND_HEAD,
	CTRANS_KINDS
};

/* "qkv", "attention", ...; NULL past the end */
const char *ctrans_kind_name(enum ctrans_kind kind);

/*
 * Modelled cost on the chip. Energies in femtojoules by domain; see
 * libctrans(7) for what is in each. Every figure is modelled, none measured.
 */
struct ctrans_cost {
	uint64_t cycles;
	uint64_t values_zero, values_dense, values_spiking, values_outlier;
	uint64_t values_clamped;
	uint64_t spikes;
	uint64_t ops_dense, ops_spiking, ops_outlier, ops_vector;
	uint64_t bytes_sram, bytes_external;
	uint64_t dense_fj, spiking_fj, outlier_fj, vector_fj;
	uint64_t sram_fj, external_fj, static_fj;
	/*
	 * What arrays and external memory would take alone, and of the former what
	 * the array waited for weights or took to change its mode.
	 */
	uint64_t cycles_compute, cycles_external, cycles_stall;
	uint64_t ops_skipped;	/* that output spike speculation made unnecessary */
};

struct ctrans_usage {
	size_t size;
	uint32_t prompt_tokens;	/* before the first new one */
	uint32_t new_tokens;
	uint64_t prefill_ns;	/* wall time until the first new token was known */
	uint64_t decode_ns;	/* wall time from there to the end */
	double chip_seconds;	/* modelled, at the operating point */
	struct ctrans_cost prefill, decode;	/* decode: the steps after the first token */
	struct ctrans_cost kind[CTRANS_KINDS];	/* both, by layer kind */
	/*
	 * Of the prompt's tokens those that were not run, because another session
	 * had run the same text before. They cost nothing.
	 */
	uint32_t reused_tokens;
	/*
	 * Of both wall times what passed between doorbell and completion: the
	 * device's. Of a step shared with others its rows' part of it.
	 */
	uint64_t prefill_device_ns, decode_device_ns;
	/* By a little model, whose costs are in the above; those that stood. */
	uint32_t drafted, accepted;
	uint32_t passes;	/* runs of the model itself for its next tokens */
};

/* Sum of the seven energies, in femtojoules. */
uint64_t ctrans_cost_energy_fj(const struct ctrans_cost *cost);

/* ---- Generating ------------------------------------------------------- */

enum ctrans_finish {
	CTRANS_FINISH_LENGTH = 0,	/* max_tokens reached */
	CTRANS_FINISH_EOS = 1,		/* the model ended the text */
	CTRANS_FINISH_STOP = 2,		/* a stop string appeared */
	CTRANS_FINISH_CONTEXT = 3,	/* the context is full */
	CTRANS_FINISH_CANCELED = 4,	/* by the callback or the cancel word */
};

/* "length", "eos", ... */
const char *ctrans_finish_name(enum ctrans_finish finish);

/*
 * New text as it comes: whole UTF-8 characters, @len bytes, also terminated.
 * Text that may turn out to be the start of a stop string is held back until
 * that is known. Return non-zero to stop after this piece, which then is the
 * text's last. All pieces together are the result's text. Callbacks run in the
 * calling thread; they may not use the session they are called for (-EBUSY).
 */
typedef int ctrans_text_fn(void *arg, const char *text, size_t len);

/* Each new token, before its text. Return non-zero to stop after it. */
typedef int ctrans_token_fn(void *arg, uint32_t token);

struct ctrans_generate_params {
	size_t size;
	/* default 128; 0: as many as the task has, or until the context is full */
	uint32_t max_tokens;
	float temperature;	/* default 0.8; 0: always the likeliest token */
	uint32_t top_k;		/* default 40; 0: no limit */
	float top_p;		/* default 0.95; 1: no limit */
	float min_p;		/* default 0.05; 0: no limit */
	float repetition_penalty;	/* default 1: none */
	uint32_t repetition_window;	/* tokens it looks back; default 64; 0: all */
	uint64_t seed;		/* default 0; each seed is one text */
	uint32_t ignore_eos;	/* go on after the end of text */
	uint32_t special;	/* 1: find special tokens in the prompt */
	/*
	 * Strings (UTF-8) that end the text and are no part of it. The one that is
	 * complete first counts, of several at once the longest.
	 */
	const char *const *stop;
	size_t n_stop;
	ctrans_text_fn *text_fn;
	ctrans_token_fn *token_fn;
	void *arg;		/* of both */
	/*
	 * Non-zero stops after the token in hand. May be set by another thread or
	 * a signal handler at any time during the call.
	 */
	const volatile int *cancel;
	/*
	 * Who goes first where not all fit into a step: the higher. Never changes a
	 * token.
	 */
	int32_t priority;	/* default 0 */
	/*
	 * A little model drafts up to @draft tokens while it gives its choice the
	 * probability @fallback at least. The model runs all of them in one pass and
	 * keeps those that it would have chosen with the same random numbers: the
	 * text is its own, token for token. With @rollback it keeps what it gives at
	 * most so many nats of cross entropy: faster, and another text.
	 */
	uint32_t draft;		/* default 8, at most 64; 0: none */
	float fallback;		/* 0 to 1; default 0.6 */
	float rollback;		/* default 0: off */
	/*
	 * A model with an encoder reads @prompt, its source, with the words in front
	 * that it was trained to find there for a task: "translate_en_de",
	 * "summarize", as ctrans_model_info() lists them (-EINVAL: the model has no
	 * such task). NULL: the prompt as it is. Where these parameters leave
	 * something to the task, it is what the model's files say of it, or, without
	 * a task, of the model.
	 */
	const char *task;
	/*
	 * Beams of a beam search, 1 to 32; 0 (default): the task's, or 1 where there is
	 * none and with rollback. 1 is greedy or, at a temperature, sampled; more search
	 * for the most probable text, which comes whole, in one piece, at its end.
	 */
	uint32_t beams;
	/* A model with an encoder does not sample unless told to (1; beams then are 1) */
	uint32_t sample;
	/*
	 * A found text's log-probability is divided by its length to this power, so
	 * that above 0 longer ones are preferred. NAN (default): the task's, or 1.
	 */
	float length_penalty;
	/* The search is over as soon as there are @beams texts: ctrans_early_stopping. */
	uint32_t early_stopping;
	/*
	 * No so many tokens in a row occur twice; no text of fewer new tokens ends.
	 * CTRANS_OF_TASK (default): the task's. 0: off.
	 */
	uint32_t no_repeat_ngram, min_tokens;
	/*
	 * Where the prompt is NULL: it as token ids, which are copied. They stand as
	 * they are, without beginning or end of text, or words for a task; a
	 * source's are of its own vocabulary (CTRANS_TOKENIZE_SOURCE). A model
	 * without a tokenizer takes these only, and its result has tokens and no text.
	 */
	const uint32_t *prompt_tokens;
	size_t n_prompt_tokens;
};

#define CTRANS_OF_TASK	UINT32_MAX

enum ctrans_early_stopping {
	CTRANS_EARLY_OF_TASK = 0,	/* default */
	CTRANS_EARLY_ON = 1,
	CTRANS_EARLY_OFF = 2,
};

void ctrans_generate_params_init(struct ctrans_generate_params *params, size_t size);

struct ctrans_result {
	size_t size;
	/*
	 * New text, terminated, and valid UTF-8: what the tokens' bytes leave
	 * broken, half a character at the end included, is U+FFFD. Special tokens
	 * are no text.
	 */
	char *text;
	size_t text_len;
	uint32_t *tokens;	/* new tokens, end of text included */
	size_t n_tokens;
	enum ctrans_finish finish;
	struct ctrans_usage usage;
};

void ctrans_result_free(struct ctrans_result *result);

/*
 * From prompt to text in one call. @prompt is text (any bytes, terminated). A model
 * with an encoder reads it and writes a text of its own (see @task): its
 * translation, its summary. Any other goes on where it ends; an
 * empty one starts from the model's beginning-of-text token (-EINVAL if it has
 * none). A prompt that does not leave room for one token in the context is
 * -E2BIG, and nothing is run. NULL: see prompt_tokens (-EINVAL: they are NULL, too).
 * -ENOTSUP for text and a model without tokenizer, or for one opened without
 * weights; -EBADMSG if its weights give no number to choose by.
 *
 * When the context fills up before anything else ends the text, generation
 * ends with CTRANS_FINISH_CONTEXT; the context is never shifted.
 *
 * Being stopped is success with CTRANS_FINISH_CANCELED. On failure *@result is
 * NULL; what was passed to callbacks stays passed.
 */
int ctrans_generate(struct ctrans_model *model, const char *prompt,
		    const struct ctrans_generate_params *params,
		    struct ctrans_result **result);

/* ---- Scoring ---------------------------------------------------------- */

struct ctrans_score {
	size_t size;
	double nll;		/* summed negative log-likelihood, nats */
	uint64_t tokens;	/* scored; the first of the text is not */
	double perplexity;	/* exp(nll / tokens) */
	uint64_t top1;		/* of them the model's first choice */
	struct ctrans_usage usage;
};

/* Return non-zero to give up (-ECANCELED). */
typedef int ctrans_score_fn(void *arg, uint64_t done, uint64_t total, double nll);

/*
 * Perplexity of @n tokens in windows: they start at 0, @stride, 2 @stride, ...,
 * and end at most @context tokens later, the last one at the end; in each the
 * tokens after the previous window's end are scored, but never its own first
 * one, which nothing in it predicts (only with @stride equal to @context is that
 * one new). 0: the model's context, and half of @context. -EINVAL if @stride is
 * more than @context, @context less than 2 or more than the model's, or @n less
 * than 2. All of every window is run: nothing is taken over from sessions, nor
 * left to them.
 */
int ctrans_score_tokens(struct ctrans_model *model, const uint32_t *tokens,
			size_t n, uint32_t context, uint32_t stride,
			ctrans_score_fn *fn, void *arg,
			struct ctrans_score *score, size_t size);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#include "ctrans_convert.h"	/* ctrans_convert() */
#include "ctrans_dispatch.h"	/* policies, profiles, the cost model */
#include "ctrans_session.h"	/* texts that go on */
#include "ctrans_queue.h"	/* ctrans_submit() and its like */

#endif
