// SPDX-License-Identifier: MIT
/*
 * What it costs to give the device a job: empty ones (NOP), 1 to 64 of them for
 * one store to the doorbell, beside a system call for each job, in turns.
 *
 *     bench_submit [--json FILE] [DEVICE]
 *
 * prints a table, and adds a line of JSON for each of its own to FILE.
 *
 * The call is what a submission ioctl has to do at the least. With the module of
 * tests/vm/submit_ioctl loaded it copies the entry from the caller into the ring,
 * as such a driver would; without it the kernel is only entered and left, by an
 * ioctl that an eventfd does not know, and the caller fills the ring. Either way
 * the doorbell is rung after it, which a kernel would have to do too. So what is
 * printed as the call's price is less than what it really would be: no locks, no
 * lookups, no fences.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench_time.h"
#include "device/transport.h"
#include "tests/vm/submit_ioctl/submit_ioctl.h"

#define RING_LOG2	7
#define BATCHES		7	/* 1, 2, 4, ... 64 */
#define ROUNDS		20
#define REPS		50	/* of a batch in a round */

enum way { DOORBELL, IOCTL, WAYS };

static const char *const way_names[] = { "doorbell", "ioctl" };

struct figures {
	double submit[ROUNDS * REPS];	/* seconds until the doorbell is rung */
	double done[ROUNDS * REPS];	/* until all completions are seen */
	double whole[ROUNDS];		/* of a round */
};

struct bench {
	const struct ct_transport *t;
	void *state;
	struct ct_rings r;
	uint32_t tail, head;
	int call;			/* what is called; -1: no way */
	bool copies;			/* it is the module's */
	struct ct_err err;
	struct figures figures[BATCHES][WAYS];
};

static void die(const char *what, const struct ct_err *err)
{
	fprintf(stderr, "bench_submit: %s%s%s\n", what, err ? ": " : "",
		err ? err->msg : "");
	exit(1);
}

/* ---- Submitting and reaping ------------------------------------------- */

static void by_store(struct bench *b, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++, b->tail++)
		b->r.sq[b->tail & b->r.sq_mask] = (struct ctrans_sqe){
			.op = CTRANS_OP_NOP, .user_data = b->tail,
		};
	b->t->doorbell(b->state, &b->r, CTRANS_DB_SQ_TAIL, b->tail);
}

static void by_ioctl(struct bench *b, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct ctrans_sqe sqe = {
			.op = CTRANS_OP_NOP, .user_data = b->tail,
		};
		struct ctrans_sqe *slot = &b->r.sq[b->tail & b->r.sq_mask];
		struct submit_ioctl s = {
			.from = (uintptr_t)&sqe, .to = (uintptr_t)slot,
		};

		if (ioctl(b->call, SUBMIT_IOCTL, &s) != (b->copies ? 0 : -1))
			die("the call does not do what it should", NULL);
		if (!b->copies)
			*slot = sqe;
		b->tail++;
		b->t->doorbell(b->state, &b->r, CTRANS_DB_SQ_TAIL, b->tail);
	}
}

static void await(struct bench *b)
{
	uint32_t seen;

	for (;;) {
		seen = __atomic_load_n(&b->r.line->cq_tail, __ATOMIC_ACQUIRE);
		if (seen - b->head >= b->tail - b->head)
			return;
		if (b->t->wait(b->state, &b->r, seen, &b->err))
			die("waiting", &b->err);
	}
}

static void reap(struct bench *b)
{
	for (; b->head != b->tail; b->head++) {
		const struct ctrans_cqe *c = &b->r.cq[b->head & b->r.cq_mask];

		if (c->status != CTRANS_ST_OK || c->user_data != b->head)
			die("a job that is none has failed", NULL);
	}
	b->t->doorbell(b->state, &b->r, CTRANS_DB_CQ_HEAD, b->head);
}

static void round_of(struct bench *b, unsigned int batch, enum way way, int round)
{
	struct figures *f = &b->figures[batch][way];
	double first = now();

	for (int i = round * REPS; i < (round + 1) * REPS; i++) {
		double start = now();

		if (way == DOORBELL)
			by_store(b, 1u << batch);
		else
			by_ioctl(b, 1u << batch);
		f->submit[i] = now() - start;
		await(b);
		f->done[i] = now() - start;
		reap(b);
	}
	f->whole[round] = now() - first;
}

/* ---- Saying it -------------------------------------------------------- */

