#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A little model that drafts, as a user sees it: named, or in a converted file.
# shellcheck source=tests/e2e/tap.sh
. "$(dirname "$0")/tap.sh"

[ -x "$CTRANS" ] || skip_all "no $CTRANS"
[ -f "$DEMO/little/config.json" ] || skip_all "no models/demo/little"

prompt="The sun"
little="$DEMO/little"
run() { call timeout 300 "$CTRANS" run "$@" -p "$prompt" </dev/null; }
# field FILE EXPRESSION: of the JSON object o
field() { python3 -c "import json, sys
o = json.load(open(sys.argv[1], encoding='utf-8'))
print($2)" "$1"; }

for how in "--temp 0" "--seed 1" "--seed 2 --temp 1.5" "--repeat-penalty 1.2 --seed 3"; do
	read -ra words <<<"$how"
	run "$DEMO" -n 50 "${words[@]}"
	cp "$out" "$tap_dir/alone"
	run "$DEMO" --little "$little" -n 50 "${words[@]}"
	expect_status 0 "$how: with a little model"
	check "$how: the same text" cmp "$out" "$tap_dir/alone"
done

run "$DEMO" -n 60 --temp 0 --json
alone=$(field "$out" "o['usage']['modelled']['decode']['bytes_external']")
expect_equal "$(field "$out" "o['usage']['drafted']")" 0 "alone nothing is drafted"
run "$DEMO" --little "$little" -n 60 --temp 0 --json
pair=$(field "$out" "o['usage']['modelled']['decode']['bytes_external']")
check "external memory: less than 0.6 of it" test $((pair * 10)) -lt $((alone * 6))
check "the counts agree" test "$(field "$out" "o['usage']['passes'] +
	o['usage']['accepted'] >= o['usage']['new_tokens'] > 2 * o['usage']['passes']")" = True

run "$DEMO" --little "$little" -n 60 --temp 0 --stats
expect_match "$err" "^Drafted: [0-9]+ tokens, of which [0-9]+ stood; 0\.[0-9]+ passes" \
	"--stats says what was drafted"
run "$DEMO" --little "$little" -n 60 --temp 0 --stats --draft 0
check "--draft 0: nothing is" bash -c "! grep -q Drafted '$err'"
run "$DEMO" --little "$little" -n 60 --temp 0 --fallback 1 --json
expect_equal "$(field "$out" "o['usage']['drafted']")" 0 "--fallback 1: never that sure"
run "$DEMO" --little "$little" -n 60 --temp 0 --rollback 1000 --fallback 0 --json
expect_equal "$(field "$out" "o['usage']['drafted'] - o['usage']['accepted']")" 0 \
	"--rollback 1000: all of it stands"

# In a file.
call timeout 300 "$CTRANS" convert "$DEMO" --weights s8 -o "$tap_dir/pair.gguf" \
	--little "$little"
expect_status 0 "convert --little"
call "$CTRANS" info "$tap_dir/pair.gguf"
expect_match "$out" "^little model  445 thousand parameters" "info says that it is there"
run "$DEMO" -n 50 --temp 0
cp "$out" "$tap_dir/alone"
run "$tap_dir/pair.gguf" -n 50 --temp 0 --stats
check "the same text" cmp "$out" "$tap_dir/alone"
expect_match "$err" "^Drafted: " "it drafts without being named"
run "$tap_dir/pair.gguf" -n 50 --temp 0 --stats --little ""
check "--little \"\": the same text" cmp "$out" "$tap_dir/alone"
check "--little \"\": nothing is drafted" bash -c "! grep -q Drafted '$err'"

# Errors: one line each, with the remedy.
run "$DEMO" --little "$tap_dir/nowhere"
expect_status 3 "a little model that is not there"
expect_match "$err" "little model .*nowhere" "it is named"
run "$DEMO" --little "${CTRANS_TEST_DATA:-tests/data}/model/hf_f32"
expect_status 2 "a little model with another tokenizer"
expect_match "$err" "it has 260 tokens and the model 2048: .*same tokenizer" "is told so"
run "$DEMO" --little "$little" --draft 65
expect_status 2 "--draft 65"
tap_done
