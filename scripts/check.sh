#!/bin/bash
# SPDX-License-Identifier: MIT
#
# check.sh: every test, in this order: the rules of the house, unit and
# end-to-end tests of the normal build, the driver's in virtual machines with
# Debian's kernels (tests/vm; debug.sh is for the debug kernel), unit and end-to-end
# tests under AddressSanitizer and UndefinedBehaviorSanitizer, there also 32 callers
# at once for SOAK_SECONDS (20; tests/soak), and each fuzz target for FUZZ_SECONDS
# (10, or 60 where CI is set), as many at a time as there are CPUs.
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

# shellcheck source=scripts/tally.sh
. scripts/tally.sh

# One after the other: each has as many CPUs as a small host.
machines()
{
	bed || return 0
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

tally
