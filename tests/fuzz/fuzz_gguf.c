// SPDX-License-Identifier: MIT
/* The input is a GGUF file; weights of one that opens are read. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/model.h"
#include "model/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where sums go, so that the reads behind them stay. */
static volatile float sink;

static int use_rows(void *ctx, const struct ct_weight *w, uint32_t first_row,
		    uint32_t n_rows, const float *rows, struct ct_err *err)
{
	(void)err;
	/* First and last value, so that reads beyond the end are caught. */
	*(float *)ctx += rows[0] +
			 rows[(size_t)n_rows * ct_matrix_cols(w->m) - 1];
	if (first_row + n_rows > ct_matrix_rows(w->m))
		abort();
	return 0;
}

static size_t use_vocab(const struct ct_vocab *v)
{
	size_t sum = 0;

	for (uint32_t i = 0; i < v->n_tokens; i++)
		if (v->tokens[i].len)
			sum += (unsigned char)
			       v->tokens[i].ptr[v->tokens[i].len - 1];
	for (uint32_t i = 0; i < v->n_merges; i++)
		if (v->merges[i].len)
			sum += (unsigned char)
			       v->merges[i].ptr[v->merges[i].len - 1];
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("gguf", MFD_CLOEXEC);
	struct ct_model *m;
	struct ct_err err;
	char path[64];
	float sum = 0;

	/* pread serves as well here, and a ring costs a millisecond. */
	setenv("CTRANS_NO_IO_URING", "1", 1);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!ct_model_open(path, &m, &err)) {
		struct ct_model_info info;

		ct_model_describe(m, &info);
		ct_weights_stream(&m->weights, &m->files, NULL, use_rows, &sum, &err);
		sum += (float)use_vocab(&m->vocab);
		ct_model_close(m);
	}
	if (!ct_model_open_tokenizer(path, &m, &err)) {
		sum += (float)use_vocab(&m->vocab);
		ct_model_close(m);
	}
	sink = sum;
	close(fd);
	return 0;
}
