// SPDX-License-Identifier: MIT
/*
 * One model, one text: the same bits whatever computes them. Whole models run
 * on every kernel of this CPU, the reference (which executes the domains spike
 * by spike) among them, with any number of threads, every policy and spike
 * code, in any chunks and company; logits must agree to the bit, and the
 * accounts of spikes, operations, cycles and energy wherever the policy does.
 */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "chip/kernel.h"
#include "chip/kernel_ref.h"
#include "ctrans.h"

#define PROMPT	6u
#define STEPS	6u
#define TOKENS	(PROMPT + STEPS)

static const struct {
	const char *where, *name;
	float levels;
} models[] = {
	/* Few levels: hardly an outlier. Many: outliers everywhere. */
	{ "data", "hf_f32", 24 },
	{ "data", "q8_0.gguf", 300 },
	{ "source", "models/demo", 24 },
	{ "shared", "models/gpt2-tiny-prose", 24 },
	{ "shared", "models/ort_tiny_gpt2", 100 },
	{ "shared", "models/llmviz_gpt_nano_sort", 24 },
};
#define N_MODELS	(sizeof(models) / sizeof(models[0]))

/* NULL, with a line that says so, where the model is not to be had. */
static const char *model_path(size_t i)
{
	const char *data = getenv("CTRANS_TEST_DATA");
	const char *shared = getenv("CTRANS_SHARED_DIR");
	static char path[600];

	if (!data)
		data = TEST_DATA_DIR;
	if (!strcmp(models[i].where, "data"))
		snprintf(path, sizeof(path), "%s/model/%s", data,
			 models[i].name);
	else if (!strcmp(models[i].where, "source"))
		snprintf(path, sizeof(path), "%s/../../%s", data,
			 models[i].name);
	else
		snprintf(path, sizeof(path), "%s/%s", shared ? shared : "",
			 models[i].name);
	if (!access(path, R_OK))
		return path;
	printf("SKIP exact: no %s\n", path);
	return NULL;
}

struct how {
	const char *device, *policy, *code, *kv;
	uint32_t flip;
};

struct outcome {
	uint64_t logits;	/* hash of all their bits */
	uint32_t tokens[TOKENS];
	struct ctrans_usage usage;
};

static struct ctrans_model *open_model(size_t i, const struct how *how)
{
	struct ctrans_model_params p;
	struct ctrans_model *model;
	int ret;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = how->device;
	p.policy = how->policy;
	p.code = how->code;
	p.flip = how->flip;
	p.levels = models[i].levels;
	p.kv = how->kv;
	/* what is run again is to be computed again */
	p.flags = CTRANS_MODEL_NO_SHARING;
	ret = ctrans_model_open(model_path(i), &p, &model);
	ck_assert_msg(!ret, "%s", ctrans_message());
	return model;
}

static uint32_t vocab_of(const struct ctrans_model *model)
{
	struct ctrans_model_info info;

	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	ck_assert_uint_ge(info.context, TOKENS - 1);
	return info.vocab;
}

static uint32_t highest(const float *logits, uint32_t n)
{
	uint32_t i, best = 0;

	for (i = 1; i < n; i++)
		best = logits[i] > logits[best] ? i : best;
	return best;
}

static void prompt(uint32_t *tokens, uint32_t vocab, uint32_t salt)
{
	uint32_t i;

	for (i = 0; i < PROMPT; i++)
		tokens[i] = (salt + i * 37 + 5) % vocab;
}

