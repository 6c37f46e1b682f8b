# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# bench-rounds.sh, sourced: single measurements of the two engines, each a line
# of JSON in $jsonl: {"shape", "what", "engine", "round", "value", "unit",
# "setting"}. Whole processes that follow each other on the same CPUs, because
# a shared machine's speed wanders by a quarter within a minute: only what was
# measured side by side compares.
#
# Fairness. Both read the same Q8_0 file (this library computes with S8 weights
# and keys and values of 16 bits, as the peer does), both get room for no more
# tokens than the measurement takes, both run once unmeasured first. The peer's
# figure is that of its fastest setting: each is tried in a shape's first round,
# and those within 15 % of the best again in every round. The median of as many
# repetitions is taken of either.
#
# Set by who sources this: tree (empty: no peer), threads, jsonl, shape, round,
# reps.
# shellcheck disable=SC2154

gen=32
declare -A settings	# "SHAPE WHAT" -> those still tried, ";" between them

# All a machine of more CPUs than threads has to spare would hide a thief.
cpus() { taskset -c "0-$((threads - 1))" "$@"; }

# A field of a line of JSON, its list of numbers one a line.
field()
{
	sed -n "s/.*\"$1\": *\(\[[^]]*\]\|[^,}]*\).*/\1/p" |
		tr -d '[] ' | tr ',' '\n'
}

median() { sort -g | awk '{ v[NR] = $1 }
	END { if (NR) print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }

# note WHAT ENGINE VALUE UNIT [SETTING]; what could not be measured is null
note()
{
	local value=${3:-null}

	printf '{"shape": "%s", "what": "%s", "engine": "%s", "round": %d, "value": %s, "unit": "%s", "setting": "%s"}\n' \
		"$shape" "$1" "$2" "$round" "$value" "$4" "${5:-}" >>"$jsonl"
}

# ours OPTION...: a command line of this library into $command
ours()
{
	command=(build/tools/ctrans bench --threads "$threads" --json "$@")
	if [ -n "$tree" ]; then
		command+=("$tree/tmp/$shape.gguf")
	else
		command+=(--shape "$shape")
	fi
}

# run_ours OPTION...: its line of JSON into $line
run_ours()
{
	ours "$@"
	line=$(cpus "${command[@]}" 2>/dev/null) || line=
}

# theirs FIELD PROGRAM OPTION...: the median of a field of its line of JSON, which
# is read to its end: a pipe closed early would fail the whole
theirs()
{
	local key=$1
	shift

	cpus timeout 300 chroot "$tree" "$@" -m "/tmp/$shape.gguf" \
		-t "$threads" 2>/dev/null | awk '/^{/ && !n++' | field "$key" | median
}

# best WHAT UNIT SETTINGS FIELD COMMAND...: the peer's fastest
best()
{
	local what=$1 unit=$2 choice=${settings[$shape $1]:-$3} key=$4
	local setting value top=0 with='' figures='' list=() words=()
	shift 4

	[ -n "$tree" ] || return 0
	IFS=';' read -ra list <<<"$choice"
	for setting in "${list[@]}"; do
		read -ra words <<<"$setting"
		value=$(theirs "$key" "$@" "${words[@]}") || value=
		figures+="${value:-0} $setting"$'\n'
	done
	figures=$(sort -gr <<<"$figures")
	read -r top with <<<"$figures"
	settings[$shape $what]=$(awk -v top="$top" 'NF && $1 >= 0.85 * top {
		$1 = ""; printf "%s%s", sep, substr($0, 2); sep = ";" }' \
		<<<"$figures")
	[ "$top" != 0 ] || top=
	note "$what" llama.cpp "$top" "$unit" "$with"
}

# decode DEPTH: tokens/s after so many, and what of the memory bound that is
decode()
{
	run_ours --prompt 0 --gen "$gen" --depth "$1" --reps "$reps"
	note "decode at $1" ctrans "$(field decode_tps <<<"$line")" tokens/s
	note "memory at $1" ctrans "$(field bandwidth_bytes_per_second <<<"$line" |
		awk '{ print $1 / 1e9 }')" GB/s
	note "% of bound at $1" ctrans "$(awk -v a="$(field decode_tps <<<"$line")" \
		-v b="$(field bound_tps <<<"$line")" \
		'BEGIN { if (b > 0) print 100 * a / b }')" %
	note "outside the device at $1" ctrans \
		"$(field outside_device_percent <<<"$line")" %
	best "decode at $1" tokens/s "-fa 0;-fa 1" samples_ts \
		llama-bench -p 0 -n "$gen" -d "$1" -r "$reps" -o jsonl
}

