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
/* The place reached as number i, from 0, since cover_clear(); 0: there is none. */
unsigned long cover_place(unsigned int i);

#endif
