// SPDX-License-Identifier: MIT
/* The virtual PCIe chip from the monitor's side of its socket: what it is, interrupts. */
#include <check.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vdev_client.h"

#define CONFIG	VFIO_PCI_CONFIG_REGION_INDEX
#define BAR0	VFIO_PCI_BAR0_REGION_INDEX
#define BAR2	VFIO_PCI_BAR2_REGION_INDEX
#define BAR4	VFIO_PCI_BAR4_REGION_INDEX
#define EVENTFDS (VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER)
#define UNMASK	(VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK)

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

/* ---- What it is -------------------------------------------------------------- */

START_TEST(version)
{
	struct vdev_version v = { VDEV_MAJOR + 1, 0 };
	struct vdev_info info = { .argsz = sizeof(info) };
	char bad[8] = { 0, 0, 0, 0, '{', '}', ' ', ' ' };

	/* before it is agreed upon nothing else is answered */
	ck_assert_int_eq(vt_call(&t, VDEV_GET_INFO, &info, sizeof(info), -1, NULL, 0), EINVAL);
	ck_assert_int_eq(vt_call(&t, VDEV_VERSION, &v, sizeof(v), -1, NULL, 0), EINVAL);
	ck_assert_int_eq(vt_call(&t, VDEV_VERSION, &v, 3, -1, NULL, 0), EINVAL);
	ck_assert_int_eq(vt_call(&t, VDEV_VERSION, bad, sizeof(bad), -1, NULL, 0), EINVAL);
	ck_assert_int_eq(vt_version(&t), 0);
	ck_assert_int_eq(vt_version(&t), EINVAL);
	ck_assert_int_eq(vt_call(&t, VDEV_GET_INFO, &info, sizeof(info), -1, &info,
				 sizeof(info)), 0);
	ck_assert_uint_eq(info.num_regions, VFIO_PCI_NUM_REGIONS);
	ck_assert_uint_eq(info.num_irqs, VFIO_PCI_NUM_IRQS);
	ck_assert_uint_eq(info.flags, VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI);
}
END_TEST

