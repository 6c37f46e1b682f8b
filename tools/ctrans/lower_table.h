/* SPDX-License-Identifier: MIT */
#ifndef CTRANS_TOOL_LOWER_TABLE_H
#define CTRANS_TOOL_LOWER_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* @n code points from @first on, @step apart, whose lower case is @delta away. */
struct lower_range {
	uint32_t first;
	uint16_t n;
	uint8_t step;
	int32_t delta;
};

/*
 * @n code points from @first on that are cased, or if not @cased ignorable where the end
 * of a word is looked for. Those that are both count as ignorable.
 */
struct case_range {
	uint32_t first;
	uint16_t n;
	uint8_t cased;
};

/* Both in ascending order, without overlap. */
extern const struct lower_range lower_ranges[];
extern const size_t n_lower_ranges;
extern const struct case_range case_ranges[];
extern const size_t n_case_ranges;

#endif
