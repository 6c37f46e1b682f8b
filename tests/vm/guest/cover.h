/* SPDX-License-Identifier: MIT */
/* Which code of the driver a process's calls reach, where the kernel says it. */
#ifndef COVER_H
#define COVER_H

#include <stdbool.h>

/* False: it does not. */
bool cover_open(void);
/* In the process whose calls are followed, until it ends. */
void cover_this(void);
/* Before the calls; after them: new edges that they reached, of all so far. */
void cover_clear(void);
unsigned int cover_take(void);
unsigned int cover_edges(void);
/* How many places were reached since cover_clear(), and number i of them, from 0. */
unsigned int cover_count(void);
unsigned long cover_place(unsigned int i);

#endif
