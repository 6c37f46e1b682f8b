// SPDX-License-Identifier: MIT
/* ctrans run: a prompt to text. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "input.h"
#include "model_options.h"
#include "report.h"
#include "run_prompts.h"
#include "terminal.h"
#include "translation.h"

static struct {
	const char *prompt, *prompts, *file, *session;
	uint32_t tokens, top_k, repeat_last;
	float temperature, top_p, min_p, penalty;
	bool tokens_given, top_k_given, repeat_last_given;
	uint32_t draft;
	float fallback, rollback;
	bool draft_given, fallback_given, rollback_given;
	bool temperature_given, top_p_given, min_p_given, penalty_given;
	uint64_t seed;
	bool seed_given;
	struct text_list stop;
	bool ignore_eos, special, json, stats;
	const char *task, *from, *to;
	uint32_t beams, early_stopping, no_repeat_ngram, min_tokens;
	float length_penalty;
	bool beams_given, sample, early_given, ngram_given, min_given, penalty_of_length;
} options;

static const struct option_spec text_specs[] = {
	{ OPTION_TEXT, 'p', "prompt", "TEXT", &options.prompt,
	  .help = "begin with this text" },
	{ OPTION_TEXT, 'f', "file", "FILE", &options.file,
	  .help = "begin with this file's text, a newline at its end left out; - "
		  "or neither -p nor -f: standard input" },
	{ OPTION_TEXT, 0, "session", "FILE", &options.session,
	  .help = "go on with the text that FILE keeps, if there is one, and keep "
		  "it there with what is new" },
	{ OPTION_TEXT, 0, "prompts", "FILE", &options.prompts,
	  .help = "instead a text for each line of this file, - for standard "
		  "input: written together, printed in order as JSON lines" },
	{ OPTION_UINT, 'n', "tokens", "N", &options.tokens, &options.tokens_given,
	  0, 1e9, .help = "at most N new tokens (default 128); 0: until the "
	  "context is full" },
	{ OPTION_LIST, 's', "stop", "TEXT", &options.stop,
	  .help = "end before this text; may be given more than once" },
	{ OPTION_FLAG, 0, "ignore-eos", NULL, &options.ignore_eos,
	  .help = "go on when the model ends the text" },
	{ OPTION_FLAG, 0, "special", NULL, &options.special,
	  .help = "take <|endoftext|> and the like in the prompt for tokens" },
	{ OPTION_UINT, 'c', "context", "N", &model_options.context, NULL, 1, 1e9,
	  .help = "room for N tokens, prompt included (default: the model's)" },
	{ OPTION_END },
};

static const struct option_spec choice_specs[] = {
	{ OPTION_FLOAT, 0, "temp", "T", &options.temperature,
	  &options.temperature_given, 0, 100,
	  .help = "temperature (default 0.8); 0: always the likeliest token" },
	{ OPTION_UINT, 0, "top-k", "N", &options.top_k, &options.top_k_given, 0, 1e9,
	  .help = "among the N likeliest (default 40); 0: no limit" },
	{ OPTION_FLOAT, 0, "top-p", "P", &options.top_p, &options.top_p_given, 0, 1,
	  .help = "among the likeliest that make up P (default 0.95); 1: no limit" },
	{ OPTION_FLOAT, 0, "min-p", "P", &options.min_p, &options.min_p_given, 0, 1,
	  .help = "at least P times the likeliest (default 0.05); 0: no limit" },
	{ OPTION_FLOAT, 0, "repeat-penalty", "X", &options.penalty,
	  &options.penalty_given, 0.01, 100,
	  .help = "make tokens that were there less likely (default 1: none)" },
	{ OPTION_UINT, 0, "repeat-last", "N", &options.repeat_last,
	  &options.repeat_last_given, 0, 1e9,
	  .help = "in the last N tokens (default 64); 0: all" },
	{ OPTION_U64, 0, "seed", "N", &options.seed, &options.seed_given,
	  .help = "the same seed gives the same text (default: a random one, "
		  "which the closing line says)" },
	{ OPTION_END },
};

static const struct option_spec search_specs[] = {
	{ OPTION_TEXT, 0, "task", "TASK", &options.task,
	  .help = "of a model that reads a text and writes another: what it is to "
		  "do, as ctrans info lists it (translate_en_de, summarize)" },
	{ OPTION_UINT, 0, "beams", "N", &options.beams, &options.beams_given, 1, 32,
	  .help = "search with N beams for the most probable text (default: the "
		  "task's, or 1: no search)" },
	{ OPTION_FLOAT, 0, "length-penalty", "X", &options.length_penalty,
	  &options.penalty_of_length, -30, 30,
	  .help = "divide log-probabilities by length to the power of X: above 0 for "
		  "longer texts (default: the task's, or 1)" },
	{ OPTION_UINT, 0, "early-stopping", "0|1", &options.early_stopping,
	  &options.early_given, 0, 1,
	  .help = "1: end as soon as N texts are found (default: the task's, or 0)" },
	{ OPTION_UINT, 0, "no-repeat-ngram", "N", &options.no_repeat_ngram,
	  &options.ngram_given, 0, 1e6,
	  .help = "no N tokens in a row twice (default: the task's, or 0: off)" },
	{ OPTION_UINT, 0, "min-tokens", "N", &options.min_tokens, &options.min_given,
	  0, 1e9, .help = "no end before N new tokens (default: the task's, or 0)" },
	{ OPTION_FLAG, 0, "draw", NULL, &options.sample,
	  .help = "choose by chance, as other models do, in place of searching" },
	{ OPTION_END },
};

static const struct option_spec little_specs[] = {
	{ OPTION_TEXT, 0, "little", "MODEL", &model_options.little,
	  .help = "a little model with the same tokenizer drafts tokens, of which "
		  "MODEL keeps those that it would have chosen: the same text, "
		  "sooner (default: the one in a converted file; \"\": none)" },
	{ OPTION_UINT, 0, "draft", "N", &options.draft, &options.draft_given, 0, 64,
	  .help = "at most N tokens before they are verified (default 8); 0: none" },
	{ OPTION_FLOAT, 0, "fallback", "P", &options.fallback,
	  &options.fallback_given, 0, 1,
	  .help = "draft while it gives its choice the probability P (default 0.6)" },
	{ OPTION_FLOAT, 0, "rollback", "X", &options.rollback,
	  &options.rollback_given, 0, 1000,
	  .help = "keep what MODEL gives at most X nats of cross entropy: sooner "
		  "still, and another text (default 0: off)" },
	{ OPTION_END },
};

static const struct option_spec output_specs[] = {
	{ OPTION_FLAG, 0, "json", NULL, &options.json,
	  .help = "one JSON object on standard output when done, not the text as "
		  "it is made" },
	{ OPTION_FLAG, 0, "stats", NULL, &options.stats,
	  .help = "tables of modelled time and energy, on standard error" },
	{ OPTION_END },
};

static const struct option_group groups[] = {
	{ "Text", text_specs },
	{ "Choosing tokens", choice_specs },
	{ "Tasks and beams", search_specs },
	{ "Big-little", little_specs },
	{ "Output", output_specs },
	{ "Messages", message_option_specs },
	{ "Device", device_option_specs },
	{ "Loading", cache_option_specs },
	{ "Dispatch", dispatch_option_specs },
	{ NULL, NULL },
};

static const struct option_spec language_specs[] = {
	{ OPTION_TEXT, 0, "from", "LANG", &options.from,
	  .help = "the text's language, as en (default: the one that the model knows)" },
	{ OPTION_TEXT, 0, "to", "LANG", &options.to,
	  .help = "the language to translate to, as de (default: likewise)" },
	{ OPTION_END },
};

static const struct option_group translate_groups[] = {
	{ "Languages", language_specs },
	{ "Text", text_specs },
	{ "Choosing tokens", choice_specs },
	{ "Tasks and beams", search_specs },
	{ "Big-little", little_specs },
	{ "Output", output_specs },
	{ "Messages", message_option_specs },
	{ "Device", device_option_specs },
	{ "Loading", cache_option_specs },
	{ "Dispatch", dispatch_option_specs },
	{ NULL, NULL },
};

static int run(int argc, char **argv);
static int translate(int argc, char **argv);
static int summarize(int argc, char **argv);

const struct command command_run = {
	.name = "run",
	.summary = "write text that follows a prompt",
	.synopsis = "MODEL [-p TEXT | -f FILE] [OPTION...]",
	.about =
	"Write text that follows a prompt. The text goes to standard output as it is\n"
	"made, everything else to standard error. Ctrl-C stops after the token in hand.",
	.examples =
	"  ctrans run models/demo -p \"Once upon a time\"\n"
	"  ctrans run models/demo --session talk -p \"Once upon a time\"\n"
	"  ctrans run gpt2.gguf -f letter.txt -n 200 --temp 0 --stats\n"
	"  ctrans run models/demo --little models/demo/little -p \"The sun\" --stats\n"
	"  ctrans run models/demo --prompts prompts.txt > texts.jsonl\n"
	"  echo \"The cat\" | ctrans run models/demo --seed 7 --json | jq -r .text",
	.takes_model = true,
	.needs_model = true,
	.groups = groups,
	.run = run,
};

const struct command command_translate = {
	.name = "translate",
	.summary = "translate a text",
	.synopsis = "MODEL [-p TEXT | -f FILE] [--from LANG] [--to LANG] [OPTION...]",
	.about =
	"Translate a text: ctrans run with the model's task for it. A model that knows\n"
	"one pair of languages needs no --from and --to.",
	.examples =
	"  ctrans translate models/demo-t5 -p \"The old man buys a red apple.\"\n"
	"  ctrans translate t5-small --to fr -f letter.txt\n"
	"  ctrans translate models/demo-t5 --prompts sentences.txt > texts.jsonl",
	.takes_model = true,
	.needs_model = true,
	.groups = translate_groups,
	.run = translate,
};

const struct command command_summarize = {
	.name = "summarize",
	.summary = "summarise a text",
	.synopsis = "MODEL [-p TEXT | -f FILE] [OPTION...]",
	.about = "Summarise a text: ctrans run with --task summarize.",
	.examples =
	"  ctrans summarize models/demo-t5 -f story.txt\n"
	"  ctrans summarize t5-small -f report.txt --beams 4 --min-tokens 30",
	.takes_model = true,
	.needs_model = true,
	.groups = groups,
	.run = summarize,
};

/* Not a secret: short enough to be typed again. */
static uint64_t random_seed(void)
{
	uint32_t seed;

	if (getrandom(&seed, sizeof(seed), 0) == sizeof(seed))
		return seed;
	return now_ns() & UINT32_MAX;
}

