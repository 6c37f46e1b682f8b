// SPDX-License-Identifier: MIT
/* Counters, of files and of the chip: what completions say is what they show. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jobs.h"
#include "power.h"
#include "sysfs.h"
#include "test_telemetry.h"

#define ENERGY	"ctrans-energy-nj"

/* Jobs of one part each, one after the other; what their completions say. */
static void work(struct rig *rig, unsigned int jobs, uint64_t *pj, uint64_t *cycles)
{
	struct ctrans_cqe cqe;
	struct ctrans_sqe sqe;

	*pj = *cycles = 0;
	while (jobs--) {
		sqe = rig_long(rig, 1);
		queue_send(&rig->q, &sqe);
		must(!queue_finish(&rig->q, 60 * SECOND));
		must(queue_take(&rig->q, &cqe) && cqe.status == CTRANS_ST_OK);
		*pj += cqe.energy_pj;
		*cycles += cqe.cycles;
	}
}

static bool near(int64_t a, int64_t b, int64_t by)
{
	if (llabs(a - b) > by)
		guest_note("%lld is not %lld", (long long)a, (long long)b);
	return llabs(a - b) <= by;
}

void counts_of_files(void)
{
	struct rig a, b;
	int64_t vector, energy;
	uint64_t pj, cycles;

	rig_open(&a);
	rig_open(&b);
	ok(fdinfo_number(a.fd, "drm-client-id") !=
	   fdinfo_number(b.fd, "drm-client-id"), "files have ids of their own");
	is(fdinfo_number(a.fd, "drm-engine-vector"), 0, "nothing used at first");
	is(fdinfo_number(a.fd, ENERGY), 0, "nor energy");

	must(clock_pin(50000));
	work(&a, 3, &pj, &cycles);
	vector = fdinfo_number(a.fd, "drm-engine-vector");
	energy = fdinfo_number(a.fd, ENERGY);
	ok(pj > 0 && near(energy, (int64_t)(pj / 1000), 2),
	   "the energy that completions have said: %lld nJ", (long long)energy);
	/* 50 MHz: 20 ns each */
	ok(vector > 0 && (uint64_t)vector <= cycles * 20,
	   "busy no longer than the jobs: %lld ns", (long long)vector);
	ok(fdinfo_number(a.fd, "drm-engine-dense") >= 0 &&
	   fdinfo_number(a.fd, "drm-engine-spiking") >= 0 &&
	   fdinfo_number(a.fd, "drm-engine-external") >= 0, "all domains are there");
	is(fdinfo_number(a.fd, "drm-maxfreq-vector"), 200000000, "the fastest clock");
	is(fdinfo_number(b.fd, "drm-engine-vector"), 0, "another file used nothing");
	is(fdinfo_number(b.fd, ENERGY), 0, "and no energy");

	/* The slot's registers go on counting; its next owner starts from zero. */
	queue_close(&a.q);
	is(fdinfo_number(a.fd, ENERGY), energy, "a queue destroyed is not forgotten");
	rig_close(&b);
	rig_open(&b);
	is(fdinfo_number(b.fd, ENERGY), 0, "its slot's next owner begins at zero");
	work(&b, 1, &pj, &cycles);
	ok(near(fdinfo_number(b.fd, ENERGY), (int64_t)(pj / 1000), 2),
	   "and counts its own");
	is(fdinfo_number(a.fd, ENERGY), energy, "which is not the other's");
	rig_close(&b);
	close(a.fd);
	clock_free();
}

#define SIZE	(1 << 20)

void counts_of_memory(void)
{
	int64_t before, after, total, resident;
	uint32_t vm, handle;
	int fd = accel_open();

	must(!sysfs_number("npu_memory_utilization", &before));
	is(fdinfo_number(fd, "drm-total-memory"), 0, "a file begins without memory");
	must(!bo_create(fd, SIZE, &handle));
	total = fdinfo_number(fd, "drm-total-memory");
	resident = fdinfo_number(fd, "drm-resident-memory");
	is(total, SIZE, "a buffer");
	/* newer kernels leave a zero out */
	ok(resident <= 0, "has no memory before it is used");

	vm = vm_must(fd);
	must(!vm_map(fd, vm, handle, RIG_VA, 0, SIZE / 2, 0));
	must(!vm_map(fd, vm, handle, RIG_VA + SIZE, 0, SIZE, 0));
	is(fdinfo_number(fd, "drm-resident-memory"), SIZE, "bound it is resident");
	must(!sysfs_number("npu_memory_utilization", &after));
	is(after - before, SIZE, "bound twice it is bound memory once");

	must(!vm_unmap(fd, vm, RIG_VA, SIZE / 2));
	must(!vm_unmap(fd, vm, RIG_VA + SIZE, SIZE));
	must(!sysfs_number("npu_memory_utilization", &after));
	is(after, before, "unbound it is none");
	bo_close(fd, handle);
	is(fdinfo_number(fd, "drm-total-memory"), 0, "closed it is none of the file's");
	close(fd);
}

