// SPDX-License-Identifier: MIT
/* Sessions saved and taken up again: the same text, to the bit, or a refusal. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core_impl.h"
#include "engine/session.h"
#include "engine/state.h"
#include "state_help.h"

static struct ctrans_model *demo, *again;

static void setup(void)
{
	struct ctrans_model_params p;

	demo = state_model(DEMO, 0);
	/* what changes no value may differ */
	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=2,kernel=generic,opp=4";
	p.policy = "snn";
	p.code = "rate";
	p.context = 200;
	ck_assert_int_eq(ctrans_model_open(DEMO, &p, &again), 0);
}

static void teardown(void)
{
	ctrans_model_close(again);
	ctrans_model_close(demo);
}

static const uint32_t places[] = { 0, 1, 2, 63, 64, 65, 127, 128, 129, 199, 256 };

START_TEST(round_trip)
{
	uint32_t n = places[_i], left;
	struct ctrans_session *a = state_session(demo, n, 0), *b;
	struct ctrans_model *other = n <= 190 ? again : demo;
	struct blob first = state_export(a), second;
	struct ctrans_usage usage;

	ck_assert_int_eq(ctrans_session_import(other, first.v, first.n, &b), 0);
	ck_assert_uint_eq(ctrans_session_position(b), n);
	ck_assert_int_eq(ctrans_session_usage(b, &usage, sizeof(usage)), 0);
	ck_assert_uint_eq(usage.prompt_tokens, 0);
	second = state_export(b);
	ck_assert_uint_eq(first.n, second.n);
	ck_assert_int_eq(memcmp(first.v, second.v, first.n), 0);
	left = (other == demo ? 256 : 200) - n;
	same_future(a, b, demo, left < 6 ? left : 6);
	/* back again to a place inside what was saved */
	if (n) {
		ck_assert_int_eq(ctrans_session_truncate(a, n / 2), 0);
		ck_assert_int_eq(ctrans_session_truncate(b, n / 2), 0);
		same_future(a, b, demo, 2);
	}
	ctrans_session_close(a);
	ctrans_session_close(b);
	free(first.v);
	free(second.v);
}
END_TEST

/* Tokens that are held and not run yet are saved, and run later. */
START_TEST(not_run)
{
	static const uint32_t more[] = { 1, 2, 64 };
	struct ctrans_session *a = state_session(demo, 63, more[_i]), *b;
	struct ctrans_session *fresh = state_session(demo, 0, 0);
	struct blob blob;
	uint32_t tokens[256], n = ctrans_session_position(a);

	ck_assert_uint_lt(ct_seq_position(a->seq), n);
	blob = state_export(a);
	ck_assert_int_eq(ctrans_session_import(again, blob.v, blob.n, &b), 0);
	ck_assert_uint_eq(ctrans_session_position(b), n);
	ck_assert_uint_eq(ct_seq_position(b->seq), ct_seq_position(a->seq));
	memcpy(tokens, b->ids.data, 4ull * n);
	same_future(a, b, demo, 4);
	/* and as if it had been read at once */
	ck_assert_int_eq(ctrans_session_truncate(b, n), 0);
	ck_assert_int_eq(ctrans_session_eval(fresh, tokens, n, NULL), 0);
	same_future(fresh, b, demo, 4);
	ctrans_session_close(a);
	ctrans_session_close(b);
	ctrans_session_close(fresh);
	free(blob.v);
}
END_TEST

static char *write_text(struct ctrans_session *s, const char *prompt, uint32_t n,
			float penalty)
{
	struct ctrans_generate_params p;
	struct ctrans_result *r;
	char *text;

	ctrans_generate_params_init(&p, sizeof(p));
	p.temperature = 0;
	p.repetition_penalty = penalty;
	p.max_tokens = n;
	p.ignore_eos = 1;
	if (ctrans_session_generate(s, prompt, &p, &r))
		ck_abort_msg("%s", ctrans_message());
	text = strdup(r->text);
	ctrans_result_free(r);
	return text;
}

