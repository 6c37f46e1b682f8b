/* SPDX-License-Identifier: MIT */
/*
 * A session as bytes: a safetensors file of two tensors, which any tool that
 * reads such files can open, and of metadata that say what they belong to.
 *
 *   "kv"      U8 [blocks][bytes of one]: the blocks of uapi/ctrans_layout.h one
 *             after the other, positions that were not run yet zero
 *   "tokens"  I32 [tokens]: the text; the first "positions" of it have keys and
 *             values, the rest is run when something is wanted after it
 *   __metadata__, all of it text:
 *     format      "ctrans-session"
 *     version     of this list; a reader refuses what is newer than itself
 *     kv          element type, "f16"
 *     layout      of a block, CTRANS_KV_LAYOUT
 *     model       fingerprint: shape and weights
 *     thresholds  fingerprint: how activations are quantised
 *     positions   as above
 *     checksum    XXH3, 128 bits, over the other metadata and both tensors
 *
 * The checksum finds damage, not malice: whatever a file says, it is checked
 * before use, and keys and values may be any bits at all.
 */
#ifndef CT_ENGINE_STATE_H
#define CT_ENGINE_STATE_H

#include "engine/fingerprint.h"

#define CT_STATE_VERSION	1u
/* Ours have some 600 bytes; others may write the same with more space. */
#define CT_STATE_HEADER_MAX	65536u

struct ct_state {
	uint32_t layout;
	uint32_t positions;
	uint64_t n_tokens;
	uint64_t n_blocks, block_bytes;
	char model[33], thresholds[40], kv[16], checksum[33];
	/* where the tensors are, from the file's first byte */
	uint64_t kv_at, kv_len, tokens_at, tokens_len;
};

/*
 * What @n_tokens tokens, the first @positions of them run, look like on @core.
 * The checksum is not known yet.
 */
void ct_state_describe(struct ct_core *core, uint32_t positions, uint32_t n_tokens,
		       struct ct_state *state);

/*
 * The file's beginning up to the first tensor, and where the tensors are. Its
 * length depends on the number of digits only, not on the checksum.
 */
size_t ct_state_write_header(struct ct_state *state, char *to, size_t room);

/* From the two tensors into state->checksum. */
void ct_state_sum(struct ct_state *state, const void *kv, const void *tokens);

/*
 * Read the header, @len bytes after the length that begins a file of
 * @file_size bytes; the tensors lie inside the file then. -EBADMSG what is no
 * saved session, -ENOTSUP what a newer version saved.
 */
int ct_state_read_header(const char *json, size_t len, uint64_t file_size,
			 struct ct_state *state, struct ct_err *err);

/*
 * Does it belong to this model, and fit? -EINVAL another model, -E2BIG more
 * tokens than the context, -EBADMSG sizes that do not agree. After that
 * the tensors have no more bytes than a full context's.
 */
int ct_state_check(const struct ct_state *state, struct ct_core *core,
		   struct ct_err *err);

/*
 * Are the tensors what was saved (-EBADMSG), and each token one of the model's?
 */
int ct_state_check_data(const struct ct_state *state, const struct ct_core *core,
			const void *kv, const void *tokens, struct ct_err *err);

/* Token @i. */
uint32_t ct_state_token(const void *tokens, size_t i);

#endif
