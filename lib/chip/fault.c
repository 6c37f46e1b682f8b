// SPDX-License-Identifier: MIT
/* Faults on request, where the chip itself has to misbehave: see chip.h. */
#include "chip/internal.h"

#include <string.h>

#define STRAY_BYTES	64u

void chip_change_faults(struct chip *chip, uint32_t off, uint32_t on)
{
	pthread_mutex_lock(&chip->lock);
	atomic_store(&chip->faults, (atomic_load(&chip->faults) & ~off) | on);
	if (!chip_fault_is(chip, CHIP_FAULT_IGNORE_RESET) && chip->reset_held)
		chip_reset_begin(chip);
	/* acknowledge what was not; at the next boundary if a job runs */
	if (!chip->working) {
		chip_tlb_drop(chip);
		chip_tlb_dropped(chip);
	}
	pthread_mutex_unlock(&chip->lock);
}

uint32_t chip_faults(const struct chip *chip)
{
	return atomic_load(&chip->faults);
}

void chip_stray_dma(struct chip *chip, uint64_t at)
{
	pthread_mutex_lock(&chip->lock);
	chip->stray_at = at;
	atomic_fetch_or(&chip->faults, CHIP_FAULT_STRAY_DMA);
	pthread_mutex_unlock(&chip->lock);
}

/* As a job's own accesses, by the same way; once. Lock held. */
void chip_stray(struct chip *chip)
{
	void *p;

	atomic_fetch_and(&chip->faults, ~CHIP_FAULT_STRAY_DMA);
	if (!chip_bus_at(chip, chip->stray_at, STRAY_BYTES, false))
		chip_bus_refused(chip);
	p = chip_bus_at(chip, chip->stray_at, STRAY_BYTES, true);
	if (p)
		memset(p, 0xdb, STRAY_BYTES);
	else
		chip_bus_refused(chip);
}

bool chip_hanging(const struct chip *chip)
{
	uint32_t faults = atomic_load_explicit(&chip->faults, memory_order_relaxed);

	return faults & CHIP_FAULT_HANG &&
	       (!(faults & CHIP_FAULT_HANG_ONE) ||
		chip->active == (int)(faults / CHIP_FAULT_HANG_SLOT(1)));
}

/* What the register and the status line say of completions; what is done goes by @tail. */
uint32_t chip_shown_tail(const struct chip *chip, uint32_t tail)
{
	uint32_t faults = atomic_load_explicit(&chip->faults, memory_order_relaxed);

	if (faults & CHIP_FAULT_CQ_GARBAGE)
		return (tail + 1) * 0x9e3779b1u ^ 0x5bd1e995u;
	if (faults & CHIP_FAULT_CQ_REWIND)
		return tail - 5;
	if (faults & CHIP_FAULT_CQ_JUMP)
		return tail + (16u << CTRANS_QUEUE_LOG2_MAX);
	return tail;
}
