/* SPDX-License-Identifier: MIT */
/*
 * libctrans: sessions, texts that go on from call to call and process to process.
 * Part of ctrans.h, which says what holds for all functions, and includes it.
 */
#ifndef CTRANS_SESSION_H
#define CTRANS_SESSION_H

#include "ctrans.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/*
 * A session keeps the keys and values of the tokens it has seen, so a text can
 * be continued, token by token or by further prompts. A call that fails leaves
 * it as it was. A call on a session that another is still using is -EBUSY.
 *
 * Sessions of a model share memory where they hold the same: forks all that
 * they have in common, others the whole blocks of 64 tokens that their texts
 * begin with. Such a beginning is not run again but taken over (reused_tokens
 * says how much), also from a session that was closed, as long as its memory
 * was not wanted. What a session writes is its own. No token, logit or
 * probability depends on it; time, energy and memory do.
 * CTRANS_MODEL_NO_SHARING leaves the sharing to forks.
 */
struct ctrans_session;

int ctrans_session_open(struct ctrans_model *model, struct ctrans_session **session);
/* At once, or when the request or call that is using it has ended. */
void ctrans_session_close(struct ctrans_session *session);

/*
 * Another session that holds what @session does, without running anything. The
 * two share the memory of what they hold: a fork takes a few kilobytes until it
 * goes on, and then what it adds, and at most one block of 64 tokens more. Its
 * usage starts at nothing. From any thread, while no other call is using
 * @session (-EBUSY); the caller owns the copy. -ENOMEM.
 */
int ctrans_session_fork(struct ctrans_session *session,
			struct ctrans_session **copy);

/* Tokens seen so far. */
uint32_t ctrans_session_position(const struct ctrans_session *session);

/* Forget everything from @position on. -EINVAL beyond the present position. */
int ctrans_session_truncate(struct ctrans_session *session, uint32_t position);

/*
 * Of a model with an encoder: read a source, @n of its tokens
 * (CTRANS_TOKENIZE_SOURCE; end of text included, where the model expects one). What
 * the session held is forgotten; what it runs from now on, beginning with the
 * token that a text of this model begins with (ctrans_model_info()'s start), attends
 * to it. -ENOTSUP: the model has no encoder; -E2BIG: longer than the context.
 */
int ctrans_session_read(struct ctrans_session *session, const uint32_t *tokens,
			size_t n);

/*
 * Run tokens through the model. @logits, unless NULL, receives the model's
 * vocabulary of logits after the last of them. -E2BIG if they do not fit into
 * the context, -EINVAL for a token out of range or none; nothing is run then.
 */
int ctrans_session_eval(struct ctrans_session *session, const uint32_t *tokens,
			size_t n, float *logits);

/*
 * As ctrans_generate(), going on from what the session holds; with an empty
 * prompt, as if it had never stopped. The session then holds the prompt and all
 * new tokens too, an end of text and those of a stop string included: where
 * these should not be part of what follows, truncate. With an encoder each call
 * reads a source of its own and begins anew.
 */
int ctrans_session_generate(struct ctrans_session *session, const char *prompt,
			    const struct ctrans_generate_params *params,
			    struct ctrans_result **result);

/*
 * One token for each of several sessions of one model, in one pass over the
 * weights (two where logits of more than 128 are wanted). @logits, unless NULL:
 * an array of @n pointers, NULL where not wanted. -E2BIG for more than 256
 * sessions or one whose context is full, -EINVAL for one that is there twice.
 */
int ctrans_batch_eval(struct ctrans_session *const *sessions,
		      const uint32_t *tokens, size_t n, float *const *logits);

/*
 * A session kept, and taken up again by another process, on another machine or
 * device: what follows is bit for bit what would have followed. It holds the
 * tokens, with keys and values where they are known already; not what the
 * session has cost, which begins anew, nor parameters of generating: a seed
 * counts for one call, here as ever.
 *
 * The bytes are a safetensors file with a checksum. They belong to the weights
 * and thresholds they were made with, in one type of keys and values, and are
 * refused by a model that differs in these; dispatch, device, threads and
 * the context's size are free. Who may write such bytes can make the text go on
 * as they like, and no more than that: nothing in them is trusted.
 *
 * Writes to @data, which has @room bytes, and sets *@len to how many there are;
 * -E2BIG if that is more than @room, and nothing is written (@data may be NULL
 * with @room 0 to ask). -ENOTSUP: the model has an encoder, whose sources are not kept. -EBUSY while another call uses the session. The first
 * of these calls reads all of the model's weights once, for their fingerprint.
 */
int ctrans_session_export(struct ctrans_session *session, void *data, size_t room,
			  size_t *len);

/*
 * A new session from such bytes. -EINVAL: of another model, or of the same with
 * other thresholds or another type of keys and values; -ENOTSUP: saved by a
 * newer version; -EBADMSG: damaged, cut short, or no session at all; -E2BIG: more
 * tokens than the model's context; -ENOMEM. On failure *@session is NULL.
 */
int ctrans_session_import(struct ctrans_model *model, const void *data, size_t len,
			  struct ctrans_session **session);

/*
 * The same to and from a file. It is replaced as a whole: whatever happens
 * meanwhile, @path is what was there or the new session. -EINVAL if there is
 * something that is no regular file; -ENOENT, -ENOSPC, -EACCES and the like as
 * the system says.
 */
int ctrans_session_save(struct ctrans_session *session, const char *path);
int ctrans_session_load(struct ctrans_model *model, const char *path,
			struct ctrans_session **session);

/* What the session has cost so far. */
int ctrans_session_usage(const struct ctrans_session *session,
			 struct ctrans_usage *usage, size_t size);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
