#!/bin/bash
# SPDX-License-Identifier: MIT
#
# ctrans eval --sources: texts of a model with an encoder, scored, under every policy,
# beside binary32 and with a little model; and what such a model cannot be asked.
# shellcheck source=tests/e2e/tap.sh
. "$(dirname "$0")/tap.sh"

[ -x "$CTRANS" ] || skip_all "no $CTRANS"
make=$CTRANS_SOURCE/tests/tiny_t5.py
tiny=$tap_dir/tiny
little=$tap_dir/little
gpt2=$CTRANS_TEST_DATA/model/hf_f32
en=$tap_dir/en
de=$tap_dir/de

python3 "$make" "$tiny" 1 || skip_all "$make fails"
python3 "$make" "$little" 2 1
printf 'Keep that.\nThe old man\n\nbuys a red apple\nfor its mother' >"$en"
printf 'Behalte das.\r\nDer alte Mann\nkauft\neinen roten Apfel\nfuer die Mutter\n' >"$de"

evaluate() { call timeout 300 "$CTRANS" eval "$@" </dev/null; }
pairs() { evaluate "$tiny" --sources "$en" --ref "$de" -n 12 -t 2 "$@"; }
# field EXPRESSION: of the JSON object o on standard output
field() { python3 -c "import json, sys
o = json.load(open(sys.argv[1], encoding='utf-8'))
print($1)" "$out"; }

# ---- texts and scores ----
pairs --task translate_en_de --out "$tap_dir/hyp"
expect_status 0 "a line is written for each source"
expect_match "$out" "^BLEU = [0-9.]+ [0-9.]+/" "sacreBLEU's line"
expect_match "$out" "^nrefs:1\|case:mixed\|eff:no\|tok:13a\|smooth:exp\|version:ctrans-" "its signature"
expect_match "$out" "^ROUGE-L = " "ROUGE"
expect_match "$out" "^  encoder    .* a line, .* a token read" "the encoder's energy"
expect_match "$out" "^  decoder    .* a line, .* a token written" "the decoder's"
expect_match "$out" "^wall time .* lines/s" "wall time"
expect_equal "$(wc -l <"$tap_dir/hyp")" 5 "--out: a line each"
line=$(head -n 1 "$out")
rouge=$(grep ROUGE-2 "$out")
evaluate --bleu "$tap_dir/hyp" --ref "$de"
expect_equal "$(head -n 1 "$out")" "$line" "as --bleu scores that file"
evaluate --rouge "$tap_dir/hyp" --ref "$de"
expect_equal "$(grep ROUGE-2 "$out")" "$rouge" "and --rouge"

call timeout 300 "$CTRANS" run "$tiny" --prompts "$en" --task translate_en_de -n 12 </dev/null
expect_equal "$(python3 -c "import json, sys
for line in open(sys.argv[1], encoding='utf-8'):
    print(json.loads(line)['text'].replace('\n', ' '))" "$out")" "$(cat "$tap_dir/hyp")" \
	"the texts are those of ctrans run, with the task's beams"

pairs --limit 2 --json --beams 1
expect_equal "$(field "o['lines']")" 2 "--limit"
check "parts make up the whole" test "$(field "abs(sum(o[k]['energy_uj_per_line'] for k in
	('encoder', 'decoder')) / o['all']['energy_uj_per_line'] - 1) < 1e-9")" = True
expect_equal "$(field "o['references']['tokens'] > 2 and o['references']['ppl'] > 1")" True \
	"perplexity of the references"
ppl=$(field "o['references']['nll']")
pairs --limit 2 --json --beams 2 --threads 1
expect_equal "$(field "o['references']['nll']")" "$ppl" "which no search changes"

# ---- binary32 and policies ----
pairs --reference "$tiny" --beams 1
expect_match "$out" "^binary32 " "--reference: a row of binary32"
expect_match "$out" "within 0.3 of binary32's" "and whether it is near"
pairs --reference "$tiny" --json
expect_equal "$(field "[q['name'] for q in o['quality']]")" "['binary32', '8 bits']" \
	"the same for machines"
pairs --reference "$tiny" --f32
expect_error 2 "leave out --f32" "--reference with --f32"
pairs --policy all --limit 3
expect_status 0 "--policy all"
expect_match "$out" "^Dispatch changes no result" "says that nothing changes"
expect_equal "$(grep -c '^fine, naf ' "$out")" 4 "encoder and decoder, two tables each"
check "80 columns" bash -c "! grep -qE '^.{81}' '$out'"
pairs --policy all --limit 2 --json
expect_equal "$(field "(o['equal'], len(o['dispatch']), len({d['nll'] for d in o['dispatch']}))")" \
	"(True, 11, 1)" "the same for machines"

# ---- a little model ----
run() { call timeout 300 "$CTRANS" run "$tiny" -p "The old man" -n 30 "$@" </dev/null; }
run --json
alone=$(field "o['tokens']")
for how in "--fallback 0" "--fallback 0 --draft 3" ""; do
	read -ra words <<<"$how"
	run --little "$little" --json "${words[@]}"
	expect_equal "$(field "o['tokens']")" "$alone" "run --little $how: the same tokens"
done
run --little "$little" --json --fallback 0
expect_equal "$(field "o['usage']['drafted'] > 0")" True "and drafts are counted"
run --little "$tiny" --json --fallback 0
expect_equal "$(field "o['tokens']")" "$alone" "a model that drafts for itself"
expect_equal "$(field "o['usage']['accepted'] == o['usage']['drafted'] > 0 and
	o['usage']['passes'] < 10")" True "accepts all of it"
run --little "$little" --json --fallback 0 --rollback 1000 --no-repeat-ngram 1
expect_equal "$(field "len(set(o['tokens'])) == len(o['tokens'])")" True \
	"a lossy draft keeps the rules"
call timeout 300 "$CTRANS" run "$tiny" --little "$little" --prompts "$en" --beams 1 -n 20 \
	--fallback 0 </dev/null
cp "$out" "$tap_dir/drafted"
call timeout 300 "$CTRANS" run "$tiny" --prompts "$en" --beams 1 -n 20 </dev/null
expect_equal "$(cut -d: -f5 "$tap_dir/drafted" | md5sum)" "$(cut -d: -f5 "$out" | md5sum)" \
	"many at once"
pairs --little "$little"
expect_status 0 "eval --little"
expect_match "$out" "^exact: token for token" "the exact mode is exact"
pairs --little "$tiny" --json
expect_equal "$(field "[m['same'] for m in o['little']['modes']]")" "[5, 5, 5, 5]" \
	"a model's own drafts change nothing"

# ---- what cannot be ----
evaluate "$tiny" --text "$en"
expect_error 2 "score it on pairs, --sources FILE --ref FILE" "--text with an encoder"
evaluate "$tiny" --text "$en" --policy all
expect_error 2 "score it on pairs" "--text --policy all"
evaluate "$tiny" --text "$en" --spikes 4
expect_error 2 "score it on pairs" "--spikes"
evaluate "$tiny" --text "$en" --plot "$tap_dir/plot.svg"
expect_error 2 "score it on pairs" "--plot"
evaluate "$tiny" --paper --text "$en"
expect_error 2 "score it on pairs" "--paper"
evaluate "$gpt2" --sources "$en" --ref "$de"
expect_error 2 "goes on with one: score it on a text, --text FILE" "--sources without an encoder"
for option in "--text $en" "--ids $en" --paper --stats "--ctx 8" "--spikes 3" "--decode 8" \
	"--plot x.svg" "--stride 4"; do
	read -ra words <<<"$option"
	pairs "${words[@]}"
	expect_error 2 "leave it out" "--sources with $option"
done
pairs --bleu "$en"
expect_error 2 "leave out --bleu" "--sources with --bleu"
pairs --policy all --speculate sampled
expect_error 2 "sampled is lossy" "--policy all with sampled speculation"
evaluate "$tiny" --sources "$en"
expect_error 2 "--ref FILE is missing" "no references"
evaluate "$tiny" --task summarize --ref "$de"
expect_error 2 "--task is for --sources FILE" "no sources"
evaluate --sources "$en" --ref "$de"
expect_error 2 "MODEL is missing" "no model"
pairs --task summarize
expect_error 2 "line 1 of .*en: .*summarize" "a task that the model does not have"
printf 'one\n' >"$tap_dir/one"
evaluate "$tiny" --sources "$en" --ref "$tap_dir/one"
expect_error 1 "en has 5 lines and .*one has 1:" "files of other lengths"
printf 'a\0b\n' >"$tap_dir/nul"
evaluate "$tiny" --sources "$tap_dir/nul" --ref "$tap_dir/one"
expect_error 1 "line 1 of .*nul is no text" "a NUL"
head -c 2000 /dev/zero | tr '\0' x >"$tap_dir/long"
evaluate "$tiny" --sources "$tap_dir/long" --ref "$tap_dir/one"
expect_error 1 "line 1 of .*long: the source has [0-9]+ tokens" "a line that is too long"
pairs --out "$tap_dir/nowhere/hyp"
expect_error 1 "nowhere/hyp cannot be written" "--out that cannot be"
tap_done
