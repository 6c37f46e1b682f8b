// SPDX-License-Identifier: MIT
/*
 * A chip that says what is not so: what it completed, that it has something to say,
 * that it is there. The driver believes nothing that cannot be, and waits for
 * nothing for ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pci.h"
#include "power.h"
#include "recovery.h"
#include "sleepers.h"
#include "test_recovery.h"

#define SOON_MS	20000
#define BOUND	(PATIENCE_MS * MS)

/* ---- Completions -------------------------------------------------------- */

/* Whatever is said: not more is done than was asked for. */
static void check_done(struct rig *rig, unsigned int sent)
{
	struct drm_ctrans_queue_get_state st;
	uint64_t done = 0;
	int64_t at;
	int err;

	at = guest_now();
	err = queue_wait_until(rig->fd, rig->q.id, sent, at + SECOND, &done);
	ok(err == 0 || err == -ETIME || err == -EIO,
	   "a wait for %u jobs that were sent: %d", sent, err);
	ok(done <= sent, "%llu done", (unsigned long long)done);
	err = queue_wait_until(rig->fd, rig->q.id, sent + 1, guest_now() + SECOND,
			       &done);
	ok(err == -ETIME || err == -EIO, "a wait for one more: %d", err);
	ok(done <= sent, "%llu done", (unsigned long long)done);
	ok(guest_now() - at < 2 * SECOND + BOUND, "both in %lld ms",
	   (long long)((guest_now() - at) / MS));
	must(!queue_get_state(rig->fd, rig->q.id, &st));
	ok(st.done <= sent, "GET_STATE: %llu done", (unsigned long long)st.done);
}

static void completions(const char *kind)
{
	struct pollfd p = { .events = POLLIN };
	struct rig rig, other;
	unsigned int sent;
	char knob[64];
	uint32_t state;

	if (!have_faults())
		return;
	snprintf(knob, sizeof(knob), "completion %s", kind);
	power_auto(-1);
	rig_open(&rig);
	rig_open(&other);
	must(rig_works(&rig) && rig_works(&other));
	queue_nops(&rig.q, 8);
	must(!queue_finish(&rig.q, SOON_MS * MS));
	queue_take_all(&rig.q);
	sent = rig.q.tail;

	fault(knob);
	queue_nops(&rig.q, 3);
	sent += 3;
	check_done(&rig, sent);
	p.fd = rig.fd;
	poll(&p, 1, 100);
	/* it is said to be here, and there is a sleep to carry it over */
	power_auto(5);
	usleep(500000);
	check_done(&rig, sent);
	power_auto(-1);
	fault("off");

	state = state_of(rig.fd, rig.q.id);
	guest_note("afterwards the queue is in state %u", state);
	if (state == CTRANS_KQ_READY) {
		is(queue_wait_until(rig.fd, rig.q.id, sent, guest_now() + BOUND, NULL),
		   0, "what was sent is found done when the chip says so");
		/* the process was lied to by the status page as well */
		rig.q.head = queue_line(&rig.q)->cq_tail;
		is(rig.q.head, sent, "with its page right again");
		rig.q.doorbell[CTRANS_DB_CQ_HEAD / 4] = rig.q.head;
		ok(rig_works(&rig), "and it works");
	}
	ok(made_again(&rig), "a new queue works");
	/* it says so of all queues; what cannot be told may be lost, but not wrong */
	state = state_of(other.fd, other.q.id);
	ok(state == CTRANS_KQ_LOST ? made_again(&other) : rig_works(&other),
	   "another's queue, in state %u, or a new one works", state);
	rig_close(&rig);
	rig_close(&other);
	power_default();
	faults_off();
}

void completions_jump(void)
{
	completions("jump");
}

void completions_rewind(void)
{
	completions("rewind");
}

void completions_garbage(void)
{
	completions("garbage");
}

/* ---- Interrupts --------------------------------------------------------- */

/*
 * Not one comes: the watchdog looks after who sleeps, twice in a row and so within
 * two seconds, or the chip's own sleep does.
 */
