/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The objects of the driver and what its files do for each other.
 *
 * Lifetimes. struct ctrans_device lives as long as its drm_device, that is until
 * the last open file is gone; what only the bound device may touch (registers,
 * doorbells, interrupts) goes at remove, and everything that user space can
 * reach enters through drm_dev_enter(). VMs and queues are counted: a queue
 * holds its VM, a VM the buffers bound in it, a doorbell mapping its queue.
 *
 * The end. Remove first sets @gone under reset_lock, stops the chip for good and
 * sets @stopped, and only then unplugs. So where drm_dev_enter() fails the chip
 * reaches no memory any more, and nobody needs to wait for it. It keeps being so
 * because whoever starts a queue holds reset_lock and looks at @gone. What the
 * chip could reach (DMA memory and mappings) goes before the driver is unbound,
 * open files or not: a VM or queue that outlives it is an empty shell.
 *
 * Locks, outer before inner; a reference of runtime PM, which may wake the chip,
 * comes before all of them:
 *   ctrans_device.reset_lock	what takes queues or translations away from the chip
 *   ctrans_device.vms_lock	the list of all VMs
 *   ctrans_vm.lock		bindings and page tables of one VM
 *   GEM reservation locks	taken by the shmem helpers
 *   ctrans_device.tlb_lock	one invalidation at a time
 *   ctrans_device.slots_lock	slots[], state and revocation of doorbells, counters
 *   ctrans_queue.lock (irq)	progress and waiters; the interrupt handler's
 * mmap_lock is outside slots_lock (the fault handler takes it) and never taken
 * inside any of them.
 */
#ifndef _CTRANS_DRV_H
#define _CTRANS_DRV_H

#include <linux/eventfd.h>
#include <linux/io.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <drm/drm_accel.h>
#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_print.h>

#include "../uapi/ctrans_accel.h"
#include "../uapi/ctrans_job.h"
#include "../uapi/ctrans_regs.h"

#include "ctrans_telemetry.h"

struct ctrans_device;
struct ctrans_load;
struct ctrans_queue;
struct ctrans_table;
struct devfreq;
struct sg_table;
struct thermal_cooling_device;

/* Interrupts that the chip may have: vector 0 and completions. */
#define CTRANS_VECTORS_MAX	17

/* What one file may have; the chip has 64 of each for all. */
#define CTRANS_FILE_VMS		16
#define CTRANS_FILE_QUEUES	16

#define CTRANS_TIMEOUT_DEFAULT_MS	10000
#define CTRANS_TIMEOUT_MAX_MS		600000

/** struct ctrans_bus_ops - what only the bus front end can do */
struct ctrans_bus_ops {
	/** @isolate: the chip can reach no memory from here on. */
	void (*isolate)(struct ctrans_device *ct);
	/**
	 * @reset: have the bus reset it, with ctrans_reset_prepare() before and
	 * ctrans_reset_done() after. -EAGAIN: not now. None of our locks is held.
	 */
	int (*reset)(struct ctrans_device *ct);
};

/**
 * struct ctrans_device - one chip
 */
struct ctrans_device {
	/** @drm: base; allocated with it. */
	struct drm_device drm;

	/* ---- filled by the bus front end before ctrans_device_init() ---- */

	/** @bus: the front end's operations. */
	const struct ctrans_bus_ops *bus;
	/** @regs: BAR0. */
	void __iomem *regs;
	/** @doorbells: CPU physical address of BAR2, the first slot's page. */
	phys_addr_t doorbells;
	/** @irq: Linux interrupt numbers by vector. */
	int irq[CTRANS_VECTORS_MAX];
	/** @n_irqs: how many; with one, everything comes on it. */
	unsigned int n_irqs;
	/** @irq_shared: @irq[0] is a level interrupt, perhaps not ours alone. */
	bool irq_shared;

	/* ---- the chip, read once ---------------------------------------- */

	/** @info: as told to user space. */
	struct drm_ctrans_info info;
	/** @n_contexts: contexts it has. */
	unsigned int n_contexts;
	/** @n_queues: queue slots it has. */
	unsigned int n_queues;

	/**
	 * @gone: registers read all ones, a reset did not end, or the driver is
	 * being unbound. Never cleared; nothing is started any more.
	 */
	bool gone;
	/** @stopped: it makes no access to memory any more, nor ever will. */
	bool stopped;
	/** @irq_events: IRQ_STATUS bits between the handler and its thread. */
	atomic_t irq_events;

	/* ---- power (ctrans_power.c) --------------------------------------- */

