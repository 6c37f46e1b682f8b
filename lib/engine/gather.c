// SPDX-License-Identifier: MIT
/* The line: who waits, who runs the next step, who is waited for. */
#include "engine/gather.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/gather_step.h"

/*
 * Shares of the last step's time that a step waits: from 1/4 to 1/64; but as
 * much of this time at least, as threads take that long to wake up however
 * short steps are.
 */
#define PATIENCE_MOST	2u
#define PATIENCE_LEAST	6u
#define WAKE_NS		1000000u

int ct_gather_init(struct ct_gather *g, struct ct_core *core,
		   struct ct_err *err)
{
	*g = (struct ct_gather){ .core = core, .patience = PATIENCE_MOST };
	g->end = &g->first;
	g->rows = calloc(CT_STEP_ROWS, sizeof(*g->rows));
	g->cost = calloc(CT_STEP_ROWS, sizeof(*g->cost));
	g->parts = calloc(CT_STEP_ROWS, sizeof(*g->parts));
	if (!g->rows || !g->cost || !g->parts) {
		free(g->rows);
		free(g->cost);
		free(g->parts);
		return ct_fail(err, -ENOMEM,
			       "no memory for the rows of a step");
	}
	pthread_mutex_init(&g->lock, NULL);
	return 0;
}

void ct_gather_free(struct ct_gather *g)
{
	if (!g->rows)
		return;
	pthread_mutex_destroy(&g->lock);
	free(g->rows);
	free(g->cost);
	free(g->parts);
}

/* ---- The line ----------------------------------------------------------- */

static void append(struct ct_gather *g, struct ct_gather_party *party,
		   struct ct_gather_call *call)
{
	call->party = party;
	call->next = NULL;
	call->at = 0;
	call->ret = 0;
	call->passed = 0;
	call->taken = false;
	call->shorter = call->decodes || ct_gather_is_short(call);
	*g->end = call;
	g->end = &call->next;
	party->in_line++;
}

/* Unlink what @at points to. */
static struct ct_gather_call *unlink_call(struct ct_gather *g,
					  struct ct_gather_call **at)
{
	struct ct_gather_call *call = *at;

	*at = call->next;
	if (g->end == &call->next)
		g->end = at;
	call->next = NULL;
	call->party->in_line--;
	return call;
}

static void hand_back(struct ct_gather_call *call)
{
	struct ct_gather_party *party = call->party;

	if (party->finished)
		party->last->next = call;
	else
		party->finished = call;
	party->last = call;
}

/* ---- Sleeping ------------------------------------------------------------- */

/*
 * Each party sleeps on a word of its own, for those whose step is over should
 * be woken one by one and find no lock held. With a condition variable for all,
 * eight threads on two CPUs took as long to get going again as the step of a
 * small model takes.
 */
enum { AWAKE, ASLEEP, SERVED };

/* Until it is woken or @until (monotonic; 0: for ever). Without the lock. */
static void party_sleep(struct ct_gather_party *party, uint64_t until)
{
	struct timespec ts = {
		.tv_sec = (time_t)(until / 1000000000u),
		.tv_nsec = (long)(until % 1000000000u),
	};

	while (__atomic_load_n(&party->word, __ATOMIC_ACQUIRE) == ASLEEP) {
		/* Unlike FUTEX_WAIT it takes an absolute time. */
		if (syscall(SYS_futex, &party->word,
			    FUTEX_WAIT_BITSET_PRIVATE, ASLEEP,
			    until ? &ts : NULL, NULL,
			    FUTEX_BITSET_MATCH_ANY) && errno == ETIMEDOUT)
			return;
	}
}

/*
 * The lock is given up meanwhile. Returns whether the party has been served,
 * and is nobody else's any more: then the lock is not taken again.
 */
static bool doze(struct ct_gather *g, struct ct_gather_party *party,
		 uint64_t until)
{
	__atomic_store_n(&party->word, ASLEEP, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&g->lock);
	party_sleep(party, until);
	if (__atomic_load_n(&party->word, __ATOMIC_ACQUIRE) == SERVED)
		return true;
	pthread_mutex_lock(&g->lock);
	__atomic_store_n(&party->word, AWAKE, __ATOMIC_RELAXED);
	return false;
}

static bool sleeps(const struct ct_gather_party *party)
{
	return __atomic_load_n(&party->word, __ATOMIC_RELAXED) == ASLEEP;
}

/* Those whom the end of a step wakes, when the lock has been given up. */
struct woken {
	uint32_t *word[CT_STEP_ROWS + 1];
	size_t n;
};

/*
 * A party without a call in line has nothing to look for there. As soon as its
 * word says so it may be gone: only the word's address is used then.
 */
static void rouse(struct ct_gather_party *party, struct woken *woken)
{
	if (!sleeps(party))
		return;
	woken->word[woken->n++] = &party->word;
	__atomic_store_n(&party->word, party->in_line ? AWAKE : SERVED,
			 __ATOMIC_RELEASE);
}

static void wake(const struct woken *woken)
{
	size_t i;

	for (i = 0; i < woken->n; i++)
		syscall(SYS_futex, woken->word[i], FUTEX_WAKE_PRIVATE, 1, NULL,
			NULL, 0);
}

