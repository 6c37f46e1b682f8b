/* SPDX-License-Identifier: MIT */
/* What the tests of saved sessions share: models, texts, bytes to change. */
#ifndef STATE_HELP_H
#define STATE_HELP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrans.h"

#define DEMO	"models/demo"

/* tests/data/model/@name; lives until the next call. */
const char *tiny_model(const char *name);

/* Open with everything default but @device and @flags; the test fails if not. */
struct ctrans_model *state_model(const char *path, uint32_t flags);

/* Token @i of a text that is the same in all tests. */
uint32_t state_token(const struct ctrans_model *model, uint32_t i);

/* A session that has run @positions of those tokens, and holds @more. */
struct ctrans_session *state_session(struct ctrans_model *model,
				     uint32_t positions, uint32_t more);

struct blob {
	uint8_t *v;
	size_t n;
};

struct blob state_export(struct ctrans_session *session);

/* The copy is exactly as long as the bytes, so that reading on is found. */
struct blob blob_copy(const struct blob *from, size_t n);

/*
 * Replace the first @from in the header by @to of the same length; the test
 * fails if it is not there.
 */
void header_change(struct blob *b, const char *from, const char *to);

/* Make the checksum right for what the bytes say now, whatever it is. */
bool blob_seal(struct blob *b);

/* Import; what is wrong must be @code and have @words. */
void refused(struct ctrans_model *model, const struct blob *b, int code,
	     const char *words);

/*
 * Both sessions hold the same, and go on with the same logits: @steps tokens,
 * each the likeliest; both are left there.
 */
void same_future(struct ctrans_session *a, struct ctrans_session *b,
		 const struct ctrans_model *model, uint32_t steps);

#endif
