// SPDX-License-Identifier: MIT
/*
 * A kernel for one kind of CPU: this file is compiled once for each, with that
 * CPU's flags and CHIP_VARIANT set to its name. Everything here is static but
 * the kernel itself, so that no code compiled for a newer CPU is ever linked in
 * place of another's.
 */
#include "chip/kernel_vec.h"

#include "chip/kernel_vec_dot.h"
#include "chip/kernel_vec_sums.h"
#include "chip/kernel_vec_row.h"
#include "chip/kernel_vec_linear.h"
#include "chip/kernel_vec_esc.h"
#include "chip/kernel_vec_count.h"
#include "chip/kernel_vec_sample.h"
#include "chip/kernel_vec_attn.h"
#include "chip/kernel_vec_tile.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

#if defined(__AVX2__) && !defined(__AVX512F__)
#include <cpuid.h>

static bool cpuid_bit(unsigned int leaf, unsigned int subleaf,
		      unsigned int reg, unsigned int bit)
{
	unsigned int r[4] = { 0 };

	return __get_cpuid_count(leaf, subleaf, &r[0], &r[1], &r[2], &r[3]) &&
	       (r[reg] >> bit & 1);
}
#endif

#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
#include <sys/auxv.h>
#endif

/* __builtin_cpu_supports knows that the system saves the wide registers too. */
static bool vec_supported(void)
{
#if defined(__AVX512F__)
	return __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512vnni") &&
	       __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#elif defined(__AVX2__)
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
	    !cpuid_bit(1, 0, 2, 29))	/* F16C */
		return false;
#if defined(__AVXVNNI__)
	return cpuid_bit(7, 1, 0, 4);	/* AVX-VNNI */
#else
	return true;
#endif
#elif defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
	return getauxval(AT_HWCAP) & 1ul << 20;	/* HWCAP_ASIMDDP */
#else
	return true;
#endif
}

const struct chip_kernel JOIN(chip_kernel_, CHIP_VARIANT) = {
	.name = TEXT(CHIP_VARIANT),
	.offset = SUMS_OFFSET,
	.supported = vec_supported,
	.sumsq = vec_sumsq,
	.quantise = vec_quantise,
	.planes = vec_planes,
	.sums = vec_sums,
	.epilogue = vec_epilogue,
	.sample = vec_sample,
	.linear = vec_linear,
	.unpack = vec_unpack,
	.linear_esc = vec_linear_esc,
	.sums_f32 = vec_sums_f32,
	.epilogue_f32 = vec_epilogue_f32,
	.layernorm = vec_layernorm,
	.rmsnorm = vec_rmsnorm,
	.embed = vec_embed,
	.scores = vec_scores,
	.max = vec_max,
	.exp_block = vec_exp_block,
	.weigh = vec_weigh,
	.scores_rows = vec_scores_rows,
	.weigh_rows = vec_weigh_rows,
	.divide = vec_divide,
	.sumexp = vec_sumexp,
	.to_f16 = vec_to_f16,
	.to_s8 = vec_to_s8,
};
