/* SPDX-License-Identifier: MIT */
/* Structures shared by the files of the chip model; nothing outside includes this. */
#ifndef CHIP_INTERNAL_H
#define CHIP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uapi/ctrans_job.h"
#include "uapi/ctrans_regs.h"

#include "chip/bound.h"
#include "chip/chip.h"
#include "chip/energy.h"
#include "chip/kernel.h"

/* ---- Memory (mmu.c) --------------------------------------------------- */

/* A stretch of a context that is contiguous in the host's memory too. */
struct chip_region {
	uint64_t va, len;
	uint8_t *ptr;
	bool writable;
};

#define CHIP_TLB_REGIONS	64u

/* A region, at the place of the page that it was looked up for. */
struct chip_cached {
	struct chip_region r;
	uint64_t flushes;	/* of the TLB; another number: of no more use */
};

/* Places by the low bits of the page: 256 MiB of scattered ones in a row. */
#define CHIP_TLB_CACHED		(1u << 16)

/*
 * Translations of one context: the first regions that were met; what is met when
 * there are no more places, in a cache that is made then (or, if there is no
 * memory for it, in place of the oldest); and the table of the last level that was
 * walked last.
 */
struct chip_tlb {
	unsigned int n, next;
	struct chip_region r[CHIP_TLB_REGIONS];
	struct chip_cached *cache;	/* [CHIP_TLB_CACHED], or NULL */
	uint64_t flushes;
	uint64_t table_va;		/* what it translates begins here */
	const uint64_t *table;		/* or NULL */
};

struct chip_span {
	uint64_t start;		/* offset of the span within its operand */
	uint64_t len;
	uint8_t *ptr;
};

/*
 * An operand resolved into contiguous spans. One span is the rule; the spans
 * of a scattered one lie in the job's span pool.
 */
struct chip_operand {
	uint64_t va, len;
	uint32_t n_spans;
	bool writable;
	struct chip_span one;
	uint32_t first;		/* in the pool, if n_spans > 1 */
};

struct chip_span_pool {
	struct chip_span *spans;
	uint32_t n, room;
};

struct chip_fault {
	int status;		/* enum ctrans_status */
	uint64_t va;
	uint32_t insn;
	bool write;
};

int chip_resolve(struct chip *chip, unsigned int ctx, uint64_t va, uint64_t len,
		 bool write, struct chip_span_pool *pool,
		 struct chip_operand *op, struct chip_fault *fault);
int chip_copy_in(struct chip *chip, unsigned int ctx, uint64_t va, void *dst,
		 uint64_t len, struct chip_fault *fault);
void chip_tlb_flush(struct chip *chip, unsigned int ctx);
void chip_tlb_free(struct chip *chip);
bool chip_tlb_asked(const struct chip *chip);
bool chip_tlb_drop(struct chip *chip);
void chip_tlb_dropped(struct chip *chip);
void *chip_bus_at(struct chip *chip, uint64_t addr, uint64_t len, bool write);
void chip_bus_refused(struct chip *chip);

/* ---- Jobs (job.c) ----------------------------------------------------- */

enum chip_operand_slot {
	CHIP_IN,		/* x; attention: q */
	CHIP_OUT,
	CHIP_WEIGHT,		/* embed: table; attention: k; norm: gain */
	CHIP_SCALE,		/* attention: v */
	CHIP_BIAS,		/* embed: positions; attention: of scores */
	CHIP_COLSUM,
	CHIP_TOPK,		/* linear: norms */
	CHIP_OPERANDS
};

struct chip_op {
	struct ctrans_insn insn;	/* fetched once */
	struct chip_operand o[CHIP_OPERANDS];
	/* may be taken back where translations change, never given then */
	bool own_norm;		/* NORM: a worker may compute it again while one writes it */
	bool from_norm;		/* input is what the NORM just before wrote */
};

