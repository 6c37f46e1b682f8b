// SPDX-License-Identifier: MIT
/* ctrans eval --paper: published figures beside what the model of the chip gives. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "eval.h"
#include "json.h"

static bool predicted(const struct ctrans_published *p)
{
	return !strcmp(p->status, "predicted");
}

static double middle(double low, double high)
{
	return (low + high) / 2;
}

/* Ours over the published figure; of ranges their middles. */
static double ratio(const struct ctrans_published *p)
{
	return middle(p->our_low, p->our_high) / middle(p->low, p->high);
}

#define COLUMNS	80
#define WHAT	36	/* columns of the first */

static void show_number(char *buf, size_t size, double value, int digits)
{
	if (value < 1000)
		snprintf(buf, size, "%.*g", digits, value);
	else
		snprintf(buf, size, "%.0f", value);
}

static void show_range(char *buf, size_t size, double low, double high,
		       const char *unit)
{
	int digits = low < high ? 3 : 4;
	char one[16], two[16];

	show_number(one, sizeof(one), low, digits);
	show_number(two, sizeof(two), high, digits);
	if (isnan(low))
		snprintf(buf, size, "-");
	else if (strcmp(one, two))
		snprintf(buf, size, "%s-%s%s%s", one, two, *unit ? " " : "", unit);
	else
		snprintf(buf, size, "%s%s%s", one, *unit ? " " : "", unit);
}

/* Words in lines of 80 columns, four in. */
static void wrap(const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column && column + 1 + word > COLUMNS) {
			putchar('\n');
			column = 0;
		}
		column += (size_t)printf("%s%.*s", column ? " " : "    ", (int)word,
					 text);
		text += word + strspn(text + word, " ");
	}
	putchar('\n');
}

static void print_line(const struct ctrans_published *p)
{
	const char *unit = strcmp(p->unit, "x") ? p->unit : "";
	char published[64], ours[64], source[256];
	double r = ratio(p);

	show_range(published, sizeof(published), p->low, p->high, unit);
	show_range(ours, sizeof(ours), p->our_low, p->our_high, "");
	if (strlen(p->what) > WHAT)
		printf("%s\n%*s", p->what, WHAT, "");
	else
		printf("%-*s", WHAT, p->what);
	printf(" %14s %13s", published, ours);
	if (isnan(r))
		printf(" %6s", "-");
	else
		printf(" %6.*f", r < 0.995 ? 3 : r < 9.995 ? 2 : 0, r);
	printf("%s\n", !predicted(p) ? "" : p->agrees ? " agrees" : " differs");
	snprintf(source, sizeof(source), "%s%s%s: %s", p->source,
		 *p->per ? "; " : "", p->per, p->how);
	wrap(source);
}

/* In the order of what they are worth. */
static const struct {
	const char *status, *title;
} sections[] = {
	{ "predicted",
	  "PREDICTED: nothing was fitted to the figure; these can agree, or differ" },
	{ "fitted",
	  "FITTED: a constant was chosen so that it comes out; no agreement" },
	{ "not reconciled",
	  "NOT RECONCILED: it does not follow, for no reason that is public" },
	{ "context",
	  "CONTEXT: the two are not the same thing, and stand side by side only" },
};

/* Every line of one section; how many there were, and of them that agree. */
static void print_section(size_t s, const struct ctrans_measured *measured,
			  unsigned int *lines, unsigned int *agreeing)
{
	struct ctrans_published p;

	for (unsigned int i = 0;
	     !ctrans_published_get(i, measured, &p, sizeof(p)); i++) {
		if (strcmp(p.status, sections[s].status))
			continue;
		if (!(*lines)++)
			printf("\n%s\n%*s %14s %13s %6s\n", sections[s].title,
			       WHAT, "", "published", "model", "ratio");
		*agreeing += p.agrees;
		print_line(&p);
	}
}

static void print_inputs(const struct ctrans_measured *m, const char *path)
{
	printf("The chip as published, and this model of it: GPT-2-large's blocks, T5-large's\n"
	       "and FSMT's decoders. Amortised: many tokens share a pass over the weights;\n"
	       "decode: one token a pass. All of the column \"model\" is computed.\n");
	if (!path) {
		printf("Compute ratio, bits a weight and big-little are defaults: with a MODEL and a\n"
		       "text they are measured.\n");
		return;
	}
	printf("Measured on %s: compute energy to all dense %.3f,\nbits a weight %.2f",
	       path, m->compute, m->weight_bits);
	if (m->little > 0)
		printf(", external memory with the little model %.3f\n", m->little);
	else
		printf("; no little model, external memory without it\n");
}

static void add_range(cJSON *object, const char *key, double low, double high)
{
	cJSON *range = json_add_array(object, key);

	json_append_number(range, low);
	json_append_number(range, high);
}

static int print_json(const struct ctrans_measured *m, const char *path)
{
	cJSON *object = json_object(), *list, *inputs;
	struct ctrans_published p;

	if (path)
		json_add_string(object, "model", path);
	else
		json_add_null(object, "model");
	inputs = json_add_object(object, "measured");
	json_add_number(inputs, "compute", path ? m->compute : NAN);
	json_add_number(inputs, "weight_bits", path ? m->weight_bits : NAN);
	json_add_number(inputs, "little", m->little > 0 ? m->little : NAN);
	list = json_add_array(object, "figures");
	for (unsigned int i = 0; !ctrans_published_get(i, m, &p, sizeof(p)); i++) {
		cJSON *item = json_append_object(list);

		json_add_string(item, "what", p.what);
		json_add_string(item, "unit", p.unit);
		json_add_string(item, "source", p.source);
		json_add_string(item, "status", p.status);
		json_add_string(item, "per", p.per);
		add_range(item, "published", p.low, p.high);
		add_range(item, "model", p.our_low, p.our_high);
		json_add_number(item, "ratio", ratio(&p));
		if (predicted(&p))
			json_add_bool(item, "agrees", p.agrees);
		json_add_string(item, "how", p.how);
	}
	return json_print(object);
}

int eval_paper(const struct ctrans_measured *measured, const char *path, bool json)
{
	if (json)
		return print_json(measured, path);
	print_inputs(measured, path);
	for (size_t s = 0; s < sizeof(sections) / sizeof(sections[0]); s++) {
		unsigned int lines = 0, agreeing = 0;

		print_section(s, measured, &lines, &agreeing);
		if (!s)
			printf("%u of %u predictions agree: to 5 %% or the rounding of what is published.\n",
			       agreeing, lines);
	}
	return finish_output();
}
