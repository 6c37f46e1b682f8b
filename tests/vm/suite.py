#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""suite.py BOOT [TEST...]: boot one guest, run the tests of tests/vm/guest in it,
all or those named, and print one TAP for them and for what a machine says besides:
the kernel's log, its taint, the chip's count of violations, how everything ended.

BOOT names a kernel and a machine, below; --list has those of `make check`. The
console's text is left in BUILD/check-logs/vm.BOOT.console."""
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys

import klog
from machine import ROOT, Failure, Machine, stale_folders

# Every test on every kernel; on machines of another kind those in which the kind
# can make a difference. What only the debug kernel can do is left to it.
DEBUG_ONLY = r"kunit|inject"
BOOTS = {
    "6.12": {"without": DEBUG_ONLY},
    "newest": {"without": DEBUG_ONLY},
    "iommu": {"kernel": "6.12", "iommu": "intel", "without": DEBUG_ONLY},
    "msi": {"kernel": "6.12", "irq": "msi", "only": r"node|wait|ioctl"},
    "intx": {"kernel": "6.12", "irq": "intx", "only": r"node|wait|ioctl"},
}
DEBUG_BOOTS = {
    "debug": {"without": r"inject|fuzz_cover"},
    "debug-inject": {"kernel": "debug", "only": r"inject"},
    "debug-fuzz": {"kernel": "debug", "only": r"fuzz_cover"},
}
# By hand: `make vm-kcsan-kernel` first.
MORE_BOOTS = {
    "kcsan": {"without": DEBUG_ONLY},
}
ALL_BOOTS = {**BOOTS, **DEBUG_BOOTS, **MORE_BOOTS}
SLOW = ("debug", "kcsan")

# What a module that is not the kernel's own and not signed means for it; and one
# that has tests to run in the kernel.
TAINT_OUT_OF_TREE, TAINT_UNSIGNED, TAINT_TEST = 1 << 12, 1 << 13, 1 << 18


def limits(boot, kernel):
    """Seconds for one test, and for all."""
    fuzz = int(os.environ.get("FUZZ_SECONDS") or 20)
    if boot == "debug-inject":
        return 3600, 5400
    if kernel in SLOW:
        return 900 + fuzz, 3600 + 2 * fuzz
    return 300 + fuzz, 1800 + 2 * fuzz


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def line(self, good, what, why=()):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {what}")
        for text in () if good else why:
            print("# " + text)
        sys.stdout.flush()
        return good

    def end(self):
        print(f"1..{self.count}", flush=True)
        return 1 if self.failed or not self.count else 0


