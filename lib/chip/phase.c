// SPDX-License-Identifier: MIT
/*
 * Phases: how the workers share a job.
 *
 * A job runs in phases, each a part of an instruction whose pieces do not
 * depend on each other; nothing crosses from one phase to the next but memory.
 * A worker enters the open phase, claims pieces until none is left, and leaves;
 * the last one to leave closes it and opens the next. So a phase ends when its
 * work is done, not when everybody has come: a worker that is not running, its
 * core stolen or its thread not yet awake, is waited for only while it holds a
 * piece, and finds its place again in whatever phase is open when it returns.
 *
 * Between a close and the next opening nobody is inside, so nobody holds a
 * pointer into context memory: translations change there.
 */
#include "chip/internal.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * Waits are short while every worker runs: the others' last pieces, then
 * between two jobs the caller's sampling. A wait that lasts longer is for a
 * thread without a CPU, which may be one that this CPU could run: sleep, so
 * that the scheduler moves it here. A worker whose spinning was in vain spins
 * less the next time.
 */
#define SPIN_NS_MAX	50000
#define SPIN_NS_MIN	1000

/* In place of the number inside: between two phases, between two jobs, for good. */
#define CLOSED		UINT32_MAX
#define IDLE		(UINT32_MAX - 1)
#define QUIT		(UINT32_MAX - 2)
#define GRAINS_AT_ONCE	8u		/* at most so many in a claim */

static uint64_t gate_word(uint32_t phase, uint32_t inside)
{
	return (uint64_t)inside << 32 | phase;
}

static uint32_t word_phase(uint64_t word)
{
	return (uint32_t)word;
}

