// SPDX-License-Identifier: MIT
/* Making a chip, and its registers. */
#include "chip/chip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chip/internal.h"

/* ---- Reset ------------------------------------------------------------ */

/* Everything to its reset value. Lock held, no job on the cores. */
void chip_reset_now(struct chip *chip)
{
	for (unsigned int i = 0; i < CTRANS_QUEUES; i++)
		chip_queue_reset(chip, i);
	atomic_store(&chip->tlb_dirty, UINT64_MAX);
	chip_tlb_drop(chip);
	chip_tlb_dropped(chip);
	chip->reset_asked = false;
	chip->reset_held = false;
	chip->active = -1;
	chip->turn = 0;
	chip->irq_status = 0;
	chip->irq_mask = 0;
	chip->qerr = 0;
	chip->ctx_table = 0;
	chip->ctx_table_lo = 0;
	atomic_store(&chip->mmu_event, false);
	atomic_store(&chip->tlb_seq, 0);
	atomic_store(&chip->tlb_ack, 0);
	chip->opp = CTRANS_OPP_RESET;
	chip->opp_index = 0;
	chip_costs_at(chip->opp, &chip->costs);
	chip->cycles = 0;
	chip->jobs = 0;
	chip->units_at_reset = chip_units(chip);
	memset(&chip->used, 0, sizeof(chip->used));
	chip->job_uw = 0;
	memset(chip->latch, 0, sizeof(chip->latch));
	chip_raise_event(chip, CTRANS_IRQ_RESET_DONE);
}

void chip_reset_begin(struct chip *chip)
{
	if (!chip->working) {
		chip_reset_now(chip);
		return;
	}
	chip->reset_asked = true;
	atomic_store(&chip->job.stop, true);
}

void chip_reset(struct chip *chip)
{
	pthread_mutex_lock(&chip->lock);
	chip_reset_begin(chip);
	pthread_mutex_unlock(&chip->lock);
}

/* Whatever else was asked of its queues, or of the job in hand. */
static void reset_context(struct chip *chip, uint32_t ctx)
{
	if (chip_fault_is(chip, CHIP_FAULT_IGNORE_CTX))
		return;
	for (unsigned int i = 0; i < CTRANS_QUEUES; i++) {
		struct chip_queue *q = &chip->q[i];

		if (q->ctx != ctx)
			continue;
		if (q->active) {
			q->dropped = true;
			atomic_store(&chip->job.stop, true);
		} else if (q->state != CTRANS_QSTATE_STOPPED) {
			chip_queue_stop(chip, q);
		}
	}
}

/* ---- Registers -------------------------------------------------------- */

/* LO, of a pair that begins at a multiple of 8. */
static uint32_t wide(uint32_t *latch, uint32_t offset, uint64_t value)
{
	latch[offset / 8] = (uint32_t)(value >> 32);
	return (uint32_t)value;
}

static uint64_t pending_bits(const struct chip *chip)
{
	uint64_t bits = 0;

	for (unsigned int i = 0; i < CTRANS_QUEUES; i++)
		bits |= (uint64_t)atomic_load(&chip->q[i].pending) << i;
	return bits;
}

static void clear_pending(struct chip *chip, uint64_t bits)
{
	for (unsigned int i = 0; i < CTRANS_QUEUES; i++) {
		if (!(bits >> i & 1))
			continue;
		atomic_store(&chip->q[i].pending, false);
		chip_queue_rearm(chip, i);
	}
}

