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
public="ctrans.h ctrans_convert.h ctrans_dispatch.h ctrans_queue.h ctrans_session.h"
declare -A may=(
	[uapi]="uapi"
	[driver]="uapi"
	[lib/base]="base"
	[lib/text]="base"
	[lib/model]="base text"
	[lib/convert]="base model text uapi ctrans_dispatch.h"
	[lib/dispatch]="base model text uapi ctrans_dispatch.h"
	[lib/program]="base model text convert dispatch uapi ctrans_dispatch.h"
	[lib/chip]="uapi"
	[lib/device]="base chip uapi ctrans_dispatch.h"
	[lib/engine]="base text model convert dispatch program device uapi $public"
	[tools/ctrans]="$public"
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
		awk -F'"' -v room="${room#lib/}" -v allowed="${may[$room]}" \
			-v list=" $public " '
		BEGIN {
			k = split(allowed, name, " ")
			for (i = 1; i <= k; i++)
				ok[name[i]] = 1
			ok[room] = 1
		}
		{
			# A bare name other than a public header is a file
			# beside the one that includes it.
			top = $2
			public = room != "driver" && index(list, " " top " ")
			if (room == "driver")
				sub(/^\.\.\//, "", top)
			if (sub(/\/.*/, "", top) == 0 && !public)
				next
			if (!(top in ok))
				print
		}')
done
house_done
