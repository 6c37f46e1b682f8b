// SPDX-License-Identifier: MIT
/*
 * Keys and values: whose they are, and that nobody can tell whether shared.
 * Sequences fork, write, truncate, fail and begin alike at random, while each is
 * compared with one that never shared anything, and every block's holders are
 * counted.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chip_must.h"
#include "engine/core_impl.h"
#include "fail_alloc.h"
#include "small_model.h"

/* ---- Faults ------------------------------------------------------------ */

/* The next job fails: 1 before it is run, 2 after it has written. */
static int fail_job;
/* Device memory is out after so many more allocations; -1: never. */
static int device_allocs = -1;

int __real_ct_queue_submit(struct ct_queue *queue, const struct ctrans_sqe *sqe);
int __wrap_ct_queue_submit(struct ct_queue *queue, const struct ctrans_sqe *sqe);
int __real_ct_queue_wait(struct ct_queue *queue, struct ctrans_cqe *cqe,
			 struct ct_err *err);
int __wrap_ct_queue_wait(struct ct_queue *queue, struct ctrans_cqe *cqe,
			 struct ct_err *err);
int __real_ct_device_alloc(struct ct_device *dev, uint64_t size,
			   struct ct_buf_dev *buf, struct ct_err *err);
int __wrap_ct_device_alloc(struct ct_device *dev, uint64_t size,
			   struct ct_buf_dev *buf, struct ct_err *err);

int __wrap_ct_queue_submit(struct ct_queue *queue, const struct ctrans_sqe *sqe)
{
	if (fail_job != 1)
		return __real_ct_queue_submit(queue, sqe);
	fail_job = 0;
	return -EAGAIN;
}

int __wrap_ct_queue_wait(struct ct_queue *queue, struct ctrans_cqe *cqe,
			 struct ct_err *err)
{
	int ret = __real_ct_queue_wait(queue, cqe, err);

	if (!ret && fail_job == 2) {
		fail_job = 0;
		cqe->status = CTRANS_ST_BUS;
	}
	return ret;
}

int __wrap_ct_device_alloc(struct ct_device *dev, uint64_t size,
			   struct ct_buf_dev *buf, struct ct_err *err)
{
	if (!device_allocs)
		return ct_fail(err, -ENOMEM, "no device memory");
	if (device_allocs > 0)
		device_allocs--;
	return __real_ct_device_alloc(dev, size, buf, err);
}

/* Among the flags of a model: keys and values of 8 bits. */
#define S8	(1u << 31)

