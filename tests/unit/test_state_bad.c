// SPDX-License-Identifier: MIT
/*
 * Saved sessions that are damaged, cut short, or made to mislead. Bytes are
 * copied to their exact length first, so that a sanitizer sees a byte read
 * beyond them.
 */
#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/session.h"
#include "state_help.h"

#define POSITIONS	11u

static struct ctrans_model *model;
static struct ctrans_session *session;
static struct blob good;

static void setup(void)
{
	model = state_model(tiny_model("f16.gguf"), 0);
	session = state_session(model, POSITIONS - 1, 2);
	ck_assert_uint_eq(ctrans_session_position(session), POSITIONS + 1);
	ck_assert_uint_eq(ct_seq_position(session->seq), POSITIONS);
	good = state_export(session);
}

static void teardown(void)
{
	free(good.v);
	ctrans_session_close(session);
	ctrans_model_close(model);
}

START_TEST(every_length)
{
	struct ctrans_session *out;

	for (size_t n = 0; n < good.n; n++) {
		struct blob b = blob_copy(&good, n);
		int ret = ctrans_session_import(model, b.v, b.n, &out);

		ck_assert_msg(ret == -EBADMSG, "%zu bytes: %d", n, ret);
		ck_assert_ptr_null(out);
		free(b.v);
	}
	/* one byte too many */
	struct blob b = { malloc(good.n + 1), good.n + 1 };

	memcpy(b.v, good.v, good.n);
	b.v[good.n] = 0;
	refused(model, &b, -EBADMSG, "bytes");
	free(b.v);
}
END_TEST

/* Any one bit: refused, or (in the format's own freedom) the very same. */
START_TEST(every_bit)
{
	unsigned int taken = 0;

	for (size_t bit = 0; bit < 8 * good.n; bit += bit < 8 * 1024 ? 1 : 5) {
		struct blob b = blob_copy(&good, good.n), back;
		struct ctrans_session *out;
		int ret;

		b.v[bit / 8] ^= 1u << bit % 8;
		ret = ctrans_session_import(model, b.v, b.n, &out);
		if (!ret) {
			back = state_export(out);
			ck_assert_uint_eq(back.n, good.n);
			ck_assert_msg(!memcmp(back.v, good.v, good.n), "bit %zu", bit);
			ctrans_session_close(out);
			free(back.v);
			taken++;
		} else {
			ck_assert_msg(ret == -EBADMSG || ret == -EINVAL ||
				      ret == -ENOTSUP || ret == -E2BIG,
				      "bit %zu: %d", bit, ret);
			ck_assert_uint_gt(strlen(ctrans_message()), 10);
		}
		free(b.v);
	}
	/* no more than a space that becomes another kind of one */
	ck_assert_uint_lt(taken, 256);
}
END_TEST

struct change {
	const char *from, *to;
	int code;
	const char *words;
};

static const struct change changes[] = {
	{ "ctrans-session", "ctrans-sausage", -EBADMSG, "not a saved session" },
	{ "\"format\"", "\"former\"", -EBADMSG, "" },
	{ "\"version\":\"1\"", "\"version\":\"2\"", -ENOTSUP, "newer version" },
	{ "\"version\":\"1\"", "\"version\":\"0\"", -EBADMSG, "damaged" },
	{ "\"version\":\"1\"", "\"version\":\"x\"", -EBADMSG, "not a number" },
	{ "\"version\":\"1\"", "\"version\": 1 ", -EBADMSG, "not a string" },
	{ "\"version\"", "\"verbose\"", -EBADMSG, "\"version\" is missing" },
	{ "\"version\":\"1\"", "\"version\":\"\" ", -EBADMSG, "not a number" },
	{ "\"kv\":\"f16\"", "\"kv\":\"f32\"", -EINVAL, "keys and values are f32" },
	{ "\"kv\":\"f16\"", "\"kv\":[   ]", -EBADMSG, "not a string" },
	{ "\"kv\":\"f16\"", "\"kw\":\"f16\"", -EBADMSG, "\"kv\" is missing" },
	{ "\"layout\":\"1\"", "\"layout\":\"7\"", -ENOTSUP, "layout 7" },
	{ "\"layout\":\"1\"", "\"layout\":\"-\"", -EBADMSG, "not a number" },
	{ "\"layout\"", "\"layuot\"", -EBADMSG, "missing" },
	{ "\"model\":\"", "\"model\":[", -EBADMSG, "" },
	{ "\"model\"", "\"mandl\"", -EBADMSG, "missing" },
	{ "dynamic:", "dynamo::", -EINVAL, "thresholds" },
	{ "\"thresholds\"", "\"thresh0lds\"", -EBADMSG, "missing" },
	{ "\"positions\":\"11\"", "\"positions\":\"12\"", -EBADMSG, "checksum" },
	{ "\"positions\":\"11\"", "\"positions\":\"13\"", -EBADMSG, "keys and values of 13" },
	{ "\"positions\":\"11\"", "\"positions\":\"-1\"", -EBADMSG, "not a number" },
	{ "\"positions\":\"11\"", "\"positions\":\"00\"", -EBADMSG, "1 blocks" },
	{ "\"positions\"", "\"position5\"", -EBADMSG, "missing" },
	{ "\"checksum\"", "\"cheeksum\"", -EBADMSG, "missing" },
	{ "\"__metadata__\"", "\"__metadatum_\"", -EBADMSG, "" },
	{ "\"U8\"", "\"I8\"", -EBADMSG, "tensor kv is I8" },
	{ "\"I32\"", "\"U32\"", -EBADMSG, "tensor tokens is U32" },
	{ "\"I32\"", "\"F32\"", -EBADMSG, "tensor tokens is F32" },
	{ "\"shape\":[12]", "\"shape\":[11]", -EBADMSG, "offsets" },
	{ "\"shape\":[1,4096]", "\"shape\":[4096,1]", -EBADMSG, "4096 blocks of 1" },
	{ "\"shape\":[1,4096]", "\"shape\":[  4096]", -EBADMSG, "not U8 [blocks" },
	{ "\"data_offsets\":[0,", "\"data_offsets\":[9,", -EBADMSG, "" },
	{ "\"tokens\"", "\"takens\"", -EBADMSG, "\"tokens\"" },
};

