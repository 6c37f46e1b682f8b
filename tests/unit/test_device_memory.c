// SPDX-License-Identifier: MIT
/* Device memory: whose it is, that it is zero, and when there is none. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "chip_must.h"
#include "device/arena.h"
#include "device/device.h"
#include "fail_alloc.h"

#define BUFFERS 64u

static uint32_t rnd(void)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32);
}

static uint64_t some_size(void)
{
	switch (rnd() % 8) {
	case 0:		return 1 + rnd() % 100;
	case 1:		return 4096;
	case 2:		return (1u << 20) - 8192 + rnd() % 16384;
	case 3:		return (2u << 20) + rnd() % 5000;
	case 4:		return 1 + rnd() % (7u << 20);
	default:	return 1 + rnd() % 100000;
	}
}

static bool zero(const uint8_t *p, uint64_t n)
{
	uint64_t i = 0;

	while (i < n && !p[i])
		i++;
	return i == n;
}

/* The chip reads and writes it: a NORM of one row, in place, of zeros. */
static void chip_reaches(struct ct_device *dev, struct ct_queue *q,
			 const struct ct_buf_dev *x)
{
	struct ct_buf_dev ctl;
	struct ctrans_insn *insn;
	struct ctrans_args *args;
	struct ctrans_sqe sqe;
	struct ctrans_cqe cqe;
	float *bias;

	MUST(!ct_device_alloc(dev, 4096, &ctl, NULL));
	args = ctl.cpu;
	args->n_rows = 1;
	insn = (struct ctrans_insn *)((uint8_t *)ctl.cpu + 1024);
	bias = (float *)((uint8_t *)ctl.cpu + 2048);
	for (int i = 0; i < 16; i++)
		bias[i] = (float)i;
	insn->op = CTRANS_INSN_NORM;
	insn->norm = (struct ctrans_insn_norm){
		.in_va = x->va, .out_va = x->va, .gain_va = ctl.va + 3072,
		.bias_va = ctl.va + 2048, .in_stride = 64, .out_stride = 64, .n = 16,
		.eps_f32 = 0x3f800000,
	};
	sqe = (struct ctrans_sqe){ .op = CTRANS_OP_RUN, .prog_va = ctl.va + 1024,
				   .prog_len = sizeof(*insn), .args_va = ctl.va };
	MUST(!ct_queue_submit(q, &sqe) && !ct_queue_wait(q, &cqe, NULL));
	MUST(cqe.status == CTRANS_ST_OK);
	MUST(!memcmp(x->cpu, bias, 64));
	ct_device_free(dev, &ctl);
}

START_TEST(random_buffers)
{
	struct ct_buf_dev buf[BUFFERS] = { 0 };
	struct ct_device *dev;
	struct ct_queue *q;

	MUST(!ct_device_open("sim:threads=1", &dev, NULL));
	MUST(!ct_queue_open(dev, 3, &q, NULL));
	for (int n = 0; n < 2000; n++) {
		uint32_t i = rnd() % BUFFERS;
		struct ct_buf_dev *b = &buf[i];

		if (b->size) {	/* still what was written when it was made */
			const uint8_t *p = b->cpu;

			ck_assert_uint_eq(p[0], (uint8_t)i);
			ck_assert_uint_eq(p[b->size - 1], (uint8_t)i);
			ct_device_free(dev, b);
			ck_assert_uint_eq(b->size, 0);
			continue;
		}
		MUST(!ct_device_alloc(dev, some_size(), b, NULL));
		ck_assert_uint_eq(b->va % 4096, 0);
		ck_assert_uint_ge(b->va, CTRANS_VA_MIN);
		if (b->size >= 1u << 20)
			ck_assert_uint_eq(b->va % (2u << 20), 0);
		ck_assert(zero(b->cpu, b->size));
		for (uint32_t j = 0; j < BUFFERS; j++)
			if (j != i && buf[j].size)
				ck_assert(b->va + b->size <= buf[j].va ||
					  buf[j].va + buf[j].size <= b->va);
		if (n % 50 == 0 && b->size >= 64)
			chip_reaches(dev, q, b);
		memset(b->cpu, (int)i, b->size);
	}
	for (uint32_t i = 0; i < BUFFERS; i++)
		ct_device_free(dev, &buf[i]);
	ct_queue_close(q);
	ct_device_close(dev);
}
END_TEST

/* Allocated and freed for ever, it does not grow. */
START_TEST(reuse)
{
	struct ct_buf_dev a, b;
	uint64_t highest = 0;
	struct ct_device *dev;

	MUST(!ct_device_open("sim:threads=1", &dev, NULL));
	for (int i = 0; i < 500; i++) {
		MUST(!ct_device_alloc(dev, 5u << 20, &a, NULL));
		MUST(!ct_device_alloc(dev, 100000, &b, NULL));
		if (i == 2)
			highest = a.va > b.va ? a.va : b.va;
		if (i > 2)
			ck_assert(a.va <= highest && b.va <= highest);
		ct_device_free(dev, i % 2 ? &a : &b);
		ct_device_free(dev, i % 2 ? &b : &a);
	}
	ct_device_close(dev);
}
END_TEST

