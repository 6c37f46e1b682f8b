/* SPDX-License-Identifier: MIT */
/* What calls cost: wall time, and the chip's modelled work by layer kind. */
#ifndef CT_ENGINE_USAGE_H
#define CT_ENGINE_USAGE_H

#include <stdint.h>

#include "engine/core.h"

/* Of the first release's structure. */
#define CT_USAGE_LEAST	offsetof(struct ctrans_usage, reused_tokens)

/* Work of one phase of one caller. */
struct ct_spent {
	struct ctrans_cost kind[CTRANS_KINDS];
	uint64_t ns;
	uint64_t device_ns;	/* of them; see ctrans.h */
	uint32_t tokens;
	uint32_t reused;	/* of them, not run */
	uint32_t drafted, accepted, passes;	/* see ctrans.h */
};

/* A call has two phases: up to the first new token, and from there on. */
struct ct_account {
	struct ct_spent prefill, decode;
};

void ct_spent_add(struct ct_spent *sum, const struct ct_spent *part);
/* What one row of a step cost. */
void ct_spent_add_row(struct ct_spent *sum,
		      const struct ctrans_cost row[CTRANS_KINDS]);
void ct_account_add(struct ct_account *sum, const struct ct_account *part);
void ct_account_usage(const struct ct_account *account,
		      const struct ct_core *core, struct ctrans_usage *usage);

/* Monotonic time. */
uint64_t ct_now_ns(void);

#endif
