// SPDX-License-Identifier: MIT
/*
 * The library on a chip behind the kernel driver: to every question the very
 * tokens that the chip model in this process gives.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answers.h"
#include "guest.h"

/* Much of it is the chip model, in an emulated machine. */
#define SECONDS	240

/* ---- Which device ------------------------------------------------------- */

static void chip_comes_first(void)
{
	struct ctrans_device_info first, last;
	struct ctrans_model_info info;
	struct ctrans_model *model;
	unsigned int n = 1;

	must(!ctrans_device_get(0, &first, sizeof(first)));
	ok(!strncmp(first.name, "accel:", 6), "a chip is listed first");
	is(first.is_model, 0, "and is no model");
	is(first.cores, 48, "it has its cores");
	ok(first.mv && first.khz, "and an operating point");
	for (; !ctrans_device_get(n, &last, sizeof(last)); n++)
		;
	must(n > 1 && !ctrans_device_get(n - 1, &last, sizeof(last)));
	ok(!strcmp(last.name, "sim"), "the chip model is listed last");

	must(!open_on(NULL, demo_model(), NULL, &model));
	must(!ctrans_model_info(model, &info, sizeof(info)));
	ok(!strcmp(info.device.name, first.name), "nothing named: the first chip");
	ctrans_model_close(model);
	must(!open_on("accel", demo_model(), NULL, &model));
	must(!ctrans_model_info(model, &info, sizeof(info)));
	ok(!strcmp(info.device.name, first.name), "\"accel\": the first chip");
	ctrans_model_close(model);
	is(open_on("accel:77", demo_model(), NULL, &model), -19,
	   "one that is not there: -ENODEV");
	ok(strstr(ctrans_message(), "accel77"), "with its name");
}

/* ---- Whose tokens ------------------------------------------------------- */

static void demo(const char *kv)
{
	struct answer expected[ANSWERS];
	struct ctrans_model *model;

	expected_answers(demo_model(), kv, expected);
	must(!open_on("accel", demo_model(), kv, &model));
	check_answers(model, expected, "the tokens of the chip model");
	ctrans_model_close(model);
}

static void tokens_f16(void)
{
	demo(NULL);
}

static void tokens_s8(void)
{
	demo("s8");
}

static void policies(void)
{
	static const char *const names[] = { "dnn", "snn" };
	struct answer expected[ANSWERS];
	struct ctrans_model_params p;
	struct ctrans_model *model;

	expected_answers(demo_model(), NULL, expected);
	for (size_t i = 0; i < 2; i++) {
		ctrans_model_params_init(&p, sizeof(p));
		p.device = "accel";
		p.policy = names[i];
		must(!ctrans_model_open(demo_model(), &p, &model));
		check_answers(model, expected, names[i]);
		ctrans_model_close(model);
	}
}

/* Logits of the first tokens of a small model. */
static float *logits_on(const char *device, const char *path, uint32_t *vocab)
{
	static const uint32_t tokens[] = { 1, 200, 3, 44, 5 };
	struct ctrans_session *session;
	struct ctrans_model_info info;
	struct ctrans_model *model;
	float *logits;

	must(!open_on(device, path, NULL, &model));
	must(!ctrans_model_info(model, &info, sizeof(info)));
	must(!ctrans_session_open(model, &session));
	logits = malloc(info.vocab * sizeof(*logits));
	must(logits);
	must(!ctrans_session_eval(session, tokens, 4, NULL));
	must(!ctrans_session_eval(session, tokens + 4, 1, logits));
	ctrans_session_close(session);
	ctrans_model_close(model);
	*vocab = info.vocab;
	return logits;
}