/* Over a GiB boundary a second table of 2 MiB pages is made. */
START_TEST(beyond_a_gib)
{
	struct ct_buf_dev big, small;
	struct ct_device *dev;
	struct ct_queue *q;

	MUST(!ct_device_open("sim:threads=1", &dev, NULL));
	MUST(!ct_queue_open(dev, 3, &q, NULL));
	MUST(!ct_device_alloc(dev, 2ull << 30, &big, NULL));	/* untouched */
	MUST(!ct_device_alloc(dev, 1u << 20, &small, NULL));
	chip_reaches(dev, q, &small);
	big.va += big.size - 4096;
	big.cpu = (uint8_t *)big.cpu + big.size - 4096;
	chip_reaches(dev, q, &big);
	ct_queue_close(q);
	ct_device_close(dev);
}
END_TEST

START_TEST(no_memory)
{
	struct ct_buf_dev buf;
	struct ct_device *dev;
	struct ct_err err;

	MUST(!ct_device_open("sim:threads=1", &dev, NULL));
	ck_assert_int_eq(ct_device_alloc(dev, 0, &buf, &err), -EINVAL);
	ck_assert_int_eq(ct_device_alloc(dev, UINT64_MAX, &buf, &err), -ENOMEM);
	ck_assert_int_eq(ct_device_alloc(dev, 1ull << 39, &buf, &err), -ENOMEM);
	ck_assert_int_eq(ct_device_room(dev, 1ull << 50, &err), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(err.msg, "MiB"));
	ck_assert_int_eq(ct_device_room(dev, 1, &err), 0);
	/* and goes on */
	ck_assert_int_eq(ct_device_alloc(dev, 4096, &buf, &err), 0);
	ct_device_free(dev, &buf);
	ct_device_close(dev);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
START_TEST(address_space_limit)
{
	struct rlimit lim = { 1ull << 30, 1ull << 30 };
	struct ct_buf_dev buf[8];
	struct ct_device *dev;
	struct ct_err err;
	int n = 0, ret;

	ck_assert_int_eq(setrlimit(RLIMIT_AS, &lim), 0);
	ck_assert_int_eq(ct_device_open("sim:threads=1", &dev, &err), 0);
	do {
		ret = ct_device_alloc(dev, 100u << 20, &buf[n], &err);
		n += !ret;
	} while (!ret && n < 8);
	ck_assert_int_eq(ret, -ENOMEM);
	ck_assert_int_gt(n, 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "ulimit -v"));
	while (n--)
		ct_device_free(dev, &buf[n]);
	ct_device_close(dev);
	lim.rlim_cur = 100u << 20;
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &lim), 0);
	ck_assert_int_eq(ct_device_open("sim:threads=1", &dev, &err), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(err.msg, "ulimit -v"));
}
END_TEST
#endif

/* Open, allocate, run a job, close; the n-th allocation fails. */
static int life(void)
{
	struct ct_buf_dev ctl, more[40] = { 0 };
	struct ctrans_insn *insn;
	struct ctrans_args *args;
	struct ctrans_sqe sqe;
	struct ctrans_cqe cqe;
	struct ct_device *dev;
	struct ct_queue *q = NULL;
	struct ct_err err;
	int ret;

	ret = ct_device_open("sim:threads=2,kernel=generic", &dev, &err);
	if (ret)
		return ret;
	ret = ct_device_alloc(dev, 1 << 16, &ctl, &err);
	/* holes, so that the list of them grows */
	for (int i = 0; i < 40 && !ret; i++)
		ret = ct_device_alloc(dev, 8192, &more[i], &err);
	for (int i = 0; i < 40; i += 2)
		ct_device_free(dev, &more[i]);
	for (int i = 0; i < 40 && !ret; i += 2)
		ret = ct_device_alloc(dev, 4096, &more[i], &err);
	if (!ret)
		ret = ct_queue_open(dev, 3, &q, &err);
	if (ret)
		goto out;
	args = ctl.cpu;
	args->n_rows = 4;
	insn = (struct ctrans_insn *)((uint8_t *)ctl.cpu + 1024);
	insn->op = CTRANS_INSN_NORM;
	insn->norm = (struct ctrans_insn_norm){ .in_va = ctl.va + 8192,
		.out_va = ctl.va + 16384, .gain_va = ctl.va + 4096, .in_stride = 256,
		.out_stride = 256, .n = 64 };
	sqe = (struct ctrans_sqe){ .op = CTRANS_OP_RUN, .prog_va = ctl.va + 1024,
				   .prog_len = sizeof(*insn), .args_va = ctl.va };
	MUST(!ct_queue_submit(q, &sqe));
	MUST(!ct_queue_wait(q, &cqe, &err));
	if (cqe.status == CTRANS_ST_BUS)	/* the chip model had no memory */
		ret = -ENOMEM;
	else
		MUST(cqe.status == CTRANS_ST_OK);
out:
	ct_queue_close(q);
	for (int i = 0; i < 40; i++)
		ct_device_free(dev, &more[i]);
	ct_device_close(dev);
	return ret;
}

START_TEST(failing_allocations)
{
	unsigned long n = 1;

	for (;; n++) {
		int ret;

		fail_alloc_at(n);
		ret = life();
		if (!fail_alloc_stop()) {
			ck_assert_int_eq(ret, 0);
			break;
		}
		/* that of a freed stretch is lost silently */
		ck_assert_msg(ret == -ENOMEM || ret == 0, "allocation %lu: %d", n, ret);
	}
	ck_assert_uint_gt(n, 10);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("device_memory");
	TCase *t = tcase_create("memory");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 100);
	tcase_add_test(t, random_buffers);
	tcase_add_test(t, reuse);
	tcase_add_test(t, beyond_a_gib);
	tcase_add_test(t, no_memory);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	tcase_add_test(t, address_space_limit);
#endif
	tcase_add_test(t, failing_allocations);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
