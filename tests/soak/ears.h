/* SPDX-License-Identifier: MIT */
/* What a caller hears of its request, and whether that is what it should be. */
#ifndef CTRANS_SOAK_EARS_H
#define CTRANS_SOAK_EARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "caller.h"

struct ears {
	struct caller *caller;
	uint64_t start;
	size_t n_tokens, len, pieces;
	size_t stop_token, stop_text;	/* say stop at the so manieth; 0: never */
	bool by_word;			/* through the cancel word instead */
};

/* The request's parameters, and callbacks to @ears; a priority of its own. */
struct ctrans_generate_params listen(struct caller *caller,
				     const struct request *request,
				     struct ears *ears);

/*
 * Is what came of it what the request gives alone, or where it was stopped the
 * beginning of that? Takes @result, which may be NULL. 0, or -1 after
 * complain().
 */
int compare(struct caller *caller, const struct request *request, int ret,
	    struct ctrans_result *result, const struct ears *ears);

#endif
