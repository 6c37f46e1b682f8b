/* SPDX-License-Identifier: MIT */
#ifndef TEST_POWER_H
#define TEST_POWER_H

/* power_sleep.c: asleep, and what wakes it */
void sleeps(void);
void sleeps_often(void);
void kept_awake(void);
void works_on(void);
void asked(void);
void waited_for(void);

/* power_change.c: what is done to queues and spaces meanwhile */
void stopped_queue(void);
void timed_out_queue(void);
void queues_change(void);
void bindings_change(void);
void owner_goes(void);
void mappings_move(void);
void unbound_asleep(void);

/* power_storm.c: words stored at the moment of the sleep */
void storm(void);
void storm_of_calls(void);

/* power_system.c: the whole machine */
void frozen_tasks(void);
void devices_suspended(void);
void suspended_asleep(void);
void suspended_at_work(void);
void suspended_stuck(void);

#endif
