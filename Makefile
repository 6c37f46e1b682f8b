# SPDX-License-Identifier: MIT
# The front door. Meson builds; this file says what one can ask for.
.PHONY: all build setup-run run check check-quick bench soak install clean help
.DEFAULT_GOAL := all

MODEL	?= models/demo
PROMPT	?= Once upon a time
N	?= 120
ARGS	?=
SECONDS	?= 60
# Empty: whatever the build folder has, /usr/local in a new one.
PREFIX	?=
DESTDIR	?=
export PROMPT MODEL DESTDIR

help:
	@echo 'make               build into build/ (programs in build/tools/)'
	@echo 'make run           set up, build, write text with the demo model'
	@echo '                   PROMPT="..." N=tokens MODEL=path ARGS="--stats"'
	@echo 'make check         set up, build, every test, sanitizers, fuzzing'
	@echo '                   FUZZ_SECONDS=s for each target (10; 60 with CI=true)'
	@echo 'make check-quick   the unit tests and a short end-to-end run'
	@echo 'make bench         speed on this machine beside its memory bound and, as'
	@echo '                   root, beside llama.cpp; a quarter of an hour'
	@echo 'make soak          32 callers at once, each to get what it gets alone, in'
	@echo '                   three builds, two with sanitizers; SECONDS=each (60)'
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
	@build/tools/ctrans run "$$MODEL" -p "$$PROMPT" -n $(N) $(ARGS)

check:
	@scripts/setup.sh check
	@scripts/check.sh

check-quick:
	@scripts/setup.sh check
	@scripts/check.sh --quick

bench:
	@scripts/setup.sh bench
	@scripts/bench.sh

soak:
	@scripts/setup.sh check
	@scripts/soak.sh $(SECONDS)

install: build
	$(if $(PREFIX),meson configure build --prefix '$(PREFIX)')
	meson install -C build
	@if [ -z "$$DESTDIR" ] && [ "$$(id -u)" = 0 ]; then ldconfig; fi

clean:
	rm -rf build build-asan build-fuzz build-soak-asan build-soak-tsan