/* Cut in two, with all between thrown away, it is the text that one call gives. */
START_TEST(text_in_two)
{
	float penalty = _i ? 1.3f : 1.0f;	/* which looks back over the cut */
	struct ctrans_session *s = state_session(demo, 0, 0);
	char *whole = write_text(s, "Once upon a time", 70, penalty), *one, *two;
	struct ctrans_model *later;
	struct blob blob;

	ctrans_session_close(s);
	s = state_session(demo, 0, 0);
	one = write_text(s, "Once upon a time", 30, penalty);
	blob = state_export(s);
	ctrans_session_close(s);
	later = state_model(DEMO, 0);
	ck_assert_int_eq(ctrans_session_import(later, blob.v, blob.n, &s), 0);
	two = write_text(s, "", 40, penalty);
	ck_assert_uint_eq(strlen(one) + strlen(two), strlen(whole));
	ck_assert_int_eq(strncmp(whole, one, strlen(one)), 0);
	ck_assert_str_eq(whole + strlen(one), two);
	ctrans_session_close(s);
	ctrans_model_close(later);
	free(whole);
	free(one);
	free(two);
	free(blob.v);
}
END_TEST

/* Nothing of other texts leaves with a session: blocks are used again. */
START_TEST(nothing_of_others)
{
	struct ctrans_model *clean = state_model(DEMO, 0);
	struct ctrans_session *s = state_session(clean, 70, 0);
	struct blob want = state_export(s), got;

	ctrans_session_close(s);
	s = state_session(demo, 250, 6);
	ck_assert_int_eq(ctrans_session_truncate(s, 3), 0);
	ctrans_session_close(s);
	s = state_session(demo, 200, 0);
	ck_assert_int_eq(ctrans_session_truncate(s, 70), 0);
	got = state_export(s);
	ck_assert_uint_eq(want.n, got.n);
	ck_assert_int_eq(memcmp(want.v, got.v, got.n), 0);
	ctrans_session_close(s);
	ctrans_model_close(clean);
	free(want.v);
	free(got.v);
}
END_TEST

/*
 * What a file says its tokens' keys and values are is believed for that session
 * alone: others with the same tokens get their own. The block of 30 positions is
 * one that has just held the same tokens, as they are.
 */
START_TEST(not_shared)
{
	uint32_t n = _i ? 130 : 30, tokens[256];
	struct ctrans_session *a = state_session(demo, n, 0), *b, *c;
	struct blob blob = state_export(a);
	size_t kv = ct_seq_kv_bytes(demo->core, n);

	memset(blob.v + blob.n - 4 * n - kv, 0x31, kv);
	ck_assert(blob_seal(&blob));
	ctrans_session_close(a);
	if (_i) {	/* no right ones about */
		ctrans_model_close(demo);
		demo = state_model(DEMO, 0);
	}
	ck_assert_int_eq(ctrans_session_import(demo, blob.v, blob.n, &b), 0);
	for (uint32_t i = 0; i < 256; i++)
		tokens[i] = state_token(demo, i);
	/* into the next block but one */
	ck_assert_int_eq(ctrans_session_eval(b, tokens + n, 100, NULL), 0);
	c = state_session(demo, n + 50, 0);
	a = state_session(again, n + 50, 0);
	same_future(a, c, demo, 3);
	/* and while the impostor is gone and its blocks are free */
	ctrans_session_close(b);
	ctrans_session_close(c);
	c = state_session(demo, n + 50, 0);
	ck_assert_int_eq(ctrans_session_truncate(a, n + 50), 0);
	same_future(a, c, demo, 3);
	ctrans_session_close(a);
	ctrans_session_close(c);
	free(blob.v);
}
END_TEST