static void drop(int delay_ms)
{
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int64_t longest[WAYS] = { 0 };
	unsigned int woken[WAYS] = { 0 }, rounds = 4;
	struct rig rig;

	power_auto(delay_ms);
	rig_open_in(&rig, accel_open(), event, 0);
	must(rig_works(&rig));
	fault("drop-irq");
	for (unsigned int i = 0; i < rounds; i++) {
		struct sleeper s[WAYS];
		int64_t began;

		queue_fill(&rig.q, &(struct ctrans_sqe){ .op = CTRANS_OP_NOP });
		rig.q.doorbell[CTRANS_DB_ARM / 4] = rig.q.head;
		usleep(100000);
		event_drain(event);
		sleepers_start(s, &rig, event, rig.q.tail);
		began = guest_now();
		queue_ring(&rig.q);
		for (int way = 0; way < WAYS; way++) {
			sleeper_join(&s[way]);
			woken[way] += sleeper_woken(&s[way]);
			if (s[way].at - began > longest[way])
				longest[way] = s[way].at - began;
		}
		queue_take_all(&rig.q);
	}
	for (int way = 0; way < WAYS; way++) {
		is(woken[way], rounds, "no interrupts: who sleeps in %s is woken",
		   sleeper_ways[way]);
		ok(longest[way] < 2 * SECOND + BOUND, "within %lld ms",
		   (long long)(longest[way] / MS));
	}
	fault("off");
	ok(rig_works(&rig), "with interrupts it works");
	rig_close(&rig);
}

void interrupts_dropped(void)
{
	if (!have_faults())
		return;
	drop(-1);
	drop(20);
	power_default();
	faults_off();
}

/* Some for nothing, and each twice. */
void interrupts_many(void)
{
	unsigned int good = 0, rounds = 12;
	struct rig rig;

	if (!have_faults())
		return;
	rig_open(&rig);
	fault("duplicate-irq");
	for (unsigned int i = 0; i < rounds; i++) {
		char knob[32];

		rig_batch(&rig, i);
		good += !queue_finish(&rig.q, SOON_MS * MS);
		good += rig_batch_right(&rig, i);
		snprintf(knob, sizeof(knob), "spurious-irq %u", i);
		fault(knob);
		good += state_of(rig.fd, rig.q.id) == CTRANS_KQ_READY;
	}
	is(good, 3 * rounds, "jobs among interrupts for nothing and twice");
	/* asleep, too: nobody may read why it came */
	power_auto(2);
	good = 0;
	for (unsigned int i = 0; i < 8; i++) {
		char knob[32];

		must(power_sleeps_within(SOON_MS));
		snprintf(knob, sizeof(knob), "spurious-irq %u", i);
		fault(knob);
		usleep(20000);
		good += power_asleep();
		good += rig_works(&rig);
	}
	is(good, 16, "and of a chip that sleeps");
	power_default();
	rig_close(&rig);
	/* not faults_off(): what it counts here is the driver's */
	fault("off");
}

/* ---- Memory ------------------------------------------------------------- */

/* The physical address of a page, 0: it is not told. */
static uint64_t physical(const void *at)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (fd < 0 || pread(fd, &entry, sizeof(entry),
			    (off_t)((uintptr_t)at / PAGE * 8)) != sizeof(entry))
		entry = 0;
	if (fd >= 0)
		close(fd);
	return (entry & ((1ull << 55) - 1)) * PAGE;
}

/*
 * An access that no job asked for. Where there is no memory, nothing happens; where
 * there is, an IOMMU is what keeps it out.
 */
void dma_outside(void)
{
	const char *boot = getenv("CTRANS_VM");
	bool guarded = boot && !strcmp(boot, "iommu"), kept;
	uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char said[512] = "", knob[64];
	struct rig rig;
	char *count;

	if (!have_faults())
		return;
	must(page != MAP_FAILED);
	memset(page, 0x11, PAGE);
	must(!mlock(page, PAGE));
	rig_open(&rig);
	must(rig_works(&rig));
	fault("dma-outside");
	rig_works(&rig);
	must(ctl("violations", said, sizeof(said)));
	count = strstr(said, "\"unbound\":");
	ok(count && atoi(count + 10) > 0, "where nothing is, it is refused: %s", said);
	made_again(&rig);
	ok(rig_works(&rig), "a queue works");
	ctl("clear", NULL, 0);

	if (physical(page)) {
		snprintf(knob, sizeof(knob), "dma-outside %llu",
			 (unsigned long long)physical(page));
		fault(knob);
		rig_works(&rig);
		kept = true;
		for (unsigned int i = 0; i < PAGE; i++)
			kept &= page[i] == 0x11;
		if (guarded)
			ok(kept, "the IOMMU refuses a page of another process");
		else
			guest_note("no IOMMU: a page of another process is %s",
				   kept ? "not written" : "written");
		made_again(&rig);
		ok(rig_works(&rig), "a queue works");
	}
	rig_close(&rig);
	faults_off();
}

/* ---- It is not there ---------------------------------------------------- */

static void *wait_for_ever(void *arg)
{
	struct sleeper *s = arg;

	s->got = queue_wait_until(s->rig->fd, s->rig->q.id, 1000, INT64_MAX, NULL);
	s->at = guest_now();
	return NULL;
}

