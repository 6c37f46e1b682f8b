// SPDX-License-Identifier: MIT
/*
 * Models kept as converted files, one entry for each path and way to convert.
 *
 * An entry's name says what was asked for; a key inside says what it was made
 * from: size, time and inode of each file, this version. Nothing is locked:
 * entries appear whole (base/replace.h), and of two processes that make one at
 * the same time the later one's stays.
 */
#define XXH_INLINE_ALL
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/file.h"
#include "engine/log.h"
#include "engine/save.h"

/* Enough for any model's directory; what has more is not looked at. */
#define FILES_MAX	4096

struct entry {
	char *path;		/* in the cache */
	char key[33];
};

/* ---- What an entry is made from --------------------------------------- */

static void hash_text(XXH3_state_t *state, const char *text)
{
	XXH3_128bits_update(state, text, strlen(text) + 1);
}

static void hash_stat(XXH3_state_t *state, const char *name, const struct stat *st)
{
	uint64_t words[] = {
		(uint64_t)st->st_size, (uint64_t)st->st_mtim.tv_sec,
		(uint64_t)st->st_mtim.tv_nsec, (uint64_t)st->st_ino,
		(uint64_t)st->st_dev,
	};

	hash_text(state, name);
	XXH3_128bits_update(state, words, sizeof(words));
}

static int is_name(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* Every file of a directory: which of them a model needs is not known here. */
static int hash_dir(XXH3_state_t *state, const char *dir)
{
	struct dirent **names;
	int n = scandir(dir, &names, is_name, alphasort), ret = 0;

	if (n < 0)
		return -errno;
	if (n > FILES_MAX)
		ret = -E2BIG;
	for (int i = 0; i < n; i++) {
		char *path = ret ? NULL : ct_path_join(dir, names[i]->d_name);
		struct stat st;

		if (!ret && !path)
			ret = -ENOMEM;
		if (path && !stat(path, &st) && S_ISREG(st.st_mode))
			hash_stat(state, names[i]->d_name, &st);
		free(path);
		free(names[i]);
	}
	free(names);
	return ret;
}

static int hash_files(XXH3_state_t *state, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return hash_dir(state, path);
	hash_stat(state, path, &st);
	return 0;
}

static void show_hash(XXH128_hash_t h, char text[33])
{
	snprintf(text, 33, "%016" PRIx64 "%016" PRIx64, (uint64_t)h.high64,
		 (uint64_t)h.low64);
}

/* Where the entry is, and what it must have been made from. */
static int find_entry(const char *path, const struct ctrans_model_params *p,
		      struct entry *e)
{
	char *real = realpath(path, NULL), file[48], name[33];
	XXH3_state_t state;
	int ret;

	if (!real)
		return -errno;
	XXH3_128bits_reset(&state);
	hash_text(&state, real);
	if (p->calibration) {
		/* what thresholds depend on: how the text is run as well */
		XXH3_128bits_update(&state, &p->levels, sizeof(p->levels));
		XXH3_128bits_update(&state, &p->context, sizeof(p->context));
		hash_text(&state, p->kv ? p->kv : "f16");
		XXH3_128bits_update(&state, p->calibration, p->calibration_len);
	}
	show_hash(XXH3_128bits_digest(&state), name);
	hash_text(&state, CT_VERSION);
	ret = hash_files(&state, real);
	free(real);
	if (ret)
		return ret;
	show_hash(XXH3_128bits_digest(&state), e->key);
	snprintf(file, sizeof(file), "%s.gguf", name);
	e->path = ct_path_join(p->cache, file);
	return e->path ? 0 : -ENOMEM;
}

/* ---- Keeping ---------------------------------------------------------- */

static int make_dirs(const char *dir)
{
	char *copy = strdup(dir);
	int ret = 0;

	if (!copy)
		return -ENOMEM;
	for (char *p = copy + 1; *p && !ret; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0777) && errno != EEXIST)
			ret = -errno;
		*p = '/';
	}
	if (!ret && mkdir(copy, 0777) && errno != EEXIST)
		ret = -errno;
	free(copy);
	return ret;
}

static void keep(const struct ct_core *core, const struct ct_model *model,
		 const char *path, const struct ctrans_model_params *params,
		 const struct entry *e)
{
	struct ct_save how = {
		.source = path,
		.cache_key = e->key,
		.levels = params->levels,
	};
	struct ct_err err = { 0 };
	int ret = make_dirs(params->cache);

	if (ret)
		ct_fail(&err, ret, "%s: %s", params->cache, strerror(-ret));
	else
		ret = ct_core_save(core, model, e->path, &how, &err);
	if (ret)
		ct_log(CTRANS_LOG_WARNING, "%s is not kept in the cache: %s", path,
		       err.msg);
	else
		ct_log(CTRANS_LOG_INFO, "%s is kept as %s", path, e->path);
}

/* Is this a fault of the entry, and none of the machine or the parameters? */
static bool entry_is_bad(int ret)
{
	return ret && ret != -ENOMEM && ret != -ENODEV && ret != -EINVAL &&
	       ret != -ECANCELED && ret != -EBUSY;
}

static int open_entry(const struct entry *e,
		      const struct ctrans_model_params *params,
		      struct ct_device *dev, struct ct_core **core,
		      struct ct_err *err)
{
	/* thresholds are in it */
	struct ctrans_model_params p = *params;
	struct ct_model *model;
	int ret;

	p.calibration = NULL;
	p.calibration_len = 0;
	ret = ct_core_open_files(e->path, &p, e->key, dev, core, &model, err);
	ct_model_close(model);
	return ret;
}

/* Without its files there is nothing to gain; and nothing is packed for F32. */
static bool worth_keeping(const char *path,
			  const struct ctrans_model_params *params)
{
	return !params->flags &&
	       strncmp(path, CT_SHAPE_PREFIX, strlen(CT_SHAPE_PREFIX));
}

int ct_cache_open(const char *path, const struct ctrans_model_params *params,
		  struct ct_device *dev, struct ct_core **core, struct ct_err *err)
{
	struct entry e = { 0 };
	struct ct_model *model;
	bool use = worth_keeping(path, params) && !find_entry(path, params, &e);
	int ret = -ENOENT;

	if (use)
		ret = open_entry(&e, params, dev, core, err);
	if (use && !ret)
		ct_log(CTRANS_LOG_INFO, "%s: taken from %s", path, e.path);
	if (use && ret != -ENOENT && entry_is_bad(ret))
		ct_log(ret == -ESTALE ? CTRANS_LOG_INFO : CTRANS_LOG_WARNING,
		       "%s is made anew: %s", e.path, err ? err->msg : "");
	if (entry_is_bad(ret)) {
		if (err)
			*err = (struct ct_err){ 0 };
		ret = ct_core_open_files(path, params, NULL, dev, core, &model,
					 err);
		if (!ret && use && !model->converted)
			keep(*core, model, path, params, &e);
		ct_model_close(model);
	}
	free(e.path);
	return ret;
}
