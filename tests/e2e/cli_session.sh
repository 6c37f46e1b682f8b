#!/bin/bash
# SPDX-License-Identifier: MIT
#
# ctrans run --session: a text in several runs is the text of one; what is
# damaged or belongs elsewhere is refused, and stays as it is.
# shellcheck source=tests/e2e/tap.sh
. "$(dirname "$0")/tap.sh"

[ -x "$CTRANS" ] || skip_all "no $CTRANS"
[ -f "$DEMO/config.json" ] || skip_all "no models/demo"

run() { call timeout 120 "$CTRANS" run "$DEMO" --temp 0 --ignore-eos "$@"; }
tokens() { python3 -c "import json; print(*json.load(open('$out'))['tokens'])"; }

file=$tap_dir/session
prompt="Once upon a time"

run -p "$prompt" -n 90 --json
whole=$(tokens)
parts=
more=$prompt
for n in 1 40 49; do
	run -p "$more" -n "$n" --json --session "$file"
	expect_status 0 "$n more tokens"
	parts+="${parts:+ }$(tokens)"
	more=
done
expect_equal "$parts" "$whole" "three runs write the text of one"
expect_equal "$(find "$tap_dir" -name '.ctrans*' | wc -l)" 0 \
	"and leave one file"

# What may differ, differs; the text does not.
cp "$file" "$tap_dir/copy"
run -p "" -n 12 --session "$file" --json
next=$(tokens)
cp "$tap_dir/copy" "$file"
run -p "" -n 12 --session "$file" --json --policy snn --code rate --threads 1 \
	--kernel generic --context 200
expect_equal "$(tokens)" "$next" \
	"another policy, code, kernel, context and number of threads"

# Only the new prompt is run.
cp "$tap_dir/copy" "$file"
run -p " The end." -n 1 --session "$file" --json
expect_equal "$(python3 -c "import json
print(json.load(open('$out'))['usage']['prompt_tokens'] < 12)")" True \
	"only the new prompt is run"

# A file that other tools can read.
python3 - "$file" >"$tap_dir/read" <<'PY'
import json, struct, sys
raw = open(sys.argv[1], "rb").read()
n, = struct.unpack_from("<Q", raw)
head = json.loads(raw[8:8 + n])
meta = head["__metadata__"]
a, b = head["tokens"]["data_offsets"]
ids = struct.unpack_from(f"<{(b - a) // 4}i", raw, 8 + n + a)
print(meta["format"], meta["version"], meta["kv"], len(ids) == head["tokens"]["shape"][0],
      int(meta["positions"]) in (len(ids) - 1, len(ids)), *ids[4:9])
PY
expect_equal "$(cut -d' ' -f1-5 "$tap_dir/read")" \
	"ctrans-session 1 f16 True True" "it is a safetensors file"

# Refused, and left alone.
cp "$tap_dir/copy" "$file"
wrong()
{
	local words=$1 what=$2
	shift 2
	cp "$file" "$tap_dir/before"
	run -p "" -n 3 -q --session "$file" "$@"
	expect_error 1 "$words" "$what"
	check "and left as it was" cmp "$file" "$tap_dir/before"
}
wrong "thresholds" "other thresholds" --levels 20
wrong "f32" "keys and values of another type" --f32
wrong "s8" "or in 8 bits" --kv s8
wrong "larger" "a smaller context" --context 64
truncate -s -5 "$file"
wrong "session" "a file cut short" -n 2
python3 - "$tap_dir/copy" "$file" <<'PY'
import sys
raw = bytearray(open(sys.argv[1], "rb").read())
raw[len(raw) // 2] ^= 4
open(sys.argv[2], "wb").write(raw)
PY
wrong "damaged" "a bit that has changed"
echo "not a session" >"$file"
wrong "session" "another file"
cp "$DEMO/model.safetensors" "$file"
wrong "not a saved session" "a model"
run -p a -n 2 -q --session "$tap_dir/no/such/place"
expect_status 1 "a directory that is not there"
expect_match "$err" "no/such/place" "is named"
run -p a -n 2 -q --session /dev/null
expect_status 1 "what is no file"

# A run that fails, or has no room, changes nothing.
cp "$tap_dir/copy" "$file"
status=0
(ulimit -f 8 && trap '' XFSZ && exec timeout 120 "$CTRANS" run "$DEMO" --temp 0 \
	-p "" -n 3 -q --session "$file") >"$out" 2>"$err" || status=$?
expect_status 1 "no room for the file"
expect_match "$err" "^ctrans: $file: " "names it"
check "and leaves the old one" cmp "$file" "$tap_dir/copy"
expect_equal "$(find "$tap_dir" -name '.ctrans*' | wc -l)" 0 "and nothing else"
tap_done
