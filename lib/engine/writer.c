// SPDX-License-Identifier: MIT
#include "engine/writer.h"

#include <errno.h>

int ct_writer_init(struct ct_writer *w,
		   const struct ctrans_generate_params *params,
		   struct ct_err *err)
{
	*w = (struct ct_writer){ .fn = params->text_fn, .arg = params->arg };
	return ct_stops_init(&w->stops, params->stop, params->n_stop, err);
}

void ct_writer_free(struct ct_writer *w)
{
	ct_stops_free(&w->stops);
	ct_buf_free(&w->text);
}

static int no_memory(struct ct_err *err)
{
	return ct_fail(err, -ENOMEM, "no memory for the new text");
}

/* Hand out the text up to @end. */
static int send(struct ct_writer *w, size_t end, struct ct_err *err)
{
	char *p, after;

	if (end == w->sent)
		return 0;
	if (ct_buf_reserve(&w->text, 1))
		return no_memory(err);
	if (w->fn) {
		/* Terminated in place; what is held back follows. */
		p = w->text.data + end;
		after = end < w->text.n ? *p : '\0';
		*p = '\0';
		w->canceled = w->fn(w->arg, w->text.data + w->sent,
				    end - w->sent) != 0;
		*p = after;
	}
	w->sent = end;
	if (w->canceled)
		w->text.n = end;
	return 0;
}

/* Look for stop strings in the text from @from on. */
static void scan(struct ct_writer *w, size_t from)
{
	uint32_t len;
	size_t i;

	for (i = from; i < w->text.n; i++) {
		len = ct_stops_push(&w->stops, w->text.data[i]);
		if (len) {
			w->text.n = i + 1 - len;
			w->stopped = true;
			return;
		}
	}
}

int ct_writer_push(struct ct_writer *w, const char *bytes, size_t len,
		   struct ct_err *err)
{
	size_t from = w->text.n;

	if (ct_utf8_stream_push(&w->stream, bytes, len, &w->text))
		return no_memory(err);
	scan(w, from);
	return send(w, w->text.n - (w->stopped ? 0 : w->stops.held), err);
}

int ct_writer_end(struct ct_writer *w, struct ct_err *err)
{
	size_t from = w->text.n;

	if (!w->stopped && !w->canceled) {
		if (ct_utf8_stream_flush(&w->stream, &w->text))
			return no_memory(err);
		scan(w, from);
		if (send(w, w->text.n, err))
			return -ENOMEM;
	}
	if (ct_buf_reserve(&w->text, 1))
		return no_memory(err);
	w->text.data[w->text.n] = '\0';
	return 0;
}
