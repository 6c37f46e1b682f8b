// SPDX-License-Identifier: MIT
#include "eval_plot.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "model_options.h"
#include "svg.h"

#define WIDTH	960.0
#define LEFT	72.0
#define RIGHT	72.0
#define PLOT	(WIDTH - LEFT - RIGHT)

#define COST_TOP	104.0
#define COST_HEIGHT	300.0
#define VALUES_TOP	568.0
#define VALUES_HEIGHT	240.0
#define HEIGHT	930.0

/* Of a product's energy; the rate code's curve leaves above it. */
#define COST_MOST	1.6

struct layers {
	struct ctrans_layer_profile *profile;
	struct ctrans_layer_cost *cost;		/* each as the model treats it */
	size_t n;
	struct ctrans_model_info info;
	struct ctrans_chip_costs costs;
	const char *name, *text;
	uint64_t rows;
};

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100 * (double)part / (double)whole : 0;
}

/* A step that gives @most three to seven lines: 1, 2 or 5 times a power of ten. */
static double grid_step(double most)
{
	static const double steps[] = { 1, 2, 5 };
	double power = pow(10, floor(log10(most / 7)));

	for (size_t i = 0; i < 3; i++) {
		if (most / (steps[i] * power) <= 7)
			return steps[i] * power;
	}
	return 10 * power;
}

static double cost_x(double magnitude)
{
	return LEFT + PLOT * magnitude / 128;
}

static double cost_y(double of_product)
{
	return COST_TOP + COST_HEIGHT * (1 - of_product / COST_MOST);
}

/* How often each magnitude entered a linear layer, behind the curves. */
static void draw_magnitudes(struct svg *svg, const struct layers *l)
{
	uint64_t count[128] = { 0 }, all = 0, most = 0;
	double scale, step;

	for (size_t i = 0; i < l->n; i++) {
		for (int m = 0; m < 128; m++) {
			count[m] += l->profile[i].magnitude[m];
			all += l->profile[i].magnitude[m];
		}
		all += l->profile[i].outliers;
	}
	for (int m = 1; m < 128; m++)
		most = count[m] > most ? count[m] : most;
	if (!most)
		return;
	/* three quarters of the height for the most frequent */
	scale = 0.75 * COST_HEIGHT / percent(most, all);
	for (int m = 1; m < 128; m++) {
		double h = scale * percent(count[m], all);

		svg_rect(svg, "faint", cost_x(m - 0.5), COST_TOP + COST_HEIGHT - h,
			 PLOT / 128 * 0.9, h);
	}
	step = grid_step(percent(most, all));
	for (double p = step; p * scale <= COST_HEIGHT; p += step)
		svg_text(svg, "small", LEFT + PLOT + 8,
			 COST_TOP + COST_HEIGHT - p * scale + 4, SVG_START, 0,
			 "%.3g %%", p);
	svg_text(svg, "small", LEFT + PLOT + 56, COST_TOP + COST_HEIGHT / 2,
		 SVG_MIDDLE, 90, "grey: share of the text's values");
}

static void draw_cost_axes(struct svg *svg, const struct layers *l)
{
	double product = (double)l->costs.mac8_aj * 1e-3;
	double step = grid_step(COST_MOST * product);

	for (double fj = 0; fj <= COST_MOST * product; fj += step) {
		double y = cost_y(fj / product);

		svg_line(svg, "grid", LEFT, y, LEFT + PLOT, y);
		svg_text(svg, "small", LEFT - 8, y + 4, SVG_END, 0, "%.3g", fj);
	}
	for (int m = 0; m <= 128; m += 8) {
		svg_line(svg, "axis", cost_x(m), COST_TOP + COST_HEIGHT,
			 cost_x(m), COST_TOP + COST_HEIGHT + 5);
		svg_text(svg, "small", cost_x(m), COST_TOP + COST_HEIGHT + 19,
			 SVG_MIDDLE, 0, "%d", m);
	}
	svg_line(svg, "axis", LEFT, COST_TOP + COST_HEIGHT, LEFT + PLOT,
		 COST_TOP + COST_HEIGHT);
	svg_text(svg, "", LEFT + PLOT / 2, COST_TOP + COST_HEIGHT + 40, SVG_MIDDLE,
		 0, "magnitude of an activation, in firing thresholds");
	svg_text(svg, "", LEFT - 48, COST_TOP + COST_HEIGHT / 2, SVG_MIDDLE, -90,
		 "energy with one weight, fJ (modelled)");
}

static double spikes_cost(const struct layers *l, uint32_t code, int m)
{
	return (double)ctrans_spikes(code, 0, (unsigned int)m) *
	       (double)l->costs.spike_aj / (double)l->costs.mac8_aj;
}

