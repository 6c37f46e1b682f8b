// SPDX-License-Identifier: MIT
/*
 * The demo model with its little one, on the chip model: the text is its own
 * to the last token, saved sessions are equal byte for byte, and both models'
 * keys and values are those of the text.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip_must.h"
#include "ctrans.h"
#include "engine/session.h"

#define PROMPTS	6u

static const char *const prompts[PROMPTS] = {
	"Once upon a time", "The sun", "Dear Ben,",
	"Anna and Tom were good friends.", "zzz %$ \xc3\xa9", "\"Where",
};

static struct ctrans_model *open_model(const char *path, const char *little,
				       const char *device, uint32_t flags)
{
	struct ctrans_model_params p;
	struct ctrans_model *model;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = device;
	p.little = little;
	p.flags = flags;
	if (ctrans_model_open(path, &p, &model))
		ck_abort_msg("%s", ctrans_message());
	return model;
}

static const char *demo(const char *name)
{
	static char path[2][512];
	const char *data = getenv("CTRANS_TEST_DATA");
	int at = *name != '\0';

	snprintf(path[at], sizeof(path[at]), "%s/../../models/demo%s",
		 data ? data : TEST_DATA_DIR, name);
	return path[at];
}

static const char *tiny(const char *name)
{
	static char path[2][512];
	const char *data = getenv("CTRANS_TEST_DATA");
	static int at;

	at = !at;
	snprintf(path[at], sizeof(path[at]), "%s/model/%s",
		 data ? data : TEST_DATA_DIR, name);
	return path[at];
}

static void set_params(struct ctrans_generate_params *p, unsigned int i)
{
	ctrans_generate_params_init(p, sizeof(*p));
	p->seed = i;
	p->max_tokens = 40;
	p->temperature = i % 3 ? 0.4f * (float)(i % 3) : 0;
	p->draft = i % 4 ? 8 : 3;
	p->fallback = i % 2 ? 0.6f : 0.3f;
	p->repetition_penalty = i % 5 == 4 ? 1.2f : 1;
	p->top_k = i % 7 == 6 ? 0 : 40;
}

static void check_same(const struct ctrans_result *got,
		       const struct ctrans_result *want)
{
	ck_assert_str_eq(got->text, want->text);
	ck_assert_uint_eq(got->n_tokens, want->n_tokens);
	ck_assert(!memcmp(got->tokens, want->tokens,
			  want->n_tokens * sizeof(*want->tokens)));
	ck_assert_int_eq(got->finish, want->finish);
}

static void check_export(struct ctrans_session *a, struct ctrans_session *b)
{
	size_t n[2] = { 0 }, more[2];
	uint8_t *bytes[2];

	ctrans_session_export(a, NULL, 0, &n[0]);
	ctrans_session_export(b, NULL, 0, &n[1]);
	ck_assert_uint_eq(n[0], n[1]);
	for (int i = 0; i < 2; i++) {
		bytes[i] = malloc(n[i]);
		MUST(bytes[i]);
		MUST(!ctrans_session_export(i ? b : a, bytes[i], n[i], &more[i]));
	}
	ck_assert(!memcmp(bytes[0], bytes[1], n[0]));
	free(bytes[0]);
	free(bytes[1]);
}

/* Keys and values as if the sequence had run its part of the text alone. */
static void check_kv(const struct ct_core *core, struct ct_seq *seq,
		     const struct ctrans_session *s)
{
	uint32_t n = ct_seq_position(seq);
	size_t len = ct_seq_kv_bytes(core, n);
	uint8_t *have = malloc(len), *want = malloc(len);
	struct ct_step_row *rows = calloc(n, sizeof(*rows));
	struct ct_seq *fresh;
	struct ct_err err;

	MUST(have && want && rows && n <= CT_STEP_ROWS);
	MUST(!ct_seq_open((struct ct_core *)core, &fresh, &err));
	ct_seq_unshared(fresh);
	for (uint32_t i = 0; i < n; i++)
		rows[i] = (struct ct_step_row){
			.seq = fresh, .token = s->ids.data[i],
		};
	MUST(!ct_core_step((struct ct_core *)core, rows, n, NULL, &err));
	ct_seq_kv_get(seq, have);
	ct_seq_kv_get(fresh, want);
	ck_assert(!memcmp(have, want, len));
	ct_seq_close(fresh);
	free(rows);
	free(have);
	free(want);
}

