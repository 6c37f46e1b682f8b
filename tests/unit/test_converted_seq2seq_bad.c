// SPDX-License-Identifier: MIT
/*
 * Converted files of models with an encoder whose metadata say something else, that
 * end early or are damaged: one clear error, and never another model.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chip_must.h"
#include "converted_help.h"
#include "model/config.h"
#include "model/converted.h"
#include "seq2seq_models.h"

static struct seq2seq_place place;
static char bad_path[256];

static void setup(void)
{
	seq2seq_place_make(&place);
	snprintf(bad_path, sizeof(bad_path), "%sbad.gguf", place.root);
}

static void teardown(void)
{
	seq2seq_place_remove(&place);
}

/* Some error. */
#define ANY	1

static struct image good;

static void make_good(enum seq2seq_model which)
{
	seq2seq_make(place.dir, which, 9);
	seq2seq_convert(&place, "s8");
	good = read_image(place.out);
}

static void refused(const struct image *f, size_t len, int want, const char *text)
{
	struct ctrans_model_params p;
	struct ctrans_model *m;
	int ret;

	write_image(bad_path, f, len);
	params_init(&p, "sim:threads=1");
	ret = ctrans_model_open(bad_path, &p, &m);
	ck_assert_msg((want == ANY ? ret < 0 : ret == want) &&
		      strstr(ctrans_message(), text),
		      "not %d \"%s\": %s", want, text, ctrans_message());
	ck_assert(!strncmp(ctrans_message(), bad_path, strlen(bad_path)));
}

/* @len bytes at @at in place of those that are there, signed anew. */
static void poke(size_t at, const void *bytes, size_t len, int want, const char *text)
{
	struct image f = { malloc(good.n), good.n };

	MUST(f.v);
	memcpy(f.v, good.v, good.n);
	ck_assert(memcmp(f.v + at, bytes, len));
	memcpy(f.v + at, bytes, len);
	sign(&f);
	refused(&f, f.n, want, text);
	free(f.v);
}

static void poke_u32(const char *key, size_t off, uint32_t v, int want, const char *text)
{
	poke(value_at(&good, key) + off, &v, 4, want, text);
}

static void poke_f32(const char *key, size_t off, float v, int want, const char *text)
{
	poke(value_at(&good, key) + off, &v, 4, want, text);
}

/* A key that is called otherwise is not there. */
static void lose(const char *key, int want, const char *text)
{
	poke(value_at(&good, key) - 5, "~", 1, want, text);
}

/* Behind an array's type and count. */
#define FIRST	12

static void bad_counts(const char *arch)
{
	static const char *const keys[] = {
		"vocab_size", "context_length", "embedding_length", "block_count",
		"attention.head_count", "feed_forward_length", "attention.key_length",
		"encoder.vocab_size", "encoder.block_count", "encoder.attention.head_count",
		"encoder.attention.key_length", "encoder.feed_forward_length",
	};
	char key[80];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(key, sizeof(key), "%s.%s", arch, keys[i]);
		lose(key, -ENOENT, key);
		poke_u32(key, 0, 0, -EBADMSG, "");
		poke_u32(key, 0, 1u << 30, ANY, "");
	}
}

