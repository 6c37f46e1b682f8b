// SPDX-License-Identifier: MIT
/*
 * The rules that keep rings in user memory safe, one test for each. They are
 * those any driver of mapped queues needs; a rule is told above its test.
 */
#include "test_rings.h"

#include <stddef.h>

#include "jobs.h"

/*
 * Rule 12: structures look the same to 32-bit and 64-bit callers: fixed widths,
 * no holes, 64-bit members on multiples of 8, sizes multiples of 8. That is
 * proved when this file is compiled; scripts/check-driver.sh compares a 32-bit
 * build of the headers with a 64-bit one. Pads and flags: guest_ioctl.
 */
#define SAME(type, size, last)						\
	_Static_assert(sizeof(struct type) == (size) && (size) % 8 == 0,	\
		       #type " has another size");			\
	_Static_assert(offsetof(struct type, last) +			\
		       sizeof(((struct type *)0)->last) == (size),	\
		       #type " has a hole at its end")

SAME(drm_ctrans_dev_query, 16, pointer);
SAME(drm_ctrans_info, 72, timeout_max_ms);
SAME(drm_ctrans_clock, 16, khz);
SAME(drm_ctrans_bo_create, 16, handle);
SAME(drm_ctrans_bo_mmap_offset, 16, offset);
SAME(drm_ctrans_vm_create, 8, vm_id);
SAME(drm_ctrans_vm_destroy, 8, pad);
SAME(drm_ctrans_vm_bind_op, 40, size);
SAME(drm_ctrans_vm_bind, 24, ops);
SAME(drm_ctrans_queue_create, 64, status_size);
SAME(drm_ctrans_queue_destroy, 8, pad);
SAME(drm_ctrans_queue_wait, 32, done);
SAME(drm_ctrans_queue_get_state, 40, done);
SAME(drm_ctrans_queue_restart, 8, pad);
SAME(ctrans_sqe, 64, rsvd2);
SAME(ctrans_cqe, 32, energy_pj);
SAME(ctrans_status_line, 64, rsvd);
SAME(ctrans_kernel_line, 64, rsvd);
SAME(ctrans_insn, 128, raw);

static void rule_12(void)
{
	ok(true, "sizes and offsets, when this was compiled");
}

static const struct guest_test tests[] = {
	{ "rule_01", rule_01 },
	{ "rule_02", rule_02 },
	{ "rule_03", rule_03 },
	{ "rule_04", rule_04 },
	{ "rule_05", rule_05 },
	{ "rule_06", rule_06 },
	{ "rule_06_unbind", rule_06_unbind },
	{ "rule_07", rule_07 },
	{ "rule_08", rule_08 },
	{ "rule_09", rule_09 },
	{ "rule_10", rule_10 },
	{ "rule_11", rule_11 },
	{ "rule_12", rule_12 },
};

GUEST_MAIN(tests)