/*
 * One block table, fetched and resolved: rows of a sequence share it. Or what
 * follows a struct ctrans_source, for rows with that source.
 */
struct chip_seq {
	uint64_t va;		/* of the table */
	uint32_t n_blocks;
	uint32_t end;		/* positions that the step knows of it; a source's, all */
	struct chip_operand *blocks;
};

struct chip_job {
	struct ctrans_sqe sqe;
	unsigned int ctx;

	struct chip_op *ops;
	uint32_t n_ops, room_ops;

	struct ctrans_row *rows;
	uint32_t *row_seq;
	uint32_t *logit_rows;	/* rows with CTRANS_ROW_LOGITS, ascending */
	uint32_t n_rows, n_logits, room_rows;

	struct chip_seq *seqs, *sources;
	uint32_t n_seqs, n_sources;
	uint32_t *row_source;
	struct chip_operand *blocks;	/* of both */
	uint32_t n_blocks, room_blocks;

	struct chip_span_pool pool;
	struct chip_operand stats;

	/* quantised rows of the current linear, when rows are many */
	struct chip_qrow *qrows;
	struct chip_row_counts *counts;	/* [rows] */
	struct ctrans_stat *stat;	/* [rows], of the current instruction */
	uint8_t *qmem;
	size_t qmem_size;

	uint32_t max_width;	/* widest row any instruction reads or writes */
	uint32_t max_end;	/* positions that any row may attend to */
	uint32_t max_head;	/* bytes of a head's key and value tiles */
	uint32_t max_head_dim;
	bool bounds;		/* some linear speculates by a bound */
	uint32_t max_bias;	/* values that a head's row of a bias has */
	/* of a key/value block that the program reaches, of sequences and of sources */
	uint64_t block_bytes, source_bytes;

	struct chip_totals total;
	struct chip_fault fault;
	atomic_bool stop;	/* abort or fault: acted on between two phases */
	_Atomic uint32_t bad_weight;	/* instruction that found it, plus 1; or 0 */
};

/* ---- Workers (phase.c, pool.c) ---------------------------------------- */

/* Phases of an instruction; only a linear has more than the first. */
enum chip_step { CHIP_STEP_FIRST, CHIP_STEP_SUMS, CHIP_STEP_RECORDS, CHIP_STEP_TOPK };

/* Which phase of a job */
struct chip_at {
	uint32_t op;
	enum chip_step step;
};

/* What has been claimed of a worker's range; no two share a cache line. */
struct chip_claims {
	_Atomic uint64_t next;	/* phase below, first thing not claimed above */
	uint8_t pad[56];
};

struct chip_gate {
	/* phase below, workers inside it above */
	_Atomic uint64_t word;
	struct chip_at at;	/* the open phase; written while nobody is inside */
	_Atomic uint32_t asleep;
};

/*
 * Rows of a sequence attend together, so many that a tile's keys and values are
 * fetched and made floats of for all at once, so few that their scores stay in
 * the second-level cache: fewer where the context is long.
 */
#define CHIP_ATTENTION_ROWS	32u
#define CHIP_ATTENTION_SCORES	(1u << 16)

struct chip_attention_scratch {
	uint32_t rows;
	float *q, *o;		/* [rows][head_dim rounded up to 16] */
	float *scores;		/* [rows][positions rounded up to 64] */
	float *expanded;	/* CHIP_EXPANDED(head_dim) */
};

/* Scratch of one worker; grows, never shrinks, touched by its owner only. */
struct chip_worker {
	struct chip *chip;
	unsigned int index;
	pthread_t thread;

	uint32_t phase;		/* the last entered */
	bool been;		/* in any */
	bool first;		/* of all in this phase: does what needs doing once */
	unsigned int tried;	/* ranges found empty in this phase */
	bool ranged;		/* the range it claims from now: */
	uint32_t range_start, range_end;
	int64_t spin_ns;
	_Atomic uint32_t asleep;	/* futex */