/* ---- Steps ---------------------------------------------------------------- */

/* What became of the parts of the step that has just run. */
static void settle_parts(struct ct_gather *g)
{
	struct ct_gather_part *part;
	struct ct_gather_call *call;
	size_t i;

	for (i = 0; i < g->n_parts; i++) {
		part = &g->parts[i];
		call = part->call;
		call->taken = false;
		call->ret = part->ret;
		if (!call->ret)
			call->at += part->n;
		/* With news from before it does not sleep. */
		part->party = call->party->news ? NULL : call->party;
		call->party->news = true;
	}
}

static void hand_back_all(struct ct_gather *g)
{
	struct ct_gather_call **at = &g->first, *call;

	g->expected = 0;
	while (*at) {
		call = *at;
		if (!call->ret && call->at < call->n) {
			at = &call->next;
			continue;
		}
		/* The first that it gets back is what a party comes for. */
		g->expected += !call->party->finished;
		hand_back(unlink_call(g, at));
	}
}

/* Somebody who waits has to see to the next step. */
static void rouse_one(struct ct_gather *g, struct woken *woken)
{
	struct ct_gather_call *call;

	for (call = g->first; call; call = call->next) {
		if (!call->party->news && sleeps(call->party)) {
			rouse(call->party, woken);
			return;
		}
	}
}

/* Choose and run a step with the lock given up, and wake whose it was. */
static void run_next(struct ct_gather *g, const struct ct_gather_party *self)
{
	struct woken woken;
	uint64_t start, end;
	size_t i;

	if (g->expected)
		g->patience += g->patience < PATIENCE_LEAST;
	else
		g->patience -= g->patience > PATIENCE_MOST;
	ct_gather_compose(g);
	g->running = true;
	pthread_mutex_unlock(&g->lock);
	start = ct_now_ns();
	ct_gather_run_parts(g);
	end = ct_now_ns();
	pthread_mutex_lock(&g->lock);
	g->running = false;
	g->until = end + ((end - start > WAKE_NS ? end - start : WAKE_NS) >>
			  g->patience);
	g->timer = NULL;

	woken.n = 0;
	settle_parts(g);
	hand_back_all(g);
	if (self->news)
		rouse_one(g, &woken);
	for (i = 0; i < g->n_parts; i++) {
		if (g->parts[i].party)
			rouse(g->parts[i].party, &woken);
	}
	if (woken.n) {
		pthread_mutex_unlock(&g->lock);
		wake(&woken);
		pthread_mutex_lock(&g->lock);
	}
}

static bool worth_waiting(const struct ct_gather *g)
{
	return g->expected && ct_now_ns() < g->until;
}

/* As doze(). One of those who wait watches the clock for all. */
static bool wait_turn(struct ct_gather *g, struct ct_gather_party *party)
{
	bool served;

	if (g->running || g->timer)
		return doze(g, party, 0);
	g->timer = party;
	served = doze(g, party, g->until);
	if (!served && g->timer == party)
		g->timer = NULL;
	return served;
}

static struct ct_gather_call *collect(struct ct_gather_party *party)
{
	struct ct_gather_call *finished = party->finished;

	party->word = AWAKE;
	party->finished = NULL;
	return finished;
}

struct ct_gather_call *ct_gather_run(struct ct_gather *g,
				     struct ct_gather_party *party,
				     struct ct_gather_call *calls)
{
	struct ct_gather_call *next;

	pthread_mutex_lock(&g->lock);
	if (calls && g->expected)
		g->expected--;
	for (; calls; calls = next) {
		next = calls->next;
		append(g, party, calls);
	}
	party->news = false;
	while (!party->news && !party->finished) {
		if (!g->running && !worth_waiting(g))
			run_next(g, party);
		else if (wait_turn(g, party))
			return collect(party);
	}
	calls = collect(party);
	pthread_mutex_unlock(&g->lock);
	return calls;
}

static void unlink_finished(struct ct_gather_party *party,
			    struct ct_gather_call *call)
{
	struct ct_gather_call **at = &party->finished, *before = NULL;

	for (; *at != call; at = &(*at)->next)
		before = *at;
	*at = call->next;
	if (party->last == call)
		party->last = before;
	call->next = NULL;
}

void ct_gather_withdraw(struct ct_gather *g, struct ct_gather_call *call)
{
	struct ct_gather_party *party = call->party;
	struct ct_gather_call **at;

	pthread_mutex_lock(&g->lock);
	while (call->taken) {
		/* The end of that step is news. */
		party->news = false;
		if (doze(g, party, 0))
			pthread_mutex_lock(&g->lock);
		party->word = AWAKE;
	}
	for (at = &g->first; *at && *at != call; at = &(*at)->next)
		;
	if (*at)
		unlink_call(g, at);
	else
		unlink_finished(party, call);
	pthread_mutex_unlock(&g->lock);
}

int ct_gather_step(struct ct_gather *g, struct ct_gather_call *call)
{
	struct ct_gather_party party = { 0 };

	call->next = NULL;
	if (!ct_gather_run(g, &party, call)) {
		while (!ct_gather_run(g, &party, NULL))
			;
	}
	return call->ret;
}