START_TEST(each_field)
{
	const struct change *c = &changes[_i];
	struct blob b = blob_copy(&good, good.n);

	header_change(&b, c->from, c->to);
	refused(model, &b, c->code, c->words);
	/* with a checksum that fits, too, where it can be made to fit */
	if (blob_seal(&b)) {
		struct ctrans_session *out;

		if (!strcmp(c->words, "checksum")) {
			ck_assert_int_eq(ctrans_session_import(model, b.v, b.n,
							       &out), 0);
			ctrans_session_close(out);
		} else {
			refused(model, &b, c->code, c->words);
		}
	}
	free(b.v);
}
END_TEST

START_TEST(hostile_tokens)
{
	static const uint32_t bad[] = { 260, 261, 1u << 31, UINT32_MAX };
	uint8_t *tokens = good.v + good.n - 4 * (POSITIONS + 1);

	for (uint32_t i = 0; i < 4; i++)
		for (uint32_t at = 0; at <= POSITIONS; at += POSITIONS) {
			struct blob b = blob_copy(&good, good.n);

			memcpy(b.v + (tokens - good.v) + 4 * at, &bad[i], 4);
			refused(model, &b, -EBADMSG, "checksum");
			ck_assert(blob_seal(&b));
			refused(model, &b, -EBADMSG, "and the model has 260");
			free(b.v);
		}
}
END_TEST

/* Keys and values of any bits give numbers or none, and harm no one. */
START_TEST(hostile_values)
{
	static const uint8_t fill[] = { 0x00, 0xff, 0x7c, 0x7f, 0xfb, 0x80 };
	static const char *const types[] = { "f16", "s8", NULL };
	struct ctrans_model_params p;
	struct ctrans_generate_params g;
	struct ctrans_session *out;
	struct ctrans_model *m;
	struct blob mine, b, after;
	uint32_t token = 3;
	float logits[260];
	size_t kv;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=1";
	p.kv = types[_i / 6];
	p.flags = p.kv ? 0 : CTRANS_MODEL_F32;
	ck_assert_int_eq(ctrans_model_open(tiny_model("f16.gguf"), &p, &m), 0);
	kv = ct_seq_kv_bytes(m->core, POSITIONS);
	out = state_session(m, POSITIONS, 0);
	mine = state_export(out);
	ctrans_session_close(out);

	b = blob_copy(&mine, mine.n);
	memset(b.v + b.n - 4 * POSITIONS - kv, fill[_i % 6], kv);
	ck_assert(blob_seal(&b));
	ck_assert_int_eq(ctrans_session_import(m, b.v, b.n, &out), 0);
	ck_assert_int_eq(ctrans_session_eval(out, &token, 1, logits), 0);
	ctrans_generate_params_init(&g, sizeof(g));
	g.max_tokens = 1;
	for (int greedy = 0; greedy < 2; greedy++) {
		struct ctrans_result *r;
		int ret;

		g.temperature = greedy ? 0 : 1;
		ret = ctrans_session_generate(out, "", &g, &r);
		ck_assert(!ret || ret == -EBADMSG);
		ctrans_result_free(r);
	}
	ctrans_session_close(out);
	/* the next session in the same memory */
	out = state_session(m, POSITIONS, 0);
	after = state_export(out);
	ck_assert_uint_eq(mine.n, after.n);
	ck_assert_int_eq(memcmp(mine.v, after.v, mine.n), 0);
	ctrans_session_close(out);
	ctrans_model_close(m);
	free(mine.v);
	free(after.v);
	free(b.v);
}
END_TEST

