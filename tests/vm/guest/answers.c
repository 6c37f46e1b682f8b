// SPDX-License-Identifier: MIT
#include "answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "guest.h"

static const struct {
	const char *prompt;
	float temperature;
	uint64_t seed;
} asks[ANSWERS] = {
	{ "Once upon a time", 0.0f, 0 },
	{ "The little robot looked at the sea and", 0.8f, 7 },
	{ "One day", 1.0f, 3 },
	{ "Once upon a time there was a dog who wanted to learn how to sing. Every "
	  "morning it went to the old tree behind the house, and every morning the "
	  "birds laughed. But then", 0.0f, 0 },
};

const char *demo_model(void)
{
	const char *source = getenv("CTRANS_SOURCE");
	static char path[512];

	snprintf(path, sizeof(path), "%s/models/demo", source ? source : ".");
	return path;
}

int open_on(const char *device, const char *path, const char *kv,
	    struct ctrans_model **model)
{
	struct ctrans_model_params p;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = device;
	p.kv = kv;
	return ctrans_model_open(path, &p, model);
}

const char *answer_prompt(unsigned int i)
{
	return asks[i].prompt;
}

void answer_params(unsigned int i, struct ctrans_generate_params *p)
{
	ctrans_generate_params_init(p, sizeof(*p));
	p->max_tokens = ANSWER_TOKENS;
	p->temperature = asks[i].temperature;
	p->seed = asks[i].seed;
}

int answer_on(struct ctrans_model *model, unsigned int i, struct answer *a)
{
	struct ctrans_generate_params p;
	struct ctrans_result *r;
	int ret;

	answer_params(i, &p);
	ret = ctrans_generate(model, asks[i].prompt, &p, &r);
	if (ret)
		return ret;
	a->n = r->n_tokens;
	memcpy(a->token, r->tokens, a->n * sizeof(*a->token));
	ctrans_result_free(r);
	return 0;
}

bool same_answer(const struct answer *a, const struct answer *b)
{
	return a->n == b->n && !memcmp(a->token, b->token, a->n * sizeof(*a->token));
}

/*
 * The chip model is slow in an emulated machine, and each test is a process of
 * its own: the first that asks for the demo's answers leaves them to the others.
 */
static struct {
	bool known;
	struct answer answer[ANSWERS];
} *demo_answers;

static void __attribute__((constructor)) share_answers(void)
{
	demo_answers = mmap(NULL, sizeof(*demo_answers), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

void expected_answers(const char *path, const char *kv, struct answer *a)
{
	bool is_demo = !kv && !strcmp(path, demo_model());
	struct ctrans_model *model;

	must(demo_answers != MAP_FAILED);
	if (is_demo && demo_answers->known) {
		memcpy(a, demo_answers->answer, sizeof(demo_answers->answer));
		return;
	}
	must(!open_on("sim", path, kv, &model));
	for (unsigned int i = 0; i < ANSWERS; i++)
		must(!answer_on(model, i, &a[i]) && a[i].n > 0);
	ctrans_model_close(model);
	if (!is_demo)
		return;
	memcpy(demo_answers->answer, a, sizeof(demo_answers->answer));
	demo_answers->known = true;
}

void check_answers(struct ctrans_model *model, const struct answer *expected,
		   const char *what)
{
	unsigned int same = 0;
	struct answer a;

	for (unsigned int i = 0; i < ANSWERS; i++) {
		int ret = answer_on(model, i, &a);

		if (ret)
			guest_note("%s: request %u: %s", what, i, ctrans_message());
		same += !ret && same_answer(&a, &expected[i]);
	}
	is(same, ANSWERS, "%s", what);
}