static uint32_t word_inside(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

/* ---- Claims ------------------------------------------------------------ */

/* Where worker @part's range of @n begins, in whole grains. */
static uint32_t range(const struct chip *chip, uint32_t n, uint32_t grain,
		      uint32_t part)
{
	uint64_t grains = ((uint64_t)n + grain - 1) / grain;
	uint64_t at = grains * part / chip->n_parts * grain;

	return at < n ? (uint32_t)at : n;
}

/*
 * Next piece [lo, hi) of the n things of this phase. First from the worker's
 * own range, which keeps its stream over the weights in one piece, then from
 * what others have left of theirs: of those who have not come at all, too, as
 * anybody can tell where a range begins. Pieces get smaller towards the end of
 * a range, so that nobody waits long for the last one.
 */
bool chip_claim(struct chip_worker *w, uint32_t n, uint32_t grain,
		uint32_t *lo, uint32_t *hi)
{
	struct chip *chip = w->chip;

	for (; w->tried < chip->n_parts; w->tried++, w->ranged = false) {
		uint32_t part = (w->index + w->tried) % chip->n_parts, at, grains;
		_Atomic uint64_t *claim = &chip->claims[part].next;
		uint64_t old = atomic_load_explicit(claim, memory_order_relaxed);

		if (!w->ranged) {
			w->range_start = range(chip, n, grain, part);
			w->range_end = range(chip, n, grain, part + 1);
			w->ranged = true;
		}
		do {
			at = word_phase(old) == w->phase ? (uint32_t)(old >> 32) :
							   w->range_start;
			if (at >= w->range_end)
				break;
			grains = (w->range_end - at) / grain / 4;
			grains = grains > GRAINS_AT_ONCE ? GRAINS_AT_ONCE :
				 grains ? grains : 1;
			*lo = at;
			*hi = w->range_end - at > grains * grain ?
			      at + grains * grain : w->range_end;
		} while (!atomic_compare_exchange_weak_explicit(claim, &old,
				(uint64_t)*hi << 32 | w->phase,
				memory_order_relaxed, memory_order_relaxed));
		if (at < w->range_end)
			return true;
	}
	return false;
}

/* ---- Waiting ------------------------------------------------------------ */

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static bool past(const struct chip *chip, uint32_t phase)
{
	return word_phase(atomic_load_explicit(&chip->gate.word,
					       memory_order_acquire)) != phase;
}

/* True: @phase is past. */
static bool spin(struct chip_worker *w, uint32_t phase)
{
	struct chip *chip = w->chip;
	int64_t until = 0;

	/* with more workers awake than CPUs a spinning one keeps another waiting */
	if (chip->n_workers - atomic_load_explicit(&chip->gate.asleep,
			memory_order_relaxed) > chip->n_parts)
		return past(chip, phase);
	for (unsigned int i = 1; ; i++) {
		if (past(chip, phase)) {
			w->spin_ns = w->spin_ns > SPIN_NS_MAX / 2 ? SPIN_NS_MAX :
				     2 * w->spin_ns;
			return true;
		}
		relax();
		if (i % 32 == 0) {
			int64_t t = now_ns();

			if (!until)
				until = t + w->spin_ns;
			else if (t > until)
				break;
		}
	}
	w->spin_ns = w->spin_ns < 2 * SPIN_NS_MIN ? SPIN_NS_MIN : w->spin_ns / 2;
	return false;
}

/* Who turns it off, the sleeper or its waker, counts one sleeper less. */
static bool rouse(struct chip_worker *w)
{
	if (!atomic_exchange(&w->asleep, 0))
		return false;
	atomic_fetch_sub(&w->chip->gate.asleep, 1);
	return true;
}

static void wake(struct chip_worker *w)
{
	if (rouse(w))
		syscall(SYS_futex, &w->asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* Until @phase is past, or longer: sleepers of whom there is no need sleep on. */
static void wait_past(struct chip_worker *w, uint32_t phase)
{
	struct chip *chip = w->chip;

	if (spin(w, phase))
		return;
	/* the word is read after this store, and written before wakers look for it */
	atomic_fetch_add(&chip->gate.asleep, 1);
	atomic_store(&w->asleep, 1);
	if (word_phase(atomic_load(&chip->gate.word)) != phase) {
		rouse(w);
		return;
	}
	while (atomic_load(&w->asleep))
		syscall(SYS_futex, &w->asleep, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
}

/*
 * After a phase has been opened: as many awake as there are CPUs for, the first
 * ones first, so that those whose ranges come first do their own.
 */
static void wake_enough(struct chip *chip)
{
	for (unsigned int i = 0; i < chip->n_workers; i++) {
		uint32_t asleep = atomic_load(&chip->gate.asleep);

		if (!asleep || chip->n_workers - asleep >= chip->n_parts)
			return;
		wake(&chip->workers[i]);
	}
}

/* ---- The gate ------------------------------------------------------------ */

/* True: inside the open phase. Else *@seen is the word that kept it out. */
static bool enter(struct chip_worker *w, uint64_t *seen)
{
	struct chip_gate *g = &w->chip->gate;

	*seen = atomic_load_explicit(&g->word, memory_order_acquire);
	do {
		if (word_inside(*seen) >= QUIT ||
		    (w->been && word_phase(*seen) == w->phase))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&g->word, seen,
			*seen + gate_word(0, 1), memory_order_acq_rel,
			memory_order_acquire));
	w->phase = word_phase(*seen);
	w->been = true;
	w->tried = 0;
	w->ranged = false;
	w->first = !word_inside(*seen);
	return true;
}

/* True: nobody is inside and nobody can enter; the caller opens what is next. */
static bool leave(struct chip_worker *w)
{
	struct chip_gate *g = &w->chip->gate;
	uint64_t word = atomic_load_explicit(&g->word, memory_order_relaxed);
	uint64_t next;

	do {
		next = word_inside(word) > 1 ? word - gate_word(0, 1) :
					       gate_word(w->phase, CLOSED);
	} while (!atomic_compare_exchange_weak_explicit(&g->word, &word, next,
			memory_order_acq_rel, memory_order_relaxed));
	return word_inside(next) == CLOSED;
}

/* By who closed the last phase. What it wrote before, all who enter see. */
static void next_phase(struct chip *chip, uint32_t inside)
{
	struct chip_gate *g = &chip->gate;
	uint64_t word = atomic_load_explicit(&g->word, memory_order_relaxed);

	atomic_store(&g->word, gate_word(word_phase(word) + 1, inside));
}

/*
 * Nobody is inside. While the chip hangs the job stays here; translations
 * go all the same, and the job looks up its own again before it goes on.
 */
void chip_phase_hold(struct chip *chip)
{
	const struct timespec tick = { .tv_nsec = 1000000 };
	struct chip_job *job = &chip->job;
	bool dropped = false;

	while (chip_hanging(chip) && !atomic_load(&job->stop)) {
		if (chip_tlb_drop(chip))
			dropped = true;
		chip_tlb_dropped(chip);
		nanosleep(&tick, NULL);
	}
	if (dropped)
		atomic_fetch_or(&chip->tlb_dirty, 1ull << job->ctx);
}

/* Nobody is inside. */
static void boundary(struct chip_worker *w, struct chip_at next)
{
	struct chip *chip = w->chip;
	struct chip_job *job = &chip->job;

	chip_phase_hold(chip);
	if (chip_tlb_asked(chip) && !atomic_load(&job->stop) &&
	    chip_job_resolve(chip, job))
		atomic_store(&job->stop, true);
	if (next.op < job->n_ops && !atomic_load(&job->stop)) {
		chip->gate.at = next;
		next_phase(chip, 0);
		wake_enough(chip);
		return;
	}
	/* from here on the job is worker 0's */
	next_phase(chip, IDLE);
	if (w->index)
		wake(&chip->workers[0]);
}

/*
 * Take part in the open phase, or wait for another. False: the job is over for
 * worker 0, whose the next one is to open; for the others everything is.
 */
static bool take_part(struct chip_worker *w)
{
	struct chip_at next;
	uint64_t seen;

	if (!enter(w, &seen)) {
		/* by the word that is waited on: a flag beside it could change between */
		if (word_inside(seen) == (w->index ? QUIT : IDLE))
			return false;
		wait_past(w, word_phase(seen));
		return true;
	}
	next = chip_job_phase(w, w->chip->gate.at);
	if (leave(w))
		boundary(w, next);
	return true;
}

void chip_phase_help(struct chip_worker *w)
{
	while (take_part(w))
		;
}

/* Run the loaded job; returns when it has ended and nobody is in it. */
void chip_phase_run(struct chip *chip)
{
	chip->gate.at = (struct chip_at){ 0 };
	next_phase(chip, 0);
	wake_enough(chip);
	while (take_part(&chip->workers[0]))
		;
}

/* No job runs: the helpers return from chip_phase_help(). */
void chip_phase_quit(struct chip *chip)
{
	next_phase(chip, QUIT);
	for (unsigned int i = 0; i < chip->n_workers; i++)
		wake(&chip->workers[i]);
}

void chip_phase_init(struct chip *chip)
{
	atomic_store(&chip->gate.word, gate_word(0, IDLE));
	for (unsigned int i = 0; i < chip->n_workers; i++)
		chip->workers[i].spin_ns = SPIN_NS_MAX;
}
