#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What goes wrong is said in one sentence, with the exit status that ctrans(1)
# documents for it, and leaves standard output empty.
# shellcheck source=tests/e2e/tap.sh
. "$(dirname "$0")/tap.sh"

[ -x "$CTRANS" ] || skip_all "no $CTRANS"
model=${CTRANS_TEST_MODEL:-$DEMO}
[ -f "$model/config.json" ] || skip_all "no models/demo"

# wrong STATUS REGEX WHAT ARGUMENT...
wrong()
{
	local want=$1 regex=$2 what=$3
	shift 3
	call timeout 120 "$CTRANS" "$@" </dev/null
	expect_error "$want" "^ctrans: .*($regex)" "$what"
}

# Usage: 2.
wrong 2 "no command given" "no command"
wrong 2 'no command "fly"' "an unknown command" fly
wrong 2 "MODEL is missing" "no model" run
wrong 2 "one argument too many" "an operand too many" run "$model" hello
wrong 2 "no option --frobnicate" "an unknown option" run "$model" --frobnicate
wrong 2 "no option -Z" "an unknown letter" run "$model" -Z
wrong 2 "-n needs a value" "a letter without its value" run "$model" -n
wrong 2 "--seed needs a value" "an option without its value" run "$model" --seed
wrong 2 "--json takes no value" "a flag with a value" run "$model" --json=1
wrong 2 'not "-5"' "a negative count" run "$model" -n -5
wrong 2 'not "nan"' "a temperature that is no number" run "$model" --temp nan
wrong 2 'not "1e9"' "threads with an exponent" run "$model" --threads 1e9
wrong 2 'not "1000"' "a thousand threads" run "$model" --threads 1000
wrong 2 'not "0"' "no thread" run "$model" --threads 0
wrong 2 'not "1.5"' "a share above one" run "$model" --top-p 1.5
wrong 2 'not "9"' "an operating point too high" run "$model" --opp 9
wrong 2 'not "18446744073709551616"' "a seed beyond 64 bits" \
	run "$model" --seed 18446744073709551616
wrong 2 "tile, fine, cdnn or all" "an unknown policy" run "$model" --policy best
wrong 2 "off, exact or sampled" "an unknown speculation" \
	run "$model" --speculate wildly
wrong 2 "is for --speculate sampled" "a share of nothing" run "$model" --sample 0.5
wrong 2 "calibration" "sampling without thresholds" \
	run "$model" -p a --speculate sampled
wrong 2 "radix, rate or naf" "an unknown spike code" run "$model" --code morse
wrong 2 "not empty" "an empty stop string" run "$model" -p a --stop ""
wrong 2 "exclude each other" "two prompts" run "$model" -p a -f b
wrong 2 'not "sim"' "threads for a chip" \
	run "$model" -p a --device accel:0 --threads 2
wrong 2 "says threads already" "threads said twice" \
	run "$model" -p a --device sim:threads=1 --threads 2
wrong 2 "bogus" "an unknown option of a device" \
	run "$model" -p a --device sim:bogus=1
wrong 2 "kernel" "an unknown kernel" run "$model" -p a --kernel abacus
wrong 2 "context" "more context than the model has" \
	run "$model" -p a --context 1000000
wrong 2 "--text FILE is missing" "eval without a text" eval "$model"
wrong 2 "more than the model's context" "windows beyond the context" \
	eval "$model" --text "$model/config.json" --ctx 1000000
wrong 2 "left out" "a stride beyond the window" \
	eval "$model" --text "$model/config.json" --ctx 16 --stride 17
wrong 2 "MODEL is missing" "bench of nothing" bench
wrong 2 "gpt2-xl" "an unknown shape" bench --shape gpt5
wrong 2 "nothing to measure" "bench without work" \
	bench --shape gpt2 --prompt 0 --gen 0

# The run: 1.
wrong 1 "cannot be read: No such file" "a prompt file that is not there" \
	run "$model" -f "$tap_dir/nothing"
wrong 1 "cannot be read: Is a directory" "a prompt file that is a folder" \
	run "$model" -f "$tap_dir"
wrong 1 "the context" "a prompt beyond the context" \
	run "$model" -p "$(printf 'word %.0s' {1..3000})"
