// SPDX-License-Identifier: MIT
/*
 * Models that speculate: exactly, nothing changes but what it costs; sampled, results
 * are the same wherever and in whatever company they are computed. What cannot be is
 * one clear error.
 */
#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrans.h"
#include "ctrans_convert.h"

#define TOKENS	24u

static const char text[] =
	"Once upon a time there was a small fox who lived by the river. Every morning "
	"the fox walked to the old mill and asked the miller for a piece of bread.";

static const char *path(const char *name)
{
	const char *data = getenv("CTRANS_TEST_DATA");
	static char p[600];

	snprintf(p, sizeof(p), "%s/../../models/demo%s", data ? data : TEST_DATA_DIR,
		 name);
	return p;
}

static struct ctrans_model_params params(const char *speculation, float sample)
{
	struct ctrans_model_params p;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=1";
	p.flags = CTRANS_MODEL_NO_SHARING;
	p.speculation = speculation;
	p.sample = sample;
	return p;
}

static struct ctrans_model *open_model(const char *name,
				       const struct ctrans_model_params *p)
{
	struct ctrans_model *model;
	int ret = ctrans_model_open(strstr(name, ".gguf") ? name : path(name), p,
				    &model);

	ck_assert_msg(!ret, "%s", ctrans_message());
	return model;
}

struct outcome {
	uint32_t vocab;
	float *logits;		/* after every token */
	uint64_t ops_spiking, ops_skipped;
};

/* Tokens in steps of @step. */
static void run(const char *name, const struct ctrans_model_params *p, uint32_t step,
		struct outcome *o)
{
	struct ctrans_model *model = open_model(name, p);
	struct ctrans_model_info info;
	struct ctrans_usage usage;
	struct ctrans_session *s;
	uint32_t tokens[TOKENS];

	ck_assert_int_eq(ctrans_model_info(model, &info, sizeof(info)), 0);
	o->vocab = info.vocab;
	o->logits = calloc(TOKENS, info.vocab * sizeof(*o->logits));
	for (uint32_t i = 0; i < TOKENS; i++)
		tokens[i] = (i * i * 11 + 7 * i + 3) % info.vocab;
	ck_assert_int_eq(ctrans_session_open(model, &s), 0);
	for (uint32_t i = 0; i < TOKENS; i += step)
		ck_assert_int_eq(ctrans_session_eval(s, tokens + i, step, o->logits +
				 (size_t)(i + step - 1) * info.vocab), 0);
	ck_assert_int_eq(ctrans_session_usage(s, &usage, sizeof(usage)), 0);
	o->ops_spiking = usage.prefill.ops_spiking + usage.decode.ops_spiking;
	o->ops_skipped = usage.prefill.ops_skipped + usage.decode.ops_skipped;
	ctrans_session_close(s);
	ctrans_model_close(model);
}

static bool same_last(const struct outcome *a, const struct outcome *b)
{
	size_t last = (size_t)(TOKENS - 1) * a->vocab;

	return !memcmp(a->logits + last, b->logits + last,
		       a->vocab * sizeof(*a->logits));
}

START_TEST(exact)
{
	static const char *const policies[] = { "fine", "snn", "dnn", "tile" };
	struct ctrans_model_params p = params("off", 0);
	struct outcome off, on;

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		bool spikes = strcmp(policies[i], "dnn") != 0;

		p.policy = policies[i];
		p.speculation = "off";
		run("/little", &p, 4, &off);
		p.speculation = "exact";
		/* whose spikes are in this code, whatever the others' are */
		p.code = i ? NULL : "naf";
		run("/little", &p, 4, &on);
		p.code = NULL;
		ck_assert(same_last(&off, &on));
		ck_assert_uint_eq(off.ops_skipped, 0);
		ck_assert_int_eq(on.ops_skipped > 0, spikes);
		if (i)
			ck_assert_uint_eq(on.ops_spiking + on.ops_skipped,
					  off.ops_spiking);
		free(off.logits);
		free(on.logits);
	}
}
END_TEST

