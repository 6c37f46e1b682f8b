/* SPDX-License-Identifier: MIT */
/* The chip's sleep, as sysfs shows it and lets it be set. */
#ifndef POWER_H
#define POWER_H

#include <stdbool.h>

/* It may sleep, so many milliseconds after its last use. */
void power_auto(int delay_ms);
/* It stays awake from here. */
void power_on(void);
/* As the driver has it after its probe. */
void power_default(void);
bool power_asleep(void);
/* Until it is, at most so long. */
bool power_sleeps_within(unsigned int ms);
/* Milliseconds that it was awake since it was bound. */
long power_awake_ms(void);

/*
 * In the suite's guests of 7.3 whatever is written to a virtio port after devices
 * were suspended never arrives, ctrans or not: there is nobody to be told.
 */
bool power_console_dies(void);
/* Times that it fell asleep since the first of these; -1: nobody counts them. */
void power_count_sleeps(void);
int power_sleeps_counted(void);

#endif
