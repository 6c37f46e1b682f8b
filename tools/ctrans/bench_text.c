// SPDX-License-Identifier: MIT
/* How fast a model goes on with texts. */
#include "bench.h"

#include <errno.h>
#include <math.h>
#include <sys/resource.h>

#include "cli.h"
#include "report.h"
#include "terminal.h"

/* Numerical Recipes' generator. */
void bench_fill_tokens(struct bench *b, uint32_t *tokens, uint32_t n, uint32_t vocab)
{
	for (uint32_t i = 0; i < n; i++) {
		b->random = b->random * 1664525u + 1013904223u;
		tokens[i] = (b->random >> 8) % vocab;
	}
}

/* @n tokens more in each sequence; the last one's logits, as a prompt's are. */
static int prefill(struct bench *b, uint32_t n)
{
	for (uint32_t s = 0; n && s < bench_options.batch; s++) {
		int ret;

		bench_fill_tokens(b, b->tokens, n, b->info.vocab);
		ret = ctrans_session_eval(b->sessions[s], b->tokens, n,
					  b->logits[s]);
		if (ret)
			return ret;
		if (interrupted())
			return -ECANCELED;
	}
	return 0;
}

int bench_decode(struct bench *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		int ret;

		bench_fill_tokens(b, b->tokens, bench_options.batch, b->info.vocab);
		if (bench_options.batch == 1)
			ret = ctrans_session_eval(b->sessions[0], b->tokens, 1,
						  b->logits[0]);
		else
			ret = ctrans_batch_eval(b->sessions, b->tokens,
						bench_options.batch, b->logits);
		if (ret)
			return ret;
		if (interrupted())
			return -ECANCELED;
	}
	return 0;
}

static int rewind_sessions(struct bench *b, uint32_t position)
{
	for (uint32_t s = 0; s < bench_options.batch; s++) {
		int ret = ctrans_session_truncate(b->sessions[s], position);

		if (ret)
			return ret;
	}
	return 0;
}

struct spent {
	double joule;
	uint64_t device_ns;
};

/* What all sequences have cost so far. */
static int spent(struct bench *b, struct spent *sum)
{
	*sum = (struct spent){ 0 };
	for (uint32_t s = 0; s < bench_options.batch; s++) {
		struct ctrans_usage u;
		int ret = ctrans_session_usage(b->sessions[s], &u, sizeof(u));

		if (ret)
			return ret;
		sum->joule += cost_joule(&u.prefill) + cost_joule(&u.decode);
		sum->device_ns += u.prefill_device_ns + u.decode_device_ns;
	}
	return 0;
}

double bench_rate(uint32_t tokens, uint64_t start)
{
	double seconds = (double)(now_ns() - start) * 1e-9;

	return (double)tokens * bench_options.batch / seconds;
}

/* @calls of @n tokens each in every caller's thread. */
static int time_callers(struct bench *b, uint32_t calls, uint32_t n,
			double *tps, double *fairness)
{
	double seconds;
	int ret;

	if (!calls || !n)
		return 0;
	ret = callers_run(&b->callers, calls, n, &seconds, fairness);
	if (!ret)
		*tps = (double)calls * n * bench_options.batch / seconds;
	return ret;
}

static int time_prefill(struct bench *b, double *tps)
{
	uint64_t start = now_ns();
	double fairness;
	int ret;

	if (bench_options.callers)
		return time_callers(b, 1, bench_options.prompt, tps, &fairness);
	ret = prefill(b, bench_options.prompt);
	*tps = bench_rate(bench_options.prompt, start);
	return ret;
}

static int time_decode(struct bench *b, double *tps, double *fairness)
{
	uint64_t start = now_ns();
	int ret;

	if (bench_options.callers)
		return time_callers(b, bench_options.gen, 1, tps, fairness);
	ret = bench_decode(b, bench_options.gen);
	*tps = bench_rate(bench_options.gen, start);
	return ret;
}

/* Percent of the time that decoding took in which no job was with the device. */
static double outside(double decode_tps, uint64_t device_ns)
{
	double seconds = (double)bench_options.gen * bench_options.batch / decode_tps;

	return 100 * (1 - (double)device_ns * 1e-9 / seconds);
}

/* @rep < 0: the round that does not count. */
static int round_of(struct bench *b, int rep)
{
	double tps = NAN, fairness = NAN;
	struct spent before, after;
	uint64_t start = now_ns();
	int ret;

	ret = time_prefill(b, &tps);
	if (!ret && rep < 0)
		b->first = (double)(now_ns() - start) * 1e-9;
	if (!ret && rep >= 0)
		b->prefill_tps[rep] = tps;
	if (!ret)
		ret = rewind_sessions(b, bench_options.depth);
	if (!ret)
		ret = spent(b, &before);
	if (ret)
		return ret;

	ret = time_decode(b, &tps, &fairness);
	if (!ret)
		ret = spent(b, &after);
	if (!ret && rep >= 0) {
		b->decode_tps[rep] = tps;
		b->fairness[rep] = fairness;
		b->outside[rep] = outside(tps, after.device_ns - before.device_ns);
		b->decode_joule += after.joule - before.joule;
	}
	if (!ret)
		ret = rewind_sessions(b, bench_options.depth);
	return ret;
}

double bench_peak_mib(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) ? NAN :
	       (double)usage.ru_maxrss / 1024;
}

int bench_text(struct bench *b)
{
	int ret;

	for (uint32_t s = 0; s < bench_options.batch; s++) {
		ret = ctrans_session_open(b->model, &b->sessions[s]);
		if (ret)
			return ret;
	}
	ret = prefill(b, bench_options.depth);
	if (!ret)
		ret = round_of(b, -1);
	if (ret)
		return ret;
	/* The probe's buffer is not the model's memory. */
	b->rss_mib = bench_peak_mib();
	if (!bench_options.reps)
		return 0;
	/* what this process gets of the memory bounds nothing but the chip model */
	if (b->info.device.is_model)
		b->probe = probe_open(b->info.device.threads);
	for (uint32_t r = 0; r < bench_options.reps; r++) {
		progress_show("Measuring", r, bench_options.reps, NULL);
		/* Memory's speed wanders: once beside each repetition. */
		b->bandwidth[r] = b->probe ? probe_run(b->probe) : NAN;
		ret = round_of(b, (int)r);
		if (ret)
			return ret;
	}
	return 0;
}
