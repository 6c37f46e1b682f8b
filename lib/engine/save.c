// SPDX-License-Identifier: MIT
#include "engine/save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/replace.h"
#include "convert/converted.h"
#include "convert/profile.h"
#include "model/converted.h"

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

static int put_header(struct ct_gguf_out *out, const struct ct_core *core,
		      const struct ct_model *model, const struct ct_save *how,
		      struct ct_err *err)
{
	int ret;

	ct_gguf_out_begin(out);
	ct_gguf_put_string(out, "general.architecture", CT_CONVERTED_ARCH);
	ct_gguf_put_u32(out, "general.alignment", CT_CONVERTED_ALIGN);
	if (model && model->format == CT_FORMAT_GGUF)
		copy_general(out, &model->gguf);
	ct_gguf_put_u32(out, CT_KEY_VERSION, CT_CONVERTED_VERSION);
	ret = put_source(out, core, how, err);
	if (ret)
		return ret;
	ct_gpt2_config_put(&core->cfg, out);
	if (core->theta) {
		ct_gguf_put_f32s(out, CT_KEY_THRESHOLDS, core->theta,
				 ct_program_linears(&core->cfg));
		ct_gguf_put_f32(out, CT_KEY_LEVELS, how->levels);
	}
	if (core->profiles)
		ret = ct_profiles_put(out, core->profiles,
				      ct_program_linears(&core->cfg), err);
	if (!ret)
		ret = ct_save_tokenizer(out, model, core->bpe, err);
	return ret ? ret : ct_converted_finish(out, &core->image,
					       core->weights.cpu, err);
}

static int write_all(struct ct_replacement *f, const struct ct_core *core,
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

int ct_core_save(const struct ct_core *core, const struct ct_model *model,
		 const char *path, const struct ct_save *how, struct ct_err *err)
{
	struct ct_gguf_out out = { 0 };
	struct ct_replacement f = { 0 };
	int ret;

	ret = put_header(&out, core, model, how, err);
	if (!ret)
		ret = ct_replace_begin(&f, path,
				       out.header.n + core->image.bytes, err);
	if (!ret)
		ret = write_all(&f, core, &out, how, err);
	if (!ret)
		ret = ct_replace_commit(&f, err);
	ct_replace_drop(&f);
	ct_gguf_out_free(&out);
	return ret;
}