/* Other headers around the same tensors. */
static struct blob with_header(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static struct blob with_header(const char *format, ...)
{
	struct blob b;
	char *text;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	ck_assert_int_gt(n, 0);
	b.n = 8 + (size_t)n + 4096 + 48;
	b.v = calloc(1, b.n);
	for (int i = 0; i < 4; i++)
		b.v[i] = (uint8_t)(n >> 8 * i);
	memcpy(b.v + 8, text, (size_t)n);
	memcpy(b.v + 8 + n, good.v + good.n - 4096 - 48, 4096 + 48);
	free(text);
	return b;
}

/* What is between the names' quotes of the good one. */
static const char *field(const char *name)
{
	static char text[4][64];
	static unsigned int turn;
	char key[32], *to = text[turn++ % 4];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":\"", name);
	at = memmem(good.v, good.n, key, strlen(key));
	ck_assert_ptr_nonnull(at);
	at += strlen(key);
	memcpy(to, at, strcspn(at, "\""));
	to[strcspn(at, "\"")] = '\0';
	return to;
}

#define META "\"__metadata__\":{\"checksum\":\"%s\",\"positions\":\"11\"," \
	"\"thresholds\":\"%s\",\"model\":\"%s\",\"layout\":\"1\",\"kv\":\"f16\"," \
	"\"version\":\"1\",\"format\":\"ctrans-session\"%s}"
#define TENSORS "\"tokens\":{\"shape\":[12],\"dtype\":\"I32\"," \
	"\"data_offsets\":[4096,4144]},\n \"kv\":{\"dtype\":\"U8\"," \
	"\"shape\":[1,4096],\"data_offsets\":[0,4096]}"
#define FIELDS field("checksum"), field("thresholds"), field("model")

/* Written by another tool: another order, spaces, something more said. */
START_TEST(other_writer)
{
	struct blob b = with_header("{ " TENSORS ",\n" META "}  ", FIELDS,
				    ",\"note\":\"mine\"");
	struct ctrans_session *out;

	if (ctrans_session_import(model, b.v, b.n, &out))
		ck_abort_msg("%s", ctrans_message());
	same_future(session, out, model, 3);
	ctrans_session_close(out);
	free(b.v);
}
END_TEST

START_TEST(other_headers)
{
	struct {
		struct blob b;
		const char *words;
	} all[] = {
		{ with_header("{" TENSORS "}"), "not a saved session" },
		{ with_header("{" META "," META "," TENSORS "}", FIELDS, "", FIELDS, ""),
		  "twice" },
		{ with_header("{" META "," TENSORS "}", FIELDS, ",\"version\":\"1\""),
		  "twice" },
		{ with_header("{\"__metadata__\":[1]," TENSORS "}"), "not a JSON object" },
		{ with_header("{" META "," TENSORS ",\"more\":{\"dtype\":\"U8\","
			      "\"shape\":[0],\"data_offsets\":[0,0]}}", FIELDS, ""),
		  "this file 3" },
		{ with_header("{" META ",\"kv\":{\"dtype\":\"U8\",\"shape\":[1,4144],"
			      "\"data_offsets\":[0,4144]}}", FIELDS, ""), "this file 1" },
		{ with_header("{" META "," TENSORS "}", "00", field("thresholds"),
			      field("model"), ""), "damaged" },
		{ with_header("{" META "," TENSORS "}", field("checksum"),
			      "a text that is longer than any of these fields may be",
			      field("model"), ""), "cannot be" },
		{ with_header("{" META "," TENSORS "}%*s", FIELDS, "", 70000, " "),
		  "header of 70" },
		{ with_header("{}"), "no tensor" },
		{ with_header("[]"), "not a JSON object" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		refused(model, &all[i].b, -EBADMSG, all[i].words);
		free(all[i].b.v);
	}
}
END_TEST

START_TEST(huge)
{
	static const char *const shapes[] = {
		"[4294967296,4294967296]", "[18446744073709551615,1]",
		"[9007199254740992,512]", "[0,4096]", "[1,-1]", "[0.5,8192]",
	};

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct blob b = with_header("{" META ",\"kv\":{\"dtype\":\"U8\","
			"\"shape\":%s,\"data_offsets\":[0,4096]},\"tokens\":{\"dtype\":"
			"\"I32\",\"shape\":[12],\"data_offsets\":[4096,4144]}}",
			FIELDS, "", shapes[i]);

		refused(model, &b, -EBADMSG, "");
		free(b.v);
	}
	struct blob b = blob_copy(&good, good.n);

	memset(b.v, 0xff, 8);
	refused(model, &b, -EBADMSG, "safetensors");
	free(b.v);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("state_bad");
	TCase *t = tcase_create("bytes");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 100);
	tcase_add_test(t, every_length);
	tcase_add_test(t, every_bit);
	tcase_add_loop_test(t, each_field, 0, sizeof(changes) / sizeof(changes[0]));
	tcase_add_test(t, hostile_tokens);
	tcase_add_loop_test(t, hostile_values, 0, 18);
	tcase_add_test(t, other_writer);
	tcase_add_test(t, other_headers);
	tcase_add_test(t, huge);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
