// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user space sees of the device: the node's file operations, the table of
 * ioctls, what a file owns, and DEV_QUERY.
 *
 * Versions of the interface (drm_version):
 *  1.0 - the first
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_accel.h>
#include <drm/drm_ioctl.h>

#include "ctrans_drv.h"

#define CTRANS_DRIVER_MAJOR	1
#define CTRANS_DRIVER_MINOR	0

/* Of a chip that sleeps: what it has when it wakes. */
static bool ctrans_read_clock(struct ctrans_device *ct,
			      struct drm_ctrans_clock *clock)
{
	const struct ctrans_opp *opp = ctrans_opp_now(ct);
	bool here = !READ_ONCE(ct->gone);
	int idx;

	clock->opp = opp - ct->opps;
	clock->opp_count = ct->n_opps;
	clock->mv = opp->mv;
	clock->khz = opp->khz;
	if (ctrans_enter_awake(ct, &idx)) {
		here = ctrans_device_check(ct);
		ctrans_exit_awake(ct, idx);
	}
	return here;
}

static int ctrans_query_reply(struct drm_ctrans_dev_query *args,
			      const void *reply, u32 size)
{
	void __user *to = u64_to_user_ptr(args->pointer);
	u32 n = min(args->size, size);
	u32 rest = args->size - n;

	args->size = size;
	if (copy_to_user(to, reply, n) || clear_user(to + n, rest))
		return -EFAULT;
	return 0;
}

static int ctrans_ioctl_dev_query(struct drm_device *dev, void *data,
				  struct drm_file *file)
{
	struct ctrans_device *ct = to_ctrans_device(dev);
	struct drm_ctrans_dev_query *args = data;
	struct drm_ctrans_clock clock = {};
	bool here;
	int idx;

	switch (args->type) {
	case DRM_CTRANS_QUERY_INFO:
		if (!args->pointer) {
			args->size = sizeof(ct->info);
			return 0;
		}
		return ctrans_query_reply(args, &ct->info, sizeof(ct->info));
	case DRM_CTRANS_QUERY_CLOCK:
		if (!args->pointer) {
			args->size = sizeof(clock);
			return 0;
		}
		if (!drm_dev_enter(dev, &idx))
			return -ENODEV;
		here = ctrans_read_clock(ct, &clock);
		drm_dev_exit(idx);
		if (!here)
			return -ENODEV;
		return ctrans_query_reply(args, &clock, sizeof(clock));
	default:
		return -EINVAL;
	}
}

static int ctrans_open(struct drm_device *dev, struct drm_file *file)
{
	struct ctrans_device *ct = to_ctrans_device(dev);
	struct ctrans_file *cf;

	if (READ_ONCE(ct->gone))
		return -ENODEV;
	cf = kzalloc(sizeof(*cf), GFP_KERNEL_ACCOUNT);
	if (!cf)
		return -ENOMEM;
	cf->ct = ct;
	xa_init_flags(&cf->vms, XA_FLAGS_ALLOC1);
	xa_init_flags(&cf->queues, XA_FLAGS_ALLOC1);
	init_waitqueue_head(&cf->poll);
	file->driver_priv = cf;
	return 0;
}

static void ctrans_postclose(struct drm_device *dev, struct drm_file *file)
{
	struct ctrans_file *cf = file->driver_priv;

	/* A queue that runs keeps its VM: queues go first. */
	ctrans_queue_close_all(cf);
	ctrans_vm_close_all(cf);
	xa_destroy(&cf->queues);
	xa_destroy(&cf->vms);
	kfree(cf);
}