	/**
	 * @asleep: registers must not be touched, and queues are what
	 * ctrans_carry.c remembers. Written under slots_lock.
	 */
	bool asleep;
	/**
	 * @resetting: ... because it is being reset, and may still be reaching
	 * memory; all ones do not mean that it is gone. Written under slots_lock.
	 */
	bool resetting;
	/** @lookers: who keeps it awake, see ctrans_power_hold(); under slots_lock. */
	unsigned int lookers;
	/** @heartbeat: what HEARTBEAT was; runtime suspend's own. */
	u32 heartbeat;

	/* ---- memory (ctrans_mmu.c) --------------------------------------- */

	/** @ctx_table: __le64[CTRANS_CONTEXTS], what the chip translates by. */
	__le64 *ctx_table;
	/** @ctx_table_dma: its bus address. */
	dma_addr_t ctx_table_dma;
	/** @contexts: bitmap of those in use; under @tlb_lock. */
	DECLARE_BITMAP(contexts, CTRANS_CONTEXTS);
	/** @tlb_lock: one invalidation at a time, and @contexts. */
	struct mutex tlb_lock;
	/** @vms_lock: @vms. */
	struct mutex vms_lock;
	/** @vms: every struct ctrans_vm that may have bindings. */
	struct list_head vms;
	/** @imports_lock: @imports. */
	struct mutex imports_lock;
	/** @imports: buffers of others mapped for the chip, see ctrans_gem.c. */
	struct list_head imports;
	/** @dma32: the chip does not reach all memory: buffers from the low part. */
	bool dma32;
	/** @coherent: it sees what is in CPU caches. */
	bool coherent;

	/* ---- queues (ctrans_queue.c, ctrans_doorbell.c) ------------------- */

	/** @slots: the queue in each slot; written under @slots_lock. */
	struct ctrans_queue __rcu *slots[CTRANS_QUEUES];
	/** @slots_lock: see above. */
	struct mutex slots_lock;
	/** @lost_status: what a status mapping without a queue shows. */
	struct page *lost_status;

	/* ---- hangs (ctrans_watchdog.c, ctrans_reset.c) -------------------- */

	/** @reset_lock: see above. */
	struct mutex reset_lock;
	/** @reset_count: resets since probe. */
	u32 reset_count;
	/** @reset_work: resets the chip; queued by ctrans_reset_schedule(). */
	struct work_struct reset_work;
	/** @watchdog: runs while there are queues. */
	struct delayed_work watchdog;
	/** @wq: ordered; resets and the watchdog, never one inside the other. */
	struct workqueue_struct *wq;

	/* ---- telemetry (see ctrans_telemetry.h) --------------------------- */

	/** @opps: operating points, the slowest first; read once. */
	struct ctrans_opp opps[CTRANS_OPPS_MAX];
	/** @n_opps: how many, at least one; with one it never changes. */
	unsigned int n_opps;
	/** @opp: index of what it has, or has when it wakes; under slots_lock. */
	unsigned int opp;
	/** @totals: what it has done since probe; under slots_lock. */
	struct ctrans_totals totals;
	/** @totals_seen: what the registers of @totals said last. */
	struct ctrans_totals totals_seen;
	/** @bytes_bound: of buffers that are bound in some VM. */
	atomic64_t bytes_bound;
	/** @temp_sensor: there is one; read once, like its limits. */
	bool temp_sensor;
	/** @temp_max: millidegrees, slow the chip down above it. */
	int temp_max;
	/** @temp_crit: millidegrees, not meant to work above it. */
	int temp_crit;
	/** @temp_last: millidegrees when it was last awake; the thermal zone's own. */
	int temp_last;
	/** @load: what ctrans_devfreq.c keeps. */
	struct ctrans_load *load;
	/** @devfreq: what changes @opp, or NULL: nobody does. */
	struct devfreq *devfreq;
	/** @cooling: what slows it down, or NULL. */
	struct thermal_cooling_device *cooling;
};

#define to_ctrans_device(dev) container_of(dev, struct ctrans_device, drm)

/** struct ctrans_file - one open file */
struct ctrans_file {
	/** @ct: the device. */
	struct ctrans_device *ct;
	/** @vms: struct ctrans_vm by id. */
	struct xarray vms;
	/** @queues: struct ctrans_queue by id. */
	struct xarray queues;
	/** @poll: sleepers in poll(); woken by completions, faults and loss. */
	wait_queue_head_t poll;
	/** @counts: what its destroyed queues used; under slots_lock. */
	struct ctrans_counts counts;
};

