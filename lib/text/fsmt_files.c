// SPDX-License-Identifier: MIT
/*
 * The files of FSMT's tokenizer. What counts of tokenizer_config.json and of
 * the files that stand in for it is written down anew, so that one text says
 * it all where the others are not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "text/fsmt_impl.h"
#include "text/json_file.h"

#define GET	cJSON_GetObjectItemCaseSensitive

/* A language code is a word; this is to have an end. */
#define CODE_MAX	32

static const struct {
	const char *key, *name;
} roles[CT_FSMT_ROLES] = {
	[CT_FSMT_BOS] = { "bos_token", "<s>" },
	[CT_FSMT_PAD] = { "pad_token", "<pad>" },
	/* FSMT's tokenizer ends a text with what it calls a separator. */
	[CT_FSMT_EOS] = { "sep_token", "</s>" },
	[CT_FSMT_UNK] = { "unk_token", "<unk>" },
};

static const char *const file_names[] = {
	"vocab-src.json", "vocab-tgt.json", "merges.txt",
};

enum {
	N_FILES = sizeof(file_names) / sizeof(file_names[0]),
};

static int no_memory(struct ct_err *err)
{
	return ct_fail(err, -ENOMEM, "no memory for the tokenizer");
}

/* --- the config ------------------------------------------------------- */

static int check_langs(const cJSON *langs, struct ct_err *err)
{
	const cJSON *item;
	const char *code;
	int n = 0;

	cJSON_ArrayForEach(item, langs) {
		code = ct_json_string(item);
		n++;
		if (!code || !code[0] || strlen(code) >= CODE_MAX)
			n = CT_FSMT_SIDES + 1;
	}
	if (!cJSON_IsArray(langs) || n != CT_FSMT_SIDES)
		return ct_fail(err, -EBADMSG,
			       "\"langs\" is not a list of two languages, such as [\"en\", \"de\"]");
	return 0;
}

/* A special token's name is a string, or an object with "content". */
static const char *name_of(const cJSON *node)
{
	if (cJSON_IsObject(node))
		node = GET(node, "content");
	return ct_json_string(node);
}

static int take_config(struct ct_fsmt *f, const cJSON *config,
		       struct ct_err *err)
{
	const cJSON *langs = GET(config, "langs");
	const char *name;
	int i, ret;

	ret = check_langs(langs, err);
	if (!ret)
		ret = ct_json_bool_opt(config, "do_lower_case", &f->lower, err);
	for (i = 0; i < CT_FSMT_SIDES && !ret; i++) {
		f->side[i].code = strdup(ct_json_string(
			cJSON_GetArrayItem(langs, i)));
		if (!f->side[i].code)
			ret = no_memory(err);
		else
			ct_moses_lang(f->side[i].code, &f->side[i].lang);
	}
	for (i = 0; i < CT_FSMT_ROLES && !ret; i++) {
		name = name_of(GET(config, roles[i].key));
		f->names[i] = strdup(name ? name : roles[i].name);
		if (!f->names[i])
			ret = no_memory(err);
	}
	return ret;
}

static int check_langs_known(const struct ct_fsmt *f, struct ct_err *err)
{
	const struct ct_fsmt_vocab *src = &f->side[CT_FSMT_SOURCE];
	const struct ct_fsmt_vocab *tgt = &f->side[CT_FSMT_TARGET];

	if (!src->lang.can_tokenize)
		return ct_fail(err, -ENOTSUP,
			       "Moses' rules for texts in \"%s\" are not in this library, which knows \"en\", \"de\", \"ru\" and languages that have none of their own",
			       src->code);
	if (!tgt->lang.can_join)
		return ct_fail(err, -ENOTSUP,
			       "Moses' rules for writing \"%s\" are not in this library",
			       tgt->code);
	return 0;
}

/* What take_config() wants to know, from up to three files. */
static int write_config(const cJSON *config, const cJSON *map,
			const cJSON *model, char **text, struct ct_err *err)
{
	cJSON *out = cJSON_CreateObject(), *langs = NULL;
	const cJSON *given = GET(config, "langs");
	bool lower = false, ok = out;
	const char *name;
	int i, ret;

	if (ct_json_is_unset(given))
		given = GET(model, "langs");
	ret = check_langs(given, err);
	if (!ret)
		ret = ct_json_bool_opt(config, "do_lower_case", &lower, err);
	if (ret)
		goto done;

	langs = cJSON_Duplicate(given, true);
	ok = ok && langs && cJSON_AddItemToObject(out, "langs", langs);
	if (ok)
		langs = NULL;
	ok = ok && cJSON_AddBoolToObject(out, "do_lower_case", lower);
	for (i = 0; i < CT_FSMT_ROLES && ok; i++) {
		name = name_of(GET(config, roles[i].key));
		if (!name)
			name = name_of(GET(map, roles[i].key));
		if (name)
			ok = cJSON_AddStringToObject(out, roles[i].key, name);
	}
	*text = ok ? cJSON_PrintUnformatted(out) : NULL;
	if (!*text)
		ret = no_memory(err);
done:
	cJSON_Delete(langs);
	cJSON_Delete(out);
	return ret;
}

