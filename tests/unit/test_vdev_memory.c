// SPDX-License-Identifier: MIT
/* The virtual PCIe chip: memory that goes, resets, power, and what it counts. */
#include <check.h>
#include <errno.h>
#include <linux/memfd.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vdev_client.h"

#define CONFIG	VFIO_PCI_CONFIG_REGION_INDEX
#define BAR0	VFIO_PCI_BAR0_REGION_INDEX
#define BAR2	VFIO_PCI_BAR2_REGION_INDEX
#define RW	(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

static struct vdev_test t;

static void open_with(enum vdev_irq_kind irq, const char *kernel)
{
	struct vdev_options o = { .threads = 2, .kernel = kernel, .irq = irq };

	vt_open(&t, &o);
}

static void setup(void)
{
	open_with(VDEV_MSIX, "auto");
}

static void teardown(void)
{
	vt_close(&t);
}

static void set_power(unsigned int state)
{
	vt_write(&t, CONFIG, vt_capability(&t, PCI_CAP_ID_PM) + PCI_PM_CTRL, 2, state);
}

static void submit_nop(unsigned int slot, uint64_t user_data)
{
	struct ctrans_sqe nop = { .op = CTRANS_OP_NOP, .user_data = user_data };

	bench_fill(&t.b, slot, &nop);
	vt_write(&t, BAR2, (uint64_t)slot * CTRANS_DB_PAGE_SIZE + CTRANS_DB_SQ_TAIL, 4,
		 t.b.q[slot].tail);
}

static bool completed(struct vdev_test *vt)
{
	return __atomic_load_n(&bench_line(&vt->b, 3)->cq_tail, __ATOMIC_ACQUIRE) ==
	       vt->b.q[3].tail;
}

/* ---- Memory that goes ------------------------------------------------------------ */

#define LONG_ROWS	1024u

/* Of 256 columns each; in, out and their gain in context memory. */
static struct ctrans_sqe long_job(uint64_t gain, uint32_t insns)
{
	struct ctrans_insn insn = { .op = CTRANS_INSN_NORM };
	struct ctrans_args args = { .n_rows = LONG_ROWS };
	static const struct ctrans_row rows[LONG_ROWS];
	uint64_t x, prog, at;

	x = bench_va(&t.b, 0, LONG_ROWS * 1024);
	prog = bench_va(&t.b, 0, insns * sizeof(insn));
	at = bench_va(&t.b, 0, sizeof(args) + sizeof(rows));
	insn.norm = (struct ctrans_insn_norm){
		.in_va = x, .out_va = x, .gain_va = gain, .in_stride = 1024,
		.out_stride = 1024, .n = 256, .eps_f32 = 0x3727c5ac,
	};
	for (uint32_t i = 0; i < insns; i++)
		bench_write(&t.b, 0, prog + i * sizeof(insn), &insn, sizeof(insn));
	bench_write(&t.b, 0, at, &args, sizeof(args));
	bench_write(&t.b, 0, at + sizeof(args), rows, sizeof(rows));
	return (struct ctrans_sqe){
		.op = CTRANS_OP_RUN, .user_data = 42, .prog_va = prog,
		.prog_len = (uint32_t)(insns * sizeof(insn)), .args_va = at,
	};
}

static bool active(struct vdev_test *vt)
{
	return bench_qreg(&vt->b, 3, CTRANS_Q_ACTIVE);
}

static bool inactive(struct vdev_test *vt)
{
	return !active(vt);
}

/* By the next message the server gives back what the workers have left. */
static bool given_back(struct vdev_test *vt)
{
	(void)vt_reg(vt, CTRANS_REG_ID);
	return !vt->v->dma.leaving;
}

static bool moving(struct vdev_test *vt)
{
	return bench_qreg(&vt->b, 3, CTRANS_Q_PROGRESS) > 100;
}

/* A page beyond the bench's memory, at bus address @at. */
static uint64_t page_apart(uint64_t at)
{
	uint64_t va = 1ull << 35;

	bench_map(&t.b, 0, va, at, CTRANS_PTE_WRITE);
	return va;
}