/** struct ctrans_vm - an address space */
struct ctrans_vm {
	/** @ref: the file's handle, its queues. */
	struct kref ref;
	/** @ct: the device. */
	struct ctrans_device *ct;
	/** @ctx: context number on the chip. */
	unsigned int ctx;
	/** @n_queues: queues made of it and not yet destroyed; VM_DESTROY looks. */
	atomic_t n_queues;
	/** @link: in ctrans_device.vms. */
	struct list_head link;
	/** @lock: bindings and tables. */
	struct mutex lock;
	/** @bindings: struct ctrans_binding by VA, disjoint. */
	struct rb_root bindings;
	/** @n_bindings: how many; limited, as each costs kernel memory. */
	unsigned int n_bindings;
	/** @n_tables: page tables below the root; limited, too. */
	unsigned int n_tables;
	/** @bytes: of all bindings. */
	u64 bytes;
	/** @root: page tables, see ctrans_mmu.c; NULL once the chip is gone. */
	struct ctrans_table *root;
};

/* ---- Registers -------------------------------------------------------- */

static inline u32 ctrans_read(struct ctrans_device *ct, u32 reg)
{
	return readl(ct->regs + reg);
}

static inline void ctrans_write(struct ctrans_device *ct, u32 reg, u32 value)
{
	writel(value, ct->regs + reg);
}

/*
 * Reading LO latches HI; the caller serialises readers of one pair. Bitmaps of
 * queues are halves that need no latch.
 */
static inline u64 ctrans_read64(struct ctrans_device *ct, u32 lo)
{
	u64 v = ctrans_read(ct, lo);

	return v | (u64)ctrans_read(ct, lo + 4) << 32;
}

static inline void ctrans_write64(struct ctrans_device *ct, u32 lo, u64 value)
{
	ctrans_write(ct, lo, lower_32_bits(value));
	ctrans_write(ct, lo + 4, upper_32_bits(value));
}

/*
 * Which completion vector (CTRANS_Q_VEC) the queue of a slot raises. The queues
 * of one vector share a half of QPEND, so that its handler reads one register.
 */
static inline unsigned int ctrans_slot_vector(const struct ctrans_device *ct,
					      unsigned int slot)
{
	unsigned int n = (ct->n_irqs - 1) / 2;

	return n ? slot / 32 * n + slot % n : 0;
}

/* ---- ctrans_drv.c ------------------------------------------------------ */

extern const struct drm_driver ctrans_drm_driver;

/* ---- ctrans_device.c --------------------------------------------------- */

int ctrans_device_identify(struct ctrans_device *ct);
int ctrans_device_init(struct ctrans_device *ct);
void ctrans_device_remove(struct ctrans_device *ct);
bool ctrans_device_check(struct ctrans_device *ct);
int ctrans_device_reset(struct ctrans_device *ct);
int ctrans_device_renew(struct ctrans_device *ct);
void ctrans_device_start(struct ctrans_device *ct);
void ctrans_device_stop(struct ctrans_device *ct);
void ctrans_device_halt(struct ctrans_device *ct);
bool ctrans_device_stopped(struct ctrans_device *ct);
void ctrans_device_cut_off(struct ctrans_device *ct);

/* ---- ctrans_power.c ---------------------------------------------------- */

extern const struct dev_pm_ops ctrans_power_ops;

/*
 * To touch registers one is between a pair of these, or holds slots_lock or a
 * queue's lock and finds ctrans_device.asleep false.
 */
int ctrans_enter(struct ctrans_device *ct, int *idx);
void ctrans_exit(struct ctrans_device *ct, int idx);
bool ctrans_enter_awake(struct ctrans_device *ct, int *idx);
void ctrans_exit_awake(struct ctrans_device *ct, int idx);
bool ctrans_power_hold(struct ctrans_device *ct, bool reset);
void ctrans_power_release(struct ctrans_device *ct);
void ctrans_power_start(struct ctrans_device *ct);
void ctrans_power_end(struct ctrans_device *ct);

/* ---- ctrans_carry.c ---------------------------------------------------- */

bool ctrans_carry_busy(struct ctrans_device *ct);
void ctrans_carry_hide(struct ctrans_device *ct);
void ctrans_carry_stop(struct ctrans_device *ct, unsigned int ms);
void ctrans_carry_keep(struct ctrans_device *ct);
void ctrans_carry_restore(struct ctrans_device *ct);

/* ---- ctrans_irq.c ------------------------------------------------------ */

int ctrans_irq_init(struct ctrans_device *ct);
void ctrans_irq_enable(struct ctrans_device *ct);
void ctrans_irq_disable(struct ctrans_device *ct);

/* ---- ctrans_pci.c ------------------------------------------------------ */

int ctrans_pci_register(void);
void ctrans_pci_unregister(void);

