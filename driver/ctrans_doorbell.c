// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process maps of a queue: its doorbell page and its status region.
 *
 * Nothing is in a mapping until it is touched. The fault handler then decides,
 * under slots_lock, what it shows: the chip while the queue is READY, ordinary
 * memory otherwise. Whoever changes that answer zaps the mappings under the
 * same lock, so that they fault again. A mapping names its queue, not the slot:
 * the slot's next owner is out of its reach. Stores that were on their way when
 * a mapping went have arrived once a register has been read.
 *
 * All files share one address space of offsets (that of the DRM core's anonymous
 * inode), so the slot in an offset is the device's and zapping one queue hits no
 * other: bit 43 | kind << 41 | slot << 20. One wrong bit in an offset is no offset.
 * All are beyond what GEM gives out, and within the 44 bits that a process of 32 bits
 * can ask mmap() for.
 */
#include <linux/delay.h>
#include <linux/dma-map-ops.h>
#include <linux/mm.h>
#include <linux/pm_runtime.h>

#include <drm/drm_managed.h>
#include <drm/drm_vma_manager.h>

#include "ctrans_queue.h"

#define CTRANS_MAP_BASE		BIT_ULL(43)
#define CTRANS_MAP_DOORBELL	BIT_ULL(41)
#define CTRANS_MAP_STATUS	BIT_ULL(42)
#define CTRANS_MAP_SLOT_SHIFT	20

static_assert(PAGE_SIZE <= CTRANS_DB_PAGE_SIZE);
static_assert(DRM_FILE_PAGE_OFFSET_START + DRM_FILE_PAGE_OFFSET_SIZE <=
	      CTRANS_MAP_BASE >> PAGE_SHIFT);

/**
 * ctrans_doorbell_offset - where mmap() finds the doorbell page
 * @q: queue in its slot
 *
 * Return: bytes.
 */
u64 ctrans_doorbell_offset(const struct ctrans_queue *q)
{
	return CTRANS_MAP_BASE | CTRANS_MAP_DOORBELL |
	       (u64)q->slot << CTRANS_MAP_SLOT_SHIFT;
}

/**
 * ctrans_doorbell_status_offset - where mmap() finds the status region
 * @q: queue in its slot
 *
 * Return: bytes.
 */
u64 ctrans_doorbell_status_offset(const struct ctrans_queue *q)
{
	return CTRANS_MAP_BASE | CTRANS_MAP_STATUS |
	       (u64)q->slot << CTRANS_MAP_SLOT_SHIFT;
}

static u64 ctrans_vma_offset(const struct vm_area_struct *vma)
{
	return (u64)vma->vm_pgoff << PAGE_SHIFT;
}

static bool ctrans_vma_is_status(const struct vm_area_struct *vma)
{
	return ctrans_vma_offset(vma) & CTRANS_MAP_STATUS;
}

/**
 * ctrans_doorbell_owns - is this offset one of a queue's
 * @vma: being made by mmap()
 *
 * Return: true for all offsets that GEM never gives out.
 */
bool ctrans_doorbell_owns(const struct vm_area_struct *vma)
{
	return ctrans_vma_offset(vma) >= CTRANS_MAP_BASE;
}

static void ctrans_zap(struct ctrans_device *ct, u64 offset, u64 size)
{
	lockdep_assert_held(&ct->slots_lock);
	unmap_mapping_range(ct->drm.anon_inode->i_mapping, offset, size, 1);
}

/**
 * ctrans_doorbell_revoke - have the doorbell's mappings fault again
 * @q: queue whose state has changed; slots_lock is held
 */
void ctrans_doorbell_revoke(struct ctrans_queue *q)
{
	ctrans_zap(q->ct, ctrans_doorbell_offset(q), PAGE_SIZE);
}

/**
 * ctrans_doorbell_revoke_status - have the status region's mappings fault again
 * @q: queue whose status region is about to go; slots_lock is held
 */
