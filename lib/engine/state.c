// SPDX-License-Identifier: MIT
#define XXH_INLINE_ALL
#include "engine/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "model/le.h"
#include "model/safetensors.h"
#include "uapi/ctrans_job.h"

#define FORMAT		"ctrans-session"

/* ---- Writing ---------------------------------------------------------- */

void ct_state_describe(struct ct_core *core, uint32_t positions, uint32_t n_tokens,
		       struct ct_state *state)
{
	struct ct_fingerprint fp;

	ct_core_fingerprint(core, &fp);
	*state = (struct ct_state){
		.layout = CTRANS_KV_LAYOUT,
		.positions = positions,
		.n_tokens = n_tokens,
		.block_bytes = ct_seq_kv_bytes(core, 1),
		.kv_len = ct_seq_kv_bytes(core, positions),
		.tokens_len = 4ull * n_tokens,
	};
	state->n_blocks = state->kv_len / state->block_bytes;
	snprintf(state->kv, sizeof(state->kv), "%s", fp.kv);
	memcpy(state->model, fp.model, sizeof(state->model));
	memcpy(state->thresholds, fp.thresholds, sizeof(state->thresholds));
	memset(state->checksum, '0', sizeof(state->checksum) - 1);
}

size_t ct_state_write_header(struct ct_state *s, char *to, size_t room)
{
	int n = snprintf(to + CT_SAFETENSORS_PREFIX, room - CT_SAFETENSORS_PREFIX,
		"{\"__metadata__\":{\"format\":\"" FORMAT "\",\"version\":\"%u\","
		"\"kv\":\"%s\",\"layout\":\"%u\",\"model\":\"%s\","
		"\"thresholds\":\"%s\",\"positions\":\"%u\",\"checksum\":\"%s\"},"
		"\"kv\":{\"dtype\":\"U8\",\"shape\":[%" PRIu64 ",%" PRIu64 "],"
		"\"data_offsets\":[0,%" PRIu64 "]},"
		"\"tokens\":{\"dtype\":\"I32\",\"shape\":[%" PRIu64 "],"
		"\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}}",
		CT_STATE_VERSION, s->kv, s->layout, s->model, s->thresholds,
		s->positions, s->checksum, s->n_blocks, s->block_bytes,
		s->kv_len, s->n_tokens, s->kv_len, s->kv_len + s->tokens_len);
	size_t len = (size_t)n;

	/* Spaces, as the format allows: tensors begin at a multiple of 64. */
	while ((CT_SAFETENSORS_PREFIX + len) % 64)
		to[CT_SAFETENSORS_PREFIX + len++] = ' ';
	for (unsigned int i = 0; i < CT_SAFETENSORS_PREFIX; i++)
		to[i] = (char)((uint64_t)len >> 8 * i);
	s->kv_at = CT_SAFETENSORS_PREFIX + len;
	s->tokens_at = s->kv_at + s->kv_len;
	return s->kv_at;
}

void ct_state_sum(struct ct_state *s, const void *kv, const void *tokens)
{
	XXH3_state_t state;
	XXH128_hash_t sum;
	char fields[256];
	int n;

	n = snprintf(fields, sizeof(fields),
		     "%u %s %u %s %s %u %" PRIu64 " %" PRIu64 "\n",
		     CT_STATE_VERSION, s->kv, s->layout, s->model, s->thresholds,
		     s->positions, s->n_tokens, s->n_blocks);
	XXH3_128bits_reset(&state);
	XXH3_128bits_update(&state, fields, (size_t)n);
	XXH3_128bits_update(&state, tokens, s->tokens_len);
	XXH3_128bits_update(&state, kv, s->kv_len);
	sum = XXH3_128bits_digest(&state);
	snprintf(s->checksum, sizeof(s->checksum), "%016" PRIx64 "%016" PRIx64,
		 (uint64_t)sum.high64, (uint64_t)sum.low64);
}

/* ---- Reading ---------------------------------------------------------- */

