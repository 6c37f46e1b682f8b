#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A text that is being written makes no system calls but the sleep, in which the
# chip model's other workers (futex) wait for the next step. What is counted lies
# between the first piece of text that ctrans run writes and the last; the writes
# themselves are the program's. tests/vm/guest/syscalls.sh asks the same of the
# driver.
# shellcheck source=tests/e2e/tap.sh
. "$(dirname "$0")/tap.sh"

model=${CTRANS_TEST_MODEL:-$DEMO}
[ -x "$CTRANS" ] || skip_all "no $CTRANS"
[ -f "$model/config.json" ] || skip_all "no models/demo"
[ -z "${CTRANS_SANITIZED:-}" ] || skip_all "a sanitizer makes calls of its own"
command -v strace >/dev/null || skip_all "no strace"
strace -o "$tap_dir/probe" true 2>/dev/null || skip_all "strace may not trace here"

# trace N ARGUMENT...: N new tokens; the calls meanwhile, as "name count" lines.
trace()
{
	local n=$1
	shift

	timeout 300 strace -f -X raw -o "$tap_dir/log" "$CTRANS" run "$model" \
		-p "Once upon a time" -n "$n" --seed 1 --ignore-eos -q \
		--device "$@" </dev/null >"$tap_dir/text" 2>"$err" || return
	awk -f "$CTRANS_SOURCE/tests/vm/guest/calls_between.awk" "$tap_dir/log" |
		sort
}

# others FILE: what is neither the program's output nor the sleep.
others() { grep -vE '^(write|futex) ' "$1" || true; }

for way in sim:threads=1 sim:threads=2; do
	for n in 100 200; do
		check "$n tokens on $way" trace "$n" "$way"
		cp "$tap_dir/check" "$tap_dir/$n"
		diag <"$tap_dir/$n"
		expect_equal "$(awk '$1 == "write" { print ($2 > '"$n"' / 2) }' \
			"$tap_dir/$n")" 1 "were seen as they came"
		expect_equal "$(others "$tap_dir/$n")" "" \
			"no calls between them but the sleep"
	done
done
trace 200 sim:threads=1 >"$tap_dir/one"
expect_equal "$(grep -c futex "$tap_dir/one")" 0 \
	"one thread has nobody to wait for, and does not sleep"
tap_done
