/* SPDX-License-Identifier: MIT */
/*
 * Converted files: a GGUF v3 file of architecture "ctrans-gpt2", "ctrans-t5" or
 * "ctrans-fsmt" that holds a model as the chip has it in memory (convert/image.h),
 * and everything else of it as metadata. This is the format's home; what is not
 * named here is as in other GGUF files (general.*, tokenizer.*). The keys of the
 * configuration begin with the architecture (config_converted.c).
 *
 * A reader takes files of its version and older ones. What is added without
 * raising the version is metadata that a reader may leave alone.
 */
#ifndef CT_MODEL_CONVERTED_H
#define CT_MODEL_CONVERTED_H

#include "base/err.h"
#include "model/config.h"
#include "model/gguf.h"
#include "model/gguf_write.h"
#include "model/tasks.h"

/* 2: compressed weights; a little model. 3: models with an encoder */
#define CT_CONVERTED_VERSION	3
#define CT_CONVERTED_VERSION_ESC	2
#define CT_CONVERTED_VERSION_ENCODER	3
#define CT_CONVERTED_ALIGN	4096u

/* u32: the version of the format, and of the layout of packed weights */
#define CT_KEY_VERSION		"ctrans.version"
#define CT_KEY_LAYOUT		"ctrans.layout"
/* string: how weights are packed; ESC: those of fewer bytes compressed, S8 the rest */
#define CT_KEY_ENCODING		"ctrans.encoding"
#define CT_ENCODING_S8		"S8"
#define CT_ENCODING_ESC		"ESC"
/* strings: who wrote it, from what */
#define CT_KEY_WRITER		"ctrans.writer"
#define CT_KEY_SOURCE		"ctrans.source.name"
#define CT_KEY_SOURCE_FORMAT	"ctrans.source.format"
#define CT_KEY_SOURCE_TYPES	"ctrans.source.types"
/* string: in a cache, what the entry was made from */
#define CT_KEY_CACHE		"ctrans.cache.key"
/* f32s by linear in program order, and f32: calibrated thresholds, if any */
#define CT_KEY_THRESHOLDS	"ctrans.thresholds"
#define CT_KEY_LEVELS		"ctrans.levels"
/*
 * u64s by linear in program order, if any: what calibration saw at the thresholds:
 * rows, how many values had magnitude 0..127, how many more, how many were clamped
 */
#define CT_KEY_PROFILE		"ctrans.profile"
/*
 * XXH3 (64 bits) of each stretch of so many bytes (u32) of the data (u64s), and
 * of the header (u64), up to the end of its tensors, with 0 in place of itself
 */
#define CT_KEY_SUM_STRETCH	"ctrans.checksum.stretch"
#define CT_KEY_SUM_DATA		"ctrans.checksum.data"
#define CT_KEY_SUM_HEADER	"ctrans.checksum.header"
/*
 * I8 tensor behind the others, if there is a little model: a converted file of
 * its own, whole, but without a tokenizer, as it has the model's
 */
#define CT_TENSOR_LITTLE	"little"
/* What tokenizer.ggml has no keys for: bools, and i32s of id and flags */
#define CT_KEY_TOK_PREFIX_SPACE	"ctrans.tokenizer.add_prefix_space"
#define CT_KEY_TOK_NO_SPLIT	"ctrans.tokenizer.no_split"
#define CT_KEY_TOK_IGNORE_MERGES "ctrans.tokenizer.ignore_merges"
#define CT_KEY_TOK_FUSE_UNK	"ctrans.tokenizer.fuse_unk"
#define CT_KEY_TOK_ADDED	"ctrans.tokenizer.added"
/*
 * Tokenizers of other kinds; tokenizer.ggml.model is "none" then. SentencePiece: u8s,
 * a ModelProto; strings, the tokens beside it, and for each two i32s, its id and 1
 * if it is special (ct_spm_open()). FSMT: four strings, the vocabularies of source
 * and target, the merges, and the settings (ct_fsmt_open()).
 */
#define CT_KEY_TOK_SPM		"ctrans.tokenizer.spm.model"
#define CT_KEY_TOK_SPM_ADDED	"ctrans.tokenizer.spm.added"
#define CT_KEY_TOK_SPM_IDS	"ctrans.tokenizer.spm.added_ids"
#define CT_KEY_TOK_FSMT		"ctrans.tokenizer.fsmt"
/*
 * Tasks of a model with an encoder (model/tasks.h): strings, their names and their
 * prefixes; CT_SEARCH_FIELDS i32s of a search, first that where no task is named,
 * then each task's, and an f32 for each, too; two strings, FSMT's languages.
 */
#define CT_KEY_TASKS		"ctrans.tasks.names"
#define CT_KEY_TASK_PREFIXES	"ctrans.tasks.prefixes"
#define CT_KEY_SEARCH		"ctrans.tasks.search"
#define CT_KEY_LENGTH_PENALTY	"ctrans.tasks.length_penalty"
#define CT_KEY_LANGS		"ctrans.tasks.languages"
/* beams, max_length, min_length, no_repeat_ngram, early_stopping, forced bos and eos */
#define CT_SEARCH_FIELDS	7u

/* "ctrans-t5" */
const char *ct_converted_arch(enum ct_arch arch);
/* false: it is no converted file's. */
bool ct_converted_arch_find(const struct ct_str *name, enum ct_arch *arch);

/*
 * The configuration of a converted file. -ENOTSUP: of a newer version. Its
 * head_factor is 1: the stored gains have been multiplied by the model's.
 */
int ct_config_converted(const struct ct_gguf *gguf, struct ct_config *cfg,
			struct ct_err *err);
void ct_config_put(const struct ct_config *cfg, struct ct_gguf_out *out);

/* Of a model with an encoder, whose configuration has been read. */
int ct_tasks_converted(const struct ct_gguf *gguf, const struct ct_config *cfg,
		       struct ct_tasks *tasks, struct ct_err *err);
void ct_tasks_put(const struct ct_tasks *tasks, struct ct_gguf_out *out);

/* Has it a tokenizer that tokenizer.ggml cannot describe? */
bool ct_converted_has_tokenizer(const struct ct_gguf *gguf);

#endif
