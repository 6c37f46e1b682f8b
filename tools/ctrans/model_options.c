// SPDX-License-Identifier: MIT
#include "model_options.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "input.h"
#include "terminal.h"

struct model_options model_options;

static const char *const policies[] = { "dnn", "snn", "static", "tile", "fine",
					"cdnn", "all", NULL };
static const char *const codes[] = { "radix", "rate", "naf", NULL };
static const char *const speculations[] = { "off", "exact", "sampled", NULL };
static const char *const objectives[] = { "energy", "latency", "edp", NULL };
static const char *const kvs[] = { "f16", "s8", NULL };

const struct option_spec device_option_specs[] = {
	{ OPTION_TEXT, 'd', "device", "NAME", &model_options.device,
	  .help = "where to run: \"sim\", the chip model, with options as in "
		  "sim:threads=2,opp=4 or sim:cpus=0-1; or \"accel:0\", the chip at "
		  "/dev/accel/accel0 (default: the first chip found, else sim)" },
	{ OPTION_UINT, 't', "threads", "N", &model_options.threads,
	  &model_options.threads_given, 1, 256,
	  .help = "threads of the chip model (default: as many as CPUs that "
		  "it may use)" },
	{ OPTION_TEXT, 0, "kernel", "NAME", &model_options.kernel,
	  .help = "arithmetic of the chip model: auto, reference (every spike "
		  "executed, slow), generic, avx2, avx512, neon ...; all give "
		  "the same bits" },
	{ OPTION_UINT, 0, "opp", "N", &model_options.opp,
	  &model_options.opp_given, 0, 4,
	  .help = "operating point of the chip model, 0 (0.7 V, 50 MHz) to 4 "
		  "(1.1 V, 200 MHz; default 2)" },
	{ OPTION_END },
};

const struct option_spec dispatch_option_specs[] = {
	{ OPTION_CHOICE, 0, "policy", "P", &model_options.policy, .choices = policies,
	  .help = "dnn (all dense), snn (all spiking), or where it costs less: "
		  "static (each layer), tile (each 64 inputs), fine or cdnn (each "
		  "value; default); never changes a token; all (eval): tables of "
		  "each" },
	{ OPTION_CHOICE, 0, "code", "C", &model_options.code, .choices = codes,
	  .help = "spikes of a value: radix (default; a bit each), naf (a signed "
		  "digit each) or rate" },
	{ OPTION_FLAG, 0, "flip", NULL, &model_options.flip,
	  .help = "send dense spike trains as their complement (radix, rate)" },
	{ OPTION_CHOICE, 0, "objective", "O", &model_options.objective,
	  .choices = objectives,
	  .help = "what policies keep low: energy (default), latency, or edp, their "
		  "product" },
	{ OPTION_DEFAULT, 0, "power-cap", "W", &model_options.power_cap,
	  .help = "chip model: the fastest operating point that decodes below this "
		  "many watts, modelled (0.4 without a value)" },
	{ OPTION_FLOAT, 0, "deadline", "MS", &model_options.deadline,
	  &model_options.deadline_given, 0.001, 1e9,
	  .help = "chip model: the operating point of least energy that decodes a "
		  "token in this many milliseconds, modelled" },
	{ OPTION_CHOICE, 0, "speculate", "HOW", &model_options.speculate,
	  .choices = speculations,
	  .help = "output spike speculation: off (default), exact (ReLU models: what "
		  "stays at zero is not finished, no result changes) or sampled "
		  "(lossy: spikes of some timesteps are drawn; needs fixed thresholds)" },
	{ OPTION_FLOAT, 0, "sample", "S", &model_options.sample,
	  &model_options.sample_given, 0.0078125f, 0.9921875f,
	  .help = "share of the timesteps that --speculate sampled really "
		  "integrates (default 0.407)" },
	{ OPTION_FLOAT, 0, "levels", "X", &model_options.levels,
	  &model_options.levels_given, 1, 32767,
	  .help = "firing threshold: a row's root mean square over X (default 24)" },
	{ OPTION_TEXT, 0, "calibrate", "FILE", &model_options.calibrate,
	  .help = "fixed thresholds for each layer, from running this text once" },
	{ OPTION_CHOICE, 0, "kv", "TYPE", &model_options.kv, .choices = kvs,
	  .help = "keys and values as f16 (default) or s8: half the memory, and "
		  "results a little different" },
	{ OPTION_FLAG, 0, "f32", NULL, &model_options.f32,
	  .help = "nothing quantised, for comparing; four times the memory" },
	{ OPTION_END },
};

