#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vm.py shell | run COMMAND: a guest with the driver loaded and the chip there.

run prints the command's output and exits with its status; 124 when it took
longer than VM_TIMEOUT seconds, 125 when there was no guest to run it in. The
environment says what kind of guest: VM_KERNEL=6.12|newest|debug|kcsan, VM_IRQ=
msix|msi|intx, VM_IOMMU=none|intel, VM_MEMORY=MiB, VM_CPUS, VM_LOAD=no, VM_MODULE_ARGS,
VM_FILES="path..." (of the checkout, to take along), VM_LOG=file (a copy of the
kernel's console)."""
import os
import shutil
import signal
import sys
import termios

from machine import ROOT, Failure, Machine, stale_folders

WELCOME = """
A Debian kernel with the chip at /dev/accel. /ctrans is the checkout's place;
`ctrans devices`, `dmesg`, `ctl violations` are a start. `exit` leaves, Ctrl-A x
ends the machine at once.
"""


def choice(name, *values):
    """An option of the environment; the first value is the default."""
    value = os.environ.get(name) or values[0]
    if value not in values:
        raise Failure(f"{name}={value}: there are {', '.join(values)}")
    return value


def number(name, default, least):
    text = os.environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise Failure(f"{name}={text} is not a number from {least}")
    return int(text)


def files():
    """What to take along, as paths below the checkout's root."""
    names = (os.environ.get("VM_FILES") or "").split()
    for name in names:
        path = os.path.normpath(os.path.join(ROOT, name))
        if not os.path.exists(path):
            raise Failure(f"VM_FILES: there is no {path}")
        if not path.startswith(ROOT + "/"):
            raise Failure(f"VM_FILES: {name} is outside the checkout")
    return names


def machine():
    env = os.environ.get
    return Machine(
        env("VM_KERNEL") or "6.12", env("CTRANS_BUILD") or ROOT + "/build",
        irq=choice("VM_IRQ", "msix", "msi", "intx"),
        iommu=choice("VM_IOMMU", "none", "intel"),
        memory=number("VM_MEMORY", 1024, 256), cpus=number("VM_CPUS", 2, 1),
        load=choice("VM_LOAD", "yes", "no") == "yes",
        module_args=env("VM_MODULE_ARGS") or "", extra=files())


def say(text):
    print("vm: " + text, file=sys.stderr, flush=True)


def missing(vm):
    if not vm.modules:
        say("there is no driver in this checkout yet: a guest without it")
    if not vm.server_path:
        say("the build has no ctrans-vdev: a guest without the chip")


def run(vm, command):
    def put(stream):
        def write(data):
            stream.buffer.write(data)
            stream.buffer.flush()
        return write

    limit = number("VM_TIMEOUT", 600, 1)
    vm.boot({"mode": "command"}, {"/vm/command": command.encode() + b"\n"},
            ("stdin", "stdout", "stderr"))
    source = None if sys.stdin is None or sys.stdin.isatty() else \
        sys.stdin.fileno()
    in_time = vm.serve({"stdout": put(sys.stdout), "stderr": put(sys.stderr)},
                       source, limit)
    if not in_time and vm.ready is None:
        raise Failure("the guest did not boot; the end of its console:\n" +
                      vm.console_text()[-3000:])
    if not in_time:
        say("the command took longer than VM_TIMEOUT allows")
        return 124
    vm.stop()
    if vm.status is None:
        raise Failure("the machine ended before the command; the end of its "
                      "console:\n" + vm.console_text()[-3000:] + vm.qemu_said())
    return vm.status


def shell(vm):
    if not sys.stdin.isatty():
        raise Failure("a shell needs a terminal; make vm-run CMD='...' does not")
    size = shutil.get_terminal_size()
    say("booting Linux %s, 5 to 10 s" % vm.kernel)
    before = termios.tcgetattr(0)
    try:
        vm.boot({"mode": "shell", "rows": size.lines, "cols": size.columns},
                {"/vm/welcome": WELCOME.replace("\n", "\r\n").encode()},
                terminal=True)
        vm.serve({})
        vm.stop()
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
    return vm.status or 0


def main(args):
    if not args or args[0] not in ("shell", "run") or \
            len(args) != (2 if args[0] == "run" else 1):
        print(__doc__, file=sys.stderr)
        return 2
    # A shell starts what runs in its background with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    stale_folders()
    vm = None
    try:
        vm = machine()
        missing(vm)
        status = run(vm, args[1]) if args[0] == "run" else shell(vm)
        if vm.failure:
            say("the module did not load: " + vm.failure)
        return status
    except Failure as e:
        if str(e):
            say(str(e))
        return 125
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stdout = None
        return 141
    finally:
        if vm:
            log = os.environ.get("VM_LOG")
            if log and os.path.exists(vm.console):
                shutil.copy(vm.console, log)
            vm.remove()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
