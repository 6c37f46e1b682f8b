/* SPDX-License-Identifier: MIT */
/*
 * A model as it lies on disk: opened, checked, described, ready to be read.
 *
 * A path is a Hugging Face directory (config.json with safetensors) or a GGUF
 * file, as it was trained or converted. After ct_model_open() has returned 0, only reads can fail: names,
 * shapes, types, offsets and sizes have been checked against each other and
 * against the files. A struct ct_model does not change after it was opened,
 * and may be used from several threads.
 */
#ifndef CT_MODEL_MODEL_H
#define CT_MODEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "model/gguf.h"
#include "model/weights.h"
#include "model/tasks.h"
#include "model/tensor.h"
#include "model/vocab.h"

enum ct_model_format {
	CT_FORMAT_HF,
	CT_FORMAT_GGUF,
};

/* Where the tokenizer is to be had. */
enum ct_tokenizer_kind {
	CT_TOKENIZER_NONE,
	CT_TOKENIZER_HF_JSON,	/* tokenizer.json in dir */
	CT_TOKENIZER_HF_BPE,	/* vocab.json and merges.txt in dir */
	CT_TOKENIZER_HF_SPM,	/* spiece.model in dir, or such a tokenizer.json */
	CT_TOKENIZER_HF_FSMT,	/* vocab-src.json, vocab-tgt.json and merges.txt in dir */
	CT_TOKENIZER_GGUF,	/* vocab */
	CT_TOKENIZER_CONVERTED,	/* blobs of a converted file (model/converted.h) */
};

struct ct_model {
	enum ct_model_format format;
	char *path;		/* as given; the directory of a CT_FORMAT_HF */
	struct ct_files files;
	struct ct_tensors tensors;
	struct ct_gguf gguf;	/* CT_FORMAT_GGUF only */
	enum ct_tokenizer_kind tokenizer;
	struct ct_vocab vocab;	/* CT_TOKENIZER_GGUF only */
	bool has_weights;	/* then weights is valid */
	/*
	 * A converted file (model/converted.h): of weights only cfg is, and the
	 * tensors are packed; convert/converted.h knows them.
	 */
	bool converted;
	struct ct_weights weights;
	struct ct_tasks tasks;
};

/*
 * Open a model with its weights. A GGUF file without tokenizer, or a
 * directory without tokenizer files, is a model still (CT_TOKENIZER_NONE).
 *
 * -ENOENT: no such path, no config.json, a tensor or key missing; -ENOTSUP:
 * another architecture, type or format, named; -EBADMSG: malformed,
 * truncated, or not consistent; -E2BIG: beyond a limit.
 */
int ct_model_open(const char *path, struct ct_model **model,
		  struct ct_err *err);

/* The little model that a converted file holds; -ENOENT: it holds none. */
int ct_model_open_little(const char *path, struct ct_model **model,
			 struct ct_err *err);
bool ct_model_has_little(const struct ct_model *model);

/*
 * Open only what a tokenizer needs: a directory's files are not looked at
 * (text/ reads them), a GGUF file may hold a vocabulary alone and be of any
 * architecture. No tokenizer is -ENOENT. has_weights is false then.
 */
int ct_model_open_tokenizer(const char *path, struct ct_model **model,
			    struct ct_err *err);

void ct_model_close(struct ct_model *model);

/* Where the tokenizer is, in words: "tokenizer.json", "none". */
const char *ct_tokenizer_name(const struct ct_model *model);

/* How the weights are stored. */
struct ct_model_info {
	const char *format;		/* "safetensors", "GGUF v3"; static */
	uint64_t bytes;			/* a tied head counted once */
	uint64_t n_params[CT_N_DTYPES];	/* likewise, by enum ct_dtype */
};

/* For a model that has weights. */
void ct_model_describe(const struct ct_model *model,
		       struct ct_model_info *info);

/* "F16", or "F32+Q8_0" with the larger share first. At least 64 bytes. */
void ct_model_dtype_mix(const struct ct_model_info *info, char *text,
			size_t size);

#endif