	float *x, *y, *norm;	/* rows */
	float *scores;
	float *bias;		/* a head's, of a scattered table */
	struct chip_attention_scratch attention;
	uint8_t *kv;		/* a head of a scattered block */
	uint8_t *w;		/* an unpacked row, a scattered tile */
	struct chip_qrow q[2];	/* private quantised rows */
	uint8_t *qmem;
	struct chip_domain_counts *executed;	/* [rows], if they are counted late */
	/* of the row that was last asked for, in this phase: 0 is none */
	struct chip_parts parts;
	uint32_t parts_phase, parts_row;
	uint8_t *parts_room;
	size_t room_width, room_scores, room_bias, room_attention, room_kv, room_exec;
	size_t room_parts;

	/* of work done, for the progress registers; nobody else writes it */
	_Atomic uint64_t units;
	char apart[CTRANS_GRANULE];	/* that the next one's are on another line */
};

/* By completed jobs, since the reset. */
struct chip_used {
	uint64_t energy_fj;
	uint64_t busy_ns[4];	/* CTRANS_DOMAIN_* */
	uint32_t busy_ps[4];	/* and so much more */
};

struct chip_queue {
	/* doorbell words: written by any thread */
	_Atomic uint32_t db_sq_tail, db_cq_head, db_arm;
	_Atomic uint32_t kernel_arm;
	_Atomic bool armed, kernel_armed;
	_Atomic bool pending;
	_Atomic uint32_t cq_tail;

	/* under chip->lock */
	uint64_t sq_va, status_bus;
	uint32_t sizes, ctx, vec;
	uint32_t sq_head, sq_tail, cq_head;
	_Atomic uint32_t state;		/* read by doorbells, without it */
	uint32_t error;
	bool active, stop_asked;
	bool dropped;		/* the job in hand, by its context's reset */
	uint64_t progress;
	struct chip_fault fault;
	uint32_t fault_sequence;
	struct chip_used used;	/* whoever had the slot */
	uint32_t latch[0x80 / 8];	/* HI halves since their LO was read, by pair */
};

struct chip {
	struct chip_bus bus;
	const struct chip_kernel *kernel;
	bool reference;
	unsigned int n_workers;
	unsigned int n_parts;	/* workers awake at once, and ranges to claim from */
	struct chip_worker *workers;
	struct chip_claims *claims;	/* [n_parts] */
	struct chip_gate gate;

	pthread_mutex_t lock;	/* registers and queues */
	pthread_mutex_t work;	/* held by worker 0 */

	struct chip_job job;
	struct chip_queue q[CTRANS_QUEUES];
	unsigned int turn;	/* next queue to look at */
	int active;		/* queue whose job is on the cores, or -1 */
	bool working;		/* some thread is inside a job */
	_Atomic bool reset_asked;
	bool reset_held;	/* asked for, and ignored */
	_Atomic uint32_t faults;	/* CHIP_FAULT_*; changed under the lock */
	uint64_t stray_at;

	uint32_t irq_status, irq_mask;
	uint64_t qerr;
	uint64_t ctx_table;
	uint32_t ctx_table_lo;	/* written; counts when HI is */
	_Atomic uint64_t tlb_seq, tlb_ack;
	/* as these two, of chip_forget(); no reset rewinds them */
	_Atomic uint64_t forget_seq, forget_ack;
	uint64_t tlb_taken, forget_taken;	/* by chip_tlb_drop() */
	_Atomic uint64_t refused;	/* bus address of the last access refused */
	_Atomic uint64_t tlb_dirty;	/* contexts to flush at the next boundary */
	_Atomic bool mmu_event;	/* a page table did not answer; not raised yet */
	struct chip_tlb *tlb;	/* [CTRANS_CONTEXTS]; the running job's, else under lock */
	uint32_t opp, opp_index;
	struct chip_costs costs;
	uint64_t cycles, jobs;
	struct chip_used used;
	uint64_t job_uw;	/* mean power of the last job that took time; 0: none did */
	uint64_t job_end_ms;	/* when that was, by the host's clock */
	uint64_t units_at_reset, units_at_job;	/* what the workers' counts were */
	uint32_t latch[0x100 / 8];	/* HI halves since their LO was read, by pair */
};

