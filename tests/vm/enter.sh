#!/bin/sh
# SPDX-License-Identifier: MIT
#
# enter.sh COMMAND...: run a command in the test bed's tree, where /bed is the
# folder that holds the bed. What is mounted for it goes when it ends.
set -eu

here=$(dirname "$(realpath "$0")")
tree=$("$here/bed.sh")
as_root=
[ "$(id -u)" = 0 ] || as_root=-r

# The words are for the shell inside. Bind mounts, because a user namespace may
# not mount a /proc of its own.
# shellcheck disable=SC2016,SC2086
exec unshare $as_root -m sh -c '
	set -e
	tree=$1
	shift
	mount --make-rprivate /
	mount --rbind /proc "$tree/proc"
	mount --rbind /dev "$tree/dev"
	mount --bind "${tree%/*}" "$tree/bed"
	exec chroot "$tree" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LC_ALL=C.UTF-8 "$@"' sh "$tree" "$@"
