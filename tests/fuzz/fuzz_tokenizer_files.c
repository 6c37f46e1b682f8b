// SPDX-License-Identifier: MIT
/*
 * The input is the files of an older tokenizer, one after the other, with a
 * NUL between. A file that is missing is an empty object.
 */
#include <string.h>

#include "fuzz_tokenizer_help.h"

static const char *const names[] = {
	"vocab.json",
	"merges.txt",
	"added_tokens.json",
	"special_tokens_map.json",
	"tokenizer_config.json",
};

#define N_NAMES	((int)(sizeof(names) / sizeof(names[0])))

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_dir_make(names, N_NAMES);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end;
	size_t len;
	int i;

	for (i = 0; i < N_NAMES; i++) {
		if (!size) {
			fuzz_dir_set(i, (const uint8_t *)"{}", 2);
			continue;
		}
		end = memchr(data, 0, size);
		len = end ? (size_t)(end - data) : size;
		fuzz_dir_set(i, data, len);
		len += end != NULL;
		data += len;
		size -= len;
	}
	fuzz_dir_try();
	return 0;
}
