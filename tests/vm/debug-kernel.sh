#!/bin/bash
# SPDX-License-Identifier: MIT
#
# debug-kernel.sh [build|path [debug|kcsan]]: build one of the bed's debug kernels
# unless it is there, and print its folder: bzImage, and build, against which
# modules are built. It is trixie's 6.12 with debug.config: nothing but what the
# driver's tests use, with every detector the kernel has for what a driver does
# wrong. "kcsan" is the same with what kcsan.config changes: data races are found
# by a detector that goes together with few others. With "path" it is only looked
# up, and the status says whether it is there.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
tree=$("$here/bed.sh")
bed=${tree%/*}

what=${1:-build}
variant=${2:-debug}

say() { echo "vm $variant kernel: $*" >&2; }
fail() { say "$*"; exit 1; }

# Later lines of kcsan.config take the place of those for the same symbols.
configuration()
{
	case $variant in
	debug) cat "$here/debug.config" ;;
	kcsan)
		grep -oE 'CONFIG_[A-Z0-9_]+' "$here/kcsan.config" |
			sed 's/.*/^(# )?&[ =]/' |
			grep -vEf - "$here/debug.config"
		cat "$here/kcsan.config" ;;
	*) fail "no variant '$variant': there are debug and kcsan" ;;
	esac
}

source=$tree/usr/src/linux-source-6.12.tar.xz
key=$({
	configuration
	stat -c %s "$source"
} | sha256sum | cut -c1-12)
name=$variant-$key
out=$bed/$name
if [ "$what" = path ]; then
	echo "$out"
	[ -f "$out/bzImage" ] || exit 1
	touch -c "$out/bzImage"
	exit 0
fi
if [ -f "$out/bzImage" ]; then
	echo "$out"
	exit 0
fi

exec 9>"$bed/debug.lock"
flock -n 9 || { say "another one is building it: waiting"; flock 9; }
if [ -f "$out/bzImage" ]; then
	echo "$out"
	exit 0
fi
free=$(df --output=avail -k "$bed" | tail -n 1)
[ "$free" -gt 4000000 ] ||
	fail "$bed has $((free / 1024)) MB free, the build takes 4000"

# Paths are written into what is built, so it is built in its place; the image
# comes last and says that all is there.
work=$out
log=$bed/$variant-kernel.log
rm -rf "$work"
mkdir "$work" "$work/build"
trap '[ -f "$out/bzImage" ] || rm -rf "$work"' EXIT
trap 'kill "${maker:-0}" 2>/dev/null; exit 130' INT TERM
start=$SECONDS
say "unpacking, then 5 to 10 minutes of two CPUs; all of it in $log"
mkdir "$work/source"
tar -C "$work/source" --strip-components=1 -xJf "$source" --no-same-owner
configuration >"$work/config"

inside=/bed/$name
"$here/enter.sh" env KCONFIG_ALLCONFIG="$inside/config" \
	make -s -C "$inside/source" O="$inside/build" allnoconfig >"$log" 2>&1 ||
	fail "the configuration failed: see $log"
# What a newer kernel renamed must not go silently.
lost=$(grep -E '^CONFIG_[A-Z0-9_]+=[ym]' "$work/config" |
	grep -vxFf "$work/build/.config" || true)
[ -z "$lost" ] || fail "this kernel does not take from its configuration:" \
	"${lost//$'\n'/ }"

"$here/enter.sh" nice make -s -C "$inside/source" O="$inside/build" \
	-j"$(nproc)" bzImage modules >>"$log" 2>&1 &
maker=$!
while kill -0 $maker 2>/dev/null; do
	sleep 5
	if [ -t 2 ]; then
		printf '\r\033[Kvm %s kernel: %d s, %d objects' \
			"$variant" $((SECONDS - start)) "$(find "$work/build" -name '*.o' |
				wc -l)" >&2
	elif [ $(((SECONDS - start) / 5 % 12)) = 0 ]; then
		say "$((SECONDS - start)) s"
	fi
done
[ ! -t 2 ] || printf '\r\033[K' >&2
wait $maker || {
	grep -E 'error|Error' "$log" | head -n 10 >&2
	fail "the build failed: see $log"
}

# What building modules needs is kept, the rest of two gigabytes is not.
rm -rf "$work"/source/{Documentation,drivers,sound,fs,net,mm,kernel,samples,crypto}
find "$work/source/arch" -mindepth 1 -maxdepth 1 -type d ! -name x86 \
	-exec rm -rf {} +
find "$work/source/tools" -mindepth 1 -maxdepth 1 -type d ! -name objtool \
	! -name include ! -name build ! -name scripts -exec rm -rf {} +
find "$work/build" \( -name '*.o' -o -name '*.a' -o -name '.*.cmd' \) \
	! -path '*/scripts/*' ! -path '*/tools/*' -delete
rm -f "$work"/build/vmlinux* "$work"/build/.tmp_vmlinux*
cp "$work/build/arch/x86/boot/bzImage" "$work/image"
mv "$work/image" "$out/bzImage"
# Those that no checkout has used for two weeks.
find "$bed" -maxdepth 2 \( -path "$bed/debug-*/bzImage" -o \
	-path "$bed/kcsan-*/bzImage" \) -mtime +14 -printf '%h\n' | xargs -r rm -rf
say "built in $((SECONDS - start)) s: $(du -sh "$out" | cut -f1) in $out"
echo "$out"
