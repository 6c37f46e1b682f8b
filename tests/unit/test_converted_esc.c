// SPDX-License-Identifier: MIT
/*
 * Converted files with compressed weights and with a little model in them: the same
 * on every kernel, what is inside as it was made, and one clear error for what does
 * not go together.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip_must.h"
#include "convert/esc.h"
#include "convert/pack.h"
#include "converted_help.h"
#include "engine/core_impl.h"
#include "model/converted.h"
#include "model_help.h"

#define TOKENS	12

static char demo[256], little[256], out[256];
static char text[6000];

static void setup(void)
{
	FILE *f;

	snprintf(demo, sizeof(demo), "%s", data_path("../../../models/demo"));
	snprintf(little, sizeof(little), "%s", data_path("../../../models/demo/little"));
	tmp_make();
	snprintf(out, sizeof(out), "%s", tmp_path("out.gguf"));
	f = fopen(data_path("../../../models/demo/heldout.txt"), "rb");
	MUST(f && fread(text, 1, sizeof(text), f) == sizeof(text));
	fclose(f);
}

static void teardown(void)
{
	tmp_remove();
}

static void compressed_init(struct ctrans_convert_params *p, bool calibrated)
{
	ctrans_convert_params_init(p, sizeof(*p));
	p->device = "sim:threads=2";
	if (!calibrated)
		return;
	p->calibration = text;
	p->calibration_len = sizeof(text);
	p->calibration_tokens = 160;
}

static void good(const struct ctrans_convert_params *p)
{
	ck_assert_msg(!ctrans_convert(demo, p, out), "%s", ctrans_message());
}

static void bad(const struct ctrans_convert_params *p, const char *from, int want,
		const char *words)
{
	unlink(out);
	ck_assert_msg(ctrans_convert(from, p, out) == want &&
		      strstr(ctrans_message(), words), "not %d \"%s\": %s", want, words,
		      ctrans_message());
	ck_assert(access(out, F_OK));
}

static void open_as(const char *path, const char *device, const char *its,
		    struct ctrans_model **m)
{
	struct ctrans_model_params p;

	params_init(&p, device);
	p.little = its;
	ck_assert_msg(!ctrans_model_open(path, &p, m), "%s", ctrans_message());
}

/* ---- Compressed ------------------------------------------------------- */

/* Whoever converts, the same bytes; whatever runs it, the same tokens. */
START_TEST(same_tokens)
{
	static const char *const devices[] = {
		"sim:threads=1", "sim:threads=3", "sim:kernel=generic",
		"sim:kernel=reference",
	};
	struct ctrans_convert_params p;
	uint32_t first[TOKENS], tokens[TOKENS];
	struct image a, b;
	size_t n = 0;

	compressed_init(&p, true);
	p.device = "sim:threads=1";
	good(&p);
	a = read_image(out);
	p.device = "sim:threads=3,kernel=generic";
	good(&p);
	b = read_image(out);
	ck_assert(a.n == b.n && !memcmp(a.v, b.v, a.n));
	free(a.v);
	free(b.v);
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		struct ctrans_model_info info;
		struct ctrans_model *m;

		open_as(out, devices[i], NULL, &m);
		ck_assert_int_eq(ctrans_model_info(m, &info, sizeof(info)), 0);
		ck_assert_str_eq(info.thresholds, "calibrated");
		if (!i)
			n = greedy(m, first, TOKENS);
		else
			ck_assert(greedy(m, tokens, TOKENS) == n &&
				  !memcmp(first, tokens, n * sizeof(*first)));
		ctrans_model_close(m);
	}
	ck_assert_uint_eq(n, TOKENS);
}
END_TEST

