// SPDX-License-Identifier: MIT
/* Encoding and decoding: for every text the same bytes come back. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "test_bpe_util.h"

static struct ct_bpe *gpt2;

static void setup(void)
{
	gpt2 = bpe_gpt2();
}

static void teardown(void)
{
	ct_bpe_free(gpt2);
}

/* --- round trips ------------------------------------------------------ */

START_TEST(any_bytes)
{
	uint64_t seed = 1;
	char text[300];
	int i;

	for (i = 0; i < 40000; i++) {
		size_t len = bpe_random(&seed) % (i % 8 ? 24 : sizeof(text));
		size_t k;

		for (k = 0; k < len; k++) {
			uint32_t r = bpe_random(&seed);

			/* All bytes; letters and spaces; pieces of UTF-8. */
			if (i % 3 == 0)
				text[k] = r;
			else if (i % 3 == 1)
				text[k] = "aeinst  \n'1.\xc3\xa9"[r % 14];
			else
				text[k] = "\xe2\x82\xac\xf0\x9f\x98\x80\xffz"
					[r % 9];
		}
		bpe_check_round_trip(gpt2, text, len,
				     i % 2 ? CT_BPE_PARSE_SPECIAL : 0);
	}
}
END_TEST

START_TEST(every_byte_alone_and_in_pairs)
{
	unsigned int i;

	for (i = 0; i < 65536; i++) {
		char pair[2] = { i >> 8, i };

		bpe_check_round_trip(gpt2, pair, 2, 0);
		if (i < 256)
			bpe_check_round_trip(gpt2, pair + 1, 1, 0);
	}
}
END_TEST

static const char *const scripts[] = {
	"The quick brown fox jumps over the lazy dog. It's 3 o'clock!",
	"Příliš žluťoučký kůň úpěl ďábelské ódy",
	"Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich",
	"Voix ambiguë d’un cœur qui, au zéphyr, préfère les jattes",
	"Съешь же ещё этих мягких французских булок",
	"Ξεσκεπάζω την ψυχοφθόρα βδελυγμία",
	"דג סקרן שט בים מאוכזב ולפתע מצא חברה",
	"نص حكيم له سر قاطع وذو شأن عظيم",
	"ऋषियों को सताने वाले दुष्ट राक्षसों",
	"আমি কাঁচ খেতে পারি, তাতে আমার কোনো ক্ষতি হয় না",
	"நான் கண்ணாடி சாப்பிடுவேன்",
	"నేను గాజు తినగలను",
	"เป็นมนุษย์สุดประเสริฐเลิศคุณค่า",
	"ខ្ញុំអាចញុំកញ្ចក់បាន",
	"ကျွန်ုပ်မှန်စားနိုင်သည်",
	"მინას ვჭამ და არა მტკივა",
	"Կրնամ ապակի ուտել և ինծի անհանգիստ չըներ",
	"ብርጭቆ መብላት እችላለሁ",
	"ᚠᛇᚻ᛫ᛒᛦᚦ᛫ᚠᚱᚩᚠᚢᚱ",
	"いろはにほへと ちりぬるを カタカナ",
	"天地玄黃,宇宙洪荒。日月盈昃,辰宿列張。",
	"키스의 고유조건은 입술끼리 만나야 하고",
	"ᠪᠢ ᠰᠢᠯᠢ ᠢᠳᠡᠶᠦ ᠴᠢᠳᠠᠨᠠ",
	"𐌼𐌰𐌲 𐌲𐌻𐌴𐍃 𐌹̈𐍄𐌰𐌽 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛",
	"👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 ✅ 1️⃣",
	"a\u0301e\u0300 \u200b\u200d\ufeff \u2028\u2029 \u00a0\u3000 \u202e",
};

