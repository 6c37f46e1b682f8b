// SPDX-License-Identifier: MIT
/* Devices by name, memory, queues, and threads that wait at once. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "chip_must.h"
#include "device/arena.h"
#include "device/device.h"

/* ---- Names ------------------------------------------------------------ */

START_TEST(good_names)
{
	static const struct {
		const char *name;
		uint32_t threads, mv;
		const char *kernel;
	} good[] = {
		{ "sim:threads=1", 1, 900, NULL },
		{ "sim:threads=3,kernel=reference,opp=0", 3, 700, "reference" },
		{ "sim:opp=4,threads=2,kernel=generic", 2, 1100, "generic" },
		{ "sim:kernel=auto,threads=1,", 1, 900, NULL },
	};
	struct ct_device_info info;
	struct ct_device *dev;
	unsigned int n = 0;
	struct ct_err err;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_int_eq(ct_device_open(good[i].name, &dev, &err), 0);
		ct_device_info(dev, &info);
		ck_assert_uint_eq(info.threads, good[i].threads);
		ck_assert_uint_eq(info.mv, good[i].mv);
		ck_assert(info.is_model && info.has_f32);
		ck_assert_uint_eq(info.cores, 48);
		if (good[i].kernel)
			ck_assert_str_eq(info.kernel, good[i].kernel);
		ct_device_close(dev);
		/* what it calls itself opens the same */
		ck_assert_int_eq(ct_device_open(info.name, &dev, &err), 0);
		ct_device_close(dev);
	}
	ck_assert_int_eq(ct_device_open(NULL, &dev, NULL), 0);
	ct_device_close(dev);
	ck_assert_int_eq(ct_device_open("", &dev, NULL), 0);
	ct_device_close(dev);
	ck_assert_int_eq(ct_device_open("sim", &dev, NULL), 0);
	ct_device_close(dev);
	/* behind the chips that this machine may have */
	while (!ct_device_list(n, &info))
		n++;
	ck_assert_uint_ge(n, 1);
	ck_assert_int_eq(ct_device_list(n - 1, &info), 0);
	ck_assert_str_eq(info.name, "sim");
	ct_device_close(NULL);
}
END_TEST

START_TEST(bad_names)
{
	static const struct {
		const char *name;
		int ret;
	} bad[] = {
		{ "simulator", -ENODEV }, { "si", -ENODEV }, { "accel:1048575", -ENODEV },
		{ ":", -ENODEV }, { " sim", -ENODEV },
		{ "sim:threads", -EINVAL }, { "sim:threads=", -EINVAL },
		{ "sim:threads=two", -EINVAL }, { "sim:threads=-1", -EINVAL },
		{ "sim:threads= 1", -EINVAL }, { "sim:threads=1x", -EINVAL },
		{ "sim:threads=257", -EINVAL },
		{ "sim:threads=99999999999999999999", -EINVAL },
		{ "sim:opp=5", -EINVAL }, { "sim:kernel=fast", -EINVAL },
		{ "sim:kernel", -EINVAL },
		{ "sim:kernel=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EINVAL },
		{ "sim:cpus=", -EINVAL }, { "sim:cpus=a", -EINVAL },
		{ "sim:cpus=8191", -EINVAL }, { "sim:threads=2,cpus=0", -EINVAL },
		{ "sim:color=red", -EINVAL }, { "sim:threads=1;opp=1", -EINVAL },
	};
	char options[512] = "sim:threads=1,";
	struct ct_device *dev;
	struct ct_err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err.msg[0] = '\0';
		ck_assert_msg(ct_device_open(bad[i].name, &dev, &err) == bad[i].ret,
			      "%s", bad[i].name);
		ck_assert_uint_gt(strlen(err.msg), 10);
	}
	memset(options + strlen(options), 'x', 400);
	ck_assert_int_eq(ct_device_open(options, &dev, &err), -EINVAL);
}
END_TEST

START_TEST(points)
{
	struct ctrans_chip_costs c, last = { 0 };
	struct ct_device_info info;
	struct ct_device *dev;
	struct ct_err err;
	unsigned int opp;

	ck_assert_int_eq(ct_device_open("sim:threads=1", &dev, NULL), 0);
	for (opp = 0; !ct_device_costs(dev, opp, &c, &err); opp++) {
		ck_assert_uint_eq(c.opp, opp);
		ck_assert(c.khz > last.khz && c.mac8_aj > last.mac8_aj);
		ck_assert_uint_eq(c.sram_weights + c.sram_activations, 448 << 10);
		ck_assert_int_eq(ct_device_set_opp(dev, opp, &err), 0);
		ct_device_info(dev, &info);
		ck_assert(info.khz == c.khz && info.mv == c.mv);
		last = c;
	}
	ck_assert_uint_eq(opp, 5);
	ck_assert_int_eq(ct_device_set_opp(dev, opp, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "0 to 4"));
	ct_device_info(dev, &info);
	ck_assert_uint_eq(info.khz, last.khz);
	ct_device_close(dev);
}
END_TEST

