// SPDX-License-Identifier: MIT
#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/split.h"

#include <errno.h>
#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>

/* The members of White_Space; ct_utf8_is_space() has the same list. */
#define SPACES \
	"\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}" \
	"\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"

/*
 * Possessive where giving back could not help: only the run of spaces before
 * a word gives one back. So a match looks at each character once or twice and
 * a text of one long run takes no stack.
 */
static const char gpt2_pattern[] =
	"'(?:[stmd]|re|ve|ll)"
	"| ?+\\p{L}++"
	"| ?+\\p{N}++"
	"| ?+[^" SPACES "\\p{L}\\p{N}]++"
	"|[" SPACES "]+(?![^" SPACES "])"
	"|[" SPACES "]++";

static const char word_pattern[] =
	"[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{200c}\\x{200d}]";

struct ct_split {
	pcre2_code *gpt2;
	pcre2_code *word;
	pcre2_match_context *limits;
	uint32_t match_options;
};

struct ct_split_run {
	const struct ct_split *split;
	pcre2_match_data *match;
};

static int compile(const char *pattern, unsigned int flags, pcre2_code **out,
		   struct ct_err *err)
{
	PCRE2_UCHAR why[128];
	PCRE2_SIZE where;
	int code;

	*out = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
			     PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED, &code,
			     &where, NULL);
	if (!*out) {
		if (code == PCRE2_ERROR_HEAP_FAILED)
			return ct_fail(err, -ENOMEM,
				       "no memory to compile the tokenizer's pattern");
		pcre2_get_error_message(code, why, sizeof(why));
		return ct_fail(err, -ENOTSUP,
			       "this PCRE2 cannot compile the tokenizer's pattern: %s",
			       (const char *)why);
	}
	/*
	 * Where JIT is missing, or the system refuses memory that is both
	 * written and executed, pcre2_match() interprets: slower, the same.
	 */
	if (!(flags & CT_SPLIT_NO_JIT))
		pcre2_jit_compile(*out, PCRE2_JIT_COMPLETE);
	return 0;
}

int ct_split_new(unsigned int flags, struct ct_split **out, struct ct_err *err)
{
	struct ct_split *split = calloc(1, sizeof(*split));
	int ret;

	if (!split)
		return ct_fail(err, -ENOMEM, "no memory for the tokenizer");
	if (flags & CT_SPLIT_NO_JIT)
		split->match_options = PCRE2_NO_JIT;
	split->match_options |= PCRE2_NO_UTF_CHECK;

	ret = compile(gpt2_pattern, flags, &split->gpt2, err);
	if (!ret)
		ret = compile(word_pattern, flags, &split->word, err);
	if (ret)
		goto fail;
	split->limits = pcre2_match_context_create(NULL);
	if (!split->limits) {
		ret = ct_fail(err, -ENOMEM, "no memory for the tokenizer");
		goto fail;
	}
	/* The pattern is ours and linear: the text's length is no fault. */
	pcre2_set_match_limit(split->limits, UINT32_MAX);
	pcre2_set_depth_limit(split->limits, UINT32_MAX);
	pcre2_set_heap_limit(split->limits, UINT32_MAX);
	*out = split;
	return 0;

fail:
	ct_split_free(split);
	return ret;
}

void ct_split_free(struct ct_split *split)
{
	if (!split)
		return;
	pcre2_code_free(split->gpt2);
	pcre2_code_free(split->word);
	pcre2_match_context_free(split->limits);
	free(split);
}

int ct_split_run_new(const struct ct_split *split, struct ct_split_run **out,
		     struct ct_err *err)
{
	struct ct_split_run *run = malloc(sizeof(*run));

	if (!run)
		return ct_fail(err, -ENOMEM, "no memory to tokenize");
	run->split = split;
	run->match = pcre2_match_data_create(1, NULL);
	if (!run->match) {
		free(run);
		return ct_fail(err, -ENOMEM, "no memory to tokenize");
	}
	*out = run;
	return 0;
}

void ct_split_run_free(struct ct_split_run *run)
{
	if (!run)
		return;
	pcre2_match_data_free(run->match);
	free(run);
}

static int match(struct ct_split_run *run, const pcre2_code *code,
		 const char *text, size_t n, size_t pos, struct ct_err *err)
{
	int ret = pcre2_match(code, (PCRE2_SPTR)text, n, pos,
			      run->split->match_options, run->match,
			      run->split->limits);

	if (ret >= 0 || ret == PCRE2_ERROR_NOMATCH)
		return ret >= 0;
	if (ret == PCRE2_ERROR_NOMEMORY)
		return ct_fail(err, -ENOMEM, "no memory to tokenize");
	return ct_fail(err, -EIO,
		       "PCRE2 stopped with error %d at byte %zu of the text",
		       ret, pos);
}

int ct_split_next(struct ct_split_run *run, const char *text, size_t n,
		  size_t pos, size_t *end, struct ct_err *err)
{
	int ret = match(run, run->split->gpt2, text, n, pos, err);

	if (ret < 0)
		return ret;
	if (!ret)
		return ct_fail(err, -EIO,
			       "the tokenizer's pattern found no piece at byte %zu",
			       pos);
	*end = pcre2_get_ovector_pointer(run->match)[1];
	return 0;
}

int ct_split_is_word(struct ct_split_run *run, const char *text, size_t n,
		     size_t pos, bool *word, struct ct_err *err)
{
	int ret = match(run, run->split->word, text, n, pos, err);

	if (ret < 0)
		return ret;
	*word = ret;
	return 0;
}
