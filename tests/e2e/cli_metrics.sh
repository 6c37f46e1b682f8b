#!/bin/bash
# SPDX-License-Identifier: MIT
#
# ctrans eval --bleu and --rouge: what sacreBLEU and rouge_score say of the same files,
# and files that cannot be scored.
# shellcheck source=tests/e2e/tap.sh
. "$(dirname "$0")/tap.sh"

[ -x "$CTRANS" ] || skip_all "no $CTRANS"
data=$CTRANS_TEST_DATA/metrics
hyp=$data/hyp.txt
ref1=$data/ref1.txt

evaluate() { call timeout 60 "$CTRANS" eval "$@" </dev/null; }

# ---- the figures --------------------------------------------------------
cat >"$tap_dir/compare.py" <<'PYTHON'
# compare.py bleu|rouge: the program's figures beside the expected ones
import json, re, subprocess, sys
ctrans, data, which = sys.argv[1:]
expected = json.load(open(data + '/expected.json', encoding='utf-8'))
bad = []

def run(*options):
    return subprocess.run([ctrans, 'eval', '--' + which, data + '/hyp.txt', *options],
                          check=True, capture_output=True, text=True).stdout

def same(got, wanted, where):
    if isinstance(wanted, dict):
        for key in wanted:
            same(got[key], wanted[key], where + ' ' + key)
    elif isinstance(wanted, list):
        if len(got) != len(wanted):
            bad.append(where)
        for i, one in enumerate(wanted):
            same(got[i], one, f'{where} {i}')
    elif abs(got - wanted) > 1e-12 * abs(wanted):
        bad.append(f'{where}: {got!r} instead of {wanted!r}')

for way in expected[which]:
    options = ['--ref', data + '/ref1.txt']
    if which == 'bleu':
        if way['refs'] == 2:
            options += ['--ref', data + '/ref2.txt']
        options += ['--tok', way['tok']] + ['--lowercase'] * way['lowercase']
    else:
        options += ['--stem'] * way['stem']
    got = json.loads(run('--json', '--sentence-level', *options))
    same(got['sentences'], way['sentences'], 'line')
    same(got, way['corpus' if which == 'bleu' else 'mean'], 'all')
    if which == 'bleu':
        text = run(*options).split('\n')
        version = re.compile('version:.*')
        if text[0] != way['line']:
            bad.append(text[0])
        if version.sub('', text[1]) != version.sub('', way['signature']):
            bad.append(text[1])
print('\n'.join(bad))
PYTHON
for which in bleu rouge; do
	expect_equal "$(python3 "$tap_dir/compare.py" "$CTRANS" "$data" "$which" 2>&1)" "" \
		"$which is what it ought to be, of lines and of all"
done

evaluate --bleu "$hyp" --ref "$ref1"
expect_match "$out" "version:ctrans-[0-9.]+$" "the signature names this program"
evaluate --bleu "$hyp" --ref "$ref1" --sentence-level
expect_equal "$(wc -l <"$out")" $(($(wc -l <"$hyp") + 3)) "a score for each line, too"
evaluate --bleu "$hyp" --ref "$hyp"
expect_match "$out" "^BLEU = 100.00 100.0/" "a text against itself"
evaluate --rouge "$hyp" --ref "$ref1"
expect_match "$out" "^ROUGE-L = 60.83 \(P = 60.22 R = 64.95\)$" "ROUGE for people"
evaluate --rouge "$hyp" --ref "$ref1" --ref "$hyp"
two=$(grep ROUGE-2 "$out")
evaluate --rouge "$hyp" --ref "$hyp"
expect_equal "$two" "$(grep ROUGE-2 "$out")" "the best of several references"
call timeout 60 "$CTRANS" eval --bleu - --ref "$ref1" <"$hyp"
expect_match "$out" "^BLEU = 49.92 " "hypotheses on standard input"

# ---- lines --------------------------------------------------------------
printf 'one line\nand two' >"$tap_dir/two"
printf 'one line\r\nand two\n' >"$tap_dir/crlf"
evaluate --bleu "$tap_dir/two" --ref "$tap_dir/crlf"
expect_match "$out" "BP = 1.000 ratio = 1.000 hyp_len = 4 ref_len = 4" \
	"ends of lines do not count"
printf '\n\n' >"$tap_dir/blank"
evaluate --bleu "$tap_dir/blank" --ref "$tap_dir/two"
expect_match "$out" "^BLEU = 0.00 0.0/0.0/0.0/0.0 \(BP = 0.000 ratio = 0.000 hyp_len = 0" \
	"nothing is worth nothing"
evaluate --rouge "$tap_dir/blank" --ref "$tap_dir/blank"
expect_match "$out" "^ROUGE-1 = 0.00 " "nor is it in ROUGE"

# ---- bad input ----------------------------------------------------------
evaluate --bleu "$hyp" --ref "$tap_dir/two"
expect_error 1 "hyp.txt has [0-9]+ lines and .*two has 2:" "files of other lengths"
evaluate --bleu "$hyp" --ref "$ref1" --ref "$tap_dir/two"
expect_error 1 "two has 2:" "a second reference of another length"
evaluate --bleu "$tap_dir/nothing" --ref "$ref1"
expect_error 1 "nothing cannot be read: No such file" "no hypotheses"
evaluate --rouge "$hyp" --ref "$tap_dir/nothing"
expect_error 1 "nothing cannot be read: No such file" "no references"
evaluate --bleu /dev/null --ref /dev/null
expect_error 1 "is empty" "empty files"
printf 'good\nb\303\244d \303(\n' >"$tap_dir/latin"
evaluate --bleu "$tap_dir/latin" --ref "$tap_dir/two"
expect_error 1 "latin is not UTF-8: byte 6 of line 2" "bytes that are not UTF-8"
evaluate --bleu "$hyp"
expect_error 2 "--ref FILE is missing" "no reference"
evaluate --bleu "$hyp" --rouge "$hyp" --ref "$ref1"
expect_error 2 "exclude each other" "both scores"
evaluate --bleu "$hyp" "$ref1"
expect_error 2 "references go after --ref" "a reference without its option"
evaluate --bleu "$hyp" --ref "$ref1" --text "$hyp"
expect_error 2 "leave out --text" "a text as well"
evaluate --bleu "$hyp" --ref "$ref1" --stem
expect_error 2 "BLEU knows no stems" "stems in BLEU"
evaluate --rouge "$hyp" --ref "$ref1" --tok none
expect_error 2 "leave out --tok" "a tokenizer in ROUGE"
evaluate --bleu "$hyp" --ref "$ref1" --tok zh
expect_error 2 "13a or none" "an unknown tokenizer"
evaluate --sentence-level
expect_error 2 "is for --bleu FILE or --rouge FILE" "lines of nothing"
if [ -w /dev/full ]; then
	timeout 60 "$CTRANS" eval --bleu "$hyp" --ref "$ref1" >/dev/full 2>"$err"
	expect_equal $? 1 "a full disk"
fi
tap_done