START_TEST(many_scripts)
{
	struct ct_buf all = { 0 };
	size_t i, k;

	for (i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		bpe_check_round_trip(gpt2, scripts[i], strlen(scripts[i]), 0);
	for (k = 0; k < 20; k++)
		for (i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
			ck_assert_int_eq(ct_buf_append(&all, scripts[i],
						       strlen(scripts[i])), 0);
	bpe_check_round_trip(gpt2, all.data, all.n, 0);
	ct_buf_free(&all);
}
END_TEST

/* A word as long as the text: n log n, and no limit met. */
START_TEST(long_runs)
{
	static const char *const units[] = { "a", " ", "7", "!", "é", "😀",
					     "\xff", "ab1 " };
	const char *unit = units[_i];
	size_t len = strlen(unit), n = 0, size = 1 << 20;
	char *text = malloc(size);

	ck_assert_ptr_nonnull(text);
	for (; n + len <= size; n += len)
		memcpy(text + n, unit, len);
	bpe_check_round_trip(gpt2, text, n, 0);
	free(text);
}
END_TEST

START_TEST(nothing)
{
	struct ct_ids ids = bpe_encode(gpt2, "", 0, CT_BPE_PARSE_SPECIAL);
	struct ct_buf out = { 0 };
	struct ct_err err;

	ck_assert_uint_eq(ids.n, 0);
	ck_assert_int_eq(ct_bpe_decode(gpt2, NULL, 0, 0, &out, &err), 0);
	ck_assert_uint_eq(out.n, 0);
	ck_assert_int_eq(ct_bpe_encode(gpt2, NULL, 0, 0, &ids, &err), 0);
}
END_TEST

/* Pieces met before give what they gave: a long text is its words' ids. */
START_TEST(repeated_pieces)
{
	static const char *const words[] = {
		" the", " war", " and", " peace", " unforeseeably", " 1812",
		"\n", " !?", " Наташа", " 日本", " a", " straightforwardness",
	};
	struct ct_ids want = { 0 };
	struct ct_buf text = { 0 };
	uint64_t seed = 5;
	int i, k;

	for (i = 0; i < 3000; i++) {
		const char *word = words[bpe_random(&seed) % 12];
		struct ct_ids one;

		ct_buf_append(&text, word, strlen(word));
		/* A line feed before a space is a piece, as it is alone. */
		one = bpe_encode(gpt2, word, strlen(word), 0);
		for (k = 0; k < (int)one.n; k++)
			ct_ids_append(&want, one.data[k]);
		ct_ids_free(&one);
		if (!strcmp(word, "\n")) {
			ct_buf_append(&text, "x", 1);
			one = bpe_encode(gpt2, "x", 1, 0);
			ct_ids_append(&want, one.data[0]);
			ct_ids_free(&one);
		}
	}
	bpe_check_ids(gpt2, text.data, text.n, 0, want.data, want.n, "words");
	ct_ids_free(&want);
	ct_buf_free(&text);
}
END_TEST

static void *encode_scripts(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 300; i++) {
		const char *s = scripts[i % (sizeof(scripts) /
					     sizeof(scripts[0]))];
		struct ct_ids ids = { 0 };
		struct ct_buf back = { 0 };
		struct ct_err err;
		int bad;

		bad = ct_bpe_encode(gpt2, s, strlen(s), 0, &ids, &err) ||
		      ct_bpe_decode(gpt2, ids.data, ids.n, 0, &back, &err) ||
		      back.n != strlen(s) || memcmp(back.data, s, back.n);
		ct_ids_free(&ids);
		ct_buf_free(&back);
		if (bad)
			return &gpt2;
	}
	return NULL;
}

START_TEST(threads)
{
	pthread_t t[4];
	void *wrong;
	int i;

	for (i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, encode_scripts,
						NULL), 0);
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], &wrong);
		ck_assert_ptr_null(wrong);
	}
}
END_TEST

/* --- special tokens and lookups --------------------------------------- */

START_TEST(special_tokens)
{
	static const char text[] = "a<|endoftext|>b<|endoftext|>";
	const uint32_t parsed[] = { 64, 50256, 65, 50256 };
	struct ct_buf out = { 0 };
	struct ct_ids ids;
	struct ct_err err;
	uint32_t id;
	size_t i;

	bpe_check_ids(gpt2, text, strlen(text), CT_BPE_PARSE_SPECIAL, parsed,
		      4, "special");
	ids = bpe_encode(gpt2, text, strlen(text), 0);
	for (i = 0; i < ids.n; i++)
		ck_assert_uint_ne(ids.data[i], 50256);
	ct_ids_free(&ids);

	ck_assert_int_eq(ct_bpe_decode(gpt2, parsed, 4, 0, &out, &err), 0);
	ck_assert_uint_eq(out.n, strlen(text));
	ck_assert_mem_eq(out.data, text, out.n);
	out.n = 0;
	ck_assert_int_eq(ct_bpe_decode(gpt2, parsed, 4, CT_BPE_SKIP_SPECIAL,
				       &out, &err), 0);
	ck_assert_uint_eq(out.n, 2);
	ck_assert_mem_eq(out.data, "ab", 2);
	ct_buf_free(&out);

	ck_assert_uint_eq(ct_bpe_bos(gpt2), 50256);
	ck_assert_uint_eq(ct_bpe_eos(gpt2), 50256);
	ck_assert(!ct_bpe_adds_bos(gpt2));
	ck_assert_int_eq(ct_bpe_kind(gpt2, 50256), CT_BPE_SPECIAL);
	ck_assert_int_eq(ct_bpe_kind(gpt2, 0), CT_BPE_NORMAL);
	ck_assert_int_eq(ct_bpe_kind(gpt2, 50257), CT_BPE_HOLE);
	ck_assert_int_eq(ct_bpe_find(gpt2, "Ġthe", 5, &id), 0);
	ck_assert_uint_eq(id, 262);
	ck_assert_int_eq(ct_bpe_find(gpt2, " the", 4, &id), -ENOENT);
	ck_assert_int_eq(ct_bpe_find(gpt2, "", 0, &id), -ENOENT);
}
END_TEST

