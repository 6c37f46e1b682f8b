// SPDX-License-Identifier: MIT
#include "model/head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK	(256u << 10)

/* *same is meaningful when 0 is returned. */
static int compare(const struct ct_tensor *a, const struct ct_tensor *b,
		   const struct ct_files *files, bool *same,
		   struct ct_err *err)
{
	char *x = malloc(2 * (size_t)BLOCK), *y;
	int code = 0;

	if (!x)
		return ct_fail(err, -ENOMEM, "out of memory");
	y = x + BLOCK;
	*same = true;
	for (uint64_t at = 0; at < a->nbytes && *same && !code; at += BLOCK) {
		size_t n = a->nbytes - at < BLOCK ? (size_t)(a->nbytes - at) :
						    BLOCK;

		code = ct_file_read(&files->v[a->file], x, n, a->offset + at,
				    err);
		if (!code)
			code = ct_file_read(&files->v[b->file], y, n,
					    b->offset + at, err);
		if (!code)
			*same = !memcmp(x, y, n);
	}
	free(x);
	return code;
}

int ct_head_tie(struct ct_weights *weights, const struct ct_files *files,
		struct ct_err *err)
{
	const struct ct_tensor *head, *wte;
	bool same = false;
	int code = 0;

	if (weights->cfg.tied_head)
		return 0;
	head = &ct_weights_matrix(weights, CT_LM_HEAD, 0)->t;
	wte = &ct_weights_matrix(weights, CT_WTE, 0)->t;
	if (head->dtype == wte->dtype && head->nbytes == wte->nbytes)
		code = compare(head, wte, files, &same, err);
	if (same && !code) {
		weights->cfg.tied_head = true;
		weights->slots[ct_weight_slot(CT_LM_HEAD, 0)].n = 0;
	}
	return code;
}
