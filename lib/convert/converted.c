// SPDX-License-Identifier: MIT
#define XXH_INLINE_ALL
#include "convert/converted.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "convert/esc.h"
#include "convert/pack.h"
#include "model/converted.h"

/* Of uapi/ctrans_layout.h's tiles; goes up when those change. */
#define LAYOUT		1

/* One read, which stays in the cache between the kernel's copy and the sum. */
#define STRETCH		(1u << 20)
#define STRETCH_MAX	(16u << 20)

_Static_assert(CT_IMAGE_ALIGN % CT_CONVERTED_ALIGN == 0,
	       "parts are where tensors may be");

static enum ct_gguf_tensor_type type_of(const struct ct_image_part *p)
{
	if (p->part == CT_PART_COLSUM)
		return CT_GGUF_TENSOR_I32;
	if (p->part == CT_PART_SCALE || !ct_image_is_packed(p))
		return CT_GGUF_TENSOR_F32;
	return CT_GGUF_TENSOR_I8;
}

static const char *type_name(enum ct_gguf_tensor_type type)
{
	return type == CT_GGUF_TENSOR_F32 ? "F32" :
	       type == CT_GGUF_TENSOR_I32 ? "I32" : "I8";
}

static uint64_t elements(const struct ct_image_part *p)
{
	return type_of(p) == CT_GGUF_TENSOR_I8 ? p->bytes : p->bytes / 4;
}

/* ---- Reading ---------------------------------------------------------- */

static bool is(struct ct_str s, const char *text)
{
	return s.len == strlen(text) && !memcmp(s.ptr, text, s.len);
}

static int check_packing(const struct ct_gguf *gguf, bool *compressed, struct ct_err *err)
{
	struct ct_str enc = { "", 0 };
	uint64_t layout = 0;
	int ret = ct_gguf_string_opt(gguf, CT_KEY_ENCODING, &enc, err);

	if (!ret)
		ret = ct_gguf_u64(gguf, CT_KEY_LAYOUT, &layout, err);
	if (ret)
		return ret;
	*compressed = is(enc, CT_ENCODING_ESC);
	if (!*compressed && !is(enc, CT_ENCODING_S8))
		return ct_fail(err, -ENOTSUP,
			       "weights are encoded as \"%s\", which is not supported ("
			       CT_ENCODING_S8 " and " CT_ENCODING_ESC " are)",
			       ct_show(enc.ptr, enc.len).s);
	if (layout != LAYOUT)
		return ct_fail(err, -ENOTSUP,
			       "weights are in layout %" PRIu64 ", and this library has layout %d: convert the model again",
			       layout, LAYOUT);
	return 0;
}

/* One matrix; one that is missing is told by ct_converted_check(). */
static int stored_as(const struct ct_model *m, enum ct_role role, uint32_t layer,
		     struct ct_stored *stored, struct ct_err *err)
{
	const struct ct_tensor *t;
	char name[CT_ROLE_NAME_SIZE];
	uint32_t n_out, n_in;

	ct_role_name(role, layer, name);
	ct_role_shape(&m->weights.cfg, role, &n_out, &n_in);
	t = ct_tensors_find(&m->tensors, name);
	if (!t || t->nbytes >= ct_pack_weight_bytes(CTRANS_ENC_S8, n_in, n_out))
		return 0;
	if (t->nbytes < ct_esc_least(n_in, n_out) || t->nbytes % CTRANS_GRANULE)
		return ct_fail(err, -EBADMSG,
			       "tensor %s has %" PRIu64 " bytes, too few for a matrix of %u by %u",
			       name, t->nbytes, n_in, n_out);
	*stored = (struct ct_stored){ CTRANS_ENC_ESC, t->nbytes };
	return 0;
}

int ct_converted_stored(const struct ct_model *m, struct ct_stored **out,
			struct ct_err *err)
{
	const struct ct_config *cfg = &m->weights.cfg;
	struct ct_stored *stored;
	bool compressed;
	int ret = check_packing(&m->gguf, &compressed, err);