/* A prompt at once, then token by token. */
static void run(size_t i, const struct how *how, struct outcome *out)
{
	struct ctrans_model *model = open_model(i, how);
	uint32_t vocab = vocab_of(model), n;
	float *logits = malloc(vocab * sizeof(*logits));
	struct ctrans_session *s;
	XXH3_state_t hash;

	memset(out, 0, sizeof(*out));
	XXH3_64bits_reset(&hash);
	prompt(out->tokens, vocab, 0);
	ck_assert_int_eq(ctrans_session_open(model, &s), 0);
	ck_assert_int_eq(ctrans_session_eval(s, out->tokens, PROMPT, logits), 0);
	for (n = PROMPT; ; n++) {
		XXH3_64bits_update(&hash, logits, vocab * sizeof(*logits));
		if (n == TOKENS - 1)
			break;
		out->tokens[n] = highest(logits, vocab);
		ck_assert_int_eq(ctrans_session_eval(s, &out->tokens[n], 1,
						     logits), 0);
	}
	out->tokens[n] = highest(logits, vocab);
	out->logits = XXH3_64bits_digest(&hash);
	ck_assert_int_eq(ctrans_session_usage(s, &out->usage,
					      sizeof(out->usage)), 0);
	out->usage.prefill_ns = out->usage.decode_ns = 0;
	out->usage.prefill_device_ns = out->usage.decode_device_ns = 0;
	ctrans_session_close(s);
	ctrans_model_close(model);
	free(logits);
}

static void same_logits(const struct outcome *a, const struct outcome *b,
			size_t i, const struct how *how)
{
	ck_assert_msg(a->logits == b->logits &&
		      !memcmp(a->tokens, b->tokens, sizeof(a->tokens)),
		      "%s: other logits with %s, %s, %s", models[i].name,
		      how->device, how->policy, how->code);
}

static void same_cost(const struct outcome *a, const struct outcome *b,
		      size_t i, const struct how *how)
{
	ck_assert_msg(!memcmp(&a->usage, &b->usage, sizeof(a->usage)),
		      "%s: other cost with %s, %s, %s: %llu instead of %llu spikes, %llu instead of %llu cycles",
		      models[i].name, how->device, how->policy, how->code,
		      (unsigned long long)b->usage.prefill.spikes,
		      (unsigned long long)a->usage.prefill.spikes,
		      (unsigned long long)b->usage.prefill.cycles,
		      (unsigned long long)a->usage.prefill.cycles);
}

static const char *const policies[] = { "dnn", "snn", "static", "tile", "fine" };
#define N_POLICIES	5

/* Every code, flipped or not; the digits of one have signs already. */
static const struct {
	const char *code;
	uint32_t flip;
} codes[] = {
	{ "radix", 0 }, { "radix", 1 }, { "naf", 0 }, { "rate", 0 }, { "rate", 1 },
};
#define N_CODES		5

#define N_WAYS		(N_POLICIES * N_CODES)

/* A model under a policy, in every code on every kernel. */
START_TEST(test_kernels)
{
	size_t model = (size_t)_i / N_POLICIES;
	struct how how = { .device = "sim:threads=1,kernel=generic", .policy = "dnn",
			   .code = "radix", .kv = model & 1 ? "s8" : "f16" };
	struct outcome first, want, got;
	const struct chip_kernel *k;
	char device[64];
	unsigned int at;
	size_t code;

	if (!model_path(model))
		return;
	run(model, &how, &first);
	how.policy = policies[(size_t)_i % N_POLICIES];
	for (code = 0; code < N_CODES; code++) {
		how.code = codes[code].code;
		how.flip = codes[code].flip;
		how.device = "sim:threads=1,kernel=generic";
		run(model, &how, &want);
		same_logits(&first, &want, model, &how);
		ck_assert_uint_gt(want.usage.prefill.cycles, 0);
		for (at = 0; (k = chip_kernel_at(at)); at++) {
			if (!k->supported())
				continue;
			snprintf(device, sizeof(device),
				 "sim:threads=2,kernel=%s", k->name);
			how.device = device;
			run(model, &how, &got);
			same_logits(&first, &got, model, &how);
			same_cost(&want, &got, model, &how);
		}
	}
}
END_TEST

