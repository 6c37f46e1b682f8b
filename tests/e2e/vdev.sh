#!/bin/bash
# SPDX-License-Identifier: MIT
#
# ctrans-vdev as a program: its options, its sockets, how it ends.
# shellcheck source=tests/e2e/tap.sh
. "$(dirname "$0")/tap.sh"

vdev=$CTRANS_BUILD/tools/ctrans-vdev
[ -x "$vdev" ] || skip_all "no $vdev"

# ask COMMAND: what the control socket answers.
ask()
{
	python3 - "$tap_dir/control" "$1" <<'PY'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(30)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b"\n")
print(s.makefile().readline(), end="")
PY
}

start()
{
	"$vdev" --socket "$tap_dir/socket" --control "$tap_dir/control" --threads 1 \
		"$@" >"$out" 2>"$err" &
	server=$!
	for _ in $(seq 300); do
		[ -S "$tap_dir/control" ] && return
		sleep 0.1
	done
	diag <"$err"
}

# Until the server has ended; its exit status is then in $status.
ended()
{
	status=0
	wait "$server" || status=$?
}

call "$vdev" --help
expect_status 0 "--help"
sed 's/\\-/-/g; s/\\f[BIRP]//g' "$CTRANS_SOURCE/tools/man/ctrans-vdev.1" >"$tap_dir/page"
undocumented=
for option in $(sed -nE 's/^  -., (--[a-z]+).*/\1/p' "$out"); do
	grep -qE -- "$option( |\$|\")" "$tap_dir/page" || undocumented+=" $option"
done
expect_equal "$undocumented" "" "ctrans-vdev(1) has every option that help has"
expect_equal "$(grep -c -- --control "$out")" 1 "and help has them"
for code in 0 1 2 3; do
	expect_match "$tap_dir/page" "^\.B $code\$" "ctrans-vdev(1) has exit status $code"
done

# Of the source, as a server is not started for it.
undocumented=
faults=$(sed -nE 's/^\t\{ "([a-z-]+)", [0-9],.*/\1/p' \
	"$CTRANS_SOURCE/tools/ctrans-vdev/fault.c")
for fault in $faults; do
	grep -qE "^\.(B|BR|BI) $fault( |\$)" "$tap_dir/page" || undocumented+=" $fault"
done
expect_equal "$(wc -w <<<"$faults")$undocumented" 16 "and every fault that there is"

for bad in "" "--socket" "--socket x extra" "--nonsense" "--socket x --threads two" \
	"--socket x --threads 100000" "--socket x --irq pin" "--socket x --kernel nosuch"; do
	# shellcheck disable=SC2086
	call "$vdev" $bad
	expect_status 2 "refused: ctrans-vdev $bad"
done
call "$vdev" --socket "$tap_dir/no/such/folder"
expect_status 1 "a socket that cannot be made"
touch "$tap_dir/file"
call "$vdev" --socket "$tap_dir/file"
expect_status 1 "a file in its place stays"
check "and is there" test -f "$tap_dir/file"

start
call "$vdev" --socket "$tap_dir/socket"
expect_status 1 "a socket at which another server listens"
expect_equal "$(ask violations)" \
	'{"total":0,"powered_down":0,"no_bus_master":0,"unbound":0,"stopped_doorbell":0}' \
	"no violations at first"
kill -TERM "$server"
ended
expect_status 0 "SIGTERM ends it well"
expect_match "$err" "^ctrans-vdev: 0 violations" "with the counts"
check "its sockets go" test ! -e "$tap_dir/socket" -a ! -e "$tap_dir/control"

start --irq intx
kill -KILL "$server"
ended
check "killed, it leaves a socket" test -S "$tap_dir/socket"
rm "$tap_dir/control"
start --irq msi --kernel reference
case $(ask state) in
*'"attached":false'*'"irq":"msi"'*'"kernel":"reference"'*) ok "which the next one takes over" ;;
*) not_ok "which the next one takes over" ;;
esac
expect_equal "$(ask 'fault evil 7')$(ask 'fault hang 3')" '{"ok":true}{"ok":true}' \
	"it can have faults"
expect_equal "$(ask faults)" '{"hang":3,"evil":{"seed":7,"reads":0,"id":false}}' \
	"and says which"
expect_equal "$(ask 'fault off')$(ask faults)" '{"ok":true}{}' "and loses them"
expect_equal "$(ask quit)" '{"ok":true}' "quit"
ended
expect_status 0 "ends it"
tap_done