/* ---- Queues ----------------------------------------------------------- */

/* One NORM of one row: the smallest job that computes. */
struct job {
	struct ct_buf_dev buf;
	struct ctrans_sqe sqe;
};

static struct job make_job(struct ct_device *dev)
{
	struct job j;
	struct ctrans_insn *insn;
	struct ctrans_args *args;

	MUST(!ct_device_alloc(dev, 8192, &j.buf, NULL));
	args = j.buf.cpu;
	args->n_rows = 1;
	insn = (struct ctrans_insn *)((uint8_t *)j.buf.cpu + 1024);
	insn->op = CTRANS_INSN_NORM;
	insn->norm = (struct ctrans_insn_norm){
		.in_va = j.buf.va + 2048, .out_va = j.buf.va + 3072,
		.gain_va = j.buf.va + 4096, .in_stride = 256, .out_stride = 256, .n = 64,
	};
	j.sqe = (struct ctrans_sqe){ .op = CTRANS_OP_RUN, .prog_va = j.buf.va + 1024,
				     .prog_len = sizeof(*insn), .args_va = j.buf.va };
	return j;
}

START_TEST(full_ring)
{
	struct ctrans_sqe nop = { .op = CTRANS_OP_NOP };
	struct ctrans_cqe cqe;
	struct ct_device *dev;
	struct ct_queue *q;
	struct ct_err err;

	ck_assert_int_eq(ct_device_open("sim:threads=1", &dev, NULL), 0);
	ck_assert_int_eq(ct_queue_open(dev, 2, &q, &err), -EINVAL);
	ck_assert_int_eq(ct_queue_open(dev, 13, &q, &err), -EINVAL);
	ck_assert_int_eq(ct_queue_open(dev, 3, &q, &err), 0);
	ck_assert_int_eq(ct_queue_wait(q, &cqe, &err), -ENOENT);
	for (uint64_t sent = 0, seen = 0; seen < 100;) {
		while (!ct_queue_submit(q, &nop))
			nop.user_data = ++sent;
		ck_assert_int_eq(ct_queue_submit(q, &nop), -EAGAIN);
		/* the entry that did not go in is the next one */
		for (uint64_t i = 0; i < 1 + sent % 8 && seen < sent; i++) {
			ck_assert_int_eq(ct_queue_wait(q, &cqe, &err), 0);
			ck_assert_int_eq(cqe.status, CTRANS_ST_OK);
			ck_assert_uint_eq(cqe.user_data, seen);
			seen++;
		}
	}
	ct_queue_close(q);
	ct_queue_close(NULL);
	ct_device_close(dev);
}
END_TEST

START_TEST(all_slots)
{
	struct ct_queue *q[64], *more;
	struct ct_device *dev;
	struct ct_err err;

	ck_assert_int_eq(ct_device_open("sim:threads=1", &dev, NULL), 0);
	for (int round = 0; round < 3; round++) {
		struct ctrans_sqe nop = { .op = CTRANS_OP_NOP };
		struct ctrans_cqe cqe;

		for (int i = 0; i < 64; i++)
			ck_assert_int_eq(ct_queue_open(dev, 3, &q[i], &err), 0);
		ck_assert_int_eq(ct_queue_open(dev, 3, &more, &err), -EBUSY);
		for (int i = 63; i >= 0; i--) {
			ck_assert_int_eq(ct_queue_submit(q[i], &nop), 0);
			ck_assert_int_eq(ct_queue_wait(q[i], &cqe, &err), 0);
			ck_assert_int_eq(cqe.status, CTRANS_ST_OK);
		}
		for (int i = 0; i < 64; i++)
			ct_queue_close(q[i]);
	}
	ct_device_close(dev);
}
END_TEST

START_TEST(failed_then_good)
{
	struct ctrans_sqe sqe;
	struct ctrans_cqe cqe;
	struct ct_device *dev;
	struct ct_queue *q;
	struct ct_err err;
	struct job j;

	ck_assert_int_eq(ct_device_open("sim:threads=2", &dev, NULL), 0);
	ck_assert_int_eq(ct_queue_open(dev, 3, &q, &err), 0);
	j = make_job(dev);
	for (int i = 0; i < 200; i++) {
		sqe = j.sqe;
		sqe.user_data = 1;
		sqe.prog_va = 1ull << 38;
		ck_assert_int_eq(ct_queue_submit(q, &sqe), 0);
		sqe = j.sqe;
		sqe.user_data = 2;
		ck_assert_int_eq(ct_queue_submit(q, &sqe), 0);
		ck_assert_int_eq(ct_queue_wait(q, &cqe, &err), 0);
		ck_assert_int_eq(cqe.status, CTRANS_ST_FAULT);
		ck_assert_uint_eq(cqe.user_data, 1);
		ct_queue_explain(q, &cqe, &err);
		ck_assert_ptr_nonnull(strstr(err.msg, "0x4000000000"));
		ck_assert_int_eq(ct_queue_wait(q, &cqe, &err), 0);
		ck_assert_int_eq(cqe.status, CTRANS_ST_OK);
		ck_assert_uint_eq(cqe.user_data, 2);
	}
	ct_queue_close(q);
	ct_device_free(dev, &j.buf);
	ct_device_free(dev, &j.buf);	/* all zero by now: allowed */
	ct_device_close(dev);
}
END_TEST

