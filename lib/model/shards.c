// SPDX-License-Identifier: MIT
#include "model/shards.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "model/safetensors.h"

#define SINGLE		"model.safetensors"
#define INDEX		"model.safetensors.index.json"
#define INDEX_MAX	(64u << 20)

static int add_file(const char *dir, const char *name, struct ct_files *files,
		    uint32_t *index, struct ct_err *err)
{
	char *path = ct_path_join(dir, name);
	int code;

	if (!path)
		return ct_fail(err, -ENOMEM, "%s: out of memory", dir);
	code = ct_files_add(files, path, index, err);
	free(path);
	return code;
}

/* The index names files of its own directory and nothing else. */
static int check_name(const char *name, struct ct_err *err)
{
	if (!*name || strchr(name, '/') || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return ct_fail(err, -EBADMSG,
			       "\"%s\" is not the name of a file in this directory",
			       ct_show(name, strlen(name)).s);
	return 0;
}

/* The number of the shard called @name, opened when it is new. */
static int find_shard(const char *dir, const char *name,
		      struct ct_files *files, uint32_t *index,
		      struct ct_err *err)
{
	size_t len = strlen(name);
	int code;

	for (uint32_t i = files->n; i-- > 0;) {
		size_t n = strlen(files->v[i].path);

		if (n > len && files->v[i].path[n - len - 1] == '/' &&
		    !strcmp(files->v[i].path + n - len, name)) {
			*index = i;
			return 0;
		}
	}
	code = check_name(name, err);
	if (code)
		return code;
	if (files->n == CT_MAX_SHARDS)
		return ct_fail(err, -E2BIG, "more than %u files",
			       CT_MAX_SHARDS);
	return add_file(dir, name, files, index, err);
}

static int open_shards(const char *dir, const cJSON *map,
		       struct ct_files *files, struct ct_err *err)
{
	const cJSON *it;

	cJSON_ArrayForEach(it, map) {
		uint32_t index;
		int code;

		if (!cJSON_IsString(it))
			return ct_fail(err, -EBADMSG,
				       "weight_map names no file for tensor %s",
				       ct_show(it->string,
					       strlen(it->string)).s);
		code = find_shard(dir, it->valuestring, files, &index, err);
		if (code)
			return code;
	}
	return files->n ? 0 : ct_fail(err, -EBADMSG, "weight_map is empty");
}

/* Each tensor is in the shard that the index says. */
static int check_map(const char *dir, const cJSON *map,
		     struct ct_files *files, const struct ct_tensors *table,
		     struct ct_err *err)
{
	const cJSON *it;

	cJSON_ArrayForEach(it, map) {
		const struct ct_tensor *t = ct_tensors_find(table, it->string);
		uint32_t index;
		int code = find_shard(dir, it->valuestring, files, &index, err);

		if (code)
			return code;
		if (!t || t->file != index)
			return ct_fail(err, -EBADMSG,
				       "tensor %s is not in %s, where the index has it",
				       ct_show(it->string,
					       strlen(it->string)).s,
				       ct_show(it->valuestring,
					       strlen(it->valuestring)).s);
	}
	return 0;
}

static int load_mapped(const char *dir, const cJSON *root,
		       struct ct_files *files, struct ct_tensors *table,
		       struct ct_err *err)
{
	const cJSON *map;
	int code;

	code = ct_json_find(root, "weight_map", &map, err);
	if (code)
		return code;
	if (!cJSON_IsObject(map))
		return ct_fail(err, -EBADMSG,
			       "\"weight_map\" is missing or not an object");
	code = open_shards(dir, map, files, err);
	for (uint32_t i = 0; i < files->n && !code; i++)
		code = ct_safetensors_load(files, i, table, err);
	if (!code)
		code = ct_tensors_sort(table, err);
	if (!code)
		code = check_map(dir, map, files, table, err);
	return code;
}

static int load_index(const char *dir, struct ct_files *files,
		      struct ct_tensors *table, struct ct_err *err)
{
	char *path = ct_path_join(dir, INDEX), *text;
	cJSON *root;
	size_t len;
	int code;

	if (!path)
		return ct_fail(err, -ENOMEM, "%s: out of memory", dir);
	code = ct_file_slurp(path, INDEX_MAX, &text, &len, err);
	if (code)
		goto out;
	code = ct_json_parse(text, len, &root, err);
	free(text);
	if (!code) {
		code = load_mapped(dir, root, files, table, err);
		cJSON_Delete(root);
	}
	if (code)
		ct_err_prefix(err, "%s", path);
out:
	free(path);
	return code;
}

static int load_single(const char *dir, struct ct_files *files,
		       struct ct_tensors *table, struct ct_err *err)
{
	uint32_t index;
	int code;

	code = add_file(dir, SINGLE, files, &index, err);
	if (!code)
		code = ct_safetensors_load(files, index, table, err);
	if (code)
		return code;
	code = ct_tensors_sort(table, err);
	if (code)
		ct_file_prefix(&files->v[index], err);
	return code;
}

int ct_shards_load(const char *dir, struct ct_files *files,
		   struct ct_tensors *table, struct ct_err *err)
{
	static const char *const others[] = {
		"pytorch_model.bin", "pytorch_model.bin.index.json",
		"tf_model.h5", "flax_model.msgpack",
	};

	if (ct_path_exists(dir, SINGLE))
		return load_single(dir, files, table, err);
	if (ct_path_exists(dir, INDEX))
		return load_index(dir, files, table, err);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (ct_path_exists(dir, others[i]))
			return ct_fail(err, -ENOTSUP,
				       "%s: has its weights only as %s, which is not supported: convert it to safetensors (save_pretrained with safe_serialization=True)",
				       dir, others[i]);
	return ct_fail(err, -ENOENT, "%s: no %s and no %s in it", dir, SINGLE,
		       INDEX);
}