/* Policies and codes do differ, or equal logits would say nothing. */
START_TEST(test_ways_differ)
{
	struct ctrans_cost all[N_WAYS];
	struct outcome out;
	size_t a, b;

	for (a = 0; a < N_WAYS; a++) {
		struct how how = { "sim:threads=1", policies[a / N_CODES],
				   codes[a % N_CODES].code, "f16",
				   codes[a % N_CODES].flip };

		run(2, &how, &out);
		all[a] = out.usage.prefill;
	}
	/* all spiking: no two codes have as many spikes */
	for (a = N_CODES; a < 2 * N_CODES; a++)
		for (b = N_CODES; b < a; b++)
			ck_assert_uint_ne(all[a].spikes, all[b].spikes);
	/* in the rate code each policy has its own way */
	for (a = 3; a < N_WAYS; a += N_CODES)
		for (b = 3; b < a; b += N_CODES)
			if (a != 3 + 2 * N_CODES || b != 3)
				ck_assert_uint_ne(all[a].spikes, all[b].spikes);
}
END_TEST

/* A prompt and one token more through weights of a shape, stored as they say. */
static uint64_t shape_logits(const char *weights, struct ctrans_usage *usage)
{
	uint32_t tokens[PROMPT], vocab;
	struct ctrans_model_params p;
	struct ctrans_session *s;
	struct ctrans_model *model;
	uint64_t hash = 0;
	float *logits;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=2";
	p.weights = weights;
	ck_assert_int_eq(ctrans_model_open("shape:gpt2", &p, &model), 0);
	vocab = vocab_of(model);
	logits = malloc(vocab * sizeof(*logits));
	prompt(tokens, vocab, 0);
	ck_assert_int_eq(ctrans_session_open(model, &s), 0);
	for (uint32_t n = PROMPT - 1; n <= PROMPT; n++) {
		uint32_t at = n < PROMPT ? 0 : PROMPT - 1;

		ck_assert_int_eq(ctrans_session_eval(s, tokens + at, n - at, logits), 0);
		hash = XXH3_64bits_withSeed(logits, vocab * sizeof(*logits), hash);
	}
	ck_assert_int_eq(ctrans_session_usage(s, usage, sizeof(*usage)), 0);
	ctrans_session_close(s);
	ctrans_model_close(model);
	free(logits);
	return hash;
}

/* Compressed weights are the same weights: only what is fetched is less. */
START_TEST(test_compressed)
{
	struct ctrans_usage s8, esc;

	ck_assert_uint_eq(shape_logits("s8", &s8), shape_logits("esc", &esc));
	ck_assert_uint_eq(s8.prefill.spikes, esc.prefill.spikes);
	ck_assert_uint_gt(s8.prefill.spikes, 0);
	ck_assert_uint_lt(esc.prefill.external_fj, s8.prefill.external_fj);
}
END_TEST

START_TEST(test_threads)
{
	static const unsigned int threads[] = { 2, 3, 5, 8 };
	struct how how = { "sim:threads=1", "cdnn", "radix", _i & 1 ? "f16" : "s8", 0 };
	struct outcome want, got;
	char device[64];
	size_t t;

	if (!model_path(_i))
		return;
	run(_i, &how, &want);
	for (t = 0; t < 4; t++) {
		snprintf(device, sizeof(device), "sim:threads=%u,opp=%zu",
			 threads[t], t + (t > 1));
		how.device = device;
		run(_i, &how, &got);
		same_logits(&want, &got, _i, &how);
		/* Volts and clock are energy and seconds, not work. */
		ck_assert_uint_eq(want.usage.decode.spikes,
				  got.usage.decode.spikes);
		ck_assert_uint_eq(want.usage.decode.cycles,
				  got.usage.decode.cycles);
	}
}
END_TEST

