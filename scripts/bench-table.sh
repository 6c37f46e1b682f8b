#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bench-table.sh [FILE]: the table of what bench-peer.sh measured, from its lines
# of JSON (build/bench.jsonl): medians, the ratio's range over the rounds, and
# the targets beside it. Ratios are of measurements of the same round.
set -euo pipefail

cd "$(dirname "$0")/.."
file=${1:-build/bench.jsonl}

grep '"engine"' "$file" | sed 's/^{//; s/}$//; s/", "/"\t"/g; s/, "/\t"/g' |
awk -F '\t' '
function get(key,   i, v) {
	for (i = 1; i <= NF; i++)
		if (index($i, "\"" key "\": ") == 1) {
			v = substr($i, length(key) + 5)
			gsub(/"/, "", v)
			return v
		}
	return ""
}
function sorted(list, n,   i, j, v) {
	for (i = 2; i <= n; i++) {
		v = list[i]
		for (j = i - 1; j > 0 && list[j] > v; j--)
			list[j + 1] = list[j]
		list[j + 1] = v
	}
}
function middle(list, n) {
	sorted(list, n)
	return (list[int((n + 1) / 2)] + list[int(n / 2) + 1]) / 2
}
# the median over the rounds of what an engine had, "" if nothing
function figure(shape, what, engine,   r, n, list) {
	for (r = 1; r <= rounds[shape]; r++)
		if ((shape, what, engine, r) in value)
			list[++n] = value[shape, what, engine, r]
	return (n) ? middle(list, n) : ""
}
# the same of a / b in each round; its ends in low and high
function quotient(shape, what_a, a, what_b, b,   r, n, list, over) {
	for (r = 1; r <= rounds[shape]; r++) {
		if (!((shape, what_a, a, r) in value) ||
		    !((shape, what_b, b, r) in value))
			continue
		over = value[shape, what_b, b, r]
		if (over > 0)
			list[++n] = value[shape, what_a, a, r] / over
	}
	if (!n)
		return ""
	sorted(list, n)
	low = list[1]; high = list[n]
	return middle(list, n)
}
function number(x) {
	if (x == "") return "-"
	return sprintf((x < 10) ? "%.2f" : "%.1f", x)
}
# want: "2.2" at least so much, "-1" at most 1; of what is judged
function row(name, a, b, ratio, judged, want,   range, target, verdict, line) {
	if (a == "" && b == "")
		return
	range = (ratio == "") ? "" : sprintf("%.2f-%.2f", low, high)
	if (want != "") {
		target = ((want < 0) ? "<= " (-want) : ">= " want)
		if (judged == "")
			verdict = "not measured"
		else if ((want < 0) ? (judged <= -want) : (judged >= want))
			verdict = "reached"
		else
			verdict = "not reached"
	}
	line = sprintf("%-21s %8s %9s %6s %11s %8s %s", name, number(a), number(b),
		((ratio == "") ? "-" : sprintf("%.2f", ratio)), range, target,
		verdict)
	sub(/ +$/, "", line)
	print line
}
function speed(shape, what, want,   q) {
	q = quotient(shape, what, "ctrans", what, "llama.cpp")
	row(what, figure(shape, what, "ctrans"), figure(shape, what, "llama.cpp"),
		q, q, want)
}
function table(shape, main,   q, a, i, what) {
	printf "\n%-21s %8s %9s %6s %11s %8s\n", shape, "ctrans", "llama.cpp",
		"ratio", "its range", "target"
	speed(shape, "decode at 128", (main) ? 2.2 : "")
	speed(shape, "decode at 512", (main) ? 2.6 : "")
	row("decode, 8-bit weights", figure(shape, "decode of s8", "ctrans"))
	q = quotient(shape, "decode of esc", "ctrans", "decode of s8", "ctrans")
	row("  compressed", figure(shape, "decode of esc", "ctrans"), "", q, q, 1.3)
	speed(shape, "prefill of 128", (main) ? 3 : "")
	speed(shape, "prefill of 512", (main) ? 3 : "")
	speed(shape, "eight at once", (main) ? 4.5 : "")
	speed(shape, "with a core stolen", "")
	q = quotient(shape, "decode at 128", "llama.cpp", "with a core stolen", "llama.cpp")
	a = quotient(shape, "decode at 128", "ctrans", "with a core stolen", "ctrans")
	row("  times slower by it", a, q, "", a, (main) ? -2 : "")
	a = figure(shape, "peak memory", "ctrans")
	q = quotient(shape, "peak memory", "ctrans", "peak memory", "llama.cpp")
	row("peak memory, MiB", a, figure(shape, "peak memory", "llama.cpp"), q,
		a, (main) ? -190 : "")
	for (i = 1; i <= 2; i++) {
		what = (i == 1) ? "load to first token" : "from our own file"
		q = quotient(shape, what, "ctrans", what, "llama.cpp")
		row((i == 1) ? "load, first token, ms" : "  from our own file",
			figure(shape, what, "ctrans"),
			figure(shape, what, "llama.cpp"), q, q, (main) ? -1 : "")
	}
	row("% of bound at 128", figure(shape, "% of bound at 128", "ctrans"))
	row("  memory then, GB/s", figure(shape, "memory at 128", "ctrans"))
	row("% of bound at 512", figure(shape, "% of bound at 512", "ctrans"))
	row("  memory then, GB/s", figure(shape, "memory at 512", "ctrans"))
	a = figure(shape, "outside the device at 128", "ctrans")
	row("outside the device, %", a, "", "", a, (main) ? -2 : "")
	a = figure(shape, "accounting", "ctrans")
	row("accounting, % of time", a, "", "", a, (main) ? -3 : "")
}
# of a model that reads a source: want_ratio of decoding, want_steps of beams
function table_source(shape, want_ratio, want_steps,   a) {
	printf "\n%-21s %8s %9s %6s %11s %8s\n", shape, "ctrans", "llama.cpp",
		"ratio", "its range", "target"
	speed(shape, "reading 32", "")
	speed(shape, "decode after 32", want_ratio)
	speed(shape, "eight at once", "")
	a = figure(shape, "beam steps", "ctrans")
	row("steps of " figure(shape, "beams", "ctrans") " beams", a, "", "", a,
		want_steps)
	row("sentences by beams", figure(shape, "sentences by beams", "ctrans"))
	row("% of bound", figure(shape, "% of bound after 32", "ctrans"))
	row("  memory then, GB/s", figure(shape, "memory after 32", "ctrans"))
}
{
	shape = get("shape")
	if (!(shape in rounds))
		order[++shapes] = shape
	round = get("round") + 0
	if (round > rounds[shape])
		rounds[shape] = round
	if (get("value") != "null")
		value[shape, get("what"), get("engine"), round] = get("value") + 0
}
END {
	for (s = 1; s <= shapes; s++) {
		if (order[s] == "t5-small")
			table_source(order[s], 3, 200)
		else if (order[s] == "fsmt")
			table_source(order[s], "", 100)
		else if ((order[s], "decode after 32", "ctrans", 1) in value)
			table_source(order[s])
		else
			table(order[s], order[s] == "gpt2")
	}
}'
