// SPDX-License-Identifier: MIT
#include "convert_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "json.h"

void convert_report_take(void *arg, const struct ctrans_layer_report *layer)
{
	struct convert_report *r = arg;
	struct ctrans_layer_report *more;

	more = reallocarray(r->layers, r->n + 1, sizeof(*more));
	if (!more) {
		r->failed = true;
		return;
	}
	r->layers = more;
	r->layers[r->n++] = *layer;
}

void convert_report_free(struct convert_report *r)
{
	free(r->layers);
	memset(r, 0, sizeof(*r));
}

/* A number in @width columns, or a dash where there is none. */
static void cell(int width, int digits, double v, const char *unit)
{
	if (isfinite(v))
		printf(" %*.*f%s", width, digits, v, unit);
	else
		printf(" %*s%*s", width, "-", (int)strlen(unit), "");
}

/* Of all linears, each weighted by its weights. */
static void totals(const struct convert_report *r, double *bits, double *exceptions,
		   double *weights)
{
	*bits = *exceptions = *weights = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct ctrans_layer_report *l = &r->layers[i];
		double n = (double)l->n_in * l->n_out;

		*bits += n * (double)l->weight_bits;
		*exceptions += n * (double)l->weight_exceptions;
		*weights += n;
	}
	*bits /= *weights;
	*exceptions /= *weights;
}

static const char *stack_name(const struct ctrans_layer_report *l)
{
	return l->stack == CTRANS_STACK_ENCODER ? "encoder" :
	       l->stack == CTRANS_STACK_DECODER ? "decoder" : NULL;
}

/* More than the outlier unit takes, and therefore lost. */
static void print_clipped(const struct convert_report *r)
{
	const struct ctrans_layer_report *worst = &r->layers[0];

	for (size_t i = 1; i < r->n; i++)
		if (r->layers[i].clipped > worst->clipped)
			worst = &r->layers[i];
	if (worst->clipped > 0)
		printf("clipped, beyond 32767 thresholds: at most %.3f %% of a layer's values "
		       "(%s%s%u %s)\n", 100 * (double)worst->clipped,
		       stack_name(worst) ? stack_name(worst) : "",
		       stack_name(worst) ? " " : "", worst->stack_layer,
		       stack_name(worst) ? worst->part :
		       ctrans_kind_name((enum ctrans_kind)worst->kind));
	else if (isfinite(worst->clipped))
		printf("clipped, beyond 32767 thresholds: no values\n");
}

/* Layers are numbered by stack, whose name is a line of its own. */
static void print_place(const struct ctrans_layer_report *l,
			const struct ctrans_layer_report *before)
{
	const char *stack = stack_name(l);

	if (stack && (!before || before->stack != l->stack))
		printf("%s\n", stack);
	if (l->kind == CTRANS_KIND_HEAD)
		printf("%-14s", "head");
	else
		printf("%3u %-10s", l->stack_layer, stack ? l->part :
		       ctrans_kind_name((enum ctrans_kind)l->kind));
}

static int no_memory(void)
{
	return fail(EXIT_MEMORY, "no memory for a report of each layer");
}

int convert_report_print(const struct convert_report *r)
{
	double bits, exceptions, weights;

	if (r->failed)
		return no_memory();
	printf("%14s %9s %15s %17s %6s %13s\n", "", "", "values, %",
	       "spikes a value", "SNR,dB", "weights");
	printf("%-14s %9s %5s %7s %8s %5s %6s %5s %5s %6s\n", "layer", "threshold",
	       "zero", "beyond", "radix", "naf", "values", "SNR", "bits", "exc,%");
	for (size_t i = 0; i < r->n; i++) {
		const struct ctrans_layer_report *l = &r->layers[i];

		print_place(l, i ? l - 1 : NULL);
		if (l->threshold > 0)
			printf(" %9.3g", (double)l->threshold);
		else
			printf(" %9s", "dynamic");
		cell(5, 1, 100 * (double)l->zero, "");
		cell(7, 3, 100 * (double)l->outlier, "");
		cell(8, 2, (double)l->spikes_radix, "");
		cell(5, 2, (double)l->spikes_naf, "");
		cell(6, 1, (double)l->activation_snr_db, "");
		cell(5, 1, (double)l->weight_snr_db, "");
		cell(5, 2, (double)l->weight_bits, "");
		cell(6, 2, 100 * (double)l->weight_exceptions, "");
		putchar('\n');
	}
	print_clipped(r);
	totals(r, &bits, &exceptions, &weights);
	printf("%.1f million weights of %.3f bits", weights / 1e6, bits);
	if (isfinite(exceptions))
		printf(", exceptions %.2f %%", 100 * exceptions);
	putchar('\n');
	return finish_output();
}

int convert_report_json(const struct convert_report *r, const char *model,
			const char *out)
{
	double bits, exceptions, weights;
	cJSON *object, *list;

	if (r->failed)
		return no_memory();
	object = json_object();
	list = json_add_array(object, "layers");
	for (size_t i = 0; i < r->n; i++) {
		const struct ctrans_layer_report *l = &r->layers[i];
		cJSON *o = json_append_object(list);

		json_add_count(o, "layer", l->layer);
		json_add_string(o, "kind", ctrans_kind_name((enum ctrans_kind)l->kind));
		if (stack_name(l)) {
			json_add_string(o, "stack", stack_name(l));
			json_add_count(o, "stack_layer", l->stack_layer);
			json_add_string(o, "part", l->part);
		}
		json_add_count(o, "n_in", l->n_in);
		json_add_count(o, "n_out", l->n_out);
		json_add_float(o, "threshold", l->threshold);
		json_add_float(o, "zero", l->zero);
		json_add_float(o, "outlier", l->outlier);
		json_add_float(o, "clipped", l->clipped);
		json_add_float(o, "spikes_radix", l->spikes_radix);
		json_add_float(o, "spikes_naf", l->spikes_naf);
		json_add_float(o, "activation_snr_db", l->activation_snr_db);
		json_add_float(o, "weight_snr_db", l->weight_snr_db);
		json_add_float(o, "weight_bits", l->weight_bits);
		json_add_float(o, "weight_exceptions", l->weight_exceptions);
		json_add_float(o, "smoothing", l->smoothing);
	}
	totals(r, &bits, &exceptions, &weights);
	json_add_number(object, "weights", weights);
	json_add_number(object, "weight_bits", bits);
	json_add_number(object, "weight_exceptions", exceptions);
	json_add_string(object, "model", model);
	json_add_string(object, "output", out);
	return json_print(object);
}
