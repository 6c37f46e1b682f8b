/* SPDX-License-Identifier: MIT */
/*
 * A model's weights once more from its files, into the S8 image that it was opened
 * with: smoothed, with scales of their own choice, errors made up for.
 */
#ifndef CT_ENGINE_CONVERT_WEIGHTS_H
#define CT_ENGINE_CONVERT_WEIGHTS_H

#include "engine/convert.h"
#include "engine/core_impl.h"

struct ct_calibration;

/* Packed matrices in the image's order. */
struct ct_matrix_report {
	enum ct_role role;
	uint32_t layer;
	uint64_t bytes;		/* as stored */
	int64_t exceptions;	/* ESC; else -1 */
	double snr_db;		/* of the output, from quantised weights; or NaN */
};

/* All but what only packing knows; @reports: of @core->image.n parts at most. */
size_t ct_convert_matrices(const struct ct_core *core,
			   struct ct_matrix_report *reports);

/* How they are stored in a compressed image of the core's. */
void ct_convert_compressed(const struct ct_core *core, const struct ct_image *image,
			   struct ct_matrix_report *reports);

/* @calibration may be NULL. */
int ct_convert_weights(struct ct_core *core, const struct ct_model *model,
		       const struct ct_calibration *calibration,
		       const struct ctrans_convert_params *params,
		       struct ct_matrix_report *reports, struct ct_err *err);

/* convert_report.c: tell @params->report of each linear. */
int ct_convert_report(const struct ct_core *core,
		      const struct ct_calibration *calibration,
		      const struct ct_matrix_report *reports,
		      const struct ctrans_convert_params *params, struct ct_err *err);

#endif
