// SPDX-License-Identifier: MIT
/* The public interface on the chip model, with the tiny models of tests/data. */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctrans.h"

static struct ctrans_model *model;

static const char *data(const char *name)
{
	static char path[512];
	const char *dir = getenv("CTRANS_TEST_DATA");

	snprintf(path, sizeof(path), "%s/model/%s", dir ? dir : TEST_DATA_DIR,
		 name);
	return path;
}

static void setup(void)
{
	struct ctrans_model_params p;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=2";
	ck_assert_int_eq(ctrans_model_open(data("hf_f32"), &p, &model), 0);
}

static void teardown(void)
{
	ctrans_model_close(model);
}

static void says(const char *words)
{
	ck_assert_msg(strstr(ctrans_message(), words), "\"%s\" in \"%s\"",
		      words, ctrans_message());
}

START_TEST(test_names)
{
	int kind;

	ck_assert_uint_eq(ctrans_api_version(), CTRANS_API_VERSION);
	ck_assert_uint_gt(strlen(ctrans_version()), 4);
	for (kind = 0; kind < CTRANS_KINDS; kind++)
		ck_assert_ptr_nonnull(ctrans_kind_name(kind));
	ck_assert_ptr_null(ctrans_kind_name(CTRANS_KINDS));
	ck_assert_ptr_null(ctrans_kind_name(-1));
	ck_assert_str_eq(ctrans_kind_name(CTRANS_KIND_QKV), "qkv");
	ck_assert_str_eq(ctrans_finish_name(CTRANS_FINISH_LENGTH), "length");
	ck_assert_str_eq(ctrans_finish_name(CTRANS_FINISH_CANCELED), "canceled");
	ck_assert_str_eq(ctrans_finish_name(99), "unknown");

	ck_assert_str_eq(ctrans_strerror(0), "success");
	ck_assert_str_eq(ctrans_strerror(-EBADMSG), "malformed file");
	ck_assert_str_eq(ctrans_strerror(EBADMSG), "malformed file");
	ck_assert_str_eq(ctrans_strerror(-EPIPE), "Broken pipe");
	ck_assert_str_eq(ctrans_strerror(-99999), "unknown error");
	ck_assert_str_eq(ctrans_strerror(INT_MIN), "unknown error");
}
END_TEST

static void *silent_thread(void *arg)
{
	(void)arg;
	/* Another thread's failures are not this one's. */
	ck_assert_str_eq(ctrans_message(), "");
	return NULL;
}

START_TEST(test_message)
{
	struct ctrans_model *m;
	pthread_t thread;

	ck_assert_int_eq(ctrans_model_open("/no/such/thing", NULL, &m), -ENOENT);
	ck_assert_ptr_null(m);
	says("/no/such/thing");
	/* A call that goes well leaves it. */
	ck_assert_int_eq(ctrans_tokenize(model, "", 0, 0, NULL, 0,
					 &(size_t){ 0 }), 0);
	says("/no/such/thing");
	pthread_create(&thread, NULL, silent_thread, NULL);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(test_open_refused)
{
	struct { struct ctrans_model_params p; char more[8]; } larger;
	struct ctrans_model_params p;
	struct ctrans_model *m;

#define WRONG(field, value, code, words) do {				\
	ctrans_model_params_init(&p, sizeof(p));			\
	p.device = "sim:threads=1";					\
	p.field = value;						\
	m = model;							\
	ck_assert_int_eq(ctrans_model_open(data("hf_f32"), &p, &m), code); \
	ck_assert_ptr_null(m);						\
	says(words);							\
} while (0)
	WRONG(policy, "dense", -EINVAL, "policy \"dense\"");
	WRONG(code, "morse", -EINVAL, "spike code \"morse\"");
	WRONG(flags, 1u << 31, -EINVAL, "flags");
	WRONG(levels, NAN, -EINVAL, "levels is nan");
	WRONG(levels, 0, -EINVAL, "levels is 0");
	WRONG(levels, 1e9f, -EINVAL, "levels");
	WRONG(calibration, "text", -EINVAL, "calibration");
	WRONG(calibration_len, 4, -EINVAL, "calibration");
	WRONG(context, 17, -EINVAL, "17");
	WRONG(kv, "f8", -EINVAL, "kv \"f8\": there are f16 and s8");
	WRONG(device, "toaster", -ENODEV, "toaster");
	WRONG(device, "sim:threads=-1", -EINVAL, "threads");
	WRONG(size, 7, -EINVAL, "ctrans_model_params_init()");
	WRONG(size, offsetof(struct ctrans_model_params, kv) - 1, -EINVAL,
	      "ctrans_model_params_init()");
#undef WRONG
	ctrans_model_params_init(&p, sizeof(p));
	p.flags = CTRANS_MODEL_F32;
	p.kv = "s8";
	ck_assert_int_eq(ctrans_model_open(data("hf_f32"), &p, &m), -EINVAL);
	says("take one of them");
	ck_assert_int_eq(ctrans_model_open(NULL, NULL, &m), -EINVAL);
	ck_assert_int_eq(ctrans_model_open("", NULL, &m), -EINVAL);
	ck_assert_int_eq(ctrans_model_open("x", NULL, NULL), -EINVAL);

	ctrans_model_params_init(&larger.p, sizeof(larger));
	larger.more[0] = 1;
	ck_assert_int_eq(ctrans_model_open(data("hf_f32"), &larger.p, &m),
			 -E2BIG);
	ctrans_model_close(NULL);
	ctrans_session_close(NULL);
	ctrans_result_free(NULL);
}
END_TEST

