// SPDX-License-Identifier: MIT
/* The oracle: the least energy that any dispatch of the same values could take. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "cli.h"
#include "eval.h"

/*
 * Energies of a layer kind in the profile, summed over its layers: of the oracle by
 * domain, and as products, zeros skipped.
 */
struct kind_bound {
	double dense, spiking, outlier;
	double product;
};

static int add_layer(const struct ctrans_layer_profile *p,
		     const struct ctrans_chip_costs *costs, struct kind_bound *kind)
{
	const struct ctrans_dispatch dense = { .size = sizeof(dense) };
	struct ctrans_layer_cost bound, product;
	int ret;

	ret = ctrans_layer_bound(p, costs, 1, &bound, sizeof(bound));
	if (!ret)
		ret = ctrans_layer_cost(p, costs, &dense, 1, &product,
					sizeof(product));
	if (ret)
		return ret;
	kind->dense += bound.dense_fj;
	kind->spiking += bound.spiking_fj;
	kind->outlier += bound.outlier_fj;
	kind->product += product.dense_fj;
	return 0;
}

static int profile_kinds(struct ctrans_model *model, const uint32_t *ids, size_t n,
			 struct kind_bound kinds[CTRANS_KINDS])
{
	struct ctrans_layer_profile *profile;
	struct ctrans_chip_costs costs;
	size_t layers = 0;
	int ret;

	ret = ctrans_model_costs(model, &costs, sizeof(costs));
	if (ret)
		return ret;
	ret = ctrans_profile_tokens(model, ids, n, NULL, 0, &layers);
	if (ret != -E2BIG)
		return ret;
	profile = calloc(layers, sizeof(*profile));
	if (!profile)
		return -ENOMEM;
	profile[0].size = sizeof(*profile);
	ret = ctrans_profile_tokens(model, ids, n, profile, layers, &layers);
	for (size_t i = 0; !ret && i < layers; i++)
		ret = add_layer(&profile[i], &costs, &kinds[profile[i].kind]);
	free(profile);
	return ret;
}

/*
 * The profile's rows need not be those that were run: windows overlap, and the head
 * runs where a token is scored. So each kind counts as much as it did in the
 * all-dense run, @dense.
 */
static void scale(const struct kind_bound kinds[CTRANS_KINDS],
		  const struct eval_cost *dense, struct eval_bound *bound)
{
	for (int k = 0; k < CTRANS_KINDS; k++) {
		double as_run;

		if (kinds[k].product <= 0)
			continue;
		as_run = (double)dense->kind[k].dense_fj / kinds[k].product;
		bound->dense_fj += as_run * kinds[k].dense;
		bound->spiking_fj += as_run * kinds[k].spiking;
		bound->outlier_fj += as_run * kinds[k].outlier;
	}
	bound->known = true;
}

double eval_bound_fj(const struct eval_bound *bound)
{
	return bound->dense_fj + bound->spiking_fj + bound->outlier_fj;
}

int eval_oracle(struct ctrans_model *model, const uint32_t *ids, size_t n,
		const struct eval_cost *dense, struct eval_bound *bound)
{
	struct kind_bound kinds[CTRANS_KINDS] = { { 0 } };
	int ret = profile_kinds(model, ids, n, kinds);

	*bound = (struct eval_bound){ 0 };
	if (ret)
		return fail_library(ret, EXIT_FAILED);
	scale(kinds, dense, bound);
	return EXIT_OK;
}
