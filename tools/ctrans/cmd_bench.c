// SPDX-License-Identifier: MIT
/* ctrans bench: how fast, beside how fast this machine's memory allows. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench_callers.h"
#include "cli.h"
#include "model_options.h"
#include "probe.h"
#include "report.h"
#include "terminal.h"

static struct {
	const char *shape;
	uint32_t prompt, gen, depth, batch, callers, reps;
	bool json;
} options = { .prompt = 128, .gen = 64, .batch = 1, .reps = 5 };

static const char *const shapes[] = {
	"gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", NULL,
};

static const char *const weights[] = { "s8", "esc", NULL };

static const struct option_spec specs[] = {
	{ OPTION_CHOICE, 0, "shape", "NAME", &options.shape, .choices = shapes,
	  .help = "instead of a model random weights of gpt2, gpt2-medium, "
		  "gpt2-large or gpt2-xl" },
	{ OPTION_CHOICE, 0, "weights", "KIND", &model_options.weights, .choices = weights,
	  .help = "of a shape: s8, 8 bits each (default), or esc, compressed" },
	{ OPTION_UINT, 0, "prompt", "N", &options.prompt, NULL, 0, 1e6,
	  .help = "tokens of a prompt (default 128)" },
	{ OPTION_UINT, 0, "gen", "N", &options.gen, NULL, 0, 1e6,
	  .help = "tokens to decode (default 64)" },
	{ OPTION_UINT, 0, "depth", "N", &options.depth, NULL, 0, 1e6,
	  .help = "tokens in the context before either begins (default 0)" },
	{ OPTION_UINT, 0, "batch", "N", &options.batch, NULL, 1, 256,
	  .help = "sequences, which share one pass over the weights (default 1)" },
	{ OPTION_UINT, 0, "callers", "N", &options.callers, NULL, 1, 256,
	  .help = "instead of --batch: threads, each with a session, which the "
		  "library brings together" },
	{ OPTION_UINT, 0, "reps", "N", &options.reps, NULL, 0, 1000,
	  .help = "repetitions, of which the median counts (default 5); 0: "
		  "nothing but the round before them" },
	{ OPTION_FLAG, 0, "json", NULL, &options.json,
	  .help = "one JSON object on standard output" },
	{ OPTION_END },
};

static const struct option_group groups[] = {
	{ "What to measure", specs },
	{ "Messages", message_option_specs },
	{ "Device", device_option_specs },
	{ "Loading", cache_option_specs },
	{ "Dispatch", dispatch_option_specs },
	{ NULL, NULL },
};

static int run(int argc, char **argv);

const struct command command_bench = {
	.name = "bench",
	.summary = "tokens a second on this machine, beside its memory bound",
	.synopsis = "MODEL | --shape NAME [OPTION...]",
	.about =
	"Measure tokens a second of prompts (prefill) and of new text (decode), after\n"
	"one round that does not count. Beside them stands the bound: the rate at which\n"
	"this machine's memory, measured in the same run, yields the weights and the\n"
	"keys and values that a token takes; a chip's memory is not this program's to\n"
	"measure, and has none. What is outside the device is the library's\n"
	"part of a decoding step: all but the time from doorbell to completion.",
	.examples =
	"  ctrans bench --shape gpt2 --threads 2\n"
	"  ctrans bench models/demo --depth 128 --batch 8 --json",
	.takes_model = true,
	.groups = groups,
	.run = run,
};

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
	/* a figure for each repetition */
	double *prefill_tps, *decode_tps, *bandwidth, *fairness, *outside;
	double decode_joule;	/* of all repetitions */
	double rss_mib;
};

/* Any tokens do; Numerical Recipes' generator gives the same ones always. */
static uint32_t next_token(struct bench *b)
{
	b->random = b->random * 1664525u + 1013904223u;
	return (b->random >> 8) % b->info.vocab;
}

static void fill_tokens(struct bench *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		b->tokens[i] = next_token(b);
}

/* @n tokens more in each sequence; the last one's logits, as a prompt's are. */
static int prefill(struct bench *b, uint32_t n)
{
	for (uint32_t s = 0; n && s < options.batch; s++) {
		int ret;

		fill_tokens(b, n);
		ret = ctrans_session_eval(b->sessions[s], b->tokens, n,
					  b->logits[s]);
		if (ret)
			return ret;
		if (interrupted())
			return -ECANCELED;
	}
	return 0;
}