struct output {
	bool ends_line;		/* or nothing was written */
};

static int on_text(void *arg, const char *text, size_t len)
{
	struct output *out = arg;

	if (len)
		out->ends_line = text[len - 1] == '\n';
	return fwrite(text, 1, len, stdout) != len || fflush(stdout);
}

static void set_params(struct ctrans_generate_params *p,
		       const struct ctrans_model_info *info, struct output *out)
{
	ctrans_generate_params_init(p, sizeof(*p));
	/* a translation is as long as it is */
	if (info->encoder_layers)
		p->max_tokens = 0;
	if (options.tokens_given)
		p->max_tokens = options.tokens;
	if (options.temperature_given)
		p->temperature = options.temperature;
	if (options.top_k_given)
		p->top_k = options.top_k;
	if (options.top_p_given)
		p->top_p = options.top_p;
	if (options.min_p_given)
		p->min_p = options.min_p;
	if (options.penalty_given)
		p->repetition_penalty = options.penalty;
	if (options.repeat_last_given)
		p->repetition_window = options.repeat_last;
	if (options.draft_given)
		p->draft = options.draft;
	if (options.fallback_given)
		p->fallback = options.fallback;
	if (options.rollback_given)
		p->rollback = options.rollback;
	p->task = options.task;
	p->sample = options.sample;
	if (options.beams_given)
		p->beams = options.beams;
	if (options.penalty_of_length)
		p->length_penalty = options.length_penalty;
	if (options.early_given)
		p->early_stopping = options.early_stopping ? CTRANS_EARLY_ON :
							     CTRANS_EARLY_OFF;
	if (options.ngram_given)
		p->no_repeat_ngram = options.no_repeat_ngram;
	if (options.min_given)
		p->min_tokens = options.min_tokens;
	p->seed = options.seed_given ? options.seed : random_seed();
	p->ignore_eos = options.ignore_eos;
	p->special = options.special;
	p->stop = options.stop.items;
	p->n_stop = options.stop.n;
	p->cancel = interrupt_word();
	p->arg = out;
	if (!options.json && !options.prompts)
		p->text_fn = on_text;
}

