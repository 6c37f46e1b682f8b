#!/bin/bash
# SPDX-License-Identifier: MIT
#
# ctrans run, as a user and as a script see it.
# shellcheck source=tests/e2e/tap.sh
. "$(dirname "$0")/tap.sh"

[ -x "$CTRANS" ] || skip_all "no $CTRANS"
model=${CTRANS_TEST_MODEL:-$DEMO}
[ -f "$model/config.json" ] || skip_all "no models/demo"

prompt="Once upon a time"
run() { call timeout 300 "$CTRANS" run "$model" "$@" </dev/null; }
# field FILE EXPRESSION: of the JSON object o
field() { python3 -c "import json, sys
o = json.load(open(sys.argv[1], encoding='utf-8'))
print($2)" "$1"; }

# Text on standard output, the rest on standard error.
run -p "$prompt" -n 16 --temp 0
expect_status 0 "greedy text"
check "there is some" test -s "$out"
check "it ends with a newline" test -z "$(tail -c 1 "$out")"
check "standard output is text only" bash -c "! grep -q 'tokens/s' '$out'"
expect_match "$err" \
	"^16 tokens, .* tokens/s; .*modelled .*J/token, chip time .*s" \
	"the closing line: speed, modelled energy and time"
expect_equal "$(wc -l <"$err")" 1 "and nothing else"
cp "$out" "$tap_dir/greedy"

run -p "$prompt" -n 16 --temp 0 -q
check "--quiet: the same text" cmp "$out" "$tap_dir/greedy"
check "--quiet: nothing on standard error" test ! -s "$err"

run -p "$prompt" -n 16 --temp 0 -v
check "--verbose: the same text" cmp "$out" "$tap_dir/greedy"
expect_match "$err" "sim" "--verbose says which device was taken"

# The prompt's three ways.
echo "$prompt" >"$tap_dir/prompt"
run -f "$tap_dir/prompt" -n 16 --temp 0
check "-f: the same text" cmp "$out" "$tap_dir/greedy"
call timeout 300 "$CTRANS" run "$model" -n 16 --temp 0 <"$tap_dir/prompt"
check "standard input: the same text" cmp "$out" "$tap_dir/greedy"
call timeout 300 "$CTRANS" run "$model" -f - -n 16 --temp 0 <"$tap_dir/prompt"
check "-f -: the same text" cmp "$out" "$tap_dir/greedy"
run -n 4 --temp 0
expect_status 0 "an empty standard input begins a text"

# Whatever computes it, the text is the same.
for how in "--policy dnn" "--policy snn" "--policy cdnn" "--code rate" \
	"--threads 1" "--threads 3" "--kernel reference" "--kernel generic" \
	"--opp 0" "--device sim" "--device sim:threads=2 --opp 4"; do
	read -ra words <<<"$how"
	run -p "$prompt" -n 16 --temp 0 "${words[@]}"
	check "$how: the same text" cmp "$out" "$tap_dir/greedy"
done

# JSON.
run -p "$prompt" -n 16 --temp 0 --json
expect_status 0 "--json"
check "is valid" python3 -m json.tool "$out"
expect_equal "$(wc -l <"$out")" 1 "in one line where no one reads along"
check "has nothing beside it" test ! -s "$err"
expect_equal "$(field "$out" "o['text']")" "$(cat "$tap_dir/greedy")" \
	"has the text that is streamed without it"
expect_equal "$(field "$out" "len(o['tokens']), o['finish']")" \
	"16 length" "has tokens and why they ended"
expect_equal "$(field "$out" "o['usage']['new_tokens'] == 16 and
o['usage']['prompt_tokens'] > 0 and o['usage']['modelled']['chip_seconds'] > 0
and o['usage']['modelled']['energy_uj_per_token'] > 0")" True "has the usage"
expect_equal "$(field "$out" "(lambda u: [0 < u[p + '_device_seconds'] <
u[p + '_seconds'] for p in ('prefill', 'decode')])(o['usage'])")" "[True, True]" \
	"the device had a part of the time"
# fj adds up: kinds and phases are two ways to cut the same
expect_equal "$(field "$out" "(lambda m: sum(k['energy_fj'] for k in
m['kinds'].values()) == m['prefill']['energy_fj'] + m['decode']['energy_fj'])(
o['usage']['modelled'])")" True "its energies by kind and by phase agree"

# Seeds.
run -p "$prompt" -n 16 --seed 7
cp "$out" "$tap_dir/seven"
run -p "$prompt" -n 16 --seed 7
check "the same seed, the same text" cmp "$out" "$tap_dir/seven"
run -p "$prompt" -n 16
cp "$out" "$tap_dir/random"
seed=$(sed -n 's/.*; seed \([0-9]*\).*/\1/p' "$err")
run -p "$prompt" -n 16 --seed "$seed"
check "the seed of the closing line repeats a text" \
	cmp "$out" "$tap_dir/random"
for i in 1 2 3 4 5 6; do
	run -p "$prompt" -n 16 --seed "$i" -q
	cat "$out"
done | sort -u >"$tap_dir/texts"
check "other seeds, other texts" test "$(wc -l <"$tap_dir/texts")" -gt 2

# What ends a text.
write=(-p "$prompt" -n 40 --seed 5 --ignore-eos --json)
run "${write[@]}"
cp "$out" "$tap_dir/whole"
# two letters from the middle of it
stop=$(field "$out" "__import__('re').search(r'[a-z]{2}', o['text'][6:])[0]")
run "${write[@]}" --stop "$stop" --stop "no such text anywhere"
expect_equal "$(field "$out" "o['finish']")" stop "--stop ends the text"
expect_equal "$(field "$out" "o['text'] == json.load(open('$tap_dir/whole'))[
'text'].split('$stop')[0]")" True "and is no part of it"
run -p "$prompt" -n 0 --context 24 --ignore-eos --temp 0 --json
expect_status 0 "a full context is no error"
expect_equal "$(field "$out" "o['finish'],
o['usage']['prompt_tokens'] + o['usage']['new_tokens']")" \
	"context 24" "and ends the text there"
run -p "$prompt" -n 1 -q
check "one token" test -s "$out"

# --stats
run -p "$prompt" -n 8 --temp 0 --stats
expect_match "$err" "^total " "--stats prints its tables"
expect_match "$err" "^attention " "by kind of layer"
check "they fit 80 columns" awk \
	'!/tokens\/s/ && length > 80 { exit 1 }' "$err"

# Bytes that are no text.
printf '\200\377\376abc\300\200\r\xed\xa0\x80' >"$tap_dir/garbage"
run -f "$tap_dir/garbage" -n 8 --json --seed 1
expect_status 0 "a prompt of bytes that are no UTF-8"
check "gives valid JSON in valid UTF-8" bash -c \
	"iconv -f UTF-8 -t UTF-8 '$out' | python3 -m json.tool"

# Interruption. The runner may have SIGINT ignored, which would be inherited.
cat >"$tap_dir/interrupt.py" <<'PY'
import signal, subprocess, sys
command = subprocess.Popen(
    sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
text = command.stdout.read(1)
command.send_signal(signal.SIGINT)
rest, messages = command.communicate(timeout=120)
sys.stdout.buffer.write(text + rest)
sys.stderr.buffer.write(messages)
sys.exit(command.returncode)
PY
call python3 "$tap_dir/interrupt.py" "$CTRANS" run "$model" -p "$prompt" -n 0 \
	--temp 0 --ignore-eos --kernel reference --threads 1
expect_status 130 "Ctrl-C: status 130"
size=$(($(stat -c %s "$out") - 1))
run -p "$prompt" -n 0 --temp 0 --ignore-eos
check "and the text so far" cmp -n "$size" "$tap_dir/out" "$out"
check "which is not nothing" test "$size" -gt 0

# Many prompts at once: each text is the one it has alone.
printf 'Once upon a time\nThe cat\r\n\n%s\nA dog' \
	"$(printf 'word %.0s' {1..2000})" >"$tap_dir/prompts"
run --prompts "$tap_dir/prompts" -n 9 --seed 5 --stop Zoe
expect_status 1 "--prompts, one of them too long"
together=$(python3 -c "import json, sys
for i, line in enumerate(open(sys.argv[1], encoding='utf-8')):
    o = json.loads(line)
    assert o['index'] == i
    print('error' if 'context' in o.get('error', '') else o['text'])" "$out")
alone=
for p in "Once upon a time" "The cat" "" - "A dog"; do
	if [ "$p" = - ]; then
		alone+=$'error\n'
	else
		run -p "$p" -n 9 --seed 5 --stop Zoe --json
		alone+=$(field "$out" "o['text']")$'\n'
	fi
done
expect_equal "$together"$'\n' "$alone" "each text as alone, in order"
run --prompts "$tap_dir/prompts" -p x
expect_status 2 "--prompts excludes -p"
run --prompts /dev/null
expect_status 0 "no prompts are no texts"
check "and no line" test ! -s "$out"

# A reader that goes away.
timeout 300 "$CTRANS" run "$model" -p "$prompt" -n 0 --ignore-eos 2>"$err" |
	head -c 10 >"$out"
expect_equal "$(stat -c %s "$out")" 10 "a pipe's reader gets what it wants"
check "and no complaint follows" bash -c "! grep -q '^ctrans:' '$err'"

# Help.
call "$CTRANS" run --help
expect_status 0 "--help"
check "fits 80 columns" awk 'length > 80 { exit 1 }' "$out"
for command in run eval tokenize convert info bench devices; do
	call "$CTRANS" help "$command"
	expect_match "$out" "^usage: ctrans $command" "help $command"
done
call "$CTRANS" --version
expect_match "$out" "^ctrans [0-9]+\.[0-9]+" "--version"
tap_done