static void run_long(uint64_t gain, uint32_t insns)
{
	struct ctrans_sqe sqe = long_job(gain, insns);

	bench_queue(&t.b, 3, 0, 3, 3, 0);
	bench_fill(&t.b, 3, &sqe);
	bench_ring(&t.b, 3);
	ck_assert(vt_until(&t, active));
}

#define APART	(1ull << 33)
#define OTHER	(1ull << 34)

START_TEST(unmap_under_a_job)
{
	int fd = memfd_create("more", MFD_CLOEXEC);

	ck_assert_int_eq(ftruncate(fd, 8192), 0);
	vt_bring_up(&t);
	ck_assert_int_eq(vt_map(&t, APART, 4096, fd, 0, RW), 0);
	run_long(page_apart(APART), CTRANS_PROG_MAX);
	/* what it does not use comes and goes without a trace */
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(vt_map(&t, OTHER, 4096, fd, 4096, RW), 0);
		ck_assert_int_eq(vt_unmap(&t, OTHER, 4096), 0);
	}
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_TLB_SEQ), 0);
	ck_assert(active(&t));
	vt_expect_violations(&t, 0, VDEV_UNBOUND);
	/* what it does use ends it, soon */
	ck_assert_int_eq(vt_unmap(&t, APART, 4096), 0);
	ck_assert(vt_until(&t, completed));
	ck_assert(vt_until(&t, given_back));
	ck_assert_int_eq(bench_cqe(&t.b, 3, 0)->status, CTRANS_ST_BUS);
	ck_assert_uint_eq(bench_line(&t.b, 3)->fault_va, 1ull << 35);
	vt_expect_violations(&t, 1, VDEV_UNBOUND);
	close(fd);
}
END_TEST