void ctrans_doorbell_revoke_status(struct ctrans_queue *q)
{
	ctrans_zap(q->ct, ctrans_doorbell_status_offset(q), q->status_size);
}

/* ---- Faults ------------------------------------------------------------ */

static vm_fault_t ctrans_show_doorbell(struct vm_fault *vmf,
				       struct ctrans_queue *q, bool plugged)
{
	struct vm_area_struct *vma = vmf->vma;
	struct ctrans_device *ct = q->ct;
	pgprot_t prot = vm_get_page_prot(vma->vm_flags);
	phys_addr_t at;

	if (!plugged || READ_ONCE(ct->gone) || q->state != CTRANS_KQ_READY)
		return vmf_insert_pfn_prot(vma, vmf->address,
					   page_to_pfn(q->dummy), prot);
	at = ct->doorbells + (phys_addr_t)q->slot * CTRANS_DB_PAGE_SIZE;
	/* Registers are not memory that the CPU encrypts. */
	prot = pgprot_decrypted(pgprot_noncached(prot));
	return vmf_insert_pfn_prot(vma, vmf->address, PHYS_PFN(at), prot);
}

static vm_fault_t ctrans_show_status(struct vm_fault *vmf,
				     struct ctrans_queue *q)
{
	struct vm_area_struct *vma = vmf->vma;
	struct ctrans_device *ct = q->ct;
	pgprot_t prot = vm_get_page_prot(vma->vm_flags);
	unsigned long n = vmf->pgoff - vma->vm_pgoff;
	struct page *page = n ? ZERO_PAGE(vmf->address) : ct->lost_status;
	struct sg_page_iter it;

	if (q->status) {
		if (!ct->coherent)
			prot = pgprot_dmacoherent(prot);
		for_each_sgtable_page(&q->status_sgt, &it, n) {
			page = sg_page_iter_page(&it);
			break;
		}
	}
	return vmf_insert_pfn_prot(vma, vmf->address, page_to_pfn(page), prot);
}

/*
 * A store to the doorbell wakes the chip: that comes before slots_lock, as putting
 * it to sleep takes that. While it is being reset, or the machine is on its way to
 * sleep, or the queue has just become READY, the store is tried again.
 */
static vm_fault_t ctrans_fault_doorbell(struct vm_fault *vmf, struct ctrans_queue *q)
{
	struct ctrans_device *ct = q->ct;
	struct device *dev = ct->drm.dev;
	bool wake = READ_ONCE(q->state) == CTRANS_KQ_READY;
	bool plugged, wait;
	vm_fault_t ret;
	int idx;

	plugged = drm_dev_enter(&ct->drm, &idx);
	wake = wake && plugged;
	if (wake)
		pm_runtime_get_sync(dev);
	mutex_lock(&ct->slots_lock);
	wait = plugged && !ct->gone && ct->asleep && q->state == CTRANS_KQ_READY;
	if (!wait)
		ret = ctrans_show_doorbell(vmf, q, plugged);
	mutex_unlock(&ct->slots_lock);
	if (wait) {
		usleep_range(500, 2000);
		ret = VM_FAULT_NOPAGE;
	}
	if (wake) {
		pm_runtime_mark_last_busy(dev);
		__pm_runtime_put_autosuspend(dev);
	}
	if (plugged)
		drm_dev_exit(idx);
	return ret;
}

static vm_fault_t ctrans_vma_fault(struct vm_fault *vmf)
{
	struct ctrans_queue *q = vmf->vma->vm_private_data;
	struct ctrans_device *ct = q->ct;
	vm_fault_t ret;

	if (!ctrans_vma_is_status(vmf->vma))
		return ctrans_fault_doorbell(vmf, q);
	mutex_lock(&ct->slots_lock);
	ret = ctrans_show_status(vmf, q);
	mutex_unlock(&ct->slots_lock);
	return ret;
}

/* Only mremap() gets here: the mapping is not inherited and does not split. */
static void ctrans_vma_open(struct vm_area_struct *vma)
{
	ctrans_queue_hold(vma->vm_private_data);
}

