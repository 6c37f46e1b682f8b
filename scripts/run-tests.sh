#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run-tests.sh BUILD unit|e2e|fuzz|house|vm [NAME...]
# Run the tests of one kind, JOBS at a time (as many as CPUs), one line of
# progress for each program; the counts go to BUILD/check-logs/KIND.NAME.tally
# as "passed failed skipped". Unit tests are Check programs and are counted by
# Check's own summary, all others print TAP.
set -euo pipefail

build=$(realpath "$1")
kind=$2
shift 2
root=$(realpath "$(dirname "$0")/..")
logs=$build/check-logs
cd "$root"

CTRANS_SOURCE=$root
CTRANS_BUILD=$build
CTRANS=$build/tools/ctrans
CTRANS_TEST_DATA=${CTRANS_TEST_DATA:-$root/tests/data}
CK_VERBOSITY=normal
CK_DEFAULT_TIMEOUT=${CK_DEFAULT_TIMEOUT:-120}
# Failed allocations are part of the tests: the sanitizer's malloc answers
# NULL, as libc's does.
ASAN_OPTIONS=allocator_may_return_null=1:detect_stack_use_after_return=1
UBSAN_OPTIONS=print_stacktrace=1
export CTRANS_SOURCE CTRANS_BUILD CTRANS CTRANS_TEST_DATA CK_VERBOSITY \
	CK_DEFAULT_TIMEOUT ASAN_OPTIONS UBSAN_OPTIONS

limit=${TEST_TIMEOUT:-900}

program()
{
	case $kind in
	unit) echo "$build/tests/test_$1" ;;
	e2e) ls "$root/tests/e2e/$1.sh" "$root/tests/e2e/$1.py" 2>/dev/null ||
		true ;;
	fuzz) echo "$root/scripts/fuzz.sh" ;;
	house) echo "$root/scripts/check-$1.sh" ;;
	vm) echo "$root/tests/vm/suite.py" ;;
	esac
}

# What the build makes now; programs of tests since removed may lie about. With
# SentencePiece in the library they are linked as C++.
built()
{
	local rule

	for rule in c_LINKER cpp_LINKER; do
		ninja -C "$build" -t targets rule $rule | sed -n "s|^tests/$1||p"
	done
}

names()
{
	case $kind in
	unit) built test_ ;;
	e2e) find "$root/tests/e2e" -maxdepth 1 \( -name '*.sh' -o \
		-name '*.py' \) ! -name 'tap.*' -printf '%f\n' |
		sed 's/\.[a-z]*$//' ;;
	fuzz) built fuzz_ ;;
	house) find "$root/scripts" -name 'check-*.sh' -printf '%f\n' |
		sed 's/^check-//; s/\.sh$//' ;;
	vm) python3 "$root/tests/vm/suite.py" --list ;;
	esac | sort
}

# Passed, failed and skipped of a log, by Check's summary lines or by TAP.
count()
{
	awk -v unit="$([ "$kind" = unit ] && echo 1 || echo 0)" '
	unit && /^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+/ {
		split($0, f, /[^0-9]+/)
		pass += f[2] - f[3] - f[4]; fail += f[3] + f[4]
	}
	unit && /^(# )?SKIP/ { pass--; skip++ }
	!unit && /^ok / { if (/# SKIP/) skip++; else pass++ }
	!unit && /^not ok / { fail++ }
	!unit && /^1\.\.0 # SKIP/ { skip++ }
	!unit && /^Bail out!/ { fail++ }
	END { print pass + 0, fail + 0, skip + 0 }' "$1"
}

run_one()
{
	local name=$1 log=$logs/$kind.$1.log status=0 start=$EPOCHREALTIME
	local pass fail skip what command

	command=("$(program "$name")")
	case $kind in
	e2e)
		case ${command[0]} in
		*.py) command=(python3 "${command[@]}") ;;
		*) command=(bash "${command[@]}") ;;
		esac ;;
	fuzz) command+=("$build" "$name") ;;
	vm) command=(python3 "${command[@]}" "$name") ;;
	esac
	timeout -k 10 "$limit" "${command[@]}" >"$log" 2>&1 </dev/null ||
		status=$?

	read -r pass fail skip < <(count "$log")
	# A program that dies, leaks at its end or counts nothing has failed,
	# whatever it printed before.
	if [ "$status" != 0 ] && [ "$fail" = 0 ]; then
		fail=1
		echo "$name ended with status $status" >>"$log"
	elif [ $((pass + fail + skip)) = 0 ]; then
		fail=1
		echo "$name ran no test" >>"$log"
	fi
	echo "$pass $fail $skip" >"$logs/$kind.$name.tally"

	what="$pass passed"
	[ "$fail" = 0 ] || what+=", $fail FAILED"
	[ "$skip" = 0 ] || what+=", $skip skipped"
	# One write, so that lines of two jobs do not mix.
	{
		printf '  %-5s %-22s %-28s %6.1f s\n' "$kind" "$name" "$what" \
			"$(bc_sub "$EPOCHREALTIME" "$start")"
		if [ "$skip" != 0 ]; then
			grep -E '# SKIP|^SKIP' "$log" | sed 's/^/        /' || true
		fi
		if [ "$fail" != 0 ]; then
			echo "        --- the end of $log:"
			tail -n 40 "$log" | sed 's/^/        /'
		fi
	} >"$logs/$kind.$name.report"
	cat "$logs/$kind.$name.report"
}

# Seconds between two EPOCHREALTIME values; the decimal sign is the locale's.
bc_sub()
{
	local us=$((${1/[.,]/} - ${2/[.,]/}))

	echo "$((us / 1000000)).$(printf '%06d' $((us % 1000000)))"
}

export LC_ALL=C.UTF-8
if [ "${RUN_TESTS_ONE:-}" ]; then
	run_one "$1"
	exit 0
fi

mkdir -p "$logs"
if [ $# -eq 0 ]; then
	mapfile -t list < <(names)
else
	list=("$@")
fi
[ ${#list[@]} -gt 0 ] || exit 0
printf '%s\n' "${list[@]}" |
	RUN_TESTS_ONE=1 xargs -P "${JOBS:-$(nproc)}" -I{} "$0" "$build" "$kind" {}