/* One phase that takes seconds: the unmap does not, and nothing is harmed. */
START_TEST(unmap_under_a_long_phase)
{
	int fd = memfd_create("more", MFD_CLOEXEC);
	struct ctrans_insn i = { .op = CTRANS_INSN_LINEAR };
	struct ctrans_sqe sqe;
	struct timespec from, to;
	const uint8_t *mem;

	vt_close(&t);
	open_with(VDEV_MSIX, "reference");
	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	vt_bring_up(&t);
	bench_grow(&t.b, 0, 8 << 20, BENCH_ORDERED);
	ck_assert_int_eq(vt_map(&t, APART, 4096, fd, 0, RW), 0);
	mem = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(mem, MAP_FAILED);
	sqe = long_job(bench_va(&t.b, 0, 1024), 1);
	i.linear = (struct ctrans_insn_linear){
		.in_va = bench_va(&t.b, 0, LONG_ROWS * 1024),
		.weight_va = bench_va(&t.b, 0, 256 * 1024 * 4),
		.bias_va = page_apart(APART),
		.out_va = bench_va(&t.b, 0, LONG_ROWS * 4096),
		.in_stride = 1024, .out_stride = 4096, .n_in = 256, .n_out = 1024,
		.encoding = CTRANS_ENC_F32, .theta_f32 = 0x3f800000,
	};
	bench_write(&t.b, 0, sqe.prog_va, &i, sizeof(i));
	bench_queue(&t.b, 3, 0, 3, 3, 0);
	bench_fill(&t.b, 3, &sqe);
	bench_ring(&t.b, 3);
	ck_assert(vt_until(&t, moving));
	clock_gettime(CLOCK_MONOTONIC, &from);
	ck_assert_int_eq(vt_unmap(&t, APART, 4096), 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	ck_assert_int_lt((to.tv_sec - from.tv_sec) * 1000 +
			 (to.tv_nsec - from.tv_nsec) / 1000000, 2000);
	ck_assert(active(&t));
	ck_assert_ptr_nonnull(t.v->dma.leaving);
	/* the job ends badly, whatever it computed meanwhile */
	for (int tries = 0; tries < 6 && !completed(&t); tries++)
		(void)vt_until(&t, completed);
	ck_assert_int_eq(bench_cqe(&t.b, 3, 0)->status, CTRANS_ST_BUS);
	ck_assert(vt_until(&t, given_back));
	munmap((void *)(uintptr_t)mem, 4096);
	close(fd);
}
END_TEST

START_TEST(read_only_memory)
{
	int fd = memfd_create("more", MFD_CLOEXEC);
	struct ctrans_sqe sqe;

	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	vt_bring_up(&t);
	ck_assert_int_eq(vt_map(&t, APART, 4096, fd, 0, VFIO_DMA_MAP_FLAG_READ), 0);
	/* the page tables allow writing, the bus does not */
	sqe = long_job(page_apart(APART), 1);
	bench_queue(&t.b, 3, 0, 3, 3, 0);
	bench_fill(&t.b, 3, &sqe);
	bench_ring(&t.b, 3);
	ck_assert(vt_until(&t, completed));
	ck_assert_int_eq(bench_take(&t.b, 3).status, CTRANS_ST_BUS);
	vt_expect_violations(&t, 1, VDEV_UNBOUND);
	bench_map(&t.b, 0, 1ull << 35, APART, 0);
	vt_write(&t, BAR0, CTRANS_REG_TLB_INVAL, 4, CTRANS_TLB_ALL);
	bench_qset(&t.b, 3, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
	bench_fill(&t.b, 3, &sqe);
	bench_ring(&t.b, 3);
	ck_assert(vt_until(&t, completed));
	ck_assert_int_eq(bench_take(&t.b, 3).status, CTRANS_ST_OK);
	close(fd);
}
END_TEST

static bool hung_up(struct vdev_test *vt)
{
	struct vdev_info info = { .argsz = sizeof(info) };

	return vt_call(vt, VDEV_GET_INFO, &info, sizeof(info), -1, NULL, 0) == -1;
}

/* A file that gets shorter under a job costs the client, not the server. */
START_TEST(shortened_file)
{
	int fd = memfd_create("more", MFD_CLOEXEC);

	ck_assert_int_eq(ftruncate(fd, 8192), 0);
	vt_bring_up(&t);
	ck_assert_int_eq(vt_map(&t, APART, 8192, fd, 0, RW), 0);
	run_long(page_apart(APART), CTRANS_PROG_MAX);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	/* the next instruction meets it, and the message after that is the last */
	ck_assert(vt_until(&t, hung_up));
	vt_hang_up(&t);
	vt_connect(&t);
	ck_assert_int_eq(vt_version(&t), 0);
	ck_assert_uint_eq(t.v->dma.n, 0);
	close(fd);
}
END_TEST

/* Parts of a large page are no memory; a whole one that is not to be had is as gone. */
START_TEST(large_pages)
{
	const uint64_t size = CTRANS_PAGE_2M;
	int fd = memfd_create("large", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);
	struct ctrans_sqe sqe;

	if (fd < 0 || ftruncate(fd, (off_t)size)) {
		puts("SKIP large_pages: this kernel has no files of 2 MiB pages");
		return;
	}
	vt_bring_up(&t);
	ck_assert_int_eq(vt_map(&t, APART, 4096, fd, 0, RW), EINVAL);
	ck_assert_int_eq(vt_map(&t, APART, size - 4096, fd, 0, RW), EINVAL);
	ck_assert_int_eq(vt_map(&t, APART, size, fd, 0, RW), 0);
	ck_assert_int_eq(vt_unmap(&t, APART, size), 0);
	ck_assert_int_eq(vt_map(&t, APART, size, fd, 0, RW), 0);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	sqe = long_job(page_apart(APART), CTRANS_PROG_MAX);
	bench_queue(&t.b, 3, 0, 3, 3, 0);
	bench_fill(&t.b, 3, &sqe);
	bench_ring(&t.b, 3);
	ck_assert(vt_until(&t, hung_up));
	close(fd);
}
END_TEST

/* ---- Reset and power ---------------------------------------------------------------- */

static bool ready(struct vdev_test *vt)
{
	return bench_reg(&vt->b, CTRANS_REG_STATE) == CTRANS_STATE_READY;
}

static void all_as_new(void)
{
	ck_assert_uint_eq(vt_read(&t, CONFIG, PCI_COMMAND, 2), 0);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_ID), 0xffffffff);
	vt_set_command(&t, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_ID), CTRANS_ID);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_CTX_TABLE_LO), 0);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_Q(3) + CTRANS_Q_STATE), CTRANS_QSTATE_STOPPED);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_Q(3) + CTRANS_Q_SQ_HEAD), 0);
}

