#!/bin/bash
# SPDX-License-Identifier: MIT
#
# ctrans eval: the figures, their definition, and that they do not depend on
# how they were computed.
# shellcheck source=tests/e2e/tap.sh
. "$(dirname "$0")/tap.sh"

[ -x "$CTRANS" ] || skip_all "no $CTRANS"
model=${CTRANS_TEST_MODEL:-$DEMO}
[ -f "$model/config.json" ] || skip_all "no models/demo"

field() { python3 -c "import json, math, sys
o = json.load(open(sys.argv[1], encoding='utf-8'))
print($2)" "$1"; }
evaluate() { call timeout 300 "$CTRANS" eval "$model" "$@" </dev/null; }

text=$tap_dir/text
cat >"$text" <<'TEXT'
Once upon a time there was a little girl who lived near the forest. Every
morning she went to the river to fetch water, and every evening her mother told
her a story. One day she found a small boat under the old bridge.
TEXT

evaluate --text "$text" --json
expect_status 0 "eval --json"
check "is valid" python3 -m json.tool "$out"
expect_equal "$(field "$out" "list(o)[:3]")" "['nll', 'tokens', 'ppl']" \
	"its first fields"
expect_equal "$(field "$out" "abs(o['ppl'] - math.exp(o['nll'] / o['tokens']))
< 1e-9 * o['ppl']")" True "perplexity is exp of the mean"
n=$(timeout 60 "$CTRANS" tokenize "$model" -f "$text" | wc -w)
expect_equal "$(field "$out" "o['text_tokens'], o['tokens']")" \
	"$n $((n - 1))" "every token counts but the first"
expect_equal "$(field "$out" "0 <= o['top1'] <= o['tokens'] and
o['energy_uj_per_token'] > 0")" True "top-1 agreement and energy"
nll=$(field "$out" "o['nll']")

# The defaults are the model's context and half of it.
context=$(timeout 60 "$CTRANS" info "$model" --json | python3 -c \
	"import json, sys; print(json.load(sys.stdin)['context'])")
expect_equal "$(field "$out" "o['ctx'], o['stride']")" \
	"$context $((context / 2))" "defaults of windows and stride"

# Windows without overlap score all but their first tokens.
evaluate --text "$text" --json --ctx 16 --stride 16
expect_equal "$(field "$out" "o['tokens']")" $((n - (n + 15) / 16)) \
	"windows side by side"
evaluate --text "$text" --json --ctx 16 --stride 4
expect_equal "$(field "$out" "o['tokens']")" $((n - 1)) "windows that overlap"
windows=$(field "$out" "o['nll']")

for how in "--policy dnn" "--policy snn" "--threads 1" "--kernel reference"; do
	read -ra words <<<"$how"
	evaluate --text "$text" --json --ctx 16 --stride 4 "${words[@]}"
	expect_equal "$(field "$out" "o['nll']")" "$windows" \
		"$how: the same to the last digit"
done

timeout 60 "$CTRANS" tokenize "$model" -f "$text" >"$tap_dir/ids"
evaluate --ids "$tap_dir/ids" --json
expect_equal "$(field "$out" "o['nll']")" "$nll" "token ids instead of text"
call timeout 300 "$CTRANS" eval "$model" --text - --json <"$text"
expect_equal "$(field "$out" "o['nll']")" "$nll" "text on standard input"

evaluate --text "$text" --json --f32
expect_equal "$(field "$out" "abs(o['nll'] / $nll - 1) < 0.02")" True \
	"8 bits are close to 32"

# fixed thresholds are other thresholds, so the figure moves, but not far
evaluate --text "$text" --json --calibrate "$text"
expect_equal "$(field "$out" "0 < abs(o['nll'] / $nll - 1) < 0.02")" True \
	"calibrated thresholds do nearly as well as dynamic ones"
printf 'Too short.' >"$tap_dir/short"
evaluate --text "$text" --calibrate "$tap_dir/short"
expect_match "$err" "calibration text has [0-9]+ tokens" \
	"a calibration text that is too short is refused"

evaluate --text "$text"
expect_status 0 "eval for people"
expect_match "$out" "^perplexity +[0-9.]+$" "says the perplexity"
expect_match "$out" "modelled" "says what is modelled"
check "shows no bar where there is no terminal" test ! -s "$err"

evaluate --text "$text" --spikes 20
expect_status 0 "eval --spikes"
expect_match "$out" "^[0-9]+ values of [0-9]+ layers: 0 differ$" \
	"the spiking network is the chip's"
evaluate --text "$text" --spikes 20 --json
expect_equal "$(field "$out" "[(c['code'], c['differ'], c['values'] > 0, c['spikes'] > 0)
	for c in o['codes']]")" \
	"[('rate', 0, True, True), ('radix', 0, True, True), ('naf', 0, True, True)]" \
	"in every code"
evaluate --text "$text" --spikes 20 --f32
expect_status 2 "eval --spikes --f32 is refused"

evaluate --text "$text" --stats
check "--stats fits 80 columns" awk 'length > 80 { exit 1 }' "$err"

# ---- every policy ------------------------------------------------------
evaluate --text "$text" --policy all --ctx 32 --decode 5
expect_status 0 "eval --policy all"
expect_match "$out" "same, bit for bit" "says that dispatch changes no result"
expect_match "$out" "^AMORTISED over windows of 32" "many tokens a pass"
expect_match "$out" "^DECODE, one token in a pass" "and one, apart"
check "its tables fit 80 columns" awk 'NR > 2 && length > 80 { exit 1 }' "$out"
check "its tables have a number or a dash in each cell" awk '
	/^(dnn|[a-z]+, [a-z+]+) / {
		rows++
		n = split(substr($0, 16), cell, " ")
		for (i = 1; i <= n; i++)
			bad += cell[i] !~ /^([0-9.]+|-)$/
		bad += n != 8 && n != 9
	}
	END { exit bad || rows < 16 }' "$out"

evaluate --text "$text" --policy all --ctx 32 --stride 32 --decode 5 --json
expect_status 0 "eval --policy all --json"
check "is valid" python3 -m json.tool "$out"
expect_equal "$(field "$out" "o['equal'], o['decoded'], len({
	(d['nll'], d['top1'], d['tokens']) for d in o['dispatch']})")" "True 5 1" \
	"all rows have one log-likelihood, to the last bit"
expect_equal "$(field "$out" "all(
	d[way]['modelled'][domain] == o['dispatch'][0][way]['modelled'][domain]
	for d in o['dispatch'] for way in ('amortised', 'decode')
	for domain in ('vector_fj', 'external_fj'))")" True \
	"dispatch leaves the vector unit and external memory alone"
expect_equal "$(field "$out" "all(
	d['decode']['energy_uj_per_token'] > 2 * d['amortised']['energy_uj_per_token']
	for d in o['dispatch'])")" True \
	"a token alone costs far more than one of a window"
expect_equal "$(field "$out" "[abs(q['to_fp32'] - 1) < 0.05 for q in o['quality']]")" \
	"[True, True]" "perplexity beside that of binary32"
all=$(field "$out" "o['dispatch'][0]['nll']")
evaluate --text "$text" --json --ctx 32 --stride 32
expect_equal "$(field "$out" "o['nll']")" "$all" "which is that of a run by itself"

# ---- converted, with a little model -----------------------------------
# which here is the model itself: every draft stands
file=$tap_dir/model.gguf
call timeout 300 "$CTRANS" convert "$model" -o "$file"
expect_status 0 "convert"
call "$CTRANS" eval "$file" --text "$text" --spikes 5
expect_match "$out" "^[0-9]+ values of [0-9]+ layers: 0 differ$" \
	"spikes from compressed weights"
call timeout 600 "$CTRANS" eval "$file" --text "$text" --policy all --ctx 32 \
	--reference "$model" --little "$model" --json
expect_status 0 "eval --policy all of a converted file, with a little model"
expect_equal "$(field "$out" "[q['name'] for q in o['quality']]")" \
	"['binary32', '8 bits, unconverted', 'this file']" \
	"perplexities beside those of the reference"
expect_equal "$(field "$out" "(lambda l: (l['equal'], all(
	m['drafted'] == m['accepted'] and m['same'] == m['written']
	for m in l['modes']), l['modes'][1]['passes'] <
	l['modes'][0]['passes'] / 2))(o['little'])")" "(True, True, True)" \
	"the little model changes no text, and saves passes"
call timeout 600 "$CTRANS" eval "$file" --text "$text" --policy all --ctx 32 \
	--little "$model"
check "its tables fit 80 columns, too" awk 'NR > 2 && length > 80 { exit 1 }' "$out"
call timeout 300 "$CTRANS" eval "$file" --text "$text" --policy all --ctx 32 \
	--little ""
expect_status 0 "eval --policy all of a converted file alone"
expect_match "$out" "nothing in binary32 to compare with" "says what is missing"

# ---- output spike speculation ------------------------------------------
call timeout 300 "$CTRANS" eval "$DEMO/little" --text "$text" --policy all \
	--ctx 32 --json
expect_equal "$(field "$out" "[(s['name'], s['ppl_over_off'], s['skipped'] > 0)
	for s in o['speculation']]")" \
	"[('off, radix', 1, False), ('exact', 1, True)]" \
	"a ReLU model speculates exactly: less to do, the same result"
call timeout 60 "$CTRANS" run "$DEMO/little" -p "The cat" -n 9 --speculate exact --stats
expect_match "$err" "^Speculated: [1-9][0-9.]* %" "and --stats says how much less"

# ---- plots -------------------------------------------------------------
svg=$tap_dir/plot.svg
evaluate --text "$text" --plot "$svg"
expect_status 0 "eval --plot"
expect_equal "$(python3 - "$svg" <<'PYTHON'
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
name = lambda e: e.tag.split('}')[1]
classes = [e.get('class') for e in root.iter()]
print(name(root), all(c in classes for c in (
    'curve-dense', 'curve-radix', 'curve-naf', 'curve-rate', 'mark',
    'zero', 'spiking')),
    # a bar for each linear layer, of which there are four a layer and the head
    sum(e.get('class') == 'spiking' and float(e.get('width')) > 14
        for e in root.iter()),
    any(e.text and 'fJ' in e.text for e in root.iter()))
PYTHON
)" "svg True 17 True" "is well-formed, with curves, bars and units"
evaluate --text "$text" --plot "$tap_dir/none/plot.svg"
expect_match "$err" "plot.svg cannot be written" "a plot that cannot be written"
expect_equal "$status" 1 "is a failure"

