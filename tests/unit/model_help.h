/* SPDX-License-Identifier: MIT */
/* What the tests of lib/model share: temporary files and expected weights. */
#ifndef MODEL_HELP_H
#define MODEL_HELP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "model/reader.h"

/* A path below tests/data/model; lives until the next call but three. */
const char *data_path(const char *name);

/*
 * A fresh directory, removed with its files by tmp_remove(). tmp_path() gives
 * the path of a name in it, under the rule of data_path().
 */
void tmp_make(void);
void tmp_remove(void);
const char *tmp_path(const char *name);
const char *tmp_write(const char *name, const void *bytes, size_t len);
const char *tmp_text(const char *name, const char *text);

/* A whole file, to be freed. */
uint8_t *slurp(const char *path, size_t *len);

/* A file in memory: its /proc path stays good until closed. */
struct mem_file {
	int fd;
	char path[64];
};
void mem_file_make(struct mem_file *f, const void *bytes, size_t len);
void mem_file_poke(const struct mem_file *f, size_t at, uint8_t byte);

/* A growing byte buffer. */
struct bytes {
	uint8_t *v;
	size_t n, cap;
};
void put(struct bytes *b, const void *v, size_t n);
void put_le(struct bytes *b, uint64_t v, unsigned int bytes);

/* A safetensors file: length, header text, and @data zero bytes after it. */
void put_safetensors(struct bytes *b, const char *header, size_t data);

/* GGUF, piece by piece. */
void put_gguf_head(struct bytes *b, uint32_t version, uint64_t n_tensors,
		   uint64_t n_kv);
void put_gguf_string(struct bytes *b, const char *s);
void put_gguf_kv_u32(struct bytes *b, const char *key, uint32_t v);
void put_gguf_kv_str(struct bytes *b, const char *key, const char *v);
void put_gguf_tensor(struct bytes *b, const char *name, uint32_t ndim,
		     const uint64_t *dims, uint32_t type, uint64_t offset);

/* The weight that tests/make_models.py puts there. */
float expected_weight(enum ct_role role, uint32_t layer, uint32_t out,
		      uint32_t in, bool nibble);

/*
 * Fails the test unless all rows of all weights arrive once, in order, and
 * are what make_models.py has written. Returns the number of weights.
 */
size_t check_weights(const struct ct_model *m, const struct ct_read_opts *o);

#endif