# What compression gains: weights of the shape as trained ones are spread, which
# the peer's random ones are not, as bytes and compressed.
compressed()
{
	local kind

	for kind in s8 esc; do
		command=(build/tools/ctrans bench --threads "$threads" --json
			--shape "$shape" --weights "$kind" --prompt 0 --gen "$gen"
			--depth 128 --reps "$reps")
		line=$(cpus "${command[@]}" 2>/dev/null) || line=
		note "decode of $kind" ctrans "$(field decode_tps <<<"$line")" tokens/s
	done
}

# prefill N: tokens/s of a prompt of so many
prefill()
{
	run_ours --prompt "$1" --gen 0 --reps "$reps"
	note "prefill of $1" ctrans "$(field prefill_tps <<<"$line")" tokens/s
	best "prefill of $1" tokens/s "-fa 0;-fa 1" samples_ts \
		llama-bench -p "$1" -n 0 -r "$reps" -o jsonl
}

# Tokens/s of eight sequences together, each after a prompt of 128 of its own.
eight()
{
	run_ours --prompt 0 --gen "$gen" --depth 128 --batch 8 --reps "$reps"
	note "eight at once" ctrans "$(field decode_tps <<<"$line")" tokens/s
	best "eight at once" tokens/s \
		"-fa off -kvu;-fa on -kvu;-fa off -no-kvu;-fa on -no-kvu" speed_tg \
		llama-batched-bench -c $((8 * (128 + gen))) -npp 128 -ntg "$gen" \
		-npl 8 -tb "$threads" --output-format jsonl
}

# Decoding at 128 while another process keeps the last CPU busy.
stolen()
{
	local thief setting words=()

	taskset -c $((threads - 1)) sh -c 'while :; do :; done' &
	thief=$!
	run_ours --prompt 0 --gen "$gen" --depth 128 --reps "$reps"
	note "with a core stolen" ctrans "$(field decode_tps <<<"$line")" tokens/s
	if [ -n "$tree" ]; then
		setting=${settings[$shape decode at 128]%%;*}
		read -ra words <<<"$setting"
		note "with a core stolen" llama.cpp "$(theirs samples_ts \
			llama-bench -p 0 -n "$gen" -d 128 -r "$reps" -o jsonl \
			"${words[@]}")" tokens/s "$setting"
	fi
	kill "$thief"
	wait "$thief" 2>/dev/null || true
}

# spent COMMAND...: $seconds and $mib, the peak, of a whole process
spent()
{
	local start=$EPOCHREALTIME end

	mib=$(/usr/bin/time -f 'peak %M' taskset -c "0-$((threads - 1))" \
		timeout 300 "$@" 2>&1 >/dev/null |
		sed -n 's/^peak //p')
	end=$EPOCHREALTIME
	seconds=$(((${end/[.,]/} - ${start/[.,]/}) / 1000))
	mib=$(awk -v k="${mib:-0}" 'BEGIN { print k ? k / 1024 : "" }')
}

# What the accounts of a token take over what a token takes, decoding at 128 in
# this round: as if nothing else were done meanwhile.
accounting()
{
	local token us

	[ "$shape" = gpt2 ] || return 0
	us=$(build/tests/bench_account | sed -n \
		's/.*radix code: accounts of a token \([0-9.]*\) us.*/\1/p')
	token=$(grep '"decode at 128", "engine": "ctrans"' "$jsonl" | tail -n 1 |
		field value)
	note accounting ctrans "$(awk -v us="$us" -v tps="$token" \
		'BEGIN { if (us * tps > 0) print us * tps / 1e4 }')" %
}

