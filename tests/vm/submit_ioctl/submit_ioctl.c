// SPDX-License-Identifier: MIT
/*
 * What a submission by ioctl costs at the least, for tests/bench/bench_submit.c:
 * a call that takes an entry from the caller and puts it into a ring. The ring is
 * the caller's mapping, so that ctrans.ko needs no door for a benchmark.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "../../../uapi/ctrans_job.h"
#include "submit_ioctl.h"

static long submit_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct submit_ioctl s;
	struct ctrans_sqe sqe;

	if (cmd != SUBMIT_IOCTL)
		return -ENOTTY;
	if (copy_from_user(&s, (void __user *)arg, sizeof(s)))
		return -EFAULT;
	if (copy_from_user(&sqe, u64_to_user_ptr(s.from), sizeof(sqe)) ||
	    copy_to_user(u64_to_user_ptr(s.to), &sqe, sizeof(sqe)))
		return -EFAULT;
	return 0;
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = submit_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ctrans-submit-ioctl",
	.fops = &fops,
};
module_misc_device(device);

MODULE_DESCRIPTION("C-Transformer: a submission by ioctl, to be measured");
MODULE_LICENSE("Dual MIT/GPL");
