/* SPDX-License-Identifier: MIT */
/*
 * What the parts of ctrans bench share. bench_text.c measures models that go on with
 * a text, bench_source.c those that read a source; bench_report.c prints the former.
 */
#ifndef CTRANS_TOOL_BENCH_H
#define CTRANS_TOOL_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "bench_callers.h"
#include "ctrans.h"
#include "probe.h"

extern struct bench_options {
	const char *shape;
	uint32_t prompt, gen, depth, batch, beams, callers, reps;
	bool prompt_given, gen_given, beams_given, json;
} bench_options;

struct bench {
	struct ctrans_model *model;
	struct ctrans_model_info info;
	struct ctrans_session **sessions;	/* [batch] */
	float **logits;		/* [batch] */
	uint32_t *tokens;	/* room for a prompt, the depth, or the batch */
	uint32_t random;	/* state of the token generator */
	struct probe *probe;
	struct callers callers;
	/* seconds until the model was open, and from there to the first logits */
	double load, first;
	/* a figure for each repetition, NULL where there is none of the kind */
	double *prefill_tps, *decode_tps, *bandwidth, *fairness, *outside;
	double decode_joule;	/* of all repetitions */
	double rss_mib;
	/* of models that read a source; see bench_source.c */
	double *encode_ms, *steps, *sentences;
	double step_bytes;
};

/* Any tokens do: the same ones always. */
void bench_fill_tokens(struct bench *b, uint32_t *tokens, uint32_t n, uint32_t vocab);
/* One token more in each session, @n times. */
int bench_decode(struct bench *b, uint32_t n);
/* Tokens a second of all sessions, each of which ran so many since @start. */
double bench_rate(uint32_t tokens, uint64_t start);
/* So far; NaN where the system does not say. */
double bench_peak_mib(void);
/* Of all repetitions; NaN if nothing was measured. Leaves the figures in their order. */
double bench_median(const double *figures);

/* 0, or a negative errno of the library. */
int bench_text(struct bench *b);
/* Exit statuses. */
int bench_text_json(const struct bench *b, const char *path);
int bench_text_print(const struct bench *b, const char *path);

/* The same of a model that has an encoder. */
int bench_source(struct bench *b);
int bench_source_json(const struct bench *b, const char *path);
int bench_source_print(const struct bench *b, const char *path);
/* The line "what value unit", with a dash for NaN. */
void bench_line(const char *what, double value, const char *unit);

#endif
