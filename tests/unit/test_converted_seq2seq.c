// SPDX-License-Identifier: MIT
/*
 * Converted files of models with an encoder: the same model as the directory, its
 * tasks and its tokenizer; and of one whose metadata say something else, one clear
 * error.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip_must.h"
#include "converted_help.h"
#include "engine/core_impl.h"
#include "engine/fingerprint.h"
#include "model/converted.h"
#include "model_help.h"
#include "seq2seq_models.h"
#include "text/tokenizer.h"

#define TOKENS	12

static char dir[256], out[256], bad_path[256], cache[256], root[200];

static void setup(void)
{
	tmp_make();
	snprintf(root, sizeof(root), "%s", tmp_path(""));
	snprintf(dir, sizeof(dir), "%s", tmp_path("model"));
	snprintf(out, sizeof(out), "%s", tmp_path("out.gguf"));
	snprintf(bad_path, sizeof(bad_path), "%s", tmp_path("bad.gguf"));
	snprintf(cache, sizeof(cache), "%s", tmp_path("cache"));
}

static void teardown(void)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	MUST(!system(command));
}

static void convert(const char *weights)
{
	struct ctrans_convert_params p;

	convert_params_init(&p);
	p.weights = weights;
	ck_assert_msg(!ctrans_convert(dir, &p, out), "%s", ctrans_message());
}

static struct ct_core *open_core(const char *path)
{
	struct ctrans_model_params p;
	struct ct_err err = { 0 };
	struct ct_core *core;

	params_init(&p, "sim:threads=1");
	ck_assert_msg(!ct_core_open(path, &p, &core, &err), "%s", err.msg);
	return core;
}

static struct ctrans_model *open_as(const char *path, const char *device,
				    const char *kept, const char *little)
{
	struct ctrans_model_params p;
	struct ctrans_model *m;

	params_init(&p, device);
	p.cache = kept;
	p.little = little;
	ck_assert_msg(!ctrans_model_open(path, &p, &m), "%s", ctrans_message());
	return m;
}

/* ---- The same model -------------------------------------------------------- */

static void same_search(const struct ct_search *a, const struct ct_search *b)
{
	ck_assert_uint_eq(a->beams, b->beams);
	ck_assert_uint_eq(a->max_length, b->max_length);
	ck_assert_uint_eq(a->min_length, b->min_length);
	ck_assert_uint_eq(a->no_repeat_ngram, b->no_repeat_ngram);
	ck_assert(a->length_penalty == b->length_penalty);
	ck_assert_int_eq(a->early_stopping, b->early_stopping);
	ck_assert_int_eq(a->forced_bos, b->forced_bos);
	ck_assert_int_eq(a->forced_eos, b->forced_eos);
}

static void same_tasks(const struct ct_tasks *a, const struct ct_tasks *b)
{
	same_search(&a->search, &b->search);
	ck_assert_uint_eq(a->n, b->n);
	for (uint32_t i = 0; i < a->n; i++) {
		ck_assert_str_eq(a->v[i].name, b->v[i].name);
		ck_assert_str_eq(a->v[i].prefix, b->v[i].prefix);
		same_search(&a->v[i].search, &b->v[i].search);
	}
	for (int i = 0; i < 2; i++)
		ck_assert_str_eq(a->langs[i], b->langs[i]);
}

static void same_texts(const struct ct_tokenizer *a, const struct ct_tokenizer *b)
{
	static const char *const texts[] = {
		"Hello world", "", "It's usw. 12 <extra_id_3> x</s>", "\xff\xc3\xa4!",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct ct_ids x = { 0 }, y = { 0 };
		size_t len = strlen(texts[i]);

		ck_assert_int_eq(ct_tokenizer_source(a, texts[i], len, i & 1, &x, NULL), 0);
		ck_assert_int_eq(ct_tokenizer_source(b, texts[i], len, i & 1, &y, NULL), 0);
		ck_assert(x.n == y.n && (!x.n || !memcmp(x.data, y.data, 4 * x.n)));
		ct_ids_free(&x);
		ct_ids_free(&y);
	}
}

