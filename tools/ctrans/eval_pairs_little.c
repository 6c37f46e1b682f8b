// SPDX-License-Identifier: MIT
/* What a little model saves: greedy texts for the lines, with drafts and without. */
#include "cli.h"
#include "eval_pairs.h"

static const struct {
	const char *name;
	struct pairs_drafts drafts;
} modes[PAIRS_DRAFTS] = {
	{ "alone", { 0, 0 } },
	{ "exact", { 8, 0 } },
	{ "2 nats", { 8, 2 } },
	{ "5 nats", { 8, 5 } },	/* BiLD's default */
};

int pairs_little(struct ctrans_model *model, const struct pairs *p,
		 struct pairs_report *r)
{
	struct pairs greedy = *p;
	int status = EXIT_OK;

	/* beams draft nothing */
	greedy.beams = 1;
	for (size_t i = 0; i < PAIRS_DRAFTS && !status; i++) {
		struct pairs_run *run = &r->draft[i];

		run->name = modes[i].name;
		status = pairs_write(model, &greedy, "Drafting", &modes[i].drafts, run);
		if (!status)
			status = pairs_score(p, run);
		if (!status) {
			r->draft_same[i] = pairs_same(p, &r->draft[0], run);
			r->n_drafts++;
		}
	}
	return status;
}
