// SPDX-License-Identifier: MIT
/* The input is a tokenizer.json, which is to become a SentencePiece model. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz_tokenizer_help.h"
#include "text/spm.h"

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
	static const char text[] = "ab aab  <x> abc\xff" "d\n\n \xc3\xa9</s>a";
	struct ct_spm *spm = NULL;
	struct ct_ids ids = { 0 };
	struct ct_buf out = { 0 };
	struct ct_err err = { 0 };
	int ret;

	fuzz_dir_set(0, data, size);
	ret = ct_spm_open_hf(fuzz_dir_path(), &spm, &err);
	if (ret) {
		if (ret != err.code || !err.msg[0] || spm)
			abort();
		return 0;
	}
	if (!ct_spm_encode(spm, text, sizeof(text), CT_SPM_PARSE_SPECIAL, &ids,
			   &err) &&
	    ct_spm_decode(spm, ids.data, ids.n, 0, &out, &err))
		abort();
	ct_ids_free(&ids);
	ct_buf_free(&out);
	ct_spm_free(spm);
	return 0;
}
