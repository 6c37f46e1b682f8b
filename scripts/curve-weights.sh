#!/bin/bash
# SPDX-License-Identifier: MIT
#
# curve-weights.sh MODEL CALIBRATION TEXT [CONVERT-OPTION...]: what compressed weights
# cost. The model is converted with scales of several sizes, as they are chosen by
# default, and as S8, each weight rounded for itself and corrected; TEXT is scored
# with each, and against the model unquantised. Firing thresholds are fine ones
# (CURVE_LEVELS), so that what is seen is the weights' doing.
#
# CTRANS names the program (default: build/tools/ctrans), CURVE_SIGMAS the sizes.
set -euo pipefail

[ $# -ge 3 ] || {
	sed -n '4,11s/^# \{0,1\}//p' "$0" >&2
	exit 2
}
model=$1
calibration=$2
text=$3
shift 3
ctrans=${CTRANS:-$(dirname "$0")/../build/tools/ctrans}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

field() {
	python3 -c 'import json, sys
print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}
score() { "$ctrans" eval "$@" --text "$text" -q --json | field ppl; }

reference=$(score "$model" --f32)
printf '%s on %s, fp32: perplexity %.4f\n' "$model" "$text" "$reference"
printf '%-12s %-10s %7s %8s %11s %8s\n' scales rounding 'bits' 'exc,%' perplexity ratio

# LABEL OPTION...
point() {
	local label=$1 rounding=corrected ppl
	shift
	[[ " $* " == *" --no-correct "* ]] && rounding=nearest
	"$ctrans" convert "$model" -o "$tmp/x.gguf" --calibrate "$calibration" \
		--thresholds rms --levels "${CURVE_LEVELS:-100}" -q --json "$@" >"$tmp/json"
	ppl=$(score "$tmp/x.gguf")
	python3 - "$tmp/json" "$label" "$rounding" "$ppl" "$reference" <<-'END'
		import json, sys
		report = json.load(open(sys.argv[1]))
		exceptions = report["weight_exceptions"]
		ppl, reference = float(sys.argv[4]), float(sys.argv[5])
		print("%-12s %-10s %7.3f %8s %11.4f %8.5f" % (
		    sys.argv[2], sys.argv[3], report["weight_bits"],
		    "-" if exceptions is None else "%.2f" % (100 * exceptions),
		    ppl, ppl / reference))
	END
}

for way in --no-correct ''; do
	for sigma in ${CURVE_SIGMAS:-3 4 5 6 7 8 10}; do
		# shellcheck disable=SC2086
		point "sigma/$sigma" --sigma "$sigma" $way "$@"
	done
	# shellcheck disable=SC2086
	point chosen $way "$@"
	# shellcheck disable=SC2086
	point "s8" --weights s8 $way "$@"
done