static void small_models(void)
{
	static const char *const names[] = {
		"bf16.gguf", "f16.gguf", "f32.gguf", "hf_bf16_shards", "hf_f16",
		"hf_f32", "q4_0.gguf", "q8_0.gguf",
	};
	const char *data = getenv("CTRANS_TEST_DATA");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		float *on_sim, *on_chip;
		uint32_t n, m;
		char path[512];

		snprintf(path, sizeof(path), "%s/model/%s", data ? data : "tests/data",
			 names[i]);
		on_sim = logits_on("sim:threads=1", path, &n);
		on_chip = logits_on("accel", path, &m);
		must(n == m);
		ok(!memcmp(on_sim, on_chip, n * sizeof(*on_sim)),
		   "%s: logits to the bit", names[i]);
		free(on_sim);
		free(on_chip);
	}
}

/*
 * Packed weights go from the file straight into buffers whose mappings have no
 * pages of their own, with io_uring and without.
 */
static void converted(void)
{
	struct answer expected[ANSWERS];
	const char *path = "/tmp/converted.gguf";
	struct ctrans_convert_params p;
	struct ctrans_model *model;

	expected_answers(demo_model(), NULL, expected);
	ctrans_convert_params_init(&p, sizeof(p));
	p.device = "accel";
	p.weights = "s8";
	must(!ctrans_convert(demo_model(), &p, path));
	must(!open_on("accel", path, NULL, &model));
	check_answers(model, expected, "converted and read on the chip");
	ctrans_model_close(model);
	must(!setenv("CTRANS_NO_IO_URING", "1", 1));
	must(!open_on("accel", path, NULL, &model));
	check_answers(model, expected, "read without io_uring");
	ctrans_model_close(model);
	must(!open_on("sim", path, NULL, &model));
	check_answers(model, expected, "read by the chip model");
	ctrans_model_close(model);
	remove(path);
}

/* ---- Many at once ------------------------------------------------------- */

struct caller {
	struct ctrans_model *model;
	const struct answer *expected;
	unsigned int first, same;
	pthread_t thread;
};

static void *call(void *arg)
{
	struct caller *c = arg;
	struct answer a;

	for (unsigned int i = 0; i < 2 * ANSWERS; i++) {
		unsigned int n = (c->first + i) % ANSWERS;

		c->same += !answer_on(c->model, n, &a) &&
			   same_answer(&a, &c->expected[n]);
	}
	return NULL;
}

static void threads(void)
{
	struct answer expected[ANSWERS];
	struct caller caller[4] = { 0 };
	struct ctrans_model *model;
	unsigned int same = 0;

	expected_answers(demo_model(), NULL, expected);
	must(!open_on("accel", demo_model(), NULL, &model));
	for (unsigned int i = 0; i < 4; i++) {
		caller[i] = (struct caller){ model, expected, i, 0, 0 };
		must(!pthread_create(&caller[i].thread, NULL, call, &caller[i]));
	}
	for (unsigned int i = 0; i < 4; i++) {
		pthread_join(caller[i].thread, NULL);
		same += caller[i].same;
	}
	is(same, 4 * 2 * ANSWERS, "of several threads each gets its own");
	ctrans_model_close(model);
}

static void requests(void)
{
	struct answer expected[ANSWERS];
	struct ctrans_request *request[3 * ANSWERS];
	struct ctrans_generate_params p;
	struct ctrans_queue *queue;
	struct ctrans_model *model;
	unsigned int same = 0;

	expected_answers(demo_model(), NULL, expected);
	must(!open_on("accel", demo_model(), NULL, &model));
	must(!ctrans_queue_open(model, NULL, &queue));
	for (unsigned int i = 0; i < 3 * ANSWERS; i++) {
		answer_params(i % ANSWERS, &p);
		must(!ctrans_submit(queue, NULL, answer_prompt(i % ANSWERS), &p, NULL,
				    &request[i]));
	}
	for (unsigned int i = 0; i < 3 * ANSWERS; i++) {
		struct ctrans_result *r;

		must(!ctrans_request_wait(request[i], -1));
		must(!ctrans_request_result(request[i], &r));
		same += r->n_tokens == expected[i % ANSWERS].n &&
			!memcmp(r->tokens, expected[i % ANSWERS].token,
				4 * r->n_tokens);
		ctrans_result_free(r);
		ctrans_request_free(request[i]);
	}
	is(same, 3 * ANSWERS, "of several requests each gets its own");
	must(!ctrans_queue_close(queue));
	ctrans_model_close(model);
}

