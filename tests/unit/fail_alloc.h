/* SPDX-License-Identifier: MIT */
/*
 * Making allocations fail, each in its turn.
 *
 * The linker sends the library's allocations here (fail_alloc_link_args in
 * meson.build); cJSON's come through its hooks. The usual loop, which ends
 * when a run got through without the failure it was promised:
 *
 *	for (n = 1; ; n++) {
 *		fail_alloc_at(n);
 *		ret = thing_under_test();
 *		hit = fail_alloc_stop();
 *		if (!hit)
 *			break;
 *		ck_assert_int_eq(ret, -ENOMEM);
 *	}
 *
 * One failure is enough to reach each error path, and AddressSanitizer then
 * says what the path forgot. Allocations inside libc (fopen, qsort) are not
 * seen, nor are those of other libraries unless a test wraps their functions
 * and asks fail_alloc_now().
 */
#ifndef FAIL_ALLOC_H
#define FAIL_ALLOC_H

#include <stdbool.h>

/* The @n-th allocation from here on fails, counted from 1; 0 only counts. */
void fail_alloc_at(unsigned long n);
/* No more failures. Returns whether there was one. */
bool fail_alloc_stop(void);
/* Allocations since fail_alloc_at(). */
unsigned long fail_alloc_count(void);
/* Count one allocation of another kind; true if it is the one to fail. */
bool fail_alloc_now(void);

#endif
