#!/bin/bash
# SPDX-License-Identifier: MIT
#
# debug.sh: the driver on the debug kernel (tests/vm/debug.config), which is built
# unless it is there: the tests that run in the kernel, all of the driver's tests
# under the kernel's detectors, every allocation and copy made to fail once, and
# the fuzzer that is led by coverage for FUZZ_SECONDS (600). About an hour, and a
# quarter of one more where the kernel has to be built.
# The last line is "N passed, N failed" (and skipped); the status says the same.
set -euo pipefail

cd "$(dirname "$0")/.."
FUZZ_SECONDS=${FUZZ_SECONDS:-600}

# shellcheck source=scripts/tally.sh
. scripts/tally.sh

# The processes of the blind fuzzer, which is one test of the suite.
blind() { echo $((FUZZ_SECONDS < 60 ? FUZZ_SECONDS : 60)); }

machines()
{
	local wait

	bed || return 0
	step "the debug kernel"
	if ! tests/vm/debug-kernel.sh; then
		failed=$((failed + 1))
		return 0
	fi
	step "in the kernel, and under its detectors"
	FUZZ_SECONDS=$(blind) JOBS=1 TEST_TIMEOUT=7200 run build vm debug
	step "what fails when memory does"
	JOBS=1 TEST_TIMEOUT=7200 run build vm debug-inject
	step "fuzzing by coverage, $FUZZ_SECONDS s"
	wait=$((FUZZ_SECONDS + 3600))
	FUZZ_SECONDS=$FUZZ_SECONDS JOBS=1 TEST_TIMEOUT=$wait run build vm debug-fuzz
}

if build build -Dtests=true; then
	machines
fi
tally