/* ---- Sessions ----------------------------------------------------------- */

static void go_on(struct ctrans_session *session, struct answer *a)
{
	struct ctrans_generate_params p;
	struct ctrans_result *r;

	answer_params(0, &p);
	must(!ctrans_session_generate(session, "", &p, &r));
	a->n = r->n_tokens;
	memcpy(a->token, r->tokens, 4 * a->n);
	ctrans_result_free(r);
}

/* Begun on the chip, kept, and taken up by both. */
static void sessions(void)
{
	struct ctrans_session *session, *fork, *again;
	struct ctrans_model *chip, *sim;
	struct answer a, b, c, d;
	struct ctrans_result *r;
	uint32_t position;
	size_t len, room;
	void *bytes;

	must(!open_on("accel", demo_model(), NULL, &chip));
	must(!open_on("sim", demo_model(), NULL, &sim));
	must(!ctrans_session_open(chip, &session));
	must(!ctrans_session_generate(session, answer_prompt(3), NULL, &r));
	ctrans_result_free(r);
	position = ctrans_session_position(session);
	must(!ctrans_session_fork(session, &fork));
	must(ctrans_session_export(session, NULL, 0, &room) == -7);
	bytes = malloc(room);
	must(bytes && !ctrans_session_export(session, bytes, room, &len));
	go_on(session, &a);
	go_on(fork, &b);
	ok(same_answer(&a, &b), "a fork goes on as its session does");
	must(!ctrans_session_import(chip, bytes, len, &again));
	go_on(again, &c);
	ok(same_answer(&a, &c), "and what was kept, on the chip");
	must(!ctrans_session_truncate(session, position));
	go_on(session, &d);
	ok(same_answer(&a, &d), "and what was cut back to there");
	ctrans_session_close(again);
	must(!ctrans_session_import(sim, bytes, len, &again));
	go_on(again, &c);
	ok(same_answer(&a, &c), "and what was kept, on the chip model");
	ctrans_session_close(again);
	ctrans_session_close(fork);
	ctrans_session_close(session);
	free(bytes);
	ctrans_model_close(chip);
	ctrans_model_close(sim);
}

/*
 * Between two calls of getppid(), so that it is found by who looks from outside:
 * steady decoding, within one block of keys and values.
 */
static int decode(void)
{
	uint32_t tokens[80], token = 1;
	struct ctrans_session *session;
	struct ctrans_model_info info;
	struct ctrans_model *model;
	float *logits;

	for (size_t i = 0; i < 80; i++)
		tokens[i] = (uint32_t)i + 5;
	if (open_on("accel", demo_model(), NULL, &model) ||
	    ctrans_session_open(model, &session) ||
	    ctrans_session_eval(session, tokens, 80, NULL) ||
	    ctrans_model_info(model, &info, sizeof(info)))
		return 1;
	logits = malloc(info.vocab * sizeof(*logits));
	if (!logits)
		return 1;
	for (int i = 0; i < 36; i++) {
		if (i == 4)
			(void)getppid();
		if (ctrans_session_eval(session, &token, 1, logits))
			return 1;
	}
	(void)getppid();
	free(logits);
	ctrans_session_close(session);
	ctrans_model_close(model);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct guest_test tests[] = {
		{ "chip_comes_first", chip_comes_first, SECONDS },
		{ "tokens_f16", tokens_f16, SECONDS },
		{ "tokens_s8", tokens_s8, SECONDS },
		{ "policies", policies, SECONDS },
		{ "small_models", small_models, SECONDS },
		{ "converted", converted, SECONDS },
		{ "threads", threads, SECONDS },
		{ "requests", requests, SECONDS },
		{ "sessions", sessions, SECONDS },
	};

	if (argc == 2 && !strcmp(argv[1], "decode"))
		return decode();
	return guest_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
