// SPDX-License-Identifier: MIT
#include "fuzz_tokenizer_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "text/bpe.h"

#define FILES_MAX	5

static char dir[64];
static char paths[FILES_MAX][128];
static int fds[FILES_MAX], n_files;

static void clean_up(void)
{
	while (n_files)
		unlink(paths[--n_files]);
	rmdir(dir);
}

void fuzz_dir_make(const char *const *names, int n)
{
	int i;

	strcpy(dir, "/tmp/ctrans-fuzz-XXXXXX");
	if (!mkdtemp(dir))
		abort();
	atexit(clean_up);
	/* The files are memory, which is many times faster than a disk. */
	for (i = 0; i < n; i++) {
		char target[64];

		snprintf(paths[i], sizeof(paths[i]), "%s/%s", dir, names[i]);
		fds[i] = memfd_create(names[i], MFD_CLOEXEC);
		snprintf(target, sizeof(target), "/proc/self/fd/%d", fds[i]);
		if (fds[i] < 0 || symlink(target, paths[i]))
			abort();
	}
	n_files = n;
}

const char *fuzz_dir_path(void)
{
	return dir;
}

void fuzz_dir_set(int i, const uint8_t *data, size_t size)
{
	if (ftruncate(fds[i], 0) ||
	    pwrite(fds[i], data, size, 0) != (ssize_t)size)
		abort();
}

void fuzz_dir_try(void)
{
	static const char text[] =
		"ab aab  <s> abc\xff" "d\n\n \xc3\xa9 12 <|endoftext|> ab's";
	struct ct_bpe *bpe = NULL;
	struct ct_ids ids = { 0 };
	struct ct_buf back = { 0 };
	struct ct_err err = { 0 };
	int ret;

	ret = ct_bpe_open_hf(dir, &bpe, &err);
	if (ret) {
		if (ret != err.code || !err.msg[0] || bpe)
			abort();
		return;
	}
	if (!ct_bpe_encode(bpe, text, sizeof(text), CT_BPE_PARSE_SPECIAL, &ids,
			   &err) &&
	    ct_bpe_decode(bpe, ids.data, ids.n, 0, &back, &err))
		abort();
	ct_ids_free(&ids);
	ct_buf_free(&back);
	ct_bpe_free(bpe);
}
