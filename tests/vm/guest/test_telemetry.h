/* SPDX-License-Identifier: MIT */
#ifndef TEST_TELEMETRY_H
#define TEST_TELEMETRY_H

/* telemetry_counts.c: what was used */
void counts_of_files(void);
void counts_of_memory(void);
void counts_go_on(void);
void trace_events(void);
void debugfs_files(void);

/* telemetry_clock.c: the operating point */
void clock_pinned(void);
void clock_capped(void);
void clock_follows(void);
void clock_warm(void);

/* telemetry_asleep.c: sensors, and a chip that is not woken */
void sensors_plausible(void);
void sensors_garbage(void);
void asleep_untouched(void);

#endif