START_TEST(resets)
{
	/* FLR, the command for a machine's reset, D3hot; idle and under a job */
	for (int i = 0; i < 6; i++) {
		vt_bring_up(&t);
		if (i % 2)
			run_long(bench_va(&t.b, 0, 1024), CTRANS_PROG_MAX);
		else
			bench_queue(&t.b, 3, 0, 3, 3, 5);
		switch (i / 2) {
		case 0:
			vt_write(&t, CONFIG, vt_capability(&t, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL, 2,
				 PCI_EXP_DEVCTL_BCR_FLR);
			break;
		case 1:
			ck_assert_int_eq(vt_call(&t, VDEV_DEVICE_RESET, NULL, 0, -1, NULL, 0), 0);
			ck_assert(ready(&t));
			break;
		case 2:
			set_power(3);
			ck_assert_uint_eq(vt_read(&t, CONFIG, PCI_VENDOR_ID, 2),
					  CTRANS_PCI_VENDOR);
			set_power(0);
			break;
		}
		ck_assert(vt_until(&t, ready));
		all_as_new();
		vt_expect_violations(&t, 0, VDEV_UNBOUND);
		vt_hang_up(&t);
		vt_connect(&t);
	}
}
END_TEST

START_TEST(powered_down)
{
	vt_bring_up(&t);
	/* there are no D1 and D2 */
	set_power(1);
	set_power(2);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_ID), CTRANS_ID);
	set_power(3);
	vt_expect_violations(&t, 0, VDEV_POWERED_DOWN);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_ID), 0xffffffff);
	vt_write(&t, BAR0, CTRANS_REG_IRQ_MASK, 4, 1);
	vt_write(&t, BAR2, CTRANS_DB_SQ_TAIL, 4, 1);
	vt_expect_violations(&t, 3, VDEV_POWERED_DOWN);
	set_power(0);
	vt_set_command(&t, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_IRQ_MASK), 0);
	vdev_clear_violations(t.v);
}
END_TEST

START_TEST(no_bus_master)
{
	vt_bring_up(&t);
	bench_queue(&t.b, 3, 0, 3, 3, 0);
	vt_set_command(&t, PCI_COMMAND_MEMORY);
	submit_nop(3, 1);
	while (bench_qreg(&t.b, 3, CTRANS_Q_STATE) == CTRANS_QSTATE_RUNNING)
		usleep(100);
	ck_assert_uint_eq(bench_qreg(&t.b, 3, CTRANS_Q_ERROR), CTRANS_QERR_SQ_FAULT);
	/* the entry, and the line to say so in */
	vt_expect_violations(&t, 2, VDEV_NO_MASTER);
	/* pointers from before do not live on */
	vdev_clear_violations(t.v);
	vt_hang_up(&t);
	vt_connect(&t);
	vt_bring_up(&t);
	run_long(bench_va(&t.b, 0, 1024), CTRANS_PROG_MAX);
	vt_set_command(&t, PCI_COMMAND_MEMORY);
	ck_assert(vt_until(&t, inactive));
	ck_assert_uint_eq(bench_line(&t.b, 3)->cq_tail, 0);
	/* the job itself failed, in its middle */
	ck_assert_uint_ne(bench_qreg(&t.b, 3, CTRANS_Q_FAULT_VA_LO), 0);
	ck_assert_uint_gt(atomic_load(&t.v->violations[VDEV_NO_MASTER]), 0);
}
END_TEST

