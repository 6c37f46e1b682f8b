#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bench-peer.sh: this library beside llama.cpp (Q8_0) on shapes of random weights,
# GPT-2's and those that translate, in turns on the same machine with as many threads.
# SHAPES ("t5-small fsmt": translation alone, three minutes), THREADS and ROUNDS (a
# larger GPT-2 gets half as many) change what is run,
# CTRANS_PEER says where llama.cpp's tree is (~/.cache/ctrans/peer). Without the
# peer this library is measured alone. Each measurement is added to
# build/bench.jsonl; bench-table.sh prints what they come to.
set -euo pipefail

cd "$(dirname "$0")/.."
tree=${CTRANS_PEER:-${XDG_CACHE_HOME:-$HOME/.cache}/ctrans/peer}
threads=${THREADS:-$(nproc)}
rounds=${ROUNDS:-5}
jsonl=${JSONL:-build/bench.jsonl}
read -ra shapes <<<"${SHAPES:-gpt2 gpt2-large t5-small fsmt}"
# shellcheck source=scripts/bench-rounds.sh
. scripts/bench-rounds.sh

scripts/bench-tree.sh "$tree" "${shapes[@]}" || tree=

# Progress: one line that is written over on a terminal, a line each elsewhere.
say()
{
	if [ -t 2 ]; then
		printf '\r\033[K%s' "$*" >&2
	else
		echo "$*" >&2
	fi
}

of_text=("decode 128" accounting compressed "decode 512" "prefill 128" "prefill 512" eight stolen memory
	first_token)
for shape in "${shapes[@]}"; do
	n=$rounds
	reps=3
	steps=("${of_text[@]}")
	case $shape in
	gpt2) ;;
	gpt2-*)
		n=$(((rounds + 1) / 2))
		reps=1 ;;
	*)
		steps=(sentence) ;;
	esac
	# Anew each time: how weights are packed may have changed.
	if [ -n "$tree" ] && [ "${steps[0]}" != sentence ]; then
		build/tools/ctrans convert -q "$tree/tmp/$shape.gguf" \
			-o "build/bench-$shape.gguf"
	fi
	for ((round = 1; round <= n; round++)); do
		start=$SECONDS
		for step in "${steps[@]}"; do
			say "$shape, round $round of $n: $step"
			# shellcheck disable=SC2086  # a function and its argument
			$step
		done
		took=$((SECONDS - start))
		[ "$round" = "$n" ] ||
			say "$shape: about $((took * (n - round))) s to go"
	done
done
[ ! -t 2 ] || printf '\r\033[K' >&2

cpu=$(grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //') || cpu=$(uname -m)
echo "$cpu, $threads of $(nproc) CPUs; medians of $rounds rounds in turn;"
echo "tokens/s where nothing else is said"
scripts/bench-table.sh "$jsonl"