START_TEST(asked_wrongly)
{
	struct ctrans_session *s = state_session(demo, 5, 0), *out;
	struct blob b = state_export(s);
	uint8_t *small = malloc(b.n);
	struct ctrans_model *empty;
	size_t n = 0;

	memset(small, 0x55, b.n);
	ck_assert_int_eq(ctrans_session_export(s, small, b.n - 1, &n), -E2BIG);
	ck_assert_uint_eq(n, b.n);
	for (size_t i = 0; i < b.n; i++)
		ck_assert_uint_eq(small[i], 0x55);
	ck_assert_int_eq(ctrans_session_export(s, NULL, 0, NULL), -EINVAL);
	ck_assert_int_eq(ctrans_session_export(s, NULL, 7, &n), -EINVAL);
	ck_assert_int_eq(ctrans_session_export(NULL, NULL, 0, &n), -EINVAL);
	ck_assert_int_eq(ctrans_session_import(NULL, b.v, b.n, &out), -EINVAL);
	ck_assert_int_eq(ctrans_session_import(demo, NULL, b.n, &out), -EINVAL);
	ck_assert_int_eq(ctrans_session_import(demo, b.v, b.n, NULL), -EINVAL);
	/* any address will do */
	small = realloc(small, b.n + 1);
	ck_assert_int_eq(ctrans_session_export(s, small + 1, b.n, &n), 0);
	ck_assert_int_eq(memcmp(small + 1, b.v, b.n), 0);
	ck_assert_int_eq(ctrans_session_import(demo, small + 1, n, &out), 0);
	ctrans_session_close(out);
	atomic_store(&s->in_use, true);
	ck_assert_int_eq(ctrans_session_export(s, NULL, 0, &n), -EBUSY);
	ck_assert_int_eq(ctrans_session_save(s, "/nowhere/at/all"), -EBUSY);
	atomic_store(&s->in_use, false);
	empty = state_model(DEMO, CTRANS_MODEL_NO_WEIGHTS);
	refused(empty, &b, -ENOTSUP, "without its weights");
	ctrans_model_close(empty);
	ctrans_session_close(s);
	free(small);
	free(b.v);
}
END_TEST

static struct ctrans_model *with(const char *path, float levels, const char *text,
				 uint32_t context, uint32_t flags, const char *kv)
{
	struct ctrans_model_params p;
	struct ctrans_model *m;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=1";
	p.flags = flags;
	p.context = context;
	p.kv = kv;
	if (levels > 0)
		p.levels = levels;
	p.calibration = text;
	p.calibration_len = text ? strlen(text) : 0;
	if (ctrans_model_open(path, &p, &m))
		ck_abort_msg("%s", ctrans_message());
	return m;
}

#define BOOK	"Once upon a time there was a cat who had no name and no home, " \
		"and she went from door to door and asked for both."

START_TEST(foreign)
{
	struct ctrans_session *s = state_session(demo, 100, 0);
	struct blob b = state_export(s);
	static const struct {
		const char *what;
		float levels;
		const char *text;
		uint32_t context, flags;
		int code;
		const char *kv;
	} models[] = {
		{ "thresholds (dynamic", 23, NULL, 0, 0, -EINVAL },
		{ "now calibrated", 0, BOOK, 0, 0, -EINVAL },
		{ "are f16, this model's are f32", 0, NULL, 0, CTRANS_MODEL_F32, -EINVAL },
		{ "are f16, this model's are s8", 0, NULL, 0, 0, -EINVAL, "s8" },
		{ "holds 100 tokens, and the context is 99", 0, NULL, 99, 0, -E2BIG },
	};

	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		struct ctrans_model *m = with(DEMO, models[i].levels, models[i].text,
					      models[i].context, models[i].flags,
					      models[i].kv);
		struct ctrans_session *own = state_session(m, 90, 0), *back;
		struct blob mine = state_export(own);

		refused(m, &b, models[i].code, models[i].what);
		/* but its own it takes */
		ck_assert_int_eq(ctrans_session_import(m, mine.v, mine.n, &back), 0);
		same_future(own, back, m, 3);
		if (models[i].code == -EINVAL)
			refused(demo, &mine, -EINVAL, i < 2 ? "thresholds" :
				i == 2 ? "are f32" : "are s8");
		ctrans_session_close(own);
		ctrans_session_close(back);
		ctrans_model_close(m);
		free(mine.v);
	}
	ctrans_session_close(s);
	free(b.v);
}
END_TEST

/* Calibrated on the same text, the same; on another, not. */
START_TEST(calibrated)
{
	struct ctrans_model *one = with(DEMO, 0, BOOK, 0, 0, NULL);
	struct ctrans_model *two = with(DEMO, 0, BOOK, 0, 0, NULL);
	struct ctrans_model *other = with(DEMO, 0, BOOK " And so on.", 0, 0, NULL);
	struct ctrans_session *s = state_session(one, 70, 0), *back;
	struct blob b = state_export(s);

	ck_assert_int_eq(ctrans_session_import(two, b.v, b.n, &back), 0);
	same_future(s, back, one, 3);
	refused(other, &b, -EINVAL, "calibrated");
	ctrans_session_close(s);
	ctrans_session_close(back);
	ctrans_model_close(one);
	ctrans_model_close(two);
	ctrans_model_close(other);
	free(b.v);
}
END_TEST