const struct option_spec cache_option_specs[] = {
	{ OPTION_DEFAULT, 0, "cache", "DIR", &model_options.cache,
	  .help = "keep the model converted in this directory, and load it from "
		  "there the next time (default: ctrans in $XDG_CACHE_HOME or "
		  "~/.cache)" },
	{ OPTION_END },
};

const struct option_spec message_option_specs[] = {
	{ OPTION_FLAG, 'q', "quiet", NULL, &model_options.quiet,
	  .help = "only errors on standard error" },
	{ OPTION_COUNT, 'v', "verbose", NULL, &model_options.verbose,
	  .help = "say what is found and done; twice: everything" },
	{ OPTION_END },
};

static void log_line(void *arg, enum ctrans_log_level level, const char *line)
{
	static const char *const names[] = {
		[CTRANS_LOG_ERROR] = "error: ", [CTRANS_LOG_WARNING] = "warning: ",
	};

	(void)arg;
	progress_clear();
	fprintf(stderr, "ctrans: %s%s\n", level <= CTRANS_LOG_WARNING ?
		names[level] : "", line);
}

void set_log(void)
{
	enum ctrans_log_level most = CTRANS_LOG_WARNING;

	if (model_options.quiet) {
		/* Errors come back from calls, and are printed then. */
		progress_off();
		return;
	}
	if (model_options.verbose)
		most = model_options.verbose > 1 ? CTRANS_LOG_DEBUG :
						   CTRANS_LOG_INFO;
	ctrans_set_log(log_line, NULL, most);
}

/* Does a device string set an option of the chip model? */
static bool sets(const char *device, const char *option)
{
	const char *p = strchr(device, ':');
	size_t len = strlen(option);

	while (p) {
		p++;
		if (!strncmp(p, option, len) && p[len] == '=')
			return true;
		p = strchr(p, ',');
	}
	return false;
}

static void append(char *to, size_t size, const char *name, const char *value)
{
	size_t len = strlen(to);

	snprintf(to + len, size - len, "%c%s=%s", strchr(to, ':') ? ',' : ':',
		 name, value);
}

/* --threads, --kernel and --opp are the chip model's: they go into its name. */
int device_name(const struct command *command, char *to, size_t size,
		const char **device)
{
	const struct model_options *o = &model_options;
	const char *given = o->device && *o->device ? o->device : NULL;
	char threads[16], opp[16];
	const struct {
		const char *name, *value;
	} parts[] = {
		{ "threads", o->threads_given ? threads : NULL },
		{ "kernel", o->kernel },
		{ "opp", o->opp_given ? opp : NULL },
	};

	*device = given;
	if (!o->threads_given && !o->kernel && !o->opp_given)
		return EXIT_OK;
	snprintf(threads, sizeof(threads), "%u", o->threads);
	snprintf(opp, sizeof(opp), "%u", o->opp);
	snprintf(to, size, "%s", given ? given : "sim");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!parts[i].value)
			continue;
		if (strncmp(to, "sim", 3) || (to[3] && to[3] != ':'))
			return usage_error(command,
				"--%s is the chip model's, and --device %s is not \"sim\"",
				parts[i].name, given);
		if (given && sets(given, parts[i].name))
			return usage_error(command,
				"--device %s says %s already: leave out --%s",
				given, parts[i].name, parts[i].name);
		if (strpbrk(parts[i].value, ",=:") || !*parts[i].value)
			return usage_error(command,
				"--%s takes one name, not \"%s\"",
				parts[i].name, parts[i].value);
		if (strlen(to) + strlen(parts[i].name) +
		    strlen(parts[i].value) + 3 > size)
			return usage_error(command, "--device %s is too long", to);
		append(to, size, parts[i].name, parts[i].value);
	}
	*device = to;
	return EXIT_OK;
}

static int on_progress(void *arg, uint64_t done, uint64_t total)
{
	char note[48];

	(void)arg;
	snprintf(note, sizeof(note), "%.0f of %.0f MB", (double)done / 1e6,
		 (double)total / 1e6);
	/* random weights come from no file, and count something else */
	progress_show("Loading", done, total, total < 1000000 ? NULL : note);
	return interrupted();
}