#define CTRANS_IOCTL(id, handler) \
	DRM_IOCTL_DEF_DRV(CTRANS_##id, ctrans_ioctl_##handler, 0)

static const struct drm_ioctl_desc ctrans_ioctls[] = {
	CTRANS_IOCTL(DEV_QUERY, dev_query),
	CTRANS_IOCTL(BO_CREATE, bo_create),
	CTRANS_IOCTL(BO_MMAP_OFFSET, bo_mmap_offset),
	CTRANS_IOCTL(VM_CREATE, vm_create),
	CTRANS_IOCTL(VM_DESTROY, vm_destroy),
	CTRANS_IOCTL(VM_BIND, vm_bind),
	CTRANS_IOCTL(QUEUE_CREATE, queue_create),
	CTRANS_IOCTL(QUEUE_DESTROY, queue_destroy),
	CTRANS_IOCTL(QUEUE_WAIT, queue_wait),
	CTRANS_IOCTL(QUEUE_GET_STATE, queue_get_state),
	CTRANS_IOCTL(QUEUE_RESTART, queue_restart),
};

/*
 * A chip that fell off the bus answers like one that was unplugged, from when
 * that is noticed: the DRM core only knows about the latter.
 */
static bool ctrans_file_gone(struct file *filp)
{
	struct drm_file *file = filp->private_data;

	return READ_ONCE(to_ctrans_device(file->minor->dev)->gone);
}

static long ctrans_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	if (ctrans_file_gone(filp))
		return -ENODEV;
	return drm_ioctl(filp, cmd, arg);
}

#ifdef CONFIG_COMPAT
static long ctrans_compat_ioctl(struct file *filp, unsigned int cmd,
				unsigned long arg)
{
	if (ctrans_file_gone(filp))
		return -ENODEV;
	return drm_compat_ioctl(filp, cmd, arg);
}
#else
#define ctrans_compat_ioctl NULL
#endif

static int ctrans_mmap(struct file *filp, struct vm_area_struct *vma)
{
	if (ctrans_file_gone(filp))
		return -ENODEV;
	if (ctrans_doorbell_owns(vma))
		return ctrans_doorbell_mmap(filp, vma);
	return drm_gem_mmap(filp, vma);
}

static const struct file_operations ctrans_fops = {
	.owner		= THIS_MODULE,
	.open		= accel_open,
	.release	= drm_release,
	.unlocked_ioctl	= ctrans_ioctl,
	.compat_ioctl	= ctrans_compat_ioctl,
	.poll		= ctrans_poll,
	.read		= drm_read,
	.llseek		= noop_llseek,
	.mmap		= ctrans_mmap,
	.show_fdinfo	= drm_show_fdinfo,
	.fop_flags	= FOP_UNSIGNED_OFFSET,
};

const struct drm_driver ctrans_drm_driver = {
	.driver_features	= DRIVER_COMPUTE_ACCEL | DRIVER_GEM,
	.name			= "ctrans",
	.desc			= "C-Transformer accelerator",
	.major			= CTRANS_DRIVER_MAJOR,
	.minor			= CTRANS_DRIVER_MINOR,
	.fops			= &ctrans_fops,
	.ioctls			= ctrans_ioctls,
	.num_ioctls		= ARRAY_SIZE(ctrans_ioctls),
	.open			= ctrans_open,
	.postclose		= ctrans_postclose,
	.show_fdinfo		= ctrans_show_fdinfo,
	.gem_create_object	= ctrans_gem_create_object,
	.gem_prime_import	= ctrans_gem_import,
	.gem_prime_import_sg_table = ctrans_gem_import_sgt,
};

static int __init ctrans_module_init(void)
{
	return ctrans_pci_register();
}
module_init(ctrans_module_init);

static void __exit ctrans_module_exit(void)
{
	ctrans_pci_unregister();
}
module_exit(ctrans_module_exit);

MODULE_DESCRIPTION("C-Transformer accelerator");
MODULE_AUTHOR("The ctrans authors");
MODULE_LICENSE("GPL");
MODULE_SOFTDEP("pre: governor_simpleondemand");
/* Given as text: the macro for it changed its argument between kernels. */
MODULE_INFO(import_ns, "DMA_BUF");
