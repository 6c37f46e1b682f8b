// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many completions there are: 32 bits of a register made 64, by a chip whose
 * registers are memory of the test.
 */
#include <kunit/test.h>

#include <linux/sizes.h>

#include "../ctrans_queue.h"

#define SLOT		5
#define RING_LOG2	4

struct count_chip {
	struct ctrans_device ct;
	struct ctrans_queue q;
	u8 regs[CTRANS_BAR0_SIZE] __aligned(8);
};

static void chip_set(struct count_chip *c, u32 reg, u32 value)
{
	writel(value, c->ct.regs + CTRANS_REG_Q(SLOT) + reg);
}

/* A reading that finds @tail and @fetched; returns the count that it leaves. */
static u64 count_fetched(struct count_chip *c, u32 tail, u32 fetched)
{
	u64 done;

	chip_set(c, CTRANS_Q_SQ_HEAD, fetched);
	chip_set(c, CTRANS_Q_CQ_TAIL, tail);
	spin_lock_irq(&c->q.lock);
	ctrans_wait_sample(&c->q);
	done = c->q.done;
	spin_unlock_irq(&c->q.lock);
	return done;
}

/* The same where nothing is fetched that is not completed. */
static u64 count_after(struct count_chip *c, u32 tail)
{
	return count_fetched(c, tail, tail);
}

static int count_init(struct kunit *test)
{
	struct count_chip *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	c->ct.regs = (__force void __iomem *)c->regs;
	c->q.ct = &c->ct;
	c->q.slot = SLOT;
	c->q.state = CTRANS_KQ_READY;
	c->q.sq_log2 = RING_LOG2;
	spin_lock_init(&c->q.lock);
	INIT_LIST_HEAD(&c->q.waiters);
	chip_set(c, CTRANS_Q_STATE, CTRANS_QSTATE_RUNNING);
	test->priv = c;
	return 0;
}

static void count_goes_on(struct kunit *test)
{
	struct count_chip *c = test->priv;
	u64 want = 0;

	KUNIT_EXPECT_EQ(test, count_after(c, 0), 0);
	KUNIT_EXPECT_EQ(test, count_after(c, 1), 1);
	KUNIT_EXPECT_EQ(test, count_after(c, 1), 1);
	/* several turns of 32 bits, in steps that do not divide it */
	for (want = 1; want < 5ull << 32; want += 0x12345677)
		KUNIT_EXPECT_EQ(test, count_after(c, want), want);
}

static void count_wraps(struct kunit *test)
{
	static const u64 from[] = { U32_MAX, 7ull << 32 | U32_MAX, U64_MAX - U32_MAX - 1 };
	struct count_chip *c = test->priv;

	for (unsigned int i = 0; i < ARRAY_SIZE(from); i++) {
		c->q.done = from[i];
		KUNIT_EXPECT_EQ(test, count_after(c, from[i]), from[i]);
		KUNIT_EXPECT_EQ(test, count_after(c, from[i] + 1), from[i] + 1);
	}
}

/* A count that goes back is not believed, and what comes after it is. */
static void count_not_believed(struct kunit *test)
{
	static const u64 at[] = { 0, 1, 1000, U32_MAX, 1ull << 32, 3ull << 32 | 17 };
	struct count_chip *c = test->priv;

	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
		const u64 done = at[i];

		c->q.done = done;
		KUNIT_EXPECT_EQ(test, count_after(c, done - 1), done);
		KUNIT_EXPECT_EQ(test, count_after(c, done - 1000), done);
		KUNIT_EXPECT_EQ(test, count_after(c, done + S32_MAX + 1), done);
		KUNIT_EXPECT_EQ(test, count_after(c, done + 2), done + 2);
		KUNIT_EXPECT_EQ(test, count_after(c, done + 2 + S32_MAX),
				done + 2 + S32_MAX);
	}
}

/* No more is completed than was fetched, and no more is in hand than a ring holds. */
static void count_of_fetched(struct kunit *test)
{
	static const u64 at[] = { 0, 1000, U32_MAX - 4, 1ull << 32 };
	const u32 ring = 1u << RING_LOG2;
	struct count_chip *c = test->priv;

	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
		const u64 done = at[i], next = done + 5;

		c->q.done = done;
		c->q.tail = done;
		KUNIT_EXPECT_EQ(test, count_fetched(c, next, next - 1), done);
		KUNIT_EXPECT_TRUE(test, c->q.odd);
		KUNIT_EXPECT_EQ(test, c->q.tail, (u32)done);
		KUNIT_EXPECT_EQ(test, count_fetched(c, next, next + ring + 1), done);
		KUNIT_EXPECT_TRUE(test, c->q.odd);
		KUNIT_EXPECT_EQ(test, count_fetched(c, next, next + ring), next);
		KUNIT_EXPECT_FALSE(test, c->q.odd);
		KUNIT_EXPECT_EQ(test, count_fetched(c, next + 3, next + 3), next + 3);
		KUNIT_EXPECT_FALSE(test, c->q.odd);
	}
}

