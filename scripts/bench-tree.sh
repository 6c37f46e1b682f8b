#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bench-tree.sh TREE SHAPE...: llama.cpp in a tree of its own, and a model of
# random weights for each shape in TREE/tmp that it can load, with a program to time
# those that have an encoder (tests/bench/peer_source.c). Debian's own package, of a release
# newer than the machine's, so that nothing is built and everybody compares with
# the same one; made once, about two minutes, 0.6 GB. SUITE is the release.
# What is there is kept. Status 1, and a sentence, where it cannot be had.
set -euo pipefail

cd "$(dirname "$0")/.."
tree=$1
shift
suite=${SUITE:-forky}

give_up() { echo "no comparison with llama.cpp: $1"; exit 1; }

make_tree()
{
	local mirror

	command -v mmdebstrap >/dev/null || give_up "mmdebstrap is not installed"
	# shellcheck disable=SC2016  # apt expands it
	mirror=$(apt-get indextargets --format '$(REPO_URI)' |
		grep -m1 '/debian/*$') || give_up "apt knows no Debian mirror"
	echo "making a tree with llama.cpp from Debian $suite in $tree ..."
	mkdir -p "$(dirname "$tree")"
	rm -rf "$tree.new"
	# a stored mirror may lag behind its own expiry date
	if ! mmdebstrap --variant=minbase --quiet \
		--aptopt='Acquire::Check-Valid-Until "false"' \
		--include=llama.cpp-tools,llama.cpp-tools-extra,libllama-dev,python3-numpy \
		"$suite" "$tree.new" "deb $mirror $suite main" >"$tree.log" 2>&1; then
		tail -n 3 "$tree.log"
		rm -rf "$tree.new"
		give_up "the tree could not be made, see $tree.log"
	fi
	mv "$tree.new" "$tree"
}

# With this machine's compiler and C library, of which the tree's is a newer one: so
# nothing of the tree is looked at but llama.cpp's own headers and libraries.
make_peer_source()
{
	local program=$tree/tmp/peer_source lib

	[ ! "$program" -nt tests/bench/peer_source.c ] || return 0
	lib=$(dirname "$(find "$tree/usr/lib" -name libllama.so | head -n 1)")
	mkdir -p "$tree/tmp/include"
	cp "$tree"/usr/include/{llama,gguf,ggml*}.h "$tree/tmp/include/"
	cc -O2 -o "$program" tests/bench/peer_source.c -isystem "$tree/tmp/include" \
		"$lib/libllama.so" "$lib/libggml.so" -Wl,--allow-shlib-undefined ||
		echo "llama.cpp will not translate: its program could not be built"
}

[ "$(id -u)" = 0 ] || give_up "running it in its tree needs root"
if ! [ -x "$tree/usr/bin/llama-bench" ] || ! [ -f "$tree/usr/include/llama.h" ]; then
	make_tree
fi
for shape; do
	case $shape in
	t5-*) make_peer_source ;;
	mt5-* | fsmt) continue ;;
	esac
	if [ ! -f "$tree/tmp/$shape.gguf" ]; then
		echo "writing random weights of $shape ..."
		cp tests/bench/random_gguf.py "$tree/tmp/"
		chroot "$tree" python3 /tmp/random_gguf.py "$shape" "/tmp/$shape.new"
		mv "$tree/tmp/$shape.new" "$tree/tmp/$shape.gguf"
	fi
done