/* Each matrix: its bits, its sums, and its scale as one of a normal model is. */
START_TEST(matrices)
{
	struct ctrans_convert_params p;
	struct ctrans_model_params open;
	struct ct_err err = { 0 };
	unsigned int n = 0;
	struct ct_core *c;

	compressed_init(&p, _i);
	p.weight_sigma = _i ? 0 : 5;
	good(&p);
	params_init(&open, "sim:threads=1");
	ck_assert_msg(!ct_core_open(out, &open, &c, &err), "%s", err.msg);
	for (size_t i = 0; i < c->image.n; i++) {
		const struct ct_image_part *q = &c->image.parts[i];
		const uint8_t *base = c->weights.cpu;
		const struct ct_image_part *sums =
			ct_image_find(&c->image, q->role, q->layer, CT_PART_COLSUM);
		uint32_t n_out, n_in;
		int8_t *s8;

		if (!ct_image_is_packed(q))
			continue;
		n++;
		ck_assert_int_eq(q->enc, CTRANS_ENC_ESC);
		ct_role_shape(&c->cfg, q->role, &n_out, &n_in);
		ck_assert(q->bytes * 8 < 5.45 * n_out * n_in);
		s8 = calloc(1, ct_pack_weight_bytes(CTRANS_ENC_S8, n_in, n_out));
		MUST(s8);
		ck_assert_int_eq(ct_esc_unpack(base + q->at, q->bytes, n_in, n_out, s8,
					       &err), 0);
		for (uint32_t j = 0; j < n_out; j++) {
			const int8_t *t = s8 + j / 16 * 16ull * n_in + j % 16 * 4;
			int32_t sum = 0;

			for (uint32_t k = 0; k < n_in; k++)
				sum += t[k / 4 * 64 + k % 4];
			ck_assert_int_eq(sum, ((const int32_t *)(base + sums->at))[j]);
		}
		free(s8);
	}
	ck_assert_uint_eq(n, 4 * c->cfg.n_layer + 1);
	ct_core_close(c);
}
END_TEST

struct seen {
	unsigned int n;
	double bits, weights;
};

static void take(void *arg, const struct ctrans_layer_report *l)
{
	struct seen *s = arg;
	double n = (double)l->n_in * l->n_out;

	ck_assert_uint_eq(l->size, sizeof(*l));
	ck_assert(l->threshold > 0 && l->zero >= 0 && l->zero < 1);
	ck_assert(l->spikes_naf >= 1 && l->spikes_naf <= l->spikes_radix);
	ck_assert(l->weight_snr_db > 15 && l->weight_snr_db < 60);
	ck_assert(l->activation_snr_db > 15 && l->activation_snr_db < 60);
	ck_assert(l->weight_exceptions > 0 && l->weight_exceptions < 0.03);
	ck_assert_uint_eq(l->layer, s->n < 16 ? s->n / 4 : 0);
	s->bits += n * (double)l->weight_bits;
	s->weights += n;
	s->n++;
}

START_TEST(reports)
{
	struct ctrans_convert_params p;
	struct seen s = { 0 };

	compressed_init(&p, true);
	p.report = take;
	p.report_arg = &s;
	good(&p);
	ck_assert_uint_eq(s.n, 17);
	ck_assert(s.bits / s.weights > 5 && s.bits / s.weights <= 5.4);
}
END_TEST

/* ---- A little model --------------------------------------------------- */

