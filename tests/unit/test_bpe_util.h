/* SPDX-License-Identifier: MIT */
/* What the tokenizer's tests share. Failures fail the running test. */
#ifndef TEST_BPE_UTIL_H
#define TEST_BPE_UTIL_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "text/bpe.h"

/* A path below the test data, good until the call after the next. */
const char *bpe_data(const char *name);
/* A path below the large shared data, or NULL, with a reason printed. */
const char *bpe_shared(const char *name);

/* A whole file with a NUL after it, to be freed; NULL if there is none. */
char *bpe_slurp(const char *path, size_t *len);
cJSON *bpe_json(const char *path);

/* A fresh directory; removed with its files by bpe_tmp_remove(). */
const char *bpe_tmp_make(void);
void bpe_tmp_remove(void);
void bpe_tmp_write(const char *name, const void *data, size_t len);
void bpe_tmp_text(const char *name, const char *text);

/* Genuine GPT-2, its vocabulary made from its merges. */
struct ct_bpe *bpe_gpt2(void);

/* Must succeed. */
struct ct_bpe *bpe_open(const char *dir);
struct ct_ids bpe_encode(const struct ct_bpe *bpe, const void *text,
			 size_t len, unsigned int flags);

/* Encoding and decoding give the same bytes. */
void bpe_check_round_trip(const struct ct_bpe *bpe, const void *text,
			  size_t len, unsigned int flags);

/* Encoding gives these ids; @what names the case. */
void bpe_check_ids(const struct ct_bpe *bpe, const char *text, size_t len,
		   unsigned int flags, const uint32_t *ids, size_t n,
		   const char *what);

/* The same for a list of {"text": ..., "ids": [...]}. */
void bpe_check_vectors(const struct ct_bpe *bpe, unsigned int flags,
		       const char *path);

/* Reproducible. */
uint32_t bpe_random(uint64_t *state);

#endif
