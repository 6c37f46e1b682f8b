// SPDX-License-Identifier: MIT
/*
 * Sessions in files: what a disk, a directory and a lack of memory can do. A
 * save that fails leaves what was there, and nothing beside it.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/session.h"
#include "fail_alloc.h"
#include "model_help.h"
#include "state_help.h"

static struct ctrans_model *model;
static struct ctrans_session *session;
static struct blob good;

/* The n-th call from here on fails; 0: none. */
static int fail_write, fail_fsync, fail_rename;
static int no_tmpfile, short_writes;

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	if (short_writes && len > 100) {
		if (short_writes++ % 5 == 0) {
			errno = EINTR;
			return -1;
		}
		return __real_write(fd, data, 99);
	}
	if (fail_write && !--fail_write) {
		errno = ENOSPC;
		return -1;
	}
	/* until then some of it is written */
	if (fail_write && len > 1000)
		len = 1000;
	return __real_write(fd, data, len);
}

int __wrap_fsync(int fd)
{
	if (fail_fsync && !--fail_fsync) {
		errno = EIO;
		return -1;
	}
	return __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
	if (fail_rename && !--fail_rename) {
		errno = EACCES;
		return -1;
	}
	return __real_rename(from, to);
}

int __wrap_open64(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return __real_open64(path, flags, mode);
}

static void setup(void)
{
	tmp_make();
	model = state_model(tiny_model("f16.gguf"), 0);
	session = state_session(model, 9, 2);
	good = state_export(session);
}

static void teardown(void)
{
	free(good.v);
	ctrans_session_close(session);
	ctrans_model_close(model);
	tmp_remove();
}

/* Exactly @n files are there, hidden ones counted. */
static void files_are(unsigned int n)
{
	DIR *d = opendir(tmp_path("."));
	unsigned int found = 0;
	struct dirent *e;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)))
		found += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	ck_assert_uint_eq(found, n);
}

static void file_is(const char *path, const void *bytes, size_t n)
{
	size_t len;
	uint8_t *v = slurp(path, &len);

	ck_assert_uint_eq(len, n);
	ck_assert_int_eq(memcmp(v, bytes, n), 0);
	free(v);
}

static void says(const char *words)
{
	ck_assert_msg(strstr(ctrans_message(), words), "\"%s\" in \"%s\"", words,
		      ctrans_message());
}

START_TEST(there_and_back)
{
	const char *path = tmp_path("session");
	struct ctrans_session *out;
	struct stat st;

	no_tmpfile = _i & 1;
	short_writes = _i & 2 ? 1 : 0;
	ck_assert_int_eq(ctrans_session_save(session, path), 0);
	files_are(1);
	file_is(path, good.v, good.n);
	/* over an older one, whose permissions stay */
	tmp_text("session", "old");
	chmod(path, 0640);
	ck_assert_int_eq(ctrans_session_save(session, path), 0);
	files_are(1);
	file_is(path, good.v, good.n);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	if (ctrans_session_load(model, path, &out))
		ck_abort_msg("%s", ctrans_message());
	same_future(session, out, model, 3);
	ctrans_session_close(out);
}
END_TEST