static int text_field(const cJSON *meta, const char *key, char *to, size_t room,
		      struct ct_err *err)
{
	const char *value = NULL;
	int ret = ct_json_string_opt(meta, key, &value, err);

	if (ret)
		return ret;
	if (!value)
		return ct_fail(err, -EBADMSG, "\"%s\" is missing", key);
	if (strlen(value) >= room)
		return ct_fail(err, -EBADMSG, "\"%s\" is \"%s\", which it cannot be",
			       key, ct_show(value, strlen(value)).s);
	strcpy(to, value);
	return 0;
}

/* Digits alone: strtoul() would take a sign, spaces and what overflows. */
static int number_field(const cJSON *meta, const char *key, uint32_t *to,
			struct ct_err *err)
{
	char text[10];
	int ret = text_field(meta, key, text, sizeof(text), err);

	if (ret)
		return ret;
	if (!*text || strspn(text, "0123456789") != strlen(text))
		return ct_fail(err, -EBADMSG, "\"%s\" is \"%s\", not a number", key,
			       ct_show(text, strlen(text)).s);
	*to = (uint32_t)strtoul(text, NULL, 10);
	return 0;
}

static int read_metadata(const cJSON *meta, struct ct_state *s, struct ct_err *err)
{
	const char *format = NULL;
	uint32_t version;
	int ret;

	if (meta) {
		ret = ct_json_string_opt(meta, "format", &format, err);
		if (ret)
			return ret;
	}
	if (!format || strcmp(format, FORMAT))
		return ct_fail(err, -EBADMSG,
			       "a safetensors file, but not a saved session");
	ret = number_field(meta, "version", &version, err);
	if (ret)
		return ret;
	if (version > CT_STATE_VERSION)
		return ct_fail(err, -ENOTSUP,
			       "saved by a newer version (format %u; libctrans %s knows %u): update the library",
			       version, CT_VERSION, CT_STATE_VERSION);
	if (version < 1)
		return ct_fail(err, -EBADMSG, "\"version\" is 0: damaged");
	ret = text_field(meta, "kv", s->kv, sizeof(s->kv), err);
	if (!ret)
		ret = number_field(meta, "layout", &s->layout, err);
	if (!ret)
		ret = text_field(meta, "model", s->model, sizeof(s->model), err);
	if (!ret)
		ret = text_field(meta, "thresholds", s->thresholds,
				 sizeof(s->thresholds), err);
	if (!ret)
		ret = number_field(meta, "positions", &s->positions, err);
	if (!ret)
		ret = text_field(meta, "checksum", s->checksum,
				 sizeof(s->checksum), err);
	return ret;
}

static int read_tensors(struct ct_tensors *table, struct ct_state *s,
			struct ct_err *err)
{
	const struct ct_tensor *kv, *tokens;
	int ret = ct_tensors_sort(table, err);

	if (ret)
		return ret;
	kv = ct_tensors_find(table, "kv");
	tokens = ct_tensors_find(table, "tokens");
	if (table->n != 2 || !kv || !tokens)
		return ct_fail(err, -EBADMSG,
			       "a saved session has the tensors \"kv\" and \"tokens\", this file %zu",
			       table->n);
	if (kv->ndim != 2 || strcmp(kv->type_name, "U8"))
		return ct_fail(err, -EBADMSG, "tensor kv is %s %s, not U8 [blocks, bytes]",
			       kv->type_name, ct_shape_show(kv->ndim, kv->shape).s);
	if (tokens->ndim != 1 || strcmp(tokens->type_name, "I32"))
		return ct_fail(err, -EBADMSG, "tensor tokens is %s %s, not I32 [tokens]",
			       tokens->type_name,
			       ct_shape_show(tokens->ndim, tokens->shape).s);
	s->n_blocks = kv->shape[0];
	s->block_bytes = kv->shape[1];
	s->kv_at = kv->offset;
	s->kv_len = kv->nbytes;
	s->n_tokens = tokens->n_elems;
	s->tokens_at = tokens->offset;
	s->tokens_len = tokens->nbytes;
	return 0;
}