START_TEST(stopped_doorbell)
{
	vt_bring_up(&t);
	bench_queue(&t.b, 3, 0, 3, 3, 0);
	vt_write(&t, BAR2, 3 * CTRANS_DB_PAGE_SIZE + CTRANS_DB_ARM, 4, 1);
	vt_expect_violations(&t, 0, VDEV_STOPPED_DOORBELL);
	bench_qset(&t.b, 3, CTRANS_Q_CTRL, CTRANS_QCTRL_STOP);
	vt_write(&t, BAR2, 3 * CTRANS_DB_PAGE_SIZE + 64, 4, 1);
	vt_expect_violations(&t, 0, VDEV_STOPPED_DOORBELL);
	vt_write(&t, BAR2, 3 * CTRANS_DB_PAGE_SIZE + CTRANS_DB_SQ_TAIL, 4, 1);
	vt_expect_violations(&t, 1, VDEV_STOPPED_DOORBELL);
}
END_TEST

/* No progress for a tenth of a second. */
static bool standing(struct vdev_test *vt)
{
	uint32_t progress = bench_qreg(&vt->b, 3, CTRANS_Q_PROGRESS);

	usleep(100000);
	return bench_qreg(&vt->b, 3, CTRANS_Q_PROGRESS) == progress;
}

START_TEST(stalled)
{
	uint32_t progress;

	vt_bring_up(&t);
	ck_assert_int_eq(vdev_fault(t.v, "hang"), 0);
	run_long(bench_va(&t.b, 0, 1024), 8);
	progress = bench_qreg(&t.b, 3, CTRANS_Q_PROGRESS);
	/* memory still goes when it must, the kernel is still acknowledged */
	ck_assert_int_eq(vt_map(&t, APART, 4096, t.memfd, 0, RW), 0);
	ck_assert_int_eq(vt_unmap(&t, APART, 4096), 0);
	ck_assert(vt_until(&t, given_back));
	vt_write(&t, BAR0, CTRANS_REG_TLB_INVAL, 4, 0);
	while (vt_reg(&t, CTRANS_REG_TLB_ACK) != vt_reg(&t, CTRANS_REG_TLB_SEQ))
		usleep(100);
	usleep(20000);
	ck_assert(active(&t));
	ck_assert_uint_eq(bench_qreg(&t.b, 3, CTRANS_Q_PROGRESS), progress);
	/* until aborted, or let go */
	bench_qset(&t.b, 3, CTRANS_Q_CTRL, CTRANS_QCTRL_ABORT);
	ck_assert(vt_until(&t, completed));
	bench_qset(&t.b, 3, CTRANS_Q_CTRL, CTRANS_QCTRL_START);
	ck_assert_int_eq(bench_take(&t.b, 3).status, CTRANS_ST_ABORTED);
	submit_nop(3, 5);
	ck_assert(vt_until(&t, active));
	ck_assert_int_eq(vdev_fault(t.v, "hang off"), 0);
	ck_assert(vt_until(&t, completed));
	ck_assert_uint_eq(bench_take(&t.b, 3).user_data, 5);
	vt_expect_violations(&t, 0, VDEV_UNBOUND);
	/* in mid-job: translations that went meanwhile are looked up again */
	bench_qset(&t.b, 3, CTRANS_Q_CTRL, CTRANS_QCTRL_STOP);
	run_long(bench_va(&t.b, 0, 1024), CTRANS_PROG_MAX);
	ck_assert(vt_until(&t, moving));
	ck_assert_int_eq(vdev_fault(t.v, "hang"), 0);
	ck_assert(vt_until(&t, standing));
	ck_assert(active(&t));
	ck_assert_int_eq(vt_unmap(&t, 0, VDEV_TEST_BUS), 0);
	ck_assert(active(&t));
	ck_assert_int_eq(vdev_fault(t.v, "hang off"), 0);
	ck_assert(vt_until(&t, inactive));
	ck_assert_uint_gt(atomic_load(&t.v->violations[VDEV_UNBOUND]), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vdev_memory");
	TCase *c = tcase_create("memory");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, unmap_under_a_job);
	tcase_add_test(c, unmap_under_a_long_phase);
	tcase_add_test(c, read_only_memory);
	tcase_add_test(c, shortened_file);
	tcase_add_test(c, large_pages);
	tcase_add_test(c, resets);
	tcase_add_test(c, powered_down);
	tcase_add_test(c, no_bus_master);
	tcase_add_test(c, stopped_doorbell);
	tcase_add_test(c, stalled);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
