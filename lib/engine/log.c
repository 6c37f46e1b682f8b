// SPDX-License-Identifier: MIT
#include "engine/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ct_log current;

struct ct_log ct_log_current(void)
{
	struct ct_log log;

	pthread_mutex_lock(&lock);
	log = current;
	pthread_mutex_unlock(&lock);
	return log;
}

void ct_log(const struct ct_log *log, enum ctrans_log_level level,
	    const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (!log || !log->fn || level > log->most)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log->fn(log->arg, level, line);
}

void ctrans_set_log(ctrans_log_fn *fn, void *arg, enum ctrans_log_level most)
{
	pthread_mutex_lock(&lock);
	current = (struct ct_log){ .fn = fn, .arg = arg, .most = most };
	pthread_mutex_unlock(&lock);
}