/* pool.c */
int chip_pool_start(struct chip *chip, const unsigned short *pin);
void chip_pool_stop(struct chip *chip);
int chip_worker_room(struct chip_worker *w, const struct chip_job *job);
int chip_job_qrows(struct chip_job *job);

/* phase.c */
void chip_phase_init(struct chip *chip);
void chip_phase_run(struct chip *chip);
void chip_phase_help(struct chip_worker *w);
void chip_phase_quit(struct chip *chip);
void chip_phase_hold(struct chip *chip);
bool chip_claim(struct chip_worker *w, uint32_t n, uint32_t grain,
		uint32_t *lo, uint32_t *hi);

/* job.c: worker 0 only, but chip_job_phase(), which every worker enters */
int chip_job_load(struct chip *chip, struct chip_job *job);
struct chip_at chip_job_phase(struct chip_worker *w, struct chip_at at);
int chip_job_bad(struct chip_job *job, int status, uint32_t insn);
void chip_job_free(struct chip_job *job);

/* Bytes from a head's biases to the next one's. */
static inline uint64_t chip_bias_stride(const struct ctrans_insn_attention *a)
{
	return (4ull * (2 * a->bias_span + 1) + CTRANS_GRANULE - 1) / CTRANS_GRANULE *
	       CTRANS_GRANULE;
}

/* resolve.c */
int chip_job_resolve(struct chip *chip, struct chip_job *job);

/* exec_row.c */
void chip_charge_op(struct chip_worker *w, const struct chip_op *op,
		    uint32_t n_rows, const struct chip_shared *shared);

/* exec_*.c: one phase, entered by as many workers as come in time */
void chip_exec_embed(struct chip_worker *w, const struct chip_op *op);
void chip_exec_norm(struct chip_worker *w, const struct chip_op *op, bool own);
bool chip_linear_counts_late(const struct chip_worker *w, const struct chip_op *op);
void chip_linear_charge(struct chip_worker *w, const struct chip_op *op);
bool chip_linear_prepares(const struct chip_job *job, const struct chip_op *op);
void chip_exec_prepare(struct chip_worker *w, const struct chip_op *op);
void chip_exec_linear(struct chip_worker *w, const struct chip_op *op);
void chip_exec_records(struct chip_worker *w, const struct chip_op *op);
void chip_exec_attention(struct chip_worker *w, const struct chip_op *op);
void chip_exec_topk(struct chip_worker *w, const struct chip_op *op);

/* exec_esc.c */
struct chip_esc_shape {
	uint32_t n_in, granules;	/* of the instruction */
	uint64_t table;			/* granules */
};

/* Blocks of a tile; and how many bytes apart tiles are when they are unpacked. */
static inline uint32_t chip_esc_blocks(uint32_t n_in)
{
	return (n_in + CTRANS_ESC_INPUTS - 1) / CTRANS_ESC_INPUTS;
}

/* Entries of a table for as many tiles as are worked on at once. */
#define CHIP_ESC_ENTRIES						\
	(CHIP_TILES_AT_ONCE * CTRANS_WIDTH_MAX / CTRANS_ESC_INPUTS + 1)

uint64_t chip_esc_table(uint32_t n_in, uint32_t n_out);
uint64_t chip_esc_least(uint32_t n_in, uint32_t n_out);
/* Where the blocks of some tiles are: granules [n_tiles * blocks + 1]. False: bad. */
bool chip_esc_fetch(const struct chip_job *job, const struct chip_operand *o,
		    const struct chip_esc_shape *s, uint32_t t, uint32_t n_tiles,
		    uint32_t *at);