/* Has chance had a part in it? */
static bool draws(const struct ctrans_generate_params *p,
		  const struct ctrans_model_info *info)
{
	return p->temperature > 0 && p->beams <= 1 &&
	       (p->sample || !info->encoder_layers);
}

/* What ended the text, if not the number of tokens asked for. */
static const char *finish_note(enum ctrans_finish finish)
{
	switch (finish) {
	case CTRANS_FINISH_EOS:
		return "end of text";
	case CTRANS_FINISH_STOP:
		return "stop string";
	case CTRANS_FINISH_CONTEXT:
		return "context full";
	case CTRANS_FINISH_CANCELED:
		return "interrupted";
	default:
		return NULL;
	}
}

static void closing_line(const struct ctrans_result *r,
			 const struct ctrans_model_info *info,
			 const struct ctrans_generate_params *p)
{
	const struct ctrans_usage *u = &r->usage;
	char made[64], read[64], modelled[96], seed[40], energy[24], chip[24];
	double tps = usage_decode_tps(u), prompt = usage_prefill_tps(u);
	double joule = usage_joule_per_token(u);
	const char *pieces[] = {
		made, read, modelled, seed, finish_note(r->finish),
	};

	*read = *modelled = *seed = '\0';
	snprintf(made, sizeof(made), "%u token%s", u->new_tokens,
		 u->new_tokens == 1 ? "" : "s");
	if (isfinite(tps))
		snprintf(made + strlen(made), sizeof(made) - strlen(made),
			 ", %.1f tokens/s", tps);
	if (isfinite(prompt))
		snprintf(read, sizeof(read), "prompt %u, %.1f tokens/s",
			 u->prompt_tokens, prompt);
	if (isfinite(joule)) {
		show_energy(energy, sizeof(energy), joule);
		show_time(chip, sizeof(chip), u->chip_seconds);
		snprintf(modelled, sizeof(modelled),
			 "modelled %s/token, chip time %s", energy, chip);
	}
	if (r->usage.new_tokens && draws(p, info))
		snprintf(seed, sizeof(seed), "seed %llu",
			 (unsigned long long)p->seed);
	print_pieces(pieces, sizeof(pieces) / sizeof(pieces[0]));
}