START_TEST(fields_t5)
{
	make_good(SEQ2SEQ_T5);
	poke_u32("ctrans.version", 0, 2, -EBADMSG, "came with 3");
	poke_u32("ctrans.version", 0, 4, -ENOTSUP, "newer");
	bad_counts("ctrans-t5");
	/* one table, so one vocabulary; its rows are as many as there are */
	poke_u32("ctrans-t5.encoder.vocab_size", 0, 1105, -EBADMSG, "encoder.vocab_size");
	poke_u32("ctrans-t5.encoder.block_count", 0, 3, -ENOENT, "enc.blk.2");
	poke_u32("ctrans-t5.encoder.block_count", 0, 1, -EBADMSG, "");
	poke_u32("ctrans-t5.encoder.attention.head_count", 0, 8, -EBADMSG, "enc.");
	poke_u32("ctrans-t5.attention.key_length", 0, 16, -EBADMSG, "tensor");
	poke_u32("ctrans-t5.attention.relative_buckets", 0, 7, -EBADMSG, "buckets");
	poke_u32("ctrans-t5.attention.relative_span", 0, 3, -EBADMSG, "distance of 3");
	poke_u32("ctrans-t5.attention.relative_span", 0, 4000, -EBADMSG, "attn_rel_b");
	poke_u32("ctrans-t5.attention.relative_span", 0, 1u << 20, -E2BIG, "distance");
	poke_u32("ctrans-t5.first_position", 0, 1, -EBADMSG, "first_position");
	poke(value_at(&good, "ctrans-t5.attention.scale"), "\1", 1, -EBADMSG,
	     "attention.scale");
	poke(value_at(&good, "ctrans-t5.attention.scale_by_inverse_layer"), "\1", 1,
	     -EBADMSG, "inverse_layer");
	poke(value_at(&good, "ctrans-t5.feed_forward_gated"), "\1", 1, -ENOENT, "ffn_gate");
	poke(value_at(&good, "ctrans-t5.tied_head"), "", 1, -ENOENT, "output.weight");
	poke_f32("ctrans-t5.embedding_scale", 0, 7, -EBADMSG, "embedding_scale");
	poke_f32("ctrans-t5.embedding_scale", 0, -1, -EBADMSG, "embedding_scale");
	lose("ctrans-t5.embedding_scale", -EBADMSG, "embedding_scale");
	lose("ctrans-t5.start", -EBADMSG, "decoder_start_token_id");
	poke_u32("ctrans-t5.start", FIRST, 1104, -EBADMSG, "ctrans-t5.start");
	poke_u32("ctrans-t5.start", FIRST, UINT32_MAX, -EBADMSG, "ctrans-t5.start");
	poke_u32("ctrans-t5.pad", FIRST, 5000, -EBADMSG, "ctrans-t5.pad");
	/* a decoder alone has other keys */
	poke(value_at(&good, "general.architecture") + 8, "ctrans-x5", 9, -ENOTSUP,
	     "\"ctrans-x5\"");
	free(good.v);
}
END_TEST

START_TEST(fields_fsmt)
{
	make_good(SEQ2SEQ_FSMT);
	bad_counts("ctrans-fsmt");
	poke_u32("ctrans-fsmt.encoder.vocab_size", 0, 330, -EBADMSG, "enc.token_embd");
	poke_u32("ctrans-fsmt.encoder.attention.head_count", 0, 5, -EBADMSG, "head count");
	poke_u32("ctrans-fsmt.attention.key_length", 0, 8, -EBADMSG, "head count");
	poke_u32("ctrans-fsmt.attention.relative_buckets", 0, 32, -EBADMSG, "buckets");
	poke_u32("ctrans-fsmt.attention.relative_span", 0, 1u << 31, -EBADMSG, "span");
	poke_u32("ctrans-fsmt.first_position", 0, UINT32_MAX, -EBADMSG, "first_position");
	poke(value_at(&good, "ctrans-fsmt.attention.scale"), "", 1, -EBADMSG,
	     "attention.scale");
	poke(value_at(&good, "ctrans-fsmt.tied_head"), "", 1, -EBADMSG, "tied_head");
	poke(value_at(&good, "ctrans-fsmt.feed_forward_gated"), "\1", 1, -EBADMSG, "gated");
	poke_f32("ctrans-fsmt.embedding_scale", 0, 8.5f, -EBADMSG, "embedding_scale");
	poke_f32("ctrans-fsmt.embedding_scale", 0, 1e30f, -EBADMSG, "embedding_scale");
	free(good.v);
}
END_TEST

/* Number @field of search @i. */
static void poke_search(uint32_t i, uint32_t field, int32_t v)
{
	poke_u32(CT_KEY_SEARCH, FIRST + 4 * (i * CT_SEARCH_FIELDS + field), (uint32_t)v,
		 -EBADMSG, CT_KEY_SEARCH);
}

START_TEST(tasks)
{
	size_t names, prefixes;

	make_good(SEQ2SEQ_T5);
	for (uint32_t i = 0; i < 3; i++) {
		for (uint32_t k = 0; k < CT_SEARCH_FIELDS; k++) {
			poke_search(i, k, -2);
			poke_search(i, k, INT32_MAX);
		}
		poke_search(i, 0, 0);
		poke_search(i, 0, CT_MAX_BEAMS + 1);
		poke_search(i, 4, 2);
		poke_search(i, 5, 1104);
		poke_search(i, 6, 1104);
		poke_f32(CT_KEY_LENGTH_PENALTY, FIRST + 4 * i, 1e9f, -EBADMSG, "penalty");
		poke_u32(CT_KEY_LENGTH_PENALTY, FIRST + 4 * i, 0x7fc00000, -EBADMSG,
			 "penalty");
	}
	lose(CT_KEY_TASKS, -EBADMSG, "0 tasks");
	lose(CT_KEY_TASK_PREFIXES, -EBADMSG, "2 tasks");
	lose(CT_KEY_SEARCH, -EBADMSG, "2 tasks");
	lose(CT_KEY_LENGTH_PENALTY, -EBADMSG, "2 tasks");
	lose(CT_KEY_LANGS, -EBADMSG, "languages");
	names = value_at(&good, CT_KEY_TASKS) + FIRST;
	prefixes = value_at(&good, CT_KEY_TASK_PREFIXES) + FIRST;
	poke(names + 10, "", 1, -EBADMSG, "zero");
	poke(prefixes + 10, "", 1, -EBADMSG, "zero");
	free(good.v);
}
END_TEST