/* A step for each magnitude, as far as the drawing goes. */
static void draw_code(struct svg *svg, const struct layers *l, uint32_t code,
		      const char *class)
{
	double xy[2 * 2 * 127];
	size_t n = 0;

	for (int m = 1; m < 128; m++) {
		double cost = spikes_cost(l, code, m);

		if (cost > COST_MOST)
			break;
		xy[n++] = cost_x(m - 0.5);
		xy[n++] = cost_y(cost);
		xy[n++] = cost_x(m + 0.5);
		xy[n++] = cost_y(cost);
	}
	svg_path(svg, class, xy, n / 2);
}

/* Where a code begins to cost as much as a product, if it does. */
static void mark_crossing(struct svg *svg, const struct layers *l)
{
	int m = 1;

	while (m < 128 && spikes_cost(l, CTRANS_SPIKES_RATE, m) < 1)
		m++;
	if (m == 128)
		return;
	svg_circle(svg, "mark", cost_x(m), cost_y(1), 6);
	svg_text(svg, "small", cost_x(m) + 11, cost_y(1) - 10, SVG_START, 0,
		 "%d spikes cost what a product costs: the rate code's crossing", m);
}

struct key {
	const char *class, *label;
};

static void draw_keys(struct svg *svg, const struct key *keys, size_t n, double y,
		      bool lines)
{
	double x = LEFT;

	for (size_t i = 0; i < n; i++) {
		const double xy[] = { x, y - 4, x + 22, y - 4 };

		if (lines)
			svg_path(svg, keys[i].class, xy, 2);
		else
			svg_rect(svg, keys[i].class, x + 6, y - 11, 13, 13);
		svg_text(svg, "", x + 28, y, SVG_START, 0, "%s", keys[i].label);
		x += 28 + 7.4 * (double)strlen(keys[i].label) + 24;
	}
}

/* Spikes of the dearest magnitude. */
static unsigned int most_spikes(uint32_t code)
{
	unsigned int most = 0;

	for (unsigned int m = 1; m < 128; m++) {
		unsigned int spikes = ctrans_spikes(code, 0, m);

		most = spikes > most ? spikes : most;
	}
	return most;
}

static void draw_costs(struct svg *svg, const struct layers *l)
{
	static const struct key keys[] = {
		{ "curve-dense", "dense: a product" },
		{ "curve-radix", "spikes, radix code" },
		{ "curve-naf", "spikes, signed digits" },
		{ "curve-rate", "spikes, rate code" },
	};
	const double dense[] = {
		cost_x(0.5), cost_y(1), cost_x(127.5), cost_y(1),
	};

	svg_text(svg, "title", LEFT, 36, SVG_START, 0,
		 "What a value costs, densely and as spikes");
	svg_text(svg, "small", LEFT, 56, SVG_START, 0,
		 "%.2f V, the arrays alone; a value has at most %u spikes in the radix code and %u signed digits",
		 l->costs.mv * 1e-3, most_spikes(CTRANS_SPIKES_RADIX),
		 most_spikes(CTRANS_SPIKES_NAF));
	draw_keys(svg, keys, 4, 82, true);
	draw_magnitudes(svg, l);
	draw_cost_axes(svg, l);
	draw_code(svg, l, CTRANS_SPIKES_RATE, "curve-rate");
	draw_code(svg, l, CTRANS_SPIKES_RADIX, "curve-radix");
	draw_code(svg, l, CTRANS_SPIKES_NAF, "curve-naf");
	svg_path(svg, "curve-dense", dense, 2);
	mark_crossing(svg, l);
}

static void draw_layer_labels(struct svg *svg, const struct layers *l, double each)
{
	const double y = VALUES_TOP + VALUES_HEIGHT + 8;
	/* eleven pixels for a turned line; else layers by number only */
	bool every = each >= 11;
	uint32_t last = UINT32_MAX, skip = 1;

	while (!every && each * 4 * skip < 22)
		skip++;
	for (size_t i = 0; i < l->n; i++) {
		const struct ctrans_layer_profile *p = &l->profile[i];
		const char *kind = ctrans_kind_name((enum ctrans_kind)p->kind);
		double x = LEFT + each * ((double)i + 0.5);

		if (every && p->kind == CTRANS_KIND_HEAD)
			svg_text(svg, "small", x + 3, y, SVG_END, -60, "%s", kind);
		else if (every)
			svg_text(svg, "small", x + 3, y, SVG_END, -60, "%s %u",
				 kind, p->layer);
		else if (p->layer != last && p->layer % skip == 0 &&
			 p->kind != CTRANS_KIND_HEAD)
			svg_text(svg, "small", x, y + 8, SVG_START, 0, "%u",
				 p->layer);
		last = p->layer;
	}
	if (!every)
		svg_text(svg, "", LEFT + PLOT / 2, y + 34, SVG_MIDDLE, 0,
			 "layer: its qkv, projection, ffn-up and ffn-down; the head last");
}

