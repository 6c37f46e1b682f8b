// SPDX-License-Identifier: MIT
/* The cost model, for policies that are not ours and whoever compares them. */
#include <errno.h>

#include "dispatch/cost.h"
#include "dispatch/oracle.h"
#include "dispatch/policy.h"
#include "engine/api.h"
#include "engine/core_impl.h"
#include "engine/dispatch.h"
#include "engine/model.h"

static int check(const struct ctrans_layer_profile *profile,
		 const struct ctrans_chip_costs *costs, uint32_t rows,
		 struct ct_err *err)
{
	if (!profile || profile->size < sizeof(*profile) || !costs ||
	    costs->size < sizeof(*costs))
		return ct_fail(err, -EINVAL,
			       "a profile and costs as the library fills them are needed: one is NULL or too short");
	if (!profile->n_in || !profile->n_out)
		return ct_fail(err, -EINVAL, "a layer of %u inputs and %u outputs",
			       profile->n_in, profile->n_out);
	if (!costs->khz || !costs->rows || !costs->cols || !costs->cores ||
	    !costs->spikes_per_cycle || !costs->lanes || !costs->reuse ||
	    !costs->external_mbps || !costs->mac8_aj)
		return ct_fail(err, -EINVAL,
			       "costs with a clock, a geometry or a bandwidth of 0: take them from ctrans_model_costs()");
	if (!rows)
		return ct_fail(err, -EINVAL, "a step of 0 rows: it has at least 1");
	return 0;
}

int ctrans_layer_cost(const struct ctrans_layer_profile *profile,
		      const struct ctrans_chip_costs *costs,
		      const struct ctrans_dispatch *dispatch, uint32_t rows,
		      struct ctrans_layer_cost *cost, size_t size)
{
	struct ctrans_layer_cost full;
	struct ct_err err = { 0 };
	int ret = check(profile, costs, rows, &err);

	if (!ret && !dispatch)
		ret = ct_fail(&err, -EINVAL, "no dispatch to tell the cost of: NULL");
	if (!ret)
		ret = ct_dispatch_check(dispatch, "ctrans_layer_cost()", "dispatch",
					&err);
	if (!ret) {
		ct_layer_cost(costs, profile, dispatch, rows, &full);
		ret = ct_struct_give(cost, size, sizeof(full), &full, sizeof(full),
				     "ctrans_layer_cost", &err);
	}
	return ct_api_return(ret, &err);
}

int ctrans_layer_bound(const struct ctrans_layer_profile *profile,
		       const struct ctrans_chip_costs *costs, uint32_t rows,
		       struct ctrans_layer_cost *cost, size_t size)
{
	struct ctrans_layer_cost full;
	struct ct_err err = { 0 };
	int ret = check(profile, costs, rows, &err);

	if (!ret) {
		ct_oracle_bound(costs, profile, rows, &full);
		ret = ct_struct_give(cost, size, sizeof(full), &full, sizeof(full),
				     "ctrans_layer_cost", &err);
	}
	return ct_api_return(ret, &err);
}

int ctrans_model_costs(const struct ctrans_model *model,
		       struct ctrans_chip_costs *costs, size_t size)
{
	struct ctrans_chip_costs full;
	struct ct_err err = { 0 };
	int ret;

	if (!model || !model->core->dev)
		ret = ct_fail(&err, -EINVAL,
			      "costs are a device's, and there is no model on one: open it with its weights");
	else
		ret = ct_core_costs(model->core, &full, &err);
	if (!ret)
		ret = ct_struct_give(costs, size, sizeof(full), &full, sizeof(full),
				     "ctrans_chip_costs", &err);
	return ct_api_return(ret, &err);
}

int ctrans_model_dispatch(const struct ctrans_model *model, unsigned int index,
			  struct ctrans_dispatch *dispatch, size_t size)
{
	const struct ct_core *core = model ? model->core : NULL;
	struct ct_err err = { 0 };
	int ret;

	if (!core || !core->dispatch)
		ret = ct_fail(&err, -EINVAL,
			      "no dispatch to tell: it takes a model that was opened with its weights, in 8 bits");
	else if (index >= ct_program_linears(&core->cfg))
		ret = ct_fail(&err, -ENOENT, "there is no linear layer %u: the model has %zu",
			      index, ct_program_linears(&core->cfg));
	else
		ret = ct_struct_give(dispatch, size, sizeof(*dispatch),
				     &core->dispatch[index], sizeof(*dispatch),
				     "ctrans_dispatch", &err);
	return ct_api_return(ret, &err);
}
