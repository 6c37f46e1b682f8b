#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The manual says what the program does: every option and exit status, in pages
# that a formatter has nothing to say about.
# shellcheck source=tests/e2e/tap.sh
. "$(dirname "$0")/tap.sh"

[ -x "$CTRANS" ] || skip_all "no $CTRANS"
man=$CTRANS_SOURCE/tools/man

# Backslashes before hyphens are roff's.
sed 's/\\-/-/g; s/\\f[BIRP]//g' "$man/ctrans.1" >"$tap_dir/page"
undocumented=
for command in run translate summarize eval tokenize convert info bench devices; do
	for option in $("$CTRANS" help "$command" |
		sed -nE 's/^  (-.,|   ) (--[a-z0-9-]+).*/\2/p' | sort -u); do
		grep -qE -- "$option(,| |\$|\))" "$tap_dir/page" ||
			undocumented+=" $command:$option"
	done
done
expect_equal "$undocumented" "" "ctrans(1) has every option that help has"
expect_equal "$("$CTRANS" help run | grep -c -- "--seed N")" 1 "and help has them"
for code in 0 1 2 3 4 5 130; do
	expect_match "$tap_dir/page" "^\.B $code\$" "ctrans(1) has exit status $code"
done

if command -v mandoc >/dev/null; then
	for page in "$man"/*.[137]; do
		grep -q '^\.so ' "$page" || echo "$page"
	done | xargs mandoc -T lint -W warning >"$tap_dir/lint"
	check "mandoc finds no fault" test ! -s "$tap_dir/lint"
	diag <"$tap_dir/lint"
else
	skip "mandoc finds no fault" "not installed"
fi
missing=
for page in "$man"/*.3; do
	target=$(sed -n 's|^\.so man3/||p' "$page")
	[ -z "$target" ] || [ -f "$man/$target" ] || missing+=" $page"
done
expect_equal "$missing" "" "pages that name others name ones that exist"
missing=
for page in "$man"/*.[137]; do
	grep -qF "'${page##*/}'" "$man/meson.build" || missing+=" ${page##*/}"
done
expect_equal "$missing" "" "all of them are installed"
tap_done
