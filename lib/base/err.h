/* SPDX-License-Identifier: MIT */
/*
 * Errors inside libctrans: a negative errno and one sentence.
 *
 * The function that finds the fault writes the sentence, because only it
 * knows the name of the thing; callers pass the code up unchanged and may
 * put their own words in front (ct_err_prefix). A NULL struct ct_err is
 * allowed everywhere and keeps only the code.
 */
#ifndef CT_BASE_ERR_H
#define CT_BASE_ERR_H

#define CT_ERR_MSG_MAX	512

struct ct_err {
	int code;		/* negative errno, 0 when nothing failed */
	char msg[CT_ERR_MSG_MAX];
};

/* Record a failure. Returns @code, so that it can be returned at once. */
int ct_fail(struct ct_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "what: " in front of the recorded sentence, cutting its end if need be. */
void ct_err_prefix(struct ct_err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
