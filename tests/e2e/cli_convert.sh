#!/bin/bash
# SPDX-License-Identifier: MIT
#
# ctrans convert and --cache, as a user and as a script see them.
# shellcheck source=tests/e2e/tap.sh
. "$(dirname "$0")/tap.sh"

[ -x "$CTRANS" ] || skip_all "no $CTRANS"
model=${CTRANS_TEST_MODEL:-$DEMO}
[ -f "$model/config.json" ] || skip_all "no models/demo"

file=$tap_dir/demo.gguf
prompt="Once upon a time"
run() { call timeout 300 "$CTRANS" run "$@" -p "$prompt" -n 16 --temp 0 </dev/null; }

call timeout 300 "$CTRANS" convert "$model" -o "$file" --weights s8
expect_status 0 "convert"
check "says nothing where no one reads along" test ! -s "$out" -a ! -s "$err"
run "$model" -q
cp "$out" "$tap_dir/text"
run "$file" -q
expect_status 0 "a converted file runs"
check "and writes the same text" cmp "$out" "$tap_dir/text"
run "$file" -q --threads 3 --kernel reference
check "on the reference kernel, too" cmp "$out" "$tap_dir/text"
call timeout 60 "$CTRANS" info "$file"
expect_match "$out" "^format +GGUF v3, converted" "info says what it is"
call timeout 60 "$CTRANS" info "$model" --json
cp "$out" "$tap_dir/info"
call timeout 60 "$CTRANS" info "$file" --json
expect_equal "$(python3 -c 'import json, sys
a, b = (json.load(open(n)) for n in sys.argv[1:])
print([k for k in a if a[k] != b[k]])' "$tap_dir/info" "$out")" \
	"['model', 'format', 'tokenizer', 'types', 'file_bytes']" \
	"and the same shape and tokens"
call timeout 60 "$CTRANS" tokenize "$model" -p "$prompt, <|endoftext|>" --special
cp "$out" "$tap_dir/ids"
call timeout 60 "$CTRANS" tokenize "$file" -p "$prompt, <|endoftext|>" --special
check "its tokenizer is the same" cmp "$out" "$tap_dir/ids"

# Thresholds.
calibrated=$tap_dir/calibrated.gguf
head -c 4000 "$DEMO/heldout.txt" >"$tap_dir/calibration"
call timeout 300 "$CTRANS" convert "$model" -o "$calibrated" \
	--calibrate "$tap_dir/calibration" --thresholds rms --levels 30 --weights s8 \
	--no-correct --tokens 512
expect_status 0 "convert --calibrate"
run "$model" --calibrate "$tap_dir/calibration" --levels 30 -q
cp "$out" "$tap_dir/text2"
run "$calibrated" -q
check "writes what the source writes, calibrated so" cmp "$out" "$tap_dir/text2"
run "$calibrated" --json
expect_match "$out" '"thresholds": *"calibrated"' "and says that it is"

# Compressed, and calibrated as by default.
esc=$tap_dir/esc.gguf
head -c 20000 "$DEMO/heldout.txt" >"$tap_dir/calibration"
tail -c 20000 "$DEMO/heldout.txt" >"$tap_dir/held"
call timeout 300 "$CTRANS" convert "$model" -o "$esc" \
	--calibrate "$tap_dir/calibration" --tokens 2000 --json