/* ---- ctrans_gem.c ------------------------------------------------------ */

struct drm_gem_object *ctrans_gem_create_object(struct drm_device *dev, size_t size);
struct drm_gem_object *ctrans_gem_import(struct drm_device *dev,
					 struct dma_buf *dma_buf);
struct drm_gem_object *ctrans_gem_import_sgt(struct drm_device *dev,
					     struct dma_buf_attachment *attach,
					     struct sg_table *sgt);
struct sg_table *ctrans_gem_map(struct drm_gem_object *obj);
void ctrans_gem_unmap(struct drm_gem_object *obj);
void ctrans_gem_drop_imports(struct ctrans_device *ct);
int ctrans_ioctl_bo_create(struct drm_device *dev, void *data, struct drm_file *file);
int ctrans_ioctl_bo_mmap_offset(struct drm_device *dev, void *data,
				struct drm_file *file);

/* ---- ctrans_mmu.c ------------------------------------------------------ */

int ctrans_mmu_init(struct ctrans_device *ct);
void ctrans_mmu_start(struct ctrans_device *ct);
int ctrans_mmu_open(struct ctrans_vm *vm);
void ctrans_mmu_close(struct ctrans_vm *vm);
int ctrans_mmu_map(struct ctrans_vm *vm, u64 va, dma_addr_t bus, u64 size, bool write);
void ctrans_mmu_unmap(struct ctrans_vm *vm, u64 va, u64 size);

/* ---- ctrans_vm.c ------------------------------------------------------- */

int ctrans_ioctl_vm_create(struct drm_device *dev, void *data, struct drm_file *file);
int ctrans_ioctl_vm_destroy(struct drm_device *dev, void *data, struct drm_file *file);
int ctrans_ioctl_vm_bind(struct drm_device *dev, void *data, struct drm_file *file);
struct ctrans_vm *ctrans_vm_get(struct ctrans_file *cf, u32 id);
void ctrans_vm_put(struct ctrans_vm *vm);
int ctrans_vm_hold_range(struct ctrans_vm *vm, u64 va, u64 size);
void ctrans_vm_release_range(struct ctrans_vm *vm, u64 va, u64 size);
void ctrans_vm_close_all(struct ctrans_file *cf);
void ctrans_vm_drop_all(struct ctrans_device *ct);

/* ---- ctrans_queue.c, ctrans_queue_create.c ------------------------------ */

int ctrans_ioctl_queue_create(struct drm_device *dev, void *data,
			      struct drm_file *file);
int ctrans_ioctl_queue_destroy(struct drm_device *dev, void *data,
			       struct drm_file *file);
int ctrans_ioctl_queue_get_state(struct drm_device *dev, void *data,
				 struct drm_file *file);
int ctrans_ioctl_queue_restart(struct drm_device *dev, void *data,
			       struct drm_file *file);
void ctrans_queue_close_all(struct ctrans_file *cf);

/* ---- ctrans_wait.c ----------------------------------------------------- */

int ctrans_ioctl_queue_wait(struct drm_device *dev, void *data, struct drm_file *file);
__poll_t ctrans_poll(struct file *filp, struct poll_table_struct *wait);
/* In hard interrupt context; the pending bits are cleared already. */
void ctrans_wait_completions(struct ctrans_device *ct, u64 pending);
/* In a thread, may sleep; the error bits are cleared already. */
void ctrans_wait_errors(struct ctrans_device *ct, u64 stopped);

/* ---- ctrans_doorbell.c ------------------------------------------------- */

int ctrans_doorbell_init(struct ctrans_device *ct);
bool ctrans_doorbell_owns(const struct vm_area_struct *vma);
int ctrans_doorbell_mmap(struct file *filp, struct vm_area_struct *vma);

/* ---- ctrans_watchdog.c, ctrans_reset.c --------------------------------- */

int ctrans_watchdog_init(struct ctrans_device *ct);
void ctrans_watchdog_kick(struct ctrans_device *ct, int ms);
void ctrans_watchdog_stop(struct ctrans_device *ct);
void ctrans_reset_schedule(struct ctrans_device *ct);
bool ctrans_reset_wake(struct ctrans_device *ct);
void ctrans_queues_lost(struct ctrans_device *ct);
/* Around a reset by the bus; the first takes reset_lock, the second drops it. */
void ctrans_reset_prepare(struct ctrans_device *ct);
void ctrans_reset_done(struct ctrans_device *ct);
/* The bus has stopped all access because of an error; it will be reset. */
void ctrans_reset_frozen(struct ctrans_device *ct);
void ctrans_reset_thawed(struct ctrans_device *ct);

#endif
