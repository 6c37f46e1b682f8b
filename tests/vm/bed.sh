#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bed.sh [path]: make the test bed unless it is there, and print its folder. It
# is a Debian trixie tree with QEMU and the newest kernel of trixie-backports
# (QEMU before 10.1 cannot attach a device over vfio-user), trixie's own kernel,
# the headers of both and what builds and checks a module, in
# ${CTRANS_VM_DIR:-~/.cache/ctrans/vm}: 1.2 GB, about two minutes. With "path" it
# is only looked up, and the status says whether it is there.
#
# Packages come from the mirror that this machine's apt uses. The tree appears
# under its name only when complete, and the name changes with the recipe.
# Needs no root where unshare(1) may make user namespaces.
set -euo pipefail

bed=${CTRANS_VM_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/ctrans/vm}

say() { echo "vm bed: $*" >&2; }
fail() { say "$*"; exit 1; }
# This machine cannot make one: for a test a reason to be skipped.
cannot() { say "$*"; exit 77; }

suite=trixie
backports=trixie-backports

# QEMU; the guest's few programs; modules; their checks; the debug kernel.
packages=(
	"qemu-system-x86/$backports" "qemu-system-common/$backports"
	"qemu-system-data/$backports" "seabios/$backports"
	busybox-static strace kmod
	gcc make linux-image-amd64 linux-headers-amd64
	sparse pahole perl python3
	linux-source-6.12 bc bison flex libelf-dev libssl-dev xz-utils cpio rsync
)

# What decides the content; the number is raised where another line of this file
# changes it.
recipe=$(echo 1 "${packages[@]}" | sha256sum | cut -c1-12)
tree=$bed/tree-$recipe

if [ "${1:-}" = path ]; then
	echo "$tree"
	[ -f "$tree/.complete" ]
	exit
fi
if [ -f "$tree/.complete" ]; then
	touch -c "$tree/.complete"
	echo "$tree"
	exit 0
fi

[ "$(uname -m)" = x86_64 ] ||
	cannot "the bed is made for x86-64 machines; this one is $(uname -m)"
for tool in mmdebstrap apt-get flock unshare tar; do
	command -v "$tool" >/dev/null ||
		cannot "$tool is missing: scripts/setup.sh vm installs it"
done
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$keyring" ] || cannot "$keyring is missing:" \
	"apt-get install debian-archive-keyring"

mkdir -p "$bed" || fail "cannot make $bed: set CTRANS_VM_DIR to a folder of yours"
exec 9>"$bed/lock"
flock -n 9 || { say "another one is making it: waiting"; flock 9; }
if [ -f "$tree/.complete" ]; then
	echo "$tree"
	exit 0
fi
# What a killed one left; we hold its lock.
for old in "$bed"/making.*; do
	[ -e "$old" ] || continue
	chmod -R u+rwX "$old" 2>/dev/null || true
	rm -rf --one-file-system "$old"
done
free=$(df --output=avail -k "$bed" | tail -n 1)
[ "$free" -gt 6000000 ] || fail "$bed has $((free / 1024)) MB free," \
	"the bed takes 6000 while it is made: set CTRANS_VM_DIR elsewhere"
# mmdebstrap unpacks there, and it may be memory. Not below the bed: without root
# it works as users who may not enter a home.
free=$(df --output=avail -k "${TMPDIR:-/tmp}" | tail -n 1)
[ "$free" -gt 3000000 ] || fail "${TMPDIR:-/tmp} has $((free / 1024)) MB free," \
	"packages take 3000 there: set TMPDIR to a folder that everybody may enter"

# The first Debian archive in apt's lists; those of security updates and of other
# vendors have other paths.
mirror()
{
	local uri

	# The format is apt's, not the shell's.
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
		2>/dev/null | sort -u | while read -r uri; do
		case $uri in
		mirror+file:*) uri=$(awk '/^http/ { print $1; exit }' \
			"${uri#mirror+file:}" 2>/dev/null) ;;
		esac
		case ${uri%/} in
		*security*) ;;
		*/debian) echo "${uri%/}"; break ;;
		esac
	done
}
uri=$(mirror)
[ -n "$uri" ] || cannot "apt's sources name no Debian archive (an address that" \
	"ends in /debian) to take the bed from: add one, with its key"

