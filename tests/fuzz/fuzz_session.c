// SPDX-License-Identifier: MIT
/*
 * A saved session from anyone. The input changes a good one: its first byte
 * says how much of it is kept, then come changes to the header and the tensors,
 * and the checksum is made to fit, so that what lies behind it is reached. Or
 * the input is the file. What is taken then runs: numbers may be anything.
 */
#include <stdlib.h>
#include <string.h>

#include "ctrans.h"
#include "engine/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ctrans_model *model;
static uint8_t *good;
static size_t good_len;

static void must(int ret)
{
	if (ret)
		abort();
}

static void prepare(void)
{
	static const uint32_t tokens[] = { 7, 30, 1, 250, 9, 9, 4, 100 };
	struct ctrans_model_params p;
	struct ctrans_session *s;

	ctrans_model_params_init(&p, sizeof(p));
	p.device = "sim:threads=1";
	must(ctrans_model_open(TEST_DATA_DIR "/model/f16.gguf", &p, &model));
	must(ctrans_session_open(model, &s));
	must(ctrans_session_eval(s, tokens, 8, NULL));
	ctrans_session_export(s, NULL, 0, &good_len);
	good = malloc(good_len);
	must(ctrans_session_export(s, good, good_len, &good_len));
	ctrans_session_close(s);
}

static void seal(uint8_t *file, size_t len)
{
	static const char key[] = "\"checksum\":\"";
	struct ct_state s;
	uint64_t header;
	uint8_t *at;

	if (len < 8)
		return;
	memcpy(&header, file, 8);
	if (header > len - 8 ||
	    ct_state_read_header((char *)file + 8, header, len, &s, NULL) ||
	    s.kv_len + s.tokens_len > len)
		return;
	at = memmem(file, 8 + header, key, strlen(key));
	if (!at || at + strlen(key) + 32 > file + 8 + header)
		return;
	ct_state_sum(&s, file + s.kv_at, file + s.tokens_at);
	memcpy(at + strlen(key), s.checksum, 32);
}

static void use(struct ctrans_session *s)
{
	struct ctrans_generate_params p;
	struct ctrans_result *r;
	float logits[260];
	uint32_t token = 5;
	uint8_t *again = malloc(good_len + 65536);
	size_t n;

	must(ctrans_session_export(s, again, good_len + 65536, &n));
	free(again);
	ctrans_session_eval(s, &token, 1, logits);
	ctrans_generate_params_init(&p, sizeof(p));
	p.max_tokens = 2;
	if (!ctrans_session_generate(s, "", &p, &r))
		ctrans_result_free(r);
	must(ctrans_session_truncate(s, ctrans_session_position(s) / 2));
	ctrans_session_eval(s, &token, 1, logits);
}

/* Triples of a place (two bytes, the header more often) and a new byte. */
static void change(uint8_t *file, size_t len, const uint8_t *data, size_t size)
{
	for (; size >= 3 && len; data += 3, size -= 3) {
		size_t at = data[0] | data[1] << 8;

		if (data[1] & 0x80)
			at %= 1024;
		file[at % len] = data[2];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctrans_session *s;
	uint8_t *file;
	size_t len = size;

	if (!model)
		prepare();
	if (size && data[0] & 1) {
		len = data[0] == 1 ? good_len : good_len - (data[0] >> 1);
		file = malloc(len);
		memcpy(file, good, len);
		change(file, len, data + 1, size - 1);
	} else {
		file = malloc(size + 1);
		memcpy(file, data, size);
	}
	seal(file, len);
	if (!ctrans_session_import(model, file, len, &s)) {
		use(s);
		ctrans_session_close(s);
	} else if (s || !*ctrans_message()) {
		abort();
	}
	free(file);
	return 0;
}
