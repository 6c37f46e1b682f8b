# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Helpers for end-to-end tests: source this file, call the functions, end with
# tap_done. The runner (scripts/run-tests.sh) sets CTRANS (the program),
# CTRANS_BUILD, CTRANS_SOURCE, CTRANS_TEST_DATA; CTRANS_QUICK when only a
# minute is to be spent, CTRANS_SANITIZED when everything is ten times slower.
set -uo pipefail

CTRANS_SOURCE=${CTRANS_SOURCE:-$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")}
CTRANS_BUILD=${CTRANS_BUILD:-$CTRANS_SOURCE/build}
CTRANS=${CTRANS:-$CTRANS_BUILD/tools/ctrans}
CTRANS_TEST_DATA=${CTRANS_TEST_DATA:-$CTRANS_SOURCE/tests/data}
# For the tests that source this.
# shellcheck disable=SC2034
DEMO=$CTRANS_SOURCE/models/demo

tap_count=0
tap_failed=0
tap_dir=$(mktemp -d "${TMPDIR:-/tmp}/ctrans-e2e.XXXXXX")
trap 'rm -rf "$tap_dir"' EXIT

ok() { tap_count=$((tap_count + 1)); echo "ok $tap_count - $*"; }

not_ok()
{
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $*"
}

# skip WHAT REASON
skip() { tap_count=$((tap_count + 1)); echo "ok $tap_count - $1 # SKIP $2"; }

# skip_all REASON: nothing in this file can be tested here.
skip_all() { echo "1..0 # SKIP $*"; exit 0; }

# Output of the last call, and its status.
out=$tap_dir/out
err=$tap_dir/err
status=0

# call COMMAND...: run it, keep its outputs and status.
call()
{
	status=0
	"$@" >"$out" 2>"$err" || status=$?
}

# Standard input as TAP comments.
diag() { sed "s/^/# /"; }

# check WHAT COMMAND...: ok when the command succeeds.
check()
{
	local what=$1
	shift

	if "$@" >"$tap_dir/check" 2>&1; then
		ok "$what"
	else
		not_ok "$what"
		echo "# command: $*"
		head -n 30 "$tap_dir/check" | diag
	fi
}

# expect_status N WHAT: after call.
expect_status()
{
	if [ "$status" = "$1" ]; then
		ok "$2"
	else
		not_ok "$2 (status $status, expected $1)"
		head -n 20 "$err" | diag
	fi
}

# expect_equal GOT WANTED WHAT
expect_equal()
{
	if [ "$1" = "$2" ]; then
		ok "$3"
	else
		not_ok "$3"
		printf '# got:      %s\n# expected: %s\n' "${1@Q}" "${2@Q}"
	fi
}

# expect_match FILE REGEX WHAT: an extended regular expression, any line.
expect_match()
{
	if grep -qE -- "$2" "$1"; then
		ok "$3"
	else
		not_ok "$3 (no line matches $2)"
		head -n 20 "$1" | diag
	fi
}

# expect_error STATUS REGEX WHAT: after call. One clear sentence on standard
# error, nothing on standard output, the status documented for it.
expect_error()
{
	if [ "$status" = "$1" ] && [ ! -s "$out" ] && grep -qE -- "$2" "$err"; then
		ok "$3"
	else
		not_ok "$3 (status $status, expected $1 and a match of $2)"
		head -n 5 "$out" | diag
		head -n 20 "$err" | diag
	fi
}

tap_done()
{
	echo "1..$tap_count"
	[ "$tap_failed" = 0 ]
	exit
}