START_TEST(tokenizers)
{
	uint64_t n;
	size_t at;

	make_good(SEQ2SEQ_T5);
	lose(CT_KEY_TOK_SPM_ADDED, -EBADMSG, "0 added tokens");
	lose(CT_KEY_TOK_SPM_IDS, -EBADMSG, "added tokens");
	poke_u32(CT_KEY_TOK_SPM_IDS, FIRST, UINT32_MAX, -EBADMSG, "token 0");
	poke_u32(CT_KEY_TOK_SPM_IDS, FIRST + 4, 2, -EBADMSG, "token 0");
	memcpy(&n, good.v + value_at(&good, CT_KEY_TOK_SPM_IDS) + 4, 8);
	poke_u32(CT_KEY_TOK_SPM_IDS, FIRST + 4 * ((size_t)n - 2), INT32_MAX, ANY, "");
	at = value_at(&good, CT_KEY_TOK_SPM);
	/* I8 for U8; what is no ModelProto */
	poke(at, "\1", 1, -EBADMSG, "list of bytes");
	poke(at + FIRST, "\377\377\377\377", 4, -EBADMSG, "");
	free(good.v);
}
END_TEST

START_TEST(tokenizers_fsmt)
{
	size_t at;

	make_good(SEQ2SEQ_FSMT);
	at = value_at(&good, CT_KEY_TOK_FSMT) + FIRST;
	poke(at + 8, "[", 1, -EBADMSG, "");
	poke(at - 12, "\6", 1, -EBADMSG, "");
	free(good.v);
}
END_TEST

/* In the middle of each key, and at its ends. */
START_TEST(truncation)
{
	static const char *const keys[][2] = {
		{ "ctrans-t5.encoder.vocab_size", "ctrans-fsmt.encoder.vocab_size" },
		{ "ctrans-t5.embedding_scale", "ctrans-fsmt.embedding_scale" },
		{ "ctrans-t5.pad", "ctrans-fsmt.pad" },
		{ CT_KEY_TASKS, CT_KEY_TASKS }, { CT_KEY_SEARCH, CT_KEY_SEARCH },
		{ CT_KEY_TASK_PREFIXES, CT_KEY_LANGS },
		{ CT_KEY_TOK_SPM, CT_KEY_TOK_FSMT },
		{ CT_KEY_TOK_SPM_IDS, CT_KEY_TOK_FSMT },
	};

	make_good(_i ? SEQ2SEQ_FSMT : SEQ2SEQ_T5);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		for (int d = -30; d < 60; d++)
			refused(&good, value_at(&good, keys[i][_i]) + (size_t)d, -EBADMSG,
				"truncated");
	for (size_t at = data_at(&good) - 1; at < good.n; at += 4096 * 3)
		refused(&good, at, -EBADMSG, "truncated");
	free(good.v);
}
END_TEST

/* Any bit of what comes before the weights: another sum, so never another model. */
START_TEST(damage)
{
	struct ctrans_model_params p;
	struct ctrans_model *m;
	size_t data;

	make_good(_i ? SEQ2SEQ_FSMT : SEQ2SEQ_T5);
	data = data_at(&good);
	params_init(&p, "sim:threads=1");
	for (int i = 0; i < 200; i++) {
		size_t at = 24 + (size_t)random() % (data - 24);
		uint8_t old = good.v[at];

		good.v[at] ^= (uint8_t)(1 << i % 8);
		write_image(bad_path, &good, good.n);
		if (!ctrans_model_open(bad_path, &p, &m)) {
			ck_assert_uint_eq(old, 0);
			ctrans_model_close(m);
		}
		good.v[at] = old;
	}
	free(good.v);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("converted_seq2seq_bad");
	TCase *t = tcase_create("refused");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, fields_t5);
	tcase_add_test(t, fields_fsmt);
	tcase_add_test(t, tasks);
	tcase_add_test(t, tokenizers);
	tcase_add_test(t, tokenizers_fsmt);
	tcase_add_loop_test(t, truncation, 0, 2);
	tcase_add_loop_test(t, damage, 0, 2);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
