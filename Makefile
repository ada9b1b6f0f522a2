# SPDX-License-Identifier: MIT
# Names for the few things one does here; the work is done by CMake (CMakePresets.json) and dev/.
.DEFAULT_GOAL := help
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
DESTDIR ?=
CMAKE_RUN = cmake --preset $(1) && cmake --build --preset $(1) -j $(JOBS)

.PHONY: help setup build demo test test-short test-long lint bench amalgamation install docs clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

setup: ## install the Debian packages that building and testing need
	@dev/setup

build: ## the library and the tarn command, optimised, in build/release
	@dev/setup build
	$(call CMAKE_RUN,release)

demo: ## record two real programs, replay them through Tarn and other mallocs, print the verdict
	@dev/setup build demo
	@{ $(call CMAKE_RUN,release); } >build-demo.log 2>&1 || { cat build-demo.log; exit 1; }; rm -f build-demo.log
	@dev/demo

test: ## everything CI runs: unit tests, the gate, every build variant
	@dev/setup build test lint cross docs
	$(call CMAKE_RUN,dev)
	@ctest --preset dev -j $(JOBS)

test-short: ## the quick tests alone, under a minute
	@dev/setup build test
	$(call CMAKE_RUN,dev)
	@ctest --preset short -j $(JOBS)

test-long: ## the long tests: many more random streams, under sanitizers and 32 bit too
	@dev/setup build test lint cross docs
	$(call CMAKE_RUN,dev)
	@ctest --preset long -j $(JOBS)

lint: ## the gate alone: layers, headers, contracts, symbols, style, instruction budgets
	@dev/setup build test lint docs
	$(call CMAKE_RUN,dev)
	@ctest --preset lint -j $(JOBS)

bench: ## the benchmarks against the packaged peers
	@dev/setup build bench
	$(call CMAKE_RUN,bench)
	@cmake --build --preset bench --target run-bench

amalgamation: ## tarn.h and tarn.c, the whole library in two files, in build/amalgamation
	@dev/setup cross
	dev/amalgamate build/amalgamation

install: build ## install below PREFIX (default /usr/local); DESTDIR is honoured
	DESTDIR=$(DESTDIR) cmake --install build/release --prefix $(PREFIX)

docs: ## the API reference, in build/release/docs/html
	@dev/setup build docs
	cmake --preset release && cmake --build --preset release --target docs

clean: ## remove everything that was built
	rm -rf build demo-out
