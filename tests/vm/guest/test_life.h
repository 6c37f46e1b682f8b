/* SPDX-License-Identifier: MIT */
#ifndef TEST_LIFE_H
#define TEST_LIFE_H

/* life_users.c: users that end badly, and jobs that do */
void killed(void);
void closed(void);
void two_processes(void);
void timed_out(void);
void starved(void);
void told_once(void);
void destroyed_at_work(void);

/* life_driver.c: the driver goes while it is used */
void module_held(void);
void unbound_once(void);
void unbound_often(void);
void unbound_importing(void);
void function_reset(void);
void fallen_off(void);

#endif