static void ones(const char *knob, bool asleep)
{
	struct drm_ctrans_queue_get_state st;
	struct drm_ctrans_dev_query query = { 0 };
	struct sleeper s;
	struct rig rig, other;
	int64_t began;
	uint32_t vm;

	pci_name();
	power_auto(asleep ? 5 : -1);
	rig_open(&rig);
	rig_open(&other);
	must(rig_works(&rig) && rig_works(&other));
	s = (struct sleeper){ .rig = &rig };
	must(!pthread_create(&s.thread, NULL, wait_for_ever, &s));
	usleep(100000);
	if (asleep)
		must(power_sleeps_within(SOON_MS));
	began = guest_now();
	fault(knob);
	/* nobody can know of it before somebody wants something */
	queue_nops(&other.q, 1);
	pthread_join(s.thread, NULL);
	ok(s.got == -ENODEV, "%s%s: who waits is told -ENODEV", knob,
	   asleep ? ", asleep" : "");
	ok(s.at - began < 2 * SECOND + BOUND, "within %lld ms",
	   (long long)((s.at - began) / MS));
	is(call(rig.fd, DRM_IOCTL_CTRANS_DEV_QUERY, &query), -ENODEV, "DEV_QUERY");
	is(vm_create(rig.fd, &vm), -ENODEV, "VM_CREATE");
	is(queue_get_state(other.fd, other.q.id, &st), -ENODEV, "GET_STATE");
	is(queue_destroy(other.fd, other.q.id), -ENODEV, "QUEUE_DESTROY");
	/* the calls know at once, the pages when everybody is told */
	for (int i = 0; i < 500 &&
	     queue_kernel(&other.q)->state != CTRANS_KQ_LOST; i++)
		usleep(10000);
	is(queue_kernel(&other.q)->state, CTRANS_KQ_LOST, "its page says LOST");
	rig.q.doorbell[0] = 12345;
	fails(accel_try_open(), "the node does not open");
	fault("off");
	is(pci_unbind(), 0, "unbound when it is back");
	is(pci_bind(), 0, "and bound");
	close(accel_open_within(60));
	ok(chip_works(), "a new file works");
	rig_unmap(&rig);
	rig_unmap(&other);
	close(rig.fd);
	close(other.fd);
	ok(chip_works(), "and another");
	power_default();
	ctl("clear", NULL, 0);
}

void all_ones(void)
{
	if (!have_faults())
		return;
	ones("all-ones bars", false);
	ones("all-ones", false);
	ones("all-ones bars", true);
	ones("all-ones", true);
	faults_off();
}

/* ---- It does not come to rest ------------------------------------------- */

void never_idle(void)
{
	struct rig rig;

	if (!have_faults())
		return;
	power_auto(5);
	rig_open(&rig);
	must(power_sleeps_within(SOON_MS));
	fault("never-idle");
	ok(rig_works(&rig), "a chip that says it is never idle works");
	usleep(1000000);
	ok(!power_asleep(), "and does not sleep");
	rig_batch(&rig, 1);
	ok(queue_watch(&rig.q, SOON_MS * MS) && rig_batch_right(&rig, 1),
	   "its queues work on");
	fault("off");
	ok(power_sleeps_within(SOON_MS), "it sleeps when it says it is idle");
	ok(rig_works(&rig), "and works");
	rig_close(&rig);
	power_default();
	faults_off();
}

/* Memory that was unbound stays where it is until the chip has let go. */
void never_acknowledged(void)
{
	struct rig rig, other;
	struct bo bo;
	int64_t took;
	int err;

	if (!have_faults())
		return;
	rig_open(&rig);
	rig_open(&other);
	must(rig_works(&rig) && rig_works(&other));
	bo_must(&bo, rig.fd, PAGE);
	must(!vm_map(rig.fd, rig.vm, bo.handle, RIG_LONG_VA, 0, PAGE, 0));
	fault("tlb-never-ack");
	took = guest_now();
	err = vm_unmap(rig.fd, rig.vm, RIG_LONG_VA, PAGE);
	took = guest_now() - took;
	ok(took < 5 * RUNG_MS * MS + BOUND, "unbinding never acknowledged: %d after "
	   "%lld ms", err, (long long)(took / MS));
	fault("off");
	is(vm_map(rig.fd, rig.vm, bo.handle, RIG_LONG_VA, 0, PAGE, 0), 0,
	   "it can be bound again");
	is(vm_unmap(rig.fd, rig.vm, RIG_LONG_VA, PAGE), 0, "and unbound");
	guest_note("the queues are in states %u and %u",
		   state_of(rig.fd, rig.q.id), state_of(other.fd, other.q.id));
	is(state_of(other.fd, other.q.id), CTRANS_KQ_READY,
	   "another's queue is not lost, with nothing in hand");
	ok(rig_works(&other), "and works");
	ok(made_again(&rig), "a new queue works");
	rig_close(&rig);
	rig_close(&other);
	ok(chip_works(), "others work");
	faults_off();
}
