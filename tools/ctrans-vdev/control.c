// SPDX-License-Identifier: MIT
#include "control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void vdev_control_init(struct vdev_control *c, struct vdev *v, int listener)
{
	*c = (struct vdev_control){ .v = v, .listener = listener };
	for (unsigned int i = 0; i < VDEV_CONTROL_CLIENTS; i++)
		c->client[i].fd = -1;
}

void vdev_control_free(struct vdev_control *c)
{
	for (unsigned int i = 0; i < VDEV_CONTROL_CLIENTS; i++)
		if (c->client[i].fd >= 0)
			close(c->client[i].fd);
}

/* ---- Commands ------------------------------------------------------------- */

static uint64_t read64(struct chip *chip, uint32_t lo)
{
	uint64_t v = chip_read(chip, lo);

	return v | (uint64_t)chip_read(chip, lo + 4) << 32;
}

static void violations(struct vdev *v, char *answer, size_t size)
{
	size_t n = (size_t)snprintf(answer, size, "{\"total\":%" PRIu64,
				    vdev_violations(v));

	for (unsigned int i = 0; i < VDEV_VIOLATIONS; i++)
		n += (size_t)snprintf(answer + n, size - n, ",\"%s\":%" PRIu64,
				      vdev_violation_name(i),
				      atomic_load(&v->violations[i]));
	snprintf(answer + n, size - n, "}\n");
}

static void state(struct vdev_control *c, char *answer, size_t size)
{
	static const char *const irq[] = { "intx", "msi", "msix" };
	struct vdev *v = c->v;
	uint64_t bytes = 0;
	unsigned int active = 0;

	for (unsigned int i = 0; i < v->dma.n; i++)
		bytes += v->dma.maps[i].ptr ? v->dma.maps[i].size : 0;
	for (unsigned int i = 0; i < CTRANS_QUEUES; i++)
		active += chip_read(v->chip, CTRANS_REG_Q(i) + CTRANS_Q_ACTIVE);
	snprintf(answer, size,
		 "{\"attached\":%s,\"power\":\"%s\",\"bus_master\":%s,"
		 "\"irq\":\"%s\",\"maps\":%u,\"mapped_bytes\":%" PRIu64 ","
		 "\"jobs\":%" PRIu64 ",\"active\":%u,\"units\":%u,"
		 "\"stalled\":%s,\"refused_messages\":%" PRIu64 ","
		 "\"threads\":%u,\"kernel\":\"%s\"}\n",
		 c->attached ? "true" : "false", v->powered ? "D0" : "D3hot",
		 atomic_load(&v->dma.master) ? "true" : "false",
		 irq[v->options.irq], v->dma.n, bytes,
		 read64(v->chip, CTRANS_REG_JOBS_LO), active,
		 chip_read(v->chip, CTRANS_REG_HEARTBEAT),
		 chip_faults(v->chip) & CHIP_FAULT_HANG ? "true" : "false", v->refused,
		 chip_threads(v->chip), chip_kernel_name(v->chip));
}

static void fault(struct vdev *v, const char *words, char *answer, size_t size)
{
	int ret = vdev_fault(v, words);
	char names[256];

	if (!ret)
		return;
	vdev_faults_names(names, sizeof(names));
	if (ret == -ENOENT)
		snprintf(answer, size, "{\"error\":\"no such fault; there are %s\"}\n",
			 names);
	else
		snprintf(answer, size, "{\"error\":\"not a value of this fault\"}\n");
}

void vdev_control_command(struct vdev_control *c, const char *line, char *answer,
			  size_t size)
{
	snprintf(answer, size, "{\"ok\":true}\n");
	if (!strcmp(line, "violations"))
		violations(c->v, answer, size);
	else if (!strcmp(line, "clear"))
		vdev_clear_violations(c->v);
	else if (!strcmp(line, "stall on"))
		fault(c->v, "hang", answer, size);
	else if (!strcmp(line, "stall off"))
		fault(c->v, "hang off", answer, size);
	else if (!strcmp(line, "faults"))
		vdev_faults_list(c->v, answer, size);
	else if (!strcmp(line, "fault off"))
		vdev_faults_off(c->v);
	else if (!strncmp(line, "fault ", 6))
		fault(c->v, line + 6, answer, size);
	else if (!strcmp(line, "state"))
		state(c, answer, size);
	else if (!strcmp(line, "quit"))
		c->quit = true;
	else
		snprintf(answer, size,
			 "{\"error\":\"unknown command; there are violations, clear, state, faults, fault NAME [VALUE], fault NAME off, fault off, stall on, stall off, quit\"}\n");
}

/* ---- Serving --------------------------------------------------------------- */

void vdev_control_poll(const struct vdev_control *c, struct pollfd *p)
{
	bool room = false;

	for (unsigned int i = 0; i < VDEV_CONTROL_CLIENTS; i++) {
		p[1 + i] = (struct pollfd){ .fd = c->client[i].fd, .events = POLLIN };
		room |= c->client[i].fd < 0;
	}
	p[0] = (struct pollfd){ .fd = room ? c->listener : -1, .events = POLLIN };
}

static void hang_up(struct vdev_control *c, unsigned int i)
{
	close(c->client[i].fd);
	c->client[i].fd = -1;
}

static void listen_to(struct vdev_control *c, unsigned int i)
{
	char answer[1024], *line = c->client[i].line, *end;
	size_t *got = &c->client[i].got;
	ssize_t n = recv(c->client[i].fd, line + *got, VDEV_CONTROL_LINE - *got,
			 MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(c, i);
		return;
	}
	*got += (size_t)n;
	while ((end = memchr(line, '\n', *got))) {
		size_t used = (size_t)(end - line) + 1, len;

		*end = '\0';
		vdev_control_command(c, line, answer, sizeof(answer));
		len = strlen(answer);
		*got -= used;
		memmove(line, line + used, *got);
		/* an answer fits any socket's buffer, unless nobody ever reads them */
		if (send(c->client[i].fd, answer, len, MSG_DONTWAIT | MSG_NOSIGNAL) !=
		    (ssize_t)len) {
			hang_up(c, i);
			return;
		}
	}
	if (*got == VDEV_CONTROL_LINE)
		hang_up(c, i);
}

void vdev_control_serve(struct vdev_control *c, const struct pollfd *p)
{
	for (unsigned int i = 0; i < VDEV_CONTROL_CLIENTS; i++)
		if (c->client[i].fd >= 0 && p[1 + i].revents)
			listen_to(c, i);
	if (!(p[0].revents & POLLIN))
		return;
	for (unsigned int i = 0; i < VDEV_CONTROL_CLIENTS; i++) {
		if (c->client[i].fd >= 0)
			continue;
		c->client[i].fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
		c->client[i].got = 0;
		return;
	}
}
