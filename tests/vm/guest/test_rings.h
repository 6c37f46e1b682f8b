/* SPDX-License-Identifier: MIT */
#ifndef TEST_RINGS_H
#define TEST_RINGS_H

/* rings_words.c: what user space writes while others read it */
void rule_01(void);
void rule_02(void);
void rule_04(void);
void rule_05(void);

/* rings_memory.c: whose memory the chip reaches */
void rule_06(void);
void rule_06_unbind(void);
void rule_07(void);
void rule_11(void);

/* rings_pages.c: the two mappings, and the log */
void rule_03(void);
void rule_08(void);
void rule_09(void);
void rule_10(void);

#endif