static int decode(struct bench *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		int ret;

		fill_tokens(b, options.batch);
		if (options.batch == 1)
			ret = ctrans_session_eval(b->sessions[0], b->tokens, 1,
						  b->logits[0]);
		else
			ret = ctrans_batch_eval(b->sessions, b->tokens,
						options.batch, b->logits);
		if (ret)
			return ret;
		if (interrupted())
			return -ECANCELED;
	}
	return 0;
}

static int rewind_sessions(struct bench *b, uint32_t position)
{
	for (uint32_t s = 0; s < options.batch; s++) {
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
	for (uint32_t s = 0; s < options.batch; s++) {
		struct ctrans_usage u;
		int ret = ctrans_session_usage(b->sessions[s], &u, sizeof(u));

		if (ret)
			return ret;
		sum->joule += cost_joule(&u.prefill) + cost_joule(&u.decode);
		sum->device_ns += u.prefill_device_ns + u.decode_device_ns;
	}
	return 0;
}

static double rate(uint32_t tokens, uint64_t start)
{
	double seconds = (double)(now_ns() - start) * 1e-9;

	return (double)tokens * options.batch / seconds;
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
		*tps = (double)calls * n * options.batch / seconds;
	return ret;
}

static int time_prefill(struct bench *b, double *tps)
{
	uint64_t start = now_ns();
	double fairness;
	int ret;

	if (options.callers)
		return time_callers(b, 1, options.prompt, tps, &fairness);
	ret = prefill(b, options.prompt);
	*tps = rate(options.prompt, start);
	return ret;
}

static int time_decode(struct bench *b, double *tps, double *fairness)
{
	uint64_t start = now_ns();
	int ret;

	if (options.callers)
		return time_callers(b, options.gen, 1, tps, fairness);
	ret = decode(b, options.gen);
	*tps = rate(options.gen, start);
	return ret;
}

/* Percent of the time that decoding took in which no job was with the device. */
static double outside(double decode_tps, uint64_t device_ns)
{
	double seconds = (double)options.gen * options.batch / decode_tps;

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
		ret = rewind_sessions(b, options.depth);
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
		ret = rewind_sessions(b, options.depth);
	return ret;
}

static double peak_rss_mib(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) ? NAN :
	       (double)usage.ru_maxrss / 1024;
}

static int measure(struct bench *b)
{
	int ret;

	for (uint32_t s = 0; s < options.batch; s++) {
		ret = ctrans_session_open(b->model, &b->sessions[s]);
		if (ret)
			return ret;
	}
	ret = prefill(b, options.depth);
	if (!ret)
		ret = round_of(b, -1);
	if (ret)
		return ret;
	/* The probe's buffer is not the model's memory. */
	b->rss_mib = peak_rss_mib();
	if (!options.reps)
		return 0;
	/* what this process gets of the memory bounds nothing but the chip model */
	if (b->info.device.is_model)
		b->probe = probe_open(b->info.device.threads);
	for (uint32_t r = 0; r < options.reps; r++) {
		progress_show("Measuring", r, options.reps, NULL);
		/* Memory's speed wanders: once beside each repetition. */
		b->bandwidth[r] = b->probe ? probe_run(b->probe) : NAN;
		ret = round_of(b, (int)r);
		if (ret)
			return ret;
	}
	return 0;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* NaN if nothing was measured. Leaves the figures in their order. */
static double median(const double *figures)
{
	uint32_t n = options.reps;
	double *sorted, m;

	if (!n)
		return NAN;
	sorted = malloc(n * sizeof(*sorted));
	if (!sorted)
		return NAN;
	memcpy(sorted, figures, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), ascending);
	m = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
	free(sorted);
	return m > 0 ? m : NAN;
}

/*
 * What one decode step reads: the weights once, and each sequence's keys and
 * values, in 16 bits, at the middle of the positions it went through.
 */
static double bytes_per_step(const struct bench *b)
{
	const struct ctrans_model_info *i = &b->info;
	double position = options.depth + options.gen / 2.0;
	double value = model_options.f32 ? 4 : 2;

	return (double)i->chip_bytes + (double)options.batch * position *
	       2 * value * i->layers * i->width;
}

