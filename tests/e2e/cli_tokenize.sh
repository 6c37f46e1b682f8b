#!/bin/bash
# SPDX-License-Identifier: MIT
#
# ctrans tokenize, info and devices.
# shellcheck source=tests/e2e/tap.sh
. "$(dirname "$0")/tap.sh"

[ -x "$CTRANS" ] || skip_all "no $CTRANS"
model=${CTRANS_TEST_MODEL:-$DEMO}
[ -f "$model/config.json" ] || skip_all "no models/demo"

tokenize() { timeout 60 "$CTRANS" tokenize "$model" "$@"; }
field() { python3 -c "import json, sys
o = json.load(open(sys.argv[1], encoding='utf-8'))
print($2)" "$1"; }

# round_trip WHAT: of $tap_dir/bytes
round_trip()
{
	tokenize -f "$tap_dir/bytes" >"$tap_dir/ids"
	tokenize --decode -f "$tap_dir/ids" >"$tap_dir/back"
	check "to ids and back: $1" cmp "$tap_dir/bytes" "$tap_dir/back"
}
cp "$0" "$tap_dir/bytes"
round_trip "a script"
printf 'na\303\257ve \316\261\316\262\316\263 \346\274\242\345\255\227 \360\237\230\200\n\n\n  x\t' \
	>"$tap_dir/bytes"
round_trip "other scripts"
head -c 5000 /dev/urandom >"$tap_dir/bytes"
round_trip "random bytes, NUL among them"
: >"$tap_dir/bytes"
round_trip "nothing"

call tokenize -p "Hello, world"
expect_status 0 "tokenize"
expect_equal "$(wc -l <"$out")" 1 "ids are one line"
expect_match "$out" "^[0-9]+( [0-9]+)*$" "of numbers"
printf 'Hello, world' >"$tap_dir/bytes"
expect_equal "$(tokenize <"$tap_dir/bytes")" "$(cat "$out")" \
	"standard input gives the same"

call tokenize -p $'a "b"\n\\' -v
expect_match "$out" 'piece$' "-v: a table"
check "-v: one line for each token" test "$(($(wc -l <"$out") - 1))" = \
	"$(tokenize -p $'a "b"\n\\' | wc -w)"

call tokenize -p "Hello, world" --json
check "--json is valid" python3 -m json.tool "$out"
expect_equal "$(field "$out" "''.join(o['pieces']), len(o['tokens']) == o['count']")" \
	"Hello, world True" "--json: pieces and ids"
tokenize -p "Hello, world" >"$tap_dir/ids"
tokenize --decode --json -f "$tap_dir/ids" >"$tap_dir/back"
expect_equal "$(field "$tap_dir/back" "o['text']")" "Hello, world" \
	"--decode --json"
expect_equal "$(echo "[$(tr ' ' ',' <"$tap_dir/ids")]" | tokenize --decode)" \
	"Hello, world" "--decode takes a JSON list, too"

expect_equal "$(tokenize -p '<|endoftext|>' --special | wc -w)" 1 \
	"--special finds a special token"
check "without it that is text" test "$(tokenize -p '<|endoftext|>' | wc -w)" -gt 1

call timeout 60 "$CTRANS" info "$model"
expect_status 0 "info"
expect_match "$out" "^architecture +gpt2" "says the architecture"
call timeout 60 "$CTRANS" info "$model" --json
check "info --json is valid" python3 -m json.tool "$out"
expect_equal "$(field "$out" "o['architecture'] == 'gpt2' and o['layers'] > 0
and o['parameters'] > 0 and o['vocabulary'] > 0")" True "and has the shape"
call timeout 60 "$CTRANS" info shape:gpt2-xl --json
expect_equal "$(field "$out" "o['layers'], o['width']")" "48 1600" \
	"info of a shape"

call timeout 60 "$CTRANS" devices
expect_status 0 "devices"
expect_match "$out" "^sim" "the chip model is one"
call timeout 60 "$CTRANS" devices --json
check "devices --json is valid" python3 -m json.tool "$out"
expect_equal "$(field "$out" "[d['is_default'] for d in o['devices']] ==
[True] + [False] * (len(o['devices']) - 1)")" True "the first is the default"
name=$(field "$out" "o['devices'][-1]['name']")
call timeout 60 "$CTRANS" run "$model" -p a -n 1 -q --device "$name"
expect_status 0 "a listed name is a device"
tap_done
