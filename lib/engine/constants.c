// SPDX-License-Identifier: MIT
/* What the energy and time model is made of and compared with, for who prints it. */
#include <errno.h>

#include "ctrans.h"
#include "device/device.h"
#include "dispatch/paper.h"
#include "engine/api.h"
#include "uapi/ctrans_regs.h"

int ctrans_constant_get(unsigned int index, struct ctrans_constant *constant,
			size_t size)
{
	struct ctrans_constant full;
	struct ct_err err = { 0 };
	int ret;

	ret = ct_device_constant(index, &full);
	if (ret)
		return ct_api_return(ct_fail(&err, ret,
			"the energy and time model has no constant number %u", index),
			&err);
	ret = ct_struct_give(constant, size, sizeof(full), &full, sizeof(full),
			     "ctrans_constant", &err);
	return ct_api_return(ret, &err);
}

/* The model's table; there is no other. */
static int paper_costs(struct ct_paper_costs *c, struct ct_err *err)
{
	unsigned int last = 0;
	int ret;

	ret = ct_device_costs(NULL, 0, &c->low, err);
	if (!ret)
		ret = ct_device_costs(NULL, CTRANS_OPP_RESET, &c->nominal, err);
	while (!ret && !ct_device_costs(NULL, last, &c->high, NULL))
		last++;
	return ret;
}

int ctrans_published_get(unsigned int index, const struct ctrans_measured *measured,
			 struct ctrans_published *published, size_t size)
{
	struct ctrans_measured m = { .size = sizeof(m) };
	struct ctrans_published full;
	struct ct_paper_costs costs;
	struct ct_err err = { 0 };
	int ret;

	ret = ct_struct_take(&m, sizeof(m), sizeof(m), measured, "ctrans_measured", &err);
	if (!ret)
		ret = paper_costs(&costs, &err);
	if (ret)
		return ct_api_return(ret, &err);
	ret = ct_paper_line(index, &costs, &m, &full);
	if (ret)
		return ct_api_return(ct_fail(&err, ret,
			"there is no published figure number %u", index), &err);
	ret = ct_struct_give(published, size, sizeof(full), &full, sizeof(full),
			     "ctrans_published", &err);
	return ct_api_return(ret, &err);
}
