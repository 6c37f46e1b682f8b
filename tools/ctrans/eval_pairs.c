// SPDX-License-Identifier: MIT
/* Lines read, models run, what was found compared. */
#include "eval_pairs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "eval_metrics.h"
#include "model_options.h"
#include "terminal.h"

static struct {
	const char *sources, *task, *out;
	uint32_t beams, tokens, limit;
	bool beams_given, tokens_given, limit_given;
} options;

const struct option_spec pairs_specs[] = {
	{ OPTION_TEXT, 0, "sources", "FILE", &options.sources,
	  .help = "write a text for each line of FILE, - for standard input, with a "
		  "MODEL that has an encoder, and score it against the same lines of "
		  "--ref" },
	{ OPTION_TEXT, 0, "task", "TASK", &options.task,
	  .help = "what the model is to do, as ctrans info lists it "
		  "(translate_en_de, summarize; default: the line as it is)" },
	{ OPTION_UINT, 0, "beams", "N", &options.beams, &options.beams_given, 1, 32,
	  .help = "search with N beams (default: the task's, or 1: no search)" },
	{ OPTION_UINT, 'n', "tokens", "N", &options.tokens, &options.tokens_given, 1, 1e9,
	  .help = "at most N tokens for a line (default: the task's, or until the "
		  "context is full)" },
	{ OPTION_UINT, 0, "limit", "N", &options.limit, &options.limit_given, 1, 1e9,
	  .help = "the first N lines only" },
	{ OPTION_TEXT, 0, "out", "FILE", &options.out,
	  .help = "keep what was written in FILE, a line each" },
	{ OPTION_END },
};

bool eval_pairs_wanted(void)
{
	return options.sources || options.task || options.out || options.beams_given ||
	       options.tokens_given || options.limit_given;
}

/* ---- Lines ---- */

/* Terminated, in the place of the newline. */
static int cut_source(struct pairs *p, size_t line)
{
	struct span s = lines_next(&p->sources);
	char *text = p->sources.text.bytes + (s.s - p->sources.text.bytes);

	if (memchr(text, '\0', s.len))
		return fail(EXIT_FAILED, "line %zu of %s is no text: it has a NUL",
			    line + 1, p->sources.file);
	if (s.len && text[s.len - 1] == '\r')
		s.len--;
	text[s.len] = '\0';
	p->source[line] = text;
	return EXIT_OK;
}

static int read_lines(struct pairs *p)
{
	int status = lines_read(options.sources, &p->sources);

	p->n = p->sources.n;
	for (size_t i = 0; i < p->n_refs && !status; i++) {
		struct lines *file = &p->refs[i];

		status = lines_read(metrics.refs.items[i], file);
		if (!status && file->n != p->n)
			status = fail(EXIT_FAILED,
				"%s has %zu line%s and %s has %zu: each source has a reference in the line of its number",
				p->sources.file, p->n, p->n == 1 ? "" : "s", file->file,
				file->n);
	}
	if (options.limit_given && p->n > options.limit)
		p->n = options.limit;
	return status;
}

static int read_pairs(struct pairs *p)
{
	int status;

	p->n_refs = metrics.refs.n;
	p->refs = calloc(p->n_refs, sizeof(*p->refs));
	if (!p->refs)
		return fail(EXIT_MEMORY, "out of memory");
	status = read_lines(p);
	if (status)
		return status;
	p->source = calloc(p->n, sizeof(*p->source));
	p->ref = calloc(p->n, p->n_refs * sizeof(*p->ref));
	if (!p->source || !p->ref)
		return fail(EXIT_MEMORY, "out of memory");
	for (size_t i = 0; i < p->n && !status; i++) {
		status = cut_source(p, i);
		for (size_t k = 0; k < p->n_refs; k++)
			p->ref[i * p->n_refs + k] = lines_next(&p->refs[k]);
	}
	return status;
}

static void free_pairs(struct pairs *p)
{
	lines_free(&p->sources);
	for (size_t i = 0; p->refs && i < p->n_refs; i++)
		lines_free(&p->refs[i]);
	free(p->refs);
	free(p->source);
	free(p->ref);
}

