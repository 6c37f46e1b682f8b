# SPDX-License-Identifier: MIT
"""The guest's root: an uncompressed cpio archive (the guest is emulated, to
unpack would take it longer than to read), written here so that device nodes and
owners need no root."""
import lzma
import os
import re
import stat
import subprocess


class Cpio:
    """An archive in the "newc" format that the kernel reads."""

    def __init__(self):
        self.parts = []
        self.seen = set()

    def _entry(self, name, mode, data=b""):
        header = b"070701" + b"".join(b"%08X" % v for v in (
            len(self.parts) + 1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0,
            len(name) + 1, 0))
        head = header + name.encode() + b"\0"
        self.parts.append(head + b"\0" * (-len(head) % 4) +
                          data + b"\0" * (-len(data) % 4))

    def folder(self, name):
        """A folder and those above it."""
        name = name.strip("/")
        if not name or name in self.seen:
            return
        self.folder(os.path.dirname(name))
        self.seen.add(name)
        self._entry(name, stat.S_IFDIR | 0o755)

    def data(self, name, data, mode=0o644):
        name = name.strip("/")
        if name in self.seen:
            return
        self.folder(os.path.dirname(name))
        self.seen.add(name)
        self._entry(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        name = name.strip("/")
        if name in self.seen:
            return
        self.folder(os.path.dirname(name))
        self.seen.add(name)
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def file(self, name, source):
        with open(source, "rb") as f:
            self.data(name, f.read(), os.stat(source).st_mode & 0o777)

    def tree(self, name, source):
        """A file, or a folder with all that is in it."""
        if not os.path.isdir(source):
            self.file(name, source)
            return
        self.folder(name)
        for entry in sorted(os.listdir(source)):
            self.tree(f"{name}/{entry}", os.path.join(source, entry))

    def write(self, f):
        self._entry("TRAILER!!!", 0)
        f.write(b"".join(self.parts))


def libraries(program):
    """What the dynamic linker loads for a program: {path in the guest: path
    here}; its interpreter, too."""
    out = subprocess.run(["ldd", program], capture_output=True, text=True,
                         check=False)
    if out.returncode:
        return {}       # static, or no program
    lost = re.findall(r"(\S+) => not found", out.stdout)
    if lost:
        raise RuntimeError(f"{program} needs {', '.join(lost)}, "
                           "which ldd does not find here")
    return {path: path for path in
            re.findall(r"(?:=> )?(/\S+) \(0x", out.stdout)}


def add_program(cpio, root, program):
    """A program of the build, at the place below /ctrans that it has below
    `root`, with the host's libraries. Those of the build keep their place
    beside it, others theirs in the system."""
    cpio.file("/ctrans/" + os.path.relpath(program, root), program)
    for name, source in libraries(program).items():
        real = os.path.realpath(name)
        if real.startswith(root + "/"):
            cpio.file("/ctrans/" + os.path.relpath(name, root), source)
        else:
            cpio.file(name, source)


def add_foreign(cpio, tree, name):
    """A program of the bed's tree, whose libraries are not those of the host:
    it is started through its own dynamic linker."""
    linker = tree + "/lib64/ld-linux-x86-64.so.2"
    out = subprocess.run([linker, "--library-path",
                          tree + "/usr/lib/x86_64-linux-gnu",
                          "--list", f"{tree}/usr/bin/{name}"],
                         capture_output=True, text=True, check=True).stdout
    for lib in re.findall(r"=> (\S+) ", out):
        cpio.file("/vm/lib/" + os.path.basename(lib), lib)
    cpio.file("/vm/lib/ld.so", linker)
    cpio.file(f"/vm/lib/{name}", f"{tree}/usr/bin/{name}")
    cpio.data(f"/usr/bin/{name}",
              b'#!/bin/sh\nexec /vm/lib/ld.so --library-path /vm/lib '
              b'/vm/lib/%s "$@"\n' % name.encode(), 0o755)


def module_needs(path):
    """The modules that one module's own description says it depends on."""
    with open(path, "rb") as f:
        found = re.search(rb"\0depends=([^\0]*)\0", b"\0" + f.read())
    names = found.group(1).decode() if found else ""
    return [n for n in names.split(",") if n]


def add_kernel_modules(cpio, tree, release, wanted):
    """The modules `wanted` of a kernel and what they need, unpacked, in the
    order in which they load; one that is built in is left out."""
    base = f"{tree}/usr/lib/modules/{release}"
    needs, paths, order = {}, {}, []
    with open(base + "/modules.dep", encoding="ascii") as f:
        for line in f:
            path, deps = line.rstrip("\n").split(":")
            name = os.path.basename(path).split(".")[0].replace("-", "_")
            paths[name] = path
            needs[name] = [os.path.basename(d).split(".")[0].replace("-", "_")
                           for d in deps.split()]

    def visit(name):
        if name in order or name not in needs:
            return
        for other in needs[name]:
            visit(other)
        order.append(name)

    for name in wanted:
        visit(name.replace("-", "_"))
    for name in order:
        path = f"{base}/{paths[name]}"
        opened = lzma.open(path) if path.endswith(".xz") else open(path, "rb")
        with opened as f:
            cpio.data(f"/vm/modules/{name}.ko", f.read())
    return order


def build(root, build_dir, tree, release, modules, extra=()):
    """The archive of everything that does not change from boot to boot: busybox,
    the kernel's modules and ours, programs of the build, models and tests."""
    here = os.path.join(root, "tests/vm")
    cpio = Cpio()
    for folder in ("dev", "proc", "sys", "tmp", "run", "root", "mnt", "var/tmp",
                   "etc"):
        cpio.folder(folder)
    busybox = tree + "/usr/bin/busybox"
    cpio.file("/bin/busybox", busybox)
    applets = subprocess.run([busybox, "--list-full"], capture_output=True,
                             text=True, check=True).stdout.split()
    for applet in applets:
        name = "/bin/" + os.path.basename(applet)
        if applet != "bin/busybox":
            cpio.link(name, "/bin/busybox")
    for folder in ("sbin", "usr/sbin"):
        cpio.link(folder, "/bin")
    cpio.file("/init", here + "/init")
    cpio.file("/usr/bin/ctl", here + "/ctl")
    cpio.data("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"
              b"nobody:x:65534:65534:nobody:/:/bin/sh\n")
    cpio.data("/etc/group", b"root:x:0:\nrender:x:105:\nnogroup:x:65534:\n")
    cpio.data("/etc/profile", b"PS1='ctrans-vm:\\w# '\n")
    for name in ("strace", "flock"):
        add_foreign(cpio, tree, name)

    needs = []
    if modules:
        # What the driver asks for by name; where it is built in there is none.
        needs.append("governor_simpleondemand")
        for name in sorted(os.listdir(modules)):
            cpio.file(f"/vm/modules/{name}", f"{modules}/{name}")
            needs += module_needs(f"{modules}/{name}")
    order = []
    if release:
        order = add_kernel_modules(cpio, tree, release, needs)
    cpio.data("/vm/modules/before",
              "".join(f"{name}.ko\n" for name in order).encode())

    programs = [f"{build_dir}/tools/ctrans"]
    tests = f"{build_dir}/tests"
    if os.path.isdir(tests):
        programs += [f"{tests}/{name}" for name in sorted(os.listdir(tests))
                     if re.fullmatch(r"(guest|vm|bench)_\w+", name)]
    for program in programs:
        if os.path.isfile(program):
            add_program(cpio, root, program)
    for name in ("models/demo", "models/demo-t5", "tests/data", "tests/vm/guest", *extra):
        source = os.path.join(root, name)
        if os.path.exists(source):
            cpio.tree("/ctrans/" + os.path.relpath(source, root), source)
    return cpio
