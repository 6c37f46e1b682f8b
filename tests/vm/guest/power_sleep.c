// SPDX-License-Identifier: MIT
/* The chip sleeps when it has nothing to do, and a word in a doorbell wakes it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "jobs.h"
#include "pci.h"
#include "power.h"
#include "sleepers.h"
#include "test_power.h"

/* Waking takes milliseconds; this is what a busy host may add. */
#define SOON_MS	20000

void sleeps(void)
{
	char state[512] = "";
	long awake;
	char control[32];
	struct rig rig;

	must(!pci_read("power/control", control, sizeof(control)));
	guest_note("power/control is \"%s\"", control);
	power_auto(5);
	rig_open(&rig);
	ok(rig_works(&rig), "it works");
	ok(power_sleeps_within(SOON_MS), "idle, with a queue: it sleeps");
	if (ctl("state", state, sizeof(state)))
		ok(strstr(state, "\"power\":\"D3hot\""), "in D3hot: %s", state);
	else
		guest_skip("no way to the chip's control socket");
	awake = power_awake_ms();
	usleep(300000);
	is(power_awake_ms(), awake, "and sleeps on");
	rig_batch(&rig, 1);
	ok(queue_watch(&rig.q, SOON_MS * MS), "a doorbell wakes it");
	ok(rig_batch_right(&rig, 1), "and all is computed");
	ok(power_awake_ms() > awake, "for which it was awake");
	ok(power_sleeps_within(SOON_MS), "it sleeps again");
	rig_close(&rig);
	ok(power_sleeps_within(SOON_MS), "and without a queue");
	power_default();
}

/*
 * Many times, with completions left in their ring over a sleep: indices go on, both
 * rings turn many times, every job is done once and in order.
 */
void sleeps_often(void)
{
	unsigned int n = guest_loops(100), slept = 0, right = 0;
	int64_t began, wake = 0, longest = 0;
	uint64_t next = 0;
	struct ctrans_cqe cqe;
	bool order = true;
	struct rig rig;

	power_auto(2);
	rig_open(&rig);
	for (unsigned int i = 0; i < n; i++) {
		float *src = rig_page(&rig, RIG_FREE);
		float *dst = rig_page(&rig, RIG_FREE + 1);
		struct ctrans_sqe sqe;

		slept += power_sleeps_within(SOON_MS);
		queue_nops(&rig.q, i % 5);
		pattern(src, 256, i);
		memset(dst, 0, PAGE);
		sqe = rig_copy(&rig, RIG_PAGE(RIG_FREE), RIG_PAGE(RIG_FREE + 1), 256);
		began = guest_now();
		queue_send(&rig.q, &sqe);
		if (!queue_watch(&rig.q, SOON_MS * MS))
			break;
		began = guest_now() - began;
		wake += began;
		longest = began > longest ? began : longest;
		right += is_pattern(dst, 256, i);
		/* at most 5 a round, and 64 have room */
		if (i % 10 != 9)
			continue;
		while (queue_take(&rig.q, &cqe))
			order &= !cqe.status && cqe.user_data == next++;
	}
	while (queue_take(&rig.q, &cqe))
		order &= !cqe.status && cqe.user_data == next++;
	is(slept, n, "sleeps");
	is(right, n, "results after them");
	is(next, rig.q.tail, "completions of as many jobs");
	ok(order, "in order");
	is(queue_line(&rig.q)->cq_tail, rig.q.tail, "the index has gone on");
	guest_note("from a doorbell asleep to the result: %lld us, the longest %lld us",
		   (long long)(wake / 1000 / n), (long long)(longest / 1000));
	rig_close(&rig);
	power_default();
}