static int give_up(void *arg, uint64_t done, uint64_t total)
{
	ck_assert_uint_le(done, total);
	++*(int *)arg;
	return 1;
}

START_TEST(test_progress)
{
	struct ctrans_model_params p;
	struct ctrans_model *m;
	int calls = 0;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=1";
	p.progress = give_up;
	p.progress_arg = &calls;
	ck_assert_int_eq(ctrans_model_open(data("f16.gguf"), &p, &m),
			 -ECANCELED);
	ck_assert_int_eq(calls, 1);
}
END_TEST

static void hear(void *arg, enum ctrans_log_level level, const char *line)
{
	ck_assert_int_le(level, CTRANS_LOG_INFO);
	ck_assert_ptr_null(strchr(line, '\n'));
	if (strstr(line, "device sim:"))
		++*(int *)arg;
}

START_TEST(test_log)
{
	struct ctrans_model_params p;
	struct ctrans_model *m;
	int lines = 0;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=1";
	ctrans_set_log(hear, &lines, CTRANS_LOG_INFO);
	ck_assert_int_eq(ctrans_model_open(data("hf_f32"), &p, &m), 0);
	ctrans_model_close(m);
	ck_assert_int_eq(lines, 1);
	ctrans_set_log(hear, &lines, CTRANS_LOG_ERROR);
	ck_assert_int_eq(ctrans_model_open(data("hf_f32"), &p, &m), 0);
	ctrans_model_close(m);
	ctrans_set_log(NULL, NULL, 0);
	ck_assert_int_eq(lines, 1);
}
END_TEST

/* A program built with the first release knows neither field; -1 is no version. */
START_TEST(test_old_structures)
{
	const size_t first = offsetof(struct ctrans_model_params, kv);
	const size_t first_info = offsetof(struct ctrans_model_info, kv);
	struct ctrans_model_params p;
	struct ctrans_model_info info;
	struct ctrans_model *m;

	memset(&p, 0x55, sizeof(p));
	ctrans_model_params_init(&p, first);
	ck_assert_uint_eq(p.size, first);
	ck_assert_int_eq(((const char *)&p)[first], 0x55);
	ck_assert_int_eq(ctrans_model_open(data("hf_f32"), &p, &m), 0);
	memset(&info, 0x55, sizeof(info));
	ck_assert_int_eq(ctrans_model_info(m, &info, first_info - 1), -EINVAL);
	ck_assert_int_eq(ctrans_model_info(m, &info, first_info), 0);
	ck_assert_uint_eq(info.size, first_info);
	ck_assert_int_eq(info.kv[0], 0x55);
	ck_assert_int_eq(ctrans_model_info(m, &info, sizeof(info)), 0);
	ck_assert_str_eq(info.kv, "f16");
	ctrans_model_close(m);
}
END_TEST