START_TEST(with_little)
{
	struct ctrans_convert_params p;
	struct ctrans_model_info info;
	uint32_t a[TOKENS], b[TOKENS];
	struct ctrans_model *m;
	struct image f;
	size_t n;

	compressed_init(&p, true);
	p.little = little;
	good(&p);
	open_as(out, "sim:threads=1", "", &m);
	ck_assert_int_eq(ctrans_model_info(m, &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.little_parameters, 0);
	n = greedy(m, a, TOKENS);
	ctrans_model_close(m);
	open_as(out, "sim:threads=1", NULL, &m);
	ck_assert_int_eq(ctrans_model_info(m, &info, sizeof(info)), 0);
	ck_assert_uint_gt(info.little_parameters, 1000);
	ck_assert(greedy(m, b, TOKENS) == n && !memcmp(a, b, n * sizeof(*a)));
	ctrans_model_close(m);
	/* it has sums of its own */
	f = read_image(out);
	f.v[f.n - 100000] ^= 1;
	write_image(out, &f, f.n);
	{
		struct ctrans_model_params open;

		params_init(&open, "sim:threads=1");
		ck_assert_int_eq(ctrans_model_open(out, &open, &m), -EBADMSG);
		ck_assert(strstr(ctrans_message(), "little model in the file") &&
			  strstr(ctrans_message(), "damaged"));
	}
	/* and whoever wants none does not look at it */
	open_as(out, "sim:threads=1", "", &m);
	ctrans_model_close(m);
	free(f.v);
}
END_TEST

START_TEST(little_of_another)
{
	struct ctrans_convert_params p;

	compressed_init(&p, false);
	p.little = data_path("hf_f16");
	bad(&p, demo, -EINVAL, "same tokenizer");
	p.little = "/nowhere";
	bad(&p, demo, -ENOENT, "little model /nowhere");
	p.little = NULL;
	good(&p);
	p.little = out;
	ck_assert_int_eq(ctrans_convert(demo, &p, tmp_path("x")), -EINVAL);
	ck_assert_msg(strstr(ctrans_message(), "converted already"), "%s",
		      ctrans_message());
}
END_TEST

/* ---- What is refused -------------------------------------------------- */

START_TEST(parameters)
{
	struct ctrans_convert_params p;

	compressed_init(&p, true);
	p.weights = "f16";
	bad(&p, demo, -EINVAL, "weights \"f16\"");
	compressed_init(&p, true);
	p.thresholds = "max";
	bad(&p, demo, -EINVAL, "thresholds \"max\"");
	compressed_init(&p, true);
	p.weight_sigma = 0.5f;
	bad(&p, demo, -EINVAL, "weight_sigma");
	compressed_init(&p, true);
	p.levels = 0;
	bad(&p, demo, -EINVAL, "levels");
	compressed_init(&p, true);
	p.noise_db = -1;
	bad(&p, demo, -EINVAL, "noise_db");
	compressed_init(&p, true);
	p.correct = 2;
	bad(&p, demo, -EINVAL, "correct");
	compressed_init(&p, true);
	p.calibration_len = 0;
	bad(&p, demo, -EINVAL, "length");
	compressed_init(&p, false);
	p.smooth = 0.5f;
	bad(&p, demo, -EINVAL, "smoothing needs a calibration text");
	compressed_init(&p, true);
	p.calibration_len = 20;
	bad(&p, demo, -EINVAL, "at least 16");
	compressed_init(&p, true);
	p.calibration_tokens = 0;
	bad(&p, demo, -EINVAL, "calibration_tokens");
	/* and what a caller of a newer version would ask for */
	{
		struct {
			struct ctrans_convert_params p;
			uint64_t more;
		} newer = { .more = 1 };

		compressed_init(&newer.p, false);
		newer.p.size = sizeof(newer);
		bad(&newer.p, demo, -E2BIG, "update the library");
	}
}
END_TEST

struct stop {
	int left;
	char phases[200];
};

static int count_down(void *arg, const char *phase, uint64_t done, uint64_t total)
{
	struct stop *s = arg;

	ck_assert(done <= total);
	if (!strstr(s->phases, phase))
		strcat(strcat(s->phases, phase), " ");
	return !--s->left;
}

START_TEST(cancelled)
{
	struct ctrans_convert_params p;
	struct stop s = { .left = -1 };
	int ret, n = 0;

	compressed_init(&p, true);
	p.calibration_tokens = 32;
	p.progress = count_down;
	p.progress_arg = &s;
	do {
		s.left = ++n;
		s.phases[0] = '\0';
		unlink(out);
		ret = ctrans_convert(demo, &p, out);
		if (ret) {
			ck_assert_int_eq(ret, -ECANCELED);
			ck_assert(access(out, F_OK));
		}
		n += n / 4;
	} while (ret);
	ck_assert_str_eq(s.phases, "Loading Calibrating Thresholds Weights Writing ");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("converted_esc");
	TCase *t = tcase_create("compressed");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, same_tokens);
	tcase_add_loop_test(t, matrices, 0, 2);
	tcase_add_test(t, reports);
	tcase_add_test(t, with_little);
	tcase_add_test(t, little_of_another);
	tcase_add_test(t, parameters);
	tcase_add_test(t, cancelled);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