/* Texts, what they go on with, and all that is kept of them. */
static void compare(struct ctrans_model *alone, struct ctrans_model *pair,
		    unsigned int from, unsigned int to, bool draws)
{
	struct ctrans_generate_params p;
	struct ctrans_result *want, *got;
	struct ctrans_session *a, *b;
	uint64_t drafted = 0;

	for (unsigned int i = from; i < to; i++) {
		set_params(&p, i);
		MUST(!ctrans_session_open(alone, &a) &&
		     !ctrans_session_open(pair, &b));
		for (int round = 0; round < 2; round++) {
			const char *prompt = round ? " And" : prompts[i % PROMPTS];

			ck_assert_msg(!ctrans_session_generate(a, prompt, &p, &want),
				      "%s", ctrans_message());
			ck_assert_msg(!ctrans_session_generate(b, prompt, &p, &got),
				      "%s", ctrans_message());
			check_same(got, want);
			drafted += got->usage.drafted;
			check_export(a, b);
			check_kv(pair->core, b->seq, b);
			check_kv(pair->little->core, b->little, b);
			ctrans_result_free(want);
			ctrans_result_free(got);
		}
		ctrans_session_close(a);
		ctrans_session_close(b);
	}
	ck_assert(!draws || drafted > (to - from) * 10);
}

static const struct {
	const char *device;
	uint32_t flags;
	unsigned int from, to;
} ways[] = {
	{ "sim:threads=1", 0, 0, 12 },
	{ "sim:threads=2", 0, 12, 24 },
	{ "sim:threads=2,kernel=generic", 0, 3, 6 },
	{ "sim:threads=1", CTRANS_MODEL_F32, 5, 8 },
	{ "sim:threads=1", CTRANS_MODEL_NO_SHARING, 1, 3 },
};

START_TEST(test_exact)
{
	struct ctrans_model *alone, *pair;

	alone = open_model(demo(""), NULL, ways[_i].device, ways[_i].flags);
	pair = open_model(demo(""), demo("/little"), ways[_i].device,
			  ways[_i].flags);
	compare(alone, pair, ways[_i].from, ways[_i].to, true);
	ctrans_model_close(alone);
	ctrans_model_close(pair);
}
END_TEST

/* Random weights: a little model that is hardly ever right, or sure. */
START_TEST(test_random)
{
	struct ctrans_generate_params p;
	struct ctrans_result *want, *got;
	struct ctrans_model *alone, *pair;
	uint32_t drafted = 0, accepted = 0;

	alone = open_model(tiny("hf_f32"), NULL, "sim:threads=1", 0);
	pair = open_model(tiny("hf_f32"), tiny("q4_0.gguf"), "sim:threads=1", 0);
	for (unsigned int i = 0; i < 60; i++) {
		set_params(&p, i);
		p.fallback = 0;
		p.max_tokens = i % 13;
		p.ignore_eos = i % 2;
		ck_assert_int_eq(ctrans_generate(alone, "abc", &p, &want), 0);
		ck_assert_int_eq(ctrans_generate(pair, "abc", &p, &got), 0);
		check_same(got, want);
		drafted += got->usage.drafted;
		accepted += got->usage.accepted;
		ctrans_result_free(want);
		ctrans_result_free(got);
	}
	ck_assert_uint_gt(drafted, 100);
	ck_assert_uint_lt(accepted, drafted);
	ctrans_model_close(alone);
	ctrans_model_close(pair);
}
END_TEST

struct caller {
	struct ctrans_model *model;
	struct ctrans_result *result[PROMPTS];
	pthread_t thread;
};

static void *call_all(void *arg)
{
	struct caller *c = arg;
	struct ctrans_generate_params p;

	for (unsigned int i = 0; i < PROMPTS; i++) {
		set_params(&p, i);
		if (ctrans_generate(c->model, prompts[i], &p, &c->result[i]))
			return NULL;
	}
	return c;
}

