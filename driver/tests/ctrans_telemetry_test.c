// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the chip tells of itself, and what is made of it: operating points, sensors,
 * counters. The chip's registers are memory of the test.
 */
#include <kunit/test.h>

#include <linux/units.h>

#include "../ctrans_drv.h"

struct telemetry_chip {
	struct ctrans_device ct;
	u8 regs[CTRANS_BAR0_SIZE] __aligned(8);
};

static const struct ctrans_opp points[] = {
	{ .mv = 700, .khz = 50000, .uw = 40000 },
	{ .mv = 800, .khz = 100000, .uw = 100000 },
	{ .mv = 1100, .khz = 200000, .uw = 400000 },
};

static void chip_set(struct telemetry_chip *c, u32 reg, u32 value)
{
	ctrans_write(&c->ct, reg, value);
}

static void chip_set64(struct telemetry_chip *c, u32 lo, u64 value)
{
	ctrans_write64(&c->ct, lo, value);
}

static int telemetry_init(struct kunit *test)
{
	struct telemetry_chip *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	c->ct.regs = (__force void __iomem *)c->regs;
	mutex_init(&c->ct.slots_lock);
	memcpy(c->ct.opps, points, sizeof(points));
	c->ct.n_opps = ARRAY_SIZE(points);
	chip_set(c, CTRANS_REG_TEMP_MAX_MC, 85000);
	chip_set(c, CTRANS_REG_TEMP_CRIT_MC, 105000);
	chip_set(c, CTRANS_REG_TEMP_MC, 40000);
	test->priv = c;
	return 0;
}

/* ---- Operating points ----------------------------------------------------- */

static void opp_table(struct kunit *test)
{
	struct ctrans_opp t[ARRAY_SIZE(points)];

	KUNIT_EXPECT_TRUE(test, ctrans_opp_plausible(points, ARRAY_SIZE(points)));
	for (unsigned int i = 0; i < ARRAY_SIZE(points); i++) {
		memcpy(t, points, sizeof(t));
		t[i].khz = 0;
		KUNIT_EXPECT_FALSE(test, ctrans_opp_plausible(t, ARRAY_SIZE(t)));
		/* below what was before: each value by itself */
		if (!i)
			continue;
		memcpy(t, points, sizeof(t));
		t[i].khz = t[i - 1].khz;
		KUNIT_EXPECT_FALSE(test, ctrans_opp_plausible(t, ARRAY_SIZE(t)));
		memcpy(t, points, sizeof(t));
		t[i].mv = t[i - 1].mv - 1;
		KUNIT_EXPECT_FALSE(test, ctrans_opp_plausible(t, ARRAY_SIZE(t)));
		memcpy(t, points, sizeof(t));
		t[i].uw = t[i - 1].uw - 1;
		KUNIT_EXPECT_FALSE(test, ctrans_opp_plausible(t, ARRAY_SIZE(t)));
	}
	/* a chip that does not say what its points take; one that has gone */
	memcpy(t, points, sizeof(t));
	t[0].uw = 0;
	t[1].uw = 0;
	t[2].uw = 0;
	KUNIT_EXPECT_TRUE(test, ctrans_opp_plausible(t, ARRAY_SIZE(t)));
	memset(t, 0xff, sizeof(t));
	KUNIT_EXPECT_FALSE(test, ctrans_opp_plausible(t, ARRAY_SIZE(t)));
}