/* The same shape and other weights; and the same weights in other files. */
START_TEST(other_weights)
{
	struct ctrans_model *tied = state_model(tiny_model("f16.gguf"), 0);
	struct ctrans_model *same = state_model(tiny_model("hf_f16"), 0);
	struct ctrans_model *head = state_model(tiny_model("bf16.gguf"), 0);
	struct ctrans_session *s = state_session(tied, 9, 0), *back;
	struct blob b = state_export(s);

	refused(head, &b, -EINVAL, "another model");
	refused(demo, &b, -EINVAL, "another model");
	ck_assert_int_eq(ctrans_session_import(same, b.v, b.n, &back), 0);
	same_future(s, back, tied, 3);
	ctrans_session_close(s);
	ctrans_session_close(back);
	ctrans_model_close(tied);
	ctrans_model_close(same);
	ctrans_model_close(head);
	free(b.v);
}
END_TEST

static uint8_t *weight(struct ct_core *core, uint64_t va)
{
	return (uint8_t *)core->weights.cpu + (va - core->weights.va);
}

/* A change of a single weight, scale or bias, wherever it is, is another model. */
START_TEST(every_weight)
{
	struct ct_fingerprint first, fp;
	struct ct_core *core;

	for (int i = 0; ; i++) {
		struct ctrans_model *m = state_model(tiny_model("hf_bf16_shards"), 0);
		const struct ct_layer_va *v;

		core = m->core;
		v = &core->layer_va[1];
		const uint64_t at[] = {
			0, core->at.wte.weights, core->at.wte.scale + 4 * 259,
			core->at.wpe + 4, core->at.ln_f.gain, core->at.ln_f.bias,
			core->at.head.weights + 5, core->at.head.scale,
			v->ln_1.gain, v->ln_1.bias, v->ln_2.gain, v->ln_2.bias,
			v->qkv.weights, v->qkv.scale, v->qkv.bias + 4 * 35,
			v->proj.weights, v->proj.scale, v->proj.bias,
			v->up.weights, v->up.scale, v->up.bias + 4 * 19,
			v->down.weights, v->down.scale, v->down.bias,
		};

		if (i == sizeof(at) / sizeof(at[0])) {
			ctrans_model_close(m);
			break;
		}
		if (i)
			*weight(core, at[i]) ^= 1;
		ct_core_fingerprint(core, &fp);
		if (!i)
			first = fp;
		else
			ck_assert_msg(strcmp(first.model, fp.model), "place %d", i);
		ck_assert_uint_eq(strlen(fp.model), 32);
		ctrans_model_close(m);
	}
}
END_TEST

static void *ask(void *arg)
{
	struct ct_fingerprint *fp = arg;

	ct_core_fingerprint(again->core, fp);
	return NULL;
}

START_TEST(asked_at_once)
{
	struct ct_fingerprint fp[4];
	pthread_t thread[4];

	memset(fp, 0x55, sizeof(fp));
	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, ask, &fp[i]);
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		ck_assert_str_eq(fp[i].model, fp[0].model);
		ck_assert_str_eq(fp[i].thresholds, fp[0].thresholds);
	}
	ct_core_fingerprint(demo->core, &fp[1]);
	ck_assert_str_eq(fp[1].model, fp[0].model);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("state");
	TCase *t = tcase_create("sessions");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 100);
	tcase_add_loop_test(t, round_trip, 0, sizeof(places) / sizeof(places[0]));
	tcase_add_loop_test(t, not_run, 0, 3);
	tcase_add_loop_test(t, text_in_two, 0, 2);
	tcase_add_test(t, nothing_of_others);
	tcase_add_loop_test(t, not_shared, 0, 2);
	tcase_add_test(t, asked_wrongly);
	tcase_add_test(t, foreign);
	tcase_add_test(t, calibrated);
	tcase_add_test(t, other_weights);
	tcase_add_test(t, every_weight);
	tcase_add_test(t, asked_at_once);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
