// SPDX-License-Identifier: MIT
/* Models kept converted: found again, made anew, and never in the way. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chip_must.h"
#include "converted_help.h"
#include "model_help.h"

static char dir[256], source[256], lines[4096];

static void hear(void *arg, enum ctrans_log_level level, const char *line)
{
	size_t n = strlen(lines);

	(void)arg;
	(void)level;
	snprintf(lines + n, sizeof(lines) - n, "%s\n", line);
}

static void copy_file(const char *from, const char *to)
{
	struct image f = read_image(from);

	write_image(to, &f, f.n);
	free(f.v);
}

static void setup(void)
{
	tmp_make();
	snprintf(dir, sizeof(dir), "%s", tmp_path("a"));
	snprintf(source, sizeof(source), "%s", tmp_path("model.gguf"));
	copy_file(data_path("q8_0.gguf"), source);
	ctrans_set_log(hear, NULL, CTRANS_LOG_INFO);
}

/* The entries' directory, then the rest by its owner. */
static void teardown(void)
{
	char path[600];
	struct dirent *e;
	DIR *d = opendir(dir);

	ctrans_set_log(NULL, NULL, CTRANS_LOG_ERROR);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
			unlink(path);
		}
	if (d)
		closedir(d);
	rmdir(dir);
	tmp_remove();
}

/* The path of the only entry; how many there are. */
static int entries(char *path, size_t size)
{
	struct dirent *e;
	DIR *d = opendir(dir);
	int n = 0;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.') {
			snprintf(path, size, "%s/%s", dir, e->d_name);
			n++;
		}
	if (d)
		closedir(d);
	return n;
}

/* Open with the cache, and be told @said (or nothing, NULL); the same tokens. */
static void opens(struct ctrans_model_params *p, const char *said)
{
	static uint32_t first[6];
	static size_t n_first;
	struct ctrans_model *m;
	uint32_t tokens[6];
	size_t n;

	lines[0] = '\0';
	p->cache = dir;
	ck_assert_msg(!ctrans_model_open(source, p, &m), "%s", ctrans_message());
	n = greedy(m, tokens, 6);
	ctrans_model_close(m);
	if (!n_first) {
		memcpy(first, tokens, sizeof(first));
		n_first = n;
	}
	ck_assert(n == n_first && (p->calibration ||
				   !memcmp(first, tokens, 4 * n)));
	ck_assert_msg(strstr(lines, said), "not \"%s\": %s", said, lines);
}

START_TEST(kept)
{
	struct ctrans_model_params p;
	char path[600];
	struct image f;

	params_init(&p, "sim:threads=1");
	opens(&p, "is kept as");
	ck_assert_int_eq(entries(path, sizeof(path)), 1);
	opens(&p, "taken from");
	/* another device, policy or context makes no other entry */
	params_init(&p, "sim:threads=2");
	p.policy = "dnn";
	p.context = 8;
	opens(&p, "taken from");
	ck_assert_int_eq(entries(path, sizeof(path)), 1);

	/* damaged, cut, not GGUF at all: made anew, once */
	params_init(&p, "sim:threads=1");
	f = read_image(path);
	f.v[f.n - 5000] ^= 1;
	write_image(path, &f, f.n);
	opens(&p, "is made anew");
	ck_assert(strstr(lines, "damaged"));
	opens(&p, "taken from");
	write_image(path, &f, f.n / 2);
	opens(&p, "is made anew");
	opens(&p, "taken from");
	write_image(path, &f, 0);
	opens(&p, "is made anew");
	f.v[0] = 'X';
	write_image(path, &f, f.n);
	opens(&p, "is made anew");
	opens(&p, "taken from");
	free(f.v);

	/* the source has changed */
	copy_file(data_path("q8_0.gguf"), source);
	opens(&p, "is made anew");
	opens(&p, "taken from");
	ck_assert_int_eq(entries(path, sizeof(path)), 1);

	/* other thresholds are another model */
	p.calibration = "abcabcabcabcabcaabbccaabbccabcabcabc";
	p.calibration_len = strlen(p.calibration);
	opens(&p, "is kept as");
	opens(&p, "taken from");
	p.levels = 30;
	opens(&p, "is kept as");
	ck_assert_int_eq(entries(path, sizeof(path)), 3);
}
END_TEST

/* What a session of the model says of its thresholds. */
static void thresholds(const struct ctrans_model_params *p, char text[64])
{
	static const char key[] = "\"thresholds\":\"";
	struct ctrans_session *session;
	struct ctrans_model *m;
	static char data[1 << 20];
	const char *at;
	size_t len;

	ck_assert_msg(!ctrans_model_open(source, p, &m), "%s", ctrans_message());
	ck_assert_int_eq(ctrans_session_open(m, &session), 0);
	ck_assert_int_eq(ctrans_session_export(session, data, sizeof(data), &len),
			 0);
	at = memmem(data, len, key, strlen(key));
	ck_assert_ptr_nonnull(at);
	snprintf(text, 64, "%.40s", at + strlen(key));
	strtok(text, "\"");
	ctrans_session_close(session);
	ctrans_model_close(m);
}

/* Of what the calibration depends on nothing is another's. */
START_TEST(calibrated)
{
	static const char *const kv[] = { "f16", "s8" };
	char with[64], without[64], other[64] = "";
	struct ctrans_model_params p;
	size_t i;

	params_init(&p, "sim:threads=1");
	p.calibration = "abcabcabcabcabcaabbccaabbccabcabcabc"
			"The quick brown fox jumps over the lazy dog";
	p.calibration_len = strlen(p.calibration);
	for (i = 0; i < 6; i++) {
		p.kv = kv[i % 2];
		p.cache = NULL;
		thresholds(&p, without);
		p.cache = dir;
		thresholds(&p, with);
		ck_assert_str_eq(with, without);
		ck_assert_str_ne(with, other);
		strcpy(other, with);
	}
}
END_TEST

START_TEST(not_kept)
{
	struct ctrans_model_params p;
	struct ctrans_model *m;
	char path[600];

	/* a file where the directory should be */
	copy_file(source, dir);
	params_init(&p, "sim:threads=1");
	opens(&p, "is not kept in the cache");
	ck_assert(!unlink(dir));

	/* nothing to keep */
	p.cache = dir;
	p.flags = CTRANS_MODEL_NO_WEIGHTS;
	ck_assert_int_eq(ctrans_model_open(source, &p, &m), 0);
	ctrans_model_close(m);
	p.flags = CTRANS_MODEL_F32;
	ck_assert_int_eq(ctrans_model_open(source, &p, &m), 0);
	ctrans_model_close(m);
	ck_assert_int_eq(entries(path, sizeof(path)), 0);

	/* the model's own faults are those of an open without a cache */
	p.flags = 0;
	ck_assert_int_eq(ctrans_model_open("/nowhere", &p, &m), -ENOENT);
	ck_assert(strstr(ctrans_message(), "/nowhere"));
	opens(&p, "is kept as");
	p.context = 1u << 30;
	ck_assert_int_eq(ctrans_model_open(source, &p, &m), -EINVAL);
	p.context = 0;
	p.device = "no such";
	ck_assert_int_eq(ctrans_model_open(source, &p, &m), -ENODEV);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cache");
	TCase *t = tcase_create("cache");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, kept);
	tcase_add_test(t, calibrated);
	tcase_add_test(t, not_kept);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
