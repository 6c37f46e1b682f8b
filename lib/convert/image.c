// SPDX-License-Identifier: MIT
#include "convert/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "convert/esc.h"
#include "convert/pack.h"

/* In the order in which steps need them; the token table is its head too. */
static const enum ct_role encoder_order[] = {
	CT_ENC_LN_1_GAIN, CT_ENC_LN_1_BIAS, CT_ENC_QKV, CT_ENC_QKV_BIAS,
	CT_ENC_ATTN_OUT, CT_ENC_ATTN_OUT_BIAS, CT_ENC_LN_2_GAIN, CT_ENC_LN_2_BIAS,
	CT_ENC_FC, CT_ENC_FC_BIAS, CT_ENC_FC_GATE, CT_ENC_MLP_OUT, CT_ENC_MLP_OUT_BIAS,
};
/* of each layer of the decoder, but by the encoder's step */
static const enum ct_role source_order[] = { CT_XKV, CT_XKV_BIAS };
static const enum ct_role layer_order[] = {
	CT_LN_1_GAIN, CT_LN_1_BIAS, CT_QKV, CT_QKV_BIAS, CT_ATTN_OUT,
	CT_ATTN_OUT_BIAS, CT_LN_X_GAIN, CT_LN_X_BIAS, CT_XQ, CT_XQ_BIAS, CT_X_OUT,
	CT_X_OUT_BIAS, CT_LN_2_GAIN, CT_LN_2_BIAS, CT_FC, CT_FC_BIAS, CT_FC_GATE,
	CT_MLP_OUT, CT_MLP_OUT_BIAS,
};
static const enum ct_role model_order[] = {
	CT_ENC_WTE, CT_ENC_REL_BIAS, CT_ENC_LN_F_GAIN, CT_REL_BIAS, CT_LN_F_GAIN,
	CT_LN_F_BIAS, CT_WPE, CT_WTE, CT_LM_HEAD,
};

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define PARTS_MAX	3	/* of one role */

_Static_assert(CT_IMAGE_ALIGN % CTRANS_GRANULE == 0, "parts begin at granules");

uint64_t ct_image_wpe_stride(const struct ct_config *cfg)
{
	uint64_t row = 4ull * cfg->n_embd;

	return (row + CTRANS_GRANULE - 1) / CTRANS_GRANULE * CTRANS_GRANULE;
}

uint64_t ct_image_distance_stride(const struct ct_config *cfg)
{
	uint64_t row = 4 * (2ull * cfg->rel_span + 1);

	return (row + CTRANS_GRANULE - 1) / CTRANS_GRANULE * CTRANS_GRANULE;
}

static void add(struct ct_image *image, enum ct_role role, uint32_t layer,
		enum ct_part part, enum ctrans_encoding enc, uint64_t bytes)
{
	image->parts[image->n++] = (struct ct_image_part){
		role, layer, part, enc, image->bytes, bytes,
	};
	image->bytes += (bytes + CT_IMAGE_ALIGN - 1) / CT_IMAGE_ALIGN *
			CT_IMAGE_ALIGN;
}

static void add_role(struct ct_image *image, const struct ct_config *cfg,
		     const struct ct_stored *stored, enum ct_role role, uint32_t layer)
{
	enum ctrans_encoding enc = image->enc;
	uint32_t n_out, n_in;
	uint64_t bytes;

	ct_role_shape(cfg, role, &n_out, &n_in);
	if (role == CT_WPE) {
		add(image, role, layer, CT_PART_WEIGHTS, CTRANS_ENC_F32,
		    n_out * ct_image_wpe_stride(cfg));
		return;
	}
	if (role == CT_REL_BIAS || role == CT_ENC_REL_BIAS) {
		/* for each head, by distance in place of bucket */
		add(image, role, layer, CT_PART_WEIGHTS, CTRANS_ENC_F32,
		    n_in * ct_image_distance_stride(cfg));
		return;
	}
	if (ct_role_vector(role)) {
		/* a bias has an entry for each output of whole tiles */
		add(image, role, layer, CT_PART_WEIGHTS, CTRANS_ENC_F32,
		    ct_pack_output_bytes(n_out));
		return;
	}
	bytes = ct_pack_weight_bytes(enc, n_in, n_out);
	if (stored && stored[ct_weight_slot(role, layer)].enc == CTRANS_ENC_ESC) {
		enc = CTRANS_ENC_ESC;
		bytes = stored[ct_weight_slot(role, layer)].bytes;
	}
	add(image, role, layer, CT_PART_WEIGHTS, enc, bytes);
	if (enc == CTRANS_ENC_F32)
		return;
	add(image, role, layer, CT_PART_SCALE, CTRANS_ENC_F32, ct_pack_output_bytes(n_out));
	add(image, role, layer, CT_PART_COLSUM, CTRANS_ENC_F32,
	    ct_pack_output_bytes(n_out));
}

