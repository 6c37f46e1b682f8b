# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# tap.sh, sourced by the tests of this folder, which busybox's sh runs in the
# guest:  check "what" COMMAND...   is one test;  done_testing  ends the file.

tests=0
wrong=0

ok() { tests=$((tests + 1)); echo "ok $tests - $1"; }

# not_ok WHAT [WHY]
not_ok()
{
	tests=$((tests + 1))
	wrong=$((wrong + 1))
	echo "not ok $tests - $1"
	[ -z "${2:-}" ] || echo "$2" | sed 's/^/# /'
}

skip() { tests=$((tests + 1)); echo "ok $tests - $1 # SKIP $2"; }

check()
{
	what=$1
	shift
	if said=$("$@" 2>&1); then
		ok "$what"
	else
		not_ok "$what" "status $? of: $*
$said"
	fi
}

# violations: how many the chip counted since the last ctl clear
violations() { ctl violations | sed -n 's/.*"total": *\([0-9]*\).*/\1/p'; }

done_testing()
{
	echo "1..$tests"
	[ "$wrong" = 0 ]
	exit
}
