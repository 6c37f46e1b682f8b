#!/bin/bash
# SPDX-License-Identifier: MIT
#
# ctrans translate, summarize and run --task, with the small models of tests/data:
# what they write is no language, but always the same.
# shellcheck source=tests/e2e/tap.sh
. "$(dirname "$0")/tap.sh"

[ -x "$CTRANS" ] || skip_all "no $CTRANS"
t5=$CTRANS_TEST_DATA/model/t5_small
fsmt=$CTRANS_TEST_DATA/model/fsmt_small
text="the house is small"

ctrans() { call timeout 300 "$CTRANS" "$@" </dev/null; }
# field FILE EXPRESSION: of the JSON object o
field() { python3 -c "import json, sys
o = json.load(open(sys.argv[1], encoding='utf-8'))
print($2)" "$1"; }

# One task by three names.
ctrans translate "$t5" -p "$text"
expect_status 0 "translate"
check "there is a text" test -s "$out"
check "it ends with a newline" test -z "$(tail -c 1 "$out")"
expect_match "$err" "tokens.*; prompt [0-9]+, .*modelled .*J/token" "the closing line"
check "which has no seed, as nothing is drawn" bash -c "! grep -q seed '$err'"
cp "$out" "$tap_dir/translated"
for how in "translate $t5 --from en --to de" "translate $t5 --to de" \
	"run $t5 --task translate_en_de" "run $t5 --task translation_en_to_de" \
	"translate $t5 --beams 4 --early-stopping 1" "translate $t5 --seed 7" \
	"translate $t5 --temp 2" "translate $t5 --policy dnn" \
	"translate $t5 --policy snn --code rate" "translate $t5 --threads 1" \
	"translate $t5 --kernel reference" "translate $t5 -n 0"; do
	read -ra words <<<"$how"
	ctrans "${words[@]}" -p "$text"
	check "${how/$t5/t5_small}: the same text" cmp "$out" "$tap_dir/translated"
done
echo "$text" >"$tap_dir/file"
ctrans translate "$t5" -f "$tap_dir/file"
check "-f: the same text" cmp "$out" "$tap_dir/translated"
call timeout 300 "$CTRANS" translate "$t5" <"$tap_dir/file"
check "standard input: the same text" cmp "$out" "$tap_dir/translated"

# The prefix is the task's, and what it leaves open its own.
ctrans run "$t5" -p "translate English to German: $text" --beams 4 --early-stopping 1 -n 23
check "run without task: the words by hand, the same text" cmp "$out" "$tap_dir/translated"

ctrans summarize "$t5" -p "$text" --json
expect_status 0 "summarize"
check "--json is valid" python3 -m json.tool "$out"
check "and has nothing beside it" test ! -s "$err"
expect_equal "$(field "$out" "len(o['tokens']) >= 7")" True "as long as the task wants"
expect_equal "$(field "$out" "len(set(zip(o['tokens'], o['tokens'][1:]))) ==
len(o['tokens']) - 1")" True "no two tokens in a row twice"
expect_equal "$(field "$out" "o['usage']['new_tokens'] == len(o['tokens']) and
o['usage']['prompt_tokens'] > 5 and o['usage']['modelled']['chip_seconds'] > 0")" True \
	"has the usage"
ctrans summarize "$t5" -p "$text" -n 3 --min-tokens 0 --json
expect_equal "$(field "$out" "len(o['tokens']) <= 3")" True "-n: no more than that"
ctrans summarize "$t5" -p "$text" -n 12 --min-tokens 12 --no-repeat-ngram 1 --json
expect_equal "$(field "$out" "len(set(o['tokens']))")" 12 "--no-repeat-ngram 1, --min-tokens"

# By chance only when told to.
for seed in 1 2 3 4 5 6; do
	ctrans translate "$t5" -p "$text" --draw --temp 5 --seed $seed -n 12
	expect_status 0 "--draw --seed $seed"
	cat "$out" >>"$tap_dir/sampled"
done
check "--draw: other texts" test "$(sort -u "$tap_dir/sampled" | wc -l)" -gt 1
expect_match "$err" "seed 6" "and the closing line has the seed"

# FSMT knows one pair.
ctrans translate "$fsmt" -p "we see a cat, and it rains."
expect_status 0 "FSMT: translate"
cp "$out" "$tap_dir/fsmt"
ctrans translate "$fsmt" --from en --to de -p "we see a cat, and it rains."
check "--from and --to: the same" cmp "$out" "$tap_dir/fsmt"
ctrans run "$fsmt" --task translate -p "we see a cat, and it rains."
check "run --task translate: the same" cmp "$out" "$tap_dir/fsmt"

# Lines: together as alone.
printf '%s\n' "$text" "it rains" "" "we see a cat near the door." >"$tap_dir/lines"
for beams in 1 4; do
	ctrans translate "$t5" --prompts "$tap_dir/lines" --beams $beams
	expect_status 0 "--prompts, $beams beams"
	expect_equal "$(wc -l <"$out")" 4 "a line for each"
	cp "$out" "$tap_dir/jsonl"
	i=0
	while IFS= read -r line; do
		i=$((i + 1))
		sed -n ${i}p "$tap_dir/jsonl" >"$tap_dir/one"
		ctrans translate "$t5" -p "$line" --beams $beams --json
		expect_equal "$(field "$tap_dir/one" "o['tokens']")" \
			"$(field "$out" "o['tokens']")" "line $i as alone"
	done <"$tap_dir/lines"
done

# What cannot be.
ctrans run "$t5" --task nope -p "$text"
expect_error 2 'no task "nope" \(it has translate_en_de, summarize\)' "an unknown task"
ctrans translate "$t5" --to fr -p "$text"
expect_error 2 "no such translation \(it has translate_en_de" "another language"
ctrans translate "$fsmt" --from de --to en -p "$text"
expect_error 2 "no such translation" "the other way round"
ctrans summarize "$fsmt" -p "$text"
expect_error 2 "no task" "a model that does not summarise"
ctrans translate "$CTRANS_TEST_DATA/model/hf_f32" -p "$text"
expect_error 1 "no tasks" "a model that translates nothing"
ctrans run "$CTRANS_TEST_DATA/model/hf_f32" --task summarize -p "$text"
expect_error 2 "no encoder" "or reads no source"
ctrans translate "$t5" -p "$text" --session "$tap_dir/session"
expect_error 2 "reads each anew" "--session"
check "and there is none" test ! -e "$tap_dir/session"
ctrans translate "$t5" -p "$text" --beams 33
expect_error 2 "1 to 32" "--beams 33"
ctrans translate "$t5" -p "$text" --beams 0
expect_error 2 "1 to 32" "--beams 0"
ctrans translate "$t5" -p "$text" --beams 2 --draw
expect_error 2 "take one of them" "--beams with --draw"
ctrans translate "$t5" -p "$text" --early-stopping 2
expect_error 2 "0 to 1" "--early-stopping 2"
ctrans translate "$t5" -p "$text" --length-penalty 31
expect_error 2 "length-penalty" "--length-penalty 31"
printf 'the house %.0s' {1..400} >"$tap_dir/long"
ctrans translate "$t5" -f "$tap_dir/long"
expect_error 1 "the source has [0-9]+ tokens and the context is 64" "a source that is too long"
ctrans translate "$t5" -f "$tap_dir/long" -c 4096
expect_status 0 "unless the context is longer: distances have no end"
ctrans translate
expect_error 2 "MODEL is missing" "no model"
ctrans translate "$t5" --from
expect_error 2 "from" "an option without its value"

# What it says of itself.
for command in translate summarize run; do
	ctrans help $command
	expect_status 0 "help $command"
	for option in --beams --length-penalty --no-repeat-ngram --min-tokens --draw; do
		expect_match "$out" "^ +$option" "help $command has $option"
	done
done
ctrans help translate
expect_match "$out" "--from LANG" "and translate has languages"
ctrans help
expect_match "$out" "^ +translate" "help lists translate"
expect_match "$out" "^ +summarize" "and summarize"
tap_done
