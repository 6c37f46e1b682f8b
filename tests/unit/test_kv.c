// SPDX-License-Identifier: MIT
/* Keys and values: whose they are, and that nobody can tell whether shared. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chip_must.h"
#include "engine/core_impl.h"
#include "small_model.h"

static struct ct_core *open_core(uint32_t flags)
{
	struct ctrans_model_params p;
	struct ct_core *core;
	struct ct_err err;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=1";
	p.flags = flags;
	if (ct_core_open(small_model(), &p, &core, &err))
		ck_abort_msg("%s", err.msg);
	return core;
}

static struct ct_seq *open_seq(struct ct_core *core)
{
	struct ct_seq *seq;

	MUST(!ct_seq_open(core, &seq, NULL));
	return seq;
}

/* Some tokens, @salt's; logits after the last. */
static void step(struct ct_core *core, struct ct_seq *seq, uint32_t n, uint32_t salt,
		 float *logits)
{
	struct ct_step_row rows[CT_STEP_ROWS] = { 0 };

	for (uint32_t i = 0; i < n; i++) {
		rows[i].seq = seq;
		rows[i].token = (salt + (ct_seq_position(seq) + i) * 7) % SMALL_VOCAB;
	}
	rows[n - 1].logits = logits;
	MUST(!ct_core_step(core, rows, n, NULL, NULL));
}

static const uint32_t kinds[] = { 0, CTRANS_MODEL_F32 };
#define KINDS	((int)(sizeof(kinds) / sizeof(kinds[0])))

START_TEST(bytes)
{
	static const uint32_t lengths[] = { 0, 1, 17, 63, 64, 65, 128, 200 };
	struct ct_core *core = open_core(kinds[_i]);
	float want[SMALL_VOCAB], got[SMALL_VOCAB];

	for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
		uint32_t n = lengths[k];
		size_t size = ct_seq_kv_bytes(core, n);
		struct ct_seq *a = open_seq(core), *b = open_seq(core);
		uint8_t *x = malloc(size + 1), *y = malloc(size + 1);

		MUST(size == (n + 63) / 64 * core->block_bytes);
		/* something after the last position that must not be seen */
		step(core, a, 256, 1, NULL);
		ct_seq_truncate(a, n);
		ct_seq_kv_get(a, x);
		if (n) {
			step(core, b, n, 1, NULL);
			ct_seq_kv_get(b, y);
			MUST(!memcmp(x, y, size));
			ct_seq_truncate(b, 0);
		}
		MUST(!ct_seq_kv_set(b, n, x, NULL));
		MUST(ct_seq_position(b) == n);
		memset(y, 0x55, size);
		ct_seq_kv_get(b, y);
		MUST(!memcmp(x, y, size));
		step(core, a, 70, 2, want);
		step(core, b, 70, 2, got);
		MUST(!memcmp(want, got, sizeof(want)));
		MUST(ct_seq_kv_set(b, n, x, NULL) == -EINVAL);
		ct_seq_close(a);
		ct_seq_close(b);
		free(x);
		free(y);
	}
	ct_core_close(core);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kv");
	TCase *t = tcase_create("kv");
	SRunner *r;
	int failed;

	small_model();
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, bytes, 0, KINDS);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