static struct ct_core *open_core(uint32_t flags)
{
	struct ctrans_model_params p;
	struct ct_core *core;
	struct ct_err err;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=1";
	p.flags = flags & ~S8;
	if (flags & S8)
		p.kv = "s8";
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

static const uint32_t kinds[] = { 0, CTRANS_MODEL_F32, S8 };
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

/* ---- Trees of forks ----------------------------------------------------- */

#define SEQS	12u

struct text {
	struct ct_seq *seq;
	uint32_t token[SMALL_CONTEXT];
};

struct forest {
	struct ct_core *core, *plain;
	struct text text[SEQS];
	uint64_t state;
	uint32_t reused, forks, failed;
};

static uint32_t rnd(struct forest *f, uint32_t n)
{
	f->state = f->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(f->state >> 33) % n;
}

/* Each block's holders, counted from the tables; nothing is lost or twice. */
static void check_blocks(const struct forest *f)
{
	const struct ct_kv *kv = &f->core->kv;
	size_t n = kv->n_chunks * CT_KV_CHUNK, n_free = 0, n_kept = 0;
	uint32_t *refs = calloc(n + 1, sizeof(*refs)), b, last = CT_KV_NONE;

	for (size_t i = 0; i < SEQS; i++) {
		const struct ct_seq *seq = f->text[i].seq;
		const uint64_t *table = seq ? seq->table.cpu : NULL;

		if (!seq)
			continue;
		MUST(seq->n_blocks == (seq->position + 63) / 64);
		for (b = 0; b < seq->n_blocks; b++) {
			uint32_t k = seq->block[b];

			MUST(k < n);
			refs[k]++;
			MUST(table[b] == kv->chunks[k / CT_KV_CHUNK].va +
					 k % CT_KV_CHUNK * f->core->block_bytes);
		}
	}
	for (b = kv->free; b != CT_KV_NONE; b = kv->block[b].next, n_free++)
		MUST(!refs[b]++ && !kv->block[b].name && !kv->block[b].refs);
	for (b = kv->oldest; b != CT_KV_NONE; b = kv->block[b].next, n_kept++) {
		MUST(!refs[b]++ && kv->block[b].name && !kv->block[b].refs);
		MUST(kv->block[b].prev == last);
		last = b;
	}
	MUST(kv->newest == last);
	MUST(n_free == kv->n_free && n_kept == kv->n_kept && n_kept <= kv->keep);
	for (b = 0; b < n; b++) {
		MUST(refs[b] && (!kv->block[b].refs || kv->block[b].refs == refs[b]));
		if (kv->block[b].name)
			MUST(ct_prefix_find(kv, kv->block[b].before,
					    kv->block[b].tokens) == b);
	}
	free(refs);
}

/* Every known block can be reached: the one before it is known as well. */
static void check_chains(const struct forest *f)
{
	const struct ct_kv *kv = &f->core->kv;
	size_t n = kv->n_chunks * CT_KV_CHUNK, a, b;

	for (b = 0; b < n; b++) {
		if (!kv->block[b].name || !kv->block[b].before)
			continue;
		for (a = 0; a < n && kv->block[a].name != kv->block[b].before; a++)
			;
		MUST(a < n);
	}
}

/* Texts are made of two phrases, so that many begin alike. */
static uint32_t next_token(struct forest *f, const struct text *t, uint32_t at)
{
	uint32_t phrase = at % 32 ? t->token[at - 1] % 2 : rnd(f, 2);
	uint32_t odd = rnd(f, 200) ? 0 : 2;

	return (at * 6 % 50 / 2 * 2 + phrase + odd) % (SMALL_VOCAB - 1);
}

/* Bit for bit what a sequence that shares nothing comes to. */
static void compare(struct forest *f, const struct text *t, const float *logits)
{
	uint32_t n = t->seq->position;
	struct ct_step_row rows[CT_STEP_ROWS];
	float want[SMALL_VOCAB];
	struct ct_seq *twin = open_seq(f->plain);
	size_t size = ct_seq_kv_bytes(f->core, n);
	uint8_t *a = malloc(size + 1), *b = malloc(size + 1);

	for (uint32_t at = 0, here; at < n; at += here) {
		here = n - at < 100 ? n - at : 100;
		memset(rows, 0, sizeof(rows));
		for (uint32_t i = 0; i < here; i++)
			rows[i] = (struct ct_step_row){ .seq = twin,
							.token = t->token[at + i] };
		rows[here - 1].logits = want;
		MUST(!ct_core_step(f->plain, rows, here, NULL, NULL));
	}
	if (logits)
		MUST(!memcmp(want, logits, sizeof(want)));
	ct_seq_kv_get(t->seq, a);
	ct_seq_kv_get(twin, b);
	MUST(!memcmp(a, b, size));
	ct_seq_close(twin);
	free(a);
	free(b);
}

static void fail_now(struct forest *f)
{
	if (rnd(f, 6) == 0)
		fail_job = 1 + (int)rnd(f, 2);
	else if (rnd(f, 6) == 0)
		device_allocs = 0;
}

/* Up to three texts go on in one step. */
static void go_on(struct forest *f)
{
	struct ct_step_row rows[3 * 80] = { 0 };
	float logits[3][SMALL_VOCAB];
	struct text *who[3];
	uint32_t n = 0, texts = 0, first = rnd(f, SEQS);
	int ret;

	for (uint32_t i = 0; i < SEQS && texts < 3; i++) {
		struct text *t = &f->text[(first + i) % SEQS];
		uint32_t more = 1 + (rnd(f, 2) ? rnd(f, 80) : rnd(f, 4)), at, reused;

		if (!t->seq || t->seq->position + more > SMALL_CONTEXT)
			continue;
		at = t->seq->position;
		for (uint32_t k = 0; k < more; k++)
			t->token[at + k] = next_token(f, t, at + k);
		reused = rnd(f, 2) ? ct_seq_reuse(t->seq, t->token + at, more) : 0;
		MUST(reused < more && t->seq->position == at + reused);
		f->reused += reused;
		for (uint32_t k = reused; k < more; k++)
			rows[n++] = (struct ct_step_row){ .seq = t->seq,
							  .token = t->token[at + k] };
		rows[n - 1].logits = logits[texts];
		who[texts++] = t;
	}
	if (!n)
		return;
	fail_now(f);
	ret = ct_core_step(f->core, rows, n, NULL, NULL);
	MUST(!ret || ret == -EIO || ret == -ENOMEM);
	fail_job = 0;
	device_allocs = -1;
	f->failed += ret != 0;
	for (uint32_t i = 0; i < texts; i++)
		if (who[i]->seq->position)
			compare(f, who[i], ret ? NULL : logits[i]);
}

static void change(struct forest *f)
{
	struct text *t = &f->text[rnd(f, SEQS)], *from = &f->text[rnd(f, SEQS)];

	if (t->seq && rnd(f, 3)) {
		ct_seq_truncate(t->seq, rnd(f, t->seq->position + 1));
	} else if (t->seq) {
		ct_seq_close(t->seq);
		t->seq = NULL;
	} else if (from->seq) {
		memcpy(t->token, from->token, sizeof(t->token));
		MUST(!ct_seq_fork(from->seq, &t->seq, NULL));
		f->forks++;
	} else {
		t->seq = open_seq(f->core);
	}
}

START_TEST(forest)
{
	struct forest f = {
		.core = open_core(kinds[_i / 2] | (_i % 2 ? CTRANS_MODEL_NO_SHARING : 0)),
		.plain = open_core(kinds[_i / 2] | CTRANS_MODEL_NO_SHARING),
		.state = 7 + _i,
	};

	for (int round = 0; round < 1500; round++) {
		if (rnd(&f, 3))
			change(&f);
		else
			go_on(&f);
		check_blocks(&f);
		check_chains(&f);
	}
	ck_assert_uint_gt(f.forks, 50);
	ck_assert_uint_gt(f.failed, 20);
	if (_i % 2)
		ck_assert_uint_eq(f.reused + f.core->kv.names, 0);
	else
		ck_assert_uint_gt(f.reused, 1000);
	for (size_t i = 0; i < SEQS; i++) {
		ct_seq_close(f.text[i].seq);
		f.text[i].seq = NULL;
	}
	check_blocks(&f);
	ct_core_close(f.core);
	ct_core_close(f.plain);
}
END_TEST

/* ---- Memory -------------------------------------------------------------- */

static size_t blocks_held(const struct ct_core *core)
{
	const struct ct_kv *kv = &core->kv;

	return kv->n_chunks * CT_KV_CHUNK - kv->n_free - kv->n_kept;
}

#define CROWD	1000u

/* What a thousand have in common is there once, forked or found. */
START_TEST(crowd)
{
	struct ct_core *core = open_core(0);
	static struct ct_seq *seq[CROWD];
	uint32_t text[200], salt = 5;
	float want[SMALL_VOCAB], got[SMALL_VOCAB];

	for (uint32_t i = 0; i < 200; i++)
		text[i] = (salt + i * 7) % SMALL_VOCAB;
	seq[0] = open_seq(core);
	step(core, seq[0], 200, salt, want);
	ck_assert_uint_eq(blocks_held(core), 4);
	for (uint32_t i = 1; i < CROWD; i++) {
		if (i % 2) {
			MUST(!ct_seq_fork(seq[0], &seq[i], NULL));
			continue;
		}
		seq[i] = open_seq(core);
		ck_assert_uint_eq(ct_seq_reuse(seq[i], text, 200), 192);
	}
	ck_assert_uint_eq(blocks_held(core), 4);
	for (uint32_t i = 2; i < CROWD; i += 2) {
		step(core, seq[i], 8, salt, got);
		MUST(!memcmp(want, got, sizeof(want)));
	}
	/* a tail each for the even ones */
	ck_assert_uint_eq(blocks_held(core), 4 + CROWD / 2 - 1);
	/* each of the odd ones goes on alone, the last has the first's to itself */
	for (uint32_t i = 1; i < CROWD; i += 2)
		step(core, seq[i], 1, i, NULL);
	ck_assert_uint_eq(blocks_held(core), 4 + CROWD - 1);
	for (uint32_t i = 0; i < CROWD; i++)
		ct_seq_close(seq[i]);
	ck_assert_uint_eq(blocks_held(core), 0);
	ck_assert_uint_eq(core->kv.n_kept, 3);
	ct_core_close(core);
}
END_TEST

/* One text after the other, all different: what is kept takes no memory more. */
START_TEST(bounded)
{
	struct ct_core *core = open_core(0);
	uint32_t whole = (SMALL_CONTEXT + 63) / 64, most = 0;

	for (uint32_t i = 0; i < 40; i++) {
		struct ct_seq *seq = open_seq(core);

		step(core, seq, 200, i, NULL);
		ct_seq_close(seq);
		if (core->kv.n_kept > most)
			most = core->kv.n_kept;
		ck_assert_uint_le(core->kv.n_chunks * CT_KV_CHUNK,
				  whole + CT_KV_CHUNK);
	}
	ck_assert_uint_eq(most, whole);
	ct_core_close(core);
}
END_TEST

/* ---- From elsewhere ------------------------------------------------------- */

static void run(struct ct_core *core, struct ct_seq *seq, const uint32_t *tokens,
		uint32_t n)
{
	struct ct_step_row rows[CT_STEP_ROWS] = { 0 };

	for (uint32_t i = 0; i < n; i++)
		rows[i] = (struct ct_step_row){ .seq = seq, .token = tokens[i] };
	MUST(!ct_core_step(core, rows, n, NULL, NULL));
}

/* How much of a text others are said to have run. */
static uint32_t known(struct ct_core *core, const uint32_t *tokens, uint32_t n)
{
	struct ct_seq *seq = open_seq(core);
	uint32_t found = ct_seq_reuse(seq, tokens, n);

	ct_seq_close(seq);
	return found;
}

/*
 * What no tokens are known for is not found by any, nor continued by what is
 * found, although the list of tokens beside it may happen to say the same: new
 * memory's says zeros.
 */
START_TEST(foreign)
{
	struct ct_core *core = open_core(0);
	struct ct_seq *a = open_seq(core), *b, *c;
	uint32_t text[200] = { 0 };
	uint8_t *data = malloc(ct_seq_kv_bytes(core, 128));

	for (uint32_t i = 40; i < 200; i++)
		text[i] = 1 + i * 7 % 50;
	memset(data, 1, ct_seq_kv_bytes(core, 128));

	/* a block begun elsewhere, filled by itself and by its copies */
	MUST(!ct_seq_kv_set(a, 40, data, NULL));
	MUST(!ct_seq_fork(a, &b, NULL));
	MUST(!ct_seq_fork(a, &c, NULL));
	run(core, a, text + 40, 100);
	run(core, b, text + 40, 100);
	run(core, c, text + 40, 100);
	ck_assert_uint_eq(known(core, text, 200), 0);
	/* nor is what follows it the beginning of anything */
	ck_assert_uint_eq(known(core, text + 64, 136), 0);
	ck_assert_uint_eq(core->kv.names, 0);

	/* the very text that the list says is known; it does not continue this */
	ct_seq_truncate(b, 0);
	run(core, b, text, 200);
	ck_assert_uint_eq(known(core, text, 200), 192);
	ct_seq_truncate(c, 40);
	ck_assert_uint_eq(ct_seq_reuse(c, text + 40, 160), 0);

	/* its memory, another time, is like any other */
	for (uint32_t i = 0; i < 6; i++) {
		ct_seq_truncate(a, 0);
		MUST(!ct_seq_kv_set(a, 128, data, NULL));
		ct_seq_truncate(a, 0);
		text[0] = 1 + i;
		run(core, a, text, 130);
		ck_assert_uint_eq(known(core, text, 130), 128);
	}
	ct_seq_close(a);
	ct_seq_close(b);
	ct_seq_close(c);
	ck_assert_uint_eq(blocks_held(core), 0);
	free(data);
	ct_core_close(core);
}
END_TEST

/* Allocations fail one after the other; each time all is as it was. */
START_TEST(no_memory)
{
	struct forest f = { .core = open_core(0), .plain = open_core(0), .state = 1 };
	struct ct_seq *a = open_seq(f.core), *b = NULL;
	uint32_t text[128], failed = 0;
	int ret;

	f.text[0].seq = a;
	step(f.core, a, 70, 1, NULL);
	for (unsigned long n = 1; ; n++) {
		fail_alloc_at(n);
		ret = ct_seq_fork(a, &b, NULL);
		if (!fail_alloc_stop())
			break;
		ck_assert_int_eq(ret, -ENOMEM);
		check_blocks(&f);
		failed++;
	}
	MUST(!ret);
	f.text[1].seq = b;
	/* steps in which blocks are copied, and many are added */
	for (int kind = 0; kind < 2; kind++) {
		for (unsigned long n = 0; ; n++) {
			struct ct_step_row rows[200] = { 0 };
			uint32_t before = b->position;
			bool hit;

			for (size_t i = 0; i < 200; i++)
				rows[i] = (struct ct_step_row){ b, (uint32_t)i % 60 };
			if (kind)
				device_allocs = (int)n;
			else
				fail_alloc_at(n + 1);
			ret = ct_core_step(f.core, rows, 200, NULL, NULL);
			hit = kind ? !device_allocs : fail_alloc_stop();
			fail_alloc_stop();
			device_allocs = -1;
			check_blocks(&f);
			if (!ret) {
				ct_seq_truncate(b, 70 - (uint32_t)kind * 30);
				/* nor may it live on what is left over */
				if (!hit)
					break;
				continue;
			}
			MUST(ret == -ENOMEM || ret == -EIO);
			ck_assert_uint_eq(b->position, before);
			failed++;
		}
	}
	ck_assert_uint_gt(failed, 4);
	for (uint32_t i = 0; i < 70; i++)
		text[i] = (1 + i * 7) % SMALL_VOCAB;
	memcpy(f.text[0].token, text, sizeof(text));
	compare(&f, &f.text[0], NULL);
	ct_seq_close(a);
	ct_seq_close(b);
	f.text[0].seq = f.text[1].seq = NULL;
	check_blocks(&f);
	ct_core_close(f.core);
	ct_core_close(f.plain);
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
	tcase_add_loop_test(t, forest, 0, 2 * KINDS);
	tcase_add_test(t, crowd);
	tcase_add_test(t, bounded);
	tcase_add_test(t, foreign);
	tcase_add_test(t, no_memory);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
