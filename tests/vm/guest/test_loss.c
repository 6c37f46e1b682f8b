// SPDX-License-Identifier: MIT
/*
 * A chip that goes, or stands still, while texts are written on it: every caller
 * is told, nobody hangs, and the next model works.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answers.h"
#include "guest.h"

#define CALLERS	3u

/* Where the first chip is on its bus. */
static void find_chip(char *bus, size_t size)
{
	struct ctrans_device_info info;
	char link[128], target[256];
	unsigned int number;
	ssize_t n;

	must(!ctrans_device_get(0, &info, sizeof(info)));
	must(sscanf(info.name, "accel:%u", &number) == 1);
	snprintf(link, sizeof(link), "/sys/class/accel/accel%u/device", number);
	n = readlink(link, target, sizeof(target) - 1);
	must(n > 0);
	target[n] = 0;
	must(strrchr(target, '/'));
	snprintf(bus, size, "%s", strrchr(target, '/') + 1);
}

static void tell_driver(const char *file, const char *bus)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/ctrans/%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	must(fd >= 0);
	must(write(fd, bus, strlen(bus)) == (ssize_t)strlen(bus));
	close(fd);
}

/* ---- Unbound ------------------------------------------------------------ */

struct writer {
	struct ctrans_model *model;
	_Atomic unsigned int texts;
	int ret;
	char message[256];
	pthread_t thread;
};

static void *write_until_it_fails(void *arg)
{
	struct writer *w = arg;
	struct answer a;

	do {
		w->ret = answer_on(w->model, w->texts % ANSWERS, &a);
		w->texts++;
	} while (!w->ret);
	snprintf(w->message, sizeof(w->message), "%s", ctrans_message());
	return NULL;
}

static void one_round(const char *bus, const struct answer *expected)
{
	struct writer w[CALLERS] = { 0 };
	struct ctrans_model_info info;
	struct ctrans_model *model;
	unsigned int told = 0, why = 0;
	struct answer a;

	must(!open_on("accel", demo_model(), NULL, &model));
	for (unsigned int i = 0; i < CALLERS; i++) {
		w[i].model = model;
		must(!pthread_create(&w[i].thread, NULL, write_until_it_fails, &w[i]));
	}
	/* at work, each */
	for (unsigned int i = 0; i < CALLERS; i++)
		while (!w[i].texts)
			usleep(1000);
	tell_driver("unbind", bus);
	for (unsigned int i = 0; i < CALLERS; i++) {
		pthread_join(w[i].thread, NULL);
		told += w[i].ret == -ENODEV;
		why += !!strstr(w[i].message, "open the model again");
		if (w[i].ret != -ENODEV)
			guest_note("%d: %s", w[i].ret, w[i].message);
	}
	is(told, CALLERS, "all that were writing get -ENODEV");
	is(why, CALLERS, "and are told what to do");
	is(answer_on(model, 0, &a), -ENODEV, "and so does who asks later");
	is(open_on("accel", demo_model(), NULL, &w[0].model), -ENODEV,
	   "there is no chip");
	ctrans_model_close(model);

	must(!open_on(NULL, demo_model(), NULL, &model));
	must(!ctrans_model_info(model, &info, sizeof(info)));
	is(info.device.is_model, 1, "nothing named: the chip model");
	ctrans_model_close(model);

	tell_driver("bind", bus);
	must(!open_on("accel", demo_model(), NULL, &model));
	check_answers(model, expected, "on the chip that is back");
	ctrans_model_close(model);
}

static void unbound(void)
{
	struct answer expected[ANSWERS];
	char bus[64];

	find_chip(bus, sizeof(bus));
	expected_answers(demo_model(), NULL, expected);
	for (unsigned int i = 0; i < 3; i++)
		one_round(bus, expected);
}

static int count_token(void *arg, uint32_t token)
{
	(void)token;
	atomic_fetch_add((_Atomic unsigned int *)arg, 1);
	return 0;
}

/* With requests in line, sessions open, and a model that nobody uses. */
static void unbound_in_line(void)
{
	struct ctrans_request *request[16];
	struct ctrans_generate_params p;
	struct ctrans_model *model, *idle;
	struct ctrans_session *session;
	struct ctrans_queue *queue;
	_Atomic unsigned int written = 0;
	const uint32_t token = 1;
	unsigned int told = 0;
	struct answer a;
	char bus[64];

	find_chip(bus, sizeof(bus));
	must(!open_on("accel", demo_model(), NULL, &model));
	must(!open_on("accel", demo_model(), NULL, &idle));
	must(!ctrans_session_open(model, &session));
	must(!ctrans_session_eval(session, &token, 1, NULL));
	must(!ctrans_queue_open(model, NULL, &queue));
	for (unsigned int i = 0; i < 16; i++) {
		answer_params(i % ANSWERS, &p);
		p.max_tokens = 0;
		p.ignore_eos = 1;
		p.token_fn = count_token;
		p.arg = &written;
		must(!ctrans_submit(queue, NULL, answer_prompt(i % ANSWERS), &p, NULL,
				    &request[i]));
	}
	while (written < 16)
		usleep(1000);
	tell_driver("unbind", bus);
	for (unsigned int i = 0; i < 16; i++) {
		struct ctrans_result *r;
		int ret;

		must(!ctrans_request_wait(request[i], -1));
		ret = ctrans_request_result(request[i], &r);
		told += ret == -ENODEV;
		if (ret != -ENODEV)
			guest_note("request %u: %d: %s", i, ret, ctrans_message());
		if (!ret)
			ctrans_result_free(r);
		ctrans_request_free(request[i]);
	}
	is(told, 16, "every request in line gets -ENODEV");
	is(ctrans_session_eval(session, &token, 1, NULL), -ENODEV,
	   "a session cannot go on");
	ctrans_session_close(session);
	must(!ctrans_queue_close(queue));
	ctrans_model_close(model);
	tell_driver("bind", bus);
	is(answer_on(idle, 0, &a), -ENODEV, "a model of before stays without a chip");
	ctrans_model_close(idle);
	must(!open_on("accel", demo_model(), NULL, &model));
	is(answer_on(model, 0, &a), 0, "a new one has it");
	ctrans_model_close(model);
	/* its node has another number, as the first was held open: back to that */
	tell_driver("unbind", bus);
	tell_driver("bind", bus);
}

/* ---- Standing still ----------------------------------------------------- */

static void timed_out(void)
{
	struct answer expected[ANSWERS];
	struct ctrans_model *model;
	char said[512];
	struct answer a;
	int64_t began;

	if (!ctl("stall on", said, sizeof(said))) {
		guest_skip("no way to stall the chip from here");
		return;
	}
	must(ctl("stall off", said, sizeof(said)));
	expected_answers(demo_model(), NULL, expected);
	must(!open_on("accel", demo_model(), NULL, &model));
	must(!answer_on(model, 0, &a));
	must(ctl("stall on", said, sizeof(said)));
	began = guest_now();
	is(answer_on(model, 1, &a), -EIO, "a job without progress is ended");
	ok(guest_now() - began > 5 * SECOND, "not before its time");
	ok(strstr(ctrans_message(), "no progress"), "and it is said why: %s",
	   ctrans_message());
	must(ctl("stall off", said, sizeof(said)));
	check_answers(model, expected, "the model works on");
	ctrans_model_close(model);
}

static const struct guest_test tests[] = {
	{ "unbound", unbound, 250 },
	{ "unbound_in_line", unbound_in_line, 240 },
	{ "timed_out", timed_out, 240 },
};

GUEST_MAIN(tests)