/* By clock, as devfreq does; only what is in the table. */
static void opp_by_clock(struct kunit *test)
{
	struct telemetry_chip *c = test->priv;

	for (unsigned int i = 0; i < ARRAY_SIZE(points); i++) {
		const unsigned long hz = points[i].khz * HZ_PER_KHZ;

		KUNIT_EXPECT_EQ(test, ctrans_opp_set(&c->ct, hz), 0);
		KUNIT_EXPECT_EQ(test, ctrans_opp_now(&c->ct)->khz, points[i].khz);
		KUNIT_EXPECT_EQ(test, ctrans_read(&c->ct, CTRANS_REG_OPP), i);
		KUNIT_EXPECT_EQ(test, ctrans_opp_set(&c->ct, hz - 1), -EINVAL);
		KUNIT_EXPECT_EQ(test, ctrans_opp_set(&c->ct, hz + 1), -EINVAL);
		KUNIT_EXPECT_EQ(test, ctrans_opp_now(&c->ct)->khz, points[i].khz);
	}
	KUNIT_EXPECT_EQ(test, ctrans_opp_set(&c->ct, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, ctrans_opp_set(&c->ct, ULONG_MAX), -EINVAL);
}

/* One that sleeps is not touched; it hears of it when it wakes. */
static void opp_asleep(struct kunit *test)
{
	struct telemetry_chip *c = test->priv;

	KUNIT_ASSERT_EQ(test, ctrans_opp_set(&c->ct, points[2].khz * HZ_PER_KHZ), 0);
	c->ct.asleep = true;
	KUNIT_EXPECT_EQ(test, ctrans_opp_set(&c->ct, points[0].khz * HZ_PER_KHZ), 0);
	KUNIT_EXPECT_EQ(test, ctrans_opp_now(&c->ct)->khz, points[0].khz);
	KUNIT_EXPECT_EQ(test, ctrans_read(&c->ct, CTRANS_REG_OPP), 2);
}

/* By power: the fastest that takes no more, and never none. */
static void opp_by_power(struct kunit *test)
{
	static const struct {
		u32 cap, khz;
	} cases[] = {
		{ 0, 50000 }, { 39999, 50000 }, { 40000, 50000 },
		{ 99999, 50000 }, { 100000, 100000 }, { 399999, 100000 },
		{ 400000, 200000 }, { U32_MAX, 200000 },
	};
	struct telemetry_chip *c = test->priv;

	if (!IS_REACHABLE(CONFIG_HWMON))
		kunit_skip(test, "no hwmon");
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ(test, ctrans_hwmon_cap_khz(&c->ct, cases[i].cap),
				cases[i].khz);
}

/* ---- Sensors -------------------------------------------------------------- */

static void temp_plausible(struct kunit *test)
{
	static const struct {
		u32 raw;
		int ret, mc;
	} cases[] = {
		{ 0, 0, 0 }, { 25125, 0, 25125 }, { (u32)-40000, 0, -40000 },
		{ (u32)-1000, 0, -1000 }, { 150000, 0, 150000 },
		{ (u32)-40001, -ENODATA }, { 150001, -ENODATA },
		{ CTRANS_TEMP_NONE, -ENODATA }, { S32_MAX, -ENODATA },
		/* a chip that fell off the bus is not at -0.001 degrees */
		{ U32_MAX, -ENODATA },
	};
	struct telemetry_chip *c = test->priv;

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		int mc = 12345;

		chip_set(c, CTRANS_REG_TEMP_MC, cases[i].raw);
		KUNIT_EXPECT_EQ(test, ctrans_sensors_temp(&c->ct, &mc), cases[i].ret);
		if (!cases[i].ret)
			KUNIT_EXPECT_EQ(test, mc, cases[i].mc);
		else
			KUNIT_EXPECT_EQ(test, mc, 12345);
	}
}

