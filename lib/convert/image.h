/* SPDX-License-Identifier: MIT */
/*
 * The packed image of a model: everything that stays in device memory, in one
 * stretch, so that the chip streams it from whole 2 MiB pages. The same bytes
 * are the data of a converted file (model/converted.h): a load of one is a read
 * of it, and nothing else.
 *
 * Each part begins at a page, as each tensor of a file does. That costs half a
 * page a part, half a percent of the smallest GPT-2.
 */
#ifndef CT_CONVERT_IMAGE_H
#define CT_CONVERT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/gpt2.h"
#include "uapi/ctrans_job.h"

#define CT_IMAGE_ALIGN	4096u

enum ct_part {
	CT_PART_WEIGHTS,	/* packed; of a vector or the positions, binary32 */
	CT_PART_SCALE,		/* binary32 for each output */
	CT_PART_COLSUM,		/* int32 for each output */
};

struct ct_image_part {
	enum ct_role role;
	uint32_t layer;
	enum ct_part part;
	uint64_t at, bytes;
};

struct ct_image {
	enum ctrans_encoding enc;
	struct ct_image_part *parts;	/* by place */
	size_t n;
	uint64_t bytes;			/* whole pages */
};

/* What a model of this shape takes; a tied head is no part of its own. */
int ct_image_plan(const struct ct_gpt2_config *cfg, enum ctrans_encoding enc,
		  struct ct_image *image, struct ct_err *err);
void ct_image_free(struct ct_image *image);

/* NULL: the image has no such part. */
const struct ct_image_part *ct_image_find(const struct ct_image *image,
					  enum ct_role role, uint32_t layer,
					  enum ct_part part);

/* Is it the weights of a matrix, in the image's encoding? */
bool ct_image_is_packed(const struct ct_image_part *part);

/* "blk.0.attn_qkv.weight", ".scale", ".colsum": its tensor's name. */
void ct_image_name(const struct ct_image_part *part, char name[CT_ROLE_NAME_SIZE]);

/* Bytes from one row of the position table to the next. */
uint64_t ct_image_wpe_stride(const struct ct_gpt2_config *cfg);

#endif