static int keep(const struct pairs *p, const struct pairs_run *run)
{
	FILE *f = fopen(options.out, "w");
	bool failed = !f;
	int err = errno;

	for (size_t i = 0; f && i < p->n; i++) {
		fwrite(run->result[i]->text, 1, run->result[i]->text_len, f);
		putc('\n', f);
	}
	if (f) {
		failed = ferror(f);
		if (fclose(f)) {
			failed = true;
			err = errno;
		}
	}
	return failed ? fail(EXIT_FAILED, "%s cannot be written: %s", options.out,
			     strerror(err)) : EXIT_OK;
}

/* ---- Runs ---- */

static int check_model(struct ctrans_model *model, const char *path)
{
	struct ctrans_model_info info;
	int ret = ctrans_model_info(model, &info, sizeof(info));

	if (ret)
		return fail_library(ret, EXIT_FAILED);
	if (!info.encoder_layers)
		return usage_error(&command_eval,
			"--sources is for models that read a text and write another, and %s goes on with one: score it on a text, --text FILE",
			path);
	return EXIT_OK;
}

static int run_model(struct ctrans_model *model, const char *path,
		     const struct pairs *p, const char *name, struct pairs_run *run)
{
	static const struct pairs_drafts none = { 0 };
	char what[48];
	int status = check_model(model, path);

	run->name = name;
	snprintf(what, sizeof(what), "Writing, %s", name);
	if (!status)
		status = pairs_write(model, p, what, &none, run);
	snprintf(what, sizeof(what), "Scoring, %s", name);
	if (!status)
		status = pairs_read(model, p, what, run);
	if (!status)
		status = pairs_score(p, run);
	return status;
}

static int run_reference(const struct pairs *p, struct pairs_report *r)
{
	struct ctrans_model *model = NULL;
	int status = eval_open_f32(&command_eval, r->reference, &model);

	if (!status)
		status = run_model(model, r->reference, p, "binary32", &r->fp32);
	ctrans_model_close(model);
	if (status || !strcmp(r->reference, p->path) || !eval_converted(&r->own.info))
		return status;
	/* what the model is without having been converted */
	status = model_load(&command_eval, r->reference, CTRANS_MODEL_NO_SHARING, &model);
	if (!status)
		status = run_model(model, r->reference, p, "8 bits, unconverted",
				   &r->plain);
	ctrans_model_close(model);
	return status;
}

static void compare(const struct pairs *p, struct pairs_report *r)
{
	if (r->fp32.name)
		r->own_same = pairs_same(p, &r->own, &r->fp32);
	if (r->plain.name)
		r->plain_same = pairs_same(p, &r->plain, &r->fp32);
}

static const char *name_of(const struct ctrans_model_info *info)
{
	return model_options.f32 ? "binary32" :
	       eval_converted(info) ? "this file" : "8 bits";
}

/* MODEL as the options have it, and its little model. */
static int run_own(const struct pairs *p, struct pairs_report *r)
{
	struct ctrans_model *model = NULL;
	struct ctrans_model_info info;
	int status = model_load(&command_eval, p->path, CTRANS_MODEL_NO_SHARING, &model);

	if (!status && ctrans_model_info(model, &info, sizeof(info)))
		status = fail_library(-EINVAL, EXIT_FAILED);
	if (!status)
		status = run_model(model, p->path, p, name_of(&info), &r->own);
	if (!status && info.little_parameters)
		status = pairs_little(model, p, r);
	ctrans_model_close(model);
	return status;
}

/* ---- Every policy ---- */

static void take_row(const struct pairs_run *run, struct eval_row *row)
{
	row->amortised = run->encoder;
	row->decode = run->decoder;
	row->nll = run->nll;
	row->scored = run->scored;
	row->top1 = run->top1;
}