expect_status 0 "convert to compressed weights"
cp "$out" "$tap_dir/report"
bits=$(python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
assert len(r["layers"]) >= 5 and all(l["threshold"] > 0 for l in r["layers"])
print(round(r["weight_bits"], 3))' "$tap_dir/report")
check "to at most 5.4 bits a weight ($bits)" \
	awk "BEGIN { exit !($bits > 5 && $bits <= 5.4) }"
call timeout 300 "$CTRANS" convert "$model" -o "$esc" \
	--calibrate "$tap_dir/calibration" --tokens 2000 --report
check "--report is 80 columns wide" test "$(wc -L <"$out")" -le 80
expect_match "$out" "head .* 5\\.[0-9]" "and has the head's bits"
expect_match "$out" "^clipped, beyond 32767" "and says what was clipped"
ppl() { "$CTRANS" eval "$@" --text "$tap_dir/held" --json -q |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["ppl"])'; }
check "and predicts as well, within half a percent" \
	awk "BEGIN { exit !($(ppl "$esc") < 1.005 * $(ppl "$model" --f32)) }"
check "it is smaller" test "$(stat -c %s "$esc")" -lt "$(stat -c %s "$file")"
run "$esc" -q --threads 1
cp "$out" "$tap_dir/text3"
run "$esc" -q --threads 3 --kernel reference
check "every kernel writes the same" cmp "$out" "$tap_dir/text3"
if [ -f "$model/little/config.json" ]; then
	call timeout 300 "$CTRANS" convert "$model" -o "$tap_dir/both.gguf" \
		--calibrate "$tap_dir/calibration" --tokens 2000 --little "$model/little"
	expect_status 0 "convert --little"
	run "$tap_dir/both.gguf" -q
	check "which changes no text" cmp "$out" "$tap_dir/text3"
	run "$tap_dir/both.gguf" --stats
	expect_match "$err" "Drafted: [1-9]" "and drafts"
fi

# Refusals.
call "$CTRANS" convert "$model"
expect_status 2 "no -o"
call "$CTRANS" convert "$model" -o "$tap_dir/x" --levels 3
expect_status 2 "--levels without --calibrate"
for option in --tokens=20 --thresholds=rms --noise=30 --smooth=0.5 --no-correct; do
	call "$CTRANS" convert "$model" -o "$tap_dir/x" "$option"
	expect_status 2 "$option without --calibrate"
done
call "$CTRANS" convert "$model" -o "$tap_dir/x" --sigma 5 --weights s8
expect_status 2 "--sigma for s8"
echo "Too short." >"$tap_dir/short"
call "$CTRANS" convert "$model" -o "$tap_dir/x" --calibrate "$tap_dir/short"
expect_status 2 "a calibration text that is too short"
expect_match "$err" "at least 16 are needed" "is told so"
call "$CTRANS" convert "$model" -o "$tap_dir/x" \
	--little "$(dirname "$0")/../data/model/hf_f16"
expect_status 2 "a little model with another tokenizer"
expect_match "$err" "same tokenizer" "is told so"
call "$CTRANS" convert "$file" -o "$tap_dir/x"
expect_status 2 "a converted file"
expect_match "$err" "is converted already: take the model" "is told so"
call "$CTRANS" convert "$file" -o "$file"
expect_status 2 "onto itself"
call "$CTRANS" convert "$model" -o "$tap_dir/no/such"
check "where there is no directory" test "$status" -ne 0
expect_match "$err" "No such file" "says so"
call bash -c "ulimit -f 100; exec '$CTRANS' convert '$model' -o '$tap_dir/x'"
check "beyond a limit on files" test "$status" -ne 0 -a "$status" -lt 128
expect_match "$err" "ulimit -f" "says so"
check "and none of them leaves a file" test ! -e "$tap_dir/x"
head -c 100000 "$file" >"$tap_dir/cut.gguf"
run "$tap_dir/cut.gguf"
expect_status 3 "a file that is cut"
expect_match "$err" "truncated" "is told so"

# What is there before stays until the new one is complete.
cp "$file" "$tap_dir/old.gguf"
for delay in 0 0.002 0.005 0.01 0.02 0.05 0.1; do
	echo old >"$tap_dir/killed.gguf"
	"$CTRANS" convert "$model" -o "$tap_dir/killed.gguf" -q --weights s8 &
	pid=$!
	sleep "$delay"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	if [ "$(head -c 3 "$tap_dir/killed.gguf")" != old ]; then
		cmp -s "$tap_dir/killed.gguf" "$file" || echo "$delay"
	fi
done >"$tap_dir/broken"
for delay in 0.02 0.1 0.2 0.4 0.8; do
	echo old >"$tap_dir/killed.gguf"
	timeout -s INT "$delay" "$CTRANS" convert "$model" -q \
		-o "$tap_dir/killed.gguf" --calibrate "$tap_dir/calibration" --tokens 2000
	if [ "$(head -c 3 "$tap_dir/killed.gguf")" != old ]; then
		cmp -s "$tap_dir/killed.gguf" "$esc" || echo "INT $delay"
	fi
done >>"$tap_dir/broken" 2>/dev/null
check "killed, it leaves the old file or the new" test ! -s "$tap_dir/broken"
check "and nothing beside it" test \
	"$(find "$tap_dir" -name '.*' -type f | wc -l)" -le 1

# The cache.
cache=$tap_dir/cache
run "$model" -q "--cache=$cache"
check "--cache: the same text" cmp "$out" "$tap_dir/text"
expect_equal "$(find "$cache" -name '*.gguf' | wc -l)" 1 "and an entry"
run "$model" -v "--cache=$cache"
check "the second time, too" cmp "$out" "$tap_dir/text"
expect_match "$err" "taken from $cache/" "from the entry"
echo garbage >"$(find "$cache" -name '*.gguf')"
run "$model" "--cache=$cache"
expect_status 0 "a damaged entry is no error"
expect_match "$err" "is made anew" "and is made anew"
XDG_CACHE_HOME=$tap_dir/xdg run "$model" -q --cache
check "--cache without a directory: \$XDG_CACHE_HOME/ctrans" \
	test "$(find "$tap_dir/xdg/ctrans" -name '*.gguf' | wc -l)" = 1
HOME=$tap_dir/home XDG_CACHE_HOME='' run "$model" -q --cache
check "or ~/.cache/ctrans" \
	test "$(find "$tap_dir/home/.cache/ctrans" -name '*.gguf' | wc -l)" = 1
tap_done