START_TEST(test_info)
{
	struct { struct ctrans_model_info i; char more[16]; } info;
	size_t n;

	memset(&info, 0x55, sizeof(info));
	ck_assert_int_eq(ctrans_model_info(model, &info.i, sizeof(info)), 0);
	ck_assert_uint_eq(info.i.size, sizeof(info.i));
	ck_assert_int_eq(info.more[0], 0x55);
	ck_assert_str_eq(info.i.architecture, "gpt2");
	ck_assert_str_eq(info.i.format, "safetensors");
	ck_assert_str_eq(info.i.policy, "fine");
	ck_assert_str_eq(info.i.kv, "f16");
	ck_assert_uint_eq(info.i.kv_bytes, 2ull * 64 * info.i.width * info.i.layers * 2);
	ck_assert_uint_eq(info.i.vocab, 260);
	ck_assert_uint_eq(info.i.context, 16);
	ck_assert_int_eq(info.i.eos, 259);
	ck_assert_uint_gt(info.i.chip_bytes, 0);
	ck_assert_str_eq(info.i.activation, "gelu_tanh");
	/* the matrices are most of it, and 8 bits each but for padding */
	ck_assert_uint_ge(info.i.weight_bytes, info.i.weights);
	ck_assert_uint_lt(info.i.weight_bytes, info.i.chip_bytes);
	ck_assert_uint_lt(info.i.weights, info.i.parameters);
	ck_assert_uint_eq(info.i.device.threads, 2);
	ck_assert_uint_eq(info.i.device.is_model, 1);
	ck_assert_int_eq(ctrans_model_info(model, &info.i, 8), -EINVAL);
	ck_assert_int_eq(ctrans_model_info(model, NULL, sizeof(info)), -EINVAL);
	ck_assert_int_eq(ctrans_model_info(NULL, &info.i, sizeof(info)),
			 -EINVAL);

	struct ctrans_device_info dev;

	for (n = 0; !ctrans_device_get(n, &dev, sizeof(dev)); n++)
		ck_assert_uint_eq(dev.size, sizeof(dev));
	ck_assert_uint_ge(n, 1);
	ck_assert_uint_eq(dev.is_model, 1);
	ck_assert(!strncmp(dev.name, "sim", 3));
	ck_assert_int_eq(ctrans_device_get(n, &dev, sizeof(dev)), -ENODEV);
	ck_assert_int_eq(ctrans_device_get(0, &dev, 4), -EINVAL);
	ck_assert_int_eq(ctrans_device_get(0, NULL, sizeof(dev)), -EINVAL);
}
END_TEST

START_TEST(test_constants)
{
	static const char *const from[] = {
		"published", "literature", "computed", "assumed", "fitted"
	};
	struct ctrans_constant c;
	unsigned int n;

	for (n = 0; !ctrans_constant_get(n, &c, sizeof(c)); n++) {
		size_t i = 0;

		ck_assert_uint_eq(c.size, sizeof(c));
		ck_assert(*c.name && *c.source && c.unit && c.value > 0);
		while (i < 5 && strcmp(c.provenance, from[i]))
			i++;
		ck_assert_uint_lt(i, 5);
	}
	ck_assert_uint_ge(n, 20);
	ck_assert_int_eq(ctrans_constant_get(n, &c, sizeof(c)), -ENOENT);
	says("no constant number");
	ck_assert_int_eq(ctrans_constant_get(UINT32_MAX, &c, sizeof(c)), -ENOENT);
	ck_assert_int_eq(ctrans_constant_get(0, &c, 4), -EINVAL);
	ck_assert_int_eq(ctrans_constant_get(0, NULL, sizeof(c)), -EINVAL);
}
END_TEST

START_TEST(test_tokens)
{
	static const char text[] = "a\0b\xff<|endoftext|>";
	uint32_t ids[32];
	const char *bytes;
	size_t n, len;

	ck_assert_int_eq(ctrans_tokenize(model, text, 4, 0, NULL, 0, &n),
			 -E2BIG);
	ck_assert_uint_eq(n, 4);
	ck_assert_int_eq(ctrans_tokenize(model, text, 4, 0, ids, 3, &n), -E2BIG);
	says("4 tokens and there is room for 3");
	ck_assert_int_eq(ctrans_tokenize(model, text, 4, 0, ids, 4, &n), 0);
	ck_assert_int_eq(ctrans_token_bytes(model, ids[3], &bytes, &len), 0);
	ck_assert_uint_eq(len, 1);
	ck_assert_int_eq(bytes[0], '\xff');
	ck_assert_int_eq(ctrans_tokenize(model, text, sizeof(text) - 1,
					 CTRANS_TOKENIZE_SPECIAL, ids, 32, &n),
			 0);
	ck_assert_uint_eq(n, 5);
	ck_assert_uint_eq(ids[4], 259);
	ck_assert_int_eq(ctrans_token_bytes(model, 260, &bytes, &len), -ENOENT);
	says("there is no token 260");
	ck_assert_int_eq(ctrans_tokenize(model, text, 4, 4, ids, 4, &n),
			 -EINVAL);
	ck_assert_int_eq(ctrans_tokenize(model, NULL, 4, 0, ids, 4, &n),
			 -EINVAL);
	ck_assert_int_eq(ctrans_tokenize(model, text, 4, 0, NULL, 4, &n),
			 -EINVAL);
	ck_assert_int_eq(ctrans_tokenize(model, text, 4, 0, ids, 4, NULL),
			 -EINVAL);
	ck_assert_int_eq(ctrans_tokenize(NULL, text, 4, 0, ids, 4, &n), -EINVAL);
	ck_assert_int_eq(ctrans_token_bytes(model, 1, NULL, &len), -EINVAL);
	ck_assert_int_eq(ctrans_token_bytes(NULL, 1, &bytes, &len), -EINVAL);
}
END_TEST

