# SPDX-License-Identifier: MIT
#
# From the log of strace -f -X raw: which system calls a program made between the
# first and the last time that it wrote to its standard output, "NAME COUNT" a
# line; ioctls by their number. The writes themselves are "write". What the C library
# does when a thread begins is none of the program's doing: on a busy machine one may
# begin late.
{ thread = $1; sub(/^[0-9]+ +/, "") }
/^(set_robust_list|rseq|rt_sigprocmask)\(/ && !begun[thread] { next }
/^[a-z_0-9]+\(/ { begun[thread] = 1 }
/^write\((0x)?1,/ {
	if (writes++)
		for (name in since)
			calls[name] += since[name]
	split("", since)
	next
}
writes && /^[a-z_0-9]+\(/ {
	name = substr($0, 1, index($0, "(") - 1)
	if (name == "ioctl") {
		split($0, part, /[,)] */)
		name = "ioctl:" part[2]
	}
	since[name]++
}
END {
	print "write", writes + 0
	for (name in calls)
		print name, calls[name]
}
