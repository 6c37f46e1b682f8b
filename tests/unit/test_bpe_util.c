// SPDX-License-Identifier: MIT
#include "test_bpe_util.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text/alphabet.h"

static char tmp_dir[64];
static char tmp_names[16][32];
static size_t n_tmp_names;

const char *bpe_data(const char *name)
{
	static char path[2][PATH_MAX];
	static int turn;
	const char *dir = getenv("CTRANS_TEST_DATA");

	turn ^= 1;
	snprintf(path[turn], PATH_MAX, "%s/tokenizer/%s",
		 dir ? dir : TEST_DATA_DIR, name);
	return path[turn];
}

const char *bpe_shared(const char *name)
{
	static char path[PATH_MAX];
	const char *dir = getenv("CTRANS_SHARED_DIR");
	static bool told;

	/* once for each check, which is a process, however many files it wants */
	if (!dir) {
		if (!told)
			printf("SKIP %s: CTRANS_SHARED_DIR is not set\n", name);
		told = true;
		return NULL;
	}
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (access(path, R_OK)) {
		printf("SKIP %s: not there\n", path);
		return NULL;
	}
	return path;
}

char *bpe_slurp(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *data;
	long size;

	if (!f)
		return NULL;
	ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	ck_assert_int_ge(size, 0);
	rewind(f);
	data = malloc(size + 1);
	ck_assert_ptr_nonnull(data);
	*len = fread(data, 1, size, f);
	ck_assert_uint_eq(*len, size);
	data[size] = '\0';
	fclose(f);
	return data;
}

cJSON *bpe_json(const char *path)
{
	size_t len;
	char *text = bpe_slurp(path, &len);
	cJSON *json;

	ck_assert_msg(text != NULL, "%s is missing", path);
	json = cJSON_Parse(text);
	ck_assert_msg(json != NULL, "%s is no JSON", path);
	free(text);
	return json;
}

const char *bpe_tmp_make(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(tmp_dir, sizeof(tmp_dir), "%.40s/ctrans-bpe-XXXXXX",
		 base ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(tmp_dir));
	n_tmp_names = 0;
	return tmp_dir;
}

static void tmp_path(char *path, const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s", tmp_dir, name);
}

