#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bench-device.sh: what lies between this library and the chip model. Empty jobs by
# doorbell and by a system call for each (tests/bench/bench_submit.c), and what of a
# decoding step is not the device's time, for the demo model and for GPT-2's shape of
# random weights. Expects a build with -Dbench=true; lines of JSON go to
# build/bench.jsonl.
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
