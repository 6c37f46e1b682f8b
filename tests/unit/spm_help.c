// SPDX-License-Identifier: MIT
#include "spm_help.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACE	"\xe2\x96\x81"

static char byte_names[256][8];

static void add(struct ct_spm_model *m, const char *text, float score,
		uint32_t type)
{
	ck_assert_int_eq(ct_spm_model_add(m, text, strlen(text), score, type,
					  NULL), 0);
}

bool spm_supported(void)
{
	struct ct_spm *spm = NULL;
	struct ct_spm_model m;
	struct ct_err err = { 0 };
	struct ct_buf proto;
	int ret;

	spm_small(&m, CT_SPM_UNIGRAM);
	proto = spm_written(&m);
	ret = ct_spm_open(proto.data, proto.n, NULL, 0, &spm, &err);
	ct_buf_free(&proto);
	ct_spm_model_free(&m);
	ct_spm_free(spm);
	if (ret == -ENOTSUP) {
		ck_assert_ptr_nonnull(strstr(err.msg, "libsentencepiece-dev"));
		printf("SKIP SentencePiece: built without the library\n");
		return false;
	}
	if (ret)
		ck_abort_msg("%s", err.msg);
	return true;
}

void spm_small(struct ct_spm_model *m, uint64_t type)
{
	ct_spm_model_init(m);
	m->type = type;
	m->unk_id = 2;
	m->bos_id = -1;
	m->eos_id = 1;
	m->pad_id = 0;
	add(m, "<pad>", 0, CT_SPM_PIECE_CONTROL);
	add(m, "</s>", 0, CT_SPM_PIECE_CONTROL);
	add(m, "<unk>", 0, CT_SPM_PIECE_UNKNOWN);
	add(m, SPACE, -3, CT_SPM_PIECE_NORMAL);
	add(m, "a", -4, CT_SPM_PIECE_NORMAL);
	add(m, "b", -5, CT_SPM_PIECE_NORMAL);
	add(m, "ab", -1, CT_SPM_PIECE_NORMAL);
	add(m, SPACE "a", -2, CT_SPM_PIECE_NORMAL);
	add(m, "c", -6, CT_SPM_PIECE_NORMAL);
}

void spm_add_bytes(struct ct_spm_model *m)
{
	int i;

	m->byte_fallback = true;
	for (i = 0; i < 256; i++) {
		sprintf(byte_names[i], "<0x%02X>", i);
		add(m, byte_names[i], 0, CT_SPM_PIECE_BYTE);
	}
}

struct ct_buf spm_written(const struct ct_spm_model *m)
{
	struct ct_buf proto = { 0 };

	ck_assert_int_eq(ct_spm_model_write(m, &proto, NULL), 0);
	return proto;
}

struct ct_spm *spm_opened(const struct ct_spm_model *m,
			  const struct ct_spm_added *added, size_t n)
{
	struct ct_buf proto = spm_written(m);
	struct ct_spm *spm = NULL;
	struct ct_err err;

	if (ct_spm_open(proto.data, proto.n, added, n, &spm, &err))
		ck_abort_msg("%s", err.msg);
	ct_buf_free(&proto);
	return spm;
}

struct ct_spm *spm_open_dir(const char *dir)
{
	struct ct_spm *spm = NULL;
	struct ct_err err = { 0 };

	if (ct_spm_open_hf(dir, &spm, &err))
		ck_abort_msg("%s", err.msg);
	ck_assert_int_eq(err.code, 0);
	return spm;
}

const char *spm_ids(const struct ct_spm *spm, const char *text, size_t len,
		    unsigned int flags)
{
	struct ct_ids ids = { 0 };
	static char line[4096];
	struct ct_err err;
	size_t i, n = 0;

	if (ct_spm_encode(spm, text, len, flags, &ids, &err))
		ck_abort_msg("%s", err.msg);
	ck_assert_uint_lt(ids.n, sizeof(line) / 12);
	line[0] = '\0';
	for (i = 0; i < ids.n; i++)
		n += sprintf(line + n, i ? " %u" : "%u", ids.data[i]);
	ct_ids_free(&ids);
	return line;
}

const char *spm_text(const struct ct_spm *spm, const char *ids,
		     unsigned int flags)
{
	static char text[4096];
	struct ct_buf out = { 0 };
	uint32_t list[256];
	struct ct_err err;
	size_t n = 0;
	char *end;

	for (; *ids; ids = end) {
		ck_assert_uint_lt(n, 256);
		list[n++] = strtoul(ids, &end, 10);
		ck_assert_ptr_ne(ids, end);
	}
	if (ct_spm_decode(spm, list, n, flags, &out, &err))
		ck_abort_msg("%s", err.msg);
	ck_assert_uint_lt(out.n, sizeof(text));
	if (out.n)
		memcpy(text, out.data, out.n);
	text[out.n] = '\0';
	ct_buf_free(&out);
	return text;
}

static void put_unit(unsigned char *map, size_t i, uint32_t unit)
{
	int k;

	for (k = 0; k < 4; k++)
		map[4 + 4 * i + k] = unit >> 8 * k;
}

/*
 * The root is unit 0 with offset 0: child c is unit c. That has a leaf, and
 * offset c ^ 255: its value is unit 255, which no child has.
 */
size_t spm_charsmap(unsigned char *map, char x, const char *to)
{
	unsigned char c = x;
	size_t i;

	memset(map, 0, 4 + 1024);
	map[1] = 1024 >> 8;
	/* Unused units have a label that is not their place. */
	for (i = 1; i < 256; i++)
		put_unit(map, i, (i ^ 1) & 0xff);
	put_unit(map, 0, 1);
	put_unit(map, c, (uint32_t)(c ^ 0xff) << 10 | 1 << 8 | c);
	put_unit(map, 255, 1u << 31);
	strcpy((char *)map + 4 + 1024, to);
	return 4 + 1024 + strlen(to) + 1;
}
