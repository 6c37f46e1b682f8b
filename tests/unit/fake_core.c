// SPDX-License-Identifier: MIT
#include "fake_core.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/tasks.h"
#include "text/alphabet.h"
#include "text/tokenizer.h"

struct ct_core {
	struct ct_config cfg;
	struct ct_tokenizer *tokenizer;
	struct ct_tasks tasks;
	bool little;
};

struct ct_seq {
	struct ct_core *core;
	uint32_t *tokens;
	uint32_t n;
};

struct fake_core fake;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void fake_reset(void)
{
	fake = (struct fake_core){
		.context = 64, .poison = UINT32_MAX, .fail_code = -EIO,
	};
}

void fake_sleep(unsigned int us)
{
	__atomic_store_n(&fake.sleep_us, us, __ATOMIC_RELAXED);
}

unsigned long fake_open_seqs(void)
{
	unsigned long n;

	pthread_mutex_lock(&lock);
	n = fake.open_seqs;
	pthread_mutex_unlock(&lock);
	return n;
}

void fake_logits(const uint32_t *tokens, size_t n, float logits[FAKE_VOCAB])
{
	uint64_t h = 0x9e3779b97f4a7c15u, x;
	uint32_t i;
	size_t at;

	for (at = 0; at < n; at++)
		h = (h ^ tokens[at]) * 0xd6e8feb86659fd93u + (h >> 31);
	for (i = 0; i < FAKE_VOCAB; i++) {
		x = (h + i) * 0xd6e8feb86659fd93u;
		x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
		logits[i] = (float)((int)(x >> 40 & 1023) - 512) / 64;
	}
	logits[FAKE_EOS] = logits[FAKE_HOLE] = -30;
	if (fake.script && n >= fake.script_from &&
	    n - fake.script_from < strlen(fake.script))
		logits[(unsigned char)fake.script[n - fake.script_from]] = 100;
	else if (fake.script && n >= fake.script_from)
		logits[FAKE_EOS] = 100;
}

static int make_tokenizer(struct ct_tokenizer **tokenizer, struct ct_err *err)
{
	struct ct_bpe_options opt = CT_BPE_OPTIONS_INIT;
	struct ct_bpe_builder *b;
	struct ct_bpe *bpe;
	char letter[CT_ALPHABET_MAX];
	uint32_t i;
	size_t len;
	int ret;

	ret = ct_bpe_builder_new(&b, err);
	if (ret)
		return ret;
	for (i = 0; i < 256 && !ret; i++) {
		len = ct_alphabet_spell(i, letter);
		ret = ct_bpe_builder_token(b, i, letter, len, err);
	}
	if (!ret)
		ret = ct_bpe_builder_added(b, FAKE_EOS, "<|endoftext|>", 13,
					   CT_BPE_ADD_SPECIAL, err);
	if (!ret)
		ret = ct_bpe_builder_added(b, FAKE_WORD, "<word>", 6, 0, err);
	opt.eos_id = FAKE_EOS;
	opt.bos_id = fake.no_bos ? CT_BPE_NO_ID : FAKE_EOS;
	if (!ret)
		ret = ct_bpe_builder_finish(b, &opt, &bpe, err);
	ct_bpe_builder_free(b);
	if (ret)
		return ret;
	*tokenizer = ct_tokenizer_of_bpe(bpe);
	return *tokenizer ? 0 : ct_fail(err, -ENOMEM, "no memory");
}

int ct_core_open(const char *path, const struct ctrans_model_params *params,
		 struct ct_core **core, struct ct_err *err)
{
	struct ct_core *c;
	int ret;

	(void)path;
	(void)params;
	c = calloc(1, sizeof(*c));
	if (!c)
		return ct_fail(err, -ENOMEM, "no memory");
	c->cfg = (struct ct_config){
		.n_vocab = FAKE_VOCAB, .n_ctx = fake.context,
		.bos_id = fake.no_bos ? -1 : (int64_t)FAKE_EOS,
		.eos_id = FAKE_EOS, .n_eos = 1, .eos_ids = { FAKE_EOS },
	};
	ct_tasks_init(&c->tasks, &c->cfg);
	if (!fake.no_bpe) {
		ret = make_tokenizer(&c->tokenizer, err);
		if (ret) {
			free(c);
			return ret;
		}
	}
	*core = c;
	return 0;
}

