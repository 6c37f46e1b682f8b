// SPDX-License-Identifier: MIT
/*
 * Any bytes through a small trained vocabulary: they come back the same, whole
 * and through the streaming decoder cut anywhere. The first byte picks flags
 * and where to cut.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/bpe.h"
#include "text/stream.h"
#include "text/utf8.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ct_bpe *bpe;

static void must(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "not so: %s\n", what);
		abort();
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *data = getenv("CTRANS_TEST_DATA");
	struct ct_err err;
	char dir[4096];

	(void)argc;
	(void)argv;
	snprintf(dir, sizeof(dir), "%s/tokenizer/reference",
		 data ? data : TEST_DATA_DIR);
	if (ct_bpe_open_hf(dir, &bpe, &err)) {
		fprintf(stderr, "%s\n", err.msg);
		exit(1);
	}
	return 0;
}

static void check_stream(const char *text, size_t len, size_t cut)
{
	struct ct_utf8_stream s = { 0 };
	struct ct_buf out = { 0 };

	must(!ct_utf8_stream_push(&s, text, cut, &out), "first push");
	must(ct_utf8_valid(out.data, out.n) == out.n,
	     "a piece is whole characters");
	must(!ct_utf8_stream_push(&s, text + cut, len - cut, &out),
	     "second push");
	must(!ct_utf8_stream_flush(&s, &out), "flush");
	must(ct_utf8_valid(out.data, out.n) == out.n,
	     "shown text is UTF-8");
	ct_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ct_ids ids = { 0 };
	struct ct_buf back = { 0 };
	struct ct_err err;
	const char *text;
	size_t len, cut;

	if (size < 2)
		return 0;
	text = (const char *)data + 1;
	len = size - 1;
	cut = data[0] * len / 255;

	must(!ct_bpe_encode(bpe, text, len,
			    data[0] & 1 ? CT_BPE_PARSE_SPECIAL : 0, &ids, &err),
	     "encodes");
	must(ids.n <= len, "no more tokens than bytes");
	must(!ct_bpe_decode(bpe, ids.data, ids.n, 0, &back, &err), "decodes");
	must(back.n == len && !memcmp(back.data, text, len),
	     "the same bytes come back");
	check_stream(text, len, cut);
	ct_ids_free(&ids);
	ct_buf_free(&back);
	return 0;
}
