/* SPDX-License-Identifier: MIT */
#ifndef TEST_RACES_H
#define TEST_RACES_H

/* races_owner.c: whose file it is, and its end at every call */
void passed_on(void);
void traced(void);
void stopped_owner(void);
void killed_in_calls(void);

/* races_driver.c: the function goes, or is reset, under users of every kind */
void unloaded_under(void);
void unbound_under(void);
void removed_and_found(void);
void reset_at_work(void);

/* races_memory.c: little memory, few rights */
void in_memcg(void);
void no_memlock(void);

#endif
