/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * C-Transformer registers and page tables: what the kernel and the chip say
 * to each other. Not installed; user space has no access to any of it.
 *
 * BAR0 (or the platform node's first "reg") is CTRANS_BAR0_SIZE bytes of
 * 32-bit registers, little-endian, naturally aligned; other sizes read all
 * ones and ignore writes. Registers not listed read zero and ignore writes.
 * BAR2 (second "reg") is CTRANS_QUEUES doorbell pages, see ctrans_job.h.
 *
 * A read of BAR0 returns only after every earlier write of the chip to memory
 * is visible. 64-bit quantities are a LO/HI pair: reading LO latches HI;
 * writing HI takes effect together with the LO written before it.
 *
 * Access: RO read only, RW, W1C write one to clear, WO reads zero. "R=" gives
 * the value after reset; zero where nothing is said.
 *
 * Loss of power: D3hot, power-off and CTRANS_RESET_CHIP lose every register
 * (No_Soft_Reset = 0). Queue indices are readable, and writable while the
 * queue is stopped, so that the kernel carries them over: nothing rewinds.
 */
#ifndef _CTRANS_REGS_H
#define _CTRANS_REGS_H

#include <linux/types.h>

#define CTRANS_PCI_VENDOR	0x1234	/* nobody's; until silicon has one */
#define CTRANS_PCI_DEVICE	0xc7f0

#define CTRANS_BAR0_SIZE	0x10000
#define CTRANS_QUEUES		64
#define CTRANS_CONTEXTS		64

/* ---- Identity -------------------------------------------------------- */

#define CTRANS_REG_ID		0x0000	/* RO, R=CTRANS_ID */
#define   CTRANS_ID		0x4e525443u	/* "CTRN" */
#define CTRANS_REG_VERSION	0x0004	/* RO, R=major << 16 | minor */
#define   CTRANS_VERSION	0x00010001u
#define CTRANS_REG_CAPS		0x0008	/* RO, CTRANS_CAP_* of ctrans_job.h */
#define CTRANS_REG_CORES	0x0010	/* RO, R=48 homogeneous cores */
#define CTRANS_REG_ROWS		0x0014	/* RO, R=8 HMAU rows in a core */
#define CTRANS_REG_COLS		0x0018	/* RO, R=16 HMAU columns in a core */
#define CTRANS_REG_SRAM_KIB	0x001c	/* RO, R=500 */
#define CTRANS_REG_LIMITS	0x0020	/* RO, R=contexts << 16 | queues */
#define CTRANS_REG_EXT_MBPS	0x0024	/* RO, R=1600: external memory, MB/s */

/* ---- Interrupts ------------------------------------------------------ */

/*
 * Vector 0 is errors and events, vectors 1.. completions: queue q raises
 * vector 1 + QVEC. With one vector, or one level interrupt, everything comes
 * on vector 0 and the bitmaps say what. A queue raises nothing while its bit in
 * QPEND is set; clearing the bit re-evaluates both ARM words. A bit of
 * IRQ_STATUS that is set already when IRQ_MASK lets it through raises then.
 */
#define CTRANS_REG_IRQ_STATUS	0x0040	/* W1C, CTRANS_IRQ_* */
#define   CTRANS_IRQ_QUEUE_ERR	(1u << 0)	/* some queue entered ERROR */
#define   CTRANS_IRQ_MMU	(1u << 1)	/* a page-table access failed on the bus */
#define   CTRANS_IRQ_RESET_DONE	(1u << 2)
#define CTRANS_REG_IRQ_MASK	0x0044	/* RW, of IRQ_STATUS: 1 = raises vector 0 */
#define CTRANS_REG_QPEND_LO	0x0048	/* W1C, completion pending, queue 0..31 */
#define CTRANS_REG_QPEND_HI	0x004c	/* W1C, queue 32..63 */
#define CTRANS_REG_QERR_LO	0x0050	/* W1C, queue in error, 0..31 */
#define CTRANS_REG_QERR_HI	0x0054	/* W1C, queue 32..63 */

/*
 * A queue is busy while a job of it is on the cores, or it is RUNNING and an
 * entry could start by its doorbell words as they are now, or its words are
 * about to stop it. A queue whose completions nobody takes is not. Every store
 * to a doorbell before the reading counts: a chip with no queue busy does
 * nothing any more until the next store.
 */
#define CTRANS_REG_QBUSY_LO	0x0058	/* RO, queue 0..31 */
#define CTRANS_REG_QBUSY_HI	0x005c	/* RO, queue 32..63 */

/* ---- Reset and power ------------------------------------------------- */

#define CTRANS_REG_RESET	0x0060	/* WO */
#define   CTRANS_RESET_CHIP	0x1	/* all state; running jobs abort */
#define CTRANS_REG_STATE	0x0064	/* RO, R=READY */
#define   CTRANS_STATE_READY	0
#define   CTRANS_STATE_RESETTING 1	/* until the cores have left memory */
#define CTRANS_REG_OPP		0x0068	/* RW, R=CTRANS_OPP_RESET: for jobs from here on */
#define   CTRANS_OPP_RESET	2
#define CTRANS_REG_OPP_COUNT	0x006c	/* RO, R=5 */
#define CTRANS_REG_OPP_INDEX	0x0070	/* RW: which point the next three describe */
#define CTRANS_REG_OPP_MV	0x0074	/* RO, millivolts */
#define CTRANS_REG_OPP_KHZ	0x0078	/* RO, kilohertz */
#define CTRANS_REG_OPP_UW	0x007c	/* RO, microwatts at most at this point */

/* ---- Telemetry ------------------------------------------------------- */

#define CTRANS_REG_ENERGY_LO	0x0080	/* RO, nanojoules since reset, modelled */
#define CTRANS_REG_ENERGY_HI	0x0084
#define CTRANS_REG_CYCLES_LO	0x0088	/* RO, core cycles busy since reset */
#define CTRANS_REG_CYCLES_HI	0x008c
#define CTRANS_REG_BUSY_LO(d)	(0x0090 + 8 * (d))	/* RO, busy us of domain d */
#define CTRANS_REG_BUSY_HI(d)	(0x0094 + 8 * (d))
#define   CTRANS_DOMAIN_DENSE	0
#define   CTRANS_DOMAIN_SPIKING	1
#define   CTRANS_DOMAIN_VECTOR	2
#define   CTRANS_DOMAIN_EXTERNAL 3
#define CTRANS_REG_JOBS_LO	0x00b0	/* RO, jobs completed since reset */
#define CTRANS_REG_JOBS_HI	0x00b4
#define CTRANS_REG_TEMP_MC	0x00b8	/* RO, millidegrees Celsius, modelled, signed */
#define   CTRANS_TEMP_NONE	0x80000000u	/* no reading, or no sensor */
#define CTRANS_REG_HEARTBEAT	0x00bc	/* RO, units of work since reset */
#define CTRANS_REG_POWER_UW	0x00c0	/* RO, microwatts, modelled: see below */
#define CTRANS_REG_TEMP_MAX_MC	0x00c4	/* RO, R=85000: slow the chip down above it */
#define CTRANS_REG_TEMP_CRIT_MC	0x00c8	/* RO, R=105000: not meant to work above it */

/*
 * POWER is the mean of the last completed job while one is on the cores or that
 * one ended within the last 100 ms; else leakage at the point that OPP names.
 * TEMP is what POWER settles at.
 */

/* ---- Memory management ----------------------------------------------- */

/*
 * CTX_TABLE is the bus address (4 KiB aligned) of __u64[CTRANS_CONTEXTS]: for
 * each context the bus address of its root table, or 0. Only the kernel writes
 * it. The chip caches translations, never the lack of one: after a change of
 * what was valid write the context to TLB_INVAL and wait until TLB_ACK equals
 * TLB_SEQ. Then no access through the old translation is under way or can
 * follow, and the pages may be freed.
 */
#define CTRANS_REG_CTX_TABLE_LO	0x0100	/* RW */
#define CTRANS_REG_CTX_TABLE_HI	0x0104
#define CTRANS_REG_TLB_INVAL	0x0108	/* WO, context number, or TLB_ALL */
#define   CTRANS_TLB_ALL	0xffffffffu
#define CTRANS_REG_TLB_SEQ	0x010c	/* RO, invalidations asked for */
#define CTRANS_REG_TLB_ACK	0x0110	/* RO, invalidations finished */

/*
 * What a queue's abort asks for and this takes: the cores drop a job of the
 * context where it stands, without a completion, and each of the context's
 * queues that is not STOPPED is. Over when none of them is ACTIVE.
 */
#define CTRANS_REG_CTX_RESET	0x0114	/* WO, context number */

/*
 * Three levels of 512 64-bit entries: bits 38..30 index the root (1 GiB each),
 * 29..21 the middle table (2 MiB), 20..12 the last (4 KiB). Reserved bits must
 * be zero in a valid entry. A leaf in the root is not allowed.
 */
#define CTRANS_PTE_VALID	(1ull << 0)
#define CTRANS_PTE_WRITE	(1ull << 1)	/* leaves only */
#define CTRANS_PTE_LEAF		(1ull << 2)	/* middle table: a 2 MiB page */
#define CTRANS_PTE_ADDR_4K	0x0000fffffffff000ull
#define CTRANS_PTE_ADDR_2M	0x0000ffffffe00000ull
#define CTRANS_PT_ENTRIES	512
#define CTRANS_PAGE_4K		0x1000ull
#define CTRANS_PAGE_2M		0x200000ull
#define CTRANS_BUS_BITS		48

/* ---- Queues ---------------------------------------------------------- */

#define CTRANS_REG_Q(q)		(0x4000 + 0x80 * (q))

/*
 * Written while the queue is stopped or in error; writes to a running queue,
 * and values out of range, are ignored.
 */
#define CTRANS_Q_SQ_VA_LO	0x00	/* RW, submission ring, 64-byte aligned */
#define CTRANS_Q_SQ_VA_HI	0x04
#define CTRANS_Q_STATUS_LO	0x08	/* RW, status region, bus address, 64-byte aligned */
#define CTRANS_Q_STATUS_HI	0x0c
#define CTRANS_Q_SIZES		0x10	/* RW, cq log2 << 8 | sq log2, R=the least */
#define CTRANS_Q_CTX		0x14	/* RW, context */
#define CTRANS_Q_VEC		0x18	/* RW, completion vector, from 0 */
#define CTRANS_Q_SQ_HEAD	0x1c	/* RW, fetched */
#define CTRANS_Q_SQ_TAIL	0x20	/* RW, the doorbell's word; if impossible, the last taken */
#define CTRANS_Q_CQ_HEAD	0x24	/* RW, the doorbell's word; if impossible, the last taken */
#define CTRANS_Q_CQ_TAIL	0x28	/* RW, completions written; both ARM words follow a write */

#define CTRANS_Q_CTRL		0x30	/* WO */
#define   CTRANS_QCTRL_START	1	/* STOPPED or ERROR -> RUNNING; arms both ARM */
#define   CTRANS_QCTRL_STOP	2	/* finish the job in hand, then STOPPED */
#define   CTRANS_QCTRL_ABORT	3	/* abort the job in hand, then STOPPED */
#define CTRANS_Q_STATE		0x34	/* RO, enum ctrans_qstate */
#define CTRANS_Q_ERROR		0x38	/* RO, enum ctrans_qerr */
#define CTRANS_Q_ACTIVE		0x3c	/* RO, 1 while a job of it is on the cores */
#define CTRANS_Q_PROGRESS	0x40	/* RO, units of work done; what a watchdog watches */
#define CTRANS_Q_ARM		0x44	/* RW, as the doorbell's ARM, for the kernel's waits */
#define CTRANS_Q_FAULT_VA_LO	0x48	/* RO */
#define CTRANS_Q_FAULT_VA_HI	0x4c
#define CTRANS_Q_FAULT_INFO	0x50	/* RO, bit 31 write, 15..0 instruction index */

/* Of completed jobs, since the chip's reset; a new owner of the slot goes on counting. */
#define CTRANS_Q_BUSY_LO(d)	(0x58 + 8 * (d))	/* RO, busy ns of domain d */
#define CTRANS_Q_BUSY_HI(d)	(0x5c + 8 * (d))
#define CTRANS_Q_ENERGY_LO	0x78	/* RO, nanojoules, modelled */
#define CTRANS_Q_ENERGY_HI	0x7c

#endif