static void ctrans_vma_close(struct vm_area_struct *vma)
{
	ctrans_queue_put(vma->vm_private_data);
}

static int ctrans_vma_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static const struct vm_operations_struct ctrans_vm_ops = {
	.open = ctrans_vma_open,
	.close = ctrans_vma_close,
	.may_split = ctrans_vma_may_split,
	.fault = ctrans_vma_fault,
};

/* ---- mmap() ------------------------------------------------------------ */

static int ctrans_vma_check(const struct vm_area_struct *vma, u64 want, u64 size)
{
	if (ctrans_vma_offset(vma) != want ||
	    vma->vm_end - vma->vm_start != size ||
	    !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EACCES;
	if (ctrans_vma_is_status(vma) && (vma->vm_flags & VM_WRITE))
		return -EACCES;
	return 0;
}

/**
 * ctrans_doorbell_mmap - map a doorbell page or a status region
 * @filp: open file, which must be the queue's
 * @vma: the mapping, with an offset that ctrans_doorbell_owns()
 *
 * Return: 0; -EINVAL for an offset, size or kind of mapping that is not a
 * queue's, -EACCES for another file's and for access that it does not give.
 */
int ctrans_doorbell_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct drm_file *file = filp->private_data;
	struct ctrans_file *cf = file->driver_priv;
	struct ctrans_device *ct = cf->ct;
	bool status = ctrans_vma_is_status(vma);
	u64 slot = (ctrans_vma_offset(vma) & (CTRANS_MAP_DOORBELL - 1)) >>
		   CTRANS_MAP_SLOT_SHIFT;
	struct ctrans_queue *q;
	int ret;

	if (slot >= CTRANS_QUEUES)
		return -EINVAL;
	mutex_lock(&ct->slots_lock);
	q = ctrans_queue_in(ct, slot);
	if (!q)
		ret = -EINVAL;
	else if (q->cf != cf)
		ret = -EACCES;
	else if (status)
		ret = ctrans_vma_check(vma, ctrans_doorbell_status_offset(q),
				       q->status_size);
	else
		ret = ctrans_vma_check(vma, ctrans_doorbell_offset(q), PAGE_SIZE);
	if (!ret)
		ctrans_queue_hold(q);
	mutex_unlock(&ct->slots_lock);
	if (ret)
		return ret;

	vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP | VM_IO |
			  VM_PFNMAP,
		     VM_MAYEXEC | (status ? VM_MAYWRITE : 0));
	vma->vm_private_data = q;
	vma->vm_ops = &ctrans_vm_ops;
	return 0;
}

/* ---- What is shown when nothing is left --------------------------------- */

static void ctrans_free_page(struct drm_device *dev, void *page)
{
	__free_page(page);
}

/**
 * ctrans_doorbell_count_reset - tell mappings without a queue, too
 * @ct: device whose reset_count has changed
 */
void ctrans_doorbell_count_reset(struct ctrans_device *ct)
{
	__le32 *line = page_address(ct->lost_status) + CTRANS_STATUS_KERNEL;

	WRITE_ONCE(line[offsetof(struct ctrans_kernel_line, reset_count) / 4],
		   cpu_to_le32(ct->reset_count));
}

/**
 * ctrans_doorbell_init - make what mappings of destroyed queues show
 * @ct: device, before it is registered
 *
 * Return: 0 or a negative errno.
 */
int ctrans_doorbell_init(struct ctrans_device *ct)
{
	__le32 *line;

	ct->lost_status = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!ct->lost_status)
		return -ENOMEM;
	line = page_address(ct->lost_status) + CTRANS_STATUS_KERNEL;
	line[offsetof(struct ctrans_kernel_line, state) / 4] =
		cpu_to_le32(CTRANS_KQ_LOST);
	return drmm_add_action_or_reset(&ct->drm, ctrans_free_page,
					ct->lost_status);
}
