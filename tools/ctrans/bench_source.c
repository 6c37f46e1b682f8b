// SPDX-License-Identifier: MIT
/*
 * How fast a model with an encoder reads sources and writes texts after them: one
 * token for each of some texts at a time, whatever the token, as models are timed
 * that go on with a text; and one text of a beam search, as it is used.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "bench.h"
#include "cli.h"
#include "report.h"
#include "terminal.h"

/* A source for each session: milliseconds that one took. */
static int read_sources(struct bench *b, double *ms)
{
	uint64_t start = now_ns();

	for (uint32_t s = 0; s < bench_options.batch; s++) {
		int ret;

		bench_fill_tokens(b, b->tokens, bench_options.prompt,
				  b->info.encoder_vocab);
		ret = ctrans_session_read(b->sessions[s], b->tokens,
					  bench_options.prompt);
		if (ret)
			return ret;
		if (interrupted())
			return -ECANCELED;
	}
	*ms = (double)(now_ns() - start) * 1e-6 / bench_options.batch;
	return 0;
}

/* Bytes that steps so far took from the chip's memory. */
static int bytes_external(struct bench *b, double *bytes)
{
	struct ctrans_usage u;
	int ret = ctrans_session_usage(b->sessions[0], &u, sizeof(u));

	if (!ret)
		*bytes = (double)u.prefill.bytes_external;
	return ret;
}

static int time_texts(struct bench *b, double *tps)
{
	double before, after;
	uint64_t start;
	int ret;

	ret = bytes_external(b, &before);
	start = now_ns();
	if (!ret)
		ret = bench_decode(b, bench_options.gen);
	*tps = bench_rate(bench_options.gen, start);
	if (!ret)
		ret = bytes_external(b, &after);
	/* each sequence's share of the weights, which all read once */
	if (!ret)
		b->step_bytes = (after - before) / bench_options.gen *
				bench_options.batch;
	return ret;
}

/* Steps a second after the first one, and whole texts with their sources. */
static int time_beams(struct bench *b, double *steps, double *sentences)
{
	struct ctrans_generate_params p;
	struct ctrans_result *result;
	const struct ctrans_usage *u;
	uint64_t start;
	int ret;

	ctrans_generate_params_init(&p, sizeof(p));
	bench_fill_tokens(b, b->tokens, bench_options.prompt, b->info.encoder_vocab);
	p.prompt_tokens = b->tokens;
	p.n_prompt_tokens = bench_options.prompt;
	p.max_tokens = bench_options.gen;
	p.beams = bench_options.beams;
	p.ignore_eos = 1;
	start = now_ns();
	ret = ctrans_session_generate(b->sessions[0], NULL, &p, &result);
	*sentences = 1e9 / (double)(now_ns() - start);
	if (ret)
		return ret;
	u = &result->usage;
	*steps = u->passes > 1 ? 1e9 * (u->passes - 1) / (double)u->decode_ns : NAN;
	ctrans_result_free(result);
	return interrupted() ? -ECANCELED : 0;
}

/* @rep < 0: the round that does not count. */
static int round_of(struct bench *b, int rep)
{
	uint64_t start = now_ns();
	double ms, tps, steps = NAN, sentences = NAN;
	int ret;

	ret = read_sources(b, &ms);
	if (!ret)
		ret = time_texts(b, &tps);
	if (!ret && rep < 0)
		b->first = (double)(now_ns() - start) * 1e-9;
	if (!ret && bench_options.beams > 1)
		ret = time_beams(b, &steps, &sentences);
	if (ret || rep < 0)
		return ret;
	b->encode_ms[rep] = ms;
	b->decode_tps[rep] = tps;
	b->steps[rep] = steps;
	b->sentences[rep] = sentences;
	return 0;
}

int bench_source(struct bench *b)
{
	int ret;

	for (uint32_t s = 0; s < bench_options.batch; s++) {
		ret = ctrans_session_open(b->model, &b->sessions[s]);
		if (ret)
			return ret;
	}
	ret = round_of(b, -1);
	if (ret || !bench_options.reps)
		return ret;
	b->rss_mib = bench_peak_mib();
	if (b->info.device.is_model)
		b->probe = probe_open(b->info.device.threads);
	for (uint32_t r = 0; r < bench_options.reps; r++) {
		progress_show("Measuring", r, bench_options.reps, NULL);
		b->bandwidth[r] = b->probe ? probe_run(b->probe) : NAN;
		ret = round_of(b, (int)r);
		if (ret)
			return ret;
	}
	return 0;
}

static double bound(const struct bench *b)
{
	return bench_median(b->bandwidth) / b->step_bytes;
}

int bench_source_json(const struct bench *b, const char *path)
{
	cJSON *object = json_object();

	json_add_string(object, "model", path);
	json_add_count(object, "prompt", bench_options.prompt);
	json_add_count(object, "gen", bench_options.gen);
	json_add_count(object, "batch", bench_options.batch);
	json_add_count(object, "beams", bench_options.beams);
	json_add_count(object, "threads", b->info.device.threads);
	json_add_count(object, "reps", bench_options.reps);
	json_add_number(object, "encode_ms", bench_median(b->encode_ms));
	json_add_number(object, "decode_tps", bench_median(b->decode_tps));
	json_add_number(object, "beam_steps_per_second", bench_median(b->steps));
	json_add_number(object, "sentences_per_second", bench_median(b->sentences));
	json_add_number(object, "bound_steps_per_second", bound(b));
	json_add_number(object, "bytes_per_step", b->step_bytes);
	json_add_number(object, "bandwidth_bytes_per_second",
			bench_median(b->bandwidth));
	json_add_number(object, "rss_mib", b->rss_mib);
	json_add_number(object, "load_seconds", b->load);
	json_add_string(object, "policy", b->info.policy);
	json_add_device(object, &b->info.device);
	return json_print(object);
}

int bench_source_print(const struct bench *b, const char *path)
{
	double limit = bound(b), decode = bench_median(b->decode_tps);
	char note[80] = "tokens/s";

	printf("%s on %s\n", path, b->info.device.name);
	printf("source %u, text %u, batch %u, beams %u; median of %u\n\n",
	       bench_options.prompt, bench_options.gen, bench_options.batch,
	       bench_options.beams, bench_options.reps);
	bench_line("load", 1e3 * b->load, "ms");
	bench_line("encode", bench_median(b->encode_ms), "ms a source");
	if (isfinite(decode) && isfinite(limit))
		snprintf(note, sizeof(note), "tokens/s, %.0f %% of the bound",
			 100 * decode / bench_options.batch / limit);
	bench_line("decode", decode, note);
	bench_line("beams", bench_median(b->steps), "steps/s of a beam search");
	bench_line("sentences", bench_median(b->sentences),
		   "texts/s of one, source included");
	snprintf(note, sizeof(note), "steps/s: %.1f GB/s over %.1f MB a step",
		 bench_median(b->bandwidth) * 1e-9, b->step_bytes * 1e-6);
	bench_line("bound", limit, note);
	bench_line("peak RSS", b->rss_mib, "MiB");
	return finish_output();
}
