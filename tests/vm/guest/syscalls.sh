#!/bin/sh
# SPDX-License-Identifier: MIT
#
# syscalls.sh: a text that is being written through the driver makes no system
# call but the one that sleeps until a step is done. Counted between the first
# piece of text that ctrans run writes and the last; the writes are the program's.
# shellcheck source=tests/vm/guest/tap.sh
. "$CTRANS_SOURCE/tests/vm/guest/tap.sh"

log=/tmp/syscalls
# DRM_COMMAND_BASE + DRM_CTRANS_QUEUE_WAIT, the low byte of the ioctl's number
wait=48

# Called by check.
# shellcheck disable=SC2317
# trace N: that many tokens; the calls meanwhile are in $log.N
trace()
{
	strace -f -X raw -o "$log" "$CTRANS" run models/demo -p "Once upon a time" \
		-n "$1" --seed 1 --ignore-eos -q --device accel:0 \
		</dev/null >/dev/null || return
	awk -f "$CTRANS_SOURCE/tests/vm/guest/calls_between.awk" "$log" |
		sort >"$log.$1"
}

# sleeps N: none, where the chip is faster than the guest, which strace slows down;
# others N: neither output nor sleep
sleeps() { sed -n "s/^ioctl:0x[0-9a-f]*64$wait //p" "$log.$1" | grep . || echo 0; }
others() { grep -vE "^(write|ioctl:0x[0-9a-f]*64$wait) " "$log.$1"; }

for n in 20 40; do
	check "$n tokens through the driver" trace "$n"
	sed 's/^/# /' "$log.$n"
	check "are seen as they come" test \
		"$(sed -n 's/^write //p' "$log.$n")" -gt $((n / 2))
	check "no calls between them but the sleep" test -z "$(others $n)"
	check "which is one for a token at most" test "$(sleeps $n)" -le $n
done
rm -f "$log" "$log".*
done_testing