# Peak memory of a process that loads, fills 512 positions and decodes.
memory()
{
	local fa

	ours --prompt 0 --gen "$gen" --depth 512 --reps 0
	spent "${command[@]}"
	note "peak memory" ctrans "$mib" MiB
	[ -n "$tree" ] || return 0
	fa=${settings[$shape decode at 512]%%;*}
	# shellcheck disable=SC2086  # an option and its value
	spent chroot "$tree" llama-bench -m "/tmp/$shape.gguf" -t "$threads" \
		-p 0 -n "$gen" -d 512 -r 1 --no-warmup $fa
	note "peak memory" llama.cpp "$mib" MiB "$fa"
}

# From starting a program to its end, in between a prompt of 128 run and the
# logits after it known: neither samples, neither has a tokenizer to load. The
# files are in the page cache.
first_token()
{
	local fa

	[ -n "$tree" ] || return 0
	ours --prompt 128 --gen 0 --reps 0
	spent "${command[@]}"
	note "load to first token" ctrans "$seconds" ms
	fa=${settings[$shape prefill of 128]%%;*}
	# shellcheck disable=SC2086  # an option and its value
	spent chroot "$tree" llama-bench -m "/tmp/$shape.gguf" -t "$threads" \
		-p 128 -n 0 -r 1 --no-warmup $fa
	note "load to first token" llama.cpp "$seconds" ms "$fa"
	[ -f "build/bench-$shape.gguf" ] || return 0
	command[-1]=build/bench-$shape.gguf
	spent "${command[@]}"
	note "from our own file" ctrans "$seconds" ms
	note "from our own file" llama.cpp "$(tail -n 2 "$jsonl" |
		grep llama.cpp | field value)" ms "$fa"
}

# A sentence of 32 tokens read, and one of 32 written after it, by one that has an
# encoder. Weights are random on either side, but not the same: this library reads
# no such GGUF file. Beams the peer has none, nor several sources at a time.
sentence()
{
	command=(build/tools/ctrans bench --threads "$threads" --json
		--shape "$shape" --prompt 32 --gen 32 --reps "$reps")
	line=$(cpus "${command[@]}" 2>/dev/null) || line=
	note "reading 32" ctrans "$(field encode_ms <<<"$line" |
		awk '$1 > 0 { print 32e3 / $1 }')" tokens/s
	note "decode after 32" ctrans "$(field decode_tps <<<"$line")" tokens/s
	note "beam steps" ctrans "$(field beam_steps_per_second <<<"$line")" steps/s
	note "sentences by beams" ctrans "$(field sentences_per_second <<<"$line")" \
		sentences/s
	note "beams" ctrans "$(field beams <<<"$line")" ''
	note "memory after 32" ctrans "$(field bandwidth_bytes_per_second <<<"$line" |
		awk '{ print $1 / 1e9 }')" GB/s
	note "% of bound after 32" ctrans "$(awk -v a="$(field decode_tps <<<"$line")" \
		-v b="$(field bound_steps_per_second <<<"$line")" \
		'BEGIN { if (b > 0) print 100 * a / b }')" %
	line=$(cpus "${command[@]}" --beams 1 --batch 8 2>/dev/null) || line=
	note "eight at once" ctrans "$(field decode_tps <<<"$line")" tokens/s
	[ -n "$tree" ] && [ -x "$tree/tmp/peer_source" ] &&
		[ -f "$tree/tmp/$shape.gguf" ] || return 0
	best "reading 32" tokens/s "-fa 0;-fa 1" encode_tps \
		/tmp/peer_source -p 32 -n 32 -r "$reps"
	best "decode after 32" tokens/s "-fa 0;-fa 1" decode_tps \
		/tmp/peer_source -p 32 -n 32 -r "$reps"
}
