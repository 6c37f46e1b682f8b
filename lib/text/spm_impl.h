/* SPDX-License-Identifier: MIT */
/* Inside struct ct_spm, for the files that make it and read it. */
#ifndef CT_TEXT_SPM_IMPL_H
#define CT_TEXT_SPM_IMPL_H

#include "text/spm.h"
#include "text/spm_model.h"
#include "text/spm_shim.h"

/* U+2581, which stands for a space in pieces. */
#define CT_SPM_SPACE		"\xe2\x96\x81"
#define CT_SPM_SPACE_LEN	3

struct ct_spm {
	struct ct_spm_lib *lib;
	struct ct_buf proto;		/* @model's strings point into it */
	struct ct_spm_model model;
	size_t growth;			/* of a byte, in normalisation */

	struct ct_spm_added *added;	/* by id */
	const struct ct_spm_added **by_text;
	size_t n_added;
	char *added_text;
	bool first[256];		/* bytes that an added token begins with */

	uint32_t size;
	uint8_t *kind;			/* enum ct_spm_kind, of each id */
	uint32_t *at;			/* where its bytes begin; size + 1 */
	struct ct_buf bytes;
};

/* The added token with this id, or NULL. */
const struct ct_spm_added *ct_spm_added_get(const struct ct_spm *spm,
					    uint32_t id);

#endif
