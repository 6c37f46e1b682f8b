# SPDX-License-Identifier: MIT
"""What a kernel's log must not say."""
import re

# One expression for each voice that complains, so that a finding is one line and
# what the kernel prints around it is not found again.
COMPLAINTS = re.compile("|".join((
    r"\bWARNING: (?!.*\btainting kernel\b)",    # WARN_ON, lockdep, RCU, ODEBUG
    r"\bBUG: ",                                 # BUG, KASAN, oops, lockups
    r"\bkernel BUG at ",
    r"\bUBSAN: ",
    r"\bOops: ",
    r"\bgeneral protection fault\b",
    r"\bdouble fault\b",
    r"\bInternal error: ",
    r"\bKernel panic\b",
    r"\bINFO: task .* blocked for more than\b",
    r"\bINFO: .*(possible|inconsistent|suspicious|self-detected|detected stall)",
    r"\brcu: INFO: ",
    r"\bsoft lockup\b",
    r"\bDMA-API: .*(error|leak|not|without|overlap|exceed)",
    r"\bkmemleak: \d+ new suspected memory leaks",
    r"\brefcount_t: ",
    r"\blist_(add|del) corruption\b",
    r"\birq \d+: nobody cared\b",
    r"\bnobody cared \(try booting",
    r"\bINFO: trying to register non-static key\b",
    r"\bscheduling while atomic\b",
    r"\bsleeping function called from invalid context\b",
    r"\bCall Trace:",
    r"\bsysfs: cannot create duplicate\b",
    r"\bDMAR: .*fault",
    r"\bAER: ",
    r"\bOut of memory\b",
    r"\bworkqueue: .*(lockup|hogged)",
)))

# The kernel's own, without a driver of ours.
HARMLESS = re.compile("|".join((
    r"unknown parameter",
    r"DMA-API: preallocated",
    r"DMA-API: debugging enabled",
)))

MARK = re.compile(r"ctrans-test: (.*)$")


def findings(text):
    """[(test, [lines])]: the complaints of a log, at the test during which they
    came ("boot" before the first), each with some lines that follow."""
    found, where = {}, "boot"
    lines = text.splitlines()
    skip_to = 0
    for i, line in enumerate(lines):
        mark = MARK.search(line)
        if mark:
            where = mark.group(1).strip()
            continue
        if i < skip_to or HARMLESS.search(line):
            continue
        if COMPLAINTS.search(line):
            found.setdefault(where, []).append(lines[i:i + 40])
            # The report of which this line is the head.
            skip_to = i + 40
    return list(found.items())
