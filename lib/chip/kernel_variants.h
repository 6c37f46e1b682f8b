/* SPDX-License-Identifier: MIT */
/* The kernels that a build may hold; kernel.c chooses among them. */
#ifndef CHIP_KERNEL_VARIANTS_H
#define CHIP_KERNEL_VARIANTS_H

#include "chip/kernel.h"

extern const struct chip_kernel chip_kernel_reference;
extern const struct chip_kernel chip_kernel_generic;
extern const struct chip_kernel chip_kernel_avx2;
extern const struct chip_kernel chip_kernel_avxvnni;
extern const struct chip_kernel chip_kernel_avx512;
extern const struct chip_kernel chip_kernel_neon;
extern const struct chip_kernel chip_kernel_dotprod;

#endif
