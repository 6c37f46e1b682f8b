/* SPDX-License-Identifier: MIT */
/*
 * MUST() for what tests and fuzz targets share: the latter have no Check, and
 * a check in a loop of millions is not worth a message to the runner.
 */
#ifndef CHIP_MUST_H
#define CHIP_MUST_H

#include <stdio.h>
#include <stdlib.h>

#define MUST(condition)							\
	do {								\
		if (!(condition)) {					\
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,	\
				__LINE__, #condition);			\
			abort();					\
		}							\
	} while (0)

#endif