/* Of each layer from the first on. */
static void add_layers(struct ct_image *image, const struct ct_config *cfg,
		       const struct ct_stored *stored, uint32_t layers,
		       const enum ct_role *order, size_t n)
{
	for (uint32_t l = 0; l < layers; l++)
		for (size_t i = 0; i < n; i++)
			if (ct_role_layers(cfg, order[i]))
				add_role(image, cfg, stored, order[i], l);
}

int ct_image_plan(const struct ct_config *cfg, enum ctrans_encoding enc,
		  const struct ct_stored *stored, struct ct_image *image,
		  struct ct_err *err)
{
	*image = (struct ct_image){ .enc = enc };
	image->parts = malloc(PARTS_MAX * ct_weight_slots(cfg) * sizeof(*image->parts));
	if (!image->parts)
		return ct_fail(err, -ENOMEM, "out of memory");
	add_layers(image, cfg, stored, cfg->enc.n_layer, encoder_order,
		   N(encoder_order));
	add_layers(image, cfg, stored, cfg->n_layer, source_order, N(source_order));
	add_layers(image, cfg, stored, cfg->n_layer, layer_order, N(layer_order));
	add_layers(image, cfg, stored, 1, model_order, N(model_order));
	return 0;
}

void ct_image_free(struct ct_image *image)
{
	free(image->parts);
	memset(image, 0, sizeof(*image));
}

/* ---- Compressed -------------------------------------------------------- */

static int stored_as(const struct ct_config *cfg, const struct ct_image_part *p,
		     const int8_t *s8, struct ct_stored *stored, struct ct_err *err)
{
	struct ct_esc_size size;
	uint32_t n_out, n_in;
	int ret;

	*stored = (struct ct_stored){ .enc = CTRANS_ENC_S8 };
	ct_role_shape(cfg, p->role, &n_out, &n_in);
	ret = ct_esc_bytes(s8, n_in, n_out, &size, NULL);
	if (ret == -ERANGE)
		return 0;
	if (ret)
		return ct_esc_bytes(s8, n_in, n_out, &size, err);
	if (size.bytes < p->bytes)
		*stored = (struct ct_stored){ CTRANS_ENC_ESC, size.bytes };
	return 0;
}

int ct_image_compress_plan(const struct ct_config *cfg, const struct ct_image *from,
			   const void *bytes, struct ct_image *to, struct ct_err *err)
{
	struct ct_stored *stored = calloc(ct_weight_slots(cfg), sizeof(*stored));
	int ret = stored ? 0 : ct_fail(err, -ENOMEM, "out of memory");

	for (size_t i = 0; i < from->n && !ret; i++) {
		const struct ct_image_part *p = &from->parts[i];

		if (ct_image_is_packed(p))
			ret = stored_as(cfg, p, (const int8_t *)bytes + p->at,
					&stored[ct_weight_slot(p->role, p->layer)], err);
	}
	if (!ret)
		ret = ct_image_plan(cfg, CTRANS_ENC_S8, stored, to, err);
	free(stored);
	return ret;
}

int ct_image_compress(const struct ct_config *cfg, const struct ct_image *from,
		      const void *bytes, const struct ct_image *to, void *to_bytes,
		      struct ct_err *err)
{
	int ret = 0;

	/* the same parts in the same order */
	for (size_t i = 0; i < from->n && !ret; i++) {
		const struct ct_image_part *p = &from->parts[i], *q = &to->parts[i];
		const uint8_t *src = (const uint8_t *)bytes + p->at;
		uint8_t *dst = (uint8_t *)to_bytes + q->at;
		uint32_t n_out, n_in;

		ct_role_shape(cfg, p->role, &n_out, &n_in);
		if (q->enc == CTRANS_ENC_ESC)
			ret = ct_esc_pack((const int8_t *)src, n_in, n_out, dst, q->bytes,
					  err);
		else
			memcpy(dst, src, p->bytes);
	}
	return ret;
}

const struct ct_image_part *ct_image_find(const struct ct_image *image,
					  enum ct_role role, uint32_t layer,
					  enum ct_part part)
{
	for (size_t i = 0; i < image->n; i++) {
		const struct ct_image_part *p = &image->parts[i];

		if (p->role == role && p->layer == layer && p->part == part)
			return p;
	}
	return NULL;
}

bool ct_image_is_packed(const struct ct_image_part *part)
{
	return part->part == CT_PART_WEIGHTS && ct_role_packed(part->role);
}

void ct_image_name(const struct ct_image_part *part, char name[CT_ROLE_NAME_SIZE])
{
	static const char *const last[] = {
		[CT_PART_SCALE] = ".scale",
		[CT_PART_COLSUM] = ".colsum",
	};

	ct_role_name(part->role, part->layer, name);
	/* ".weight" is longer than either */
	if (part->part != CT_PART_WEIGHTS)
		strcpy(strrchr(name, '.'), last[part->part]);
}
