#!/bin/bash
# SPDX-License-Identifier: MIT
#
# check-driver.sh: what is known of the driver and of uapi/ without running them:
# checkpatch, kernel-doc, compiler and sparse warnings on each kernel of the test
# bed, headers that stand alone in C and C++, structures that are laid out alike
# for 32 and 64 bits. All with the tools of the bed, so that it says the same on
# every machine.
set -uo pipefail

cd "$(dirname "$0")/.." || exit

# shellcheck source=scripts/house.sh
. scripts/house.sh

status=0
tree=$(tests/vm/bed.sh) || status=$?
if [ "$status" = 77 ]; then
	echo "1..0 # SKIP no test bed on this machine, for the reason above"
	exit 0
elif [ "$status" != 0 ]; then
	echo "not ok 1 - there is a test bed"
	exit 1
fi
bed=${tree%/*}

mkdir -p "$bed/checks"
work=$(mktemp -d "$bed/checks/XXXXXX")
trap 'rm -rf "$work"' EXIT
inside=/bed/checks/${work##*/}
git ls-files -z --cached --others --exclude-standard Kbuild driver uapi |
	xargs -0 cp --parents -t "$work"

# in_bed COMMAND: a line of the bed's shell, in the copy
in_bed() { tests/vm/enter.sh sh -c "cd $inside && $1" 2>&1; }

# BIT() is the kernel's own and does not exist where uapi/ is included.
checkpatch="/usr/src/scripts/checkpatch.pl --no-tree --strict --terse --quiet"
checkpatch+=" --show-types --no-summary"
result "checkpatch --strict" < <(
	in_bed "$checkpatch -f driver/*.[ch] driver/tests/*.c"
	in_bed "$checkpatch --ignore BIT_MACRO -f uapi/*.h")

result "each file of the driver is in a patch of upstream-series" < <(
	python3 -B scripts/upstream/series.py --check 2>&1)

result "kernel-doc" < <(
	in_bed "/usr/src/scripts/kernel-doc -none -Werror driver/*.[ch] \
		driver/tests/*.c uapi/*.h" |
		grep -E 'warning|error')

for kernel in 6.12 newest; do
	build=$(tests/vm/kernel.sh $kernel build)
	# Trixie's sparse does not know that Linux 7's MODULE_INFO() measures a
	# string at compile time, nor __typeof_unqual__.
	unknown='^$'
	[ $kernel = 6.12 ] || unknown='bad constant expression'
	result "W=1 and sparse on Linux ${build##*headers-}" < <(
		# KBUILD_CHECKSRC besides C: Debian's headers of Linux 7 lack the
		# script that finds out whether there is a sparse.
		if ! in_bed "make -C $build M=$inside W=1 C=2 KBUILD_CHECKSRC=2 \
			CHECK='sparse -D__typeof_unqual__=__typeof__' \
			KCFLAGS=-Werror modules >log 2>&1"; then
			echo "the build failed:"
			grep -vE '^ +(CC|CHECK|LD|MODPOST) ' "$work/log"
		else
			grep -E '(driver|uapi)/.*(warning|error)' "$work/log" |
				grep -vE "$unknown"
			grep -q '^ *CHECK ' "$work/log" || echo "sparse did not run"
		fi
		in_bed "make -s -C $build M=$inside clean" >/dev/null)
done

# With this machine's compilers: users' headers meet users' compilers.
read -ra libdrm <<<"$(pkg-config --cflags libdrm)"
libdrm=("${libdrm[@]/#-I/-isystem}")
cxx=$(command -v g++ || command -v clang++)
for header in uapi/*.h; do
	{
		echo "#include \"$header\""
		echo "#include \"$header\""
		echo "int main(void) { return 0; }"
	} >"$work/alone.c"
	result "$header stands alone in C11" < <(
		cc -std=c11 -pedantic -Wall -Wextra -Werror "-I$work" \
			"${libdrm[@]}" -fsyntax-only "$work/alone.c" 2>&1)
	if [ -z "$cxx" ]; then
		n=$((n + 1))
		echo "ok $n - $header stands alone in C++ # SKIP no C++ compiler"
		continue
	fi
	result "$header stands alone in C++" < <(
		"$cxx" -std=c++11 -Wall -Wextra -Werror "-I$work" \
			"${libdrm[@]}" -fsyntax-only -x c++ "$work/alone.c" 2>&1)
done

# Rule 12 of the driver: a 32-bit process on a 64-bit kernel needs no
# translation. -fno-eliminate keeps structures that nothing here uses.
for header in uapi/*.h; do
	echo "#include \"$header\""
done >"$work/layout.c"
result "structures are laid out alike for 32 and 64 bits" < <(
	for bits in 32 64; do
		in_bed "gcc -m$bits -std=gnu11 -g -I. -I/usr/include/drm \
			-fno-eliminate-unused-debug-types -c layout.c \
			-o layout$bits.o && pahole layout$bits.o >layout$bits"
		# Of the public ones; those of other headers are not ours.
		awk '/^struct (drm_)?ctrans_/ { on = 1 } on { print } /^};/ { on = 0 }' \
			"$work/layout$bits" >"$work/ours$bits"
		for which in ctrans drm_ctrans; do
			grep -q "^struct ${which}_" "$work/ours$bits" ||
				echo "no structure ${which}_ was seen"
		done
	done
	diff "$work/ours32" "$work/ours64"
	grep -E 'X{3} [0-9]+ bytes? hole' "$work/ours64")

house_done
