#!/bin/bash
# SPDX-License-Identifier: MIT
#
# check.sh: every test, in this order: the rules of the house, unit and
# end-to-end tests of the normal build, the driver's in virtual machines
# (tests/vm), unit and end-to-end tests under AddressSanitizer and
# UndefinedBehaviorSanitizer, there also 32 callers at once for SOAK_SECONDS (20;
# tests/soak), and each fuzz target for FUZZ_SECONDS (10, or 60
# where CI is set), as many at a time as there are CPUs.
# check.sh --quick: unit tests and short end-to-end tests of the normal build.
# The last line is "N passed, N failed" (and skipped); the status says the same.
set -euo pipefail

cd "$(dirname "$0")/.."
quick=false
[ "${1:-}" = --quick ] && quick=true
if [ -n "${CI:-}" ]; then
	export FUZZ_SECONDS=${FUZZ_SECONDS:-60}
else
	export FUZZ_SECONDS=${FUZZ_SECONDS:-10}
fi

SOAK_SECONDS=${SOAK_SECONDS:-20}

passed=0
failed=0
skipped=0
start=$SECONDS

step() { printf '\n== %s (at %d s)\n' "$*" $((SECONDS - start)); }

# A build that breaks is one failure, and its tests are not run.
build()
{
	local dir=$1 log=$1.log
	shift

	step "build $dir"
	if [ ! -f "$dir/build.ninja" ]; then
		rm -rf "$dir"
		meson setup "$dir" "$@" >"$log" 2>&1 || { broken "$log"; return 1; }
	else
		meson configure "$dir" "$@" >"$log" 2>&1 ||
			{ broken "$log"; return 1; }
	fi
	if ! ninja -C "$dir" >"$log" 2>&1; then
		broken "$log"
		return 1
	fi
	grep -A5 -E 'warning:' "$log" || true
	mv "$log" "$dir/check-build.log"
	rm -rf "$dir/check-logs"
}

broken()
{
	echo "the build failed:"
	grep -E -A8 'error|FAILED|ERROR' "$1" | head -n 60 || tail -n 40 "$1"
	failed=$((failed + 1))
}

run()
{
	local dir=$1 kind=$2 pass fail skip tally
	shift 2

	scripts/run-tests.sh "$dir" "$kind" "$@"
	for tally in "$dir/check-logs/$kind".*.tally; do
		[ -f "$tally" ] || continue
		read -r pass fail skip <"$tally"
		passed=$((passed + pass))
		failed=$((failed + fail))
		skipped=$((skipped + skip))
	done
}

# One after the other: each has as many CPUs as a small host. On a machine of
# continuous integration the debug kernel is built, too, which takes it a quarter
# of an hour, once.
machines()
{
	local status=0

	tests/vm/bed.sh >/dev/null || status=$?
	if [ "$status" = 77 ]; then
		echo "  SKIP: no test bed on this machine, for the reason above"
		skipped=$((skipped + 1))
		return
	elif [ "$status" != 0 ]; then
		failed=$((failed + 1))
		return
	fi
	if [ -n "${CI:-}" ] && ! tests/vm/debug-kernel.sh >/dev/null; then
		failed=$((failed + 1))
	fi
	JOBS=1 TEST_TIMEOUT=5400 run build vm
}

if $quick; then
	export CTRANS_QUICK=1
	if build build -Dtests=true; then
		step "unit tests"
		run build unit
		step "end-to-end tests, short"
		run build e2e
	fi
else
	if build build -Dtests=true; then
		step "rules of the house"
		run build house
		step "unit tests"
		run build unit
		step "end-to-end tests"
		run build e2e
		step "the driver in virtual machines"
		machines
	fi
	if build build-asan -Dtests=true -Dwerror=true \
		-Db_sanitize=address,undefined; then
		step "unit tests under sanitizers"
		CTRANS_SANITIZED=1 run build-asan unit
		step "end-to-end tests under sanitizers"
		CTRANS_SANITIZED=1 run build-asan e2e
		step "32 callers at once under sanitizers, $SOAK_SECONDS s"
		if scripts/soak.sh "$SOAK_SECONDS" build-asan; then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
		fi
	fi
	if ! command -v clang >/dev/null; then
		step "fuzz targets"
		echo "  SKIP: there is no clang, whose libFuzzer they need"
		skipped=$((skipped + 1))
	elif CC=clang CXX=clang++ build build-fuzz -Dfuzz=true -Dtools=false -Dwerror=true \
		-Db_sanitize=address,undefined -Db_lundef=false; then
		step "fuzz targets, $FUZZ_SECONDS s each"
		run build-fuzz fuzz
	fi
fi

step "done"
summary="$passed passed, $failed failed"
[ "$skipped" = 0 ] || summary+=", $skipped skipped"
echo "$summary"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