/* Each block to CHIP_ESC_BLOCK bytes of S8. False: a list is bad. */
bool chip_esc_unpack(const struct chip_worker *w, const struct chip_operand *o,
		     uint32_t n_in, uint32_t n_tiles, const uint32_t *at, int8_t *to);
void chip_bad_weight(struct chip_worker *w, const struct chip_op *op);

/* queue.c */
void chip_queue_reset(struct chip *chip, unsigned int slot);
void chip_queue_rearm(struct chip *chip, unsigned int slot);
void chip_queue_publish(struct chip *chip, struct chip_queue *q);
void chip_queue_stop(struct chip *chip, struct chip_queue *q);
uint64_t chip_queues_busy(const struct chip *chip);
uint32_t chip_queue_sq_tail(const struct chip_queue *q);
uint32_t chip_queue_cq_head(const struct chip_queue *q);
void chip_raise_event(struct chip *chip, uint32_t bit);
uint64_t chip_units(const struct chip *chip);
void chip_reset_now(struct chip *chip);

/* chip.c: the cores leave memory, then everything is reset. Lock held. */
void chip_reset_begin(struct chip *chip);

/* fault.c */
bool chip_hanging(const struct chip *chip);
void chip_stray(struct chip *chip);
uint32_t chip_shown_tail(const struct chip *chip, uint32_t tail);

static inline bool chip_fault_is(const struct chip *chip, uint32_t fault)
{
	return atomic_load_explicit(&chip->faults, memory_order_relaxed) & fault;
}

/* telemetry.c. Lock held. */
void chip_account(struct chip *chip, struct chip_queue *q, const struct chip_totals *t);
uint64_t chip_power_uw(const struct chip *chip);
int64_t chip_temp_mc(const struct chip *chip);

/* Rows few enough that every worker prepares them for itself, in no phase of its own. */
#define CHIP_FEW_ROWS	2u

static inline struct chip_job *chip_worker_job(struct chip_worker *w)
{
	return &w->chip->job;
}

static inline uint32_t chip_round_up(uint32_t n, uint32_t to)
{
	return (n + to - 1) / to * to;
}

/* A unit of work is done: under a millisecond since the last. True: stop. */
static inline bool chip_unit_done(struct chip_worker *w)
{
	uint64_t units = atomic_load_explicit(&w->units, memory_order_relaxed);

	/* an atomic addition would hold up the weights that are on their way */
	atomic_store_explicit(&w->units, units + 1, memory_order_relaxed);
	return atomic_load_explicit(&chip_worker_job(w)->stop,
				    memory_order_relaxed);
}

static inline const struct chip_span *chip_span_at(const struct chip_job *job,
						   const struct chip_operand *o,
						   uint64_t off)
{
	const struct chip_span *s;
	uint32_t lo = 0, hi = o->n_spans;

	if (o->n_spans == 1)
		return &o->one;
	s = job->pool.spans + o->first;
	while (hi - lo > 1) {
		uint32_t mid = (lo + hi) / 2;

		if (s[mid].start <= off)
			lo = mid;
		else
			hi = mid;
	}
	return s + lo;
}

/* Pointer to offset @off, and how many bytes follow it contiguously. */
static inline uint8_t *chip_at(const struct chip_job *job,
			       const struct chip_operand *o, uint64_t off,
			       uint64_t *avail)
{
	const struct chip_span *s = chip_span_at(job, o, off);

	*avail = s->len - (off - s->start);
	return s->ptr + (off - s->start);
}

/* [off, off + len) in place if contiguous, else gathered into @scratch. */
const void *chip_gather(const struct chip_job *job, const struct chip_operand *o,
			uint64_t off, uint64_t len, void *scratch);
void chip_scatter(const struct chip_job *job, const struct chip_operand *o,
		  uint64_t off, uint64_t len, const void *src);

#endif