START_TEST(test_no_weights)
{
	struct ctrans_model_params p;
	struct ctrans_model_info info;
	struct ctrans_session *s;
	struct ctrans_result *r;
	struct ctrans_model *m;
	size_t n;

	ctrans_model_params_init(&p, sizeof(p));
	p.flags = CTRANS_MODEL_NO_WEIGHTS;
	ck_assert_int_eq(ctrans_model_open(data("hf_f32"), &p, &m), 0);
	ck_assert_int_eq(ctrans_tokenize(m, "abc", 3, 0, NULL, 0, &n), -E2BIG);
	ck_assert_int_eq(ctrans_session_open(m, &s), -ENOTSUP);
	says("CTRANS_MODEL_NO_WEIGHTS");
	ck_assert_int_eq(ctrans_generate(m, "a", NULL, &r), -ENOTSUP);
	ck_assert_int_eq(ctrans_model_info(m, &info, sizeof(info)), 0);
	ck_assert_str_eq(info.device.name, "");
	ck_assert_uint_eq(info.chip_bytes, 0);
	ctrans_model_close(m);
}
END_TEST

/* Logits of a session, of a batch and after a truncation are one thing. */
START_TEST(test_sessions)
{
	const uint32_t tokens[] = { 70, 71, 72, 73, 74, 75 };
	float want[260], got[260], other[260], *rows[] = { got, other };
	struct ctrans_session *s[2];
	struct ctrans_usage usage;
	size_t i;

	ck_assert_int_eq(ctrans_session_open(model, &s[0]), 0);
	ck_assert_int_eq(ctrans_session_open(model, &s[1]), 0);
	ck_assert_int_eq(ctrans_session_eval(s[0], tokens, 6, want), 0);
	ck_assert_int_eq(ctrans_session_truncate(s[0], 1), 0);
	ck_assert_int_eq(ctrans_session_eval(s[1], tokens, 1, NULL), 0);
	for (i = 1; i < 6; i++) {
		const uint32_t both[] = { tokens[i], tokens[i] };

		ck_assert_int_eq(ctrans_batch_eval(s, both, 2, rows), 0);
	}
	ck_assert(!memcmp(want, got, sizeof(got)));
	ck_assert(!memcmp(want, other, sizeof(other)));
	ck_assert_int_eq(ctrans_session_usage(s[1], &usage, sizeof(usage)), 0);
	ck_assert_uint_eq(usage.prompt_tokens, 6);
	ck_assert_uint_gt(usage.prefill.cycles, 0);
	ck_assert_uint_gt(ctrans_cost_energy_fj(&usage.prefill), 0);
	ck_assert(usage.chip_seconds > 0);
	ctrans_session_close(s[0]);
	ctrans_session_close(s[1]);
}
END_TEST

/* ---- Generating --------------------------------------------------------- */

struct job {
	pthread_t thread;
	char prompt[8];
	struct ctrans_generate_params p;
	struct ctrans_result *alone, *beside;
	struct ctrans_score score;
	int ret;
};

static void *run_job(void *arg)
{
	struct job *j = arg;
	int i;

	for (i = 0; i < 3 && !j->ret; i++) {
		ctrans_result_free(j->beside);
		j->ret = ctrans_generate(model, j->prompt, &j->p, &j->beside);
	}
	return NULL;
}

