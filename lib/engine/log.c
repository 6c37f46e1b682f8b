// SPDX-License-Identifier: MIT
#include "engine/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	ctrans_log_fn *fn;
	void *arg;
	enum ctrans_log_level most;
} current;

void ct_log(enum ctrans_log_level level, const char *fmt, ...)
{
	__typeof__(current) log;
	char line[512];
	va_list ap;

	/* A copy: the function called may take its time, or set another. */
	pthread_mutex_lock(&lock);
	log = current;
	pthread_mutex_unlock(&lock);
	if (!log.fn || level > log.most)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log.fn(log.arg, level, line);
}

void ctrans_set_log(ctrans_log_fn *fn, void *arg, enum ctrans_log_level most)
{
	pthread_mutex_lock(&lock);
	current.fn = fn;
	current.arg = arg;
	current.most = most;
	pthread_mutex_unlock(&lock);
}
