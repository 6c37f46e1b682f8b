#!/bin/bash
# SPDX-License-Identifier: MIT
#
# check-includes.sh: includes point one way. For each room, what its files may
# include besides themselves and the system's headers; nothing else may. The
# chip model stands alone on uapi/, because it sees only what silicon sees.
set -euo pipefail

cd "$(dirname "$0")/.."

# Quoted includes are "uapi/x.h", "ROOM/x.h" or "ctrans.h", in driver/, which
# kbuild gives no search path, "../uapi/x.h"; the words on the right are what comes
# before the slash.
declare -A may=(
	[uapi]="uapi"
	[driver]="uapi"
	[lib/base]="base"
	[lib/text]="base"
	[lib/model]="base text"
	[lib/convert]="base model text uapi"
	[lib/dispatch]="base model text uapi"
	[lib/program]="base model text convert dispatch uapi"
	[lib/chip]="uapi"
	[lib/device]="base chip uapi"
	[lib/engine]="base text model convert dispatch program device uapi ctrans.h"
	[tools/ctrans]="ctrans.h"
	[tools/ctrans-vdev]="chip device uapi"
)

# shellcheck source=scripts/house.sh
. scripts/house.sh
for room in $(printf '%s\n' "${!may[@]}" | sort); do
	[ -d "$room" ] || continue
	# FILE:LINE:#include "NAME"
	result "$room includes only: ${may[$room]}" < <(
		find "$room" -name '*.[ch]' -print0 |
		xargs -0r grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' |
		awk -F'"' -v room="${room#lib/}" -v allowed="${may[$room]}" '
		BEGIN {
			k = split(allowed, list, " ")
			for (i = 1; i <= k; i++)
				ok[list[i]] = 1
			ok[room] = 1
		}
		{
			# A bare name other than the public header is a file
			# beside the one that includes it.
			top = $2
			if (room == "driver")
				sub(/^\.\.\//, "", top)
			if (sub(/\/.*/, "", top) == 0 && top != "ctrans.h")
				next
			if (!(top in ok))
				print
		}')
done
house_done
