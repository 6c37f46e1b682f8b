#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""series.py --check: does every file of the driver have its patch?
series.py LINUX OUT: write OUT/*.patch, the driver as patches to the kernel source
in LINUX, of which only the files that they touch are read.

A file becomes what it is upstream by few changes: where headers are, the kernel's
own way to say what this repository says for several kernels, Kbuild to Makefile.
Anything else that a kernel would want otherwise is changed in the driver itself.
The author is who git says you are."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap

ROOT = os.path.realpath(os.path.dirname(__file__) + "/../..")
HERE = ROOT + "/scripts/upstream/"
DRIVER = "drivers/accel/ctrans/"
# Files of the kernel that are changed, not added.
TOUCHED = ("MAINTAINERS", "drivers/accel/Kconfig", "drivers/accel/Makefile",
           "Documentation/accel/index.rst")
UAPI = ("ctrans_accel.h", "ctrans_job.h", "ctrans_insn.h", "ctrans_layout.h",
        "ctrans_stat.h")

# Subject, text, and what it adds: files of driver/ and uapi/, or a step below.
PATCHES = (
    ("drm/uapi: Add the interface of the C-Transformer accelerator",
     """ctrans_accel.h is what a process and the kernel say to each other: buffers,
address spaces and queues. The others are what a process and the chip say to each
other without the kernel: doorbell words, entries, programs, and the layouts that
these read.""",
     [*("uapi/" + name for name in UAPI), "maintainers"]),
    ("accel/ctrans: Add registers, probe and the DRM device",
     """The kernel's side of the chip and the frame of the driver: who outlives
whom, in which order locks are taken, and how a chip is taken away from its users.
The files are compiled once all of them are there.""",
     ["uapi/ctrans_regs.h", "ctrans_drv.h", "ctrans_drv.c", "ctrans_device.c",
      "ctrans_pci.c"]),
    ("accel/ctrans: Add buffers and address spaces",
     """Buffers are pinned and mapped while they are bound. What is unbound is
cleared, invalidated and acknowledged by the chip before anything is freed.""",
     ["ctrans_gem.c", "ctrans_mmu.c", "ctrans_vm.c"]),
    ("accel/ctrans: Add queues, doorbells and waits",
     """Doorbells are mapped into their owners and taken away whenever a store must
not reach the chip. Those who sleep arm the chip's interrupt themselves, so no
wake-up is lost and nobody is woken who does not sleep.""",
     ["ctrans_queue.h", "ctrans_queue.c", "ctrans_queue_create.c",
      "ctrans_doorbell.c", "ctrans_irq.c", "ctrans_wait.c"]),
    ("accel/ctrans: Add runtime power management and recovery",
     """The chip sleeps when no queue has anything to do and wakes by a doorbell's
fault; nothing is rewound. A job without progress is aborted, then its context is
reset, then the chip, then by the bus, and a chip that does not come back is cut
off from memory.""",
     ["ctrans_power.c", "ctrans_carry.c", "ctrans_hang.h", "ctrans_hang.c",
      "ctrans_watchdog.c", "ctrans_reset.c", "ctrans_dump.c"]),
    ("accel/ctrans: Add operating points, sensors and counters",
     """devfreq, a cooling device, hwmon, fdinfo, sysfs and tracepoints. Reading any
of it wakes no chip.""",
     ["ctrans_telemetry.h", "ctrans_counters.c", "ctrans_opp.c", "ctrans_sensors.c",
      "ctrans_devfreq.c", "ctrans_thermal.c", "ctrans_hwmon.c", "ctrans_sysfs.c",
      "ctrans_fdinfo.c", "ctrans_debugfs.c", "ctrans_trace.h", "ctrans_trace.c"]),
    ("accel/ctrans: Let the driver be built",
     """All of its files are there.""",
     ["build"]),
    ("accel/ctrans: Add KUnit tests",
     """Of what needs no chip: how 32 bits of completions become 64, page tables as
the chip walks them, operating points and sensors, and when a job is stuck.""",
     ["tests", "build tests"]),
    ("accel/ctrans: Add documentation",
     """How user space works with the rings, what is done with a chip that hangs or
sleeps, and what can be read of it.""",
     ["documentation"]),
)


def fail(text):
    sys.exit("upstream: " + text)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def git(repo, *args, text=None):
    done = subprocess.run(["git", "-C", repo, "-c", "core.abbrev=12", *args],
                          input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        fail(f"git {args[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def replaced(text, what, by, where):
    """Something that is not there any more is noticed here, not upstream."""
    if what not in text:
        fail(f"{where}: there is no {what!r} to be replaced")
    return text.replace(what, by)


# ---- Files ------------------------------------------------------------------

def of_names(text):
    """Names of this repository's folders mean nothing there."""
    for ours, theirs in (("docs/driver/sysfs-", "Documentation/ABI/testing/sysfs-"),
                         ("docs/driver/", "Documentation/accel/ctrans/")):
        text = text.replace(ours, theirs)
    text = re.sub(r"\bdriver/(ctrans_\w+\.[ch])", DRIVER + r"\1", text)
    return re.sub(r"\buapi/(ctrans_\w+\.h)", r"\1", text)


def of_driver(text):
    for name in UAPI:
        text = re.sub(rf'#include "(\.\./)+uapi/{name}"', f"#include <drm/{name}>",
                      text)
    text = re.sub(r'#include "(\.\./)+uapi/ctrans_regs\.h"',
                  '#include "ctrans_regs.h"', text)
    text = re.sub(r"/\* Given as text: the macro for it[^/]*\*/\n"
                  r'MODULE_INFO\(import_ns, ("\w+")\);', r"MODULE_IMPORT_NS(\1);",
                  text)
    # Newer kernels allocate by type.
    text = re.sub(r"\bkzalloc\(sizeof\((\*\w+)\), ", r"kzalloc_obj(\1, ", text)
    return of_names(text)


