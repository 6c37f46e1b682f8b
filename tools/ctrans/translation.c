// SPDX-License-Identifier: MIT
#include "translation.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

/* Does one of the tasks, "a, b", lead from one language to the other? */
static bool translates(const char *task, size_t len, const char *from, const char *to)
{
	char its_from[24], its_to[24], name[80];

	if (len >= sizeof(name))
		return false;
	memcpy(name, task, len);
	name[len] = '\0';
	/* of a model that does not say which languages it knows */
	if (!strcmp(name, "translate"))
		return !from && !to;
	if (sscanf(name, "translate_%23[^_]_%23s", its_from, its_to) != 2)
		return false;
	return (!from || !strcmp(from, its_from)) && (!to || !strcmp(to, its_to));
}

int find_translation(const struct ctrans_model_info *info, const char *from,
		     const char *to, const char **task)
{
	static char name[80];
	const char *at = info->tasks;
	int found = 0;

	while (*at) {
		size_t len = strcspn(at, ",");

		if (translates(at, len, from, to)) {
			snprintf(name, sizeof(name), "%.*s", (int)len, at);
			found++;
		}
		at += len;
		at += strspn(at, ", ");
	}
	*task = name;
	if (found == 1)
		return EXIT_OK;
	if (!*info->tasks)
		return fail(EXIT_FAILED, "the model translates nothing: it has no tasks");
	return fail(EXIT_USAGE, found ?
		    "the model has more than one such translation (%s): name the languages with --from and --to" :
		    "the model has no such translation (it has %s)", info->tasks);
}
