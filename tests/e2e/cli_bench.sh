#!/bin/bash
# SPDX-License-Identifier: MIT
#
# ctrans bench: what it prints, not how fast it is.
# shellcheck source=tests/e2e/tap.sh
. "$(dirname "$0")/tap.sh"

[ -x "$CTRANS" ] || skip_all "no $CTRANS"
[ -z "${CTRANS_SANITIZED:-}" ] || skip_all "too slow under a sanitizer"
model=${CTRANS_TEST_MODEL:-$DEMO}

bench() { call timeout 300 "$CTRANS" bench "$@" </dev/null; }
field() { python3 -c "import json, sys
o = json.load(open(sys.argv[1], encoding='utf-8'))
print($2)" "$1"; }

bench --shape gpt2 --prompt 4 --gen 3 --reps 2 --threads 1 --json
expect_status 0 "bench --shape"
check "--json is valid" python3 -m json.tool "$out"
expect_equal "$(field "$out" "all(o[k] > 0 for k in
('prefill_tps', 'decode_tps', 'bound_tps', 'rss_mib'))")" True "its figures"
expect_equal "$(field "$out" "o['energy_uj_per_token'],
o['energy_meaningful'], o['threads'], o['reps']")" \
	"None False 1 2" "the energy of random weights means nothing"
expect_equal "$(field "$out" "o['bytes_per_step'] > 120e6 and
abs(o['bound_tps'] * o['bytes_per_step'] /
o['bandwidth_bytes_per_second'] - 1) < 1e-6")" True \
	"the bound is bandwidth over bytes"

bench --shape t5-small --prompt 5 --gen 4 --reps 2 --batch 2 --threads 1 --json
expect_status 0 "bench of a shape that reads a source"
expect_equal "$(field "$out" "all(o[k] > 0 for k in ('encode_ms', 'decode_tps',
'beam_steps_per_second', 'sentences_per_second', 'bound_steps_per_second',
'rss_mib'))")" True "its figures"
expect_equal "$(field "$out" "o['beams'], o['batch'], o['prompt'], o['gen'],
38e6 < o['bytes_per_step'] < 40e6")" "4 2 5 4 True" \
	"a step reads the decoder's weights alone"
bench --shape t5-small --depth 3
expect_status 2 "nothing comes before a source"
bench --shape gpt2 --gen 1 --beams 2
expect_status 2 "beams are for models that read a source"

if [ ! -f "$model/config.json" ]; then
	skip "bench of a model" "no models/demo"
	tap_done
fi
bench "$model" --prompt 8 --gen 4 --reps 3 --depth 20 --batch 3 --json
expect_status 0 "bench of a model, a batch, at a depth"
expect_equal "$(field "$out" "o['batch'], o['depth'], len(o['all_decode_tps']),
o['energy_uj_per_token'] > 0, o['energy_meaningful']")" \
	"3 20 3 True True" "its figures"
expect_equal "$(field "$out" "0 < o['outside_device_percent'] < 100")" True \
	"a part of each step is the library's"
bench "$model" --prompt 8 --gen 6 --reps 2 --depth 20 --callers 3 --json
expect_status 0 "threads that know nothing of each other"
expect_equal "$(field "$out" "o['callers'], o['batch'], o['decode_tps'] > 0,
o['prefill_tps'] > 0, 0 < o['fairness'] <= 1, o['energy_uj_per_token'] > 0")" \
	"3 3 True True True True" "its figures"
bench "$model" --callers 2 --batch 2
expect_status 2 "--callers and --batch exclude each other"
bench "$model" --prompt 8 --gen 0 --reps 0 --json
expect_status 0 "only the first token"
expect_equal "$(field "$out" "o['load_seconds'] > 0, o['first_seconds'] > 0,
o['prefill_tps'], o['bound_tps'], o['rss_mib'] > 0")" \
	"True True None None True" "its figures"
bench "$model" --prompt 8 --gen 0 --reps 1
expect_status 0 "prefill only"
expect_match "$out" "^decode +-$" "decode is not made up"
bench "$model" --prompt 0 --gen 4 --reps 1
expect_status 0 "decode only"
expect_match "$out" "modelled" "energy is said to be modelled"
tap_done