def of_uapi(name, text):
    """The kernel's own header of registers is one of the driver's there."""
    if name in UAPI:
        return text
    text = replaced(text, "(GPL-2.0-only WITH Linux-syscall-note) OR MIT",
                    "GPL-2.0-only OR MIT", name)
    text = replaced(text, "#include <linux/types.h>",
                    "#include <linux/bits.h>\n#include <linux/types.h>", name)
    text = re.sub(r"\(1u << (\w+)\)", r"BIT(\1)", text)
    return re.sub(r"\(1ull << (\w+)\)", r"BIT_ULL(\1)", text)


def makefile(tests):
    """driver/Kbuild without what is for building outside of the kernel."""
    text = read(ROOT + "/driver/Kbuild")
    text = replaced(text, "obj-m := ctrans.o",
                    "\nobj-$(CONFIG_DRM_ACCEL_CTRANS) += ctrans.o", "driver/Kbuild")
    for line in ("ccflags-y := -I", "KCOV_INSTRUMENT := y"):
        text, n = re.subn(rf"(#.*\n)*{re.escape(line)}.*\n\n?", "", text)
        if n != 1:
            fail(f"driver/Kbuild: there is no one line {line}")
    unit = re.search(r"\n(?:#.*\n)*ifneq \(\$\(CONFIG_KUNIT\),\)\n(?s:.*?)endif\n\n?"
                     r"(ctrans-kunit-y := (?:.*\\\n)*.*\n)", text)
    if not unit:
        fail("driver/Kbuild: where are the tests?")
    text = text[:unit.start()] + text[unit.end():]
    if tests:
        text = (text.rstrip("\n") + "\n\nobj-$(CONFIG_DRM_ACCEL_CTRANS_KUNIT_TEST)"
                " += ctrans-kunit.o\n\n" + unit.group(1))
    return re.sub(r"\n{3,}", "\n\n", text)


def kconfig(tests):
    text = read(HERE + "Kconfig")
    driver, option, rest = text.partition("\nconfig DRM_ACCEL_CTRANS_KUNIT_TEST")
    return driver + option + rest if tests else driver


def insert_sorted(text, line, pattern):
    """Before the first of the lines like it that comes after it."""
    for match in re.finditer(pattern, text, re.M):
        if match.group(0) > line:
            return text[:match.start()] + line + "\n" + text[match.start():]
    fail(f"no place for {line!r}")
    return None


# ---- Patches ----------------------------------------------------------------

class Series:
    def __init__(self, repo, author):
        self.repo = repo + "/"
        self.author = author

    def change(self, path, how):
        write(self.repo + path, how(read(self.repo + path)))

    def add(self, what):
        if what == "maintainers":
            self.maintainers()
        elif what == "build":
            write(self.repo + DRIVER + "Makefile", makefile(False))
            write(self.repo + DRIVER + "Kconfig", kconfig(False))
            self.change("drivers/accel/Kconfig", lambda text: insert_sorted(
                text, 'source "drivers/accel/ctrans/Kconfig"', r'^source ".*'))
            self.change("drivers/accel/Makefile", lambda text: insert_sorted(
                text, "obj-$(CONFIG_DRM_ACCEL_CTRANS)\t\t+= ctrans/", r"^obj-.*"))
        elif what == "build tests":
            write(self.repo + DRIVER + "Makefile", makefile(True))
            write(self.repo + DRIVER + "Kconfig", kconfig(True))
        elif what == "tests":
            for path in sorted(glob.glob(ROOT + "/driver/tests/*.[ch]")):
                write(self.repo + DRIVER + "tests/" + os.path.basename(path),
                      of_driver(read(path)))
        elif what == "documentation":
            self.documentation()
        elif what.startswith("uapi/"):
            name = what.removeprefix("uapi/")
            to = "include/uapi/drm/" if name in UAPI else DRIVER
            write(self.repo + to + name, of_uapi(name, read(ROOT + "/" + what)))
        else:
            write(self.repo + DRIVER + what, of_driver(read(ROOT + "/driver/" + what)))

    def maintainers(self):
        entry = read(HERE + "maintainers.txt").replace("@AUTHOR@", self.author)
        self.change("MAINTAINERS", lambda text: insert_entry(text, entry))

    def documentation(self):
        for path in sorted(glob.glob(ROOT + "/docs/driver/*")):
            name = os.path.basename(path)
            to = "Documentation/accel/ctrans/" + name
            # The record of this repository's tests stays with them.
            if name == "tested.rst":
                continue
            if name.startswith("sysfs-"):
                to = "Documentation/ABI/testing/" + name
            text = read(path)
            if name == "index.rst":
                text = replaced(text, "   tested\n", "", "docs/driver/index.rst")
            write(self.repo + to, of_names(text))
        self.change("Documentation/accel/index.rst", lambda text: insert_sorted(
            text, "   ctrans/index", r"^   \w+/index"))

    def commit(self, subject, body):
        git(self.repo, "add", "-A")
        git(self.repo, "commit", "-q", "-s", "-F", "-",
            text=f"{subject}\n\n{textwrap.fill(body, 72)}\n")


