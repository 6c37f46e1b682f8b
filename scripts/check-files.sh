#!/bin/bash
# SPDX-License-Identifier: MIT
#
# check-files.sh: what every file of the repository keeps to. A licence line on
# top, at most 600 lines of code in a file, nothing left to do in the code,
# scripts that shellcheck passes, no file that needs a tool to be readable.
set -euo pipefail

cd "$(dirname "$0")/.."

# shellcheck source=scripts/house.sh
. scripts/house.sh

# Files git knows or would take; without git, whatever is there.
sources()
{
	if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git ls-files -z --cached --others --exclude-standard "$@" |
			xargs -0r sh -c 'for f; do
				[ -f "$f" ] && printf "%s\n" "$f"; done; :' sh
	else
		find . \( -path './build*' -o -name .git \) -prune -o \
			-type f -printf '%P\n' |
			while read -r file; do
				for pattern; do
					# Patterns are meant to match here.
					# shellcheck disable=SC2254
					case $file in
					$pattern) echo "$file"; break ;;
					esac
				done
			done
	fi
}

code=('*.c' '*.h' '*.py' '*.sh' '*meson.build')

result "an SPDX line on top of each file" < <(
	sources "${code[@]}" Makefile '*.map' .ci/run | while read -r file; do
		head -n 3 "$file" | grep -q SPDX-License-Identifier: ||
			echo "$file: no SPDX-License-Identifier in three lines"
	done)

result "the licence of each room" < <(
	sources "${code[@]}" | while read -r file; do
		case $file in
		uapi/*) want='GPL-2.0-only WITH Linux-syscall-note OR MIT' ;;
		driver/*) want='GPL-2.0-only' ;;
		*) want='MIT' ;;
		esac
		got=$(sed -n 's/.*SPDX-License-Identifier: *//p' "$file" |
			head -n 1 | sed 's/ *\*\/$//; s/[()]//g')
		[ "${got}" = "$want" ] || echo "$file: '$got' instead of '$want'"
	done)

result "no code file above 600 lines" < <(
	sources '*.c' '*.h' '*.py' '*.sh' | while read -r file; do
		lines=$(wc -l <"$file")
		[ "$lines" -le 600 ] || echo "$file: $lines lines"
	done)

# The bracket keeps the pattern from finding itself.
result "nothing left to do in the code" < <(
	sources "${code[@]}" | tr '\n' '\0' |
		xargs -0r grep -HnE '\b(T[O]DO|F[I]XME|X[X]X)\b' || true)

result "no space at the end of a line" < <(
	sources "${code[@]}" Makefile '*.md' | tr '\n' '\0' |
		xargs -0r grep -HnE '[[:space:]]$' | cut -c1-100 || true)

if command -v shellcheck >/dev/null; then
	result "shellcheck passes every script" < <(
		sources '*.sh' .ci/run | tr '\n' '\0' |
			xargs -0r shellcheck -x -S warning 2>&1 || true)
else
	n=$((n + 1))
	echo "ok $n - shellcheck passes every script # SKIP not installed"
fi

house_done