/* Counters go on where registers begin again. */
void counts_go_on(void)
{
	int64_t uj, nj, more, us, us_more;
	uint64_t pj, cycles, pj2;
	struct rig rig;

	rig_open(&rig);
	must(!sysfs_number("hwmon/hwmon*/energy1_input", &uj));
	must(!sysfs_number("npu_busy_time_us", &us));
	must(clock_pin(50000));
	work(&rig, 3, &pj, &cycles);
	must(!sysfs_number("hwmon/hwmon*/energy1_input", &more));
	must(!sysfs_number("npu_busy_time_us", &us_more));
	ok(near(more - uj, (int64_t)(pj / 1000000), 1), "energy in microjoules");
	ok(near(us_more - us, (int64_t)(cycles / 50), 2),
	   "time in microseconds, of cycles");

	nj = fdinfo_number(rig.fd, ENERGY);
	ok(power_sleeps_within(30000), "the chip falls asleep");
	is(fdinfo_number(rig.fd, ENERGY), nj, "a file's energy is the same");
	must(!sysfs_number("hwmon/hwmon*/energy1_input", &uj));
	is(uj, more, "the chip's, too");
	work(&rig, 2, &pj2, &cycles);
	ok(near(fdinfo_number(rig.fd, ENERGY), nj + (int64_t)(pj2 / 1000), 2),
	   "awake it goes on");
	pj += pj2;

	must(!sysfs_write("reset", "1"));
	nj = fdinfo_number(rig.fd, ENERGY);
	ok(near(nj, (int64_t)(pj / 1000), 4), "a reset of the bus changes nothing");
	work(&rig, 2, &pj2, &cycles);
	ok(near(fdinfo_number(rig.fd, ENERGY), nj + (int64_t)(pj2 / 1000), 2),
	   "and it goes on");
	must(!sysfs_number("hwmon/hwmon*/energy1_input", &more));
	ok(more - uj >= (int64_t)(pj2 / 1000000), "the chip's as well");
	rig_close(&rig);
	clock_free();
}

/* ---- Tracepoints ----------------------------------------------------------- */

#define TRACE	"/sys/kernel/tracing/instances/telemetry"

void trace_events(void)
{
	static char text[1 << 20];
	struct drm_ctrans_queue_get_state st;
	struct ctrans_sqe bad;
	struct rig rig;
	uint64_t pj, cycles;

	must(!mkdir(TRACE, 0700));
	must(!sysfs_write(TRACE "/events/ctrans/enable", "1"));
	rig_open(&rig);
	must(clock_pin(50000));
	must(clock_pin(87500));
	work(&rig, 2, &pj, &cycles);
	bad = nop(0);
	bad.op = CTRANS_OP_RUN;
	bad.prog_va = RIG_VA + RIG_SPAN;
	bad.prog_len = 64;
	queue_send(&rig.q, &bad);
	queue_finish(&rig.q, 60 * SECOND);
	/* which looks, where the interrupt may be late */
	must(!queue_get_state(rig.fd, rig.q.id, &st));
	must(vm_unmap(rig.fd, rig.vm, RIG_VA + (1 << 30), PAGE) < 0);
	rig_close(&rig);
	must(!sysfs_write(TRACE "/events/ctrans/enable", "0"));
	must(!sysfs_read(TRACE "/trace", text, sizeof(text)));
	rmdir(TRACE);
	clock_free();

	ok(strstr(text, "ctrans_queue_create: slot=0 pid=") &&
	   strstr(text, " sq=64 cq=64"), "a queue is made");
	ok(strstr(text, "ctrans_bind: ctx=") &&
	   strstr(text, "va=0x200000 size=0x10000 flags=0x0"), "memory is bound");
	ok(strstr(text, "ctrans_irq: vector=") &&
	   strstr(text, "pending=0x1"), "it completes");
	ok(strstr(text, "ctrans_opp: khz=87500"), "the clock changes");
	ok(strstr(text, "ctrans_fault: slot=0 error="), "a job fails");
	ok(strstr(text, "ctrans_queue_state: slot=0 old=READY new=FAULTED"),
	   "which stops its queue");
	ok(strstr(text, "ctrans_queue_state: slot=0 old=FAULTED new=LOST") &&
	   strstr(text, "ctrans_queue_destroy: slot=0"), "which is destroyed");
	ok(strstr(text, "ctrans_unbind: ctx="), "memory is unbound");
}

/* ---- debugfs ----------------------------------------------------------------- */

#define DEBUG	"/sys/kernel/debug/accel/0000:*/"

void debugfs_files(void)
{
	char text[16384], want[64];
	struct rig rig;
	uint64_t pj, cycles;

	rig_open(&rig);
	power_on();
	work(&rig, 1, &pj, &cycles);
	must(!sysfs_read(DEBUG "queues", text, sizeof(text)));
	snprintf(want, sizeof(want), "%7d guest_telemetry", (int)getpid());
	ok(strstr(text, want), "the queue and whose it is");
	ok(strstr(text, "READY"), "and that it is well");
	must(!sysfs_read(DEBUG "vms", text, sizeof(text)));
	snprintf(want, sizeof(want), "%14llu", (unsigned long long)
		 (RIG_SIZE + rig.slow.size));
	ok(strstr(text, want), "the space and its bytes");
	must(!sysfs_read(DEBUG "registers", text, sizeof(text)));
	ok(strstr(text, "ID           0x4e525443"), "registers of a chip awake");
	must(!sysfs_read(DEBUG "opps", text, sizeof(text)));
	ok(strstr(text, "200000  1100") && strchr(text, '*'), "operating points");
	power_default();
	ok(power_sleeps_within(30000), "it falls asleep");
	must(!sysfs_read(DEBUG "registers", text, sizeof(text)));
	ok(!strcmp(text, "asleep"), "asleep there are none");
	must(!sysfs_read(DEBUG "queues", text, sizeof(text)));
	ok(strstr(text, " -      -"), "nor of the queue");
	must(!sysfs_read("power/runtime_status", text, sizeof(text)));
	ok(!strcmp(text, "suspended"), "and that wakes nobody");
	rig_close(&rig);
}
