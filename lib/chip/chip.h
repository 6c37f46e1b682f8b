/* SPDX-License-Identifier: MIT */
/*
 * The chip model as its surroundings see it: registers, doorbells, memory,
 * interrupts. It knows nothing of models, text or files.
 *
 * The model reaches memory and raises interrupts only through struct chip_bus,
 * so the same code sits behind the in-process transport and behind a virtual
 * PCIe device. It never starts work by itself: some thread must lend itself as
 * worker 0 by chip_work(); further workers are the model's own threads and
 * sleep while there is nothing to do.
 */
#ifndef CHIP_CHIP_H
#define CHIP_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chip;

/* What a correct driver never makes the chip do. */
enum chip_violation {
	CHIP_VIOLATION_BUS,		/* an access that the bus refused */
	CHIP_VIOLATION_DOORBELL,	/* a store to the doorbells of a STOPPED queue */
};

struct chip_bus {
	/*
	 * Memory at a bus address: a pointer and how many bytes (at least 1, at
	 * most @len wanted) follow it contiguously; NULL if nothing answers, or
	 * not to a @write. A pointer stays good until the mapping is taken away,
	 * which the owner of the bus may do only after a TLB invalidation, a
	 * reset or chip_forget() has finished.
	 */
	void *(*map)(void *ctx, uint64_t addr, uint64_t len, bool write,
		     uint64_t *contiguous);
	/* Raise an interrupt vector. Called from any thread; must not block. */
	void (*raise)(void *ctx, unsigned int vector);
	void *ctx;
	/*
	 * There may be work: chip_work() is worth a call. From any thread, with
	 * the chip's locks held: it must neither block nor call the chip. NULL:
	 * who submits knows.
	 */
	void (*work)(void *ctx);
	/*
	 * @at: the bus address, or the slot. As @work; NULL: nobody counts. What
	 * a job still tries while a reset takes it away is none.
	 */
	void (*violation)(void *ctx, enum chip_violation what, uint64_t at);
};

struct chip_config {
	unsigned int threads;	/* workers, the lent one included; 0: as cpus */
	const char *kernel;	/* see chip_kernel_get(); NULL: the fastest */
	/* that the workers may have at once: more of them sleep; 0: as threads */
	unsigned int cpus;
	/* [threads] the CPU of each worker, the lent one's not used; or NULL */
	const unsigned short *pin;
};

#define CHIP_THREADS_MAX	256u

/*
 * 0; -EINVAL for an unknown or unsupported kernel, too many threads, or a CPU to
 * pin to that this process may not run on; -ENOMEM; -EAGAIN: no more threads.
 */
int chip_create(const struct chip_config *cfg, const struct chip_bus *bus,
		struct chip **out);

/* No thread may be inside chip_work() or be on its way in. */
void chip_destroy(struct chip *chip);

/* BAR0, 32-bit, naturally aligned. Any thread. Never block on running work. */
uint32_t chip_read(struct chip *chip, uint32_t offset);
void chip_write(struct chip *chip, uint32_t offset, uint32_t value);

/* BAR2: word @offset of doorbell page @slot. Any thread; lock-free. */
void chip_doorbell(struct chip *chip, unsigned int slot, uint32_t offset,
		   uint32_t value);

/*
 * Lend this thread as worker 0. Runs admitted jobs, queues in turn, until none
 * is left or @enough says so between two jobs. Returns the number of jobs run,
 * or -EBUSY at once if another thread is worker 0 already.
 * The thread's floating-point environment is set while it works, and restored.
 */
int chip_work(struct chip *chip, bool (*enough)(void *arg), void *arg);

/*
 * Drop every pointer that map() has given, without a trace in the registers: at
 * once if no job runs, else at its next boundary, where the job looks up again
 * what it uses and fails only if that is gone. Never blocks on running work.
 * Returns a number; when chip_forgotten() is true of it nothing that map() gave
 * before the call is in use.
 */
uint64_t chip_forget(struct chip *chip);
bool chip_forgotten(const struct chip *chip, uint64_t number);

/* The level of the interrupt line: some cause is pending and not masked. */
bool chip_interrupting(struct chip *chip);

/* As CTRANS_RESET_CHIP, and no fault withstands it. Over when STATE is READY. */
void chip_reset(struct chip *chip);

/*
 * For tests: a chip that does what it must not. A reset leaves it so. Any thread.
 */
#define CHIP_FAULT_HANG		(1u << 0)	/* jobs stand still from their next boundary, */
#define CHIP_FAULT_HANG_ONE	(1u << 1)	/* or only those of HANG_SLOT, till stopped */
#define CHIP_FAULT_IGNORE_ABORT	(1u << 2)	/* of a queue: taken for STOP */
#define CHIP_FAULT_IGNORE_CTX	(1u << 3)	/* CTX_RESET does nothing */
#define CHIP_FAULT_IGNORE_RESET	(1u << 4)	/* but STATE; it is made up for when off */
#define CHIP_FAULT_NO_TLB_ACK	(1u << 5)	/* TLB_ACK stands still */
#define CHIP_FAULT_CQ_GARBAGE	(1u << 6)	/* CQ_TAIL and the status line's are wrong: */
#define CHIP_FAULT_CQ_REWIND	(1u << 7)	/* less than they were, */
#define CHIP_FAULT_CQ_JUMP	(1u << 8)	/* more than any queue holds */
#define CHIP_FAULT_STRAY_DMA	(1u << 9)	/* by chip_stray_dma() only */
#define CHIP_FAULT_HANG_SLOT(s)	((uint32_t)(s) << 24)

void chip_change_faults(struct chip *chip, uint32_t off, uint32_t on);
uint32_t chip_faults(const struct chip *chip);
/* The next job reads and writes 64 bytes at a bus address that nobody has told it. */
void chip_stray_dma(struct chip *chip, uint64_t at);

unsigned int chip_threads(const struct chip *chip);
const char *chip_kernel_name(const struct chip *chip);

#endif