/* In chunks, after a rollback, in a batch with others: the last logits. */
START_TEST(test_company)
{
	const struct how how = { "sim:threads=2", "cdnn", "radix", "f16", 0 };
	uint32_t tokens[PROMPT], other[PROMPT], next[4], vocab, i, k;
	struct ctrans_session *s[4];
	struct ctrans_model *model;
	float *want, *got;
	float *rows[4] = { NULL };
	size_t bytes;

	if (!model_path(_i))
		return;
	model = open_model(_i, &how);
	vocab = vocab_of(model);
	bytes = vocab * sizeof(float);
	want = malloc(bytes);
	got = malloc(bytes);
	prompt(tokens, vocab, 0);
	prompt(other, vocab, 11);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(ctrans_session_open(model, &s[i]), 0);

	ck_assert_int_eq(ctrans_session_eval(s[0], tokens, PROMPT, want), 0);
	for (i = 1; i < PROMPT; i++) {
		ck_assert_int_eq(ctrans_session_truncate(s[0], 0), 0);
		ck_assert_int_eq(ctrans_session_eval(s[0], tokens, i, NULL), 0);
		ck_assert_int_eq(ctrans_session_eval(s[0], tokens + i,
						     PROMPT - i, got), 0);
		ck_assert(!memcmp(want, got, bytes));
		/* another text from there, and back */
		ck_assert_int_eq(ctrans_session_truncate(s[0], i), 0);
		ck_assert_int_eq(ctrans_session_eval(s[0], other, PROMPT - i,
						     NULL), 0);
		ck_assert_int_eq(ctrans_session_truncate(s[0], i), 0);
		ck_assert_int_eq(ctrans_session_eval(s[0], tokens + i,
						     PROMPT - i, got), 0);
		ck_assert(!memcmp(want, got, bytes));
	}

	/* Four at different positions; number 2 has our text. */
	rows[2] = got;
	ck_assert_int_eq(ctrans_session_eval(s[3], other, 4, NULL), 0);
	ck_assert_int_eq(ctrans_session_truncate(s[0], 2), 0);
	for (i = 0; i < PROMPT; i++) {
		for (k = 0; k < 4; k++)
			next[k] = k == 2 ? tokens[i] : other[(i + k) % PROMPT];
		ck_assert_int_eq(ctrans_batch_eval(s, next, 4, rows), 0);
	}
	ck_assert(!memcmp(want, got, bytes));
	for (i = 0; i < 4; i++)
		ctrans_session_close(s[i]);
	ctrans_model_close(model);
	free(want);
	free(got);
}
END_TEST

#define LONG	200u	/* over three block boundaries, several tiles of rows */

/*
 * A long text at once, its logits after each of some positions; then in chunks of
 * many sizes, which cut it at other places, inside blocks and at their ends.
 */
static void long_text(const struct how *how)
{
	static const uint32_t chunks[] = { 1, 2, 5, 31, 32, 33, 63, 64, 65, 129 };
	struct ctrans_model *model = open_model(2, how);
	uint32_t vocab = vocab_of(model), tokens[LONG], i, n, step;
	size_t bytes = vocab * sizeof(float), c;
	float *want = malloc(LONG * bytes), *got = malloc(bytes);
	struct ctrans_session *s;

	for (i = 0; i < LONG; i++)
		tokens[i] = (i * i * 7 + i * 3 + 1) % vocab;
	ck_assert_int_eq(ctrans_session_open(model, &s), 0);
	for (i = 0; i < LONG; i++)
		ck_assert_int_eq(ctrans_session_eval(s, tokens + i, 1,
						     want + (size_t)i * vocab), 0);
	for (c = 0; c < sizeof(chunks) / sizeof(chunks[0]); c++) {
		ck_assert_int_eq(ctrans_session_truncate(s, 0), 0);
		for (i = 0; i < LONG; i += n) {
			step = chunks[c];
			n = LONG - i < step ? LONG - i : step;
			ck_assert_int_eq(ctrans_session_eval(s, tokens + i, n, got), 0);
			ck_assert_msg(!memcmp(want + (size_t)(i + n - 1) * vocab, got,
					      bytes), "%s: chunks of %u, to position %u",
				      how->kv, step, i + n);
		}
	}
	ctrans_session_close(s);
	ctrans_model_close(model);
	free(want);
	free(got);
}

