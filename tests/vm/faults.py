#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""faults.py [KERNEL]: is the bed able to fail? One guest for each mistake of
faults.ko that KERNEL (debug, or 6.12) has a detector for: what the suite looks at
must show it. Not part of `make check`: for whoever changes klog.py, suite.py or
debug.config. Takes ten boots."""
import os
import sys

import klog
from machine import ROOT, Failure, Machine

FAULTS = {
    "debug": ("use_after_free", "out_of_bounds", "shift", "lock_order",
              "sleep_in_atomic", "leak", "list", "refcount", "warn", "oops"),
    "6.12": ("list", "refcount", "warn", "oops"),
}

LEAK = ("k=/sys/kernel/debug/kmemleak; sleep 6; echo scan >$k; sleep 6;"
        "echo scan >$k; [ -n "$(cat $k)" ] && echo 'the list names it'\n")


def main(args):
    kernel = args[0] if args else "debug"
    build = os.environ.get("CTRANS_BUILD") or ROOT + "/build"
    bad = 0
    for n, fault in enumerate(FAULTS[kernel], 1):
        vm = Machine(kernel, build, load=False, modules=True)
        out = []
        try:
            command = (f"echo ctrans-test: {fault} >/dev/kmsg\n"
                       f"insmod /vm/modules/faults.ko fault={fault}\n")
            if fault == "leak":
                command = "echo clear >/sys/kernel/debug/kmemleak\n" + \
                    command + LEAK
            vm.boot({"mode": "command"}, {"/vm/command": command.encode()},
                    ("stdin", "stdout", "stderr"))
            vm.serve({"stdout": out.append, "stderr": out.append}, None, 300)
            vm.stop()
            found = dict(klog.findings(vm.console_text()))
            seen = fault in found and "boot" not in found
            if fault == "leak":
                seen = seen and b"the list names it" in b"".join(out)
            bad += not seen
            print(f"{'ok' if seen else 'not ok'} {n} - {fault}: "
                  f"{found.get(fault, [['nothing was said']])[0][0]}",
                  flush=True)
        finally:
            vm.remove()
    print(f"1..{len(FAULTS[kernel])}")
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as e:
        sys.exit(f"vm: {e}")
