// SPDX-License-Identifier: MIT
/* Help texts from the tables of options.h. */
#include <stdio.h>
#include <string.h>

#include "options.h"

#define COLUMNS	79
#define INDENT	26	/* where what an option does begins */

/* Print words of @text from column @indent on, later lines from there, too. */
static void wrap(const char *text, int indent)
{
	int column = indent;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column > indent && column + 1 + len > COLUMNS) {
			printf("\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			putchar(' ');
			column++;
		}
		printf("%.*s", len, text);
		column += len;
		text += len;
		text += *text == ' ';
	}
	putchar('\n');
}

static void option_line(const struct option_spec *spec)
{
	char left[64];
	int len;

	bool optional = spec->type == OPTION_DEFAULT;

	len = snprintf(left, sizeof(left), "  %c%c%s--%s%s%s%s",
		       spec->letter ? '-' : ' ', spec->letter ? spec->letter : ' ',
		       spec->letter ? ", " : "  ", spec->name,
		       optional ? "[=" : spec->value ? " " : "",
		       spec->value ? spec->value : "", optional ? "]" : "");
	if (len > INDENT - 2)
		printf("%s\n%*s", left, INDENT, "");
	else
		printf("%-*s", INDENT, left);
	wrap(spec->help, INDENT);
}

void options_help(const struct command *command)
{
	const struct option_group *group;
	const struct option_spec *spec;
	const char *line = command->synopsis, *end;

	for (; line; line = end ? end + 1 : NULL) {
		end = strchr(line, '\n');
		printf("%s ctrans %s %.*s\n", line == command->synopsis ?
		       "usage:" : "      ", command->name,
		       end ? (int)(end - line) : (int)strlen(line), line);
	}
	printf("\n%s\n", command->about);
	for (group = command->groups; group->specs; group++) {
		printf("\n%s:\n", group->title);
		for (spec = group->specs; spec->type != OPTION_END; spec++)
			option_line(spec);
		if (!group[1].specs)
			printf("  -h, --help              this text\n");
	}
	if (command->examples)
		printf("\nExamples:\n%s\n", command->examples);
	puts("\nSee ctrans(1) for exit codes and details.");
}
