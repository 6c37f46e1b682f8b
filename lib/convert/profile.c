// SPDX-License-Identifier: MIT
#include "convert/profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/converted.h"

#define MAGNITUDES	128u
/* rows, magnitudes, outliers, clamped */
#define NUMBERS		(MAGNITUDES + 3)
/* So that rows times inputs of any layer has room. */
#define ROWS_MAX	(1ull << 40)

int ct_profiles_put(struct ct_gguf_out *out, const struct ctrans_layer_profile *p,
		    size_t n, struct ct_err *err)
{
	uint64_t *v = calloc(n, NUMBERS * sizeof(*v));

	if (!v)
		return ct_fail(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		uint64_t *at = v + i * NUMBERS;

		at[0] = p[i].rows;
		memcpy(at + 1, p[i].magnitude, sizeof(p[i].magnitude));
		at[MAGNITUDES + 1] = p[i].outliers;
		at[MAGNITUDES + 2] = p[i].clamped;
	}
	ct_gguf_put_u64s(out, CT_KEY_PROFILE, v, n * NUMBERS);
	free(v);
	return 0;
}

static int take(const uint64_t *v, size_t i, struct ctrans_layer_profile *p,
		struct ct_err *err)
{
	uint64_t left = v[0] * p->n_in;
	bool good = v[0] && v[0] <= ROWS_MAX && v[MAGNITUDES + 2] <= v[MAGNITUDES + 1];

	for (size_t k = 1; k <= MAGNITUDES + 1 && good; k++) {
		good = v[k] <= left;
		left -= good ? v[k] : 0;
	}
	if (!good || left)
		return ct_fail(err, -EBADMSG,
			       "metadata key %s: the counts of layer %zu do not add up to %"
			       PRIu64 " rows of %u", CT_KEY_PROFILE, i, v[0], p->n_in);
	p->rows = v[0];
	memcpy(p->magnitude, v + 1, sizeof(p->magnitude));
	p->outliers = v[MAGNITUDES + 1];
	p->clamped = v[MAGNITUDES + 2];
	return 0;
}

int ct_profiles_get(const struct ct_gguf *gguf, struct ctrans_layer_profile *p,
		    size_t n, bool *found, struct ct_err *err)
{
	uint32_t have = 0;
	uint64_t *v = NULL;
	int ret = ct_gguf_u64s_opt(gguf, CT_KEY_PROFILE, &v, &have, err);

	*found = !ret && have;
	if (!ret && have && have != n * NUMBERS)
		ret = ct_fail(err, -EBADMSG,
			      "metadata key %s has %u numbers; %zu layers have %zu",
			      CT_KEY_PROFILE, have, n, n * NUMBERS);
	for (size_t i = 0; i < n && *found && !ret; i++)
		ret = take(v + i * NUMBERS, i, &p[i], err);
	free(v);
	return ret;
}