START_TEST(test_long)
{
	static const struct how how[] = {
		{ "sim:threads=2", "cdnn", "radix", "f16", 0 },
		{ "sim:threads=3", "cdnn", "radix", "s8", 0 },
		{ "sim:threads=1,kernel=generic", "cdnn", "radix", "s8", 0 },
	};

	if (model_path(2))
		long_text(&how[_i]);
}
END_TEST

/* ---- A domain that counts wrong ---------------------------------------- */

static struct chip_ref_domains domains;
static struct chip_kernel broken;
static bool use_broken;

/* The linker's names for the function it wraps. */
const struct chip_kernel *__real_chip_kernel_get(const char *name);
const struct chip_kernel *__wrap_chip_kernel_get(const char *name);

const struct chip_kernel *__wrap_chip_kernel_get(const char *name)
{
	return use_broken ? &broken : __real_chip_kernel_get(name);
}

static void broken_sums(const struct chip_sums *sums)
{
	chip_ref_sums(&domains, sums);
}

static uint64_t off_by_one(uint64_t ops, int64_t s[16])
{
	s[3] += ops != 0;
	return ops;
}

static uint64_t wrong_dense(const struct chip_ref_work *work, int64_t s[16])
{
	return off_by_one(chip_ref_domains.dense(work, s), s);
}

static uint64_t wrong_spiking(const struct chip_ref_work *work, int64_t s[16])
{
	return off_by_one(chip_ref_domains.spiking(work, s), s);
}

static uint64_t wrong_outlier(const struct chip_ref_work *work, int64_t s[16])
{
	return off_by_one(chip_ref_domains.outlier(work, s), s);
}

/*
 * The comparison above finds one unit of the integer sums too many, in one of
 * sixteen outputs, in one domain: so it is really these that are compared.
 */
START_TEST(test_broken)
{
	const size_t model = 1;		/* outliers everywhere */
	struct how dnn = { "sim:threads=1,kernel=reference", "dnn", "radix", NULL, 0 };
	struct how snn = { "sim:threads=1,kernel=reference", "snn", "rate", NULL, 0 };
	struct outcome want, got;

	run(model, &dnn, &want);
	broken = *__real_chip_kernel_get("reference");
	broken.sums = broken_sums;
	use_broken = true;

	domains = chip_ref_domains;
	run(model, &dnn, &got);
	ck_assert_uint_eq(want.logits, got.logits);

	domains.dense = wrong_dense;
	run(model, &dnn, &got);
	ck_assert_uint_ne(want.logits, got.logits);

	domains = chip_ref_domains;
	domains.spiking = wrong_spiking;
	run(model, &snn, &got);
	ck_assert_uint_ne(want.logits, got.logits);
	/* which is not asked for anything here */
	run(model, &dnn, &got);
	ck_assert_uint_eq(want.logits, got.logits);

	domains = chip_ref_domains;
	domains.outlier = wrong_outlier;
	run(model, &snn, &got);
	ck_assert_uint_ne(want.logits, got.logits);
	use_broken = false;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("exact");
	TCase *tc = tcase_create("exact");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 100);
	tcase_add_loop_test(tc, test_kernels, 0, N_MODELS * N_POLICIES);
	tcase_add_test(tc, test_ways_differ);
	tcase_add_test(tc, test_compressed);
	tcase_add_loop_test(tc, test_threads, 0, N_MODELS);
	tcase_add_loop_test(tc, test_company, 0, N_MODELS);
	tcase_add_loop_test(tc, test_long, 0, 3);
	tcase_add_test(tc, test_broken);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
