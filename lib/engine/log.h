/* SPDX-License-Identifier: MIT */
/* What the library has to say, to whom an application named for it. */
#ifndef CT_ENGINE_LOG_H
#define CT_ENGINE_LOG_H

#include "ctrans.h"

/* One line, without newline, to where ctrans_set_log() has them go. */
void ct_log(enum ctrans_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
