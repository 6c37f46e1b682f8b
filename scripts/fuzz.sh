#!/bin/bash
# SPDX-License-Identifier: MIT
#
# fuzz.sh BUILD [NAME...]: run the libFuzzer targets of a build made with
# -Dfuzz=true, FUZZ_SECONDS (10) each, one after the other; prints TAP. Inputs
# found are kept in BUILD/corpus and used again; a crashing input is left in
# BUILD/findings.
set -euo pipefail

build=$1
shift
root=$(realpath "$(dirname "$0")/..")
seconds=${FUZZ_SECONDS:-10}
mkdir -p "$build/findings"
if [ $# -eq 0 ]; then
	for target in "$build"/tests/fuzz_*; do
		[ -f "$target" ] && [ -x "$target" ] && set -- "$@" "${target##*/fuzz_}"
	done
fi

n=0
failed=0
for name in "$@"; do
	n=$((n + 1))
	corpus=$build/corpus/$name
	mkdir -p "$corpus"
	dirs=("$corpus")
	[ -d "$root/tests/fuzz/corpus/$name" ] &&
		dirs+=("$root/tests/fuzz/corpus/$name")
	log=$build/findings/$name.log

	# The limits are on one input: a time far above what any honest one
	# takes, and memory that a hostile size field would exceed at once.
	if "$build/tests/fuzz_$name" -max_total_time="$seconds" -timeout=20 \
		-rss_limit_mb=2048 -malloc_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix="$build/findings/$name-" \
		"${dirs[@]}" >"$log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		echo "ok $n - fuzz $name: $runs inputs in $seconds s"
	else
		failed=$((failed + 1))
		tail -n 40 "$log"
		echo "not ok $n - fuzz $name: the input is in $build/findings"
	fi
done
echo "1..$n"
[ "$failed" = 0 ]
