#!/bin/bash
# SPDX-License-Identifier: MIT
#
# soak.sh [SECONDS [plain|asan|tsan|FOLDER]...]: tests/soak, 32 callers at once,
# for SECONDS (60) in each of the builds named (all three): the ordinary one,
# AddressSanitizer with UndefinedBehaviorSanitizer, ThreadSanitizer. A FOLDER is
# a build that is there already. CALLERS, SEED and ARGS change what is run.
set -euo pipefail

cd "$(dirname "$0")/.."
time=${1:-60}
shift || true
[ $# -gt 0 ] || set -- plain asan tsan

# What is freed and kept by AddressSanitizer shall not look like growth.
export ASAN_OPTIONS=quarantine_size_mb=8:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1

build()
{
	local dir=$1
	shift

	if [ -f "$dir/build.ninja" ]; then
		meson configure "$dir" -Dtests=true "$@" >/dev/null
	else
		meson setup "$dir" -Dtests=true "$@" >/dev/null
	fi
	ninja -C "$dir" tests/soak/soak >/dev/null
}

soak()
{
	"$1/tests/soak/soak" --seconds "$time" --callers "${CALLERS:-32}" \
		--seed "${SEED:-1}" "${@:2}"
}

bad=0
for kind; do
	echo "== $kind"
	read -ra args <<<"${ARGS:-}"
	case $kind in
	plain)
		build build
		soak build "${args[@]}" || bad=1 ;;
	asan)
		build build-soak-asan -Db_sanitize=address,undefined
		soak build-soak-asan --growth 64 "${args[@]}" || bad=1 ;;
	tsan)
		build build-soak-tsan -Db_sanitize=thread
		# It cannot see what the kernel does to a ring's memory, and its
		# own shadow grows with each page touched.
		CTRANS_NO_IO_URING=1 soak build-soak-tsan --growth 0 \
			"${args[@]}" || bad=1 ;;
	*)
		soak "$kind" --growth 64 "${args[@]}" || bad=1 ;;
	esac
done
exit $bad
