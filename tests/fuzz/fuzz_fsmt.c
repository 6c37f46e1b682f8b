// SPDX-License-Identifier: MIT
/*
 * FSMT's tokenizer. The first byte says what the rest is: the four files, with
 * a NUL between, or a text for the small tokenizer of the tests, cut in one of
 * several languages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/fsmt.h"
#include "text/moses.h"
#include "text/utf8.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ct_fsmt *fsmt;

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
	snprintf(dir, sizeof(dir), "%s/tokenizer/fsmt",
		 data ? data : TEST_DATA_DIR);
	if (ct_fsmt_open_hf(dir, &fsmt, &err)) {
		fprintf(stderr, "%s\n", err.msg);
		exit(1);
	}
	return 0;
}

static void use(const struct ct_fsmt *f, const char *text, size_t len)
{
	struct ct_ids ids = { 0 };
	struct ct_buf out = { 0 };
	struct ct_err err = { 0 };
	size_t i;

	if (!ct_fsmt_encode(f, text, len, &ids, &err))
		for (i = 0; i < ids.n; i++)
			must(ct_fsmt_kind(f, CT_FSMT_SOURCE, ids.data[i]) !=
			     CT_FSMT_HOLE, "an id has a token");
	else
		must(!ids.n && err.code && err.msg[0], "a failure has words");
	ids.n = 0;
	if (ct_fsmt_encode_target(f, text, len, &ids, &err))
		must(!ids.n, "a failure leaves no ids");
	must(!ct_fsmt_decode(f, ids.data, ids.n, len % 2, &out, &err),
	     "decodes");
	must(!out.n || ct_utf8_valid(out.data, out.n) == out.n,
	     "text is UTF-8");
	ct_ids_free(&ids);
	ct_buf_free(&out);
}

static void try_files(const char *data, size_t size)
{
	static const char text[] = "ab aab's, \"abc\xff\" d... \xc3\xa9 12 b-a";
	struct ct_fsmt_files files = { 0 };
	struct { const char *data; size_t len; } part[4];
	struct ct_fsmt *f = NULL;
	struct ct_err err = { 0 };
	const char *end;
	int i, ret;

	for (i = 0; i < 4; i++) {
		end = memchr(data, 0, size);
		part[i].data = data;
		part[i].len = end && i < 3 ? (size_t)(end - data) : size;
		data += part[i].len;
		size -= part[i].len;
		if (size) {
			data++;
			size--;
		}
	}
	files.src.data = part[0].data;
	files.src.len = part[0].len;
	files.tgt.data = part[1].data;
	files.tgt.len = part[1].len;
	files.merges.data = part[2].data;
	files.merges.len = part[2].len;
	files.config.data = part[3].data;
	files.config.len = part[3].len;
	ret = ct_fsmt_open(&files, &f, &err);
	if (ret) {
		must(ret == err.code && err.msg[0] && !f, "a refusal has words");
		return;
	}
	use(f, text, sizeof(text));
	ct_fsmt_free(f);
}

static void try_join(const char *text, size_t len)
{
	static const char *const codes[] = { "en", "fr", "ko", "ru" };
	struct ct_moses_text t = { 0 };
	struct ct_moses_lang lang;
	struct ct_err err;

	ct_moses_lang(codes[len % 4], &lang);
	must(!ct_moses_text_set(&t, text, len, &err) &&
	     !ct_moses_detokenize(&lang, &t, &err), "joins");
	must(!ct_moses_text_set(&t, text, len, &err) &&
	     !ct_moses_lower(&t, &err) &&
	     !ct_moses_normalize(&lang, &t, &err), "normalizes");
	ct_moses_text_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *rest = (const char *)data + 1;

	if (size < 2)
		return 0;
	if (data[0] == 'f') {
		try_files(rest, size - 1);
	} else {
		use(fsmt, rest, size - 1);
		try_join(rest, size - 1);
	}
	return 0;
}
