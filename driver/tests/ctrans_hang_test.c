// SPDX-License-Identifier: GPL-2.0-only
/*
 * When a job is stuck, by a clock of the test's own.
 */
#include <kunit/test.h>

#include <linux/module.h>

#include "../ctrans_hang.h"

#define TIMEOUT		1000ul
#define SHARE		(TIMEOUT / CTRANS_LOOKS)

/* A job that does what it does from look to look, @step jiffies apart. */
struct hang_job {
	struct ctrans_hang h;
	unsigned long now;
	u32 progress;
};

static bool look_after(struct hang_job *j, unsigned long step)
{
	j->now += step;
	return ctrans_hang_look(&j->h, true, j->progress, j->now, TIMEOUT);
}

/* Jiffies from now to the first look that finds it stuck, @step apart. */
static unsigned long until_stuck(struct kunit *test, struct hang_job *j,
				 unsigned long step)
{
	unsigned long from = j->now;

	for (unsigned int i = 0; i < 100 * TIMEOUT; i++)
		if (look_after(j, step))
			return j->now - from;
	KUNIT_FAIL(test, "never");
	return 0;
}

static void hang_stuck(struct kunit *test)
{
	static const unsigned long steps[] = { 1, 7, 100, SHARE - 1, SHARE };

	for (unsigned int i = 0; i < ARRAY_SIZE(steps); i++) {
		struct hang_job j = { .now = 5 };
		unsigned long took;

		KUNIT_EXPECT_FALSE(test, look_after(&j, 0));
		took = until_stuck(test, &j, steps[i]);
		KUNIT_EXPECT_GE(test, took, TIMEOUT);
		KUNIT_EXPECT_LT(test, took, TIMEOUT + steps[i]);
	}
}

/* The number of looks is what counts where they are rare or the limit is small. */
static void hang_looks(struct kunit *test)
{
	static const unsigned long timeouts[] = { 0, 1, 2, 3, 4, 5 };

	for (unsigned int i = 0; i < ARRAY_SIZE(timeouts); i++) {
		struct ctrans_hang h = { 0 };
		unsigned int looks = 0;

		while (!ctrans_hang_look(&h, true, 7, 1000 * looks, timeouts[i]) &&
		       looks < 100)
			looks++;
		/* not counting the first */
		KUNIT_EXPECT_EQ(test, looks, CTRANS_LOOKS);
	}
}

static void hang_progress(struct kunit *test)
{
	struct hang_job j = { .now = 5 };

	/* one unit of work just before each limit, for a long time */
	for (unsigned int i = 0; i < 100; i++) {
		for (unsigned int k = 0; k < 2 * CTRANS_LOOKS; k++)
			KUNIT_EXPECT_FALSE(test, look_after(&j, SHARE / 2));
		j.progress++;
	}
	/* also where the count wraps around, or goes back */
	j.progress = U32_MAX;
	look_after(&j, SHARE);
	j.progress = 0;
	for (unsigned int k = 0; k < CTRANS_LOOKS; k++)
		KUNIT_EXPECT_FALSE(test, look_after(&j, SHARE));
	KUNIT_EXPECT_TRUE(test, look_after(&j, SHARE));
}

/* Behind another's job, however long. */
static void hang_starved(struct kunit *test)
{
	struct ctrans_hang h = { 0 };
	unsigned long now = 0;

	for (unsigned int i = 0; i < 100; i++)
		KUNIT_EXPECT_FALSE(test, ctrans_hang_look(&h, false, 3,
							  now += TIMEOUT, TIMEOUT));
	/* a turn that ends before the limit, again and again */
	for (unsigned int i = 0; i < 10; i++) {
		for (unsigned int k = 0; k < CTRANS_LOOKS; k++)
			KUNIT_EXPECT_FALSE(test, ctrans_hang_look(&h, true, 3,
								  now += SHARE,
								  TIMEOUT));
		ctrans_hang_look(&h, false, 3, now, TIMEOUT);
	}
}

/* The whole machine stood still: the job had none of that time. */
static void hang_stall(struct kunit *test)
{
	struct hang_job j = { .now = 5 };
	unsigned long took;

	look_after(&j, 0);
	look_after(&j, SHARE / 2);
	KUNIT_EXPECT_FALSE(test, look_after(&j, 1000 * TIMEOUT));
	/* looks that come in a burst afterwards count for what they are */
	for (unsigned int k = 0; k < 10 * CTRANS_LOOKS; k++)
		KUNIT_EXPECT_FALSE(test, look_after(&j, 0));
	took = until_stuck(test, &j, 10);
	KUNIT_EXPECT_GE(test, took, TIMEOUT - SHARE - SHARE / 2);
	/* stalled all the time, it still ends */
	j = (struct hang_job){ .now = 5 };
	for (unsigned int k = 0; k < CTRANS_LOOKS; k++)
		KUNIT_EXPECT_FALSE(test, look_after(&j, 1000 * TIMEOUT));
	KUNIT_EXPECT_TRUE(test, look_after(&j, 1000 * TIMEOUT));
}

/* Looks in quick succession, as a process can cause them, shorten nothing. */
static void hang_kicked(struct kunit *test)
{
	struct hang_job j = { .now = 5 };

	look_after(&j, 0);
	for (unsigned long at = 0; at < TIMEOUT - 1; at++) {
		for (unsigned int k = 0; k < 3; k++)
			look_after(&j, 0);
		KUNIT_EXPECT_FALSE(test, look_after(&j, 1));
	}
	KUNIT_EXPECT_TRUE(test, look_after(&j, 1));
}

static void hang_wrap(struct kunit *test)
{
	struct hang_job j = { .now = -(TIMEOUT / 2) };
	unsigned long took;

	look_after(&j, 0);
	took = until_stuck(test, &j, 50);
	KUNIT_EXPECT_EQ(test, took, TIMEOUT);
}

/* What was seen of a job that has left, or been ended, is not the next one's. */
static void hang_forgotten(struct kunit *test)
{
	struct hang_job j = { .now = 5 };

	look_after(&j, 0);
	until_stuck(test, &j, 50);
	KUNIT_EXPECT_TRUE(test, look_after(&j, 0));
	ctrans_hang_forget(&j.h);
	look_after(&j, 0);
	KUNIT_EXPECT_EQ(test, until_stuck(test, &j, 50), TIMEOUT);
	KUNIT_EXPECT_FALSE(test, ctrans_hang_look(&j.h, false, 0, j.now, TIMEOUT));
	look_after(&j, 0);
	KUNIT_EXPECT_EQ(test, until_stuck(test, &j, 50), TIMEOUT);
}

static struct kunit_case ctrans_hang_cases[] = {
	KUNIT_CASE(hang_stuck),
	KUNIT_CASE(hang_looks),
	KUNIT_CASE(hang_progress),
	KUNIT_CASE(hang_starved),
	KUNIT_CASE(hang_stall),
	KUNIT_CASE(hang_kicked),
	KUNIT_CASE(hang_wrap),
	KUNIT_CASE(hang_forgotten),
	{}
};

static struct kunit_suite ctrans_hang_suite = {
	.name = "ctrans_hang",
	.test_cases = ctrans_hang_cases,
};

kunit_test_suite(ctrans_hang_suite);

MODULE_DESCRIPTION("KUnit tests of the C-Transformer driver");
MODULE_AUTHOR("The ctrans authors");
MODULE_LICENSE("GPL");
/* Given as text: the macro for it changed its argument between kernels. */
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");