static void say_json(FILE *to, const char *device, unsigned int n, enum way way,
		     bool copies, const double v[4], double rate, double ratio)
{
	fprintf(to, "{\"what\": \"submit\", \"device\": \"%s\", \"way\": \"%s\", "
		"\"call\": \"%s\", \"batch\": %u, \"submit_us\": %.3f, "
		"\"p50_us\": %.3f, \"p99_us\": %.3f, \"min_us\": %.3f, "
		"\"jobs_per_second\": %.0f, \"times_as_long\": %.3f}\n",
		device, way_names[way], way == DOORBELL ? "none" : copies ?
		"copies the entry" : "does nothing", n, v[0], v[1], v[2], v[3],
		rate, ratio);
}

static void say_text(unsigned int n, enum way way, const double v[4], double rate,
		     double ratio)
{
	char batch[12] = "", times[12] = "";

	if (way == DOORBELL)
		snprintf(batch, sizeof(batch), "%u", n);
	else
		snprintf(times, sizeof(times), "%7.2f", ratio);
	printf("%5s  %-9s %9.3f %9.3f %9.3f %9.3f %11.0f%s\n", batch,
	       way_names[way], v[0], v[1], v[2], v[3], rate, times);
}

/* The middle of a round, which stalls of the machine do not move. */
static double middle(const struct figures *f, int round)
{
	double t[REPS];

	memcpy(t, f->done + round * REPS, sizeof(t));
	return median(t, REPS, NULL);
}

/* How many times as long as by doorbell: of one round each. */
static double times(const struct bench *b, unsigned int batch, enum way way)
{
	const struct figures *f = b->figures[batch];
	double ratios[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		ratios[i] = middle(&f[way], i) / middle(&f[DOORBELL], i);
	return median(ratios, ROUNDS, NULL);
}

static void say(struct bench *b, const char *device, unsigned int batch,
		enum way way, FILE *json)
{
	struct figures *f = &b->figures[batch][way];
	static double done[ROUNDS * REPS];
	double whole[ROUNDS], v[4], rate, ratio = times(b, batch, way);
	int n = ROUNDS * REPS;

	memcpy(done, f->done, sizeof(done));
	v[0] = 1e6 * median(f->submit, n, NULL);
	v[1] = 1e6 * median(done, n, &v[3]);
	v[2] = 1e6 * done[n * 99 / 100];
	v[3] *= 1e6;
	memcpy(whole, f->whole, sizeof(whole));
	rate = (double)(REPS << batch) / median(whole, ROUNDS, NULL);
	say_text(1u << batch, way, v, rate, ratio);
	if (json)
		say_json(json, device, 1u << batch, way, b->copies, v, rate,
			 ratio);
}

static void head(const struct bench *b, const char *device)
{
	printf("%s: empty jobs, microseconds from the first store\n", device);
	if (b->call >= 0)
		printf("ioctl: each job by a call that %s\n", b->copies ?
		       "copies its entry into the ring" :
		       "enters the kernel and does nothing there");
	printf("%5s  %-9s %9s %9s %9s %9s %11s%7s\n", "batch", "", "submitted",
	       "done p50", "p99", "min", "jobs/s", "times");
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct ct_device_info info = { 0 };
	bool lines = argc > 2 && !strcmp(argv[1], "--json");
	const char *name = argc > 1 + 2 * lines ? argv[1 + 2 * lines] : "sim";
	FILE *json = lines ? fopen(argv[2], "a") : NULL;
	const char *options;

	if (lines && !json)
		die(argv[2], NULL);
	b.t = ct_transport_find(name, &options);
	if (!b.t)
		die("no such device", NULL);
	if (b.t->open(options, &b.state, &b.err) ||
	    b.t->queue_open(b.state, RING_LOG2, &b.r, &b.err))
		die(name, &b.err);
	b.t->info(b.state, &info);
	b.call = open(SUBMIT_IOCTL_DEVICE, O_RDWR | O_CLOEXEC);
	b.copies = b.call >= 0;
	if (!b.copies)
		b.call = eventfd(0, EFD_CLOEXEC);
	if (b.call < 0)
		die("no eventfd", NULL);

	/* the first of each warms up, and is measured over */
	for (int round = -1; round < ROUNDS; round++)
		for (unsigned int batch = 0; batch < BATCHES; batch++)
			for (enum way way = 0; way < WAYS; way++)
				round_of(&b, batch, way, round < 0 ? 0 : round);
	head(&b, info.name);
	for (unsigned int batch = 0; batch < BATCHES; batch++)
		for (int way = 0; way < WAYS; way++)
			say(&b, info.name, batch, (enum way)way, json);
	b.t->queue_close(b.state, &b.r);
	b.t->close(b.state);
	close(b.call);
	if ((json && fclose(json)) || fflush(stdout))
		die("what was measured cannot be written", NULL);
	return 0;
}