void bpe_tmp_write(const char *name, const void *data, size_t len)
{
	char path[PATH_MAX];
	FILE *f;

	tmp_path(path, name);
	f = fopen(path, "wb");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(data, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_uint_lt(n_tmp_names, 16);
	snprintf(tmp_names[n_tmp_names++], sizeof(tmp_names[0]), "%s", name);
}

void bpe_tmp_text(const char *name, const char *text)
{
	bpe_tmp_write(name, text, strlen(text));
}

void bpe_tmp_remove(void)
{
	char path[PATH_MAX];

	while (n_tmp_names) {
		tmp_path(path, tmp_names[--n_tmp_names]);
		unlink(path);
	}
	rmdir(tmp_dir);
}

/* GPT-2 numbers the printable bytes first, then the rest. */
static void add_byte_alphabet(struct ct_bpe_builder *b, uint32_t *id)
{
	struct ct_err err = { 0 };
	char letter[CT_ALPHABET_MAX];
	int shown, byte;

	for (shown = 1; shown >= 0; shown--) {
		for (byte = 0; byte < 256; byte++) {
			size_t len = ct_alphabet_spell(byte, letter);
			bool same = len == 1 || (unsigned char)letter[0] < 0xc4;

			if (same != shown)
				continue;
			ck_assert_int_eq(ct_bpe_builder_token(b, (*id)++, letter,
							      len, &err), 0);
		}
	}
}

struct ct_bpe *bpe_gpt2(void)
{
	struct ct_bpe_options opt = CT_BPE_OPTIONS_INIT;
	struct ct_bpe_builder *b;
	struct ct_err err = { 0 };
	char *merges, *line, *end, name[1024];
	struct ct_bpe *bpe;
	uint32_t id = 0;
	size_t len;

	merges = bpe_slurp(bpe_data("gpt2/merges.txt"), &len);
	ck_assert_ptr_nonnull(merges);
	ck_assert_int_eq(ct_bpe_builder_new(&b, &err), 0);
	add_byte_alphabet(b, &id);
	for (line = merges; *line; line = end + 1) {
		char *space;

		end = strchr(line, '\n');
		space = end ? memchr(line, ' ', end - line) : NULL;
		if (!space || end - line >= (int)sizeof(name))
			ck_abort_msg("merges.txt is damaged");
		memcpy(name, line, space - line);
		memcpy(name + (space - line), space + 1, end - space - 1);
		if (ct_bpe_builder_token(b, id++, name, end - line - 1, &err) ||
		    ct_bpe_builder_merge_line(b, line, end - line, &err))
			ck_abort_msg("%s", err.msg);
	}
	ck_assert_int_eq(ct_bpe_builder_added(b, id, "<|endoftext|>", 13,
					      CT_BPE_ADD_SPECIAL, &err), 0);
	ck_assert_int_eq(ct_bpe_builder_finish(b, &opt, &bpe, &err), 0);
	ct_bpe_builder_free(b);
	free(merges);
	return bpe;
}

struct ct_bpe *bpe_open(const char *dir)
{
	struct ct_err err = { 0 };
	struct ct_bpe *bpe;

	ck_assert_msg(!ct_bpe_open_hf(dir, &bpe, &err), "%s", err.msg);
	ck_assert_int_eq(err.code, 0);
	return bpe;
}

struct ct_ids bpe_encode(const struct ct_bpe *bpe, const void *text,
			 size_t len, unsigned int flags)
{
	struct ct_err err = { 0 };
	struct ct_ids ids = { 0 };

	/* ck_assert sends a message each time: too slow for what this is for. */
	if (ct_bpe_encode(bpe, text, len, flags, &ids, &err))
		ck_abort_msg("%s", err.msg);
	return ids;
}

void bpe_check_round_trip(const struct ct_bpe *bpe, const void *text,
			  size_t len, unsigned int flags)
{
	struct ct_ids ids = bpe_encode(bpe, text, len, flags);
	struct ct_buf back = { 0 };
	struct ct_err err = { 0 };

	if (ct_bpe_decode(bpe, ids.data, ids.n, 0, &back, &err))
		ck_abort_msg("%s", err.msg);
	if (back.n != len || (len && memcmp(back.data, text, len)))
		ck_abort_msg("%zu bytes came back as %zu, not the same", len,
			     back.n);
	ct_ids_free(&ids);
	ct_buf_free(&back);
}

void bpe_check_ids(const struct ct_bpe *bpe, const char *text, size_t len,
		   unsigned int flags, const uint32_t *ids, size_t n,
		   const char *what)
{
	struct ct_ids got = bpe_encode(bpe, text, len, flags);
	size_t i;

	for (i = 0; i < n && i < got.n; i++)
		ck_assert_msg(got.data[i] == ids[i],
			      "%s: id %zu of \"%.*s\" is %u instead of %u", what,
			      i, (int)len, text, got.data[i], ids[i]);
	ck_assert_msg(got.n == n, "%s: \"%.*s\" has %zu ids instead of %zu",
		      what, (int)len, text, got.n, n);
	ct_ids_free(&got);
}

/* cJSON ends strings at U+0000, which two of the texts have. */
static size_t unescape_nul(char *text)
{
	static const char mark[] = "<NUL>";
	size_t n = 0;
	char *p = text;

	while (*p) {
		if (!strncmp(p, mark, sizeof(mark) - 1)) {
			text[n++] = '\0';
			p += sizeof(mark) - 1;
		} else {
			text[n++] = *p++;
		}
	}
	return n;
}

static void mark_nul(char *json, size_t len)
{
	char *p = json;

	/* Shorter by one: the rest of the file moves up. */
	while ((p = strstr(p, "\\u0000"))) {
		memcpy(p, "<NUL>", 5);
		memmove(p + 5, p + 6, json + len - p - 5);
		len--;
	}
}

void bpe_check_vectors(const struct ct_bpe *bpe, unsigned int flags,
		       const char *path)
{
	const cJSON *item, *node;
	struct ct_ids want = { 0 };
	size_t len, n = 0;
	cJSON *list;
	char *json;

	json = bpe_slurp(path, &len);
	ck_assert_msg(json != NULL, "%s is missing", path);
	mark_nul(json, len);
	list = cJSON_Parse(json);
	ck_assert_msg(list != NULL, "%s is no JSON", path);
	cJSON_ArrayForEach(item, list) {
		char *text = cJSON_GetObjectItem(item, "text")->valuestring;
		size_t text_len = unescape_nul(text);

		want.n = 0;
		cJSON_ArrayForEach(node, cJSON_GetObjectItem(item, "ids"))
			ck_assert_int_eq(ct_ids_append(&want, node->valueint),
					 0);
		bpe_check_ids(bpe, text, text_len, flags, want.data, want.n,
			      path);
		n++;
	}
	ck_assert_uint_gt(n, 0);
	ct_ids_free(&want);
	cJSON_Delete(list);
	free(json);
}

uint32_t bpe_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}