static int print_json(const char *path, const struct ctrans_model_info *info,
		      const struct ctrans_result *r,
		      const struct ctrans_generate_params *p)
{
	cJSON *object = json_object(), *tokens;

	json_add_string(object, "model", path);
	json_add_bytes(object, "text", r->text, r->text_len);
	tokens = json_add_array(object, "tokens");
	for (size_t i = 0; i < r->n_tokens; i++)
		json_append_count(tokens, r->tokens[i]);
	json_add_string(object, "finish", ctrans_finish_name(r->finish));
	json_add_count(object, "seed", p->seed);
	json_add_float(object, "temperature", draws(p, info) ? p->temperature : 0);
	json_add_string(object, "policy", info->policy);
	json_add_string(object, "thresholds", info->thresholds);
	json_add_device(object, &info->device);
	json_add_usage(object, &r->usage);
	return json_print(object);
}

/* The session that was kept, or a new one where there is no file yet. */
static int open_session(struct ctrans_model *model,
			struct ctrans_session **session)
{
	int ret = -ENOENT;

	if (options.session)
		ret = ctrans_session_load(model, options.session, session);
	if (ret == -ENOENT)
		ret = ctrans_session_open(model, session);
	return ret;
}

static int keep_session(struct ctrans_session *session)
{
	int ret = 0;

	if (options.session)
		ret = ctrans_session_save(session, options.session);
	return ret ? fail_library(ret, EXIT_FAILED) : EXIT_OK;
}