# ---- published figures -------------------------------------------------
call timeout 60 "$CTRANS" eval --paper
expect_status 0 "eval --paper"
for section in PREDICTED FITTED "NOT RECONCILED"; do
	expect_match "$out" "^$section:" "has what is ${section,,}, apart"
done
check "fits 80 columns" awk 'length > 80 { exit 1 }' "$out"
call timeout 60 "$CTRANS" eval --paper --json
check "--json is valid" python3 -m json.tool "$out"
expect_equal "$(field "$out" "all(('agrees' in f) == (f['status'] == 'predicted')
	for f in o['figures'])")" True "only predictions can agree"
evaluate --paper --text "$text" --ctx 32 --json
expect_equal "$(field "$out" "0.1 < o['measured']['compute'] < 1 and
	4 < o['measured']['weight_bits'] < 12")" True \
	"--paper with a model measures its ratios"
evaluate --paper
expect_error 2 "measures MODEL on a text" "which takes a text"

# ---- bad input ---------------------------------------------------------
evaluate --policy all
expect_error 2 "text FILE is missing" "no text"
printf 'Once' >"$tap_dir/one"
evaluate --text "$tap_dir/one" --policy all
expect_error 1 "scoring takes two" "a text that is too short"
# the demo model with another order of tokens
other=$tap_dir/other
mkdir "$other"
cp "$DEMO"/*.json "$DEMO"/merges.txt "$DEMO"/*.safetensors "$other"
python3 - "$other/vocab.json" <<'PYTHON'
import json, sys
v = json.load(open(sys.argv[1], encoding='utf-8'))
v['a'], v['b'] = v['b'], v['a']
v['\u0120the'], v['\u0120was'] = v['\u0120was'], v['\u0120the']
json.dump(v, open(sys.argv[1], 'w', encoding='utf-8'))
PYTHON
evaluate --text "$text" --policy all --reference "$other"
expect_error 1 "another tokenizer" "a reference of another tokenizer"
evaluate --text "$text" --policy all --reference "$tap_dir/none"
expect_error 3 "none" "a reference that is not there"
evaluate --text "$text" --reference "$model"
expect_error 2 "takes --policy all" "a reference with nothing to compare"
evaluate --text "$text" --policy all --f32
expect_error 2 "leave out --f32" "binary32 has no dispatch"
evaluate --text "$text" --policy all --flip
expect_error 2 "leave out --flip" "all codes are run anyway"
call timeout 60 "$CTRANS" run "$model" -p x -n 1 --policy all
expect_error 2 "name one here" "other commands take one policy"
tap_done