/* Threads that wait and a queue, all with drafts, on one device of two threads. */
START_TEST(test_together)
{
	struct ctrans_model *alone, *pair;
	struct ctrans_result *want[PROMPTS], *got;
	struct ctrans_request *r[PROMPTS];
	struct ctrans_generate_params p;
	struct ctrans_queue *queue;
	struct caller callers[3];
	void *fine;

	alone = open_model(demo(""), "", "sim:threads=2", 0);
	pair = open_model(demo(""), demo("/little"), "sim:threads=2", 0);
	ck_assert_int_eq(ctrans_queue_open(pair, NULL, &queue), 0);
	for (unsigned int i = 0; i < 3; i++) {
		callers[i] = (struct caller){ .model = pair };
		pthread_create(&callers[i].thread, NULL, call_all, &callers[i]);
	}
	for (unsigned int i = 0; i < PROMPTS; i++) {
		set_params(&p, i);
		ck_assert_int_eq(ctrans_submit(queue, NULL, prompts[i], &p, NULL,
					       &r[i]), 0);
	}
	for (unsigned int i = 0; i < PROMPTS; i++) {
		set_params(&p, i);
		ck_assert_int_eq(ctrans_generate(alone, prompts[i], &p, &want[i]), 0);
		ck_assert_int_eq(ctrans_request_wait(r[i], -1), 0);
		ck_assert_int_eq(ctrans_request_result(r[i], &got), 0);
		check_same(got, want[i]);
		ctrans_result_free(got);
		ctrans_request_free(r[i]);
	}
	for (unsigned int i = 0; i < 3; i++) {
		pthread_join(callers[i].thread, &fine);
		ck_assert_ptr_nonnull(fine);
		for (unsigned int k = 0; k < PROMPTS; k++) {
			check_same(callers[i].result[k], want[k]);
			ctrans_result_free(callers[i].result[k]);
		}
	}
	for (unsigned int i = 0; i < PROMPTS; i++)
		ctrans_result_free(want[i]);
	ck_assert_int_eq(ctrans_queue_close(queue), 0);
	ctrans_model_close(alone);
	ctrans_model_close(pair);
}
END_TEST

/* A session that was saved goes on with drafts where none were, and back. */
START_TEST(test_saved)
{
	struct ctrans_model *alone, *pair;
	struct ctrans_generate_params p;
	struct ctrans_session *a, *b;
	struct ctrans_result *want, *got;
	size_t n = 0, len;
	void *bytes;

	alone = open_model(demo(""), NULL, "sim:threads=1", 0);
	pair = open_model(demo(""), demo("/little"), "sim:threads=1", 0);
	set_params(&p, 1);
	ck_assert_int_eq(ctrans_session_open(pair, &b), 0);
	ck_assert_int_eq(ctrans_session_generate(b, prompts[0], &p, &got), 0);
	ctrans_result_free(got);
	ctrans_session_export(b, NULL, 0, &n);
	bytes = malloc(n);
	MUST(bytes);
	ck_assert_int_eq(ctrans_session_export(b, bytes, n, &len), 0);
	ctrans_session_close(b);
	ck_assert_int_eq(ctrans_session_import(alone, bytes, n, &a), 0);
	ck_assert_int_eq(ctrans_session_import(pair, bytes, n, &b), 0);
	ck_assert_int_eq(ctrans_session_generate(a, "", &p, &want), 0);
	ck_assert_int_eq(ctrans_session_generate(b, "", &p, &got), 0);
	check_same(got, want);
	ck_assert_uint_gt(got->usage.drafted, 0);
	check_export(a, b);
	ctrans_result_free(want);
	ctrans_result_free(got);
	ctrans_session_close(a);
	ctrans_session_close(b);
	free(bytes);
	ctrans_model_close(alone);
	ctrans_model_close(pair);
}
END_TEST

/* Less external memory, and the account says so, the little model's included. */
START_TEST(test_cost)
{
	struct ctrans_model *alone, *pair;
	struct ctrans_generate_params p;
	struct ctrans_result *want, *got;
	struct ctrans_cost sum = { 0 };

	alone = open_model(demo(""), NULL, "sim:threads=1", 0);
	pair = open_model(demo(""), demo("/little"), "sim:threads=1", 0);
	ctrans_generate_params_init(&p, sizeof(p));
	p.temperature = 0;
	ck_assert_int_eq(ctrans_generate(alone, prompts[1], &p, &want), 0);
	ck_assert_int_eq(ctrans_generate(pair, prompts[1], &p, &got), 0);
	check_same(got, want);
	ck_assert_uint_lt(got->usage.passes, got->n_tokens / 2);
	ck_assert_uint_lt(got->usage.decode.bytes_external,
			  want->usage.decode.bytes_external / 2);
	ck_assert_uint_gt(got->usage.prefill.bytes_external,
			  want->usage.prefill.bytes_external);
	for (int k = 0; k < CTRANS_KINDS; k++)
		ct_cost_add(&sum, &got->usage.kind[k]);
	ck_assert_uint_eq(sum.external_fj, got->usage.prefill.external_fj +
					   got->usage.decode.external_fj);
	ctrans_result_free(want);
	ctrans_result_free(got);
	ctrans_model_close(alone);
	ctrans_model_close(pair);
}
END_TEST

