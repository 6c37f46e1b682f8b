#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What `make install` puts down is whole: an application finds the library
# through pkg-config, and header, version script and manual agree.
# shellcheck source=tests/e2e/tap.sh
. "$(dirname "$0")/tap.sh"

[ -f "$CTRANS_BUILD/build.ninja" ] || skip_all "no build folder"
dest=$tap_dir/root
check "installs under DESTDIR" env DESTDIR="$dest" \
	meson install -C "$CTRANS_BUILD" --no-rebuild

# The prefix and the library folder are the build's.
pc=$(find "$dest" -name ctrans.pc)
so=$(find "$dest" -name 'libctrans.so.0')
header=$(find "$dest" -name ctrans.h)
program=$(find "$dest" -path '*/bin/ctrans')
for file in "$pc" "$so" "$header" "$program"; do
	if [ -z "$file" ]; then
		not_ok "header, library, ctrans.pc and program are installed"
		find "$dest" | diag
		tap_done
	fi
done
ok "header, library, ctrans.pc and program are installed"

expect_equal "$(objdump -p "$so" | awk '/SONAME/ { print $2 }')" \
	libctrans.so.0 "the soname"

# Exported: functions of the version script and nothing else.
nm -D --defined-only "$so" | awk '$2 != "A" { print $3 }' |
	sort >"$tap_dir/exported"
check "every exported symbol is ctrans_* and has a version" \
	bash -c "! grep -vE '^ctrans_[a-z0-9_]+@@LIBCTRANS_[0-9.]+\$' '$tap_dir/exported'"

# Functions the header declares: in each statement the name before the first
# bracket, unless that is a pointer's, a typedef's or an inline function's.
# Inside braces are members, which are not functions.
${CC:-cc} -E -P "$header" | grep -v '^#' | tr '\n' ' ' |
	sed 's/{[^{}]*}//g; s/{[^{}]*}//g' | tr ';' '\n' | grep -vE '\<(typedef|inline)\>' |
	sed -nE 's/^[^(]*\<(ctrans_[a-z0-9_]+) *\(.*/\1/p' |
	sort -u >"$tap_dir/declared"
sed 's/@.*//' "$tap_dir/exported" | sort -u >"$tap_dir/names"
sed -nE 's/^[[:space:]]*(ctrans_[a-z0-9_]+);.*/\1/p' \
	"$CTRANS_SOURCE/lib/libctrans.map" | sort -u >"$tap_dir/mapped"
check "the header declares what the library exports" \
	diff "$tap_dir/declared" "$tap_dir/names"
check "the version script names what the header declares" \
	diff "$tap_dir/declared" "$tap_dir/mapped"

undocumented=
while read -r name; do
	[ -f "$CTRANS_SOURCE/tools/man/$name.3" ] || undocumented+=" $name"
done <"$tap_dir/declared"
expect_equal "$undocumented" "" "every public function has a manual page"

# An application. Sanitizers are the library's, so the program takes them, too.
cat >"$tap_dir/app.c" <<'APP'
#include <ctrans.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct ctrans_model *model;
	struct ctrans_result *result;

	if (argc != 3 || ctrans_model_open(argv[1], NULL, &model) ||
	    ctrans_generate(model, argv[2], NULL, &result))
		return fprintf(stderr, "%s\n", ctrans_message()), 1;
	printf("%s%s\n", argv[2], result->text);
	ctrans_result_free(result);
	ctrans_model_close(model);
}
APP
extra=()
[ -n "${CTRANS_SANITIZED:-}" ] && extra=("-fsanitize=address,undefined")
prefix=$(sed -n 's/^prefix=//p' "$pc")
export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$dest
export LD_LIBRARY_PATH=${so%/*}
read -ra flags < <(pkg-config --cflags --libs ctrans)
check "pkg-config names no library but ours" \
	test "$(pkg-config --libs-only-l ctrans | tr -d ' ')" = -lctrans
check "a program of fifteen lines compiles (prefix $prefix)" \
	"${CC:-cc}" -std=c11 -Wall -Wextra -Werror -pedantic "${extra[@]}" \
	-o "$tap_dir/app" "$tap_dir/app.c" "${flags[@]}"
check "the header is fine in C++" \
	bash -c "! command -v c++ || c++ -x c++ -fsyntax-only -Wall -Wextra \
		-Werror '$header'"
if [ -d "$DEMO" ]; then
	call "$tap_dir/app" "$DEMO" "Once upon a time"
	expect_status 0 "it generates text"
	check "and that is text" grep -q '[a-z]' "$out"
else
	skip "it generates text" "no models/demo"
fi
call "$program" --help
expect_status 0 "the installed program starts"
tap_done