/* Norms are those of what is compressed. */
START_TEST(compressed)
{
	char dir[] = "/tmp/speculated.XXXXXX", file[64];
	struct ctrans_model_params p = params("off", 0);
	struct ctrans_convert_params c;
	struct outcome off, on;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/little.gguf", dir);
	ctrans_convert_params_init(&c, sizeof(c));
	c.weights = "esc";
	c.weight_sigma = 6;
	ck_assert_msg(!ctrans_convert(path("/little"), &c, file), "%s",
		      ctrans_message());
	run(file, &p, 4, &off);
	p.speculation = "exact";
	run(file, &p, 4, &on);
	ck_assert(same_last(&off, &on));
	/* of wrong norms, which are larger, hardly anything would come */
	ck_assert_uint_gt(on.ops_skipped, off.ops_spiking / 25);
	ck_assert_uint_eq(on.ops_spiking + on.ops_skipped, off.ops_spiking);
	free(off.logits);
	free(on.logits);
	remove(file);
	remove(dir);
}
END_TEST

START_TEST(sampled)
{
	static const char *const names[] = { "", "/little" };
	struct ctrans_model_params p = params("sampled", 0.25f);
	struct outcome want, got, other;

	p.calibration = text;
	p.calibration_len = strlen(text);
	run(names[_i], &p, 1, &want);
	ck_assert_uint_gt(want.ops_skipped, 0);
	p.device = "sim:threads=3,kernel=reference";
	run(names[_i], &p, 6, &got);
	ck_assert(same_last(&want, &got));
	free(got.logits);
	p.device = "sim:threads=2,kernel=generic";
	run(names[_i], &p, TOKENS, &got);
	ck_assert(same_last(&want, &got));
	/* another share, other draws; none of them, other results */
	p.sample = 0.5f;
	run(names[_i], &p, TOKENS, &other);
	ck_assert(!same_last(&want, &other));
	free(other.logits);
	p.speculation = "off";
	p.sample = 0;
	run(names[_i], &p, TOKENS, &other);
	ck_assert(!same_last(&want, &other));
	ck_assert_uint_eq(other.ops_skipped, 0);
	free(other.logits);
	free(got.logits);
	free(want.logits);
}
END_TEST

static void fails(const char *name, const struct ctrans_model_params *p, int want,
		  const char *word)
{
	struct ctrans_model *model;

	ck_assert_int_eq(ctrans_model_open(path(name), p, &model), want);
	ck_assert_msg(strstr(ctrans_message(), word), "%s", ctrans_message());
}

START_TEST(errors)
{
	struct ctrans_model_params p = params("exact", 0);

	fails("", &p, -ENOTSUP, "ReLU");
	p = params("sampled", 0);
	fails("", &p, -EINVAL, "calibration");
	p = params("guess", 0);
	fails("", &p, -EINVAL, "off, exact and sampled");
	p = params("sampled", 1);
	fails("", &p, -EINVAL, "sample is 1");
	p = params("sampled", -0.5f);
	fails("", &p, -EINVAL, "sample is -0.5");
	p = params("exact", __builtin_nanf(""));
	fails("/little", &p, -EINVAL, "sample is");
	p = params("exact", 0);
	p.flags |= CTRANS_MODEL_F32;
	fails("/little", &p, -EINVAL, "CTRANS_MODEL_F32");
}
END_TEST

/* A policy that answers with a code of its own cannot have a layer that speculates. */
static int stubborn(void *arg, const struct ctrans_layer_profile *profile,
		    const struct ctrans_chip_costs *costs,
		    const struct ctrans_dispatch_goal *goal, struct ctrans_dispatch *out)
{
	(void)arg;
	(void)profile;
	(void)costs;
	(void)goal;
	out->code = CTRANS_SPIKES_NAF;
	out->flip = 0;
	return 0;
}

START_TEST(other_code)
{
	const struct ctrans_policy policy = { .size = sizeof(policy), .name = "stubborn",
					      .linear = stubborn };
	struct ctrans_model_params p = params("exact", 0);

	p.dispatch = &policy;
	fails("/little", &p, -EINVAL, "stubborn");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("speculated");
	TCase *t = tcase_create("speculated");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 100);
	tcase_add_test(t, exact);
	tcase_add_test(t, compressed);
	tcase_add_loop_test(t, sampled, 0, 2);
	tcase_add_test(t, errors);
	tcase_add_test(t, other_code);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
