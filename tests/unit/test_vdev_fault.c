// SPDX-License-Identifier: MIT
/* The control socket's faults, as the monitor sees them from its side. */
#include <check.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
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
#define OK	"{\"ok\":true}\n"

static struct vdev_test t;
static int control;

static void open_with(enum vdev_irq_kind irq)
{
	struct vdev_options o = { .threads = 2, .kernel = "auto", .irq = irq };

	vt_open(&t, &o);
	control = vt_control(&t);
	vt_bring_up(&t);
}

static void setup(void)
{
	open_with(VDEV_MSIX);
}

static void teardown(void)
{
	close(control);
	vt_close(&t);
}

static void say(const char *line)
{
	char lines[200];

	snprintf(lines, sizeof(lines), "%s\n", line);
	if (strcmp(vt_ask(control, lines), OK))
		ck_abort_msg("%s: %s", line, vt_ask(control, lines));
}

static void expect_list(const char *list)
{
	char with[400];

	snprintf(with, sizeof(with), "%s\n", list);
	ck_assert_str_eq(vt_ask(control, "faults\n"), with);
}

static void wr(uint32_t reg, uint32_t value)
{
	vt_write(&t, BAR0, reg, 4, value);
}

static void one_nop(unsigned int slot)
{
	bench_fill_nops(&t.b, slot, 0, 1);
	vt_write(&t, BAR2, (uint64_t)slot * CTRANS_DB_PAGE_SIZE + CTRANS_DB_SQ_TAIL, 4,
		 t.b.q[slot].tail);
}

static bool completed(struct vdev_test *vt)
{
	return __atomic_load_n(&bench_line(&vt->b, 3)->cq_tail, __ATOMIC_ACQUIRE) ==
	       vt->b.q[3].tail;
}

/* ---- Commands --------------------------------------------------------------- */

static const char *const good[][2] = {
	{ "hang", "{\"hang\":true}" },
	{ "hang 63", "{\"hang\":63}" },
	{ "hang 0", "{\"hang\":0}" },
	{ "ignore-abort", "{\"ignore-abort\":true}" },
	{ "ignore-context", "{\"ignore-context\":true}" },
	{ "ignore-reset", "{\"ignore-reset\":true}" },
	{ "ignore-flr", "{\"ignore-flr\":true}" },
	{ "never-idle", "{\"never-idle\":true}" },
	{ "tlb-never-ack", "{\"tlb-never-ack\":true}" },
	{ "drop-irq", "{\"drop-irq\":true}" },
	{ "drop-irq 3", "{\"drop-irq\":3}" },
	{ "drop-irq 0", "{}" },
	{ "duplicate-irq", "{\"duplicate-irq\":true}" },
	{ "duplicate-irq 7", "{\"duplicate-irq\":7}" },
	{ "spurious-irq 16", "{}" },
	{ "completion garbage", "{\"completion\":\"garbage\"}" },
	{ "completion rewind", "{\"completion\":\"rewind\"}" },
	{ "completion jump", "{\"completion\":\"jump\"}" },
	{ "dma-outside", "{\"dma-outside\":true}" },
	{ "dma-outside 0x1000", "{\"dma-outside\":true}" },
	{ "all-ones", "{\"all-ones\":true}" },
	{ "all-ones on", "{\"all-ones\":true}" },
	{ "all-ones bars", "{\"all-ones\":\"bars\"}" },
	{ "all-ones on bars", "{\"all-ones\":\"bars\"}" },
	{ "temperature -5", "{\"temperature\":-5}" },
	{ "temperature ramp 1000 1000 50", "{\"temperature\":1000}" },
	{ "sensor none", "{\"sensor\":\"none\"}" },
	{ "sensor garbage", "{\"sensor\":\"garbage\"}" },
	{ "evil 77", "{\"evil\":{\"seed\":77,\"reads\":0,\"id\":false}}" },
	{ "evil 0 id", "{\"evil\":{\"seed\":0,\"reads\":0,\"id\":true}}" },
};