static uint32_t queue_read(struct chip *chip, unsigned int slot, uint32_t offset)
{
	struct chip_queue *q = &chip->q[slot];

	switch (offset) {
	case CTRANS_Q_SQ_VA_LO:		return (uint32_t)q->sq_va;
	case CTRANS_Q_SQ_VA_HI:		return (uint32_t)(q->sq_va >> 32);
	case CTRANS_Q_STATUS_LO:	return (uint32_t)q->status_bus;
	case CTRANS_Q_STATUS_HI:	return (uint32_t)(q->status_bus >> 32);
	case CTRANS_Q_SIZES:		return q->sizes;
	case CTRANS_Q_CTX:		return q->ctx;
	case CTRANS_Q_VEC:		return q->vec;
	case CTRANS_Q_SQ_HEAD:		return q->sq_head;
	case CTRANS_Q_SQ_TAIL:		return chip_queue_sq_tail(q);
	case CTRANS_Q_CQ_HEAD:		return chip_queue_cq_head(q);
	case CTRANS_Q_CQ_TAIL:
		return chip_shown_tail(chip, atomic_load(&q->cq_tail));
	case CTRANS_Q_STATE:		return q->state;
	case CTRANS_Q_ERROR:		return q->error;
	case CTRANS_Q_ACTIVE:		return q->active;
	case CTRANS_Q_PROGRESS:
		return (uint32_t)(q->progress +
			(q->active ? chip_units(chip) - chip->units_at_job : 0));
	case CTRANS_Q_ARM:		return atomic_load(&q->kernel_arm);
	case CTRANS_Q_FAULT_VA_LO:
		return wide(q->latch, offset, q->fault.va);
	case CTRANS_Q_FAULT_INFO:
		return (uint32_t)q->fault.write << 31 | (q->fault.insn & 0xffff);
	case CTRANS_Q_BUSY_LO(0):
	case CTRANS_Q_BUSY_LO(1):
	case CTRANS_Q_BUSY_LO(2):
	case CTRANS_Q_BUSY_LO(3):
		return wide(q->latch, offset,
			    q->used.busy_ns[(offset - CTRANS_Q_BUSY_LO(0)) / 8]);
	case CTRANS_Q_ENERGY_LO:
		return wide(q->latch, offset, q->used.energy_fj / 1000000);
	case CTRANS_Q_FAULT_VA_HI:
	case CTRANS_Q_BUSY_HI(0):
	case CTRANS_Q_BUSY_HI(1):
	case CTRANS_Q_BUSY_HI(2):
	case CTRANS_Q_BUSY_HI(3):
	case CTRANS_Q_ENERGY_HI:	return q->latch[offset / 8];
	default:			return 0;
	}
}

static uint32_t global_read(struct chip *chip, uint32_t offset)
{
	struct chip_costs costs;

	switch (offset) {
	case CTRANS_REG_ID:		return CTRANS_ID;
	case CTRANS_REG_VERSION:	return CTRANS_VERSION;
	case CTRANS_REG_CAPS:
		return CTRANS_CAP_S8 | CTRANS_CAP_ESC | CTRANS_CAP_F32 | CTRANS_CAP_RATE |
		       CTRANS_CAP_RADIX | CTRANS_CAP_KV_S8 | CTRANS_CAP_NAF |
		       CTRANS_CAP_FLIP | CTRANS_CAP_UNIT | CTRANS_CAP_SPECULATION |
		       CTRANS_CAP_SEQ2SEQ;
	case CTRANS_REG_CORES:		return chip->costs.cores;
	case CTRANS_REG_ROWS:		return chip->costs.rows;
	case CTRANS_REG_COLS:		return chip->costs.cols;
	case CTRANS_REG_SRAM_KIB:	return 500;
	case CTRANS_REG_LIMITS:		return CTRANS_CONTEXTS << 16 | CTRANS_QUEUES;
	case CTRANS_REG_EXT_MBPS:	return chip->costs.ext_mbps;
	case CTRANS_REG_IRQ_STATUS:	return chip->irq_status;
	case CTRANS_REG_IRQ_MASK:	return chip->irq_mask;
	case CTRANS_REG_QPEND_LO:	return (uint32_t)pending_bits(chip);
	case CTRANS_REG_QPEND_HI:	return (uint32_t)(pending_bits(chip) >> 32);
	case CTRANS_REG_QERR_LO:	return (uint32_t)chip->qerr;
	case CTRANS_REG_QERR_HI:	return (uint32_t)(chip->qerr >> 32);
	case CTRANS_REG_QBUSY_LO:	return (uint32_t)chip_queues_busy(chip);
	case CTRANS_REG_QBUSY_HI:	return (uint32_t)(chip_queues_busy(chip) >> 32);
	case CTRANS_REG_STATE:
		return chip->reset_asked || chip->reset_held ?
		       CTRANS_STATE_RESETTING : CTRANS_STATE_READY;
	case CTRANS_REG_OPP:		return chip->opp;
	case CTRANS_REG_OPP_COUNT:	return CHIP_OPPS;
	case CTRANS_REG_OPP_INDEX:	return chip->opp_index;
	case CTRANS_REG_OPP_MV:		return chip_opps[chip->opp_index].mv;
	case CTRANS_REG_OPP_KHZ:	return chip_opps[chip->opp_index].khz;
	case CTRANS_REG_OPP_UW:
		chip_costs_at(chip->opp_index, &costs);
		return (uint32_t)chip_most_uw(&costs);
	case CTRANS_REG_ENERGY_LO:
		return wide(chip->latch, offset, chip->used.energy_fj / 1000000);
	case CTRANS_REG_CYCLES_LO:	return wide(chip->latch, offset, chip->cycles);
	case CTRANS_REG_JOBS_LO:	return wide(chip->latch, offset, chip->jobs);
	case CTRANS_REG_BUSY_LO(0):
	case CTRANS_REG_BUSY_LO(1):
	case CTRANS_REG_BUSY_LO(2):
	case CTRANS_REG_BUSY_LO(3):
		return wide(chip->latch, offset,
			    chip->used.busy_ns[(offset - CTRANS_REG_BUSY_LO(0)) / 8] /
			    1000);
	case CTRANS_REG_ENERGY_HI:
	case CTRANS_REG_CYCLES_HI:
	case CTRANS_REG_JOBS_HI:
	case CTRANS_REG_BUSY_HI(0):
	case CTRANS_REG_BUSY_HI(1):
	case CTRANS_REG_BUSY_HI(2):
	case CTRANS_REG_BUSY_HI(3):	return chip->latch[offset / 8];
	case CTRANS_REG_TEMP_MC:	return (uint32_t)chip_temp_mc(chip);
	case CTRANS_REG_HEARTBEAT:
		return (uint32_t)(chip_units(chip) - chip->units_at_reset);
	case CTRANS_REG_POWER_UW:	return (uint32_t)chip_power_uw(chip);
	case CTRANS_REG_TEMP_MAX_MC:
		return (uint32_t)(1000 * chip_constants[CHIP_TEMP_MAX].value);
	case CTRANS_REG_TEMP_CRIT_MC:
		return (uint32_t)(1000 * chip_constants[CHIP_TEMP_CRIT].value);
	case CTRANS_REG_CTX_TABLE_LO:	return (uint32_t)chip->ctx_table;
	case CTRANS_REG_CTX_TABLE_HI:	return (uint32_t)(chip->ctx_table >> 32);
	case CTRANS_REG_TLB_SEQ:	return (uint32_t)atomic_load(&chip->tlb_seq);
	case CTRANS_REG_TLB_ACK:	return (uint32_t)atomic_load(&chip->tlb_ack);
	default:			return 0;
	}
}

