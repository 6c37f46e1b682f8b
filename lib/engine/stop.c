// SPDX-License-Identifier: MIT
#include "engine/stop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text/utf8.h"

/* The state after @byte in state @at < len. */
static uint32_t advance(const struct ct_stop *stop, uint32_t at, char byte)
{
	while (at && stop->text[at] != byte)
		at = stop->border[at - 1];
	return at + (stop->text[at] == byte);
}

static int stop_init(struct ct_stop *stop, const char *string, size_t number,
		     struct ct_err *err)
{
	size_t len;
	uint32_t i;

	if (!string)
		return ct_fail(err, -EINVAL, "stop string %zu is NULL", number);
	len = strnlen(string, CT_STOP_LENGTH_MAX + 1);
	if (!len)
		return ct_fail(err, -EINVAL,
			       "stop string %zu is empty: it would end every text at once",
			       number);
	if (len > CT_STOP_LENGTH_MAX)
		return ct_fail(err, -E2BIG,
			       "stop string %zu is longer than %u bytes", number,
			       CT_STOP_LENGTH_MAX);
	if (ct_utf8_valid(string, len) != len)
		return ct_fail(err, -EINVAL,
			       "stop string %zu is not UTF-8, which all generated text is: it could never appear",
			       number);

	stop->len = len;
	stop->text = malloc(len);
	stop->border = malloc(len * sizeof(*stop->border));
	if (!stop->text || !stop->border)
		return ct_fail(err, -ENOMEM, "no memory for stop string %zu",
			       number);
	memcpy(stop->text, string, len);
	stop->border[0] = 0;
	for (i = 1; i < stop->len; i++)
		stop->border[i] = advance(stop, stop->border[i - 1],
					  stop->text[i]);
	return 0;
}

int ct_stops_init(struct ct_stops *stops, const char *const *strings, size_t n,
		  struct ct_err *err)
{
	size_t i;
	int ret;

	*stops = (struct ct_stops){ 0 };
	if (!n)
		return 0;
	if (!strings)
		return ct_fail(err, -EINVAL, "n_stop is %zu and stop is NULL", n);
	if (n > CT_STOPS_MAX)
		return ct_fail(err, -E2BIG, "%zu stop strings: at most %u", n,
			       CT_STOPS_MAX);
	stops->v = calloc(n, sizeof(*stops->v));
	if (!stops->v)
		return ct_fail(err, -ENOMEM, "no memory for %zu stop strings",
			       n);
	stops->n = n;
	for (i = 0; i < n; i++) {
		ret = stop_init(&stops->v[i], strings[i], i, err);
		if (ret) {
			ct_stops_free(stops);
			return ret;
		}
	}
	return 0;
}

void ct_stops_free(struct ct_stops *stops)
{
	size_t i;

	for (i = 0; i < stops->n; i++) {
		free(stops->v[i].text);
		free(stops->v[i].border);
	}
	free(stops->v);
	*stops = (struct ct_stops){ 0 };
}

uint32_t ct_stops_push(struct ct_stops *stops, char byte)
{
	struct ct_stop *stop;
	uint32_t found = 0;
	size_t i;

	stops->held = 0;
	for (i = 0; i < stops->n; i++) {
		stop = &stops->v[i];
		stop->at = advance(stop, stop->at, byte);
		if (stop->at == stop->len) {
			if (stop->len > found)
				found = stop->len;
			stop->at = stop->border[stop->len - 1];
		}
		if (stop->at > stops->held)
			stops->held = stop->at;
	}
	return found;
}