/* The administrator's word. */
void kept_awake(void)
{
	struct rig rig;

	power_auto(5);
	rig_open(&rig);
	must(power_sleeps_within(SOON_MS));
	power_on();
	ok(!power_asleep(), "\"on\" wakes it");
	usleep(500000);
	ok(!power_asleep(), "and it stays awake, with nothing to do");
	ok(rig_works(&rig), "it works");
	usleep(200000);
	ok(!power_asleep(), "still awake");
	power_default();
	ok(power_sleeps_within(SOON_MS), "\"auto\": it sleeps");
	must(!pci_write("power/autosuspend_delay_ms", "-1"));
	ok(rig_works(&rig), "a delay of -1: it works");
	usleep(300000);
	ok(!power_asleep(), "and stays awake");
	rig_close(&rig);
	power_default();
}

/* Longer than any delay: a job in hand is use. */
void works_on(void)
{
	unsigned int looks = 0, asleep = 0;
	struct ctrans_cqe cqe;
	struct ctrans_sqe sqe;
	struct rig rig;
	bool good = true;

	power_auto(1);
	rig_open(&rig);
	sqe = rig_long(&rig, 16);
	must(power_sleeps_within(SOON_MS));
	for (int i = 0; i < 4; i++)
		queue_fill(&rig.q, &sqe);
	queue_ring(&rig.q);
	while (queue_line(&rig.q)->cq_tail != rig.q.tail) {
		/* between the two readings it may end, but not begin */
		bool sleeping = power_asleep();

		asleep += sleeping && queue_line(&rig.q)->cq_tail != rig.q.tail;
		looks++;
		usleep(1000);
	}
	while (queue_take(&rig.q, &cqe))
		good &= cqe.status == CTRANS_ST_OK;
	ok(looks >= 20, "long jobs: %u looks at the chip meanwhile", looks);
	is(asleep, 0, "of which found it asleep");
	ok(good && rig.q.head == 4, "they end as they should");
	ok(power_sleeps_within(SOON_MS), "and then it sleeps");
	rig_close(&rig);
	power_default();
}

/* ---- Who only asks ------------------------------------------------------ */

static void read_fdinfo(int fd)
{
	char path[64], text[4096];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	must(!file_read(path, text, sizeof(text)));
}

/* Every file in a folder; how many. Errors are answers, too. */
static unsigned int read_all(const char *folder)
{
	DIR *dir = opendir(folder);
	char path[1024], text[4096];
	struct dirent *entry;
	unsigned int n = 0;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_type != DT_REG)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		file_read(path, text, sizeof(text));
		n++;
	}
	if (dir)
		closedir(dir);
	return n;
}

/* In each folder below one of the device's; sysfs has hwmon/hwmon3/temp1_input. */
static unsigned int read_below(const char *attribute)
{
	char folder[256], path[512];
	struct dirent *entry;
	unsigned int n = 0;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s", pci_path(attribute));
	dir = opendir(folder);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		n += read_all(path);
	}
	if (dir)
		closedir(dir);
	return n;
}

struct question {
	const char *what;
	void (*ask)(struct rig *rig);
};

static void ask_state(struct rig *rig)
{
	struct drm_ctrans_queue_get_state st;

	is(queue_get_state(rig->fd, rig->q.id, &st), 0, "GET_STATE");
	is(st.state, CTRANS_KQ_READY, "it is READY");
	is(st.done, rig->q.tail, "with what was done");
}

static void ask_poll(struct rig *rig)
{
	struct pollfd p = { .fd = rig->fd, .events = POLLIN };

	is(poll(&p, 1, 0), 1, "poll() of a queue with completions to take");
	is(p.revents, POLLIN, "says so");
}

static void ask_wait(struct rig *rig)
{
	uint64_t done;

	is(queue_wait_until(rig->fd, rig->q.id, rig->q.tail, 0, &done), 0,
	   "QUEUE_WAIT that only looks");
	is(done, rig->q.tail, "at what was done");
	is(queue_wait_until(rig->fd, rig->q.id, rig->q.tail + 1, 0, NULL), -ETIME,
	   "and at what is not");
}

static void ask_fdinfo(struct rig *rig)
{
	read_fdinfo(rig->fd);
}