uint32_t chip_read(struct chip *chip, uint32_t offset)
{
	uint32_t v, q0 = CTRANS_REG_Q(0);

	if (offset >= CTRANS_BAR0_SIZE || offset % 4)
		return UINT32_MAX;
	pthread_mutex_lock(&chip->lock);
	if (offset >= q0 && offset < CTRANS_REG_Q(CTRANS_QUEUES))
		v = queue_read(chip, (offset - q0) / 0x80, (offset - q0) % 0x80);
	else
		v = global_read(chip, offset);
	pthread_mutex_unlock(&chip->lock);
	return v;
}

static void set_lo(uint64_t *reg, uint32_t value)
{
	*reg = (*reg & ~0xffffffffull) | value;
}

static void set_hi(uint64_t *reg, uint32_t value)
{
	*reg = (*reg & 0xffffffffull) | (uint64_t)value << 32;
}

static bool sizes_ok(uint32_t sizes)
{
	uint32_t sq = sizes & 0xff, cq = sizes >> 8 & 0xff;

	return !(sizes >> 16) && sq >= CTRANS_QUEUE_LOG2_MIN &&
	       sq <= CTRANS_QUEUE_LOG2_MAX && cq >= CTRANS_QUEUE_LOG2_MIN &&
	       cq <= CTRANS_QUEUE_LOG2_MAX;
}

static void queue_control(struct chip *chip, struct chip_queue *q, uint32_t value)
{
	switch (value) {
	case CTRANS_QCTRL_START:
		if (q->state == CTRANS_QSTATE_RUNNING)
			return;
		q->state = CTRANS_QSTATE_RUNNING;
		q->error = CTRANS_QERR_NONE;
		chip_queue_publish(chip, q);
		/* or a value stored before, equal to what a slot held, would not count */
		atomic_store(&q->armed, true);
		atomic_store(&q->kernel_armed, true);
		chip_queue_rearm(chip, (unsigned int)(q - chip->q));
		if (chip->bus.work)
			chip->bus.work(chip->bus.ctx);
		break;
	case CTRANS_QCTRL_STOP:
	case CTRANS_QCTRL_ABORT:
		if (!q->active) {
			chip_queue_stop(chip, q);
			return;
		}
		q->stop_asked = true;
		if (value == CTRANS_QCTRL_ABORT &&
		    !chip_fault_is(chip, CHIP_FAULT_IGNORE_ABORT))
			atomic_store(&chip->job.stop, true);
		break;
	}
}

