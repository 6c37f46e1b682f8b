// SPDX-License-Identifier: MIT
#include "recovery.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pci.h"
#include "power.h"

/* ---- Knobs -------------------------------------------------------------- */

void fault(const char *knob)
{
	char command[128], answer[512];

	snprintf(command, sizeof(command), "fault %s", knob);
	if (!ctl(command, answer, sizeof(answer)))
		guest_note("%s: %s", command, answer);
	must(ctl(command, answer, sizeof(answer)));
}

/* In the offset of its doorbell, see ctrans_doorbell.c. */
static unsigned int slot_of(const struct queue *q)
{
	return q->doorbell_offset >> 20 & 63;
}

void fault_hang(const struct queue *q)
{
	char knob[32];

	snprintf(knob, sizeof(knob), "hang %u", slot_of(q));
	fault(knob);
}

void faults_off(void)
{
	fault("off");
	ctl("clear", NULL, 0);
}

bool have_faults(void)
{
	if (!ctl("fault off", NULL, 0)) {
		guest_skip("no way to the knobs of the chip");
		return false;
	}
	/* what a test before has left wedged is that one's failure alone */
	if (!accel_node()) {
		guest_note("there is no node: the driver is bound again");
		pci_unbind();
		pci_bind();
		close(accel_open_within(30));
	}
	return true;
}

/* ---- The scene ---------------------------------------------------------- */

/* In every buffer of users; no dump may have it. */
#define SECRET	0x5ec2e75eu

uint32_t state_of(int fd, uint32_t queue)
{
	struct drm_ctrans_queue_get_state st;

	must(!queue_get_state(fd, queue, &st));
	return st.state;
}

bool made_again(struct rig *rig)
{
	struct drm_ctrans_queue_create how = {
		.vm_id = rig->vm, .sq_log2 = RIG_SQ_LOG2, .cq_log2 = RIG_CQ_LOG2,
		.sq_va = RIG_VA, .eventfd = -1,
	};

	queue_close(&rig->q);
	return !queue_open(&rig->q, rig->fd, &how, rig->mem.map) && rig_works(rig);
}

uint32_t resets_of(struct rig *rig)
{
	struct drm_ctrans_queue_get_state st;

	must(!queue_get_state(rig->fd, rig->q.id, &st));
	return st.reset_count;
}

static bool batch_works(struct rig *rig, uint32_t seed)
{
	rig_batch(rig, seed);
	return !queue_finish(&rig->q, 60 * SECOND) && rig_batch_right(rig, seed);
}

void scene_open(struct scene *s)
{
	/* a page of the rig that nothing else uses */
	struct drm_ctrans_queue_create how = {
		.sq_log2 = RIG_SQ_LOG2, .cq_log2 = RIG_CQ_LOG2,
		.sq_va = RIG_PAGE(14), .eventfd = -1,
	};
	uint32_t *secret;

	*s = (struct scene){ .kmsg = kmsg_open(), .seed = 17 };
	/* what it is asked for between sleep and waking is another matter */
	power_auto(-1);
	dump_dismiss();
	rig_open_in(&s->guilty, accel_open(), -1, GUILTY_MS);
	secret = rig_page(&s->guilty, 15);
	for (unsigned int i = 0; i < PAGE / 4; i++)
		secret[i] = SECRET;
	how.vm_id = s->guilty.vm;
	must(!queue_open(&s->second, s->guilty.fd, &how, rig_page(&s->guilty, 14)));
	must(rig_works(&s->guilty));
	for (unsigned int i = 0; i < OTHERS; i++) {
		rig_open(&s->other[i]);
		ok(batch_works(&s->other[i], i), "before it: another's jobs");
	}
	s->resets = resets_of(&s->guilty);
}

bool queue_fetched(const struct queue *q)
{
	int64_t until = guest_now() + PATIENCE_MS * MS;

	while (queue_line(q)->sq_head != q->tail) {
		if (guest_now() > until)
			return false;
		usleep(1000);
	}
	return true;
}

void scene_hang(struct scene *s)
{
	struct ctrans_sqe sqe = rig_copy(&s->guilty, RIG_PAGE(15),
					 RIG_PAGE(RIG_FREE), 256);

	fault_hang(&s->guilty.q);
	s->began = guest_now();
	queue_send(&s->guilty.q, &sqe);
	/* it is in hand: the others are behind it */
	must(queue_fetched(&s->guilty.q));
	queue_nops(&s->second, 5);
	for (unsigned int i = 0; i < OTHERS; i++)
		rig_batch(&s->other[i], s->seed + i);
}

void scene_told(struct scene *s, int err, unsigned int rungs)
{
	int64_t limit = (GUILTY_MS + rungs * RUNG_MS + PATIENCE_MS) * MS;

	/* its own completion may come: what would follow it does not */
	is(queue_wait_until(s->guilty.fd, s->guilty.q.id, s->guilty.q.tail + 1,
			    s->began + 100 * SECOND, NULL), err,
	   "who waits for the job that hangs is told");
	s->told = guest_now() - s->began;
	ok(s->told > GUILTY_MS * MS * 9 / 10 && s->told < limit,
	   "after %lld ms, its limit being %d ms", (long long)(s->told / MS),
	   GUILTY_MS);
}

