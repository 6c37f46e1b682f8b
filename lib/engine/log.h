/* SPDX-License-Identifier: MIT */
/* What the library has to say, to whom an application named for it. */
#ifndef CT_ENGINE_LOG_H
#define CT_ENGINE_LOG_H

#include "ctrans.h"

struct ct_log {
	ctrans_log_fn *fn;
	void *arg;
	enum ctrans_log_level most;
};

/*
 * Where lines of something opened now go. Opened things keep the copy, so
 * that a later ctrans_set_log() does not change where theirs go.
 */
struct ct_log ct_log_current(void);

/* One line, without newline; a NULL @log is silent. */
void ct_log(const struct ct_log *log, enum ctrans_log_level level,
	    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
