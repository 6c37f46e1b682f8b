#!/bin/bash
# SPDX-License-Identifier: MIT
#
# kernel.sh KERNEL image|build|release|config: where a kernel of the bed is: its
# image and .config on this machine, its build folder inside the tree, its name.
# KERNEL: 6.12 (Debian trixie's), newest (or 7: trixie-backports'), debug, kcsan.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
kernel=$1
what=$2
tree=$("$here/bed.sh")

fail() { echo "vm: $*" >&2; exit 1; }

case $kernel in
debug | kcsan)
	dir=$("$here/debug-kernel.sh" path "$kernel") ||
		fail "there is no $kernel kernel: make vm-$kernel-kernel"
	case $what in
	image) echo "$dir/bzImage" ;;
	build) echo "/bed/${dir##*/}/build" ;;
	config) echo "$dir/build/.config" ;;
	release) cat "$dir/build/include/config/kernel.release" ;;
	esac
	exit ;;
6.12) pattern='6.12*' ;;
newest | 7) pattern='[!5-6]*' ;;
*) fail "no kernel '$kernel': there are 6.12, newest, debug and kcsan" ;;
esac

release=$(find "$tree/boot" -name "vmlinuz-$pattern" -printf '%f\n' |
	sed 's/^vmlinuz-//' | sort -V | tail -n 1)
[ -n "$release" ] || fail "no kernel $kernel in $tree"
case $what in
image) echo "$tree/boot/vmlinuz-$release" ;;
build) echo "/usr/src/linux-headers-$release" ;;
config) echo "$tree/boot/config-$release" ;;
release) echo "$release" ;;
esac