/* --- a vocabulary ----------------------------------------------------- */

static int add_token(struct ct_fsmt_vocab *v, const cJSON *node,
		     struct ct_err *err)
{
	uint32_t id, number;
	int ret;

	ret = ct_json_id(node, &id, err);
	if (ret)
		return ret;
	if (id >= CT_FSMT_MAX_IDS)
		return ct_fail(err, -E2BIG,
			       "token id %u is beyond the limit of %u", id,
			       CT_FSMT_MAX_IDS);
	ret = ct_strtab_add(&v->names, node->string, strlen(node->string),
			    &number);
	if (ret < 0)
		return no_memory(err);
	if (!ret)
		return ct_fail(err, -EBADMSG,
			       "a token is there twice, as id %u and %u",
			       v->ids.data[number], id);
	while (v->numbers.n <= id)
		if (ct_ids_append(&v->numbers, CT_FSMT_NO_ID))
			return no_memory(err);
	if (v->numbers.data[id] != CT_FSMT_NO_ID)
		return ct_fail(err, -EBADMSG, "two tokens have the id %u", id);
	v->numbers.data[id] = number;
	return ct_ids_append(&v->ids, id) ? no_memory(err) : 0;
}

static int read_vocab(struct ct_fsmt *f, struct ct_fsmt_vocab *v,
		      const char *data, size_t len, struct ct_err *err)
{
	const cJSON *node;
	uint32_t number;
	cJSON *root;
	int i, ret;

	ret = ct_text_json_parse(data, len, &root, err);
	if (ret)
		return ret;
	cJSON_ArrayForEach(node, root) {
		ret = add_token(v, node, err);
		if (ret)
			break;
	}
	cJSON_Delete(root);
	if (!ret && !v->names.n)
		ret = ct_fail(err, -EBADMSG, "there is no token in it");
	if (ret)
		return ret;
	for (i = 0; i < CT_FSMT_ROLES; i++) {
		v->role[i] = CT_FSMT_NO_ID;
		if (!ct_strtab_find(&v->names, f->names[i],
				    strlen(f->names[i]), &number))
			v->role[i] = v->ids.data[number];
	}
	return 0;
}

/* --- from memory ------------------------------------------------------ */

static int read_config(struct ct_fsmt *f, struct ct_err *err)
{
	cJSON *root;
	int ret;

	ret = ct_text_json_parse(f->files.config.data, f->files.config.len,
				 &root, err);
	if (!ret) {
		ret = take_config(f, root, err);
		cJSON_Delete(root);
	}
	if (!ret)
		ret = check_langs_known(f, err);
	if (ret)
		ct_err_prefix(err, "the tokenizer's config");
	return ret;
}

static int build(struct ct_fsmt *f, struct ct_err *err)
{
	const struct ct_fsmt_files *files = &f->files;
	int ret;

	ret = read_config(f, err);
	if (ret)
		return ret;
	ret = read_vocab(f, &f->side[CT_FSMT_SOURCE], files->src.data,
			 files->src.len, err);
	if (ret) {
		ct_err_prefix(err, "%s", file_names[0]);
		return ret;
	}
	ret = read_vocab(f, &f->side[CT_FSMT_TARGET], files->tgt.data,
			 files->tgt.len, err);
	if (ret) {
		ct_err_prefix(err, "%s", file_names[1]);
		return ret;
	}
	ret = ct_fsmt_merges_read(&f->merges, files->merges.data,
				  files->merges.len, err);
	if (ret)
		ct_err_prefix(err, "%s", file_names[2]);
	return ret;
}

static const char *copy(const char *data, size_t len)
{
	char *to = malloc(len + 1);

	if (!to)
		return NULL;
	if (len)
		memcpy(to, data, len);
	to[len] = '\0';
	return to;
}

int ct_fsmt_open(const struct ct_fsmt_files *files, struct ct_fsmt **out,
		 struct ct_err *err)
{
	struct ct_fsmt *f = calloc(1, sizeof(*f));
	int ret;

