// SPDX-License-Identifier: MIT
/*
 * A SentencePiece model and a text. The first byte picks flags, the next two say
 * how many bytes the model has. What opens must encode, every id must be a token,
 * and the model written down must open as the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/spm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "not so: %s\n", what);
		abort();
	}
}

static const struct ct_spm_added added[] = {
	{ "<x>", 3, 40, true }, { "<y>", 3, 41, false },
	{ "<xx", 3, 1, true },
};

static void check_text(const struct ct_spm *spm, unsigned int flags,
		       const char *text, size_t len)
{
	struct ct_ids ids = { 0 };
	struct ct_buf out = { 0 };
	struct ct_err err;
	const char *bytes;
	size_t i, n;

	if (!ct_spm_encode(spm, text, len, flags & 1, &ids, &err)) {
		for (i = 0; i < ids.n; i++)
			must(!ct_spm_bytes(spm, ids.data[i], &bytes, &n),
			     "ids are tokens");
		must(!ct_spm_decode(spm, ids.data, ids.n, flags >> 1 & 1, &out,
				    &err), "decodes");
	}
	ct_ids_free(&ids);
	ct_buf_free(&out);
}

static void check_again(const struct ct_spm *spm)
{
	const struct ct_spm_added *list;
	size_t len, again_len, n = ct_spm_added_list(spm, &list);
	const void *proto = ct_spm_proto(spm, &len), *other;
	struct ct_spm *again;
	struct ct_err err;

	must(!ct_spm_open(proto, len, list, n, &again, &err), "opens again");
	other = ct_spm_proto(again, &again_len);
	must(len == again_len && !memcmp(proto, other, len), "is the same");
	ct_spm_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ct_spm *spm = NULL;
	struct ct_err err = { 0 };
	size_t len;
	void *model;
	int ret;

	if (size < 3)
		return 0;
	len = data[1] | data[2] << 8;
	if (len > size - 3)
		len = size - 3;
	/* Its own allocation, so that a byte more is one too many. */
	model = malloc(len ? len : 1);
	must(!!model, "memory");
	memcpy(model, data + 3, len);
	ret = ct_spm_open(model, len, added, data[0] & 4 ? 3 : 0, &spm, &err);
	free(model);
	if (ret) {
		must(ret == err.code && err.msg[0] && !spm, "fails properly");
		return 0;
	}
	check_text(spm, data[0], (const char *)data + 3 + len, size - 3 - len);
	check_text(spm, 0, "ab x  a\xff", 8);
	if (data[0] & 8)
		check_again(spm);
	ct_spm_free(spm);
	return 0;
}
