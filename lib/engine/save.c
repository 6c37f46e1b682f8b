// SPDX-License-Identifier: MIT
#include "engine/save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/replace.h"
#include "convert/converted.h"
#include "convert/profile.h"
#include "model/converted.h"
#include "text/tokenizer.h"

/* Written at a time; the progress bar's step. */
#define PIECE	(8u << 20)

/* What a GGUF source says of itself, but for how its own data are stored. */
static void copy_general(struct ct_gguf_out *out, const struct ct_gguf *gguf)
{
	static const char *const not[] = {
		"general.architecture", "general.alignment", "general.file_type",
		"general.quantization_version",
	};
	static const char prefix[] = "general.";

	for (size_t i = 0; i < gguf->n_kv; i++) {
		const struct ct_gguf_kv *kv = &gguf->kv[i];
		const char *key = (const char *)gguf->header + kv->key;
		bool wanted = kv->key_len >= strlen(prefix) &&
			      !memcmp(key, prefix, strlen(prefix));

		for (size_t k = 0; k < sizeof(not) / sizeof(not[0]) && wanted; k++)
			wanted = kv->key_len != strlen(not[k]) ||
				 memcmp(key, not[k], kv->key_len);
		if (wanted)
			ct_gguf_put_copy(out, gguf, kv);
	}
}

/* The last name of a path, to be freed. */
static char *last_name(const char *path)
{
	size_t end = strlen(path), start;

	while (end > 1 && path[end - 1] == '/')
		end--;
	for (start = end; start > 0 && path[start - 1] != '/'; start--)
		;
	return strndup(path + start, end - start);
}

static int put_source(struct ct_gguf_out *out, const struct ct_core *core,
		      const struct ct_save *how, struct ct_err *err)
{
	char *name = last_name(how->source);

	if (!name)
		return ct_fail(err, -ENOMEM, "out of memory");
	ct_gguf_put_string(out, CT_KEY_WRITER, "libctrans " CT_VERSION);
	ct_gguf_put_string(out, CT_KEY_SOURCE, name);
	ct_gguf_put_string(out, CT_KEY_SOURCE_FORMAT, core->info.format);
	ct_gguf_put_string(out, CT_KEY_SOURCE_TYPES, core->info.types);
	if (how->cache_key)
		ct_gguf_put_string(out, CT_KEY_CACHE, how->cache_key);
	free(name);
	return 0;
}

/* The oldest that has all that is in it. */
static uint32_t version_of(const struct ct_core *core, uint64_t little)
{
	if (ct_has_encoder(&core->cfg))
		return CT_CONVERTED_VERSION_ENCODER;
	for (size_t i = 0; i < core->image.n; i++)
		if (core->image.parts[i].enc == CTRANS_ENC_ESC)
			return CT_CONVERTED_VERSION_ESC;
	return little ? CT_CONVERTED_VERSION_ESC : 1;
}

/* @tokenizer: NULL for a little model, which has the other's. */
static int put_header(struct ct_gguf_out *out, const struct ct_core *core,
		      const struct ct_model *model,
		      const struct ct_tokenizer *tokenizer,
		      const struct ct_save *how, uint64_t little,
		      struct ct_err *err)
{
	int ret;

	ct_gguf_out_begin(out);
	ct_gguf_put_string(out, "general.architecture",
			   ct_converted_arch(core->cfg.arch));
	ct_gguf_put_u32(out, "general.alignment", CT_CONVERTED_ALIGN);
	if (model && model->format == CT_FORMAT_GGUF)
		copy_general(out, &model->gguf);
	ct_gguf_put_u32(out, CT_KEY_VERSION, version_of(core, little));
	ret = put_source(out, core, how, err);
	if (ret)
		return ret;
	ct_config_put(&core->cfg, out);
	if (ct_has_encoder(&core->cfg))
		ct_tasks_put(&core->tasks, out);
	if (core->theta) {
		ct_gguf_put_f32s(out, CT_KEY_THRESHOLDS, core->theta,
				 ct_program_linears(&core->cfg));
		if (how->levels > 0)
			ct_gguf_put_f32(out, CT_KEY_LEVELS, how->levels);
	}
	if (core->profiles)
		ret = ct_profiles_put(out, core->profiles,
				      ct_program_linears(&core->cfg), err);
	if (!ret)
		ret = ct_save_tokenizer(out, model, tokenizer, err);
	return ret ? ret : ct_converted_finish(out, &core->image,
					       core->weights.cpu, little, err);
}

/* One model's part of the file, and the progress over it. */
static int write_part(struct ct_replacement *f, const struct ct_core *core,
		      const struct ct_gguf_out *out, const struct ct_save *how,
		      struct ct_err *err)
{
	const uint8_t *image = core->weights.cpu;
	uint64_t total = core->image.bytes, done = 0;
	int ret = ct_replace_write(f, out->header.data, out->header.n, err);

	while (!ret && done < total) {
		size_t n = total - done < PIECE ? (size_t)(total - done) : PIECE;

		ret = ct_replace_write(f, image + done, n, err);
		done += n;
		if (!ret && how->progress &&
		    how->progress(how->progress_arg, done, total))
			ret = ct_fail(err, -ECANCELED, "conversion was cancelled");
	}
	return ret;
}

static int write_little(struct ct_replacement *f, const struct ct_core *core,
			const struct ct_gguf_out *little,
			const struct ct_save *how, struct ct_err *err)
{
	static const uint8_t zeros[CT_CONVERTED_ALIGN];
	uint64_t gap = ct_converted_little_at(&core->image) - core->image.bytes;
	int ret = ct_replace_write(f, zeros, (size_t)gap, err);

	return ret ? ret : write_part(f, how->little, little, how, err);
}

/* The header of the little model's file, and its length with what follows. */
static int put_little(struct ct_gguf_out *out, const struct ct_save *how,
		      uint64_t *len, struct ct_err *err)
{
	struct ct_save its = {
		.source = how->little_source, .levels = how->levels,
	};
	int ret = put_header(out, how->little, NULL, NULL, &its, 0, err);

	if (!ret)
		*len = out->header.n + how->little->image.bytes;
	return ret;
}

int ct_core_save(const struct ct_core *core, const struct ct_model *model,
		 const char *path, const struct ct_save *how, struct ct_err *err)
{
	struct ct_gguf_out out = { 0 }, little = { 0 };
	uint64_t len = core->image.bytes, little_len = 0;
	struct ct_replacement f = { 0 };
	int ret = 0;

	if (how->little)
		ret = put_little(&little, how, &little_len, err);
	if (!ret)
		ret = put_header(&out, core, model, core->tokenizer, how, little_len,
				 err);
	if (how->little)
		len = ct_converted_little_at(&core->image) + little_len;
	if (!ret)
		ret = ct_replace_begin(&f, path, out.header.n + len, err);
	if (!ret)
		ret = write_part(&f, core, &out, how, err);
	if (!ret && how->little)
		ret = write_little(&f, core, &little, how, err);
	if (!ret)
		ret = ct_replace_commit(&f, err);
	ct_replace_drop(&f);
	ct_gguf_out_free(&little);
	ct_gguf_out_free(&out);
	return ret;
}
