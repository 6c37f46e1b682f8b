// SPDX-License-Identifier: MIT
/*
 * soak: many callers at once, for as long as one likes. Each asks in a way drawn
 * at random for what is drawn at random from a set of requests, stops some of
 * them half way, and compares what it gets with what the request gives alone.
 * A line every ten seconds; at the end latencies, and how alike the callers were
 * served. Status 1 if anything was other than alone, a caller waited too long,
 * or memory grew; leaks are for the sanitizers to find.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "caller.h"

/* A caller that waits so long waits forever. */
#define STUCK_NS	(120ull * 1000000000)
/* Seconds from which on a run's second half is no more about warming up. */
#define SETTLED		300
#define SECOND_NS	1000000000ull

static struct {
	const char *model, *device, *text;
	unsigned int callers, requests, seconds, growth;
	uint64_t seed;
} options = {
	.model = "models/demo", .device = "sim:threads=2",
	.text = "models/demo/heldout.txt",
	.callers = 32, .requests = 64, .seconds = 60, .growth = 32,
	.seed = 1,
};

static atomic_bool stop, failed;

static void on_signal(int sig)
{
	(void)sig;
	atomic_store(&stop, true);
}

static int usage(void)
{
	fputs("usage: soak [--seconds N] [--callers N] [--requests N] [--seed N]\n"
	      "            [--model PATH] [--device NAME] [--text FILE]\n"
	      "            [--growth MIB, of memory in the second half of five\n"
	      "            minutes and more; 0: any]\n",
	      stderr);
	return 2;
}

static int parse(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "callers", required_argument, NULL, 'c' },
		{ "requests", required_argument, NULL, 'r' },
		{ "seed", required_argument, NULL, 'S' },
		{ "model", required_argument, NULL, 'm' },
		{ "device", required_argument, NULL, 'd' },
		{ "text", required_argument, NULL, 't' },
		{ "growth", required_argument, NULL, 'g' },
		{ NULL, 0, NULL, 0 },
	};
	int o;

	while ((o = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		unsigned long n = optarg ? strtoul(optarg, NULL, 10) : 0;

		switch (o) {
		case 's': options.seconds = (unsigned int)n; break;
		case 'c': options.callers = (unsigned int)n; break;
		case 'r': options.requests = (unsigned int)n; break;
		case 'S': options.seed = n; break;
		case 'm': options.model = optarg; break;
		case 'd': options.device = optarg; break;
		case 't': options.text = optarg; break;
		case 'g': options.growth = (unsigned int)n; break;
		default: return usage();
		}
	}
	if (optind != argc || !options.seconds || !options.callers ||
	    !options.requests)
		return usage();
	return 0;
}

static char *read_text(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	long len = 0;

	if (f && !fseek(f, 0, SEEK_END) && (len = ftell(f)) > 0 &&
	    !fseek(f, 0, SEEK_SET)) {
		text = malloc((size_t)len + 1);
		if (text && fread(text, 1, (size_t)len, f) != (size_t)len) {
			free(text);
			text = NULL;
		}
	}
	if (f)
		fclose(f);
	if (text)
		text[len] = '\0';
	else
		fprintf(stderr, "soak: %s cannot be read\n", path);
	return text;
}

static double resident_mib(void)
{
	unsigned long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f) {
		if (fscanf(f, "%lu %lu", &size, &resident) != 2)
			resident = 0;
		fclose(f);
	}
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

struct totals {
	uint64_t requests, tokens, least, most, oldest;
	unsigned int slowest;	/* the caller whose request is the oldest */
};

static struct totals total(struct caller *callers)
{
	struct totals t = { .least = UINT64_MAX };
	uint64_t now = now_ns();

	for (unsigned int i = 0; i < options.callers; i++) {
		uint64_t n = atomic_load(&callers[i].requests);
		uint64_t since = atomic_load(&callers[i].since);

		t.requests += n;
		t.tokens += atomic_load(&callers[i].tokens);
		t.least = n < t.least ? n : t.least;
		t.most = n > t.most ? n : t.most;
		if (since && since < now && now - since > t.oldest) {
			t.oldest = now - since;
			t.slowest = i;
		}
	}
	return t;
}

/* Look on until time is up; now and then stop some caller's request. */
static double watch(struct caller *callers)
{
	uint64_t start = now_ns(), end = start + options.seconds * SECOND_NS;
	uint64_t next = start + 10 * SECOND_NS, random = options.seed;
	uint64_t half = start + options.seconds * SECOND_NS / 2;
	double before = 0;

	while (!atomic_load(&stop) && !atomic_load(&failed) && now_ns() < end) {
		struct timespec pause = { .tv_nsec = (long)
			(1000000 + draw_below(&random, 20000000)) };
		struct totals t;

		nanosleep(&pause, NULL);
		set_cancel(&callers[draw_below(&random, options.callers)], 1);
		t = total(callers);
		if (t.oldest > STUCK_NS) {
			const char *way = atomic_load(&callers[t.slowest].way);

			fprintf(stderr, "soak: caller %u waits for %.0f s: %s\n",
				t.slowest, (double)t.oldest * 1e-9, way);
			/* Its thread would never be joined. */
			_exit(1);
		}
		if (!before && now_ns() > half)
			before = resident_mib();
		if (now_ns() < next)
			continue;
		printf("%6.0f s  %9llu requests  %10llu tokens  %7.1f MiB  the oldest waits %.2f s\n",
		       (double)(now_ns() - start) * 1e-9,
		       (unsigned long long)t.requests,
		       (unsigned long long)t.tokens, resident_mib(),
		       (double)t.oldest * 1e-9);
		fflush(stdout);
		next += 10 * SECOND_NS;
	}
	return before;
}

