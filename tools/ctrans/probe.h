/* SPDX-License-Identifier: MIT */
/*
 * What this machine's memory gives: threads that each read their share of a
 * buffer in 2 MB pages, all at once, from its beginning to its end.
 */
#ifndef CTRANS_TOOL_PROBE_H
#define CTRANS_TOOL_PROBE_H

struct probe;

/* NULL: no memory for it. */
struct probe *probe_open(unsigned int threads);
/* Bytes in a second, the best of a few passes; 0: threads cannot be made. */
double probe_run(struct probe *probe);
void probe_close(struct probe *probe);

#endif
