// SPDX-License-Identifier: MIT
#include "engine/usage.h"

#include <time.h>

uint64_t ct_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void ct_spent_add_row(struct ct_spent *sum,
		      const struct ctrans_cost row[CTRANS_KINDS])
{
	size_t i;

	for (i = 0; i < CTRANS_KINDS; i++)
		ct_cost_add(&sum->kind[i], &row[i]);
}

void ct_spent_add(struct ct_spent *sum, const struct ct_spent *part)
{
	ct_spent_add_row(sum, part->kind);
	sum->ns += part->ns;
	sum->device_ns += part->device_ns;
	sum->tokens += part->tokens;
	sum->reused += part->reused;
	sum->drafted += part->drafted;
	sum->accepted += part->accepted;
	sum->passes += part->passes;
}

void ct_account_add(struct ct_account *sum, const struct ct_account *part)
{
	ct_spent_add(&sum->prefill, &part->prefill);
	ct_spent_add(&sum->decode, &part->decode);
}

void ct_account_usage(const struct ct_account *account,
		      const struct ct_core *core, struct ctrans_usage *usage)
{
	const struct ct_spent *prefill = &account->prefill;
	const struct ct_spent *decode = &account->decode;
	size_t i;

	*usage = (struct ctrans_usage){
		.size = sizeof(*usage),
		.prompt_tokens = prefill->tokens,
		.new_tokens = decode->tokens,
		.prefill_ns = prefill->ns,
		.decode_ns = decode->ns,
		.reused_tokens = prefill->reused,
		.prefill_device_ns = prefill->device_ns,
		.decode_device_ns = decode->device_ns,
		.drafted = prefill->drafted + decode->drafted,
		.accepted = prefill->accepted + decode->accepted,
		.passes = prefill->passes + decode->passes,
	};
	for (i = 0; i < CTRANS_KINDS; i++) {
		ct_cost_add(&usage->prefill, &prefill->kind[i]);
		ct_cost_add(&usage->decode, &decode->kind[i]);
		ct_cost_add(&usage->kind[i], &prefill->kind[i]);
		ct_cost_add(&usage->kind[i], &decode->kind[i]);
	}
	usage->chip_seconds = ct_core_seconds(core, usage->prefill.cycles +
						    usage->decode.cycles);
}

uint64_t ctrans_cost_energy_fj(const struct ctrans_cost *cost)
{
	return cost->dense_fj + cost->spiking_fj + cost->outlier_fj +
	       cost->vector_fj + cost->sram_fj + cost->external_fj +
	       cost->static_fj;
}