START_TEST(configuration)
{
	static const uint32_t bars[6] = { ~0xffffu, 0, ~0x3fffffu, 0xffffffff, ~0xfffu, 0 };
	unsigned int cap;

	vt_version(&t);
	ck_assert_uint_eq(vt_read(&t, CONFIG, PCI_VENDOR_ID, 2), CTRANS_PCI_VENDOR);
	ck_assert_uint_eq(vt_read(&t, CONFIG, PCI_DEVICE_ID, 2), CTRANS_PCI_DEVICE);
	ck_assert_uint_eq(vt_read(&t, CONFIG, PCI_CLASS_DEVICE, 2), 0x1200);
	for (uint32_t i = 0; i < 6; i++) {
		uint32_t at = PCI_BASE_ADDRESS_0 + 4 * i, mask;

		vt_write(&t, CONFIG, at, 4, 0xffffffff);
		mask = vt_read(&t, CONFIG, at, 4);
		ck_assert_uint_eq(i == 3 ? mask : mask & ~15u, bars[i]);
		ck_assert_uint_eq(mask & 15, i == 2 ? 12 : i == 3 ? 15 : 0);
	}
	cap = vt_capability(&t, PCI_CAP_ID_PM);
	ck_assert_uint_ne(cap, 0);
	ck_assert_uint_eq(vt_read(&t, CONFIG, cap + PCI_PM_CTRL, 2), 0);
	cap = vt_capability(&t, PCI_CAP_ID_EXP);
	ck_assert_uint_ne(cap, 0);
	ck_assert_uint_ne(vt_read(&t, CONFIG, cap + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR, 0);
	cap = vt_capability(&t, PCI_CAP_ID_MSIX);
	ck_assert_uint_ne(cap, 0);
	ck_assert_uint_eq(vt_read(&t, CONFIG, cap + PCI_MSIX_FLAGS, 2), 16);
	ck_assert_uint_eq(vt_capability(&t, PCI_CAP_ID_MSI), 0);
	/* what is not to be written is not */
	vt_write(&t, CONFIG, PCI_VENDOR_ID, 4, 0);
	vt_write(&t, CONFIG, PCI_COMMAND, 2, 0xffff);
	ck_assert_uint_eq(vt_read(&t, CONFIG, PCI_VENDOR_ID, 2), CTRANS_PCI_VENDOR);
	ck_assert_uint_eq(vt_read(&t, CONFIG, PCI_COMMAND, 2),
			  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
			  PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
}
END_TEST

static int region_io(uint32_t command, uint32_t region, uint64_t offset, uint32_t count)
{
	static struct {
		struct vdev_access a;
		uint8_t data[64];
	} m;

	m.a = (struct vdev_access){ offset, region, count };
	return vt_call(&t, command, &m, sizeof(m.a) + (command == VDEV_REGION_WRITE ? count : 0),
		       -1, NULL, 0);
}

START_TEST(regions)
{
	static const uint64_t sizes[VFIO_PCI_NUM_REGIONS] = {
		[BAR0] = 0x10000, [BAR2] = 0x400000, [BAR4] = 0x1000, [CONFIG] = 0x1000,
	};

	vt_version(&t);
	for (uint32_t i = 0; i <= VFIO_PCI_NUM_REGIONS; i++) {
		struct vfio_region_info info = { .argsz = sizeof(info), .index = i };
		int ret = vt_call(&t, VDEV_GET_REGION_INFO, &info, sizeof(info), -1, &info,
				  sizeof(info));

		ck_assert_int_eq(ret, i < VFIO_PCI_NUM_REGIONS ? 0 : EINVAL);
		if (ret)
			continue;
		ck_assert_uint_eq(info.size, sizes[i]);
		ck_assert_uint_eq(info.flags, info.size ? 3 : 0);
		ck_assert_int_eq(region_io(VDEV_REGION_READ, i, info.size, 1), EINVAL);
		ck_assert_int_eq(region_io(VDEV_REGION_WRITE, i, info.size, 1), EINVAL);
		ck_assert_int_eq(region_io(VDEV_REGION_READ, i, UINT64_MAX, 4), EINVAL);
		if (info.size) {
			ck_assert_int_eq(region_io(VDEV_REGION_READ, i, info.size - 4, 4), 0);
			ck_assert_int_eq(region_io(VDEV_REGION_WRITE, i, info.size - 4, 4), 0);
			ck_assert_int_eq(region_io(VDEV_REGION_READ, i, info.size - 4, 5), EINVAL);
		}
	}
	ck_assert_int_eq(region_io(VDEV_REGION_READ, VFIO_PCI_NUM_REGIONS, 0, 4), EINVAL);
	/* without memory decoding nothing answers */
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_ID), 0xffffffff);
	vt_set_command(&t, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_ID), CTRANS_ID);
	ck_assert_uint_eq(vt_read(&t, BAR0, 0, 2), 0xffff);
	ck_assert_uint_eq(vt_read(&t, BAR0, 2, 4), 0xffffffff);
	ck_assert_uint_eq(vt_read(&t, BAR2, CTRANS_DB_SQ_TAIL, 4), 0);
	vt_write(&t, BAR4, 12, 4, 0xabcd);
	ck_assert_uint_eq(vt_read(&t, BAR4, 12, 4), 0xabcd);
	vt_write(&t, BAR4, VDEV_BAR4_PBA, 4, 0xabcd);
	ck_assert_uint_eq(vt_read(&t, BAR4, VDEV_BAR4_PBA, 4), 0);
	vt_expect_violations(&t, 0, VDEV_UNBOUND);
}
END_TEST

/* ---- Jobs and interrupts ------------------------------------------------------- */

static void submit_nop(unsigned int slot, uint64_t user_data)
{
	struct ctrans_sqe nop = { .op = CTRANS_OP_NOP, .user_data = user_data };

	bench_fill(&t.b, slot, &nop);
	vt_write(&t, BAR2, (uint64_t)slot * CTRANS_DB_PAGE_SIZE + CTRANS_DB_SQ_TAIL, 4,
		 t.b.q[slot].tail);
}

static void arm(unsigned int slot)
{
	vt_write(&t, BAR2, (uint64_t)slot * CTRANS_DB_PAGE_SIZE + CTRANS_DB_ARM, 4,
		 t.b.q[slot].tail);
}

static void acknowledge(unsigned int slot)
{
	vt_write(&t, BAR0, slot < 32 ? CTRANS_REG_QPEND_LO : CTRANS_REG_QPEND_HI, 4,
		 1u << slot % 32);
}

static bool completed(struct vdev_test *vt)
{
	return __atomic_load_n(&bench_line(&vt->b, 3)->cq_tail, __ATOMIC_ACQUIRE) ==
	       vt->b.q[3].tail;
}

