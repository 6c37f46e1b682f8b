// SPDX-License-Identifier: MIT
#include "state_help.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/state.h"
#include "model/safetensors.h"

const char *tiny_model(const char *name)
{
	static char path[4096];
	const char *dir = getenv("CTRANS_TEST_DATA");

	snprintf(path, sizeof(path), "%s/model/%s", dir ? dir : TEST_DATA_DIR,
		 name);
	return path;
}

struct ctrans_model *state_model(const char *path, uint32_t flags)
{
	struct ctrans_model_params p;
	struct ctrans_model *model;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=1";
	p.flags = flags;
	if (ctrans_model_open(path, &p, &model))
		ck_abort_msg("%s", ctrans_message());
	return model;
}

static uint32_t model_vocab(const struct ctrans_model *model)
{
	struct ctrans_model_info info;

	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	return info.vocab;
}

uint32_t state_token(const struct ctrans_model *model, uint32_t i)
{
	return (i * 37 + i / 5 + 5) % model_vocab(model);
}

struct ctrans_session *state_session(struct ctrans_model *model,
				     uint32_t positions, uint32_t more)
{
	struct ctrans_generate_params p;
	struct ctrans_session *session;
	struct ctrans_result *r;
	uint32_t tokens[1024];

	ck_assert_uint_le(positions, 1024);
	ck_assert_int_eq(ctrans_session_open(model, &session), 0);
	for (uint32_t i = 0; i < positions; i++)
		tokens[i] = state_token(model, i);
	if (positions)
		ck_assert_int_eq(ctrans_session_eval(session, tokens, positions,
						     NULL), 0);
	if (more) {
		/* the last new token is held, and not run yet */
		ctrans_generate_params_init(&p, sizeof(p));
		p.temperature = 0;
		p.max_tokens = more;
		p.ignore_eos = 1;
		ck_assert_int_eq(ctrans_session_generate(session, "", &p, &r), 0);
		ctrans_result_free(r);
	}
	ck_assert_uint_ge(ctrans_session_position(session), positions + more);
	return session;
}

struct blob state_export(struct ctrans_session *session)
{
	struct blob b;
	size_t n;

	ck_assert_int_eq(ctrans_session_export(session, NULL, 0, &b.n), -E2BIG);
	b.v = malloc(b.n);
	ck_assert_ptr_nonnull(b.v);
	if (ctrans_session_export(session, b.v, b.n, &n))
		ck_abort_msg("%s", ctrans_message());
	ck_assert_uint_eq(n, b.n);
	return b;
}

struct blob blob_copy(const struct blob *from, size_t n)
{
	struct blob b = { malloc(n ? n : 1), n };

	ck_assert_ptr_nonnull(b.v);
	memcpy(b.v, from->v, n);
	return b;
}

static size_t header_end(const struct blob *b)
{
	uint64_t len = 0;

	for (int i = 7; i >= 0; i--)
		len = len << 8 | b->v[i];
	ck_assert_uint_lt(len, b->n);
	return 8 + len;
}

void header_change(struct blob *b, const char *from, const char *to)
{
	uint8_t *at = memmem(b->v, header_end(b), from, strlen(from));

	ck_assert_msg(at, "the header has no %s", from);
	ck_assert_uint_eq(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
}

bool blob_seal(struct blob *b)
{
	static const char key[] = "\"checksum\":\"";
	size_t end = header_end(b);
	struct ct_state s;
	uint8_t *at;

	if (ct_state_read_header((char *)b->v + 8, end - 8, b->n, &s, NULL))
		return false;
	at = memmem(b->v, end, key, strlen(key));
	if (!at)
		return false;
	ct_state_sum(&s, b->v + s.kv_at, b->v + s.tokens_at);
	memcpy(at + strlen(key), s.checksum, strlen(s.checksum));
	return true;
}

void refused(struct ctrans_model *model, const struct blob *b, int code,
	     const char *words)
{
	struct ctrans_session *session = (void *)b;
	int ret = ctrans_session_import(model, b->v, b->n, &session);

	ck_assert_ptr_null(session);
	ck_assert_msg(ret == code, "%d, not %d: %s", ret, code, ctrans_message());
	ck_assert_msg(strstr(ctrans_message(), words), "\"%s\" in \"%s\"", words,
		      ctrans_message());
}

void same_future(struct ctrans_session *a, struct ctrans_session *b,
		 const struct ctrans_model *model, uint32_t steps)
{
	uint32_t vocab = model_vocab(model), token = state_token(model, 7);
	float *x = malloc(4ull * vocab), *y = malloc(4ull * vocab);

	ck_assert(x && y);
	ck_assert_uint_eq(ctrans_session_position(a), ctrans_session_position(b));
	for (uint32_t i = 0; i < steps; i++) {
		ck_assert_int_eq(ctrans_session_eval(a, &token, 1, x), 0);
		ck_assert_int_eq(ctrans_session_eval(b, &token, 1, y), 0);
		ck_assert_msg(!memcmp(x, y, 4ull * vocab), "other logits, step %u", i);
		for (uint32_t t = token = 0; t < vocab; t++)
			if (x[t] > x[token])
				token = t;
	}
	free(x);
	free(y);
}