/* A new file is like any other of the process; a link stays one. */
START_TEST(modes_and_links)
{
	const char *path = tmp_path("session"), *link = tmp_path("link");
	struct stat st;

	umask(027);
	ck_assert_int_eq(ctrans_session_save(session, path), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	tmp_text("session", "old");
	ck_assert_int_eq(symlink("session", link), 0);
	ck_assert_int_eq(ctrans_session_save(session, link), 0);
	ck_assert_int_eq(lstat(link, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	file_is(path, good.v, good.n);
	files_are(2);
}
END_TEST

START_TEST(in_this_directory)
{
	char here[4096];

	ck_assert_ptr_nonnull(getcwd(here, sizeof(here)));
	ck_assert_int_eq(chdir(tmp_path(".")), 0);
	ck_assert_int_eq(ctrans_session_save(session, "bare"), 0);
	ck_assert_int_eq(chdir(here), 0);
	file_is(tmp_path("bare"), good.v, good.n);
}
END_TEST

static void save_fails(int code, const char *words)
{
	const char *path = tmp_path("session");

	ck_assert_int_eq(ctrans_session_save(session, path), code);
	says(words);
	says("session: ");
}

/* Old or new, and nothing else in the directory. */
START_TEST(failures)
{
	no_tmpfile = _i & 1;
	if (_i & 2)
		tmp_text("session", "old");
	fail_write = 1;
	save_fails(-ENOSPC, "No space left");
	fail_write = 3;
	save_fails(-ENOSPC, "No space left");
	fail_fsync = 1;
	save_fails(-EIO, "cannot write");
	fail_rename = 1;
	save_fails(-EACCES, "Permission denied");
	files_are(_i & 2 ? 1 : 0);
	if (_i & 2)
		file_is(tmp_path("session"), "old", 3);
	/* the directory's own entry: the session is there, and it is said */
	fail_fsync = 2;
	save_fails(-EIO, "directory");
	files_are(1);
	file_is(tmp_path("session"), good.v, good.n);
}
END_TEST

START_TEST(killed)
{
	pid_t pid;
	int status;

	tmp_text("session", "old");
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		short_writes = 1;	/* so that it dies in the middle of one */
		for (;;)
			if (ctrans_session_save(session, tmp_path("session")))
				_exit(1);
	}
	usleep(100000);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	file_is(tmp_path("session"), good.v, good.n);
}
END_TEST

START_TEST(places)
{
	struct ctrans_session *out;
	char long_name[400];

	ck_assert_int_eq(ctrans_session_save(session, ""), -EINVAL);
	ck_assert_int_eq(ctrans_session_save(session, NULL), -EINVAL);
	ck_assert_int_eq(ctrans_session_save(NULL, "x"), -EINVAL);
	ck_assert_int_eq(ctrans_session_save(session, tmp_path("no/such")), -ENOENT);
	says("no/such");
	ck_assert_int_eq(ctrans_session_save(session, tmp_path(".")), -EINVAL);
	ck_assert_int_eq(ctrans_session_save(session, "/dev/null"), -EINVAL);
	says("not a regular file");
	memset(long_name, 'a', sizeof(long_name));
	long_name[399] = '\0';
	ck_assert_int_eq(ctrans_session_save(session, tmp_path(long_name)),
			 -ENAMETOOLONG);
	files_are(0);

	ck_assert_int_eq(ctrans_session_load(model, "", &out), -EINVAL);
	ck_assert_int_eq(ctrans_session_load(model, NULL, &out), -EINVAL);
	ck_assert_int_eq(ctrans_session_load(NULL, "x", &out), -EINVAL);
	ck_assert_int_eq(ctrans_session_load(model, "x", NULL), -EINVAL);
	out = session;
	ck_assert_int_eq(ctrans_session_load(model, tmp_path("none"), &out), -ENOENT);
	ck_assert_ptr_null(out);
	ck_assert_int_eq(ctrans_session_load(model, "/dev/null", &out), -EBADMSG);
	ck_assert_int_eq(ctrans_session_load(model, tmp_text("e", ""), &out), -EBADMSG);
	says("empty");
	ck_assert_int_eq(ctrans_session_load(model, tmp_text("t", "tiny"), &out),
			 -EBADMSG);
	says("too few");
	ck_assert_int_eq(ctrans_session_load(model,
		tiny_model("hf_f32/model.safetensors"), &out), -EBADMSG);
	says("not a saved session");
	ck_assert_int_eq(ctrans_session_load(model, tiny_model("q8_0.gguf"), &out),
			 -EBADMSG);
	for (size_t n = 1; n < good.n; n += 97) {
		ck_assert_int_eq(ctrans_session_load(model,
			tmp_write("cut", good.v, n), &out), -EBADMSG);
		says("cut: ");
	}
}
END_TEST

/* A file that says it belongs elsewhere is refused before it is read in. */
START_TEST(large)
{
	const char *path = tmp_path("large");
	struct ctrans_session *out;
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	static const char header[] = "{\"kv\":{\"dtype\":\"U8\",\"shape\":"
		"[1,1099511627776],\"data_offsets\":[0,1099511627776]}}";
	uint64_t len = strlen(header);

	ck_assert_int_eq(write(fd, &len, 8), 8);
	ck_assert_int_eq(write(fd, header, len), (ssize_t)len);
	if (ftruncate(fd, (off_t)(8 + len + (1ull << 40)))) {
		printf("SKIP large: no file of 1 TiB here\n");
	} else {
		ck_assert_int_eq(ctrans_session_load(model, path, &out), -EBADMSG);
		says("not a saved session");
	}
	close(fd);
}
END_TEST

static int save_and_load(struct ctrans_session **out)
{
	const char *path = tmp_path("session");
	size_t n;
	int ret;

	*out = NULL;
	ret = ctrans_session_save(session, path);
	if (!ret)
		ret = ctrans_session_export(session, good.v, good.n, &n);
	if (!ret)
		ret = ctrans_session_load(model, path, out);
	return ret;
}

START_TEST(no_memory)
{
	struct ctrans_session *out;
	unsigned long n;
	bool hit;
	int ret;

	for (n = 1; ; n++) {
		fail_alloc_at(n);
		ret = save_and_load(&out);
		hit = fail_alloc_stop();
		if (ret) {
			/* cJSON does not tell a lack of memory from bad text */
			ck_assert_msg(ret == -ENOMEM || (ret == -EBADMSG &&
				      strstr(ctrans_message(), "memory")),
				      "allocation %lu: %d, %s", n, ret,
				      ctrans_message());
			ck_assert_ptr_null(out);
		} else {
			ctrans_session_close(out);
		}
		if (!hit)
			break;
	}
	ck_assert_int_eq(ret, 0);
	ck_assert_uint_gt(n, 20);
	files_are(1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("state_file");
	TCase *t = tcase_create("files");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 100);
	tcase_add_loop_test(t, there_and_back, 0, 4);
	tcase_add_test(t, modes_and_links);
	tcase_add_test(t, in_this_directory);
	tcase_add_loop_test(t, failures, 0, 4);
	tcase_add_test(t, killed);
	tcase_add_test(t, places);
	tcase_add_test(t, large);
	tcase_add_test(t, no_memory);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
