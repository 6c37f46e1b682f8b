// SPDX-License-Identifier: MIT
/* ctrans-vdev: the C-Transformer chip as a PCIe device for QEMU. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "server.h"

#define EXIT_USAGE	2
#define EXIT_VIOLATIONS	3

struct arguments {
	struct vdev_options options;
	const char *socket, *control;
};

static const char usage[] =
	"Usage: ctrans-vdev --socket PATH [OPTION]...\n"
	"The C-Transformer chip as a PCIe device: a vfio-user server for QEMU (10.1 or\n"
	"newer), which attaches it with\n"
	"\n"
	"  -M q35,memory-backend=ram\n"
	"  -object memory-backend-memfd,id=ram,size=512M,share=on\n"
	"  -device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"path\":\"PATH\",\"type\":\"unix\"},\n"
	"            \"x-msg-timeout\":60000}'\n"
	"\n"
	"  -s, --socket PATH    the socket that QEMU connects to\n"
	"  -c, --control PATH   a socket for commands: violations, clear, state,\n"
	"                       faults, fault NAME [VALUE], fault off, stall on,\n"
	"                       stall off, quit; a line each way\n"
	"  -t, --threads N      threads that compute (0: one for each CPU)\n"
	"  -k, --kernel NAME    how they compute: auto, reference, generic, ...\n"
	"  -i, --irq KIND       msix (17 vectors), msi or intx\n"
	"  -v, --verbose        say what happens, on standard error\n"
	"  -h, --help           this text\n"
	"  -V, --version        the version\n"
	"\n"
	"Ends with SIGTERM or SIGINT, and then says how often a driver did what it must\n"
	"not: status 0 never, 3 if it did and nobody cleared the count; 1 means that the\n"
	"server failed, 2 that it did not understand its options.\n";

static const struct option longs[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "control", required_argument, NULL, 'c' },
	{ "threads", required_argument, NULL, 't' },
	{ "kernel", required_argument, NULL, 'k' },
	{ "irq", required_argument, NULL, 'i' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 }
};

static int bad(const char *what, const char *value)
{
	fprintf(stderr, "ctrans-vdev: %s \"%s\"; try --help\n", what, value);
	return EXIT_USAGE;
}

static int parse_threads(const char *text, unsigned int *threads)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n > CHIP_THREADS_MAX)
		return bad("not a number of threads:", text);
	*threads = (unsigned int)n;
	return 0;
}

static int parse_irq(const char *text, enum vdev_irq_kind *irq)
{
	if (!strcmp(text, "msix"))
		*irq = VDEV_MSIX;
	else if (!strcmp(text, "msi"))
		*irq = VDEV_MSI;
	else if (!strcmp(text, "intx"))
		*irq = VDEV_INTX;
	else
		return bad("no kind of interrupt:", text);
	return 0;
}

/* Exit status, or -1: go on. */
static int parse(int argc, char **argv, struct arguments *a)
{
	int opt, ret = 0;

	while (!ret && (opt = getopt_long(argc, argv, "s:c:t:k:i:vhV", longs, NULL)) != -1) {
		switch (opt) {
		case 's':
			a->socket = optarg;
			break;
		case 'c':
			a->control = optarg;
			break;
		case 't':
			ret = parse_threads(optarg, &a->options.threads);
			break;
		case 'k':
			a->options.kernel = optarg;
			break;
		case 'i':
			ret = parse_irq(optarg, &a->options.irq);
			break;
		case 'v':
			a->options.verbose = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		case 'V':
			puts("ctrans-vdev " VDEV_RELEASE);
			exit(EXIT_SUCCESS);
		default:
			fputs("Try ctrans-vdev --help.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (ret)
		return ret;
	if (optind < argc)
		return bad("unexpected", argv[optind]);
	if (!a->socket) {
		fputs("ctrans-vdev: --socket PATH is needed; try --help\n", stderr);
		return EXIT_USAGE;
	}
	return 0;
}

static int open_socket(const char *path)
{
	int fd = vdev_listen(path);

	if (fd < 0)
		fprintf(stderr, "ctrans-vdev: cannot listen at %s: %s\n", path, strerror(-fd));
	return fd;
}

/* Blocked from now on, in all threads: they come by this descriptor. */
static int catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void report(struct vdev *v)
{
	fprintf(stderr, "ctrans-vdev: %" PRIu64 " violations", vdev_violations(v));
	for (unsigned int i = 0; i < VDEV_VIOLATIONS; i++)
		fprintf(stderr, "%s %s %" PRIu64, i ? "," : ":", vdev_violation_name(i),
			atomic_load(&v->violations[i]));
	fputc('\n', stderr);
}

static int run(const struct arguments *a, struct vdev *v, int stop)
{
	int listener = open_socket(a->socket), control = -1, ret = 0;

	if (listener < 0)
		return EXIT_FAILURE;
	if (a->control)
		ret = control = open_socket(a->control);
	if (ret >= 0) {
		ret = vdev_serve(v, listener, control, stop);
		if (ret)
			fprintf(stderr, "ctrans-vdev: cannot serve: %s\n", strerror(-ret));
	}
	close(listener);
	unlink(a->socket);
	if (control >= 0) {
		close(control);
		unlink(a->control);
	}
	if (ret)
		return EXIT_FAILURE;
	report(v);
	return vdev_violations(v) ? EXIT_VIOLATIONS : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct arguments a = { .options.irq = VDEV_MSIX };
	struct vdev *v;
	int ret = parse(argc, argv, &a), stop;

	if (ret)
		return ret;
	stop = catch_signals();
	if (stop < 0) {
		perror("ctrans-vdev: signalfd");
		return EXIT_FAILURE;
	}
	ret = vdev_create(&a.options, &v);
	if (ret == -EINVAL)
		return bad("this CPU cannot run the kernel", a.options.kernel ?: "auto");
	if (ret) {
		fprintf(stderr, "ctrans-vdev: cannot start: %s\n", strerror(-ret));
		return EXIT_FAILURE;
	}
	ret = run(&a, v, stop);
	vdev_destroy(v);
	close(stop);
	return ret;
}
