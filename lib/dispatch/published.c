// SPDX-License-Identifier: MIT
#include "dispatch/published.h"

#define ISSCC	"ISSCC 2024 20.5"
#define JSSC	"JSSC 60(10) 2025"
#define PRESS	"press, March 2024"
#define OTHERS	"ISSCC 2026 31.1"
#define READER	"reader of " ISSCC

/*
 * The two papers differ in all that external memory has a part in, and are never
 * mixed in one line.
 */
const struct ct_figure ct_published[CT_PUB_FIGURES] = {
	[CT_PUB_PARAMS_GPT2] = { "GPT-2 parameters", "M", PRESS, 708, 708, 0.5 },
	[CT_PUB_PARAMS_T5] = { "T5 parameters", "M", PRESS, 402, 402, 0.5 },
	[CT_PUB_FETCHED_GPT2] = { "GPT-2 parameters fetched", "M", PRESS, 191, 191, 0.5 },
	[CT_PUB_FETCHED_T5] = { "T5 parameters fetched", "M", PRESS, 76, 76, 0.5 },
	[CT_PUB_EXTERNAL_ISSCC] = { "external memory's energy, to uncompressed", "x",
		ISSCC, 0.24, 0.29, 0.005 },
	[CT_PUB_EXTERNAL_JSSC] = { "external memory's energy, to uncompressed", "x",
		JSSC, 0.37, 0.41, 0.005 },
	[CT_PUB_COMPUTE] = { "compute energy, to all dense", "x", ISSCC, 0.21, 0.33, 0.005 },
	[CT_PUB_LITTLE] = { "external memory with big-little", "x", READER, 0.41, 0.61, 0.005 },
	[CT_PUB_LATENCY_GPT2_ISSCC] = { "GPT-2 latency", "s", ISSCC, 0.477, 0.477, 0.0005 },
	[CT_PUB_LATENCY_FSMT_ISSCC] = { "FSMT latency", "s", ISSCC, 0.06, 0.06, 0.005 },
	[CT_PUB_LATENCY_T5_PRESS] = { "T5 latency", "s", PRESS, 0.2, 0.2, 0.05 },
	[CT_PUB_LATENCY_GPT2_JSSC] = { "GPT-2 latency", "s", JSSC, 0.656, 0.656, 0.0005 },
	[CT_PUB_LATENCY_FSMT_JSSC] = { "FSMT latency", "s", JSSC, 0.09, 0.09, 0.005 },
	[CT_PUB_ENERGY_GPT2] = { "GPT-2 energy", "uJ/token", ISSCC, 18.1, 18.1, 0.05 },
	[CT_PUB_ENERGY_FSMT] = { "FSMT energy", "uJ/token", ISSCC, 2.6, 2.6, 0.05 },
	[CT_PUB_EXTERNAL_SHARE] = { "external memory's share before", "", ISSCC,
		0.68, 0.68, 0.005 },
	[CT_PUB_BIGGER_ISSCC] = { "energy, to others with 2.1 times less", "x", ISSCC,
		0.698, 0.698, 0.0005 },
	[CT_PUB_SIMILAR_ISSCC] = { "energy, to others of the same size", "x", ISSCC,
		0.278, 0.278, 0.0005 },
	[CT_PUB_BIGGER_JSSC] = { "energy, to others with 2.1 times less", "x", JSSC,
		0.864, 0.864, 0.0005 },
	[CT_PUB_SIMILAR_JSSC] = { "energy, to others of the same size", "x", JSSC,
		0.362, 0.362, 0.0005 },
	[CT_PUB_POWER_PRESS] = { "power", "W", PRESS, 0.4, 0.4, 0.05 },
	[CT_PUB_POWER_MOST] = { "power at most", "W", READER, 0.5, 0.5, 0.05 },
	[CT_PUB_PEAK] = { "peak rate, dense", "TOPS", OTHERS, 3.41, 3.41, 0.005 },
	[CT_PUB_DECODE_OTHERS] = { "GPT-2 decoding, modelled by others, 4 chips",
		"mJ/token", OTHERS, 21.90, 21.90, 0.005 },
};