int ct_core_open_beside(const char *path, const struct ctrans_model_params *params,
			const struct ct_core *other, struct ct_core **core,
			struct ct_err *err)
{
	int ret = ct_core_open(path, params, core, err);

	(void)other;
	if (!ret)
		(*core)->little = true;
	if (!ret && fake.little_context)
		(*core)->cfg.n_ctx = fake.little_context;
	return ret;
}

void ct_core_close(struct ct_core *core)
{
	ct_tokenizer_free(core->tokenizer);
	free(core);
}

const struct ct_config *ct_core_config(const struct ct_core *core)
{
	return &core->cfg;
}

bool ct_core_has_little(const struct ct_core *core)
{
	(void)core;
	return false;
}

const struct ct_tokenizer *ct_core_tokenizer(const struct ct_core *core)
{
	return core->tokenizer;
}

const struct ct_tasks *ct_core_tasks(const struct ct_core *core)
{
	return &core->tasks;
}

uint32_t ct_core_context(const struct ct_core *core)
{
	return core->cfg.n_ctx;
}

void ct_core_info(const struct ct_core *core, struct ctrans_model_info *info)
{
	info->vocab = core->cfg.n_vocab;
	info->context = core->cfg.n_ctx;
}

bool ct_core_has_weights(const struct ct_core *core)
{
	(void)core;
	return !fake.no_weights;
}

double ct_core_seconds(const struct ct_core *core, uint64_t cycles)
{
	(void)core;
	return cycles / 1e8;
}

int ct_seq_open(struct ct_core *core, struct ct_seq **seq, struct ct_err *err)
{
	struct ct_seq *s = calloc(1, sizeof(*s));

	if (s)
		s->tokens = malloc(core->cfg.n_ctx * sizeof(*s->tokens));
	if (!s || !s->tokens) {
		free(s);
		return ct_fail(err, -ENOMEM, "no memory");
	}
	s->core = core;
	pthread_mutex_lock(&lock);
	fake.open_seqs++;
	pthread_mutex_unlock(&lock);
	*seq = s;
	return 0;
}

/* Positions that are filled, or given back. */
static void hold(long n)
{
	pthread_mutex_lock(&lock);
	fake.held += n;
	pthread_mutex_unlock(&lock);
}

int ct_seq_fork(const struct ct_seq *seq, struct ct_seq **copy, struct ct_err *err)
{
	int ret = ct_seq_open(seq->core, copy, err);

	if (ret)
		return ret;
	memcpy((*copy)->tokens, seq->tokens, seq->n * sizeof(*seq->tokens));
	(*copy)->n = seq->n;
	hold(seq->n);
	return 0;
}

/* As if others had run the first few of them. */
uint32_t ct_seq_reuse(struct ct_seq *seq, const uint32_t *tokens, size_t n)
{
	uint32_t reused = 0;

	for (; reused + 1 < n && reused < fake.known; reused++)
		seq->tokens[seq->n++] = tokens[reused];
	hold(reused);
	return reused;
}

void ct_seq_unshared(struct ct_seq *seq)
{
	(void)seq;
}

void ct_seq_close(struct ct_seq *seq)
{
	if (!seq)
		return;
	pthread_mutex_lock(&lock);
	fake.open_seqs--;
	fake.held -= seq->n;
	pthread_mutex_unlock(&lock);
	free(seq->tokens);
	free(seq);
}

uint32_t ct_seq_position(const struct ct_seq *seq)
{
	return seq->n;
}

void ct_seq_truncate(struct ct_seq *seq, uint32_t position)
{
	hold((long)position - (long)seq->n);
	seq->n = position;
}

void ct_seq_become(struct ct_seq *seq, const struct ct_seq *other)
{
	memcpy(seq->tokens, other->tokens, other->n * sizeof(*other->tokens));
	hold((long)other->n - (long)seq->n);
	seq->n = other->n;
}

/* It has no encoder. */
int ct_core_encode(struct ct_core *core, const uint32_t *tokens, size_t n,
		   struct ctrans_cost cost[CTRANS_KINDS], uint64_t *device_ns,
		   struct ct_source **source, struct ct_err *err)
{
	(void)core;
	(void)tokens;
	(void)n;
	(void)cost;
	(void)device_ns;
	(void)source;
	return ct_fail(err, -ENOTSUP, "the model has no encoder");
}

