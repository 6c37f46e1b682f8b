// SPDX-License-Identifier: MIT
#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "model_options.h"
#include "report.h"

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(const double *figures)
{
	uint32_t n = bench_options.reps;
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
	double position = bench_options.depth + bench_options.gen / 2.0;
	double value = model_options.f32 ? 4 : 2;

	return (double)i->chip_bytes + (double)bench_options.batch * position *
	       2 * value * i->layers * i->width;
}

struct figures {
	double prefill, decode, fairness, outside, bound, bandwidth, joule;
};

static void summarise(const struct bench *b, struct figures *f)
{
	f->prefill = bench_options.prompt ? bench_median(b->prefill_tps) : NAN;
	f->decode = bench_options.gen ? bench_median(b->decode_tps) : NAN;
	f->fairness = bench_options.callers && bench_options.gen ? bench_median(b->fairness) : NAN;
	f->outside = bench_options.gen ? bench_median(b->outside) : NAN;
	f->bandwidth = bench_median(b->bandwidth);
	f->bound = f->bandwidth / bytes_per_step(b) * bench_options.batch;
	f->joule = bench_options.shape || !bench_options.gen || !bench_options.reps ? NAN : b->decode_joule /
		((double)bench_options.reps * bench_options.gen * bench_options.batch);
}

static void add_all(cJSON *object, const char *key, const double *figures,
		    bool measured)
{
	cJSON *array = json_add_array(object, key);

	for (uint32_t r = 0; measured && r < bench_options.reps; r++)
		json_append_number(array, figures[r]);
}

int bench_text_json(const struct bench *b, const char *path)
{
	cJSON *object = json_object();
	struct figures f;

	summarise(b, &f);
	json_add_string(object, "model", path);
	json_add_count(object, "prompt", bench_options.prompt);
	json_add_count(object, "gen", bench_options.gen);
	json_add_count(object, "depth", bench_options.depth);
	json_add_count(object, "batch", bench_options.batch);
	json_add_count(object, "threads", b->info.device.threads);
	json_add_count(object, "reps", bench_options.reps);
	json_add_number(object, "prefill_tps", f.prefill);
	json_add_number(object, "decode_tps", f.decode);
	json_add_number(object, "bound_tps", f.bound);
	json_add_number(object, "rss_mib", b->rss_mib);
	json_add_number(object, "energy_uj_per_token", 1e6 * f.joule);
	json_add_bool(object, "energy_meaningful", !bench_options.shape);
	json_add_number(object, "bandwidth_bytes_per_second", f.bandwidth);
	json_add_number(object, "bytes_per_step", bytes_per_step(b));
	json_add_number(object, "load_seconds", b->load);
	json_add_number(object, "first_seconds", b->first);
	json_add_count(object, "callers", bench_options.callers);
	json_add_number(object, "fairness", f.fairness);
	json_add_number(object, "outside_device_percent", f.outside);
	add_all(object, "all_prefill_tps", b->prefill_tps, bench_options.prompt);
	add_all(object, "all_decode_tps", b->decode_tps, bench_options.gen);
	json_add_string(object, "policy", b->info.policy);
	json_add_device(object, &b->info.device);
	return json_print(object);
}

void bench_line(const char *what, double value, const char *unit)
{
	if (isfinite(value))
		printf("%-10s %10.1f %s\n", what, value, unit);
	else
		printf("%-10s %10s\n", what, "-");
}

int bench_text_print(const struct bench *b, const char *path)
{
	const struct ctrans_device_info *d = &b->info.device;
	char energy[24], note[64] = "tokens/s";
	struct figures f;

	summarise(b, &f);
	printf("%s on %s\n", path, d->name);
	printf("prompt %u, decode %u, at depth %u, %s %u; median of %u\n\n",
	       bench_options.prompt, bench_options.gen, bench_options.depth,
	       bench_options.callers ? "callers" : "batch", bench_options.batch,
	       bench_options.reps);
	bench_line("load", 1e3 * b->load, "ms");
	bench_line("first", bench_options.prompt ? 1e3 * b->first : NAN,
	     "ms for a prompt, just after it");
	bench_line("prefill", f.prefill, "tokens/s");
	if (isfinite(f.decode) && isfinite(f.bound))
		snprintf(note, sizeof(note), "tokens/s, %.0f %% of the bound",
			 100 * f.decode / f.bound);
	bench_line("decode", f.decode, note);
	if (isfinite(f.fairness))
		printf("%-10s %10.2f the first caller's time over the last's\n",
		       "fairness", f.fairness);
	snprintf(note, sizeof(note), "tokens/s: %.1f GB/s over %.1f MB a step",
		 f.bandwidth * 1e-9, bytes_per_step(b) * 1e-6);
	bench_line("bound", f.bound, note);
	if (isfinite(f.outside))
		printf("%-10s %10.2f %% of a decoding step is not the device's time\n",
		       "outside", f.outside);
	bench_line("peak RSS", b->rss_mib, "MiB");
	if (isfinite(f.joule)) {
		show_energy(energy, sizeof(energy), f.joule);
		printf("%-10s %10s a token, decoding (modelled)\n", "energy", energy);
	} else if (bench_options.shape) {
		printf("%-10s %10s not meaningful: the weights are random\n",
		       "energy", "-");
	}
	return finish_output();
}