/* ---- Threads ---------------------------------------------------------- */

struct waiter {
	struct ct_device *dev;
	unsigned int jobs, seed;
	pthread_t thread;
};

static void *wait_for_many(void *arg)
{
	struct waiter *w = arg;
	struct job j = make_job(w->dev);
	struct ctrans_sqe bad = j.sqe;
	struct ct_queue *q;
	uint64_t sent = 0, seen = 0;

	bad.flags = 1;
	MUST(!ct_queue_open(w->dev, 3, &q, NULL));
	while (seen < w->jobs) {
		unsigned int burst = (unsigned int)rand_r(&w->seed) % 4 + 1;
		struct ctrans_cqe cqe;
		struct ct_err err;

		while (burst-- && sent < w->jobs) {
			struct ctrans_sqe sqe = sent % 13 == 5 ? bad : j.sqe;

			sqe.user_data = sent;
			if (ct_queue_submit(q, &sqe))
				break;
			sent++;
		}
		burst = (unsigned int)rand_r(&w->seed) % 4 + 1;
		while (burst-- && seen < sent) {
			if (ct_queue_wait(q, &cqe, &err)) {
				fprintf(stderr, "%s\n", err.msg);
				MUST(0);
			}
			MUST(cqe.user_data == seen);
			MUST(cqe.status == (seen % 13 == 5 ? CTRANS_ST_BAD_ENTRY :
							     CTRANS_ST_OK));
			seen++;
		}
	}
	ct_queue_close(q);
	ct_device_free(w->dev, &j.buf);
	return NULL;
}

static void many(const char *device, unsigned int threads, unsigned int jobs)
{
	struct waiter w[16];
	struct ct_device *dev;

	ck_assert_int_eq(ct_device_open(device, &dev, NULL), 0);
	for (unsigned int i = 0; i < threads; i++) {
		w[i] = (struct waiter){ .dev = dev, .jobs = jobs, .seed = i + 1 };
		ck_assert_int_eq(pthread_create(&w[i].thread, NULL, wait_for_many, &w[i]), 0);
	}
	for (unsigned int i = 0; i < threads; i++)
		pthread_join(w[i].thread, NULL);
	ct_device_close(dev);
}

START_TEST(waiting_at_once)
{
	many("sim:threads=1", 2, 3000);
	many("sim:threads=2", 3, 2000);
	many("sim:threads=4", 8, 500);
	many("sim:threads=3", 16, 200);
}
END_TEST

/* More threads than CPUs that let go at any moment. */
START_TEST(on_one_cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	many("sim:threads=2", 4, 300);
	many("sim:threads=1", 8, 500);
}
END_TEST

static void *run_until_told(void *arg)
{
	struct waiter *w = arg;

	return wait_for_many(w);
}

/* Closed with work in the ring, while others go on. */
START_TEST(close_with_work)
{
	struct waiter w = { .jobs = 2000, .seed = 9 };
	struct ct_device *dev;
	struct ct_queue *q;
	struct job j;

	ck_assert_int_eq(ct_device_open("sim:threads=2", &dev, NULL), 0);
	j = make_job(dev);
	w.dev = dev;
	ck_assert_int_eq(pthread_create(&w.thread, NULL, run_until_told, &w), 0);
	for (int i = 0; i < 300; i++) {
		ck_assert_int_eq(ct_queue_open(dev, 3, &q, NULL), 0);
		for (int n = 0; n < i % 9; n++)
			(void)ct_queue_submit(q, &j.sqe);
		if (i % 3 == 0)
			sched_yield();
		ct_queue_close(q);
	}
	pthread_join(w.thread, NULL);
	ct_device_free(dev, &j.buf);
	ct_device_close(dev);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("device");
	TCase *t = tcase_create("device");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 100);
	tcase_add_test(t, good_names);
	tcase_add_test(t, bad_names);
	tcase_add_test(t, points);
	tcase_add_test(t, points);
	tcase_add_test(t, full_ring);
	tcase_add_test(t, all_slots);
	tcase_add_test(t, failed_then_good);
	tcase_add_test(t, waiting_at_once);
	tcase_add_test(t, on_one_cpu);
	tcase_add_test(t, close_with_work);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