struct figures {
	double prefill, decode, fairness, outside, bound, bandwidth, joule;
};

static void summarise(const struct bench *b, struct figures *f)
{
	f->prefill = options.prompt ? median(b->prefill_tps) : NAN;
	f->decode = options.gen ? median(b->decode_tps) : NAN;
	f->fairness = options.callers && options.gen ? median(b->fairness) : NAN;
	f->outside = options.gen ? median(b->outside) : NAN;
	f->bandwidth = median(b->bandwidth);
	f->bound = f->bandwidth / bytes_per_step(b) * options.batch;
	f->joule = options.shape || !options.gen || !options.reps ? NAN : b->decode_joule /
		((double)options.reps * options.gen * options.batch);
}

static void add_all(cJSON *object, const char *key, const double *figures,
		    bool measured)
{
	cJSON *array = json_add_array(object, key);

	for (uint32_t r = 0; measured && r < options.reps; r++)
		json_append_number(array, figures[r]);
}

static int print_json(const struct bench *b, const char *path)
{
	cJSON *object = json_object();
	struct figures f;

	summarise(b, &f);
	json_add_string(object, "model", path);
	json_add_count(object, "prompt", options.prompt);
	json_add_count(object, "gen", options.gen);
	json_add_count(object, "depth", options.depth);
	json_add_count(object, "batch", options.batch);
	json_add_count(object, "threads", b->info.device.threads);
	json_add_count(object, "reps", options.reps);
	json_add_number(object, "prefill_tps", f.prefill);
	json_add_number(object, "decode_tps", f.decode);
	json_add_number(object, "bound_tps", f.bound);
	json_add_number(object, "rss_mib", b->rss_mib);
	json_add_number(object, "energy_uj_per_token", 1e6 * f.joule);
	json_add_bool(object, "energy_meaningful", !options.shape);
	json_add_number(object, "bandwidth_bytes_per_second", f.bandwidth);
	json_add_number(object, "bytes_per_step", bytes_per_step(b));
	json_add_number(object, "load_seconds", b->load);
	json_add_number(object, "first_seconds", b->first);
	json_add_count(object, "callers", options.callers);
	json_add_number(object, "fairness", f.fairness);
	json_add_number(object, "outside_device_percent", f.outside);
	add_all(object, "all_prefill_tps", b->prefill_tps, options.prompt);
	add_all(object, "all_decode_tps", b->decode_tps, options.gen);
	json_add_string(object, "policy", b->info.policy);
	json_add_device(object, &b->info.device);
	return json_print(object);
}

static void line(const char *what, double value, const char *unit)
{
	if (isfinite(value))
		printf("%-10s %10.1f %s\n", what, value, unit);
	else
		printf("%-10s %10s\n", what, "-");
}

static int print_text(const struct bench *b, const char *path)
{
	const struct ctrans_device_info *d = &b->info.device;
	char energy[24], note[64] = "tokens/s";
	struct figures f;

	summarise(b, &f);
	printf("%s on %s\n", path, d->name);
	printf("prompt %u, decode %u, at depth %u, %s %u; median of %u\n\n",
	       options.prompt, options.gen, options.depth,
	       options.callers ? "callers" : "batch", options.batch,
	       options.reps);
	line("load", 1e3 * b->load, "ms");
	line("first", options.prompt ? 1e3 * b->first : NAN,
	     "ms for a prompt, just after it");
	line("prefill", f.prefill, "tokens/s");
	if (isfinite(f.decode) && isfinite(f.bound))
		snprintf(note, sizeof(note), "tokens/s, %.0f %% of the bound",
			 100 * f.decode / f.bound);
	line("decode", f.decode, note);
	if (isfinite(f.fairness))
		printf("%-10s %10.2f the first caller's time over the last's\n",
		       "fairness", f.fairness);
	snprintf(note, sizeof(note), "tokens/s: %.1f GB/s over %.1f MB a step",
		 f.bandwidth * 1e-9, bytes_per_step(b) * 1e-6);
	line("bound", f.bound, note);
	if (isfinite(f.outside))
		printf("%-10s %10.2f %% of a decoding step is not the device's time\n",
		       "outside", f.outside);
	line("peak RSS", b->rss_mib, "MiB");
	if (isfinite(f.joule)) {
		show_energy(energy, sizeof(energy), f.joule);
		printf("%-10s %10s a token, decoding (modelled)\n", "energy", energy);
	} else if (options.shape) {
		printf("%-10s %10s not meaningful: the weights are random\n",
		       "energy", "-");
	}
	return finish_output();
}

