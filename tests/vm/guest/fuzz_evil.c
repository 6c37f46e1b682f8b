// SPDX-License-Identifier: MIT
/*
 * A chip that lies: whatever register is read, every eighth answer is wrong. The
 * driver is bound to it and taken off while ordinary users do what they do. None
 * of it need work, all of it has to end.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz_program.h"
#include "pci.h"
#include "test_fuzz_cover.h"

#define USERS	3
/* One bind, unbind or reset, however often the chip has to be given up on. */
#define ACT_S	60

/* Opens, works, closes, until the kernel tells it to go; its musts may fail. */
static void user(void)
{
	guest_unheard();
	for (;;) {
		pid_t pid = fork();

		must(pid >= 0);
		if (!pid) {
			struct rig rig;

			rig_open_in(&rig, accel_open_within(5), -1, 500);
			for (int i = 0; i < 20; i++) {
				queue_nops(&rig.q, 3);
				queue_finish(&rig.q, 200 * MS);
				queue_take_all(&rig.q);
				queue_restart(rig.fd, rig.q.id);
			}
			rig_close(&rig);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		usleep(1000);
	}
}

/* By a process of its own, so that one that does not return is found. */
static bool act(int what, int64_t *worst)
{
	static const char *const names[] = { "unbind", "bind", "reset" };
	int64_t began = guest_now(), took;
	pid_t pid = fork();

	must(pid >= 0);
	if (!pid) {
		if (what == 0)
			pci_unbind();
		else if (what == 1)
			pci_bind();
		else
			pci_write("reset", "1");
		_exit(0);
	}
	while (!waitpid(pid, NULL, WNOHANG)) {
		if (guest_now() - began > ACT_S * SECOND) {
			guest_note("%s has not returned after %d s", names[what],
				   ACT_S);
			return false;
		}
		usleep(1000);
	}
	took = guest_now() - began;
	if (took > *worst)
		*worst = took;
	return true;
}

void evil(void)
{
	int64_t until = guest_now() + (fuzz_seconds < 60 ? fuzz_seconds : 60) * SECOND;
	uint64_t seed = fuzz_seed | 1;
	unsigned int rounds = 0;
	bool back = true;
	int64_t worst = 0;
	pid_t pid[USERS];

	pci_name();
	if (!chip_has_faults()) {
		guest_skip("no way to the knobs of the chip");
		return;
	}
	for (int i = 0; i < USERS; i++) {
		pid[i] = fork();
		must(pid[i] >= 0);
		if (!pid[i])
			user();
	}
	while (back && guest_now() < until) {
		char command[64];

		/* now and then one who is not even who it should be */
		snprintf(command, sizeof(command), "fault evil %u%s",
			 (unsigned int)(guest_random(&seed) >> 40),
			 rounds % 4 == 3 ? " id" : "");
		must(ctl(command, NULL, 0));
		usleep((useconds_t)(guest_random(&seed) % 500000));
		back = act((int)(guest_random(&seed) % 3), &worst) &&
		       act(1, &worst);
		rounds++;
	}
	ok(back, "%u chips that lie: binding and unbinding took %lld ms at most",
	   rounds, (long long)(worst / MS));
	for (int i = 0; i < USERS; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	if (!back)
		return;
	ctl("fault off", NULL, 0);
	pci_unbind();
	is(pci_bind(), 0, "bound to one that does not");
	ok(chip_recovers(), "which works");
}
