#!/bin/bash
# SPDX-License-Identifier: MIT
#
# module.sh KERNEL: build the driver and the modules of tests/vm/*/Kbuild for a
# kernel of the bed (6.12, newest, debug, kcsan) and print the folder that holds them,
# ctrans.ko and NAME.ko. What was built of the same sources for the same kernel
# is used again. Prints nothing where there is no driver yet.
set -euo pipefail

root=$(realpath "$(dirname "$0")/../..")
cd "$root"
kernel=$1
tree=$(tests/vm/bed.sh)
bed=${tree%/*}

say() { echo "vm modules: $*" >&2; }

# The kernel's build folder as seen inside the tree.
build=$(tests/vm/kernel.sh "$kernel" build)

files=()
for file in Kbuild driver uapi tests/vm/*/Kbuild; do
	[ -e "$file" ] || continue
	case $file in
	tests/*) files+=("${file%/Kbuild}") ;;
	*) files+=("$file") ;;
	esac
done
[ -e Kbuild ] || exit 0

key=$({
	echo "$build"
	find "${files[@]}" -type f \( -name '*.[ch]' -o -name 'Kbuild' \) |
		LC_ALL=C sort | xargs sha256sum
} | sha256sum | cut -c1-16)
out=$bed/modules/$key
mkdir -p "$bed/modules"
exec 9>"$bed/modules/$key.lock"
flock 9
if [ -f "$out/ctrans.ko" ]; then
	touch "$out"
	echo "$out"
	exit 0
fi

work=$(mktemp -d "$bed/modules/making.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp -r --parents "${files[@]}" "$work/"
find "$work" \( -name '*.o' -o -name '*.ko' -o -name '*.mod*' \) -delete
inside=/bed/modules/${work##*/}
make_in()
{
	tests/vm/enter.sh make -s -C "$build" M="$inside$1" modules \
		>"$work/log" 2>&1 && return
	cat "$work/log" >&2
	say "${1:-the driver} does not build for $kernel"
	exit 1
}
make_in ""
for file in tests/vm/*/Kbuild; do
	[ -e "$file" ] || continue
	make_in "/${file%/Kbuild}"
done

mkdir "$work/out"
find "$work" -path "$work/out" -prune -o -name '*.ko' -exec cp -t "$work/out" {} +
rm -rf "$out"
mv "$work/out" "$out"
# Those nobody used for a week.
find "$bed/modules" -mindepth 1 -maxdepth 1 -mtime +7 -exec rm -rf {} +
echo "$out"
