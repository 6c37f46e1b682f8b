// SPDX-License-Identifier: MIT
/* What the energy and time model is made of, for whoever prints it. */
#include <errno.h>

#include "ctrans.h"
#include "device/device.h"
#include "engine/api.h"

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
