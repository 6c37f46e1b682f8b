// SPDX-License-Identifier: MIT
/*
 * How fast text becomes tokens: bench_tokenizer DIR FILE [REPS]. Prints the
 * time to load the tokenizer and the median time to encode the file and to
 * decode its tokens.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_time.h"
#include "text/bpe.h"

static int read_file(const char *path, struct ct_buf *out)
{
	FILE *f = fopen(path, "rb");
	int ret = 0;

	if (!f)
		return -1;
	do {
		if (ct_buf_reserve(out, 1 << 20)) {
			ret = -1;
			break;
		}
		out->n += fread(out->data + out->n, 1, 1 << 20, f);
	} while (!feof(f) && !ferror(f));
	if (ferror(f))
		ret = -1;
	fclose(f);
	return ret;
}

static void report(const char *what, double *seconds, int reps, size_t bytes,
		   size_t tokens)
{
	double best, middle = median(seconds, reps, &best);

	printf("%s: %.1f ms, %.1f MB/s, %.2f M tokens/s (median of %d, best %.1f ms)\n",
	       what, middle * 1e3, bytes / middle * 1e-6,
	       tokens / middle * 1e-6, reps, best * 1e3);
}

static int measure(const struct ct_bpe *bpe, const struct ct_buf *text,
		   int reps, double *seconds, struct ct_err *err)
{
	struct ct_ids ids = { 0 };
	struct ct_buf back = { 0 };
	int i, ret = 0;

	for (i = 0; i < reps && !ret; i++) {
		double start = now();

		ct_ids_free(&ids);
		ret = ct_bpe_encode(bpe, text->data, text->n, 0, &ids, err);
		seconds[i] = now() - start;
	}
	if (ret)
		goto out;
	report("encode", seconds, reps, text->n, ids.n);

	for (i = 0; i < reps && !ret; i++) {
		double start = now();

		back.n = 0;
		ret = ct_bpe_decode(bpe, ids.data, ids.n, 0, &back, err);
		seconds[i] = now() - start;
	}
	if (ret)
		goto out;
	report("decode", seconds, reps, text->n, ids.n);
	printf("%zu bytes, %zu tokens, decoded text is %s\n", text->n, ids.n,
	       back.n == text->n && !memcmp(back.data, text->data, back.n) ?
		       "the same" :
		       "NOT the same");
out:
	ct_ids_free(&ids);
	ct_buf_free(&back);
	return ret;
}

int main(int argc, char **argv)
{
	int reps = argc > 3 ? atoi(argv[3]) : 11, ret;
	struct ct_err err = { 0 };
	struct ct_buf text = { 0 };
	struct ct_bpe *bpe = NULL;
	double start, *seconds;

	if (argc < 3 || reps < 1) {
		fprintf(stderr, "usage: %s TOKENIZER-DIR TEXT-FILE [REPS]\n",
			argv[0]);
		return 2;
	}
	seconds = calloc(reps, sizeof(*seconds));
	if (!seconds || read_file(argv[2], &text)) {
		perror(argv[2]);
		return 1;
	}
	start = now();
	ret = ct_bpe_open_hf(argv[1], &bpe, &err);
	if (!ret) {
		printf("load: %.1f ms, %u ids\n", (now() - start) * 1e3,
		       ct_bpe_size(bpe));
		ret = measure(bpe, &text, reps, seconds, &err);
	}
	if (ret)
		fprintf(stderr, "%s\n", err.msg);
	ct_bpe_free(bpe);
	ct_buf_free(&text);
	free(seconds);
	return ret ? 1 : 0;
}
