#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bench-device.sh: what lies between this library and the chip model. Empty jobs by
# doorbell and by a system call for each (tests/bench/bench_submit.c), and what of a
# decoding step is not the device's time, for the demo model and for GPT-2's shape of
# random weights; then the submissions through the driver, in a virtual machine, if
# there has been one (make vm). The processor there is emulated: those figures compare
# with each other, not with anything else. Expects a build with -Dbench=true; lines
# of JSON go to build/bench.jsonl.
set -euo pipefail

cd "$(dirname "$0")/.."
jsonl=${JSONL:-build/bench.jsonl}

# share DEVICE OPTION...
share()
{
	local device=$1 line
	shift

	line=$(build/tools/ctrans bench --device "$device" --prompt 0 --gen 64 \
		--json "$@") || { echo "not measured: $*"; return; }
	echo "$line" >>"$jsonl"
	python3 -c '
import json, sys
o = json.loads(sys.argv[1])
step = 1e6 * o["batch"] / o["decode_tps"]
print("%-22s %5s %12.1f %10.2f %9.2f" % (o["model"][-22:], o["batch"], step,
      step * o["outside_device_percent"] / 100, o["outside_device_percent"]))
' "$line"
}

echo
echo "== the way to the device"
build/tests/bench_submit --json "$jsonl" sim
echo
printf '%-22s %5s %12s %10s %9s\n' 'a decoding step of' batch microseconds \
	'outside it' 'percent'
share sim models/demo
share sim models/demo --batch 8
share sim --shape gpt2

echo
if tests/vm/bed.sh path >/dev/null 2>&1; then
	# Lines of JSON come by the other output.
	python3 tests/vm/vm.py run 'insmod /vm/modules/submit_ioctl.ko &&
		build/tests/bench_submit --json /tmp/lines accel:0 &&
		cat /tmp/lines >&2 && echo && ctrans bench models/demo \
		--device accel:0 --prompt 0 --gen 32 --reps 3 |
		grep -E "^(decode|outside)"' \
		2> >(tee build/bench-vm.log | grep '^{' >>"$jsonl") ||
		echo "not measured in a virtual machine: see build/bench-vm.log"
else
	echo "not measured in a virtual machine: there is none here yet (make vm)"
fi
