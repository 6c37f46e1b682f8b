// SPDX-License-Identifier: MIT
#include "eval_metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bleu.h"
#include "cli.h"
#include "ctrans.h"
#include "json.h"
#include "lines.h"
#include "rouge.h"

struct metrics_options metrics = { .tok = "13a" };

static bool tok_given;

static const char *const tokenizers[] = { "13a", "none", NULL };

const struct option_spec metrics_specs[] = {
	{ OPTION_TEXT, 0, "bleu", "FILE", &metrics.bleu,
	  .help = "BLEU of the lines of FILE, as sacreBLEU computes it; no MODEL. - is "
		  "standard input" },
	{ OPTION_TEXT, 0, "rouge", "FILE", &metrics.rouge,
	  .help = "instead ROUGE-1, ROUGE-2 and ROUGE-L, as rouge_score computes them" },
	{ OPTION_LIST, 0, "ref", "FILE", &metrics.refs,
	  .help = "what the lines ought to be; again for one more reference each" },
	{ OPTION_CHOICE, 0, "tok", "NAME", &metrics.tok, &tok_given,
	  .choices = tokenizers,
	  .help = "tokens of BLEU: 13a (default), or none, which splits at white space" },
	{ OPTION_FLAG, 0, "lowercase", NULL, &metrics.lowercase,
	  .help = "BLEU in lower case; ROUGE always is" },
	{ OPTION_FLAG, 0, "stem", NULL, &metrics.stem,
	  .help = "ROUGE of word stems, by Porter's algorithm" },
	{ OPTION_FLAG, 0, "sentence-level", NULL, &metrics.sentences,
	  .help = "the scores of each line, too" },
	{ OPTION_END },
};

/* The hypotheses, and the references after them. */
struct job {
	struct lines *files;
	struct span *lines;	/* one of each file */
	size_t n_files, n_lines;
	cJSON *object, *each;	/* with --json; and --sentence-level */
};

static const struct {
	const char *name, *key;
} kinds[ROUGE_KINDS] = {
	{ "ROUGE-1", "rouge1" }, { "ROUGE-2", "rouge2" }, { "ROUGE-L", "rougeL" },
};

bool eval_metrics_wanted(void)
{
	return metrics.bleu || metrics.rouge || metrics.refs.n || tok_given ||
	       metrics.lowercase || metrics.stem || metrics.sentences;
}

static int check_options(void)
{
	const char *which = metrics.bleu ? "--bleu" : "--rouge";

	if (metrics.bleu && metrics.rouge)
		return usage_error(&command_eval, "--bleu and --rouge exclude each other");
	if (!metrics.bleu && !metrics.rouge && (tok_given || metrics.lowercase))
		return usage_error(&command_eval, "--%s is for --bleu FILE",
			tok_given ? "tok" : "lowercase");
	if (!metrics.bleu && !metrics.rouge)
		return usage_error(&command_eval, "--%s is for %s--rouge FILE",
			metrics.stem ? "stem" : metrics.refs.n ? "ref" :
			"sentence-level", metrics.stem ? "" : "--bleu FILE or ");
	if (!metrics.refs.n)
		return usage_error(&command_eval,
			"%s compares lines with references: --ref FILE is missing", which);
	if (metrics.rouge && (tok_given || metrics.lowercase))
		return usage_error(&command_eval,
			"--rouge has tokens of its own, in lower case: leave out --%s",
			tok_given ? "tok" : "lowercase");
	if (metrics.bleu && metrics.stem)
		return usage_error(&command_eval,
			"--stem is for --rouge: BLEU knows no stems");
	return EXIT_OK;
}

int metrics_fail_line(int ret, size_t line)
{
	if (ret == -ENOMEM)
		return fail(EXIT_MEMORY, "line %zu: out of memory", line);
	return fail(EXIT_FAILED, "line %zu has more than 2^32 tokens", line);
}

