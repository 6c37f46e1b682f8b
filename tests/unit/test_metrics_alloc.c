// SPDX-License-Identifier: MIT
/* Every allocation of scoring a line fails once: -ENOMEM, no leak, nothing added. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fail_alloc.h"
#include "tools/ctrans/bleu.h"
#include "tools/ctrans/rouge.h"

/* More words than the first room has, and one that gets a mask of its own. */
#define WORDS	"a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h. "
#define MANY	"the the the the the the the the the the the the the the the the the "

static const struct span hyp = { WORDS MANY, sizeof(WORDS MANY) - 1 };
static const struct span refs[2] = {
	{ MANY WORDS, sizeof(MANY WORDS) - 1 }, { WORDS, sizeof(WORDS) - 1 },
};

START_TEST(test_bleu)
{
	static const struct bleu_sum nothing;
	const struct bleu_options options = { .lowercase = true, .split = _i };
	struct bleu_sum sum = { 0 };

	for (unsigned long n = 1; ; n++) {
		int ret;

		fail_alloc_at(n);
		ret = bleu_add(&sum, &options, hyp, refs, 2);
		if (!fail_alloc_stop()) {
			ck_assert_int_eq(ret, 0);
			break;
		}
		ck_assert_int_eq(ret, -ENOMEM);
		ck_assert(!memcmp(&sum, &nothing, sizeof(sum)));
	}
	ck_assert_uint_gt(sum.correct[3], 0);
}
END_TEST

START_TEST(test_rouge)
{
	struct rouge_score scores[ROUGE_KINDS];

	for (unsigned long n = 1; ; n++) {
		int ret;

		fail_alloc_at(n);
		ret = rouge_score(hyp, refs, 2, true, scores);
		if (!fail_alloc_stop()) {
			ck_assert_int_eq(ret, 0);
			break;
		}
		ck_assert_int_eq(ret, -ENOMEM);
	}
	ck_assert(scores[ROUGE_L].f1 > 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics_alloc");
	TCase *tc = tcase_create("metrics_alloc");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, test_bleu, 0, 2);
	tcase_add_test(tc, test_rouge);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