static void same_tokenizer(const struct ct_tokenizer *a, const struct ct_tokenizer *b)
{
	uint32_t differs;

	ck_assert_int_eq(!a, !b);
	if (!a)
		return;
	ck_assert(ct_tokenizer_same(a, b, &differs));
	ck_assert_uint_eq(ct_tokenizer_eos(a), ct_tokenizer_eos(b));
	ck_assert_uint_eq(ct_tokenizer_source_size(a), ct_tokenizer_source_size(b));
	same_texts(a, b);
}

/* Every byte that stays in memory, and all there is to know of it. */
START_TEST(same_model)
{
	struct ct_core *a, *b;
	struct ct_fingerprint fa, fb;

	seq2seq_make(dir, (enum seq2seq_model)_i, 1);
	convert("s8");
	a = open_core(dir);
	b = open_core(out);
	ck_assert_uint_eq(a->weights.size, b->weights.size);
	ck_assert(!memcmp(a->weights.cpu, b->weights.cpu, a->weights.size));
	ck_assert(b->cfg.head_factor == 1.0f);
	b->cfg.head_factor = a->cfg.head_factor;
	ck_assert(!memcmp(&a->cfg, &b->cfg, sizeof(a->cfg)));
	same_tasks(&a->tasks, &b->tasks);
	same_tokenizer(a->tokenizer, b->tokenizer);
	ct_core_fingerprint(a, &fa);
	ct_core_fingerprint(b, &fb);
	ck_assert_str_eq(fa.model, fb.model);
	ck_assert_str_eq(fa.thresholds, fb.thresholds);
	ck_assert_str_eq(a->info.architecture, b->info.architecture);
	ck_assert_str_eq(a->info.tasks, b->info.tasks);
	ck_assert_uint_eq(a->info.parameters, b->info.parameters);
	ck_assert_int_eq(a->info.start, b->info.start);
	ct_core_close(a);
	ct_core_close(b);
}
END_TEST

/* Tokens of a source, through steps: also where there is no tokenizer. */
static void run(const char *path, uint32_t tokens[TOKENS])
{
	static const uint32_t source[] = { 9, 17, 33, 5, 140, 21, 1 };
	struct ct_core *core = open_core(path);
	struct ct_source *read;
	struct ct_seq *seq;
	struct ct_best best;
	struct ct_err err;
	uint32_t token = (uint32_t)core->cfg.start_id;

	if (ct_core_encode(core, source, 7, NULL, NULL, &read, &err) ||
	    ct_seq_open(core, &seq, &err))
		ck_abort_msg("%s", err.msg);
	ct_seq_attend(seq, read);
	ct_source_drop(read);
	for (int i = 0; i < TOKENS; i++) {
		struct ct_step_row row = { .seq = seq, .token = token, .best = &best };

		ck_assert_int_eq(ct_core_step(core, &row, 1, NULL, &err), 0);
		tokens[i] = token = best.top[0].id;
	}
	ct_seq_close(seq);
	ct_core_close(core);
}

START_TEST(same_tokens)
{
	uint32_t a[TOKENS], b[TOKENS];

	seq2seq_make(dir, (enum seq2seq_model)_i, 2);
	convert("s8");
	run(dir, a);
	run(out, b);
	ck_assert(!memcmp(a, b, sizeof(a)));
}
END_TEST

static size_t translate(struct ctrans_model *m, const char *task, uint32_t tokens[TOKENS])
{
	struct ctrans_generate_params g;
	struct ctrans_result *r;
	size_t n;

	ctrans_generate_params_init(&g, sizeof(g));
	g.max_tokens = TOKENS;
	g.task = task;
	ck_assert_msg(!ctrans_generate(m, "Hello world, usw.", &g, &r), "%s",
		      ctrans_message());
	n = r->n_tokens;
	memcpy(tokens, r->tokens, n * sizeof(*tokens));
	ctrans_result_free(r);
	return n;
}

