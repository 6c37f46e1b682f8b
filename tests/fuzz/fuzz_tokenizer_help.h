/* SPDX-License-Identifier: MIT */
/* A directory whose files are the fuzzer's bytes. */
#ifndef FUZZ_TOKENIZER_HELP_H
#define FUZZ_TOKENIZER_HELP_H

#include <stddef.h>
#include <stdint.h>

/* Make the directory, with these files; it is removed at exit. */
void fuzz_dir_make(const char *const *names, int n);
/* Where it is. */
const char *fuzz_dir_path(void);
/* Give file @i these bytes. */
void fuzz_dir_set(int i, const uint8_t *data, size_t size);
/* Open it as a tokenizer; if it is one, encode and decode a text. */
void fuzz_dir_try(void);

#endif
