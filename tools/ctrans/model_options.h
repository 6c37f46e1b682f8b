/* SPDX-License-Identifier: MIT */
/* The options that say how a model is loaded, and where it runs. */
#ifndef CTRANS_TOOL_MODEL_OPTIONS_H
#define CTRANS_TOOL_MODEL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "ctrans.h"
#include "options.h"

/* Filled by options_parse(); change the fields before model_load(). */
extern struct model_options {
	const char *device, *kernel;
	const char *policy, *code, *objective, *speculate, *calibrate, *kv;
	const char *power_cap;	/* NULL: none; "": the chip's own */
	const char *cache;	/* NULL: none; "": where such things are kept */
	const char *weights;	/* of a shape; NULL: s8 */
	const char *little;	/* NULL: the one in the file; "": none */
	uint32_t threads, opp, context;
	float levels, deadline, sample;
	bool threads_given, opp_given, levels_given, f32, flip, deadline_given,
	     sample_given;
	bool quiet;
	unsigned int verbose;
} model_options;

extern const struct option_spec device_option_specs[];	/* where */
extern const struct option_spec dispatch_option_specs[];	/* and how */
extern const struct option_spec cache_option_specs[];
extern const struct option_spec message_option_specs[];	/* -q, -v */

/*
 * Load @path with @flags of enum ctrans_model_flags, a bar on the terminal
 * meanwhile. An exit status; what is wrong has been printed.
 */
int model_load(const struct command *command, const char *path, uint32_t flags,
	       struct ctrans_model **model);

/*
 * The device that the options name, or NULL: @device, which may be in @to. An
 * exit status.
 */
int device_name(const struct command *command, char *to, size_t size,
		const char **device);

/* Up to what the library says is printed, by -q and -v. */
void set_log(void);

#endif