printf 'a\0b' >"$tap_dir/nul"
wrong 1 "byte 1 of it is NUL" "a prompt with a NUL in it" \
	run "$model" -f "$tap_dir/nul"
wrong 1 "0 tokens" "eval of an empty text" eval "$model" --text /dev/null
wrong 1 "is empty" "calibration with an empty text" \
	run "$model" -p a --calibrate /dev/null
wrong 1 "no token id at byte 4" "ids that are none" \
	tokenize "$model" --decode -p "1 2 x"
wrong 1 "token 4000000000" "an id that no token has" \
	tokenize "$model" --decode -p 4000000000
echo "1 2 4000000000" >"$tap_dir/ids"
wrong 1 "4000000000" "scoring of an id that no token has" \
	eval "$model" --ids "$tap_dir/ids"
wrong 1 "no tokenizer" "text for a model without a tokenizer" \
	tokenize shape:gpt2 -p a

# Loading: 3.
wrong 3 "nothing: " "a model that is not there" run "$tap_dir/nothing" -p a
mkdir "$tap_dir/empty"
wrong 3 "config.json" "an empty folder" run "$tap_dir/empty" -p a
wrong 3 "$0" "a file that is no model" run "$0" -p a
: >"$tap_dir/zero.gguf"
wrong 3 "zero.gguf" "an empty file" run "$tap_dir/zero.gguf" -p a

# A copy of the model, to break.
broken()
{
	rm -rf "$tap_dir/broken"
	cp -rL "$model" "$tap_dir/broken"
	chmod -R u+w "$tap_dir/broken"
}
weights=$(find -L "$model" -name '*.safetensors' -printf '%f\n' | head -n 1)
if [ -n "$weights" ]; then
	broken
	truncate -s -100 "$tap_dir/broken/$weights"
	wrong 3 "$weights" "weights cut short at the end" \
		run "$tap_dir/broken" -p a
	truncate -s 1000 "$tap_dir/broken/$weights"
	wrong 3 "$weights" "weights cut short in the header" \
		run "$tap_dir/broken" -p a
	rm "$tap_dir/broken/$weights"
	wrong 3 "safetensors" "no weights" run "$tap_dir/broken" -p a
fi
broken
echo '{"model_type": "gpt2",' >"$tap_dir/broken/config.json"
wrong 3 "config.json" "a config that is no JSON" run "$tap_dir/broken" -p a
python3 - "$model/config.json" "$tap_dir/broken/config.json" <<'PY'
import json, sys
config = json.load(open(sys.argv[1]))
config["model_type"] = "llama"
config["architectures"] = ["LlamaForCausalLM"]
json.dump(config, open(sys.argv[2], "w"))
PY
wrong 3 "llama" "an architecture that is not supported" \
	run "$tap_dir/broken" -p a

# Devices: 4. Memory: 5.
wrong 4 'device "abacus"' "an unknown device" run "$model" -p a --device abacus
wrong 4 'device "accel:7"' "a chip that is not there" \
	run "$model" -p a --device accel:7
if [ -n "${CTRANS_SANITIZED:-}" ]; then
	skip "a model larger than memory" "a sanitizer needs address space"
else
	status=0
	(ulimit -v 800000 && exec timeout 120 "$CTRANS" bench --shape gpt2-xl) \
		>"$out" 2>"$err" </dev/null || status=$?
	expect_error 5 "^ctrans: " "a model larger than memory"
fi

# Sentences do not run on, and are ASCII in the C locale, too.
call timeout 120 "$CTRANS" run "$tap_dir/nothing" -p a
expect_equal "$(grep -c '^ctrans: ' "$err")" 1 "one sentence for an error"
check "at most a hint after it" test "$(wc -l <"$err")" -le 2

# Output that cannot be written.
if [ -w /dev/full ]; then
	for args in "run $model -p a -n 2 -q" "run $model -p a -n 2 --json" \
		"info $model" "tokenize $model -p a" "devices --json" "help run"; do
		read -ra words <<<"$args"
		status=0
		timeout 120 "$CTRANS" "${words[@]}" >/dev/full 2>"$err" ||
			status=$?
		: >"$out"
		expect_error 1 "No space left" "a full disk: ${words[0]}"
	done
fi
tap_done