START_TEST(commands)
{
	char line[100], name[40];

	expect_list("{}");
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(line, sizeof(line), "fault %s", good[i][0]);
		say(line);
		expect_list(good[i][1]);
		/* one by one, or all at once */
		sscanf(good[i][0], "%39s", name);
		snprintf(line, sizeof(line), "fault %s off", i % 2 ? name : "x");
		say(i % 2 ? line : "fault off");
		expect_list("{}");
	}
	/* in the order of the list, whenever they were set; all at once fit an answer */
	for (size_t i = sizeof(good) / sizeof(good[0]); i--;) {
		snprintf(line, sizeof(line), "fault %s", good[i][0]);
		say(line);
	}
	ck_assert_ptr_nonnull(strstr(vt_ask(control, "faults\n"), "\"id\":false}}\n"));
	say("stall off");
	ck_assert_ptr_null(strstr(vt_ask(control, "faults\n"), "hang"));
	say("fault off");
	say("stall on");
	expect_list("{\"hang\":true}");
	say("fault hang off");
	ck_assert_ptr_nonnull(strstr(vt_ask(control, "state\n"), "\"stalled\":false"));
}
END_TEST

START_TEST(bad_commands)
{
	static const char *const bad[] = {
		"hang 64", "hang -1", "hang x", "hang 1 2", "hang 1x", "ignore-abort 1",
		"never-idle on", "drop-irq -1", "drop-irq 4294967295", "spurious-irq",
		"spurious-irq 17", "completion", "completion wrong", "dma-outside x",
		"dma-outside 0x1000000000000", "all-ones maybe", "all-ones bars on",
		"all-ones on off", "temperature", "temperature hot", "temperature 1 2",
		"temperature 99999999999", "temperature ramp 1 2", "temperature ramp 1 2 0",
		"temperature ramp 1 2 3 4", "sensor", "sensor good", "evil", "evil x",
		"evil 1 2", "evil 99999999999999999999", "hang off off", "sensor 1 2 3 4 5",
	};
	static const char *const unknown[] = { "nothing", "off off", " ", "hang\"" };
	char line[100];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "fault %s\n", bad[i]);
		if (strcmp(vt_ask(control, line),
			   "{\"error\":\"not a value of this fault\"}\n"))
			ck_abort_msg("%s", line);
	}
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		snprintf(line, sizeof(line), "fault %s\n", unknown[i]);
		ck_assert_ptr_nonnull(strstr(vt_ask(control, line), "there are hang, "));
	}
	ck_assert_ptr_nonnull(strstr(vt_ask(control, "fault\n"), "fault NAME [VALUE]"));
	expect_list("{}");
}
END_TEST

/* The client goes and another comes: the chip is as new, its faults are not. */
START_TEST(stay)
{
	say("fault ignore-abort");
	say("fault ignore-reset");
	say("fault temperature 1234");
	wr(CTRANS_REG_OPP, 0);
	vt_hang_up(&t);
	vt_connect(&t);
	ck_assert_int_eq(vt_version(&t), 0);
	vt_set_command(&t, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_OPP), CTRANS_OPP_RESET);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_STATE), CTRANS_STATE_READY);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_TEMP_MC), 1234);
	expect_list("{\"ignore-abort\":true,\"ignore-reset\":true,\"temperature\":1234}");
}
END_TEST

/* ---- Reads -------------------------------------------------------------------- */

START_TEST(never_idle)
{
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_QBUSY_LO), 0);
	say("fault never-idle");
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_QBUSY_LO), 1);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_QBUSY_HI), 0);
	say("fault never-idle off");
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_QBUSY_LO), 0);
}
END_TEST

START_TEST(temperature)
{
	uint32_t true_mc = vt_reg(&t, CTRANS_REG_TEMP_MC);
	int32_t last = -1000, now;

	ck_assert_uint_ne(true_mc, CTRANS_TEMP_NONE);
	say("fault temperature 99000");
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_TEMP_MC), 99000);
	say("fault temperature -40000");
	ck_assert_int_eq((int32_t)vt_reg(&t, CTRANS_REG_TEMP_MC), -40000);
	say("fault temperature ramp -1000 110000 200");
	while ((now = (int32_t)vt_reg(&t, CTRANS_REG_TEMP_MC)) < 110000) {
		ck_assert_int_ge(now, last);
		last = now;
		usleep(1000);
	}
	ck_assert_int_eq(now, 110000);
	usleep(2000);
	ck_assert_int_eq((int32_t)vt_reg(&t, CTRANS_REG_TEMP_MC), 110000);
	/* down as well, and the limits stay what they are */
	say("fault temperature ramp 50000 20000 1");
	usleep(3000);
	ck_assert_int_eq((int32_t)vt_reg(&t, CTRANS_REG_TEMP_MC), 20000);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_TEMP_CRIT_MC), 105000);
	say("fault temperature off");
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_TEMP_MC), true_mc);
}
END_TEST