def insert_entry(text, entry):
    """Entries are sorted by their first line."""
    start = text.index("Maintainers List")
    title = entry.partition("\n")[0]
    for match in re.finditer(r"^[A-Z0-9].*\n[MRLSWQBCPTFXNK]:\t", text[start:], re.M):
        if match.group(0).partition("\n")[0] > title:
            at = start + match.start()
            return text[:at] + entry + "\n" + text[at:]
    fail("MAINTAINERS has no place")
    return None


def check():
    """Every file in one patch, and no patch of a file that is not there."""
    there = {os.path.relpath(p, ROOT + "/driver")
             for p in glob.glob(ROOT + "/driver/*.[ch]")}
    there |= {"uapi/" + os.path.basename(p) for p in glob.glob(ROOT + "/uapi/*.h")}
    listed = [w for *_, what in PATCHES for w in what if w.endswith((".c", ".h"))]
    wrong = [f"{name} is in no patch of PATCHES" for name in there - set(listed)]
    wrong += [f"{name} is in PATCHES, but not there" for name in set(listed) - there]
    wrong += [f"{name} is in PATCHES twice" for name in set(listed)
              if listed.count(name) > 1]
    built = set(re.findall(r"\s([\w/]+)\.o\b(?! :?=)", makefile(True))) - {
        "ctrans", "ctrans-kunit"}
    sources = {name[:-2] for name in there if name.endswith(".c")} | {
        "tests/" + os.path.basename(p)[:-2]
        for p in glob.glob(ROOT + "/driver/tests/*.c")}
    wrong += [f"{name} is built, but not there, or the reverse"
              for name in built ^ sources]
    if wrong:
        fail("scripts/upstream/series.py: " + "; ".join(sorted(wrong)))


def main(args):
    check()
    if args == ["--check"]:
        return 0
    if len(args) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    linux, out = args
    if "kzalloc_obj" not in read(linux + "/include/linux/slab.h"):
        fail(f"{linux} is too old: patches are for kernels that have kzalloc_obj()")
    author = re.sub(r" \d+ [-+]\d+$", "", git(ROOT, "var", "GIT_AUTHOR_IDENT"))
    repo = tempfile.mkdtemp(prefix="ctrans-upstream-")
    try:
        git(repo, "init", "-q", "-b", "series")
        # As whoever runs this, whatever this checkout says.
        for key in ("user.name", "user.email"):
            value = author.partition(" <")[0] if key == "user.name" else \
                author.partition(" <")[2].rstrip(">")
            git(repo, "config", key, value)
        git(repo, "config", "commit.gpgsign", "false")
        for path in TOUCHED:
            write(f"{repo}/{path}", read(f"{linux}/{path}"))
        git(repo, "add", "-A")
        git(repo, "commit", "-q", "-m", "base")
        base = git(repo, "rev-parse", "HEAD")
        series = Series(repo, author)
        for subject, body, what in PATCHES:
            for one in what:
                series.add(one)
            series.commit(subject, body)
        shutil.rmtree(out, ignore_errors=True)
        os.makedirs(out)
        git(repo, "format-patch", "-q", "--rfc", "--cover-letter", "--no-signature",
            "-o", os.path.realpath(out), base)
        cover(out)
    finally:
        shutil.rmtree(repo)
    print("\n".join(sorted(glob.glob(out + "/*.patch"))))
    return 0


def cover(out):
    path = glob.glob(out + "/0000-*.patch")[0]
    subject, _, text = read(HERE + "cover.txt").partition("\n\n")
    letter = replaced(read(path), "*** SUBJECT HERE ***", subject, "cover letter")
    write(path, replaced(letter, "*** BLURB HERE ***", text.rstrip("\n"),
                         "cover letter"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