START_TEST(unknown_ids)
{
	const uint32_t ids[] = { 64, 50257, 65 };
	struct ct_buf out = { 0 };
	struct ct_err err;
	const char *bytes;
	size_t len;

	ck_assert_int_eq(ct_bpe_bytes(gpt2, 50257, &bytes, &len), -ENOENT);
	ck_assert_uint_eq(len, 0);
	ck_assert_int_eq(ct_bpe_bytes(gpt2, UINT32_MAX, &bytes, &len), -ENOENT);
	ck_assert_int_eq(ct_buf_append(&out, "x", 1), 0);
	ck_assert_int_eq(ct_bpe_decode(gpt2, ids, 3, 0, &out, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "50257"));
	ck_assert_uint_eq(out.n, 1);
	ct_buf_free(&out);
}
END_TEST

/* --- merging against its definition ----------------------------------- */

#define N_RULES	60

struct rules {
	char left[N_RULES][16], right[N_RULES][16];
	size_t n;
};

static int rank_of(const struct rules *rules, const char *l, const char *r)
{
	int i;

	/* From the end: the later of two equal rules is the one that holds. */
	for (i = rules->n - 1; i >= 0; i--)
		if (!strcmp(rules->left[i], l) && !strcmp(rules->right[i], r))
			return i;
	return -1;
}

/* Lowest rank, leftmost, one at a time, over names. Returns how many stay. */
static size_t merge_by_definition(const struct rules *rules, char sym[][16],
				  size_t n)
{
	for (;;) {
		int best = -1, rank;
		size_t at = 0, i;

		for (i = 0; i + 1 < n; i++) {
			rank = rank_of(rules, sym[i], sym[i + 1]);
			if (rank >= 0 && (best < 0 || rank < best)) {
				best = rank;
				at = i;
			}
		}
		if (best < 0)
			return n;
		memcpy(sym[at] + strlen(sym[at]), sym[at + 1],
		       strlen(sym[at + 1]) + 1);
		memmove(sym[at + 1], sym[at + 2],
			(n - at - 2) * sizeof(sym[0]));
		n--;
	}
}

static struct ct_bpe *random_rules(struct rules *rules, uint64_t *seed)
{
	struct ct_bpe_options opt = CT_BPE_OPTIONS_INIT;
	char names[N_RULES + 3][16] = { "a", "b", "c" };
	struct ct_bpe_builder *b;
	struct ct_err err;
	struct ct_bpe *bpe;
	size_t n = 3, i;
	uint32_t id;

	ck_assert_int_eq(ct_bpe_builder_new(&b, &err), 0);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(ct_bpe_builder_token(b, i, names[i], 1, &err),
				 0);
	for (i = 0; i < N_RULES;) {
		char *l = rules->left[i], *r = rules->right[i], both[32];

		strcpy(l, names[bpe_random(seed) % n]);
		strcpy(r, names[bpe_random(seed) % n]);
		if (strlen(l) + strlen(r) > 8)
			continue;
		strcat(strcpy(both, l), r);
		if (ct_bpe_builder_find(b, both, strlen(both), &id)) {
			ck_assert_int_eq(ct_bpe_builder_token(b, n, both,
							      strlen(both),
							      &err), 0);
			strcpy(names[n++], both);
		}
		ck_assert_int_eq(ct_bpe_builder_merge(b, l, strlen(l), r,
						      strlen(r), &err), 0);
		rules->n = ++i;
	}
	opt.no_split = true;
	ck_assert_int_eq(ct_bpe_builder_finish(b, &opt, &bpe, &err), 0);
	ct_bpe_builder_free(b);
	return bpe;
}

START_TEST(merging_is_as_defined)
{
	static char sym[300][16];
	struct rules rules;
	uint64_t seed = 11 + _i;
	struct ct_bpe *bpe = random_rules(&rules, &seed);
	char text[300];
	int round;

	for (round = 0; round < 120; round++) {
		size_t len = 1 + bpe_random(&seed) % (round % 2 ? 80 : 299);
		size_t n, i;
		struct ct_ids ids;
		uint32_t id;

		for (i = 0; i < len; i++) {
			text[i] = "abc"[bpe_random(&seed) % 3];
			sym[i][0] = text[i];
			sym[i][1] = '\0';
		}
		n = merge_by_definition(&rules, sym, len);
		ids = bpe_encode(bpe, text, len, 0);
		if (ids.n != n)
			ck_abort_msg("%zu tokens instead of %zu", ids.n, n);
		for (i = 0; i < n; i++)
			if (ct_bpe_find(bpe, sym[i], strlen(sym[i]), &id) ||
			    id != ids.data[i])
				ck_abort_msg("token %zu is not %s", i, sym[i]);
		ct_ids_free(&ids);
	}
	ct_bpe_free(bpe);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bpe");
	TCase *t = tcase_create("bpe");
	SRunner *r = srunner_create(s);
	int failed;

	/* Once, before the tests fork. */
	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_add_test(t, any_bytes);
	tcase_add_test(t, every_byte_alone_and_in_pairs);
	tcase_add_test(t, many_scripts);
	tcase_add_loop_test(t, long_runs, 0, 8);
	tcase_add_test(t, nothing);
	tcase_add_test(t, repeated_pieces);
	tcase_add_test(t, threads);
	tcase_add_test(t, special_tokens);
	tcase_add_test(t, unknown_ids);
	tcase_add_loop_test(t, merging_is_as_defined, 0, 12);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