START_TEST(vectors)
{
	int fd[VDEV_VECTORS];

	vt_bring_up(&t);
	bench_queue(&t.b, 3, 0, 3, 3, 0);
	bench_queue(&t.b, 40, 0, 3, 3, 0);
	for (unsigned int i = 0; i < VDEV_VECTORS; i++)
		fd[i] = eventfd(0, EFD_CLOEXEC);
	/* as many at once as fit a message, then the last */
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VDEV_MSIX, 0, 16, fd, 16), 0);
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VDEV_MSIX, 16, 1, fd + 16, 1), 0);
	submit_nop(3, 77);
	ck_assert_uint_eq(vt_signals(fd[1 + 3], 10000), 1);
	ck_assert(completed(&t));
	ck_assert_uint_eq(bench_take(&t.b, 3).user_data, 77);
	/* queue 40's vector there is not: the first stands in */
	submit_nop(40, 78);
	ck_assert_uint_eq(vt_signals(fd[0], 10000), 1);
	/* so it does for one that is taken away; and with none they wait */
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VDEV_MSIX, 4, 1, NULL, 0), 0);
	arm(3);
	acknowledge(3);
	submit_nop(3, 79);
	ck_assert_uint_eq(vt_signals(fd[0], 10000), 1);
	ck_assert_int_eq(vt_irqs(&t, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
				 VDEV_MSIX, 0, 0, NULL, 0), 0);
	arm(3);
	acknowledge(3);
	submit_nop(3, 80);
	ck_assert(vt_until(&t, completed));
	ck_assert_uint_eq(vt_signals(fd[4], 20), 0);
	while (!vt_read(&t, BAR4, VDEV_BAR4_PBA, 4))
		usleep(100);
	ck_assert_uint_eq(vt_read(&t, BAR4, VDEV_BAR4_PBA, 4), 1 << 4);
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VDEV_MSIX, 4, 1, fd + 4, 1), 0);
	ck_assert_uint_eq(vt_signals(fd[4], 10000), 1);
	ck_assert_uint_eq(vt_read(&t, BAR4, VDEV_BAR4_PBA, 4), 0);
	/* a test of the client's wiring */
	ck_assert_int_eq(vt_irqs(&t, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
				 VDEV_MSIX, 4, 1, NULL, 0), 0);
	ck_assert_uint_eq(vt_signals(fd[4], 10000), 1);
	vt_expect_violations(&t, 0, VDEV_UNBOUND);
	for (unsigned int i = 0; i < VDEV_VECTORS; i++)
		close(fd[i]);
}
END_TEST

START_TEST(msi)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	unsigned int cap;

	vt_close(&t);
	open_with(VDEV_MSI, "auto");
	vt_bring_up(&t);
	cap = vt_capability(&t, PCI_CAP_ID_MSI);
	ck_assert_uint_ne(cap, 0);
	ck_assert_uint_eq(vt_capability(&t, PCI_CAP_ID_MSIX), 0);
	vt_write(&t, CONFIG, cap + PCI_MSI_FLAGS, 2, 0xffff);
	ck_assert_uint_eq(vt_read(&t, CONFIG, cap + PCI_MSI_FLAGS, 2),
			  PCI_MSI_FLAGS_64BIT | 4 << 1 | PCI_MSI_FLAGS_QSIZE |
			  PCI_MSI_FLAGS_ENABLE);
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VDEV_MSIX, 0, 1, &fd, 1), EINVAL);
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VDEV_MSI, 0, 1, &fd, 1), 0);
	bench_queue(&t.b, 3, 0, 3, 3, 0);
	submit_nop(3, 1);
	ck_assert_uint_eq(vt_signals(fd, 10000), 1);
	close(fd);
}
END_TEST

START_TEST(intx)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	vt_close(&t);
	open_with(VDEV_INTX, "auto");
	vt_bring_up(&t);
	ck_assert_uint_eq(vt_read(&t, CONFIG, PCI_INTERRUPT_PIN, 1), 1);
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, VDEV_INTX, 0, 1, &fd, 1), 0);
	bench_queue(&t.b, 3, 0, 3, 3, 0);
	bench_queue(&t.b, 4, 0, 3, 3, 0);
	submit_nop(3, 1);
	ck_assert_uint_eq(vt_signals(fd, 10000), 1);
	ck_assert_uint_ne(vt_read(&t, CONFIG, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, 0);
	/* it has masked itself; a level that stays comes again when unmasked */
	submit_nop(4, 2);
	ck_assert_uint_eq(vt_signals(fd, 50), 0);
	ck_assert_int_eq(vt_irqs(&t, UNMASK, VDEV_INTX, 0, 1, NULL, 0), 0);
	ck_assert_uint_eq(vt_signals(fd, 10000), 1);
	acknowledge(3);
	acknowledge(4);
	ck_assert_int_eq(vt_irqs(&t, UNMASK, VDEV_INTX, 0, 1, NULL, 0), 0);
	ck_assert_uint_eq(vt_signals(fd, 50), 0);
	ck_assert_uint_eq(vt_read(&t, CONFIG, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, 0);
	/* by the command register: held back, then let through */
	vt_set_command(&t, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	arm(3);
	submit_nop(3, 3);
	ck_assert(vt_until(&t, completed));
	ck_assert_uint_eq(vt_signals(fd, 50), 0);
	vt_set_command(&t, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(vt_signals(fd, 10000), 1);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vdev");
	TCase *c = tcase_create("device");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, version);
	tcase_add_test(c, configuration);
	tcase_add_test(c, regions);
	tcase_add_test(c, vectors);
	tcase_add_test(c, msi);
	tcase_add_test(c, intx);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