static void power_plausible(struct kunit *test)
{
	const u32 most = points[ARRAY_SIZE(points) - 1].uw;
	struct telemetry_chip *c = test->priv;
	u32 uw = 0;

	chip_set(c, CTRANS_REG_POWER_UW, 0);
	KUNIT_EXPECT_EQ(test, ctrans_sensors_power(&c->ct, &uw), 0);
	chip_set(c, CTRANS_REG_POWER_UW, 123456);
	KUNIT_EXPECT_EQ(test, ctrans_sensors_power(&c->ct, &uw), 0);
	KUNIT_EXPECT_EQ(test, uw, 123456);
	/* an average may be above for a moment, but not by far */
	chip_set(c, CTRANS_REG_POWER_UW, most * 2);
	KUNIT_EXPECT_EQ(test, ctrans_sensors_power(&c->ct, &uw), 0);
	chip_set(c, CTRANS_REG_POWER_UW, most * 100);
	KUNIT_EXPECT_EQ(test, ctrans_sensors_power(&c->ct, &uw), -ENODATA);
	chip_set(c, CTRANS_REG_POWER_UW, U32_MAX);
	KUNIT_EXPECT_EQ(test, ctrans_sensors_power(&c->ct, &uw), -ENODATA);
	/* without a table of powers there is nothing to compare with */
	for (unsigned int i = 0; i < ARRAY_SIZE(points); i++)
		c->ct.opps[i].uw = 0;
	chip_set(c, CTRANS_REG_POWER_UW, most * 100);
	KUNIT_EXPECT_EQ(test, ctrans_sensors_power(&c->ct, &uw), 0);
	chip_set(c, CTRANS_REG_POWER_UW, U32_MAX);
	KUNIT_EXPECT_EQ(test, ctrans_sensors_power(&c->ct, &uw), -ENODATA);
}

static void sensors_asleep(struct kunit *test)
{
	struct telemetry_chip *c = test->priv;
	u32 uw;
	int mc;

	c->ct.asleep = true;
	KUNIT_EXPECT_EQ(test, ctrans_sensors_temp(&c->ct, &mc), -EAGAIN);
	KUNIT_EXPECT_EQ(test, ctrans_sensors_power(&c->ct, &uw), -EAGAIN);
}

static void sensor_there(struct kunit *test)
{
	struct telemetry_chip *c = test->priv;

	ctrans_sensors_init(&c->ct);
	KUNIT_EXPECT_TRUE(test, c->ct.temp_sensor);
	KUNIT_EXPECT_EQ(test, c->ct.temp_max, 85000);
	KUNIT_EXPECT_EQ(test, c->ct.temp_crit, 105000);
	chip_set(c, CTRANS_REG_TEMP_MC, CTRANS_TEMP_NONE);
	ctrans_sensors_init(&c->ct);
	KUNIT_EXPECT_FALSE(test, c->ct.temp_sensor);
	/* limits that would slow the chip down for ever, or never */
	chip_set(c, CTRANS_REG_TEMP_MC, 40000);
	chip_set(c, CTRANS_REG_TEMP_MAX_MC, 0);
	ctrans_sensors_init(&c->ct);
	KUNIT_EXPECT_FALSE(test, c->ct.temp_sensor);
	chip_set(c, CTRANS_REG_TEMP_MAX_MC, 200000);
	ctrans_sensors_init(&c->ct);
	KUNIT_EXPECT_FALSE(test, c->ct.temp_sensor);
}

/* ---- Counters ------------------------------------------------------------- */

static void sample(struct telemetry_chip *c)
{
	mutex_lock(&c->ct.slots_lock);
	ctrans_counters_sample_chip(&c->ct);
	mutex_unlock(&c->ct.slots_lock);
}

