/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * C-Transformer statistics: what a submission entry's stats_va receives, one
 * record for each row of a step and each instruction of its program. Part of the
 * job interface and its stable ABI; conventions as in ctrans_job.h.
 */
#ifndef _UAPI_CTRANS_STAT_H
#define _UAPI_CTRANS_STAT_H

#include <linux/types.h>

/**
 * struct ctrans_stat - what one instruction did for one row, 192 bytes
 *
 * Costs that rows share (weights fetched, elapsed cycles, leakage) are divided
 * equally, the remainder one each to the first rows, so that the records of a
 * step add up to the job exactly.
 *
 * @cycles: elapsed core cycles; fewer than cycles_external where memory was ahead
 * @cycles_compute: cycles the arrays would need alone
 * @cycles_external: cycles the external memory would need alone
 * @values_zero: activations skipped
 * @values_dense: activations computed as products
 * @values_spiking: activations computed as spikes
 * @values_outlier: activations computed by the INT16 unit
 * @values_clamped: of those, clamped to +-32767
 * @spikes: spikes of the spiking values, each reaching every output once
 * @ops_dense: 8-bit multiply-accumulates
 * @ops_spiking: spike accumulates
 * @ops_outlier: 16-bit multiply-accumulates
 * @ops_vector: binary32 operations of the vector unit
 * @bytes_sram: bytes read from on-chip memory
 * @bytes_external: bytes to and from external memory
 * @energy_dense_fj: femtojoules of the dense domain
 * @energy_spiking_fj: of the spiking domain, with stalls and speculation
 * @energy_outlier_fj: of the INT16 unit
 * @energy_vector_fj: of the vector unit
 * @energy_sram_fj: of on-chip memory
 * @energy_external_fj: of external memory
 * @energy_static_fj: of leakage and clocks while it lasted
 * @ops_skipped: of ops_spiking and ops_dense without speculation, those that
 *	speculation made unnecessary; they are not in those
 * @cycles_stall: of cycles_compute, those in which the array waited for weights
 *	or changed its mode
 */
struct ctrans_stat {
	__u64 cycles;
	__u64 cycles_compute;
	__u64 cycles_external;
	__u64 values_zero;
	__u64 values_dense;
	__u64 values_spiking;
	__u64 values_outlier;
	__u64 values_clamped;
	__u64 spikes;
	__u64 ops_dense;
	__u64 ops_spiking;
	__u64 ops_outlier;
	__u64 ops_vector;
	__u64 bytes_sram;
	__u64 bytes_external;
	__u64 energy_dense_fj;
	__u64 energy_spiking_fj;
	__u64 energy_outlier_fj;
	__u64 energy_vector_fj;
	__u64 energy_sram_fj;
	__u64 energy_external_fj;
	__u64 energy_static_fj;
	__u64 ops_skipped;
	__u64 cycles_stall;
};

#endif
