// SPDX-License-Identifier: MIT
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define MAX_OPTIONS	64
/* What getopt_long() returns for an option without a letter: this + index. */
#define LONG_ONLY	0x100
#define HELP		(LONG_ONLY + MAX_OPTIONS)

struct parser {
	const struct command *command;
	const struct option_spec *specs[MAX_OPTIONS];
	struct option longs[MAX_OPTIONS + 2];
	char shorts[3 * MAX_OPTIONS + 3];
	int n;
};

static bool takes_value(const struct option_spec *spec)
{
	return spec->type != OPTION_FLAG && spec->type != OPTION_COUNT;
}

/* As getopt_long() has it. */
static int argument(const struct option_spec *spec)
{
	if (spec->type == OPTION_DEFAULT)
		return optional_argument;
	return takes_value(spec) ? required_argument : no_argument;
}

static void make_tables(struct parser *p, const struct command *command)
{
	const struct option_group *group;
	const struct option_spec *spec;
	char *s = p->shorts;

	memset(p, 0, sizeof(*p));
	p->command = command;
	*s++ = ':';	/* tells a missing value from an unknown option */
	for (group = command->groups; group->specs; group++) {
		for (spec = group->specs; spec->type != OPTION_END; spec++) {
			if (p->n == MAX_OPTIONS)
				abort();	/* a table in this program */
			p->longs[p->n] = (struct option){
				.name = spec->name,
				.has_arg = argument(spec),
				.val = LONG_ONLY + p->n,
			};
			if (spec->letter) {
				*s++ = spec->letter;
				if (takes_value(spec))
					*s++ = ':';
			}
			p->specs[p->n++] = spec;
		}
	}
	*s++ = 'h';
	p->longs[p->n] = (struct option){ .name = "help", .val = HELP };
}

/* "-n" or "--tokens", as it was written. */
static void written(const struct option_spec *spec, bool by_letter, char *buf,
		    size_t size)
{
	if (by_letter)
		snprintf(buf, size, "-%c", spec->letter);
	else
		snprintf(buf, size, "--%s", spec->name);
}

static int bad_value(const struct parser *p, const char *option,
		     const char *value, const struct option_spec *spec)
{
	char list[256] = "";
	size_t len = 0;

	switch (spec->type) {
	case OPTION_UINT:
		return usage_error(p->command,
			"%s takes a whole number from %.0f to %.0f, not \"%s\"",
			option, spec->least, spec->most, value);
	case OPTION_U64:
		return usage_error(p->command,
			"%s takes a whole number from 0 to 18446744073709551615, not \"%s\"",
			option, value);
	case OPTION_FLOAT:
		return usage_error(p->command,
			"%s takes a number from %g to %g, not \"%s\"",
			option, spec->least, spec->most, value);
	case OPTION_CHOICE:
		for (int i = 0; spec->choices[i]; i++)
			len += (size_t)snprintf(list + len, sizeof(list) - len,
				"%s%s", !i ? "" : spec->choices[i + 1] ?
				", " : " or ", spec->choices[i]);
		return usage_error(p->command, "%s takes %s, not \"%s\"", option,
				   list, value);
	default:
		return usage_error(p->command, "%s takes text that is not empty",
				   option);
	}
}

/* Digits only: no sign, no space, no exponent. */
static bool parse_whole(const char *s, uint64_t *n)
{
	if (!*s || s[strspn(s, "0123456789")])
		return false;
	errno = 0;
	*n = strtoull(s, NULL, 10);
	return errno == 0;
}

static bool parse_number(const char *s, const struct option_spec *spec, float *f)
{
	char *end;
	double d = strtod(s, &end);

	if (end == s || *end || !isfinite(d) || d < spec->least || d > spec->most)
		return false;
	*f = (float)d;
	return true;
}

static bool parse_choice(const char *s, const struct option_spec *spec,
			 const char **to)
{
	for (int i = 0; spec->choices[i]; i++) {
		if (!strcmp(s, spec->choices[i])) {
			*to = spec->choices[i];
			return true;
		}
	}
	return false;
}

static bool list_add(struct text_list *list, const char *s)
{
	const char **items = realloc(list->items,
				     (list->n + 1) * sizeof(*items));

	if (!items)
		return false;
	items[list->n++] = s;
	list->items = items;
	return true;
}

