/* SPDX-License-Identifier: MIT */
#ifndef TEST_RECOVERY_H
#define TEST_RECOVERY_H

/* recovery_ladder.c: each rung, because the ones before it do not help */
void queue_abort(void);
void context_reset(void);
void chip_reset(void);
void bus_reset(void);
void wedged(void);
void woken_disobeying(void);
void starved(void);
void destroyed_hanging(void);
void killed_hanging(void);

/* recovery_lies.c: a chip that says what is not so */
void completions_jump(void);
void completions_rewind(void);
void completions_garbage(void);
void interrupts_dropped(void);
void interrupts_many(void);
void dma_outside(void);
void all_ones(void);
void never_idle(void);
void never_acknowledged(void);

/* recovery_races.c: two recoveries at once */
void reset_hanging(void);
void unbound_hanging(void);
void suspended_hanging(void);

#endif
