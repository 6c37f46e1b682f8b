#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bench.sh [peer|device|parts]...: speed on this machine, beside what its memory allows
# and beside llama.cpp (bench-peer.sh, whose variables ROUNDS, SHAPES and THREADS change
# what is run), the way to the device (bench-device.sh), then parts by themselves; or
# some of these. Translation alone: SHAPES="t5-small fsmt" scripts/bench.sh peer.
# Random weights of known shapes, so nothing has to be downloaded but the peer. Each
# measurement is also a line of JSON in build/bench.jsonl; scripts/bench-table.sh
# prints the table again. TEXT is what the tokenizer is timed on.
set -euo pipefail

cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- peer device parts

asked() { [[ " ${*:2} " == *" $1 "* ]]; }

if [ -f build/build.ninja ]; then
	meson configure build -Dbench=true
else
	meson setup build -Dbench=true
fi
ninja -C build
: >build/bench.jsonl

echo "With its five rounds this takes about a quarter of an hour (ROUNDS=1: four"
echo "minutes). Nothing else should run meanwhile."
start=$SECONDS
if asked peer "$@"; then
	scripts/bench-peer.sh
fi
if asked device "$@"; then
	scripts/bench-device.sh
fi
if ! asked parts "$@"; then
	exit 0
fi

# What the table has of them is measured there.
for program in build/tests/bench_*; do
	case $program in
	*_submit) continue ;;	# by bench-device.sh
	esac
	if [ -f "$program" ] && [ -x "$program" ]; then
		echo
		echo "== ${program##*/bench_}"
		args=()
		case $program in
		*_tokenizer) args=(models/demo "${TEXT:-models/demo/heldout.txt}") ;;
		esac
		"$program" "${args[@]}"
	fi
done
echo
echo "$((SECONDS - start)) s in all"
