// SPDX-License-Identifier: MIT
/* Sessions to and from memory and files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/replace.h"
#include "engine/api.h"
#include "engine/session.h"
#include "engine/state.h"
#include "model/safetensors.h"

/* More than ct_state_write_header() ever writes. */
#define HEADER_ROOM	2048u

/* Files have no place for a source's keys and values, without which a text is nothing. */
static int check_model(const struct ctrans_model *model, struct ct_err *err)
{
	int ret = ct_model_needs_weights(model, err);

	if (!ret && ct_has_encoder(ct_core_config(model->core)))
		ret = ct_fail(err, -ENOTSUP,
			      "sessions of a model with an encoder cannot be kept: keep the source's text, and have it read again");
	return ret;
}

/* ---- Out -------------------------------------------------------------- */

/*
 * The header with a checksum still missing, to know the size; then the tensors
 * in their places, and the header again.
 */
struct export {
	struct ct_state state;
	char header[HEADER_ROOM];
	size_t header_len, len;
};

static void export_begin(struct export *e, struct ctrans_session *session)
{
	ct_state_describe(session->model->core, ct_seq_position(session->seq),
			  (uint32_t)session->ids.n, &e->state);
	e->header_len = ct_state_write_header(&e->state, e->header,
					      sizeof(e->header));
	e->len = e->header_len + e->state.kv_len + e->state.tokens_len;
}

static void export_write(struct export *e, const struct ctrans_session *session,
			 uint8_t *to)
{
	uint8_t *kv = to + e->state.kv_at, *tokens = to + e->state.tokens_at;

	ct_seq_kv_get(session->seq, kv);
	for (size_t i = 0; i < session->ids.n; i++)
		for (unsigned int b = 0; b < 4; b++)
			tokens[4 * i + b] = (uint8_t)(session->ids.data[i] >> 8 * b);
	ct_state_sum(&e->state, kv, tokens);
	ct_state_write_header(&e->state, e->header, sizeof(e->header));
	memcpy(to, e->header, e->header_len);
}

int ctrans_session_export(struct ctrans_session *session, void *data, size_t room,
			  size_t *len)
{
	struct ct_err err = { 0 };
	struct export e;
	int ret;

	if (!len || (!data && room))
		return ct_api_return(ct_fail(&err, -EINVAL,
					     "ctrans_session_export() needs room and a length: one is NULL"),
				     &err);
	ret = ct_session_enter(session, &err);
	if (ret)
		return ct_api_return(ret, &err);
	ret = check_model(session->model, &err);
	if (ret)
		goto leave;
	export_begin(&e, session);
	*len = e.len;
	if (e.len > room)
		ret = ct_fail(&err, -E2BIG,
			      "the session takes %zu bytes and there is room for %zu",
			      e.len, room);
	else
		export_write(&e, session, data);
leave:
	ct_session_leave(session);
	return ct_api_return(ret, &err);
}

static int save(struct ctrans_session *session, const char *path,
		struct ct_err *err)
{
	struct export e;
	uint8_t *data;
	int ret = check_model(session->model, err);

	if (ret)
		return ret;
	export_begin(&e, session);
	data = malloc(e.len);
	if (!data)
		return ct_fail(err, -ENOMEM, "%s: no memory for a session of %zu bytes",
			       path, e.len);
	export_write(&e, session, data);
	ret = ct_file_replace(path, data, e.len, err);
	free(data);
	return ret;
}

int ctrans_session_save(struct ctrans_session *session, const char *path)
{
	struct ct_err err = { 0 };
	int ret;

	if (!path || !*path)
		return ct_api_return(ct_fail(&err, -EINVAL,
					     "no file named to save the session in"),
				     &err);
	ret = ct_session_enter(session, &err);
	if (!ret) {
		ret = save(session, path, &err);
		ct_session_leave(session);
	}
	return ct_api_return(ret, &err);
}

/* ---- In --------------------------------------------------------------- */

/* The length of the header, from the first bytes of a file of @size. */
static int header_length(const uint8_t *prefix, uint64_t size, size_t *len,
			 struct ct_err *err)
{
	uint64_t n = 0;
	int ret = ct_safetensors_header(prefix, size, &n, err);

	if (ret)
		return ret;
	if (n > CT_STATE_HEADER_MAX)
		return ct_fail(err, -EBADMSG,
			       "a header of %llu bytes: not a saved session",
			       (unsigned long long)n);
	*len = (size_t)n;
	return 0;
}

static int too_short(uint64_t size, struct ct_err *err)
{
	return ct_fail(err, -EBADMSG,
		       "%llu bytes are too few for a saved session: truncated",
		       (unsigned long long)size);
}