	if (!f)
		return no_memory(err);
	f->files = *files;
	f->files.src.data = copy(files->src.data, files->src.len);
	f->files.tgt.data = copy(files->tgt.data, files->tgt.len);
	f->files.merges.data = copy(files->merges.data, files->merges.len);
	f->files.config.data = copy(files->config.data, files->config.len);
	if (!f->files.src.data || !f->files.tgt.data ||
	    !f->files.merges.data || !f->files.config.data)
		ret = no_memory(err);
	else
		ret = build(f, err);
	if (ret)
		ct_fsmt_free(f);
	else
		*out = f;
	return ret;
}

const struct ct_fsmt_files *ct_fsmt_files(const struct ct_fsmt *fsmt)
{
	return &fsmt->files;
}

void ct_fsmt_free(struct ct_fsmt *f)
{
	int i;

	if (!f)
		return;
	for (i = 0; i < CT_FSMT_SIDES; i++) {
		ct_strtab_free(&f->side[i].names);
		ct_ids_free(&f->side[i].ids);
		ct_ids_free(&f->side[i].numbers);
		free(f->side[i].code);
	}
	for (i = 0; i < CT_FSMT_ROLES; i++)
		free(f->names[i]);
	ct_fsmt_merges_free(&f->merges);
	free((char *)f->files.src.data);
	free((char *)f->files.tgt.data);
	free((char *)f->files.merges.data);
	free((char *)f->files.config.data);
	free(f);
}

/* --- from a directory ------------------------------------------------- */

static int optional_json(const char *dir, const char *name, cJSON **out,
			 struct ct_err *err)
{
	int ret = ct_text_json(dir, name, out, err);

	if (ret != -ENOENT)
		return ret;
	*out = NULL;
	return 0;
}

static int load_config(const char *dir, char **text, struct ct_err *err)
{
	cJSON *config = NULL, *map = NULL, *model = NULL;
	int ret;

	ret = optional_json(dir, "tokenizer_config.json", &config, err);
	if (!ret)
		ret = optional_json(dir, "special_tokens_map.json", &map, err);
	if (!ret && ct_json_is_unset(GET(config, "langs")))
		ret = optional_json(dir, "config.json", &model, err);
	if (!ret) {
		ret = write_config(config, map, model, text, err);
		if (ret)
			ct_err_prefix(err, "%s/tokenizer_config.json", dir);
	}
	cJSON_Delete(config);
	cJSON_Delete(map);
	cJSON_Delete(model);
	return ret;
}

/* All of them or none: one without the others is damage, not absence. */
static int load_files(const char *dir, char *data[N_FILES],
		      size_t len[N_FILES], struct ct_err *err)
{
	int i, there = -1, missing = -1, ret;

	for (i = 0; i < N_FILES; i++) {
		ret = ct_text_read(dir, file_names[i], &data[i], &len[i], err);
		if (ret && ret != -ENOENT)
			return ret;
		*(ret ? &missing : &there) = i;
	}
	if (missing < 0)
		return 0;
	if (there < 0)
		return ct_fail(err, -ENOENT,
			       "%s has no FSMT tokenizer (vocab-src.json, vocab-tgt.json, merges.txt)",
			       dir);
	return ct_fail(err, -EBADMSG,
		       "%s has %s but no %s; a tokenizer needs both", dir,
		       file_names[there], file_names[missing]);
}

static int check_dir(const char *dir, struct ct_err *err)
{
	struct stat st;

	if (stat(dir, &st)) {
		int code = errno;

		return ct_fail(err, -code, "%s: %s", dir, strerror(code));
	}
	if (!S_ISDIR(st.st_mode))
		return ct_fail(err, -ENOTDIR, "%s: not a directory", dir);
	return 0;
}

int ct_fsmt_open_hf(const char *dir, struct ct_fsmt **out, struct ct_err *err)
{
	char *data[N_FILES] = { NULL }, *config = NULL;
	struct ct_fsmt_files files;
	size_t len[N_FILES];
	int i, ret;

	ret = check_dir(dir, err);
	if (!ret)
		ret = load_files(dir, data, len, err);
	if (!ret)
		ret = load_config(dir, &config, err);
	if (!ret) {
		files.src.data = data[0];
		files.src.len = len[0];
		files.tgt.data = data[1];
		files.tgt.len = len[1];
		files.merges.data = data[2];
		files.merges.len = len[2];
		files.config.data = config;
		files.config.len = strlen(config);
		ret = ct_fsmt_open(&files, out, err);
		if (ret)
			ct_err_prefix(err, "%s", dir);
	}
	/* A file that may be missing left a sentence, which is no one's. */
	if (!ret && err)
		*err = (struct ct_err){ 0 };
	for (i = 0; i < N_FILES; i++)
		free(data[i]);
	cJSON_free(config);
	return ret;
}