void scene_others(struct scene *s)
{
	for (unsigned int i = 0; i < OTHERS; i++) {
		struct rig *rig = &s->other[i];

		ok(queue_watch(&rig->q, 60 * SECOND),
		   "another's jobs in line behind it are done");
		is(state_of(rig->fd, rig->q.id), CTRANS_KQ_READY, "READY");
		ok(rig_batch_right(rig, s->seed + i), "each once and right");
	}
	guest_note("the others' jobs were done %lld ms after the hang began",
		   (long long)((guest_now() - s->began) / MS));
	s->seed += 100;
	for (unsigned int i = 0; i < OTHERS; i++)
		ok(batch_works(&s->other[i], i), "and after it, too");
}

void scene_close(struct scene *s)
{
	/* or who has its slot next hangs */
	fault("off");
	for (unsigned int i = 0; i < OTHERS; i++)
		rig_close(&s->other[i]);
	queue_close(&s->second);
	rig_close(&s->guilty);
	ok(chip_works(), "a new file works");
	close(s->kmsg);
	dump_dismiss();
	power_default();
	faults_off();
}

/* ---- Uevents ------------------------------------------------------------ */

int uevents_open(void)
{
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int size = 1 << 20;
	int s = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       NETLINK_KOBJECT_UEVENT);

	must(s >= 0);
	setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	must(!bind(s, (struct sockaddr *)&all, sizeof(all)));
	return s;
}

/* Lines end with zeros: a message is many strings. */
static bool has_line(const char *text, ssize_t n, const char *begin)
{
	for (const char *at = text; at < text + n; at += strlen(at) + 1)
		if (!strncmp(at, begin, strlen(begin))) {
			guest_note("uevent: %s", at);
			return true;
		}
	return false;
}

bool uevent_seen(int s, const char *begin, unsigned int ms)
{
	int64_t until = guest_now() + ms * MS;
	struct pollfd p = { .fd = s, .events = POLLIN };
	char text[8192];

	do {
		ssize_t n = recv(s, text, sizeof(text) - 1, 0);

		if (n > 0) {
			text[n] = 0;
			if (has_line(text, n, begin))
				return true;
			continue;
		}
		poll(&p, 1, 100);
	} while (guest_now() < until);
	return false;
}

/* ---- Dumps -------------------------------------------------------------- */

#define DUMPS	"/sys/class/devcoredump"

/* The path of our device's dump. */
static bool dump_find(char *path, size_t size)
{
	DIR *dir = opendir(DUMPS);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		char link[PATH_MAX], target[PATH_MAX];
		ssize_t n;

		if (strncmp(entry->d_name, "devcd", 5))
			continue;
		snprintf(link, sizeof(link), DUMPS "/%s/failing_device",
			 entry->d_name);
		n = readlink(link, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = 0;
		found = strstr(target, pci_name());
		snprintf(path, size, DUMPS "/%s/data", entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

bool dump_read(char *text, size_t size, unsigned int ms)
{
	int64_t until = guest_now() + ms * MS;
	char path[PATH_MAX];
	size_t got = 0;
	ssize_t n;
	int fd;

	while (!dump_find(path, sizeof(path))) {
		if (guest_now() > until)
			return false;
		usleep(20000);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0);
	while (got < size - 1 && (n = read(fd, text + got, size - 1 - got)) > 0)
		got += (size_t)n;
	text[got] = 0;
	close(fd);
	return got;
}

void dump_dismiss(void)
{
	char path[PATH_MAX];

	for (int i = 0; i < 100 && dump_find(path, sizeof(path)); i++) {
		file_write(path, "0");
		usleep(20000);
	}
	must(!dump_find(path, sizeof(path)));
}

/* Numbers of users, in whichever way numbers are printed. */
static bool tells(const char *text)
{
	char as[32];
	float f;

	snprintf(as, sizeof(as), "%x", SECRET);
	if (strcasestr(text, as))
		return true;
	snprintf(as, sizeof(as), "%x", __builtin_bswap32(SECRET));
	if (strcasestr(text, as))
		return true;
	snprintf(as, sizeof(as), "%u", SECRET);
	if (strstr(text, as))
		return true;
	/* "5e e7 c2 5e" as bytes */
	if (strcasestr(text, "5e e7 c2 5e"))
		return true;
	memcpy(&f, &(uint32_t){ SECRET }, sizeof(f));
	snprintf(as, sizeof(as), "%g", (double)f);
	return strstr(text, as);
}

void dump_check(void)
{
	static char text[1 << 18];
	unsigned int lines = 0;
	bool printable = true;

	if (!ok(dump_read(text, sizeof(text), PATIENCE_MS), "there is a core dump"))
		return;
	for (const char *at = text; *at; at++) {
		printable &= isprint((unsigned char)*at) || *at == '\n' ||
			     *at == '\t';
		lines += *at == '\n';
	}
	ok(printable, "of %zu bytes of text", strlen(text));
	ok(lines > 10, "in %u lines", lines);
	ok(strcasestr(text, "ctrans"), "that says whose it is");
	ok(strcasestr(text, "queue"), "and has the queues");
	ok(!tells(text), "but no data of a user");
	for (char *at = text, *end; (end = strchr(at, '\n')) && at < text + 1500;
	     at = end + 1)
		guest_note("| %.*s", (int)(end - at), at);
	dump_dismiss();
	ok(!dump_read(text, sizeof(text), 0), "written to, it goes");
}
