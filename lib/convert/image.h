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
#include "model/weights.h"
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
	enum ctrans_encoding enc;	/* of weights; else F32 */
	uint64_t at, bytes;
};

/* How a matrix is stored, where its size is not told by its shape. */
struct ct_stored {
	enum ctrans_encoding enc;	/* S8 or ESC */
	uint64_t bytes;			/* ESC */
};

struct ct_image {
	enum ctrans_encoding enc;	/* S8 or F32: what is computed with */
	struct ct_image_part *parts;	/* by place */
	size_t n;
	uint64_t bytes;			/* whole pages */
};

/*
 * What a model of this shape takes; a tied head is no part of its own. @stored, for
 * S8: [ct_weight_slots()], how each matrix is stored; NULL: none is compressed.
 */
int ct_image_plan(const struct ct_config *cfg, enum ctrans_encoding enc,
		  const struct ct_stored *stored, struct ct_image *image,
		  struct ct_err *err);
void ct_image_free(struct ct_image *image);

/*
 * The S8 image @from at @bytes once more, each matrix compressed for which that is
 * shorter: first what is where, then the bytes, at @to_bytes, which is zero before.
 */
int ct_image_compress_plan(const struct ct_config *cfg, const struct ct_image *from,
			   const void *bytes, struct ct_image *to, struct ct_err *err);
int ct_image_compress(const struct ct_config *cfg, const struct ct_image *from,
		      const void *bytes, const struct ct_image *to, void *to_bytes,
		      struct ct_err *err);

/* NULL: the image has no such part. */
const struct ct_image_part *ct_image_find(const struct ct_image *image,
					  enum ct_role role, uint32_t layer,
					  enum ct_part part);

/* Is it the weights of a matrix, packed as the part's encoding says? */
bool ct_image_is_packed(const struct ct_image_part *part);

/* "blk.0.attn_qkv.weight", ".scale", ".colsum": its tensor's name. */
void ct_image_name(const struct ct_image_part *part, char name[CT_ROLE_NAME_SIZE]);

/* Bytes from one row of the position table to the next. */
uint64_t ct_image_wpe_stride(const struct ct_config *cfg);
/* And from one head's biases of scores to the next's. */
uint64_t ct_image_distance_stride(const struct ct_config *cfg);

#endif