	*out = NULL;
	if (ret || !compressed)
		return ret;
	stored = calloc(ct_weight_slots(cfg), sizeof(*stored));
	if (!stored)
		return ct_fail(err, -ENOMEM, "out of memory");
	for (int r = 0; r < CT_N_ROLES && !ret; r++) {
		enum ct_role role = (enum ct_role)r;
		uint32_t n = ct_role_packed(role) ? ct_role_layers(cfg, role) : 0;

		for (uint32_t l = 0; l < n && !ret; l++)
			ret = stored_as(m, role, l, &stored[ct_weight_slot(role, l)], err);
	}
	if (ret)
		free(stored);
	else
		*out = stored;
	return ret;
}

static int check_part(const struct ct_model *m, const struct ct_image_part *p,
		      uint64_t data, struct ct_err *err)
{
	const char *type = type_name(type_of(p));
	const struct ct_tensor *t;
	char name[CT_ROLE_NAME_SIZE];

	ct_image_name(p, name);
	t = ct_tensors_find(&m->tensors, name);
	if (!t)
		return ct_fail(err, -ENOENT, "tensor %s is missing", name);
	if (t->ndim != 1 || t->nbytes != p->bytes || strcmp(t->type_name, type))
		return ct_fail(err, -EBADMSG,
			       "tensor %s is %s of %s, but the configuration asks for %s of [%"
			       PRIu64 "]", name, t->type_name,
			       ct_shape_show(t->ndim, t->shape).s, type, elements(p));
	if (t->offset != data + p->at)
		return ct_fail(err, -EBADMSG, "tensor %s is out of its place", name);
	return 0;
}

static int check_tensors(const struct ct_model *m, const struct ct_image *image,
			 uint64_t *data, struct ct_err *err)
{
	const struct ct_tensor *first;
	char name[CT_ROLE_NAME_SIZE];
	int ret = 0;

	ct_image_name(&image->parts[0], name);
	first = ct_tensors_find(&m->tensors, name);
	if (!first)
		return ct_fail(err, -ENOENT, "tensor %s is missing", name);
	*data = first->offset;
	for (size_t i = 0; i < image->n && !ret; i++)
		ret = check_part(m, &image->parts[i], *data, err);
	if (!ret && m->tensors.n != image->n + ct_model_has_little(m))
		return ct_fail(err, -EBADMSG,
			       "%zu tensors, but the configuration asks for %zu",
			       m->tensors.n, image->n);
	if (!ret && image->bytes > m->files.v[0].size - *data)
		return ct_fail(err, -EBADMSG,
			       "the file ends within its weights: it is truncated");
	return ret;
}

static int take_sums(const struct ct_gguf *gguf, struct ct_converted *c,
		     struct ct_err *err)
{
	uint64_t stretch = 0;
	int ret = ct_gguf_u64(gguf, CT_KEY_SUM_STRETCH, &stretch, err);

	if (!ret && (stretch < CT_IMAGE_ALIGN || stretch > STRETCH_MAX ||
		     stretch % CT_IMAGE_ALIGN))
		return ct_fail(err, -EBADMSG, "metadata key %s is %" PRIu64,
			       CT_KEY_SUM_STRETCH, stretch);
	if (!ret)
		ret = ct_gguf_u64s_opt(gguf, CT_KEY_SUM_DATA, &c->sums, &c->n_sums,
				       err);
	if (ret)
		return ret;
	c->stretch = (uint32_t)stretch;
	if (c->n_sums != (c->bytes + stretch - 1) / stretch)
		return ct_fail(err, -EBADMSG,
			       "%u checksums for %" PRIu64 " bytes of weights",
			       c->n_sums, c->bytes);
	return 0;
}

int ct_converted_check(const struct ct_model *m, const struct ct_image *image,
		       struct ct_converted *out, struct ct_err *err)
{
	struct ct_converted c = { .bytes = image->bytes };
	bool compressed;
	int ret;