static uint8_t *slurp(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes = malloc(8u << 20);

	MUST(f && bytes);
	*len = fread(bytes, 1, 8u << 20, f);
	fclose(f);
	return bytes;
}

static void convert(const char *path, const char *little, const char *out, int code)
{
	struct ctrans_convert_params p;
	int ret;

	ctrans_convert_params_init(&p, sizeof(p));
	p.device = "sim:threads=1";
	p.weights = "s8";
	p.little = little;
	ret = ctrans_convert(path, &p, out);
	ck_assert_msg(ret == code, "%d: %s", ret, ctrans_message());
}

static void write_file(const char *dir, const char *name, const void *bytes,
		       size_t len)
{
	char path[600];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	MUST(f && fwrite(bytes, 1, len, f) == len && !fclose(f));
}

static void remove_dir(const char *dir)
{
	char command[80];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	MUST(!system(command));
}

/* Drafts are the same whether the little model is named or in the file. */
START_TEST(test_converted)
{
	char dir[] = "/tmp/ctrans-little-XXXXXX", out[64], again[64];
	struct ctrans_model *named, *model;
	struct ctrans_result *want, *got;
	struct ctrans_generate_params p;
	struct ctrans_model_params mp;
	struct ctrans_model_info info[2];
	size_t n;
	uint8_t *bytes;

	MUST(mkdtemp(dir));
	snprintf(out, sizeof(out), "%s/pair.gguf", dir);
	snprintf(again, sizeof(again), "%s/again.gguf", dir);
	convert(demo(""), demo("/little"), out, 0);
	named = open_model(demo(""), demo("/little"), "sim:threads=1", 0);
	model = open_model(out, NULL, "sim:threads=1", 0);
	set_params(&p, 1);
	ck_assert_int_eq(ctrans_generate(named, prompts[1], &p, &want), 0);
	ck_assert_int_eq(ctrans_generate(model, prompts[1], &p, &got), 0);
	check_same(got, want);
	ck_assert_uint_gt(got->usage.drafted, 0);
	ck_assert_uint_eq(got->usage.drafted, want->usage.drafted);
	ck_assert_uint_eq(got->usage.accepted, want->usage.accepted);
	ctrans_result_free(got);
	MUST(!ctrans_model_info(named, &info[0], sizeof(info[0])) &&
	     !ctrans_model_info(model, &info[1], sizeof(info[1])));
	ck_assert_uint_eq(info[0].little_parameters, info[1].little_parameters);
	ck_assert_uint_eq(info[0].parameters, info[1].parameters);
	ck_assert_uint_lt(info[1].file_bytes, info[1].parameters * 3 / 2);
	ctrans_model_close(named);
	ctrans_model_close(model);

	/* another in its place, or none */
	model = open_model(out, demo(""), "sim:threads=1", 0);
	ck_assert_int_eq(ctrans_generate(model, prompts[1], &p, &got), 0);
	check_same(got, want);
	ck_assert_uint_eq(got->usage.drafted, got->usage.accepted);
	ctrans_result_free(got);
	ctrans_model_close(model);
	model = open_model(out, "", "sim:threads=1", 0);
	ck_assert_int_eq(ctrans_generate(model, prompts[1], &p, &got), 0);
	check_same(got, want);
	ck_assert_uint_eq(got->usage.drafted, 0);
	ctrans_result_free(got);
	ctrans_result_free(want);
	ctrans_model_close(model);

	/* it goes for a little one itself, but is not converted twice */
	model = open_model(demo(""), out, "sim:threads=1", 0);
	ctrans_model_close(model);
	convert(demo(""), out, again, -EINVAL);
	convert(demo(""), tiny("hf_f16"), again, -EINVAL);
	ck_assert_ptr_nonnull(strstr(ctrans_message(), "same tokenizer"));
	convert(demo(""), "/nowhere", again, -ENOENT);
	ck_assert(access(again, F_OK));

	/* its last byte is of the little model's weights; then its file is cut */
	bytes = slurp(out, &n);
	bytes[n - 1] ^= 1;
	write_file(dir, "again.gguf", bytes, n);
	ctrans_model_params_init(&mp, sizeof(mp));
	mp.device = "sim:threads=1";
	ck_assert_int_eq(ctrans_model_open(again, &mp, &model), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(ctrans_message(), "the little model in the file"));
	ck_assert_ptr_nonnull(strstr(ctrans_message(), "checksum"));
	write_file(dir, "again.gguf", bytes, n - 1);
	ck_assert_int_eq(ctrans_model_open(again, &mp, &model), -EBADMSG);
	bytes[n - 1] ^= 1;
	/* where its own header begins there is something else */
	for (size_t i = n; i-- > 4096;) {
		if (memcmp(bytes + i, "GGUF", 4))
			continue;
		bytes[i] = 'X';
		break;
	}
	write_file(dir, "again.gguf", bytes, n);
	ck_assert_int_eq(ctrans_model_open(again, &mp, &model), -EBADMSG);
	mp.little = "";
	ck_assert_int_eq(ctrans_model_open(again, &mp, &model), 0);
	ctrans_model_close(model);
	free(bytes);
	remove_dir(dir);
}
END_TEST