static void free_bench(struct bench *b)
{
	for (uint32_t s = 0; s < options.batch; s++) {
		if (b->sessions)
			ctrans_session_close(b->sessions[s]);
		if (b->logits)
			free(b->logits[s]);
	}
	free(b->sessions);
	free(b->logits);
	free(b->tokens);
	free(b->prefill_tps);
	free(b->decode_tps);
	free(b->bandwidth);
	free(b->fairness);
	free(b->outside);
	probe_close(b->probe);
	ctrans_model_close(b->model);
}

static bool allocate(struct bench *b)
{
	uint32_t n = options.depth > options.prompt ? options.depth :
						      options.prompt;

	n = n > options.batch ? n : options.batch;
	b->tokens = calloc(n, sizeof(*b->tokens));
	b->sessions = calloc(options.batch, sizeof(struct ctrans_session *));
	b->logits = calloc(options.batch, sizeof(*b->logits));
	/* one more: with none to come, calloc() may answer NULL */
	b->prefill_tps = calloc(options.reps + 1, sizeof(double));
	b->decode_tps = calloc(options.reps + 1, sizeof(double));
	b->bandwidth = calloc(options.reps + 1, sizeof(double));
	b->fairness = calloc(options.reps + 1, sizeof(double));
	b->outside = calloc(options.reps + 1, sizeof(double));
	if (!b->tokens || !b->sessions || !b->logits || !b->prefill_tps ||
	    !b->decode_tps || !b->bandwidth || !b->fairness ||
	    !b->outside)
		return false;
	for (uint32_t s = 0; s < options.batch; s++) {
		b->logits[s] = calloc(b->info.vocab, sizeof(float));
		if (!b->logits[s])
			return false;
	}
	b->callers = (struct callers){
		.sessions = b->sessions, .logits = b->logits,
		.n = options.batch, .vocab = b->info.vocab, .random = 2,
	};
	return true;
}

static int run(int argc, char **argv)
{
	struct bench b = { .random = 1 };
	const char *path;
	char shape[32];
	uint64_t start;
	int ret, status;

	if (!options_parse(&command_bench, argc, argv, &path, &status))
		return status;
	if (!path == !options.shape)
		return usage_error(&command_bench, path ?
			"MODEL and --shape exclude each other" :
			"MODEL is missing (or --shape NAME)");
	if (!options.prompt && !options.gen)
		return usage_error(&command_bench,
			"--prompt 0 and --gen 0 leave nothing to measure");
	if (options.callers && options.batch != 1)
		return usage_error(&command_bench,
			"--batch and --callers exclude each other");
	/* either way so many sequences at once */
	if (options.callers)
		options.batch = options.callers;
	if (options.shape) {
		snprintf(shape, sizeof(shape), "shape:%s", options.shape);
		path = shape;
	}
	catch_interrupt();
	if (options.json)
		progress_off();
	/* No more room than is used, as a server of such requests would have. */
	model_options.context = options.depth + (options.prompt > options.gen ?
						 options.prompt : options.gen);
	start = now_ns();
	/* every token that is counted is run */
	status = model_load(&command_bench, path, CTRANS_MODEL_NO_SHARING,
			    &b.model);
	b.load = (double)(now_ns() - start) * 1e-9;
	if (status == EXIT_USAGE)
		fprintf(stderr, "hint: the context needed is --depth and the larger of --prompt and --gen\n");
	if (status)
		return status;
	ret = ctrans_model_info(b.model, &b.info, sizeof(b.info));
	if (!ret && !allocate(&b)) {
		status = fail(EXIT_MEMORY, "out of memory");
		goto out;
	}
	if (!ret)
		ret = measure(&b);
	progress_clear();
	if (ret && b.callers.message[0] && ret != -ECANCELED)
		status = fail(EXIT_FAILED, "%s", b.callers.message);
	else if (ret)
		status = fail_library(ret, EXIT_FAILED);
	else
		status = options.json ? print_json(&b, path) : print_text(&b, path);
out:
	free_bench(&b);
	return status;
}
