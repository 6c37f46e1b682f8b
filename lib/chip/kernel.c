// SPDX-License-Identifier: MIT
/* The kernels of this build, and the choice among them. */
#include <string.h>

#include "chip/kernel_variants.h"

/* Slowest first, and the reference before all. */
static const struct chip_kernel *const kernels[] = {
	&chip_kernel_reference,
	&chip_kernel_generic,
#if defined(__x86_64__)
	&chip_kernel_avx2,
	&chip_kernel_avxvnni,
	&chip_kernel_avx512,
#elif defined(__aarch64__)
	&chip_kernel_neon,
	&chip_kernel_dotprod,
#endif
};

#define N_KERNELS (sizeof(kernels) / sizeof(kernels[0]))

const struct chip_kernel *chip_kernel_at(unsigned int i)
{
	return i < N_KERNELS ? kernels[i] : NULL;
}

const struct chip_kernel *chip_kernel_get(const char *name)
{
	bool automatic = !name || !strcmp(name, "auto");

	for (size_t i = N_KERNELS; i-- > 0;) {
		if (!automatic && strcmp(name, kernels[i]->name) != 0)
			continue;
		if (kernels[i]->supported())
			return kernels[i];
	}
	return NULL;
}