static void draw_values(struct svg *svg, const struct layers *l)
{
	static const struct key keys[] = {
		{ "zero", "zero: skipped" }, { "spiking", "spiking" },
		{ "dense", "dense" }, { "outlier", "outlier: beyond 127" },
	};
	double each = PLOT / (double)l->n;

	svg_text(svg, "title", LEFT, VALUES_TOP - 64, SVG_START, 0,
		 "Where each layer's values went");
	svg_text(svg, "small", LEFT, VALUES_TOP - 44, SVG_START, 0,
		 "policy %s, %s code; %s, %llu tokens", l->info.policy,
		 model_options.code ? model_options.code : "radix", l->text,
		 (unsigned long long)l->rows);
	draw_keys(svg, keys, 4, VALUES_TOP - 18, false);
	for (int p = 0; p <= 100; p += 20) {
		double y = VALUES_TOP + VALUES_HEIGHT * (1 - p / 100.0);

		svg_line(svg, "grid", LEFT, y, LEFT + PLOT, y);
		svg_text(svg, "small", LEFT - 8, y + 4, SVG_END, 0, "%d", p);
	}
	svg_text(svg, "", LEFT - 48, VALUES_TOP + VALUES_HEIGHT / 2, SVG_MIDDLE,
		 -90, "share of the layer's values, %%");
	for (size_t i = 0; i < l->n; i++) {
		const struct ctrans_layer_cost *c = &l->cost[i];
		const double part[] = {
			c->values_zero, c->values_spiking, c->values_dense,
			c->values_outlier,
		};
		double all = part[0] + part[1] + part[2] + part[3];
		double y = VALUES_TOP + VALUES_HEIGHT;

		for (size_t d = 0; all > 0 && d < 4; d++) {
			double h = VALUES_HEIGHT * part[d] / all;

			y -= h;
			svg_rect(svg, keys[d].class, LEFT + each * ((double)i + 0.1),
				 y, each * 0.8, h);
		}
	}
	svg_line(svg, "axis", LEFT, VALUES_TOP + VALUES_HEIGHT, LEFT + PLOT,
		 VALUES_TOP + VALUES_HEIGHT);
	draw_layer_labels(svg, l, each);
}

static int look(struct layers *l, struct ctrans_model *model,
		const struct eval_text *text)
{
	int ret;

	ret = ctrans_model_info(model, &l->info, sizeof(l->info));
	if (!ret)
		ret = ctrans_model_costs(model, &l->costs, sizeof(l->costs));
	if (!ret)
		ret = ctrans_profile_tokens(model, NULL, 0, NULL, 0, &l->n);
	if (ret && ret != -E2BIG)
		return fail_library(ret, EXIT_FAILED);
	l->profile = calloc(l->n, sizeof(*l->profile));
	l->cost = calloc(l->n, sizeof(*l->cost));
	if (!l->profile || !l->cost)
		return fail(EXIT_MEMORY, "out of memory");
	l->profile[0].size = sizeof(*l->profile);
	ret = ctrans_profile_tokens(model, text->ids, text->n, l->profile, l->n,
				    &l->n);
	for (size_t i = 0; !ret && i < l->n; i++) {
		struct ctrans_dispatch d;

		ret = ctrans_model_dispatch(model, (unsigned int)i, &d, sizeof(d));
		if (!ret)
			ret = ctrans_layer_cost(&l->profile[i], &l->costs, &d, 1,
						&l->cost[i], sizeof(l->cost[i]));
	}
	l->rows = l->n ? l->profile[0].rows : 0;
	return ret ? fail_library(ret, EXIT_FAILED) : EXIT_OK;
}

int eval_plot(struct ctrans_model *model, const char *name,
	      const struct eval_text *text, const char *path)
{
	struct layers l = { .name = name, .text = text->file };
	struct svg svg;
	char title[256];
	int status;

	status = look(&l, model, text);
	if (!status) {
		snprintf(title, sizeof(title), "C-DNN dispatch of %s", name);
		svg_begin(&svg, WIDTH, HEIGHT, title,
			  "Above, the modelled energy of a value with one weight against its magnitude, as a product and as spikes of three codes, over the share of each magnitude. Below, for each linear layer the share of its values that were zero, spiking, dense and outliers.");
		draw_costs(&svg, &l);
		draw_values(&svg, &l);
		status = svg_end(&svg, path);
	}
	free(l.profile);
	free(l.cost);
	return status;
}