static int store(const struct parser *p, const struct option_spec *spec,
		 bool by_letter, const char *value)
{
	char option[64];
	uint64_t n;
	bool good = true;

	written(spec, by_letter, option, sizeof(option));
	switch (spec->type) {
	case OPTION_FLAG:
		*(bool *)spec->to = true;
		break;
	case OPTION_COUNT:
		++*(unsigned int *)spec->to;
		break;
	case OPTION_UINT:
		good = parse_whole(value, &n) && (double)n >= spec->least &&
		       (double)n <= spec->most;
		if (good)
			*(uint32_t *)spec->to = (uint32_t)n;
		break;
	case OPTION_U64:
		good = parse_whole(value, spec->to);
		break;
	case OPTION_FLOAT:
		good = parse_number(value, spec, spec->to);
		break;
	case OPTION_TEXT:
		*(const char **)spec->to = value;
		break;
	case OPTION_DEFAULT:
		*(const char **)spec->to = value ? value : "";
		break;
	case OPTION_CHOICE:
		good = parse_choice(value, spec, spec->to);
		break;
	case OPTION_LIST:
		good = *value;
		if (good && !list_add(spec->to, value))
			return fail(EXIT_MEMORY, "out of memory");
		break;
	case OPTION_END:
		break;
	}
	if (!good)
		return bad_value(p, option, value, spec);
	if (spec->given)
		*spec->given = true;
	return EXIT_OK;
}

/* getopt_long() said '?': nothing of that name, or a value where none goes. */
static int unknown(const struct parser *p, char **argv, int before)
{
	const char *arg = argv[before];

	if (optopt >= LONG_ONLY)
		return usage_error(p->command, "--%s takes no value",
			optopt == HELP ? "help" :
			p->specs[optopt - LONG_ONLY]->name);
	if (optopt)
		return usage_error(p->command, "there is no option -%c", optopt);
	if (strncmp(arg, "--", 2))
		arg = argv[optind - 1];
	return usage_error(p->command,
		"there is no option %.*s, or its name is cut too short",
		(int)strcspn(arg, "="), arg);
}

static int missing(const struct parser *p)
{
	if (optopt >= LONG_ONLY)
		return usage_error(p->command, "--%s needs a value, %s",
				   p->specs[optopt - LONG_ONLY]->name,
				   p->specs[optopt - LONG_ONLY]->value);
	for (int i = 0; i < p->n; i++)
		if (p->specs[i]->letter == optopt)
			return usage_error(p->command, "-%c needs a value, %s",
					   optopt, p->specs[i]->value);
	return usage_error(p->command, "-%c needs a value", optopt);
}

bool options_parse(const struct command *command, int argc, char **argv,
		   const char **model, int *status)
{
	struct parser p;
	int c, before;

	make_tables(&p, command);
	opterr = 0;
	optind = 1;
	*status = EXIT_OK;
	while (before = optind,
	       (c = getopt_long(argc, argv, p.shorts, p.longs, NULL)) != -1) {
		bool by_letter = c < LONG_ONLY;
		int i = c - LONG_ONLY;

		if (c == 'h' || c == HELP) {
			options_help(command);
			*status = finish_output();
			return false;
		}
		if (c == '?' || c == ':') {
			*status = c == '?' ? unknown(&p, argv, before) :
					     missing(&p);
			return false;
		}
		for (int k = 0; by_letter && k < p.n; k++)
			if (p.specs[k]->letter == c)
				i = k;
		*status = store(&p, p.specs[i], by_letter, optarg);
		if (*status)
			return false;
	}

	if (command->takes_model) {
		*model = optind < argc ? argv[optind++] : NULL;
		if (!*model && command->needs_model) {
			*status = usage_error(command,
				"MODEL is missing: a Hugging Face directory or a GGUF file");
			return false;
		}
		if (*model && !**model) {
			*status = usage_error(command, "MODEL is empty");
			return false;
		}
	}
	if (optind < argc) {
		*status = usage_error(command, "\"%s\" is one argument too many%s",
			argv[optind], command == &command_run ?
			" (a prompt goes after -p)" : "");
		return false;
	}
	return true;
}
