#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A text that is being written makes no system calls but the sleep: the chip's
# other workers sleep (futex) between steps, the driver's users wait for a job in
# its ioctl. What is counted lies between the first piece of text that ctrans run
# writes and the last; the writes themselves are the program's.
# CTRANS_TEST_DEVICE: the device, the chip model by default.
# shellcheck source=tests/e2e/tap.sh
. "$(dirname "$0")/tap.sh"

device=${CTRANS_TEST_DEVICE:-sim}
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

	timeout 300 strace -f -o "$tap_dir/log" "$CTRANS" run "$model" \
		-p "Once upon a time" -n "$n" --seed 1 --ignore-eos -q \
		--device "$@" </dev/null >"$tap_dir/text" 2>"$err" || return
	awk '{ sub(/^[0-9]+ +/, "") }
	/^write\(1,/ {
		if (writes++)
			for (name in since)
				calls[name] += since[name]
		delete since
		next
	}
	writes && /^[a-z_0-9]+\(/ {
		name = substr($0, 1, index($0, "(") - 1)
		if (name == "ioctl" && match($0, /DRM_IOCTL[^,)]*|_IOC\([^)]*\)/))
			name = name ":" substr($0, RSTART, RLENGTH)
		since[name]++
	}
	END {
		print "write", writes
		for (name in calls)
			print name, calls[name]
	}' "$tap_dir/log" | sort
}

# others FILE: what is neither the program's output nor the sleep.
others() { grep -vE '^(write|futex) ' "$1" || true; }

case $device in
sim*) ways=("$device:threads=1" "$device:threads=2") ;;
*) ways=("$device") ;;
esac
for way in "${ways[@]}"; do
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
case $device in
sim*)
	trace 200 "$device:threads=1" >"$tap_dir/one"
	expect_equal "$(grep -c futex "$tap_dir/one")" 0 \
		"one thread has nobody to wait for, and does not sleep" ;;
esac
tap_done