options=()
while read -r setting; do
	options+=("--aptopt=$setting")
done < <(apt-config dump | grep -E '^Acquire::https?::Proxy ' || true)

if [ "$(id -u)" = 0 ]; then
	mode=root
else
	mode=unshare
	unshare -r true 2>/dev/null || cannot "user namespaces are not allowed" \
		"here: allow them (sysctl kernel.unprivileged_userns_clone=1," \
		"kernel.apparmor_restrict_unprivileged_userns=0) or run as root"
	command -v newuidmap >/dev/null ||
		cannot "newuidmap is missing: apt-get install uidmap"
fi

work=$bed/making.$$
log=$bed/bed.log
# A tree of another user namespace's owners cannot be removed by halves.
cleanup() { chmod -R u+rwX "$work" 2>/dev/null || true; rm -rf "$work"; }
trap cleanup EXIT
trap 'exit 130' INT TERM
mkdir "$work"

# join , WORD...
join() { local IFS=$1; shift; echo "$*"; }

say "making $tree from $uri, about two minutes"
start=$SECONDS

# INITRD=No: the bed's kernels boot with an initramfs of our own.
# The hooks' words are for the shells that mmdebstrap starts.
# shellcheck disable=SC2016
newest='INITRD=No chroot "$1" apt-get install -y --no-install-recommends'
newest+=" linux-image-amd64/$backports linux-headers-amd64/$backports"
# shellcheck disable=SC2016
scripts='mkdir -p "$1/usr/src/scripts" && tar -C "$1/usr/src/scripts"'
# shellcheck disable=SC2016
scripts+=' -xJf "$1/usr/src/linux-source-6.12.tar.xz" --strip-components=2'
scripts+=' --wildcards "*/scripts/checkpatch.pl" "*/scripts/spelling.txt"'
scripts+=' "*/scripts/const_structs.checkpatch" "*/scripts/kernel-doc"'
mkdir "$work/tree"
INITRD=No DEBIAN_FRONTEND=noninteractive mmdebstrap --mode=$mode \
	--variant=apt --format=tar --keyring="$keyring" \
	--aptopt='APT::Install-Recommends "false"' \
	--aptopt='Acquire::Retries "3"' "${options[@]}" \
	--dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	--dpkgopt='path-exclude=/usr/share/doc/*' \
	--include="$(join , "${packages[@]}")" \
	--customize-hook="$newest" --customize-hook="$scripts" \
	"$suite" - \
	"deb $uri $suite main" \
	"deb $uri $suite-updates main" \
	"deb $uri $backports main" 2>"$log" |
	tar -C "$work/tree" -xf - --no-same-owner --exclude='./dev/*' &
maker=$!
trap 'kill $maker 2>/dev/null; wait; exit 130' INT TERM
while kill -0 $maker 2>/dev/null; do
	sleep 1
	if [ -t 2 ]; then
		printf '\r\033[Kvm bed: %d s: %s' $((SECONDS - start)) \
			"$(tail -c 300 "$log" | tr '\r' '\n' | tail -n 1 |
				cut -c1-50)" >&2
	elif [ $(((SECONDS - start) % 20)) = 0 ]; then
		say "$((SECONDS - start)) s"
	fi
done
[ ! -t 2 ] || printf '\r\033[K' >&2
if ! wait $maker; then
	grep -E '^E:|error|failed' "$log" | tail -n 8 >&2 || true
	fail "mmdebstrap failed (all of it in $log): is $uri reachable, and" \
		"does it carry $suite and $backports?"
fi

mkdir -p "$work/tree/bed"
chmod -R u+rwX "$work/tree"
for kernel in 6.12 '[7-9]'; do
	compgen -G "$work/tree/boot/vmlinuz-$kernel*" >/dev/null ||
		fail "no kernel $kernel* in the tree: $uri does not carry it"
done
touch "$work/tree/.complete"
mv "$work/tree" "$tree"
# Trees that no checkout has used for two weeks.
find "$bed"/tree-*/.complete -mtime +14 -printf '%h\n' | while read -r old; do
	chmod -R u+rwX "$old"
	rm -rf "$old"
done
say "made in $((SECONDS - start)) s: $(du -sh "$tree" | cut -f1) in $tree"
echo "$tree"