/* With what the task says of beams and lengths. */
START_TEST(same_translation)
{
	static const char *const tasks[] = { "translate_en_de", "summarize", "translate" };
	uint32_t a[TOKENS], b[TOKENS];
	struct ctrans_model *m;
	size_t n;

	seq2seq_make(dir, _i < 2 ? SEQ2SEQ_T5 : SEQ2SEQ_FSMT, 3);
	convert("s8");
	m = open_as(dir, "sim:threads=1", NULL, NULL);
	n = translate(m, tasks[_i], a);
	ctrans_model_close(m);
	m = open_as(out, "sim:threads=2", NULL, NULL);
	ck_assert_uint_eq(translate(m, tasks[_i], b), n);
	ck_assert(!memcmp(a, b, n * sizeof(*a)));
	ctrans_model_close(m);
}
END_TEST

static bool is_esc(const struct ct_core *core, enum ct_role role)
{
	return ct_image_find(&core->image, role, 0, CT_PART_WEIGHTS)->enc ==
	       CTRANS_ENC_ESC;
}

/* What is large enough for it, both tables too; and one result on every kernel. */
START_TEST(compressed)
{
	static const char *const devices[] = {
		"sim:threads=1", "sim:threads=3", "sim:kernel=generic",
		"sim:kernel=reference",
	};
	enum seq2seq_model which = _i ? SEQ2SEQ_FSMT : SEQ2SEQ_T5;
	uint32_t a[TOKENS], b[TOKENS];
	struct ctrans_model_info info;
	struct ctrans_model *m;
	struct ct_core *core;
	size_t n = 0;

	seq2seq_make(dir, which, 4);
	convert("esc");
	core = open_core(out);
	ck_assert(is_esc(core, CT_WTE));
	ck_assert(which != SEQ2SEQ_FSMT || is_esc(core, CT_ENC_WTE));
	ct_core_close(core);
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		m = open_as(out, devices[i], NULL, NULL);
		if (!i)
			n = translate(m, NULL, a);
		else
			ck_assert(translate(m, NULL, b) == n &&
				  !memcmp(a, b, n * sizeof(*a)));
		ck_assert_int_eq(ctrans_model_info(m, &info, sizeof(info)), 0);
		ck_assert_str_eq(info.format, "GGUF v3, converted, compressed");
		ctrans_model_close(m);
	}
	ck_assert_uint_gt(n, 0);
}
END_TEST