static void refused(const char *path, const char *little, int code,
		    const char *words)
{
	struct ctrans_model_params p;
	struct ctrans_model *model;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=1";
	p.little = little;
	ck_assert_int_eq(ctrans_model_open(path, &p, &model), code);
	ck_assert_ptr_null(model);
	ck_assert_msg(strstr(ctrans_message(), words) &&
		      strstr(ctrans_message(), "little model "), "%s",
		      ctrans_message());
}

/* A copy of the tiny model with one word of one of its files changed. */
static void change(const char *dir, const char *from, const char *to)
{
	static const char *const names[] = {
		"config.json", "vocab.json", "merges.txt", "model.safetensors",
	};
	bool found = false;

	for (int i = 0; i < 4; i++) {
		static char bytes[1 << 16];
		char path[600], *at;
		size_t n;
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", tiny("hf_f32"), names[i]);
		f = fopen(path, "rb");
		MUST(f);
		n = fread(bytes, 1, sizeof(bytes) - 1, f);
		bytes[n] = '\0';
		fclose(f);
		at = i < 3 ? strstr(bytes, from) : NULL;
		if (at) {
			memcpy(at, to, strlen(to));
			found = true;
		}
		write_file(dir, names[i], bytes, n);
	}
	MUST(found);
}

START_TEST(test_refused)
{
	char dir[] = "/tmp/ctrans-little-XXXXXX";
	struct ctrans_model_info info;
	struct ctrans_model *model;

	refused(demo(""), tiny("hf_f32"), -EINVAL,
		"it has 260 tokens and the model 2048");
	refused(demo(""), "/nowhere", -ENOENT, "/nowhere");
	MUST(mkdtemp(dir));
	/* two tokens that have changed places */
	change(dir, "\"!\": 0,\n \"\\\"\": 1", "\"!\": 1,\n \"\\\"\": 0");
	refused(tiny("hf_f32"), dir, -EINVAL, "token 0 is another than the model's");
	remove_dir(dir);

	/* without weights there is nothing to draft for */
	model = open_model(demo(""), "/nowhere", "sim:threads=1",
			   CTRANS_MODEL_NO_WEIGHTS);
	ctrans_model_close(model);
	model = open_model(demo(""), demo("/little"), "sim:threads=1", 0);
	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.little_parameters, 445056);
	ck_assert_uint_gt(info.little_bytes, 445056);
	ck_assert_uint_lt(info.little_bytes, info.chip_bytes / 6);
	ctrans_model_close(model);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("little");
	TCase *tc = tcase_create("little");
	SRunner *runner;
	int failed;

	if (access(demo("/little/config.json"), R_OK)) {
		printf("SKIP little: no models/demo/little\n");
		return 0;
	}
	tcase_set_timeout(tc, 200);
	tcase_add_loop_test(tc, test_exact, 0, sizeof(ways) / sizeof(ways[0]));
	tcase_add_test(tc, test_random);
	tcase_add_test(tc, test_together);
	tcase_add_test(tc, test_saved);
	tcase_add_test(tc, test_cost);
	tcase_add_test(tc, test_converted);
	tcase_add_test(tc, test_refused);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