static void queue_write(struct chip *chip, unsigned int slot, uint32_t offset,
			uint32_t value)
{
	struct chip_queue *q = &chip->q[slot];

	if (offset == CTRANS_Q_CTRL) {
		queue_control(chip, q, value);
		return;
	}
	if (offset == CTRANS_Q_ARM) {
		if (atomic_exchange(&q->kernel_arm, value) != value) {
			atomic_store(&q->kernel_armed, true);
			chip_queue_rearm(chip, slot);
		}
		return;
	}
	if (q->state == CTRANS_QSTATE_RUNNING || q->active)
		return;
	switch (offset) {
	case CTRANS_Q_SQ_VA_LO:
		set_lo(&q->sq_va, value & ~63u);
		break;
	case CTRANS_Q_SQ_VA_HI:
		set_hi(&q->sq_va, value);
		break;
	case CTRANS_Q_STATUS_LO:
		set_lo(&q->status_bus, value & ~63u);
		break;
	case CTRANS_Q_STATUS_HI:
		set_hi(&q->status_bus, value);
		break;
	case CTRANS_Q_SIZES:
		if (sizes_ok(value))
			q->sizes = value;
		break;
	case CTRANS_Q_CTX:
		if (value < CTRANS_CONTEXTS)
			q->ctx = value;
		break;
	case CTRANS_Q_VEC:
		if (value < CTRANS_QUEUES)
			q->vec = value;
		break;
	case CTRANS_Q_SQ_HEAD:
		q->sq_head = value;
		break;
	case CTRANS_Q_SQ_TAIL:
		q->sq_tail = value;
		atomic_store(&q->db_sq_tail, value);
		break;
	case CTRANS_Q_CQ_HEAD:
		q->cq_head = value;
		atomic_store(&q->db_cq_head, value);
		break;
	case CTRANS_Q_CQ_TAIL:
		/* what a slot's last owner armed with is nothing to the next */
		atomic_store(&q->cq_tail, value);
		atomic_store(&q->db_arm, value);
		atomic_store(&q->kernel_arm, value);
		break;
	}
}

static void invalidate(struct chip *chip, uint32_t ctx)
{
	uint64_t bits;

	if (ctx != CTRANS_TLB_ALL && ctx >= CTRANS_CONTEXTS)
		return;
	bits = ctx == CTRANS_TLB_ALL ? UINT64_MAX : 1ull << ctx;
	/* in this order: who has read the count has the bits of all it counts */
	atomic_fetch_or(&chip->tlb_dirty, bits);
	atomic_fetch_add(&chip->tlb_seq, 1);
	if (chip->working)
		return;		/* acknowledged at the next boundary */
	chip_tlb_drop(chip);
	chip_tlb_dropped(chip);
}

static void global_write(struct chip *chip, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case CTRANS_REG_IRQ_STATUS:
		chip->irq_status &= ~value;
		break;
	case CTRANS_REG_IRQ_MASK:
		chip->irq_mask = value;
		if (chip->irq_status & value)
			chip->bus.raise(chip->bus.ctx, 0);
		break;
	case CTRANS_REG_QPEND_LO:
		clear_pending(chip, value);
		break;
	case CTRANS_REG_QPEND_HI:
		clear_pending(chip, (uint64_t)value << 32);
		break;
	case CTRANS_REG_QERR_LO:
		chip->qerr &= ~(uint64_t)value;
		break;
	case CTRANS_REG_QERR_HI:
		chip->qerr &= ~((uint64_t)value << 32);
		break;
	case CTRANS_REG_RESET:
		if (!(value & CTRANS_RESET_CHIP))
			break;
		chip->reset_held = chip_fault_is(chip, CHIP_FAULT_IGNORE_RESET);
		if (!chip->reset_held)
			chip_reset_begin(chip);
		break;
	case CTRANS_REG_OPP:
		if (value < CHIP_OPPS)
			chip->opp = value;
		break;
	case CTRANS_REG_OPP_INDEX:
		if (value < CHIP_OPPS)
			chip->opp_index = value;
		break;
	case CTRANS_REG_CTX_TABLE_LO:
		chip->ctx_table_lo = value & 0xfffff000u;
		break;
	case CTRANS_REG_CTX_TABLE_HI:
		chip->ctx_table = (uint64_t)(value & 0xffffu) << 32 |
				  chip->ctx_table_lo;
		break;
	case CTRANS_REG_TLB_INVAL:
		invalidate(chip, value);
		break;
	case CTRANS_REG_CTX_RESET:
		reset_context(chip, value);
		break;
	}
}