START_TEST(sensor)
{
	static const uint32_t energy[] = {
		CTRANS_REG_ENERGY_LO, CTRANS_REG_ENERGY_HI,
		CTRANS_REG_Q(5) + CTRANS_Q_ENERGY_LO, CTRANS_REG_Q(63) + CTRANS_Q_ENERGY_HI,
	};

	say("fault sensor none");
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_TEMP_MC), CTRANS_TEMP_NONE);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_POWER_UW), 0);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_ENERGY_LO), 0);
	say("fault sensor garbage");
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_TEMP_MC), INT32_MAX);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_POWER_UW), UINT32_MAX);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(vt_reg(&t, energy[i]), UINT32_MAX);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_CYCLES_LO), 0);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_Q(5) + CTRANS_Q_BUSY_LO(3)), 0);
	/* a temperature that is asked for is the one */
	say("fault temperature 5");
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_TEMP_MC), 5);
	say("fault off");
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_POWER_UW), 3000);
}
END_TEST

#define EVIL_READS	800u

/* Of reads of the version so many were wrong, which are in @got. */
static unsigned int evil_reads(const char *line, uint32_t *got)
{
	unsigned int wrong = 0;

	say(line);
	for (unsigned int i = 0; i < EVIL_READS; i++) {
		got[i] = vt_reg(&t, CTRANS_REG_VERSION);
		wrong += got[i] != CTRANS_VERSION;
	}
	return wrong;
}

START_TEST(evil)
{
	static uint32_t one[EVIL_READS], two[EVIL_READS];
	unsigned int n = evil_reads("fault evil 1", one), ones = 0, flips = 0;

	ck_assert_uint_gt(n, EVIL_READS / 8 / 2);
	ck_assert_uint_lt(n, EVIL_READS / 8 * 2);
	for (unsigned int i = 0; i < EVIL_READS; i++) {
		ones += one[i] == UINT32_MAX;
		flips += __builtin_popcount(one[i] ^ CTRANS_VERSION) == 1;
	}
	ck_assert_uint_gt(ones, 0);
	ck_assert_uint_gt(flips, 0);
	/* by seed and count alone */
	ck_assert_uint_eq(evil_reads("fault evil 1", two), n);
	ck_assert_mem_eq(one, two, sizeof(one));
	evil_reads("fault evil 2", two);
	ck_assert_mem_ne(one, two, sizeof(one));
	ck_assert_ptr_nonnull(strstr(vt_ask(control, "faults\n"), "\"reads\":800,"));
	for (unsigned int i = 0; i < EVIL_READS; i++)
		ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_ID), CTRANS_ID);
	say("fault evil 1 id");
	n = 0;
	for (unsigned int i = 0; i < EVIL_READS; i++)
		n += vt_reg(&t, CTRANS_REG_ID) != CTRANS_ID;
	ck_assert_uint_gt(n, EVIL_READS / 8 / 2);
	say("fault off");
	for (unsigned int i = 0; i < EVIL_READS; i++)
		ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_VERSION), CTRANS_VERSION);
}
END_TEST

START_TEST(all_ones)
{
	say("fault all-ones bars");
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_ID), UINT32_MAX);
	ck_assert_uint_eq(vt_read(&t, BAR2, 0, 4), UINT32_MAX);
	ck_assert_uint_eq(vt_read(&t, BAR4, 0, 4), UINT32_MAX);
	ck_assert_uint_eq(vt_read(&t, CONFIG, PCI_VENDOR_ID, 2), CTRANS_PCI_VENDOR);
	say("fault all-ones on");
	ck_assert_uint_eq(vt_read(&t, CONFIG, PCI_VENDOR_ID, 4), UINT32_MAX);
	/* what is written goes nowhere */
	wr(CTRANS_REG_OPP, 0);
	vt_write(&t, BAR2, CTRANS_DB_SQ_TAIL, 4, 1);
	vt_set_command(&t, 0);
	say("fault all-ones off");
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_ID), CTRANS_ID);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_OPP), CTRANS_OPP_RESET);
	vt_expect_violations(&t, 0, VDEV_UNBOUND);
}
END_TEST