void ct_source_drop(struct ct_source *source)
{
	(void)source;
}

void ct_seq_attend(struct ct_seq *seq, struct ct_source *source)
{
	(void)seq;
	(void)source;
}

bool ct_seq_has_source(const struct ct_seq *seq)
{
	(void)seq;
	return false;
}

void ct_cost_add(struct ctrans_cost *sum, const struct ctrans_cost *part)
{
	sum->cycles += part->cycles;
	sum->dense_fj += part->dense_fj;
}

/* Highest first; a stable insertion leaves the lower id first on a tie. */
static void rank(const float *logits, struct ct_best *best)
{
	uint32_t i, at;

	best->n = 0;
	for (i = 0; i < FAKE_VOCAB; i++) {
		for (at = best->n; at && logits[i] > best->top[at - 1].logit; at--)
			if (at < CT_STEP_TOPK)
				best->top[at] = best->top[at - 1];
		if (at == CT_STEP_TOPK)
			continue;
		best->top[at] = (struct ct_ranked){ i, logits[i] };
		best->n += best->n < CT_STEP_TOPK;
	}
}

/* Another token, and it is sure of it. */
static void disturb(const uint32_t *tokens, size_t n, float *logits)
{
	uint64_t h = 1;
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ tokens[i]) * 0xd6e8feb86659fd93u + (h >> 29);
	if ((h >> 40) % 100 < fake.noise)
		logits[(h >> 32) % 256] += 200;
}

static void give(struct ct_step_row *row)
{
	float logits[FAKE_VOCAB];
	double sum = 0;
	uint32_t i;

	fake_logits(row->seq->tokens, row->seq->n, logits);
	if (row->seq->core->little)
		disturb(row->seq->tokens, row->seq->n, logits);
	for (i = 0; i < FAKE_VOCAB; i++)
		sum += exp((double)logits[i]);
	if (row->logits)
		memcpy(row->logits, logits, sizeof(logits));
	if (row->best) {
		row->best->lse = (float)log(sum);
		rank(logits, row->best);
	}
	if (row->want_target)
		row->target_logit = logits[row->target];
}

static int check(const struct ct_step_row *rows, size_t n)
{
	size_t i, wants = 0;

	for (i = 0; i < n; i++) {
		wants += rows[i].logits || rows[i].best || rows[i].want_target;
		if (rows[i].token >= FAKE_VOCAB)
			return -EINVAL;
		if (rows[i].token == fake.poison)
			return -EIO;
	}
	if (!n || n > CT_STEP_ROWS || wants > CT_STEP_LOGITS)
		return -EDOM;	/* which nothing above the core may cause */
	if (fake.room && fake.held + n > fake.room)
		return -ENOMEM;
	return fake.steps == fake.fail_at ? fake.fail_code : 0;
}

int ct_core_step(struct ct_core *core, struct ct_step_row *rows, size_t n,
		 struct ctrans_cost (*cost)[CTRANS_KINDS], struct ct_err *err)
{
	unsigned int sleep_us = __atomic_load_n(&fake.sleep_us, __ATOMIC_RELAXED);
	struct ct_seq *seq;
	size_t i;
	int ret;

	if (sleep_us)
		usleep(sleep_us);
	pthread_mutex_lock(&lock);
	fake.steps++;
	fake.little_steps += core->little;
	fake.rows += n;
	if (n > fake.most_rows)
		fake.most_rows = n;
	ret = check(rows, n);
	if (!ret && core->little)
		ret = fake.little_fail;
	for (i = 0; i < n && !ret; i++) {
		seq = rows[i].seq;
		if (seq->n == core->cfg.n_ctx) {
			ret = -E2BIG;
			break;
		}
		seq->tokens[seq->n++] = rows[i].token;
		fake.held++;
		give(&rows[i]);
		rows[i].device_ns = 11;
		if (cost) {
			cost[i][CTRANS_KIND_QKV].cycles += 100;
			cost[i][CTRANS_KIND_HEAD].dense_fj += 7;
		}
	}
	pthread_mutex_unlock(&lock);
	return ret ? ct_fail(err, ret, "the step failed (%d)", ret) : 0;
}