void chip_write(struct chip *chip, uint32_t offset, uint32_t value)
{
	uint32_t q0 = CTRANS_REG_Q(0);

	if (offset >= CTRANS_BAR0_SIZE || offset % 4)
		return;
	pthread_mutex_lock(&chip->lock);
	if (offset >= q0 && offset < CTRANS_REG_Q(CTRANS_QUEUES))
		queue_write(chip, (offset - q0) / 0x80, (offset - q0) % 0x80, value);
	else
		global_write(chip, offset, value);
	pthread_mutex_unlock(&chip->lock);
}

/* ---- For who runs the model -------------------------------------------- */

uint64_t chip_forget(struct chip *chip)
{
	uint64_t number;

	pthread_mutex_lock(&chip->lock);
	atomic_fetch_or(&chip->tlb_dirty, UINT64_MAX);
	number = atomic_fetch_add(&chip->forget_seq, 1) + 1;
	if (!chip->working) {
		chip_tlb_drop(chip);
		chip_tlb_dropped(chip);
	}
	pthread_mutex_unlock(&chip->lock);
	return number;
}

bool chip_forgotten(const struct chip *chip, uint64_t number)
{
	return atomic_load(&chip->forget_ack) >= number;
}

bool chip_interrupting(struct chip *chip)
{
	bool level;

	pthread_mutex_lock(&chip->lock);
	level = chip->irq_status & chip->irq_mask || pending_bits(chip);
	pthread_mutex_unlock(&chip->lock);
	return level;
}

/* ---- Life ------------------------------------------------------------- */

int chip_create(const struct chip_config *cfg, const struct chip_bus *bus,
		struct chip **out)
{
	const struct chip_kernel *kernel = chip_kernel_get(cfg->kernel);
	unsigned int n = cfg->threads ? cfg->threads : cfg->cpus;
	struct chip *chip;
	int err;

	if (!kernel || cfg->threads > CHIP_THREADS_MAX)
		return -EINVAL;
	if (n > CHIP_THREADS_MAX)
		n = CHIP_THREADS_MAX;
	chip = calloc(1, sizeof(*chip));
	if (!chip)
		return -ENOMEM;
	chip->bus = *bus;
	chip->kernel = kernel;
	chip->reference = kernel == chip_kernel_at(0);
	chip->n_workers = n ? n : 1;
	chip->n_parts = cfg->cpus && cfg->cpus < chip->n_workers ? cfg->cpus :
								   chip->n_workers;
	chip->workers = calloc(chip->n_workers, sizeof(*chip->workers));
	chip->claims = calloc(chip->n_parts, sizeof(*chip->claims));
	chip->tlb = calloc(CTRANS_CONTEXTS, sizeof(*chip->tlb));
	if (!chip->workers || !chip->claims || !chip->tlb) {
		err = -ENOMEM;
		goto fail;
	}
	for (unsigned int i = 0; i < chip->n_workers; i++) {
		chip->workers[i].chip = chip;
		chip->workers[i].index = i;
	}
	pthread_mutex_init(&chip->lock, NULL);
	pthread_mutex_init(&chip->work, NULL);
	chip_reset_now(chip);
	chip->irq_status = 0;
	err = chip_pool_start(chip, cfg->pin);
	if (err)
		goto fail;
	*out = chip;
	return 0;

fail:
	chip_tlb_free(chip);
	free(chip->claims);
	free(chip->workers);
	free(chip);
	return err;
}

void chip_destroy(struct chip *chip)
{
	if (!chip)
		return;
	chip_pool_stop(chip);
	chip_job_free(&chip->job);
	pthread_mutex_destroy(&chip->lock);
	pthread_mutex_destroy(&chip->work);
	chip_tlb_free(chip);
	free(chip->claims);
	free(chip->workers);
	free(chip);
}

unsigned int chip_threads(const struct chip *chip)
{
	return chip->n_workers;
}

const char *chip_kernel_name(const struct chip *chip)
{
	return chip->kernel->name;
}