/* The next line of each file. */
static void next_lines(struct job *job)
{
	for (size_t i = 0; i < job->n_files; i++)
		job->lines[i] = lines_next(&job->files[i]);
}

void metrics_signature(char *buf, size_t size, size_t n_refs, bool effective)
{
	snprintf(buf, size, "nrefs:%zu|case:%s|eff:%s|tok:%s|smooth:exp|version:ctrans-%s",
		 n_refs, metrics.lowercase ? "lc" : "mixed",
		 effective ? "yes" : "no", metrics.tok, ctrans_version());
}

void metrics_print_bleu(const struct bleu_sum *sum, const struct bleu_score *s)
{
	printf("BLEU = %.2f %.1f/%.1f/%.1f/%.1f (BP = %.3f ratio = %.3f hyp_len = %" PRIu64
	       " ref_len = %" PRIu64 ")\n", s->score, s->precisions[0], s->precisions[1],
	       s->precisions[2], s->precisions[3], s->bp, s->ratio, sum->hyp_len,
	       sum->ref_len);
}

void metrics_json_bleu(cJSON *object, const struct bleu_sum *sum,
		       const struct bleu_score *s)
{
	cJSON *list;

	json_add_number(object, "score", s->score);
	list = json_add_array(object, "precisions");
	for (int k = 0; k < BLEU_ORDERS; k++)
		json_append_number(list, s->precisions[k]);
	list = json_add_array(object, "counts");
	for (int k = 0; k < BLEU_ORDERS; k++)
		json_append_count(list, sum->correct[k]);
	list = json_add_array(object, "totals");
	for (int k = 0; k < BLEU_ORDERS; k++)
		json_append_count(list, sum->total[k]);
	json_add_number(object, "bp", s->bp);
	json_add_number(object, "ratio", s->ratio);
	json_add_count(object, "hyp_len", sum->hyp_len);
	json_add_count(object, "ref_len", sum->ref_len);
}

static void show_sentence(const struct job *job, const struct bleu_sum *sum)
{
	struct bleu_score score;

	bleu_compute(sum, true, &score);
	if (job->object)
		metrics_json_bleu(json_append_object(job->each), sum, &score);
	else
		metrics_print_bleu(sum, &score);
}

struct bleu_options metrics_bleu_options(void)
{
	return (struct bleu_options){
		.lowercase = metrics.lowercase,
		.split = !strcmp(metrics.tok, "none"),
	};
}

static int score_bleu(struct job *job, struct bleu_sum *sum)
{
	const struct bleu_options how = metrics_bleu_options();

	for (size_t i = 0; i < job->n_lines; i++) {
		struct bleu_sum part = { 0 };
		int ret;

		next_lines(job);
		ret = bleu_add(&part, &how, job->lines[0], job->lines + 1,
			       job->n_files - 1);
		if (ret)
			return metrics_fail_line(ret, i + 1);
		bleu_add_sum(sum, &part);
		if (metrics.sentences)
			show_sentence(job, &part);
	}
	return EXIT_OK;
}

static int run_bleu(struct job *job)
{
	cJSON *object = job->object;
	struct bleu_sum sum = { 0 };
	struct bleu_score score;
	char signature[160];
	int status = score_bleu(job, &sum);

	if (status)
		return status;
	bleu_compute(&sum, false, &score);
	metrics_signature(signature, sizeof(signature), job->n_files - 1, false);
	if (object) {
		metrics_json_bleu(object, &sum, &score);
		json_add_string(object, "signature", signature);
	} else {
		metrics_print_bleu(&sum, &score);
		printf("%s\n", signature);
	}
	metrics_signature(signature, sizeof(signature), job->n_files - 1, true);
	if (object && metrics.sentences)
		json_add_string(object, "sentence_signature", signature);
	return EXIT_OK;
}

void metrics_json_rouge(cJSON *object, const struct rouge_score *scores)
{
	for (int k = 0; k < ROUGE_KINDS; k++) {
		cJSON *one = json_add_object(object, kinds[k].key);

		json_add_number(one, "precision", scores[k].precision);
		json_add_number(one, "recall", scores[k].recall);
		json_add_number(one, "f1", scores[k].f1);
	}
}