static int run_rows(const struct pairs *p, struct pairs_report *r)
{
	struct eval_comparison *c = r->table;
	int status = EXIT_OK;

	r->equal = true;
	for (size_t i = 0; i < EVAL_VARIANTS && !status; i++) {
		const struct eval_variant *v = &eval_variants[i];
		struct ctrans_model *model = NULL;
		struct pairs_run run = { 0 };

		status = eval_open(&command_eval, p->path, v, &model);
		if (!status)
			status = run_model(model, p->path, p, v->name, &run);
		ctrans_model_close(model);
		if (!status) {
			r->equal = r->equal && pairs_equal(p, &r->own, &run);
			c->row[c->n].variant = v;
			take_row(&run, &c->row[c->n++]);
		}
		pairs_run_free(p, &run);
	}
	return status;
}

static int run_all(const struct pairs *p, struct pairs_report *r)
{
	const struct model_options as_given = model_options;
	int status;

	r->table = calloc(1, sizeof(*r->table));
	if (!r->table)
		return fail(EXIT_MEMORY, "out of memory");
	r->table->path = p->path;
	r->table->info = r->own.info;
	model_options.little = "";
	status = run_rows(p, r);
	model_options = as_given;
	return status;
}

/* ---- The command's part ---- */

static int check_options(const char *path, bool all)
{
	if (!options.sources)
		return usage_error(&command_eval, "--%s is for --sources FILE",
			options.task ? "task" : options.out ? "out" :
			options.beams_given ? "beams" :
			options.tokens_given ? "tokens" : "limit");
	if (!path)
		return usage_error(&command_eval,
			"MODEL is missing: the directory of a model with an encoder");
	if (metrics.bleu || metrics.rouge || metrics.sentences)
		return usage_error(&command_eval,
			"--sources has texts written, and scores them in both ways: leave out --%s",
			metrics.bleu ? "bleu" : metrics.rouge ? "rouge" :
			"sentence-level");
	if (!metrics.refs.n)
		return usage_error(&command_eval,
			"--sources compares what is written with references: --ref FILE is missing");
	if (model_options.speculate && !strcmp(model_options.speculate, "sampled") && all)
		return usage_error(&command_eval,
			"--policy all checks that nothing changes, and --speculate sampled is lossy");
	return EXIT_OK;
}

static int differ(void)
{
	return fail(EXIT_FAILED,
		"texts differ between policies, which must not be: please report this, with the model and the sources");
}

static int measure(const struct pairs *p, struct pairs_report *r, bool all)
{
	const struct model_options as_given = model_options;
	int status;

	if (all)
		model_options.policy = NULL;
	status = run_own(p, r);
	if (!status && all && !r->reference && !eval_converted(&r->own.info))
		r->reference = p->path;
	model_options.little = "";
	if (!status && r->reference)
		status = run_reference(p, r);
	if (!status && all)
		status = run_all(p, r);
	model_options = as_given;
	if (!status)
		compare(p, r);
	return status;
}

static int finish(const struct pairs *p, const struct pairs_report *r, bool json)
{
	int status = options.out ? keep(p, &r->own) : EXIT_OK;

	if (!status)
		status = json ? pairs_print_json(r) : pairs_print(r);
	if (r->table && !r->equal)
		return differ();
	if (r->n_drafts && r->draft_same[1] != p->n)
		return fail(EXIT_FAILED,
			"the little model changed the text, which in its exact mode must not be: please report this, with the models and the sources");
	return status;
}

int eval_pairs(const char *path, const char *reference, bool all, bool json)
{
	struct pairs p = {
		.path = path, .task = options.task, .beams = options.beams,
		.tokens = options.tokens,
	};
	struct pairs_report r = { .pairs = &p, .reference = reference };
	int status = check_options(path, all);

	if (status)
		return status;
	catch_interrupt();
	status = read_pairs(&p);
	if (!status)
		status = measure(&p, &r, all);
	if (!status)
		status = finish(&p, &r, json);
	pairs_run_free(&p, &r.own);
	pairs_run_free(&p, &r.fp32);
	pairs_run_free(&p, &r.plain);
	for (size_t i = 0; i < PAIRS_DRAFTS; i++)
		pairs_run_free(&p, &r.draft[i]);
	free(r.table);
	free_pairs(&p);
	return status;
}
