/* SPDX-License-Identifier: MIT */
/*
 * A random model of a few kilobytes with a context of several key/value blocks,
 * as a Hugging Face directory without tokenizer.
 */
#ifndef SMALL_MODEL_H
#define SMALL_MODEL_H

#define SMALL_VOCAB	61u
#define SMALL_CONTEXT	320u

/* Its path; made at the first call, removed at the process' end. */
const char *small_model(void);

#endif