/* Eight threads at once, each with its own text, get what each gets alone. */
START_TEST(test_threads)
{
	struct job job[8] = { 0 };
	struct ctrans_usage *a, *b;
	size_t i;

	for (i = 0; i < 8; i++) {
		snprintf(job[i].prompt, sizeof(job[i].prompt), "%.*s",
			 (int)i % 5 + 1, "abcdefgh" + i % 3);
		ctrans_generate_params_init(&job[i].p, sizeof(job[i].p));
		job[i].p.seed = i;
		job[i].p.max_tokens = 0;
		job[i].p.ignore_eos = 1;
		job[i].p.temperature = i % 2 ? 0 : 2;
		ck_assert_int_eq(ctrans_generate(model, job[i].prompt,
						 &job[i].p, &job[i].alone), 0);
	}
	for (i = 0; i < 8; i++)
		pthread_create(&job[i].thread, NULL, run_job, &job[i]);
	for (i = 0; i < 8; i++) {
		pthread_join(job[i].thread, NULL);
		ck_assert_int_eq(job[i].ret, 0);
		ck_assert_uint_eq(job[i].alone->n_tokens,
				  job[i].beside->n_tokens);
		ck_assert(!memcmp(job[i].alone->tokens, job[i].beside->tokens,
				  4 * job[i].alone->n_tokens));
		ck_assert_int_eq(job[i].alone->finish, CTRANS_FINISH_CONTEXT);
		/* What it computes does not depend on company either. */
		a = &job[i].alone->usage;
		b = &job[i].beside->usage;
		ck_assert_uint_eq(a->decode.spikes, b->decode.spikes);
		ck_assert_uint_eq(a->decode.ops_dense, b->decode.ops_dense);
		ctrans_result_free(job[i].alone);
		ctrans_result_free(job[i].beside);
	}
}
END_TEST

static void *cancel_later(void *arg)
{
	struct timespec ts = { .tv_nsec = 20000000 };

	nanosleep(&ts, NULL);
	__atomic_store_n((volatile int *)arg, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* Calls go on until another thread says stop. */
START_TEST(test_cancel)
{
	struct ctrans_generate_params p;
	struct ctrans_result *r;
	volatile int cancel = 0;
	pthread_t thread;
	int calls = 0;

	ctrans_generate_params_init(&p, sizeof(p));
	p.cancel = &cancel;
	p.max_tokens = 0;
	p.ignore_eos = 1;
	pthread_create(&thread, NULL, cancel_later, (void *)&cancel);
	do {
		ck_assert_int_eq(ctrans_generate(model, "a", &p, &r), 0);
		ck_assert_int_eq(r->finish == CTRANS_FINISH_CANCELED ||
				 r->finish == CTRANS_FINISH_CONTEXT, 1);
		calls += r->finish == CTRANS_FINISH_CANCELED;
		ctrans_result_free(r);
	} while (!calls);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(test_score)
{
	uint32_t tokens[200];
	struct ctrans_score a, b;
	size_t i;

	for (i = 0; i < 200; i++)
		tokens[i] = (i * 7 + i / 3) % 250;
	ck_assert_int_eq(ctrans_score_tokens(model, tokens, 200, 0, 0, NULL,
					     NULL, &a, sizeof(a)), 0);
	ck_assert_uint_eq(a.tokens, 199);
	ck_assert(a.nll > 0 && isfinite(a.nll));
	ck_assert(fabs(a.perplexity - exp(a.nll / 199)) < 1e-9 * a.perplexity);
	ck_assert_int_eq(ctrans_score_tokens(model, tokens, 200, 16, 8, NULL,
					     NULL, &b, sizeof(b)), 0);
	ck_assert(a.nll == b.nll && a.top1 == b.top1);
	ck_assert_uint_eq(a.usage.prefill.cycles, b.usage.prefill.cycles);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("api");
	TCase *tc = tcase_create("api");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_names);
	tcase_add_test(tc, test_message);
	tcase_add_test(tc, test_open_refused);
	tcase_add_test(tc, test_progress);
	tcase_add_test(tc, test_log);
	tcase_add_test(tc, test_info);
	tcase_add_test(tc, test_old_structures);
	tcase_add_test(tc, test_constants);
	tcase_add_test(tc, test_tokens);
	tcase_add_test(tc, test_no_weights);
	tcase_add_test(tc, test_sessions);
	tcase_add_test(tc, test_threads);
	tcase_add_test(tc, test_cancel);
	tcase_add_test(tc, test_score);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