class Guest:
    """Reads what suite.sh prints."""

    def __init__(self, tap):
        self.tap = tap
        self.rest = b""
        self.name = None
        self.taints = []
        self.ended = set()

    def take(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.line(line.decode(errors="replace").rstrip("\r"))

    def line(self, line):
        if line.startswith("@taint "):
            self.taints.append(int(line.split()[1]))
        elif line.startswith("@begin "):
            self.name = line.split()[1]
            self.results = self.failures = 0
            self.plan = None
        elif line.startswith("@end ") and self.name:
            _, status, answer = line.split(" ", 2)
            self.end(int(status), answer)
        elif self.name:
            self.test_line(line)

    def test_line(self, line):
        match = re.match(r"(not )?ok\b\s*\d*\s*(?:-\s*)?(.*)", line)
        if match:
            self.results += 1
            self.failures += bool(match.group(1))
            self.tap.line(not match.group(1), f"{self.name}: {match.group(2)}")
            return
        plan = re.match(r"1\.\.(\d+)(.*SKIP.*)?", line)
        if plan:
            self.plan = int(plan.group(1))
            if self.plan == 0:
                self.tap.line(True, f"{self.name} # SKIP " +
                              line.partition("SKIP")[2].strip())
        elif line and not line.startswith(("TAP version", "KTAP version")):
            print("# " + line.removeprefix("# "), flush=True)

    def end(self, status, answer):
        name, self.name = self.name, None
        self.ended.add(name)
        if status in (124, 137, 143):
            self.tap.line(False, f"{name}: took too long")
        elif self.plan is None or self.plan != self.results:
            self.tap.line(False, f"{name}: {self.results} results of "
                          f"{self.plan} planned, status {status}")
        elif status and not self.failures:
            self.tap.line(False, f"{name}: ended with status {status}")
        try:
            total = json.loads(answer)["total"]
        except (ValueError, KeyError, TypeError):
            total = None
        if total != 0:
            self.tap.line(False, f"{name}: violations that the chip counted: "
                          + answer)


def all_tests(build):
    names = {os.path.basename(p)[:-3] for p in
             glob.glob(ROOT + "/tests/vm/guest/*.sh")} - {"tap"}
    names |= {os.path.basename(p)[6:] for p in glob.glob(build + "/tests/guest_*")
              if os.path.isfile(p)}
    # What throws everything at the driver comes after what must find it whole.
    return sorted(names, key=lambda n: (n.startswith("fuzz"), n))


def environment():
    """What of ours is for the tests, as assignments of the guest's shell."""
    names = ("CTRANS_QUICK", "FUZZ_SECONDS", "FUZZ_SEED", "LIFE_LOOPS")
    return "".join(f"export {n}={os.environ[n]}\n" for n in names
                   if re.fullmatch(r"\w+", os.environ.get(n, "")))


def run(tap, boot, tests):
    how = dict(ALL_BOOTS[boot])
    only = how.pop("only", "")
    without = how.pop("without", "$.")
    kernel = how.pop("kernel", boot)
    build = os.environ.get("CTRANS_BUILD") or ROOT + "/build"
    if not tests:
        tests = [t for t in all_tests(build) if re.search(only, t) and
                 not re.search(without, t)]
    each, whole = limits(boot, kernel)
    vm = Machine(kernel, build, **how)
    try:
        if not vm.modules:
            raise Failure("there is no driver to test")
        if not vm.server_path:
            raise Failure("the build has no ctrans-vdev")
        with open(ROOT + "/tests/vm/suite.sh", "rb") as f:
            suite = f.read()
        command = (f"export CTRANS_VM={boot} CTRANS_VM_KERNEL={kernel}\n"
                   f"{environment()}"
                   f"exec sh /vm/suite {each} "
                   f"{' '.join(tests)}\n")
        vm.boot({"mode": "command"},
                {"/vm/command": command.encode(), "/vm/suite": suite},
                ("stdin", "stdout", "stderr"))
        guest = Guest(tap)
        stray = []
        in_time = vm.serve({"stdout": guest.take, "stderr": stray.append},
                           None, whole)
        qemu_died = vm.status is None and vm.qemu.poll() is not None
        vm.stop()
        text = vm.console_text()
        tap.line(vm.ready is not None, "the guest boots",
                 text.splitlines()[-40:])
        if vm.failure:
            tap.line(False, "the module loads", [vm.failure])
        for name in [*tests, "unload"]:
            if name not in guest.ended:
                tap.line(False, f"{name}: did not come to its end")
        if not in_time or vm.status != 0:
            tap.line(False, "the guest comes to its end", [
                "too late" if not in_time else
                f"QEMU ended, status {vm.qemu.returncode}" if qemu_died else
                f"status {vm.status}", *text.splitlines()[-40:],
                *vm.qemu_said().splitlines()[-10:]])
        for line in b"".join(stray).decode(errors="replace").splitlines():
            print("# " + line)
        complaints = klog.findings(text)
        tap.line(not complaints, "the kernel has nothing to complain of")
        for where, reports in complaints:
            for report in reports:
                tap.line(False, f"{where}: the kernel says: " +
                         re.sub(r"^\[ *[\d.]+\] *", "", report[0]), report)
        expected = TAINT_OUT_OF_TREE | TAINT_UNSIGNED
        tap.line(len(guest.taints) == 2 and guest.taints[0] & ~expected == 0 and
                 guest.taints[1] & ~TAINT_TEST == guest.taints[0],
                 "the kernel is tainted by nothing but a module of others",
                 [f"before and after: {guest.taints}"])
        tap.line(vm.qemu.returncode == 0, "QEMU ends well",
                 [f"status {vm.qemu.returncode}",
                  *vm.qemu_said().splitlines()[-10:]])
        tap.line(vm.server_status == 0, "the chip's server ends well",
                 [f"status {vm.server_status}, {vm.violations}",
                  *vm.server_said().splitlines()[-10:]])
    finally:
        logs = build + "/check-logs"
        os.makedirs(logs, exist_ok=True)
        if os.path.exists(vm.console):
            shutil.copy(vm.console, f"{logs}/vm.{boot}.console")
        vm.remove()


def main(args):
    if args == ["--list"]:
        print("\n".join(BOOTS))
        return 0
    if not args or args[0] not in ALL_BOOTS:
        print(__doc__ + "\n\nBOOT: " + ", ".join(ALL_BOOTS), file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    stale_folders()
    tap = Tap()
    kernel = ALL_BOOTS[args[0]].get("kernel", args[0])
    if kernel in SLOW and subprocess.run(
            [ROOT + "/tests/vm/debug-kernel.sh", "path", kernel], check=False,
            stdout=subprocess.DEVNULL).returncode:
        print(f"1..0 # SKIP there is no {kernel} kernel; `make vm-{kernel}-kernel`"
              " builds it in a quarter of an hour or so")
        return 0
    try:
        run(tap, args[0], args[1:])
    except Failure as e:
        tap.line(False, "there is a guest", str(e).splitlines())
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