/* Registers to nanoseconds, nanojoules, and cycles to time at the clock there is. */
static void counters_units(struct kunit *test)
{
	struct telemetry_chip *c = test->priv;
	const struct ctrans_totals *t = &c->ct.totals;

	for (unsigned int d = 0; d < CTRANS_DOMAINS; d++)
		chip_set64(c, CTRANS_REG_BUSY_LO(d), 1000 + d);
	chip_set64(c, CTRANS_REG_ENERGY_LO, 5ull << 32);
	chip_set64(c, CTRANS_REG_JOBS_LO, 3);
	chip_set64(c, CTRANS_REG_CYCLES_LO, 50000);
	sample(c);
	for (unsigned int d = 0; d < CTRANS_DOMAINS; d++)
		KUNIT_EXPECT_EQ(test, t->counts.busy_ns[d], (1000 + d) * 1000ull);
	KUNIT_EXPECT_EQ(test, t->counts.energy_nj, 5ull << 32);
	KUNIT_EXPECT_EQ(test, t->jobs, 3);
	KUNIT_EXPECT_EQ(test, t->cycles, 50000);
	KUNIT_EXPECT_EQ(test, t->core_ns, NSEC_PER_MSEC);
	/* the same cycles at four times the clock take a quarter of it */
	c->ct.opp = 2;
	chip_set64(c, CTRANS_REG_CYCLES_LO, 100000);
	sample(c);
	KUNIT_EXPECT_EQ(test, t->cycles, 100000);
	KUNIT_EXPECT_EQ(test, t->core_ns, NSEC_PER_MSEC + NSEC_PER_MSEC / 4);
	/* and nothing is counted twice */
	sample(c);
	KUNIT_EXPECT_EQ(test, t->cycles, 100000);
	KUNIT_EXPECT_EQ(test, t->counts.energy_nj, 5ull << 32);
}

static void counters_restart(struct kunit *test)
{
	struct telemetry_chip *c = test->priv;
	const struct ctrans_totals *t = &c->ct.totals;

	chip_set64(c, CTRANS_REG_JOBS_LO, 10);
	sample(c);
	/* told of: what is read next counts from zero, even when it is more */
	mutex_lock(&c->ct.slots_lock);
	ctrans_counters_restart(&c->ct);
	mutex_unlock(&c->ct.slots_lock);
	chip_set64(c, CTRANS_REG_JOBS_LO, 12);
	sample(c);
	KUNIT_EXPECT_EQ(test, t->jobs, 22);
	/* not told of: totals never go back, and go on from there */
	chip_set64(c, CTRANS_REG_JOBS_LO, 1);
	sample(c);
	KUNIT_EXPECT_EQ(test, t->jobs, 22);
	chip_set64(c, CTRANS_REG_JOBS_LO, 4);
	sample(c);
	KUNIT_EXPECT_EQ(test, t->jobs, 25);
}

/* What no chip can have done since the last reading. */
static void counters_implausible(struct kunit *test)
{
	static const u64 readings[] = {
		U64_MAX, (u64)U32_MAX << 32, 1ull << 57, S64_MAX,
	};
	struct telemetry_chip *c = test->priv;
	const struct ctrans_totals *t = &c->ct.totals;

	chip_set64(c, CTRANS_REG_ENERGY_LO, 1000);
	sample(c);
	for (unsigned int i = 0; i < ARRAY_SIZE(readings); i++) {
		chip_set64(c, CTRANS_REG_ENERGY_LO, readings[i]);
		sample(c);
		KUNIT_EXPECT_EQ(test, t->counts.energy_nj, 1000);
	}
	chip_set64(c, CTRANS_REG_ENERGY_LO, 1007);
	sample(c);
	KUNIT_EXPECT_EQ(test, t->counts.energy_nj, 1007);
}

static struct kunit_case ctrans_telemetry_cases[] = {
	KUNIT_CASE(opp_table),
	KUNIT_CASE(opp_by_clock),
	KUNIT_CASE(opp_asleep),
	KUNIT_CASE(opp_by_power),
	KUNIT_CASE(temp_plausible),
	KUNIT_CASE(power_plausible),
	KUNIT_CASE(sensors_asleep),
	KUNIT_CASE(sensor_there),
	KUNIT_CASE(counters_units),
	KUNIT_CASE(counters_restart),
	KUNIT_CASE(counters_implausible),
	{}
};

static struct kunit_suite ctrans_telemetry_suite = {
	.name = "ctrans_telemetry",
	.init = telemetry_init,
	.test_cases = ctrans_telemetry_cases,
};

kunit_test_suite(ctrans_telemetry_suite);
