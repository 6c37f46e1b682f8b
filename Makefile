# SPDX-License-Identifier: MIT
# The front door. Meson builds; this file says what one can ask for.
.PHONY: all build setup-run run check check-quick check-debug bench soak install \
	clean help modules vm vm-run vm-setup vm-debug-kernel vm-kcsan-kernel \
	upstream-series
.DEFAULT_GOAL := all

MODEL	?= models/demo
PROMPT	?= Once upon a time
N	?= 120
ARGS	?=
SECONDS	?= 60
# Empty: whatever the build folder has, /usr/local in a new one.
PREFIX	?=
DESTDIR	?=
# A kernel source to write patches for; empty: Debian's newest.
LINUX	?=
# The kernel that `make modules` builds for.
KDIR	?= /lib/modules/$(shell uname -r)/build
CMD	?= uname -a
export MODEL DESTDIR
# As given: a dollar in them is not one of make's variables.
export VM_COMMAND = $(value CMD)
export RUN_PROMPT = $(value PROMPT)

help:
	@echo 'make               build into build/ (programs in build/tools/)'
	@echo 'make run           set up, build, write text with the demo model'
	@echo '                   PROMPT="..." N=tokens MODEL=path ARGS="--stats"'
	@echo 'make check         set up, build, every test, sanitizers, fuzzing'
	@echo '                   FUZZ_SECONDS=s for each target (10; 60 with CI=true)'
	@echo 'make check-quick   the unit tests and a short end-to-end run'
	@echo 'make check-debug   the driver on a debug kernel, which it builds first: tests in'
	@echo '                   the kernel, all of its detectors, failing allocations, and'
	@echo '                   fuzzing by coverage for FUZZ_SECONDS=s (600)'
	@echo 'make bench         speed on this machine beside its memory bound and, as'
	@echo '                   root, beside llama.cpp; a quarter of an hour; translation'
	@echo '                   alone, four minutes: PARTS=peer SHAPES="t5-small fsmt"'
	@echo 'make soak          32 callers at once, each to get what it gets alone, in'
	@echo '                   three builds, two with sanitizers; SECONDS=each (60)'
	@echo 'make modules       the driver, ctrans.ko in driver/; KDIR=another kernel'
	@echo 'make vm            a shell in a virtual machine with the driver and the chip'
	@echo 'make vm-run        one command there: CMD="ctrans devices"'
	@echo '                   both: VM_KERNEL=6.12|newest|debug|kcsan VM_IRQ=msix|msi|intx'
	@echo '                   VM_IOMMU=none|intel VM_FILES="what to take along"'
	@echo 'make vm-debug-kernel  a kernel with KASAN, lockdep and kmemleak for it'
	@echo 'make vm-kcsan-kernel  one that finds data races instead'
	@echo 'make upstream-series  the driver as patches to the kernel, in build/upstream/,'
	@echo '                   and whether reviewers would find fault; LINUX=source tree'
	@echo 'make install       PREFIX=/usr/local DESTDIR='
	@echo 'make clean         remove build/ and build-*/'

all: build

build/build.ninja:
	meson setup build $(if $(PREFIX),--prefix '$(PREFIX)')

build: build/build.ninja
	@ninja -C build

setup-run:
	@scripts/setup.sh run

# Progress goes to standard error: standard output is the text.
run: setup-run
	@$(MAKE) --no-print-directory build >&2
	@build/tools/ctrans run "$$MODEL" -p "$$RUN_PROMPT" -n $(N) $(ARGS)

check:
	@scripts/setup.sh check
	@scripts/check.sh

check-quick:
	@scripts/setup.sh check
	@scripts/check.sh --quick

check-debug:
	@scripts/setup.sh check
	@scripts/debug.sh

bench:
	@scripts/setup.sh bench
	@scripts/bench.sh $(PARTS)

soak:
	@scripts/setup.sh check
	@scripts/soak.sh $(SECONDS)

modules:
	@scripts/modules.sh '$(KDIR)'

vm-setup:
	@scripts/setup.sh vm
	@tests/vm/bed.sh >/dev/null

# Progress goes to standard error: standard output is the command's.
vm: setup-run vm-setup
	@$(MAKE) --no-print-directory build >&2
	@python3 tests/vm/vm.py shell

vm-run: setup-run vm-setup
	@$(MAKE) --no-print-directory build >&2
	@python3 tests/vm/vm.py run "$$VM_COMMAND"

vm-debug-kernel: vm-setup
	@tests/vm/debug-kernel.sh >/dev/null

upstream-series: vm-setup
	@scripts/upstream-series.sh $(if $(LINUX),'$(LINUX)')

vm-kcsan-kernel: vm-setup
	@tests/vm/debug-kernel.sh build kcsan >/dev/null

install: build
	$(if $(PREFIX),meson configure build --prefix '$(PREFIX)')
	meson install -C build
	@if [ -z "$$DESTDIR" ] && [ "$$(id -u)" = 0 ]; then ldconfig; fi

clean:
	rm -rf build build-asan build-fuzz build-soak-asan build-soak-tsan