/* What the parameters of a model point to. */
struct model_params {
	struct ctrans_model_params p;
	struct text calibration;
	char device[256];
	char cache[4096];
};

/* As $XDG_CACHE_HOME's specification has it: relative paths do not count. */
static int compose_cache(char *to, size_t size, const char **cache)
{
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n;

	*cache = model_options.cache;
	if (!*cache || **cache)
		return EXIT_OK;
	if (base && *base == '/')
		n = snprintf(to, size, "%s/ctrans", base);
	else if (home && *home == '/')
		n = snprintf(to, size, "%s/.cache/ctrans", home);
	else
		return fail(EXIT_USAGE,
			"--cache: neither $XDG_CACHE_HOME nor $HOME says where; name a directory, --cache=DIR");
	if (n < 0 || (size_t)n >= size)
		return fail(EXIT_USAGE, "--cache: the directory's name is too long");
	*cache = to;
	return EXIT_OK;
}

/* The chip's own: what its makers name as its power. */
#define POWER_CAP_W	0.4f

static int take_power_cap(const struct command *command, float *watts)
{
	const char *text = model_options.power_cap;
	char *end;

	if (!text)
		return EXIT_OK;
	*watts = POWER_CAP_W;
	if (!*text)
		return EXIT_OK;
	*watts = strtof(text, &end);
	if (*end || !isfinite(*watts) || *watts <= 0)
		return usage_error(command,
			"--power-cap takes a number of watts, as in --power-cap=0.4, not \"%s\"",
			text);
	return EXIT_OK;
}

static int take_options(const struct command *command, struct model_params *m)
{
	const struct model_options *o = &model_options;
	int status;

	set_log();
	ctrans_model_params_init(&m->p, sizeof(m->p));
	if (o->policy && !strcmp(o->policy, "all"))
		return usage_error(command,
			"--policy all compares policies, as \"ctrans eval\" does: name one here");
	m->calibration = (struct text){ 0 };
	status = device_name(command, m->device, sizeof(m->device), &m->p.device);
	if (!status)
		status = compose_cache(m->cache, sizeof(m->cache), &m->p.cache);
	if (status)
		return status;
	if (o->policy)
		m->p.policy = o->policy;
	if (o->code)
		m->p.code = o->code;
	m->p.flip = o->flip;
	if (o->objective)
		m->p.objective = o->objective;
	status = take_power_cap(command, &m->p.power_cap);
	if (status)
		return status;
	if (o->speculate)
		m->p.speculation = o->speculate;
	if (o->sample_given) {
		if (!o->speculate || strcmp(o->speculate, "sampled") != 0)
			return usage_error(command,
				"--sample is for --speculate sampled");
		m->p.sample = o->sample;
	}
	if (o->deadline_given)
		m->p.deadline = o->deadline / 1000;
	if (o->kv)
		m->p.kv = o->kv;
	if (o->levels_given)
		m->p.levels = o->levels;
	m->p.context = o->context;
	m->p.weights = o->weights;
	m->p.little = o->little;
	m->p.flags = o->f32 ? CTRANS_MODEL_F32 : 0;
	m->p.progress = on_progress;
	if (!o->calibrate)
		return EXIT_OK;
	status = read_text(o->calibrate, &m->calibration);
	if (status)
		return status;
	if (!m->calibration.len) {
		text_free(&m->calibration);
		return fail(EXIT_FAILED,
			"%s is empty, and calibration takes text", o->calibrate);
	}
	m->p.calibration = m->calibration.bytes;
	m->p.calibration_len = m->calibration.len;
	return EXIT_OK;
}

static int finish(struct model_params *m, int ret)
{
	progress_clear();
	text_free(&m->calibration);
	if (!ret)
		return EXIT_OK;
	if (ret == -EINVAL)
		return fail_library(ret, EXIT_USAGE);
	/* A file, not the device, could not be read. */
	if (ret == -EIO)
		return fail(EXIT_MODEL, "%s", ctrans_message());
	return fail_library(ret, EXIT_MODEL);
}

int model_load(const struct command *command, const char *path, uint32_t flags,
	       struct ctrans_model **model)
{
	struct model_params m;
	int status = take_options(command, &m);

	if (status)
		return status;
	m.p.flags |= flags;
	return finish(&m, ctrans_model_open(path, &m.p, model));
}
