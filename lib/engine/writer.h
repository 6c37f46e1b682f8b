/* SPDX-License-Identifier: MIT */
/*
 * New tokens' bytes on their way to the caller: made whole characters, looked
 * through for stop strings, handed out as soon as they are certain.
 */
#ifndef CT_ENGINE_WRITER_H
#define CT_ENGINE_WRITER_H

#include "ctrans.h"
#include "engine/stop.h"
#include "text/stream.h"

struct ct_writer {
	struct ct_utf8_stream stream;
	struct ct_stops stops;
	struct ct_buf text;	/* all of it, what is held back included */
	size_t sent;
	ctrans_text_fn *fn;
	void *arg;
	bool stopped;		/* by a stop string, which is cut off */
	bool canceled;		/* by @fn; the text ends with what it got */
};

int ct_writer_init(struct ct_writer *w,
		   const struct ctrans_generate_params *params,
		   struct ct_err *err);
void ct_writer_free(struct ct_writer *w);

/* Not after stopped or canceled. */
int ct_writer_push(struct ct_writer *w, const char *bytes, size_t len,
		   struct ct_err *err);

/*
 * No more tokens: hand out what was held back. Half a character at the end is
 * U+FFFD. The text is terminated then.
 */
int ct_writer_end(struct ct_writer *w, struct ct_err *err);

#endif