	ret = check_packing(&m->gguf, &compressed, err);
	if (!ret)
		ret = check_tensors(m, image, &c.data, err);
	if (!ret)
		ret = take_sums(&m->gguf, &c, err);
	if (!ret)
		ret = ct_gguf_f32s_opt(&m->gguf, CT_KEY_THRESHOLDS, &c.thresholds,
				       &c.n_thresholds, err);
	if (ret) {
		ct_converted_free(&c);
		return ret;
	}
	*out = c;
	return 0;
}

void ct_converted_free(struct ct_converted *c)
{
	free(c->sums);
	free(c->thresholds);
	memset(c, 0, sizeof(*c));
}

int ct_converted_verify(const struct ct_converted *c, uint64_t at,
			const void *bytes, size_t len, struct ct_err *err)
{
	if (XXH3_64bits(bytes, len) == c->sums[at / c->stretch])
		return 0;
	return ct_fail(err, -EBADMSG,
		       "the weights at byte %" PRIu64 " are damaged (wrong checksum): convert the model again",
		       c->data + at);
}

/* ---- Writing ---------------------------------------------------------- */

static int put_sums(struct ct_gguf_out *out, const struct ct_image *image,
		    const uint8_t *bytes, struct ct_err *err)
{
	size_t n = (size_t)((image->bytes + STRETCH - 1) / STRETCH);
	uint64_t *sums = malloc(n * sizeof(*sums));

	if (!sums)
		return ct_fail(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		uint64_t at = (uint64_t)i * STRETCH, left = image->bytes - at;

		sums[i] = XXH3_64bits(bytes + at,
				      left < STRETCH ? (size_t)left : STRETCH);
	}
	ct_gguf_put_u32(out, CT_KEY_SUM_STRETCH, STRETCH);
	ct_gguf_put_u64s(out, CT_KEY_SUM_DATA, sums, n);
	free(sums);
	return 0;
}

uint64_t ct_converted_little_at(const struct ct_image *image)
{
	return (image->bytes + CT_CONVERTED_ALIGN - 1) &
	       ~(uint64_t)(CT_CONVERTED_ALIGN - 1);
}

static bool compressed(const struct ct_image *image)
{
	for (size_t i = 0; i < image->n; i++)
		if (image->parts[i].enc == CTRANS_ENC_ESC)
			return true;
	return false;
}

int ct_converted_finish(struct ct_gguf_out *out, const struct ct_image *image,
			const void *bytes, uint64_t little, struct ct_err *err)
{
	size_t at_sum;
	uint64_t sum;
	int ret;

	ct_gguf_put_u32(out, CT_KEY_LAYOUT, LAYOUT);
	ct_gguf_put_string(out, CT_KEY_ENCODING,
			   compressed(image) ? CT_ENCODING_ESC : CT_ENCODING_S8);
	ret = put_sums(out, image, bytes, err);
	if (ret)
		return ret;
	at_sum = ct_gguf_put_u64(out, CT_KEY_SUM_HEADER, 0);
	for (size_t i = 0; i < image->n; i++) {
		const struct ct_image_part *p = &image->parts[i];
		char name[CT_ROLE_NAME_SIZE];

		ct_image_name(p, name);
		ct_gguf_put_tensor(out, name, elements(p), type_of(p), p->at);
	}
	if (little)
		ct_gguf_put_tensor(out, CT_TENSOR_LITTLE, little,
				   CT_GGUF_TENSOR_I8,
				   ct_converted_little_at(image));
	ret = ct_gguf_out_end(out, CT_CONVERTED_ALIGN, err);
	if (ret)
		return ret;
	sum = XXH3_64bits(out->header.data, out->end);
	for (unsigned int i = 0; i < 8; i++)
		out->header.data[at_sum + i] = (char)(sum >> 8 * i);
	return 0;
}
