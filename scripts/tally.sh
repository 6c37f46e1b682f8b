# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# tally.sh: what check.sh and debug.sh share: builds and kinds of tests, and the
# one line that all comes to. Source it in the checkout's root.

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

# run BUILD KIND [NAME...]
run()
{
	local dir=$1 kind=$2 pass fail skip tally
	shift 2

	rm -f "$dir/check-logs/$kind".*.tally
	scripts/run-tests.sh "$dir" "$kind" "$@"
	for tally in "$dir/check-logs/$kind".*.tally; do
		[ -f "$tally" ] || continue
		read -r pass fail skip <"$tally"
		passed=$((passed + pass))
		failed=$((failed + fail))
		skipped=$((skipped + skip))
	done
}

# The test bed, made unless it is there. False: there is none, which is counted.
bed()
{
	local status=0

	tests/vm/bed.sh >/dev/null || status=$?
	case $status in
	0) return 0 ;;
	77)
		echo "  SKIP: no test bed on this machine, for the reason above"
		skipped=$((skipped + 1)) ;;
	*) failed=$((failed + 1)) ;;
	esac
	return 1
}

# The last line, "N passed, N failed" (and skipped); the status says the same.
tally()
{
	local summary

	step "done"
	summary="$passed passed, $failed failed"
	[ "$skipped" = 0 ] || summary+=", $skipped skipped"
	echo "$summary"
	[ "$failed" = 0 ] && [ "$passed" != 0 ]
}
