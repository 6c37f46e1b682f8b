#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bench-peer.sh: this library beside llama.cpp (Q8_0) on GPT-2 shapes of random
# weights, taking turns on the same machine with as many threads, so that the
# ratio means something where the machine is shared. llama.cpp is Debian's own
# package, of a release newer than the machine's, in a tree of its own:
# $CTRANS_PEER, by default ~/.cache/ctrans/peer (made once, about two minutes,
# 0.6 GB). SHAPES, THREADS, ROUNDS and SUITE change what is run.
set -euo pipefail

cd "$(dirname "$0")/.."
tree=${CTRANS_PEER:-${XDG_CACHE_HOME:-$HOME/.cache}/ctrans/peer}
suite=${SUITE:-forky}
threads=${THREADS:-$(nproc)}
rounds=${ROUNDS:-5}
read -ra shapes <<<"${SHAPES:-gpt2 gpt2-large}"

skip() { echo "no comparison with llama.cpp: $1"; exit 0; }

make_tree()
{
	local mirror
	[ "$(id -u)" = 0 ] || skip "making its tree needs root (run make bench as root once)"
	command -v mmdebstrap >/dev/null || skip "mmdebstrap is not installed"
	# shellcheck disable=SC2016  # apt expands it
	mirror=$(apt-get indextargets --format '$(REPO_URI)' |
		grep -m1 '/debian/*$') || skip "apt knows no Debian mirror"
	echo "making a tree with llama.cpp from Debian $suite in $tree ..."
	mkdir -p "$(dirname "$tree")"
	# a stored mirror may lag behind its own expiry date
	if ! mmdebstrap --variant=minbase --quiet \
		--aptopt='Acquire::Check-Valid-Until "false"' \
		--include=llama.cpp-tools,llama.cpp-tools-extra,python3-numpy \
		"$suite" "$tree.new" "deb $mirror $suite main" >"$tree.log" 2>&1; then
		tail -n 3 "$tree.log"
		rm -rf "$tree.new"
		skip "the tree could not be made, see $tree.log"
	fi
	mv "$tree.new" "$tree"
}

[ -x "$tree/usr/bin/llama-bench" ] || make_tree
[ "$(id -u)" = 0 ] || skip "running it in its tree needs root"

# llama.cpp's tokens/s: peer FILE PROMPT GEN DEPTH FLASH
peer()
{
	chroot "$tree" llama-bench -m "$1" -t "$threads" -p "$2" -n "$3" -d "$4" \
		-r 1 -fa "$5" -o json 2>/dev/null |
		sed -n 's/.*"avg_ts": *\([0-9.]*\).*/\1/p' | head -n 1
}

# ours SHAPE PROMPT GEN DEPTH FIGURE
ours()
{
	build/tools/ctrans bench --shape "$1" --threads "$threads" --prompt "$2" \
		--gen "$3" --depth "$4" --reps 1 --json |
		sed -n "s/.*\"$5\": *\([0-9.eE+-]*\).*/\1/p"
}

median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# compare SHAPE WHAT PROMPT GEN DEPTH FIGURE: rounds in turn, medians, their ratio
compare()
{
	local mine=() theirs=() a b flash i
	for ((i = 0; i < rounds; i++)); do
		mine+=("$(ours "$1" "${3/#0/1}" "${4/#0/1}" "$5" "$6")")
		a=0
		for flash in 0 1; do	# the better of its two kinds of attention
			b=$(peer "/tmp/$1.gguf" "$3" "$4" "$5" "$flash")
			a=$(printf '%s\n' "$a" "${b:-0}" | sort -g | tail -n 1)
		done
		theirs+=("$a")
	done
	a=$(printf '%s\n' "${mine[@]}" | median)
	b=$(printf '%s\n' "${theirs[@]}" | median)
	awk -v s="$1" -v w="$2" -v a="$a" -v b="$b" 'BEGIN {
		printf "%-12s %-22s %10.1f %12.1f %8.2f\n", s, w, a, b, (b > 0 ? a / b : 0) }'
}

echo
echo "beside llama.cpp Q8_0, $threads threads, medians of $rounds rounds in turn, tokens/s"
printf '%-12s %-22s %10s %12s %8s\n' shape '' ctrans llama.cpp ratio
for shape in "${shapes[@]}"; do
	if [ ! -f "$tree/tmp/$shape.gguf" ]; then
		cp tests/bench/random_gguf.py "$tree/tmp/"
		chroot "$tree" python3 /tmp/random_gguf.py "$shape" "/tmp/$shape.new"
		mv "$tree/tmp/$shape.new" "$tree/tmp/$shape.gguf"
	fi
	compare "$shape" "decode at 128" 0 32 128 decode_tps
	compare "$shape" "decode at 512" 0 32 512 decode_tps
	compare "$shape" "prefill of 128" 128 0 0 prefill_tps
	compare "$shape" "prefill of 512" 512 0 0 prefill_tps
done