/* ---- Interrupts ------------------------------------------------------------------ */

static int fd[VDEV_VECTORS];

static void give_vectors(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		fd[i] = eventfd(0, EFD_CLOEXEC);
	ck_assert_int_eq(vt_irqs(&t, EVENTFDS, t.v->options.irq, 0, n, fd, n), 0);
}

static void complete_one(void)
{
	wr(CTRANS_REG_QPEND_LO, 1 << 3);
	vt_write(&t, BAR2, 3 * CTRANS_DB_PAGE_SIZE + CTRANS_DB_ARM, 4, t.b.q[3].tail);
	one_nop(3);
	ck_assert(vt_until(&t, completed));
	bench_take(&t.b, 3);
}

START_TEST(interrupts)
{
	give_vectors(6);
	bench_queue(&t.b, 3, 0, 3, 3, 0);
	complete_one();
	ck_assert_uint_eq(vt_signals(fd[4], 10000), 1);

	say("fault drop-irq 2");
	for (int i = 0; i < 2; i++) {
		complete_one();
		usleep(5000);
		ck_assert_uint_eq(vt_signals(fd[4], 0), 0);
		/* it is there for who looks */
		ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_QPEND_LO), 1 << 3);
	}
	expect_list("{}");
	complete_one();
	ck_assert_uint_eq(vt_signals(fd[4], 10000), 1);
	say("fault drop-irq");
	for (int i = 0; i < 5; i++)
		complete_one();
	usleep(5000);
	ck_assert_uint_eq(vt_signals(fd[4], 0), 0);
	say("fault drop-irq 0");

	/* the second comes with the next message */
	say("fault duplicate-irq 1");
	complete_one();
	ck_assert_uint_eq(vt_signals(fd[4], 10000), 1);
	(void)vt_reg(&t, CTRANS_REG_ID);
	ck_assert_uint_eq(vt_signals(fd[4], 10000), 1);
	expect_list("{}");
	(void)vt_reg(&t, CTRANS_REG_ID);
	ck_assert_uint_eq(vt_signals(fd[4], 0), 0);

	say("fault spurious-irq 2");
	ck_assert_uint_eq(vt_signals(fd[2], 10000), 1);
	/* whose vector has nothing to come on comes on the first */
	say("fault spurious-irq 16");
	ck_assert_uint_eq(vt_signals(fd[0], 10000), 1);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_IRQ_STATUS) & ~CTRANS_IRQ_RESET_DONE, 0);
}
END_TEST

START_TEST(line)
{
	vt_close(&t);
	close(control);
	open_with(VDEV_INTX);
	give_vectors(1);
	say("fault drop-irq 1");
	bench_queue(&t.b, 3, 0, 3, 3, 0);
	complete_one();
	usleep(5000);
	ck_assert_uint_eq(vt_signals(fd[0], 0), 0);
	/* a level is seen at the next look */
	vt_write(&t, CONFIG, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
		 PCI_COMMAND_INTX_DISABLE);
	vt_set_command(&t, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(vt_signals(fd[0], 10000), 1);
	/* masked by itself, so it is no second */
	say("fault spurious-irq 0");
	ck_assert_uint_eq(vt_signals(fd[0], 0), 0);
	expect_list("{}");
}
END_TEST

/* ---- Resets and memory ------------------------------------------------------------ */

static void flr(void)
{
	vt_write(&t, CONFIG, vt_capability(&t, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL, 2,
		 PCI_EXP_DEVCTL_BCR_FLR);
	ck_assert_uint_eq(vt_read(&t, CONFIG, PCI_COMMAND, 2), 0);
	vt_set_command(&t, PCI_COMMAND_MEMORY);
}

static void through_d3(void)
{
	unsigned int at = vt_capability(&t, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	vt_write(&t, CONFIG, at, 2, 3);
	ck_assert_uint_eq(vt_read(&t, CONFIG, at, 2) & 3, 3);
	vt_write(&t, CONFIG, at, 2, 0);
	ck_assert_uint_eq(vt_read(&t, CONFIG, PCI_COMMAND, 2), 0);
	vt_set_command(&t, PCI_COMMAND_MEMORY);
}

START_TEST(ignore_flr)
{
	void (*const how)(void) = _i ? through_d3 : flr;

	say("fault ignore-flr");
	wr(CTRANS_REG_OPP, 0);
	how();
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_OPP), 0);
	say("fault ignore-flr off");
	how();
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_OPP), CTRANS_OPP_RESET);
	/* a reset of the whole machine it cannot withstand */
	say("fault ignore-flr");
	wr(CTRANS_REG_OPP, 0);
	ck_assert_int_eq(vt_call(&t, VDEV_DEVICE_RESET, NULL, 0, -1, NULL, 0), 0);
	vt_set_command(&t, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_OPP), CTRANS_OPP_RESET);
	vt_expect_violations(&t, 0, VDEV_UNBOUND);
}
END_TEST