static void ask_query(struct rig *rig)
{
	struct drm_ctrans_clock clock;
	struct drm_ctrans_dev_query query = {
		.type = DRM_CTRANS_QUERY_CLOCK,
		.size = sizeof(clock), .pointer = (uintptr_t)&clock,
	};
	struct drm_ctrans_info info;

	info_must(rig->fd, &info);
	is(info.cores, 48, "INFO");
	is(call(rig->fd, DRM_IOCTL_CTRANS_DEV_QUERY, &query), 0, "CLOCK");
	ok(clock.mv && clock.mv < 5000 && clock.khz, "%u mV, %u kHz", clock.mv,
	   clock.khz);
}

static void ask_buffers(struct rig *rig)
{
	struct bo bo;

	bo_must(&bo, rig->fd, 4 * PAGE);
	memset(bo.map, 1, bo.size);
	bo_drop(&bo);
}

static void ask_hwmon(struct rig *rig)
{
	(void)rig;
	guest_note("%u files of hwmon", read_below("hwmon"));
}

static void ask_devfreq(struct rig *rig)
{
	(void)rig;
	guest_note("%u files of devfreq", read_below("devfreq"));
}

static void ask_status(struct rig *rig)
{
	is(queue_line(&rig->q)->cq_tail, rig->q.tail, "the status page, as it was");
	is(queue_kernel(&rig->q)->state, CTRANS_KQ_READY, "READY");
}

/* Monitoring costs no power. */
void asked(void)
{
	static const struct question questions[] = {
		{ "GET_STATE", ask_state },
		{ "poll() at once", ask_poll },
		{ "QUEUE_WAIT in the past", ask_wait },
		{ "fdinfo", ask_fdinfo },
		{ "DEV_QUERY", ask_query },
		{ "buffers", ask_buffers },
		{ "hwmon", ask_hwmon },
		{ "devfreq", ask_devfreq },
		{ "the status page", ask_status },
	};
	struct rig rig;

	power_auto(50);
	rig_open(&rig);
	/* done, and not taken */
	queue_nops(&rig.q, 3);
	must(!queue_finish(&rig.q, SOON_MS * MS));
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		long awake;

		must(power_sleeps_within(SOON_MS));
		awake = power_awake_ms();
		questions[i].ask(&rig);
		usleep(20000);
		ok(power_asleep() && power_awake_ms() == awake, "%s wakes nobody",
		   questions[i].what);
	}
	is(queue_take_all(&rig.q), 3, "the completions are there");
	ok(rig_works(&rig), "it works");
	rig_close(&rig);
	power_default();
}

/* ---- Sleepers beside a sleeping chip ------------------------------------ */

void waited_for(void)
{
	unsigned int rounds = 10, woken[WAYS] = { 0 }, slept = 0;
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct rig rig;

	power_auto(5);
	rig_open_in(&rig, accel_open(), event, 0);
	for (unsigned int i = 0; i < rounds; i++) {
		struct sleeper s[WAYS];

		/* what is to come, and is not there yet */
		queue_fill(&rig.q, &(struct ctrans_sqe){ .op = CTRANS_OP_NOP });
		rig.q.doorbell[CTRANS_DB_ARM / 4] = rig.q.head;
		/* an interrupt of before may be on its way */
		must(power_sleeps_within(SOON_MS));
		event_drain(event);
		sleepers_start(s, &rig, event, rig.q.tail);
		slept += power_sleeps_within(SOON_MS);
		usleep(20000);
		queue_ring(&rig.q);
		for (int way = 0; way < WAYS; way++) {
			sleeper_join(&s[way]);
			woken[way] += sleeper_woken(&s[way]);
		}
		queue_take_all(&rig.q);
	}
	is(slept, rounds, "it sleeps though it is waited for");
	for (int way = 0; way < WAYS; way++)
		is(woken[way], rounds, "who waits by %s is woken", sleeper_ways[way]);
	rig_close(&rig);
	power_default();
}