/* A session from tensors that have been found to be right. */
static int take(struct ctrans_model *model, const struct ct_state *state,
		const uint8_t *kv, const uint8_t *tokens,
		struct ctrans_session **out, struct ct_err *err)
{
	struct ctrans_session *session;
	int ret = ct_session_open(model, &session, err);

	if (ret)
		return ret;
	if (ct_ids_reserve(&session->ids, state->n_tokens))
		ret = ct_fail(err, -ENOMEM, "no memory for the session's tokens");
	if (!ret)
		ret = ct_seq_kv_set(session->seq, state->positions, kv, err);
	if (ret) {
		ctrans_session_close(session);
		return ret;
	}
	for (size_t i = 0; i < state->n_tokens; i++)
		session->ids.data[i] = ct_state_token(tokens, i);
	session->ids.n = state->n_tokens;
	*out = session;
	return 0;
}

static int import(struct ctrans_model *model, const uint8_t *data, size_t len,
		  struct ctrans_session **out, struct ct_err *err)
{
	struct ct_core *core = model->core;
	struct ct_state state;
	size_t header = 0;
	int ret;

	if (len < CT_SAFETENSORS_PREFIX)
		return too_short(len, err);
	ret = header_length(data, len, &header, err);
	if (!ret)
		ret = ct_state_read_header((const char *)data + CT_SAFETENSORS_PREFIX,
					   header, len, &state, err);
	if (!ret)
		ret = ct_state_check(&state, core, err);
	if (!ret)
		ret = ct_state_check_data(&state, core, data + state.kv_at,
					  data + state.tokens_at, err);
	if (!ret)
		ret = take(model, &state, data + state.kv_at,
			   data + state.tokens_at, out, err);
	return ret;
}

int ctrans_session_import(struct ctrans_model *model, const void *data, size_t len,
			  struct ctrans_session **session)
{
	struct ct_err err = { 0 };
	int ret;

	if (!model || !data || !session)
		return ct_api_return(ct_fail(&err, -EINVAL,
					     "ctrans_session_import() needs a model, a session's bytes and a place for the session: one is NULL"),
				     &err);
	*session = NULL;
	ret = check_model(model, &err);
	if (!ret)
		ret = import(model, data, len, session, &err);
	if (ret)
		ct_err_prefix(&err, "saved session");
	return ct_api_return(ret, &err);
}

/*
 * The header comes first and alone: a file that belongs elsewhere is refused
 * before memory is asked for by its size.
 */
static int check_file(const struct ct_file *file, struct ct_core *core,
		      struct ct_err *err)
{
	uint8_t prefix[CT_SAFETENSORS_PREFIX];
	struct ct_state state;
	size_t len = 0;
	char *json;
	int ret;

	if (file->size < sizeof(prefix))
		return too_short(file->size, err);
	ret = ct_file_read(file, prefix, sizeof(prefix), 0, err);
	if (!ret)
		ret = header_length(prefix, file->size, &len, err);
	if (ret)
		return ret;
	json = malloc(len + 1);
	if (!json)
		return ct_fail(err, -ENOMEM, "out of memory");
	ret = ct_file_read(file, json, len, sizeof(prefix), err);
	if (!ret)
		ret = ct_state_read_header(json, len, file->size, &state, err);
	if (!ret)
		ret = ct_state_check(&state, core, err);
	free(json);
	return ret;
}

static int load(struct ctrans_model *model, const struct ct_file *file,
		struct ctrans_session **session, struct ct_err *err)
{
	uint8_t *data;
	int ret;

	ret = check_file(file, model->core, err);
	if (ret)
		return ret;
	data = malloc(file->size);
	if (!data)
		return ct_fail(err, -ENOMEM, "no memory for its %llu bytes",
			       (unsigned long long)file->size);
	ret = ct_file_read(file, data, file->size, 0, err);
	/* All of it once more: the file may have changed since. */
	if (!ret)
		ret = import(model, data, file->size, session, err);
	free(data);
	return ret;
}

int ctrans_session_load(struct ctrans_model *model, const char *path,
			struct ctrans_session **session)
{
	struct ct_files files = { 0 };
	struct ct_err err = { 0 };
	uint32_t index;
	int ret;

	if (!model || !path || !*path || !session)
		return ct_api_return(ct_fail(&err, -EINVAL,
					     "ctrans_session_load() needs a model, a file's path and a place for the session: one is missing"),
				     &err);
	*session = NULL;
	ret = check_model(model, &err);
	if (ret)
		return ct_api_return(ret, &err);
	ret = ct_files_add(&files, path, &index, &err);
	if (!ret) {
		ret = load(model, &files.v[index], session, &err);
		if (ret)
			ct_file_prefix(&files.v[index], &err);
	}
	ct_files_close(&files);
	return ct_api_return(ret, &err);
}
