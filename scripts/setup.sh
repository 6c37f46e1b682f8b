#!/bin/bash
# SPDX-License-Identifier: MIT
#
# setup.sh run|check|bench|vm: install the Debian packages that are missing.
# Nothing is run and nothing is said when all are there.
set -euo pipefail

here=$(basename "$0")
set_name=${1:-}

run_packages=(make gcc g++ libc6-dev meson ninja-build pkgconf
	libdrm-dev liburing-dev libpcre2-dev libcjson-dev libxxhash-dev
	libsentencepiece-dev)

# What makes the test bed; without root mmdebstrap works in a user namespace.
vm_packages=(mmdebstrap debian-archive-keyring util-linux xz-utils python3)
[ "$(id -u)" = 0 ] || vm_packages+=(uidmap)

# The sanitizer runtimes of clang are a package of their own, named for
# clang's version, and only recommended by it.
clang_packages()
{
	case $1 in
	debian-12) echo clang libclang-rt-14-dev ;;
	debian-13) echo clang libclang-rt-19-dev ;;
	*) echo clang ;;
	esac
}

# os_release KEY: a value of /etc/os-release, or nothing.
os_release()
{
	sed -n "s/^$1=//p" /etc/os-release 2>/dev/null | tr -d '"'
}

os_id=$(os_release ID)
os_like=$(os_release ID_LIKE)
os_version=$(os_release VERSION_ID)

case $set_name in
run)
	packages=("${run_packages[@]}") ;;
bench)
	packages=("${run_packages[@]}" time util-linux) ;;
check)
	read -ra clang <<<"$(clang_packages "$os_id-$os_version")"
	packages=("${run_packages[@]}" check shellcheck python3 strace
		"${vm_packages[@]}" "${clang[@]}") ;;
vm)
	packages=("${vm_packages[@]}") ;;
*)
	echo "usage: $here run|check|bench|vm" >&2
	exit 2 ;;
esac

say() { echo "$here: $*" >&2; }

fail()
{
	say "$*"
	say "by hand, as root: apt-get install ${missing[*]}"
	exit 1
}

# Elsewhere than on Debian the packages have other names: look for what they
# hold, and leave the installing to the user.
if ! command -v dpkg-query >/dev/null ||
   ! [[ " $os_id $os_like " == *" debian "* ]]; then
	missing=()
	tools=(cc meson ninja pkg-config)
	modules=(libdrm liburing libpcre2-8 libcjson libxxhash)
	if [ "$set_name" = vm ]; then
		tools=(mmdebstrap apt-get unshare python3)
		modules=()
	fi
	for tool in "${tools[@]}"; do
		command -v "$tool" >/dev/null || missing+=("$tool")
	done
	if [ "$set_name" = check ]; then
		modules+=(check)
	fi
	for module in "${modules[@]}"; do
		pkg-config --exists "$module" 2>/dev/null || missing+=("$module")
	done
	if [ ${#missing[@]} -gt 0 ]; then
		say "this is not Debian (${os_id:-unknown}), so nothing is installed here."
		say "install with your system's own tool what is missing:" \
			"${missing[*]} (on Debian: ${packages[*]})"
		exit 1
	fi
	exit 0
fi

missing=()
for package in "${packages[@]}"; do
	# The format's ${} is dpkg-query's, not the shell's.
	# shellcheck disable=SC2016
	status=$(dpkg-query -W -f '${db:Status-Status}\n' "$package" \
		2>/dev/null || true)
	grep -qx installed <<<"$status" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
	exit 0
fi

as_root=()
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null ||
		fail "packages are missing, and installing them takes root or sudo"
	as_root=(sudo)
	if ! sudo -n true 2>/dev/null && ! [ -t 0 ]; then
		fail "packages are missing, and sudo wants a password" \
			"but there is no terminal to ask on"
	fi
fi

apt()
{
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get \
		-o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -q "$@" >&2
}

install_missing()
{
	apt install -y --no-install-recommends "${missing[@]}"
}

say "missing for 'make $set_name': ${missing[*]}"
updated=false
for package in "${missing[@]}"; do
	if ! apt-cache show "$package" >/dev/null 2>&1; then
		say "$package is not in apt's lists yet: apt-get update"
		apt update || fail "apt-get update failed: no network, or no" \
			"usable line in /etc/apt/sources.list?"
		updated=true
		break
	fi
done

say "apt-get install ${missing[*]}"
if ! install_missing; then
	$updated && fail "apt-get install failed: the reason is above"
	say "apt-get install failed, perhaps from old lists: apt-get update"
	apt update || fail "apt-get update failed: is there a network?"
	install_missing ||
		fail "apt-get install failed for the reason above; no network?"
fi