/* Asleep nothing is read, and nothing has happened. */
static void count_asleep(struct kunit *test)
{
	struct count_chip *c = test->priv;

	c->q.done = 10;
	c->ct.asleep = true;
	KUNIT_EXPECT_EQ(test, count_after(c, 11), 10);
	c->ct.asleep = false;
	KUNIT_EXPECT_EQ(test, count_after(c, 11), 11);
}

/* All ones is a number like any other, unless every register reads so. */
static void count_of_ones(struct kunit *test)
{
	struct count_chip *c = test->priv;

	c->q.done = U32_MAX - 3;
	c->q.tail = U32_MAX - 3;
	chip_set(c, CTRANS_Q_STATE, U32_MAX);
	KUNIT_EXPECT_EQ(test, count_after(c, U32_MAX), U32_MAX - 3);
	KUNIT_EXPECT_EQ(test, c->q.tail, U32_MAX - 3);
	chip_set(c, CTRANS_Q_STATE, CTRANS_QSTATE_RUNNING);
	KUNIT_EXPECT_EQ(test, count_after(c, U32_MAX), U32_MAX);
	KUNIT_EXPECT_EQ(test, c->q.tail, U32_MAX);
}

/* The slot may be another's by now. */
static void count_of_lost(struct kunit *test)
{
	struct count_chip *c = test->priv;

	c->q.done = 10;
	c->q.state = CTRANS_KQ_LOST;
	KUNIT_EXPECT_EQ(test, count_after(c, 20), 10);
}

static void sequences(struct kunit *test)
{
	static const u64 at[] = { 0, 1, U32_MAX, 1ull << 32, S64_MAX, U64_MAX };
	struct count_chip *c = test->priv;
	u64 done;

	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
		for (unsigned int k = 0; k < ARRAY_SIZE(at); k++) {
			const bool reached = at[k] <= at[i];

			c->q.done = at[i];
			c->q.state = CTRANS_KQ_READY;
			KUNIT_EXPECT_EQ(test, ctrans_wait_verdict(&c->q, at[k], &done),
					reached ? 0 : 1);
			KUNIT_EXPECT_EQ(test, done, at[i]);
			/* what was reached is, whatever came after */
			c->q.state = CTRANS_KQ_TIMEDOUT;
			KUNIT_EXPECT_EQ(test, ctrans_wait_verdict(&c->q, at[k], &done),
					reached ? 0 : -EIO);
		}
	}
	c->ct.gone = true;
	KUNIT_EXPECT_EQ(test, ctrans_wait_verdict(&c->q, 0, &done), -ENODEV);
}

/* Which vector a slot has, for each number of vectors. */
static void slot_vectors(struct kunit *test)
{
	struct count_chip *c = test->priv;

	for (unsigned int n = 1; n <= CTRANS_VECTORS_MAX; n++) {
		u64 slots[CTRANS_VECTORS_MAX] = { 0 };

		c->ct.n_irqs = n;
		for (unsigned int slot = 0; slot < CTRANS_QUEUES; slot++) {
			unsigned int vector = ctrans_slot_vector(&c->ct, slot);

			KUNIT_ASSERT_LT(test, vector, max(n - 1, 1u));
			slots[vector] |= 1ull << slot;
		}
		/* one reading tells a handler all of its slots */
		for (unsigned int i = 0; n > 2 && i < n - 1; i++)
			KUNIT_EXPECT_TRUE(test, !upper_32_bits(slots[i]) ||
					  !lower_32_bits(slots[i]));
	}
}

static struct kunit_case ctrans_count_cases[] = {
	KUNIT_CASE(count_goes_on),
	KUNIT_CASE(count_wraps),
	KUNIT_CASE(count_not_believed),
	KUNIT_CASE(count_of_fetched),
	KUNIT_CASE(count_asleep),
	KUNIT_CASE(count_of_ones),
	KUNIT_CASE(count_of_lost),
	KUNIT_CASE(sequences),
	KUNIT_CASE(slot_vectors),
	{}
};

static struct kunit_suite ctrans_count_suite = {
	.name = "ctrans_count",
	.init = count_init,
	.test_cases = ctrans_count_cases,
};

kunit_test_suite(ctrans_count_suite);