int ct_state_read_header(const char *json, size_t len, uint64_t file_size,
			 struct ct_state *state, struct ct_err *err)
{
	struct ct_tensors table = { 0 };
	cJSON *meta = NULL;
	int ret;

	memset(state, 0, sizeof(*state));
	ret = ct_safetensors_parse(json, len, CT_SAFETENSORS_PREFIX + len, file_size,
				   0, &table, &meta, err);
	if (!ret)
		ret = read_metadata(meta, state, err);
	if (!ret)
		ret = read_tensors(&table, state, err);
	cJSON_Delete(meta);
	ct_tensors_free(&table);
	return ret;
}

static int check_sizes(const struct ct_state *s, const struct ct_core *core,
		       struct ct_err *err)
{
	uint64_t blocks = (s->positions + (uint64_t)CTRANS_KV_POSITIONS - 1) /
			  CTRANS_KV_POSITIONS;

	if (s->n_tokens > ct_core_context(core))
		return ct_fail(err, -E2BIG,
			       "it holds %" PRIu64 " tokens, and the context is %u: open the model with a larger one",
			       s->n_tokens, ct_core_context(core));
	if (s->positions > s->n_tokens)
		return ct_fail(err, -EBADMSG,
			       "damaged: keys and values of %u tokens, and there are %" PRIu64,
			       s->positions, s->n_tokens);
	if (s->n_blocks != blocks || s->block_bytes != ct_seq_kv_bytes(core, 1))
		return ct_fail(err, -EBADMSG,
			       "damaged: %" PRIu64 " blocks of %" PRIu64 " bytes, where %u positions take %" PRIu64 " of %zu",
			       s->n_blocks, s->block_bytes, s->positions, blocks,
			       ct_seq_kv_bytes(core, 1));
	return 0;
}

int ct_state_check(const struct ct_state *s, struct ct_core *core,
		   struct ct_err *err)
{
	struct ct_fingerprint fp;

	if (s->layout != CTRANS_KV_LAYOUT)
		return ct_fail(err, -ENOTSUP,
			       "its keys and values are in layout %u; libctrans %s knows %u: run the text again",
			       s->layout, CT_VERSION, CTRANS_KV_LAYOUT);
	ct_core_fingerprint(core, &fp);
	if (strcmp(s->kv, fp.kv))
		return ct_fail(err, -EINVAL,
			       "its keys and values are %s, this model's are %s: open the model as it was when it saved",
			       ct_show(s->kv, strlen(s->kv)).s, fp.kv);
	if (strcmp(s->model, fp.model))
		return ct_fail(err, -EINVAL,
			       "saved by another model (%s, this one is %s): only the same weights can go on",
			       ct_show(s->model, strlen(s->model)).s, fp.model);
	if (strcmp(s->thresholds, fp.thresholds))
		return ct_fail(err, -EINVAL,
			       "saved with other firing thresholds (%s, now %s): open the model with the levels or calibration it had",
			       ct_show(s->thresholds, strlen(s->thresholds)).s,
			       fp.thresholds);
	return check_sizes(s, core, err);
}

uint32_t ct_state_token(const void *tokens, size_t i)
{
	return (uint32_t)ct_load_le((const uint8_t *)tokens + 4 * i, 4);
}

int ct_state_check_data(const struct ct_state *s, const struct ct_core *core,
			const void *kv, const void *tokens, struct ct_err *err)
{
	uint32_t vocab = ct_core_config(core)->n_vocab;
	struct ct_state real = *s;

	ct_state_sum(&real, kv, tokens);
	if (strcmp(real.checksum, s->checksum))
		return ct_fail(err, -EBADMSG,
			       "damaged: its checksum is %s, and its contents have %s",
			       ct_show(s->checksum, strlen(s->checksum)).s,
			       real.checksum);
	for (uint64_t i = 0; i < s->n_tokens; i++) {
		uint32_t token = ct_state_token(tokens, i);

		if (token >= vocab)
			return ct_fail(err, -EBADMSG,
				       "damaged: token %u (number %" PRIu64 "), and the model has %u",
				       token, i, vocab);
	}
	return 0;
}
