#!/bin/sh
# SPDX-License-Identifier: MIT
#
# kunit.sh: the driver's tests that run in the kernel, which are a module of their
# own, ctrans-kunit.ko. It runs them as it is loaded; debugfs has what came of it.
# shellcheck source=tests/vm/guest/tap.sh
. "$CTRANS_SOURCE/tests/vm/guest/tap.sh"

module=/vm/modules/ctrans-kunit.ko
results=/sys/kernel/debug/kunit

if [ ! -d $results ]; then
	echo "1..0 # SKIP this kernel has no KUnit, or not its debugfs"
	exit 0
elif [ ! -f $module ]; then
	not_ok "there is a module of tests"
	done_testing
fi

# Those that were there before are the kernel's own.
ls $results >/tmp/kunit.before
check "the module of tests loads" insmod $module
for file in "$results"/*/results; do
	suite=$(basename "${file%/results}")
	! grep -qx "$suite" /tmp/kunit.before || continue
	# A test's line is indented once, those of its parameters twice. A suite's
	# own line says nothing that its tests' do not, unless it was its end that
	# failed.
	sed -n 's/^    \(\(not \)\{0,1\}ok\) [0-9]* /\1 /p' "$file" >/tmp/kunit.tests
	grep -q '^not ok' /tmp/kunit.tests ||
		sed -n 's/^not ok [0-9]* /not ok /p' "$file" >>/tmp/kunit.tests
	[ -s /tmp/kunit.tests ] || not_ok "$suite has tests"
	while read -r word name; do
		case $word in
		ok)
			case $name in
			*'# SKIP'*) skip "$suite: ${name%% \# SKIP*}" "${name#*# SKIP}" ;;
			*) ok "$suite: $name" ;;
			esac ;;
		*) not_ok "$suite: ${name#ok }" "$(cat "$file")" ;;
		esac
	done </tmp/kunit.tests
done
[ "$tests" -gt 1 ] || not_ok "there are suites in it"
check "the module of tests goes" rmmod ctrans_kunit
done_testing
