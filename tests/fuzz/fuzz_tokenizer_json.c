// SPDX-License-Identifier: MIT
/* The input is a tokenizer.json. */
#include "fuzz_tokenizer_help.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const name = "tokenizer.json";

	(void)argc;
	(void)argv;
	fuzz_dir_make(&name, 1);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_dir_set(0, data, size);
	fuzz_dir_try();
	return 0;
}
