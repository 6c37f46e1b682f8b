#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The command on a chip behind the driver: the same text as on the chip model,
# the devices that it lists, what it says where it may not or cannot, and what of
# the system steady decoding uses.
#
# Functions are called by way of check.
# shellcheck disable=SC2317

# shellcheck source=tests/vm/guest/tap.sh
. "$CTRANS_SOURCE/tests/vm/guest/tap.sh"

demo=$CTRANS_SOURCE/models/demo
programs=$CTRANS_BUILD/tests
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# call COMMAND...: its outputs and status are kept
call()
{
	"$@" >"$work/out" 2>"$work/err"
	status=$?
}

# said PATTERN: in an output of the last call; else what was said
said()
{
	grep -qE -- "$1" "$work/out" "$work/err" && return
	head -n 20 "$work/out" "$work/err"
	return 1
}

# ---- Devices

call "$CTRANS" devices
check "devices: the chip is the default" said '^accel:[0-9]+ \(default\)$'
check "devices: with its place and its node" \
	said 'C-Transformer at 0000:[0-9a-f:.]+, /dev/accel/accel[0-9]+'
check "devices: with its cores and operating point" said '48 cores, 0\.90 V, 125 MHz'
check "devices: the chip model is there, too" said '^sim$'
call "$CTRANS" devices --json
check "devices --json: is_default" \
	said '"name": *"accel:[0-9]+".*"is_model": *false, *"is_default": *true.*"name": *"sim"'

# ---- The same text

# same NAME OPTION...: run with a text to write, here and there
same()
{
	name=$1
	shift
	same_of "$name" run "$demo" -n 40 "$@"
}

# same_of NAME COMMAND MODEL OPTION...
same_of()
{
	name=$1
	shift
	call "$CTRANS" "$@" -d sim
	check "$name: on the chip model" test $status = 0
	mv "$work/out" "$work/sim"
	call "$CTRANS" "$@" -d accel:0
	check "$name: on the chip" test $status = 0
	check "$name: the very same text" cmp "$work/sim" "$work/out"
}

same "greedy" -p "Once upon a time" --temp 0
same "drawn" -p "The old man" --seed 5 --temp 1
same "keys and values of a byte" -p "Once upon a time" --temp 0 --kv s8
printf 'The sun\nA small bird\nIn the morning\n' >"$work/prompts"
call "$CTRANS" run "$demo" -v -p "Once upon" -n 2
check "nothing named: the chip, and it is said" said 'device accel:[0-9]+: C-Transformer'
call "$CTRANS" run "$demo" -v -d accel -p "Once upon" -n 2
check "\"accel\": the first chip" said 'device accel:[0-9]+: C-Transformer'
call "$CTRANS" eval "$demo" -d accel:0 --text "$work/prompts"
check "eval runs on the chip" test $status = 0
call "$CTRANS" convert "$demo" -o "$work/demo.gguf" -d accel:0 --weights s8
check "convert takes the chip" test $status = 0
call "$CTRANS" run "$demo" -d sim -n 40 -p "Once" --temp 0
mv "$work/out" "$work/sim"
call "$CTRANS" run "$work/demo.gguf" -d accel:0 -n 40 -p "Once" --temp 0
check "what was converted says the same" cmp "$work/sim" "$work/out"
# Compressed weights, a little model, signed digits by work unit.
call "$CTRANS" convert "$demo" -o "$work/small.gguf" -d accel:0 --little "$demo/little"
check "convert: compressed, and with a little model" test $status = 0
call "$CTRANS" run "$demo" -d accel:0 -n 1 -p "Once" --policy tile --code naf
check "a policy and a code for the chip" test $status = 0
demo=$work/small.gguf
same "compressed, drafted" -p "The old man" --seed 5 --temp 1
same "compressed, alone" -p "Once upon a time" --temp 0 --little "" --policy tile --code naf
demo=$CTRANS_SOURCE/models/demo

# A source that is read, and beams that share it.
t5=$CTRANS_SOURCE/models/demo-t5
fsmt=$CTRANS_SOURCE/tests/data/model/fsmt_small
same_of "translated" translate "$t5" -p "The doctor helps the child." --beams 1
same_of "translated, four beams" translate "$t5" -p "We are going home today." --beams 4
same_of "translated by FSMT" translate "$fsmt" -p "the house is small"
call "$CTRANS" convert "$t5" -o "$work/t5.gguf" -d accel:0
check "a model with an encoder is converted" test $status = 0
same_of "converted, translated" translate "$work/t5.gguf" -p "The dog sleeps." --policy dnn

call "$CTRANS" bench "$demo" -d accel:0 --prompt 0 --gen 4 --reps 1
check "bench runs on the chip" said '^decode +[0-9.]+ tokens/s$'
check "and knows no bound of it" said '^bound +-$'

# ---- Where it may not or cannot

call "$CTRANS" run "$demo" -d accel:77 -p a -n 1
check "a chip that is not there: status 4" test $status = 4
check "and what to do" said 'there is no /dev/accel/accel77.*modprobe ctrans'
call "$CTRANS" run "$demo" -d accel:zero -p a -n 1
check "a name that is none" said 'give the number of a node'
call "$CTRANS" run "$demo" -d accel:0 -t 2 -p a -n 1
check "options of the chip model with a chip: status 2" test $status = 2

chmod 0660 /dev/accel/accel0
chgrp render /dev/accel/accel0
chmod 755 "$work"
as_nobody() { su -s /bin/sh nobody -c "$*"; }
call as_nobody "$CTRANS run $demo -p a -n 1"
check "no permission: an error, not another device" test $status != 0
check "and who has it" said 'no permission for /dev/accel/accel0: add yourself to the group render'
call as_nobody "$CTRANS devices"
check "it is listed with the reason" said 'no permission for /dev/accel/accel0'
call as_nobody "$CTRANS run $demo -d sim -p a -n 1"
check "and the chip model is for all" test $status = 0

# ---- What of the system it uses

# Between the two marks there may be one kind of call, and it is the sleep.
call strace -f -o "$work/trace" "$programs/guest_generate" decode
check "steady decoding runs under strace" test $status = 0
awk '/getppid\(/ { marks++; next }
     marks == 1 && /resumed>/ { next }
     marks == 1 { sub(/^[0-9]+ +/, ""); sub(/\(.*/, ""); n[$0]++ }
     END { for (c in n) print n[c], c; exit marks != 2 }' \
	"$work/trace" >"$work/out" 2>"$work/err"
check "both marks are found" test $? = 0
sed 's/^/# in 32 steps: /' "$work/out"
check "its only call is the sleep" \
	test -z "$(grep -vE '^[0-9]+ (ioctl|futex)$' "$work/out")"
# None, where the chip is faster than the guest.
check "at most one for a step" \
	test "$(awk '$2 == "ioctl" { n = $1 } END { print n + 0 }' "$work/out")" -le 40
done_testing
