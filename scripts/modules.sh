#!/bin/bash
# SPDX-License-Identifier: MIT
#
# modules.sh KDIR: build the driver against a kernel's build folder, which its
# headers package holds, or any kernel tree that was configured and built.
set -euo pipefail

cd "$(dirname "$0")/.."
kdir=$1

if [ ! -f "$kdir/Makefile" ]; then
	{
		echo "there are no kernel headers in $kdir."
		echo "For the running kernel, on Debian: apt-get install linux-headers-$(uname -r)"
		echo "For another one: make modules KDIR=/path/to/its/build/folder"
	} >&2
	exit 1
fi
if [ ! -f "$kdir/Module.symvers" ] && [ ! -f "$kdir/include/config/auto.conf" ]; then
	echo "$kdir is a kernel tree that was not built: make there first" >&2
	exit 1
fi
make -C "$kdir" M="$PWD" modules
release=$(cat "$kdir/include/config/kernel.release" 2>/dev/null || echo "of $kdir")
find . -maxdepth 2 -name ctrans.ko | while read -r file; do
	echo "${file#./} is for Linux $release; to load it: modprobe drm_shmem_helper; insmod ${file#./}"
done
