# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# house.sh: what the house's checks (check-*.sh) report with: source it, call
# result for each rule, end with house_done.

n=0
failed=0

# result WHAT: ok when standard input is empty, which else says what is wrong.
result()
{
	local wrong
	wrong=$(cat)
	n=$((n + 1))
	if [ -z "$wrong" ]; then
		echo "ok $n - $1"
	else
		failed=$((failed + 1))
		echo "not ok $n - $1"
		head -n 60 <<<"$wrong" | sed 's/^/# /'
	fi
}

# The plan; the status says whether all rules are kept.
house_done()
{
	echo "1..$n"
	[ "$failed" = 0 ]
}