void metrics_print_rouge(const struct rouge_score *scores, const char *between)
{
	for (int k = 0; k < ROUGE_KINDS; k++)
		printf("%s = %.2f (P = %.2f R = %.2f)%s", kinds[k].name,
		       100 * scores[k].f1, 100 * scores[k].precision,
		       100 * scores[k].recall, k + 1 < ROUGE_KINDS ? between : "\n");
}

static void show_rouge(const struct job *job, const struct rouge_score *scores)
{
	if (job->object)
		metrics_json_rouge(json_append_object(job->each), scores);
	else
		metrics_print_rouge(scores, "  ");
}

static int score_rouge(struct job *job, struct rouge_sum *sum)
{
	struct rouge_score scores[ROUGE_KINDS];

	for (size_t i = 0; i < job->n_lines; i++) {
		int ret;

		next_lines(job);
		ret = rouge_score(job->lines[0], job->lines + 1, job->n_files - 1,
				  metrics.stem, scores);
		if (ret)
			return metrics_fail_line(ret, i + 1);
		rouge_add(sum, scores);
		if (metrics.sentences)
			show_rouge(job, scores);
	}
	return EXIT_OK;
}

static int run_rouge(struct job *job)
{
	cJSON *object = job->object;
	struct rouge_score mean[ROUGE_KINDS];
	struct rouge_sum sum = { 0 };
	int status = score_rouge(job, &sum);

	if (status)
		return status;
	for (int k = 0; k < ROUGE_KINDS; k++)
		mean[k] = rouge_mean(&sum, k);
	if (object) {
		metrics_json_rouge(object, mean);
		json_add_bool(object, "stem", metrics.stem);
		json_add_count(object, "refs", job->n_files - 1);
		return EXIT_OK;
	}
	metrics_print_rouge(mean, "\n");
	return EXIT_OK;
}

static int read_files(struct job *job)
{
	const struct lines *hypotheses = &job->files[0];

	for (size_t i = 0; i < job->n_files; i++) {
		const struct lines *file = &job->files[i];
		int status = lines_read(i ? metrics.refs.items[i - 1] : metrics.bleu ?
					metrics.bleu : metrics.rouge, &job->files[i]);

		if (status)
			return status;
		if (file->n != hypotheses->n)
			return fail(EXIT_FAILED,
				"%s has %zu line%s and %s has %zu: lines are compared with lines of the same number",
				hypotheses->file, hypotheses->n,
				hypotheses->n == 1 ? "" : "s", file->file, file->n);
	}
	job->n_lines = hypotheses->n;
	return EXIT_OK;
}

static int run(struct job *job, bool json)
{
	int status = read_files(job);

	if (status)
		return status;
	if (json) {
		job->object = json_object();
		json_add_string(job->object, "name", metrics.bleu ? "BLEU" : "ROUGE");
		json_add_count(job->object, "lines", job->n_lines);
		if (metrics.sentences)
			job->each = json_add_array(job->object, "sentences");
	}
	status = metrics.bleu ? run_bleu(job) : run_rouge(job);
	if (!status)
		return json ? json_print(job->object) : finish_output();
	cJSON_Delete(job->object);
	return status;
}

int eval_metrics(bool json)
{
	struct job job = { .n_files = metrics.refs.n + 1 };
	int status = check_options();

	if (status)
		return status;
	job.files = calloc(job.n_files, sizeof(*job.files));
	job.lines = calloc(job.n_files, sizeof(*job.lines));
	if (job.files && job.lines)
		status = run(&job, json);
	else
		status = fail(EXIT_MEMORY, "out of memory");
	for (size_t i = 0; job.files && i < job.n_files; i++)
		lines_free(&job.files[i]);
	free(job.files);
	free(job.lines);
	return status;
}
