// SPDX-License-Identifier: MIT
/*
 * faults.ko: makes the mistake that its parameter names, as it is loaded, so that
 * faults.py can see that the bed notices. Loading it always fails.
 */
#include <linux/delay.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

static char *fault = "";
module_param(fault, charp, 0);
MODULE_PARM_DESC(fault, "which");

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);
/* What the compiler cannot know. */
static volatile int wide = 40;

static void use_after_free(void)
{
	char *p = kmalloc(32, GFP_KERNEL);

	if (!p)
		return;
	kfree(p);
	WRITE_ONCE(p[3], 1);
}

static void out_of_bounds(void)
{
	char *p = kmalloc(32, GFP_KERNEL);

	if (!p)
		return;
	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(p[32], 1);
	kfree(p);
}

static void shift(void)
{
	pr_info("%d\n", 1 << wide);
}

static void lock_order(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void sleep_in_atomic(void)
{
	spin_lock(&spin);
	msleep(20);
	spin_unlock(&spin);
}

static void leak(void)
{
	void *p = kmalloc(1000, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
}

static void list(void)
{
	LIST_HEAD(head);
	struct list_head *entry = kmalloc(sizeof(*entry), GFP_KERNEL);

	if (!entry)
		return;
	list_add(entry, &head);
	list_add(entry, &head);
	kfree(entry);
}

static void refcount(void)
{
	refcount_t count = REFCOUNT_INIT(0);

	refcount_inc(&count);
}

static void warn(void)
{
	WARN_ON(wide);
}

static void oops(void)
{
	*(volatile int *)8 = 1;
}

static const struct {
	const char *name;
	void (*make)(void);
} faults[] = {
	{ "use_after_free", use_after_free },
	{ "out_of_bounds", out_of_bounds },
	{ "shift", shift },
	{ "lock_order", lock_order },
	{ "sleep_in_atomic", sleep_in_atomic },
	{ "leak", leak },
	{ "list", list },
	{ "refcount", refcount },
	{ "warn", warn },
	{ "oops", oops },
};

static int __init faults_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		if (!strcmp(fault, faults[i].name))
			faults[i].make();
	return -ECANCELED;
}
module_init(faults_init);

MODULE_DESCRIPTION("mistakes, for the test bed to notice");
MODULE_LICENSE("Dual MIT/GPL");
