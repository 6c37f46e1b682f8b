# SPDX-License-Identifier: MIT
"""One virtual machine: QEMU, the chip's server beside it, and the sockets
between them and us, all in a folder of its own, so that any number may run at
once. Nothing of it outlives this process."""
import ctypes
import glob
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import initramfs  # noqa: E402

PR_SET_PDEATHSIG = 1
BOOT_SECONDS = 300

# What the guest's kernel is told. Patience first: the machine is emulated and
# may share its host with anything, and a stall of the host is no bug of ours.
KERNEL_ARGS = ("console=ttyS0 loglevel=7 panic=-1 rcupdate.rcu_cpu_stall_timeout=300 "
               "watchdog_thresh=60 kasan_multi_shot tsc=nowatchdog")


class Failure(Exception):
    """A sentence for the user."""


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def script(*args):
    """The output of one of this folder's scripts."""
    here = os.path.join(ROOT, "tests/vm")
    run = subprocess.run([os.path.join(here, args[0]), *args[1:]],
                         stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode:
        raise Failure("")       # it has said why
    return run.stdout.strip()


def find_server(build_dir):
    for path in (f"{build_dir}/tools/ctrans-vdev",
                 f"{build_dir}/tools/ctrans-vdev/ctrans-vdev"):
        if os.path.isfile(path):
            return path
    return None


class Feed:
    """The bytes of a file descriptor into a socket, waiting for neither: a guest
    that does not read may have something to say."""

    def __init__(self, select, source, port):
        self.select, self.source, self.port = select, source, port
        self.left = b""
        port.setblocking(False)
        try:
            select.register(source, selectors.EVENT_READ, "stdin")
            self.idle = source
        except PermissionError:
            # A regular file is always ready, which epoll will not say.
            select.register(port, selectors.EVENT_WRITE, "stdin")
            self.idle = port
        self.watched = self.idle

    def watch(self, what):
        if what is not self.watched:
            self.select.unregister(self.watched)
            self.select.register(what, selectors.EVENT_WRITE if what is self.port
                                 else selectors.EVENT_READ, "stdin")
            self.watched = what

    def step(self):
        """What is watched is ready."""
        self.left = self.left or os.read(self.source, 65536)
        try:
            if self.left:
                self.left = self.left[self.port.send(self.left):]
                self.watch(self.port if self.left else self.idle)
                return
            # Not closed: QEMU would leave unread what is still on its way.
            self.port.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            self.watch(self.port)
            return
        except OSError:
            pass        # nobody takes the rest
        self.select.unregister(self.watched)


class Machine:
    """kernel: 6.12, newest, debug, kcsan; irq: msix, msi, intx; iommu: none, intel;
    load: with the driver."""

    def __init__(self, kernel, build_dir, *, irq="msix", iommu="none",
                 memory=1024, cpus=2, load=True, modules=None, module_args="",
                 extra=()):
        self.kernel, self.irq, self.iommu = kernel, irq, iommu
        self.build_dir = build_dir
        self.memory, self.cpus = memory, cpus
        self.load, self.module_args, self.extra = load, module_args, extra
        self.tree = script("bed.sh")
        self.image = script("kernel.sh", kernel, "image")
        # Without the driver none are built, unless they are asked for.
        self.modules = "" if not (load if modules is None else modules) else \
            script("module.sh", kernel)
        self.server_path = find_server(build_dir)
        self.server = self.qemu = self.control = None
        self.ready = None       # seconds after which the guest's init ran
        self.status = None      # what the guest said at its end
        self.failure = None     # what it said went wrong before
        self.violations = None  # the server's last word
        self.server_status = None
        # Short: a socket's path has 107 bytes.
        self.folder = tempfile.mkdtemp(prefix="ctrans-vm.")
        self.console = f"{self.folder}/console"
        self.token = os.urandom(16).hex().encode()

    # ---- before the boot

    def write_archive(self, settings, files):
        release = "" if self.kernel in ("debug", "kcsan") else \
            script("kernel.sh", self.kernel, "release")
        cpio = initramfs.build(ROOT, self.build_dir, self.tree, release,
                               self.modules, self.extra)
        lines = {"kernel": self.kernel, "load": "yes" if self.load else "no",
                 "module_args": self.module_args,
                 "token": self.token.decode(), **settings}
        text = "".join("%s='%s'\n" % (k, str(v).replace("'", "'\\''"))
                       for k, v in lines.items())
        cpio.data("/vm/settings", text.encode())
        for name, data in files.items():
            cpio.data(name, data)
        with open(f"{self.folder}/initrd", "wb") as f:
            cpio.write(f)

    def start_server(self):
        if not self.server_path:
            return
        with open(f"{self.folder}/server.log", "wb") as log:
            self.server = subprocess.Popen(
                [self.server_path, "--socket", f"{self.folder}/chip",
                 "--control", f"{self.folder}/control", "--irq", self.irq],
                stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, preexec_fn=die_with_parent,
                start_new_session=True)
        end = time.monotonic() + 60
        while not os.path.exists(f"{self.folder}/chip"):
            if self.server.poll() is not None or time.monotonic() > end:
                raise Failure("ctrans-vdev did not start:\n" + self.server_said())
            time.sleep(0.02)

    def server_said(self):
        try:
            with open(f"{self.folder}/server.log", errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def qemu_command(self, ports, terminal):
        lib = self.tree + "/usr/lib/x86_64-linux-gnu"
        args = KERNEL_ARGS
        if self.iommu == "intel":
            args += " intel_iommu=on iommu.strict=1"
        if self.kernel in ("debug", "kcsan"):
            args += " kunit.enable=1"
        command = [
            self.tree + "/lib64/ld-linux-x86-64.so.2", "--library-path", lib,
            self.tree + "/usr/bin/qemu-system-x86_64",
            "-L", self.tree + "/usr/share/qemu",
            "-L", self.tree + "/usr/share/seabios",
            "-nodefaults", "-no-user-config", "-display", "none",
            "-M", "q35,accel=tcg,memory-backend=ram", "-cpu", "max",
            "-smp", str(self.cpus), "-m", str(self.memory),
            "-object", "memory-backend-memfd,id=ram,share=on,"
            f"size={self.memory}M",
            "-no-reboot", "-kernel", self.image,
            "-initrd", f"{self.folder}/initrd", "-append", args,
            "-chardev", f"file,id=console,path={self.console}",
            "-serial", "chardev:console",
            "-device", "virtio-serial-pci,max_ports=8",
        ]
        if terminal:
            command += ["-chardev", "stdio,id=term,mux=on,signal=off",
                        "-device", "virtconsole,chardev=term"]
        for name, path in ports.items():
            command += ["-chardev", f"socket,id={name},path={path}",
                        "-device", f"virtserialport,chardev={name},"
                        f"name=org.ctrans.{name}"]
        if self.iommu == "intel":
            command += ["-device",
                        "intel-iommu,intremap=on,caching-mode=on"]
        if self.server:
            # A server held up for long must not be taken for a dead one.
            command += ["-device", json.dumps({
                "driver": "vfio-user-pci", "x-msg-timeout": 60000,
                "socket": {"type": "unix", "path": f"{self.folder}/chip"}})]
        return command

    # ---- the run

    def boot(self, settings, files, streams=(), terminal=False):
        """Start everything. Streams named besides "host" become sockets in
        self.ports."""
        self.write_archive(settings, files)
        self.start_server()
        listeners, paths = {}, {}
        for name in ("host", *streams):
            listener = socket.socket(socket.AF_UNIX)
            paths[name] = f"{self.folder}/{name}"
            listener.bind(paths[name])
            listener.listen(1)
            listener.settimeout(60)
            listeners[name] = listener
        with open(f"{self.folder}/qemu.log", "wb") as log:
            self.qemu = subprocess.Popen(
                self.qemu_command(paths, terminal),
                stdin=None if terminal else subprocess.DEVNULL,
                stdout=None if terminal else log, stderr=log,
                preexec_fn=die_with_parent, start_new_session=not terminal,
                env={**os.environ, "QEMU_MODULE_DIR":
                     self.tree + "/usr/lib/x86_64-linux-gnu/qemu"})
        self.ports = {}
        for name, listener in listeners.items():
            try:
                self.ports[name] = listener.accept()[0]
            except socket.timeout:
                raise Failure("QEMU did not start:\n" + self.qemu_said()) \
                    from None
            listener.close()
        self.words = b""
        self.started = time.monotonic()

    def qemu_said(self):
        with open(f"{self.folder}/qemu.log", errors="replace") as f:
            return f.read()[-4000:]

    def console_text(self):
        try:
            with open(self.console, errors="replace") as f:
                return f.read().replace("\r", "")
        except OSError:
            return ""

    def ask(self, request):
        """One request to the chip's control socket, its answer."""
        try:
            if not self.server:
                raise OSError("there is no chip in this machine")
            if request == "device kill":
                self.server.kill()
                self.server.wait()
                return '{"ok": true}'
            if not self.control:
                sock = socket.socket(socket.AF_UNIX)
                sock.settimeout(30)
                sock.connect(f"{self.folder}/control")
                self.control = sock.makefile("rwb")
            self.control.write(request.encode() + b"\n")
            self.control.flush()
            answer = self.control.readline().decode().strip()
            if not answer:
                raise OSError("the chip's control socket is closed")
            return answer
        except OSError as e:
            self.control = None
            return json.dumps({"error": str(e)})

    def hear(self, data):
        """Words of the guest's init and of its ctl."""
        self.words += data
        *lines, self.words = self.words.split(b"\n")
        for line in lines:
            word, _, rest = line.decode(errors="replace").partition(" ")
            if word == "ready":
                self.ready = time.monotonic() - self.started
            elif word == "failed":
                self.failure = rest
            elif word == "exit":
                self.status = int(rest)
            elif word == "ctl":
                answer = self.ask(rest).encode() + b"\n"
                try:
                    self.ports["host"].sendall(answer)
                except OSError:
                    pass        # QEMU has gone, which serve() sees

    def serve(self, outputs, source=None, limit=None):
        """Move bytes until the guest has ended: `outputs` maps a stream's name
        to a function that takes its bytes, `source` is a file descriptor whose
        bytes go to the stream "stdin". False when `limit` seconds after its
        boot were not enough."""
        select = selectors.DefaultSelector()
        held = {name: b"" for name in outputs}
        ended = set()
        select.register(self.ports["host"], selectors.EVENT_READ, "host")
        for name in outputs:
            select.register(self.ports[name], selectors.EVENT_READ, name)
        if source is not None:
            feed = Feed(select, source, self.ports["stdin"])
        elif "stdin" in self.ports:
            self.ports["stdin"].close()
        key = self.token
        while not (self.status is not None and len(ended) == len(outputs)):
            if self.ready is None:
                left = self.started + BOOT_SECONDS - time.monotonic()
            elif limit:
                left = self.started + self.ready + limit - time.monotonic()
            else:
                left = 3600
            if left <= 0:
                return False
            for event, _ in select.select(min(left, 1)):
                name = event.data
                if name == "stdin":
                    feed.step()
                    continue
                try:
                    data = event.fileobj.recv(65536)
                except ConnectionResetError:    # QEMU died with words unread
                    data = b""
                if not data:
                    select.unregister(event.fileobj)
                elif name == "host":
                    self.hear(data)
                elif name not in ended:
                    held[name] += data
                    end = held[name].find(key)
                    if end >= 0:
                        outputs[name](held[name][:end])
                        ended.add(name)
                    else:
                        # What may be the token's beginning waits.
                        keep = next((n for n in range(
                            min(len(key) - 1, len(held[name])), 0, -1)
                            if key.startswith(held[name][-n:])), 0)
                        cut = len(held[name]) - keep
                        outputs[name](held[name][:cut])
                        held[name] = held[name][cut:]
            if self.qemu.poll() is not None and not select.select(0):
                break
            if self.status is not None and self.qemu.poll() is not None:
                break
        return True

    # ---- the end

    def stop(self):
        """End both processes; the server's last word is kept."""
        if self.qemu:
            if self.status is not None:
                try:
                    self.qemu.wait(60)
                except subprocess.TimeoutExpired:
                    pass
            if self.qemu.poll() is None:
                self.qemu.kill()
            self.qemu.wait()
        if self.server:
            if self.server.poll() is None:
                self.violations = self.ask("violations")
                self.server.terminate()
                try:
                    self.server.wait(30)
                except subprocess.TimeoutExpired:
                    self.server.kill()
            self.server_status = self.server.wait()

    def remove(self):
        for process in (self.qemu, self.server):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def stale_folders():
    """Folders of machines whose process was killed: theirs is no lock, only an
    age."""
    for folder in glob.glob(tempfile.gettempdir() + "/ctrans-vm.*"):
        try:
            if os.stat(folder).st_uid == os.getuid() and \
                    time.time() - os.stat(folder).st_mtime > 86400:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            pass
