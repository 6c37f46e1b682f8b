#!/bin/sh
# SPDX-License-Identifier: MIT
#
# suite.sh SECONDS TEST...: in the guest, run the tests named, each for so many
# seconds at most, and then take the driver away. Lines that begin with "@" tell
# suite.py on the host where one begins and ends; the kernel's log gets marks so
# that its complaints can be laid at a test's door.
limit=$1
shift

# mark TEXT
mark() { echo "ctrans-test: $1" >/dev/kmsg; }

echo -1000 >/proc/self/oom_score_adj
echo "@taint $(cat /proc/sys/kernel/tainted)"
kmemleak=/sys/kernel/debug/kmemleak
[ -w $kmemleak ] || kmemleak=
[ -z "$kmemleak" ] || echo clear >$kmemleak

# Races in which a function of the driver takes part, from here on.
kcsan=/sys/kernel/debug/kcsan
if [ -w $kcsan ]; then
	echo whitelist >$kcsan
	sed -n 's/^[0-9a-f]* [tT] \([a-z_0-9]*\)[[:space:]]\[ctrans\]$/!\1/p' \
		/proc/kallsyms | sort -u | while read -r name; do
		echo "$name" >$kcsan
	done
	echo on >$kcsan
fi

for name; do
	echo "@begin $name"
	mark "$name"
	set -- "build/tests/guest_$name"
	[ -x "$1" ] || set -- sh "tests/vm/guest/$name.sh"
	(
		# A test that takes all memory goes itself.
		echo 0 >/proc/self/oom_score_adj
		exec timeout -k 10 "$limit" "$@"
	) </dev/null 2>&1
	status=$?
	# What a test leaves running shall not disturb the next: all but init and
	# this shell, which is init's own child.
	kill -9 -1
	printf '\n@end %s %s\n' $status "$(ctl violations)"
	ctl clear >/dev/null
	ctl fault off >/dev/null
done

mark "unloading"
echo "@begin unload"
if rmmod ctrans 2>&1; then
	echo "ok 1 - the module goes"
else
	echo "not ok 1 - the module goes"
	cat /proc/modules
fi
echo "1..1"
printf '\n@end 0 %s\n' "$(ctl violations)"

if [ -n "$kmemleak" ]; then
	mark "kmemleak"
	echo "@begin kmemleak"
	# Twice: an object counts when two scans saw nobody point to it, and only
	# some seconds after it was made.
	sleep 6
	echo scan >$kmemleak
	sleep 6
	echo scan >$kmemleak
	cat $kmemleak >/run/leaks
	if [ -s /run/leaks ]; then
		echo "not ok 1 - no kernel memory is lost"
		sed 's/^/# /' /run/leaks
	else
		echo "ok 1 - no kernel memory is lost"
	fi
	echo "1..1"
	printf '\n@end 0 %s\n' "$(ctl violations)"
fi
echo "@taint $(cat /proc/sys/kernel/tainted)"