/* Every rung ignored, one after the other, and the last takes the job off. */
START_TEST(ladder)
{
	struct ctrans_sqe sqe = bench_long_job(&t.b, 0);

	bench_queue(&t.b, 3, 0, 3, 3, 0);
	say("fault hang 3");
	say("fault ignore-abort");
	say("fault ignore-context");
	say("fault ignore-reset");
	bench_fill(&t.b, 3, &sqe);
	bench_ring(&t.b, 3);
	bench_wait_active(&t.b, 3, true);
	bench_qset(&t.b, 3, CTRANS_Q_CTRL, CTRANS_QCTRL_ABORT);
	wr(CTRANS_REG_CTX_RESET, 0);
	wr(CTRANS_REG_RESET, CTRANS_RESET_CHIP);
	usleep(20000);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_STATE), CTRANS_STATE_RESETTING);
	ck_assert_uint_eq(bench_qreg(&t.b, 3, CTRANS_Q_ACTIVE), 1);
	flr();
	bench_wait_active(&t.b, 3, false);
	ck_assert_uint_eq(vt_reg(&t, CTRANS_REG_STATE), CTRANS_STATE_READY);
	ck_assert_uint_eq(bench_line(&t.b, 3)->cq_tail, 0);
	expect_list("{\"hang\":3,\"ignore-abort\":true,\"ignore-context\":true,"
		    "\"ignore-reset\":true}");
	vt_expect_violations(&t, 0, VDEV_UNBOUND);
}
END_TEST

/* Both the read and the write, which the bus refuses; the job is none the worse. */
START_TEST(dma_outside)
{
	bench_queue(&t.b, 3, 0, 3, 3, 0);
	say("fault dma-outside");
	one_nop(3);
	ck_assert(vt_until(&t, completed));
	vt_expect_violations(&t, 2, VDEV_UNBOUND);
	expect_list("{}");
	one_nop(3);
	ck_assert(vt_until(&t, completed));
	vt_expect_violations(&t, 2, VDEV_UNBOUND);
	/* the mapping's end is as good an outside */
	say("clear");
	say("fault dma-outside 0x2800000");
	ck_assert_uint_eq(VDEV_TEST_BUS, 0x2800000);
	one_nop(3);
	ck_assert(vt_until(&t, completed));
	vt_expect_violations(&t, 2, VDEV_UNBOUND);
	say("clear");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vdev_fault");
	TCase *c = tcase_create("faults");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, commands);
	tcase_add_test(c, bad_commands);
	tcase_add_test(c, stay);
	tcase_add_test(c, never_idle);
	tcase_add_test(c, temperature);
	tcase_add_test(c, sensor);
	tcase_add_test(c, evil);
	tcase_add_test(c, all_ones);
	tcase_add_test(c, interrupts);
	tcase_add_test(c, line);
	tcase_add_loop_test(c, ignore_flr, 0, 2);
	tcase_add_test(c, ladder);
	tcase_add_test(c, dma_outside);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
