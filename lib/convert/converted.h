/* SPDX-License-Identifier: MIT */
/*
 * The packed image inside a converted file (model/converted.h says what else is
 * in it): one tensor for each part, in the image's order, such that the file's
 * data are the image byte for byte.
 */
#ifndef CT_CONVERT_CONVERTED_H
#define CT_CONVERT_CONVERTED_H

#include "convert/image.h"
#include "model/gguf_write.h"
#include "model/model.h"

struct ct_converted {
	uint64_t data;		/* where in the file the image begins */
	uint64_t bytes;		/* of it */
	uint32_t stretch;	/* bytes that a sum is of */
	uint64_t *sums;
	uint32_t n_sums;
	float *thresholds;	/* calibrated, by linear; NULL: none */
	uint32_t n_thresholds;
};

/*
 * How @model, a converted file, stores its matrices, by the tensors' sizes: for
 * ct_image_plan(), to be freed; NULL: all as S8. -ENOTSUP: in a way that this library
 * does not know. -EBADMSG: not of a size that such a matrix has.
 */
int ct_converted_stored(const struct ct_model *model, struct ct_stored **stored,
			struct ct_err *err);

/*
 * Everything that can be told from the header of @model, a converted file:
 * encoding and layout, each tensor's type, size and place against @image, the
 * file's length. -ENOTSUP: packed in a way that this library does not know.
 */
int ct_converted_check(const struct ct_model *model, const struct ct_image *image,
		       struct ct_converted *out, struct ct_err *err);
void ct_converted_free(struct ct_converted *c);

/* Bytes of the image, a whole stretch (or the last) at @at: as written? */
int ct_converted_verify(const struct ct_converted *c, uint64_t at,
			const void *bytes, size_t len, struct ct_err *err);

/*
 * The rest of a header: what ct_converted_check() wants to see, sums and
 * tensors, for the image at @bytes. The header is complete then. @little: bytes
 * of a little model's file, which the caller puts behind the image, from
 * ct_converted_little_at() on; 0: there is none.
 */
int ct_converted_finish(struct ct_gguf_out *out, const struct ct_image *image,
			const void *bytes, uint64_t little, struct ct_err *err);
uint64_t ct_converted_little_at(const struct ct_image *image);

#endif