static unsigned int entries(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	unsigned int n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

START_TEST(cached)
{
	enum seq2seq_model which = _i ? SEQ2SEQ_FSMT : SEQ2SEQ_T5;
	uint32_t a[TOKENS], b[TOKENS];
	char weights[300];
	struct ctrans_model_info info;
	struct ctrans_model *m;
	struct image f;
	size_t n;

	seq2seq_make(dir, which, 5);
	m = open_as(dir, "sim:threads=1", cache, NULL);
	n = translate(m, NULL, a);
	ctrans_model_close(m);
	ck_assert_uint_eq(entries(cache), 1);
	m = open_as(dir, "sim:threads=1", cache, NULL);
	ck_assert_int_eq(ctrans_model_info(m, &info, sizeof(info)), 0);
	ck_assert_str_eq(info.format, "GGUF v3, converted");
	ck_assert(translate(m, NULL, b) == n && !memcmp(a, b, n * sizeof(*a)));
	ctrans_model_close(m);
	/* a model that changed is read again */
	snprintf(weights, sizeof(weights), "%s/model.safetensors", dir);
	f = read_image(weights);
	for (size_t i = f.n - 400; i < f.n; i += 4)
		memset(f.v + i, 0, 4);
	unlink(weights);
	write_image(weights, &f, f.n);
	free(f.v);
	m = open_as(dir, "sim:threads=1", cache, NULL);
	ck_assert_int_eq(ctrans_model_info(m, &info, sizeof(info)), 0);
	ck_assert_str_eq(info.format, "safetensors");
	ctrans_model_close(m);
	ck_assert_uint_eq(entries(cache), 1);
}
END_TEST

START_TEST(with_little)
{
	struct ctrans_convert_params p;
	struct ctrans_model_info info;
	uint32_t a[TOKENS], b[TOKENS];
	char little[300];
	struct ctrans_model *m;
	size_t n;

	seq2seq_make(dir, SEQ2SEQ_T5, 6);
	snprintf(little, sizeof(little), "%slittle", root);
	seq2seq_make(little, SEQ2SEQ_T5, 7);
	convert_params_init(&p);
	p.little = little;
	ck_assert_msg(!ctrans_convert(dir, &p, out), "%s", ctrans_message());
	m = open_as(out, "sim:threads=1", NULL, "");
	n = translate(m, "translate_en_de", a);
	ctrans_model_close(m);
	m = open_as(out, "sim:threads=1", NULL, NULL);
	ck_assert_int_eq(ctrans_model_info(m, &info, sizeof(info)), 0);
	ck_assert_uint_gt(info.little_parameters, 1000);
	ck_assert(translate(m, "translate_en_de", b) == n && !memcmp(a, b, n * sizeof(*a)));
	ctrans_model_close(m);
}
END_TEST

/* For those who want no more of it than that, and for whom the rest may be damaged. */
START_TEST(tokenizer_alone)
{
	struct ctrans_model_params p;
	struct ctrans_model *m;
	uint32_t ids[40];
	size_t n;

	seq2seq_make(dir, (enum seq2seq_model)_i, 8);
	convert("s8");
	params_init(&p, "sim:threads=1");
	p.flags = CTRANS_MODEL_TOKENIZER;
	if (_i == SEQ2SEQ_GATED) {
		ck_assert_int_eq(ctrans_model_open(out, &p, &m), -ENOENT);
		ck_assert(strstr(ctrans_message(), "no tokenizer"));
		return;
	}
	ck_assert_msg(!ctrans_model_open(out, &p, &m), "%s", ctrans_message());
	ck_assert_int_eq(ctrans_tokenize(m, "Hello world", 11, CTRANS_TOKENIZE_SOURCE, ids,
					 40, &n), 0);
	ck_assert_uint_gt(n, 2);
	ctrans_model_close(m);
}
END_TEST

START_TEST(shape)
{
	struct ctrans_convert_params p;
	uint32_t a[TOKENS], b[TOKENS];

	/* no files, and no tokenizer */
	convert_params_init(&p);
	ck_assert_msg(!ctrans_convert("shape:t5-small", &p, out), "%s", ctrans_message());
	run("shape:t5-small", a);
	run(out, b);
	ck_assert(!memcmp(a, b, sizeof(a)));
}
END_TEST

/* ---- What is refused --------------------------------------------------------- */

/* Some error. */
#define ANY	1

static struct image good;

static void make_good(enum seq2seq_model which)
{
	seq2seq_make(dir, which, 9);
	convert("s8");
	good = read_image(out);
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
	Suite *s = suite_create("converted_seq2seq");
	TCase *same = tcase_create("same"), *bad = tcase_create("refused");
	SRunner *r;
	int failed;

	tcase_set_timeout(same, 120);
	tcase_set_timeout(bad, 120);
	tcase_add_checked_fixture(same, setup, teardown);
	tcase_add_loop_test(same, same_model, 0, SEQ2SEQ_MODELS);
	tcase_add_loop_test(same, same_tokens, 0, SEQ2SEQ_MODELS);
	tcase_add_loop_test(same, same_translation, 0, 3);
	tcase_add_loop_test(same, compressed, 0, 2);
	tcase_add_loop_test(same, cached, 0, 2);
	tcase_add_test(same, with_little);
	tcase_add_loop_test(same, tokenizer_alone, 0, SEQ2SEQ_MODELS);
	tcase_add_test(same, shape);
	suite_add_tcase(s, same);
	tcase_add_checked_fixture(bad, setup, teardown);
	tcase_add_test(bad, fields_t5);
	tcase_add_test(bad, fields_fsmt);
	tcase_add_test(bad, tasks);
	tcase_add_test(bad, tokenizers);
	tcase_add_test(bad, tokenizers_fsmt);
	tcase_add_loop_test(bad, truncation, 0, 2);
	tcase_add_loop_test(bad, damage, 0, 2);
	suite_add_tcase(s, bad);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