static int generate(struct ctrans_model *model, struct ctrans_session *session,
		    const char *path, const char *prompt)
{
	struct output out = { .ends_line = false };
	struct ctrans_model_info info;
	struct ctrans_generate_params params;
	struct ctrans_result *r = NULL;
	bool echo;
	int ret, status, kept;

	ret = ctrans_model_info(model, &info, sizeof(info));
	set_params(&params, &info, &out);
	/* Read on: on a terminal the prompt stands before the text. */
	echo = options.prompt && !options.json && !model_options.quiet &&
	       isatty(STDOUT_FILENO) && terminal_width();
	if (echo)
		fputs(prompt, stderr);
	if (!ret)
		ret = ctrans_session_generate(session, prompt, &params, &r);
	if (ret && echo)
		fputc('\n', stderr);
	if (ret == -ENOTSUP)
		return fail_no_tokenizer();
	if (ret)
		return fail_library(ret, ret == -EINVAL ? EXIT_USAGE : EXIT_FAILED);

	if (options.json) {
		status = print_json(path, &info, r, &params);
	} else {
		if (!out.ends_line)
			putchar('\n');
		status = finish_output();
	}
	/* Also where no one read the text. */
	kept = keep_session(session);
	if (!status)
		status = kept;
	if (status)
		goto out;
	if (options.stats)
		print_stats(&r->usage, &info.device);
	if (!model_options.quiet && !options.json)
		closing_line(r, &info, &params);
	if (r->finish == CTRANS_FINISH_CANCELED && interrupted())
		status = EXIT_INTERRUPTED;
out:
	ctrans_result_free(r);
	return status;
}

/* The newline that ends a file's last line is the file's, not the prompt's. */
static void chomp(struct text *text)
{
	if (text->len && text->bytes[text->len - 1] == '\n')
		text->bytes[--text->len] = '\0';
	if (text->len && text->bytes[text->len - 1] == '\r')
		text->bytes[--text->len] = '\0';
}

enum form { RUN, TRANSLATE, SUMMARIZE };

static int choose_task(const struct ctrans_model *model, enum form form)
{
	struct ctrans_model_info info;
	int ret;

	ret = ctrans_model_info(model, &info, sizeof(info));
	if (ret)
		return fail_library(ret, EXIT_FAILED);
	if (options.session && info.encoder_layers)
		return fail(EXIT_USAGE,
			    "--session is for texts that go on: this model reads each anew");
	if (form == RUN || options.task)
		return EXIT_OK;
	if (form == TRANSLATE)
		return find_translation(&info, options.from, options.to, &options.task);
	options.task = "summarize";
	return EXIT_OK;
}

static int run_prompt_file(struct ctrans_model *model, struct text *prompts)
{
	struct ctrans_generate_params params;
	struct ctrans_model_info info;
	int ret = ctrans_model_info(model, &info, sizeof(info));

	if (ret)
		return fail_library(ret, EXIT_FAILED);
	set_params(&params, &info, NULL);
	return run_prompts(model, prompts, &params);
}

static int run_as(const struct command *command, enum form form, int argc, char **argv)
{
	struct ctrans_model *model;
	struct ctrans_session *session = NULL;
	struct text prompt = { 0 };
	const char *path;
	int ret, status;

	if (!options_parse(command, argc, argv, &path, &status))
		goto out;
	status = EXIT_USAGE;
	if (options.prompt && options.file) {
		usage_error(command, "-p and -f exclude each other");
		goto out;
	}
	if (options.prompts && (options.prompt || options.file ||
				options.session || options.stats)) {
		usage_error(command,
			    "--prompts excludes -p, -f, --session and --stats");
		goto out;
	}
	catch_interrupt();
	status = read_prompt(options.prompt, options.prompts ? options.prompts :
			     options.file, &prompt);
	if (status)
		goto out;
	if (!options.prompt && !options.prompts)
		chomp(&prompt);
	if (!options.prompts && strlen(prompt.bytes) != prompt.len) {
		status = fail(EXIT_FAILED,
			"the prompt is no text: byte %zu of it is NUL",
			strlen(prompt.bytes));
		goto out;
	}
	if (options.json || options.prompts)
		progress_off();
	status = model_load(command, path, 0, &model);
	if (status)
		goto out;
	status = choose_task(model, form);
	if (status || options.prompts) {
		if (!status)
			status = run_prompt_file(model, &prompt);
		ctrans_model_close(model);
		goto out;
	}
	ret = open_session(model, &session);
	if (ret)
		status = fail_library(ret, EXIT_FAILED);
	else
		status = generate(model, session, path, prompt.bytes);
	ctrans_session_close(session);
	ctrans_model_close(model);
out:
	text_free(&prompt);
	free(options.stop.items);
	return status;
}

static int run(int argc, char **argv)
{
	return run_as(&command_run, RUN, argc, argv);
}

static int translate(int argc, char **argv)
{
	return run_as(&command_translate, TRANSLATE, argc, argv);
}

static int summarize(int argc, char **argv)
{
	return run_as(&command_summarize, SUMMARIZE, argc, argv);
}