static void show(const char *name, const struct tally *t)
{
	if (t->n)
		printf("%-18s %10llu %10.1f %10.1f %10.1f\n", name,
		       (unsigned long long)t->n, tally_quantile_ms(t, 0.5),
		       tally_quantile_ms(t, 0.99), (double)t->most * 1e-6);
}

static void report(struct caller *callers)
{
	struct totals t = total(callers);
	double low = 0, high = 0;
	uint64_t canceled = 0, refused = 0;
	struct tally *sum;

	printf("\n%-18s %10s %10s %10s %10s\n", "", "requests", "p50 ms",
	       "p99 ms", "most ms");
	for (unsigned int w = 0; ways[w].name; w++) {
		sum = calloc(1, sizeof(*sum));
		for (unsigned int i = 0; sum && i < options.callers; i++)
			tally_merge(sum, &callers[i].latency[w]);
		if (sum)
			show(ways[w].name, sum);
		free(sum);
	}
	sum = calloc(1, sizeof(*sum));
	for (unsigned int i = 0; i < options.callers; i++) {
		double p99 = tally_quantile_ms(&callers[i].first, 0.99);

		if (sum)
			tally_merge(sum, &callers[i].first);
		low = !i || p99 < low ? p99 : low;
		high = p99 > high ? p99 : high;
		canceled += callers[i].canceled;
		refused += callers[i].refused;
	}
	if (sum)
		show("first token", sum);
	free(sum);
	printf("\n%llu requests, %llu of them stopped half way, %llu refused at first;\n"
	       "of each caller %llu to %llu\n"
	       "99 in 100 first tokens within %.1f ms for the caller served best, %.1f ms worst\n",
	       (unsigned long long)t.requests, (unsigned long long)canceled,
	       (unsigned long long)refused,
	       (unsigned long long)t.least, (unsigned long long)t.most, low, high);
}

static bool start(struct caller *callers, struct ctrans_model *model,
		  struct ctrans_queue *queue, const struct request_set *set,
		  unsigned int *n)
{
	for (*n = 0; *n < options.callers; ++*n) {
		struct caller *c = &callers[*n];

		c->id = *n;
		c->model = model;
		c->queue = queue;
		c->set = set;
		c->random = options.seed * 1000003 + *n;
		c->stop = &stop;
		c->failed = &failed;
		if (pthread_create(&c->thread, NULL, caller_run, c)) {
			fprintf(stderr, "soak: thread %u cannot be made\n", *n);
			return false;
		}
	}
	return true;
}

static bool run(struct ctrans_model *model, const struct request_set *set)
{
	struct caller *callers = calloc(options.callers, sizeof(*callers));
	struct ctrans_queue_params params;
	struct ctrans_queue *queue;
	double before = 0, after;
	unsigned int n;
	bool good;

	/* Room for fewer than there are callers: some are refused and come again. */
	ctrans_queue_params_init(&params, sizeof(params));
	params.depth = options.callers / 4 + 1;
	params.active = options.callers / 8 + 1;
	if (!callers || ctrans_queue_open(model, &params, &queue)) {
		fprintf(stderr, "soak: no queue: %s\n", ctrans_message());
		free(callers);
		return false;
	}
	good = start(callers, model, queue, set, &n);
	if (good)
		before = watch(callers);
	after = resident_mib();
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < n; i++)
		pthread_join(callers[i].thread, NULL);
	good = !ctrans_queue_close(queue) && good;
	report(callers);
	free(callers);
	printf("memory %.1f MiB half way, %.1f MiB at the end\n", before, after);
	/* The first minutes fill stores that stay: of keys, of threads, of malloc. */
	if (before && options.seconds >= SETTLED && options.growth && after > before + options.growth) {
		fprintf(stderr, "soak: memory grew by more than %u MiB\n",
			options.growth);
		good = false;
	}
	return good && !atomic_load(&failed);
}

int main(int argc, char **argv)
{
	struct ctrans_model_params params;
	struct ctrans_model *model;
	struct request_set set = { 0 };
	uint64_t began = now_ns();
	bool good = false;
	char *text;

	if (parse(argc, argv))
		return 2;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	text = read_text(options.text);
	if (!text)
		return 1;
	ctrans_model_params_init(&params, sizeof(params));
	params.device = options.device;
	if (ctrans_model_open(options.model, &params, &model)) {
		fprintf(stderr, "soak: %s\n", ctrans_message());
		free(text);
		return 1;
	}
	if (request_set_make(&set, model, text, options.requests, options.seed)) {
		printf("%u requests alone: %.1f s; then %u callers for %u s, seed %llu\n",
		       options.requests, (double)(now_ns() - began) * 1e-9,
		       options.callers, options.seconds,
		       (unsigned long long)options.seed);
		fflush(stdout);
		good = run(model, &set);
	}
	request_set_free(&set);
	ctrans_model_close(model);
	free(text);
	puts(good ? "every caller got what it gets alone" : "FAILED");
	return good ? 0 : 1;
}
