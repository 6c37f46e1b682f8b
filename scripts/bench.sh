#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bench.sh: speed on this machine, beside what its memory allows. Random
# weights of GPT-2 shapes, so nothing has to be downloaded. THREADS, REPS,
# PROMPT_TOKENS, GEN, SHAPES and TEXT change what is run; results also go, one JSON
# line each, to build/bench.jsonl. Then the parts by themselves, and the whole
# beside llama.cpp (bench-peer.sh).
set -euo pipefail

cd "$(dirname "$0")/.."
threads=${THREADS:-$(nproc)}
reps=${REPS:-3}
prompt=${PROMPT_TOKENS:-128}
gen=${GEN:-64}
read -ra shapes <<<"${SHAPES:-gpt2 gpt2-large}"

if [ -f build/build.ninja ]; then
	meson configure build -Dbench=true
else
	meson setup build -Dbench=true
fi
ninja -C build
: >build/bench.jsonl

# The figure called NAME in a line of JSON.
figure() { sed -n "s/.*\"$1\": *\([0-9.eE+-]*\).*/\1/p" <<<"$2"; }

grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //' || true
printf '%-14s %8s %12s %12s %12s %8s %10s\n' shape context prefill/s decode/s \
	bound/s 'of bound' 'RSS MiB'
for shape in "${shapes[@]}"; do
	for depth in 0 512; do
		line=$(build/tools/ctrans bench --shape "$shape" --json \
			--prompt "$prompt" --gen "$gen" --depth "$depth" \
			--threads "$threads" --reps "$reps")
		echo "$line" >>build/bench.jsonl
		decode=$(figure decode_tps "$line")
		bound=$(figure bound_tps "$line")
		awk -v s="$shape" -v d="$depth" -v p="$(figure prefill_tps "$line")" \
			-v t="$decode" -v b="$bound" -v r="$(figure rss_mib "$line")" \
			'BEGIN { printf "%-14s %8d %12.1f %12.1f %12.1f %7.0f%% %10.0f\n",
				s, d, p, t, b, (b > 0 ? 100 * t / b : 0), r }'
	done
done

for program in build/tests/bench_*; do
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

scripts/bench-peer.sh
