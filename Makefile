# The short commands; CMake presets (CMakePresets.json) are underneath. `make demo` and `make test` set up what they need.
#
#   make demo     set up, build, and run the main job on a real handwritten digit (examples/digits/demo.sh)
#   make demo-text  the same for a small language model's answer (examples/text/demo.sh)
#   make test     set up, build, and pass the tests
#   make test-all every test there is; ends with a table of attacks (build/attacks.json)
#   make build    the command line at build/release/dsperse
#   make setup    what a build needs, by apt (SETUP=no skips it); make setup-dev adds the clang tools
#   make attack   disarm each rule of the verifier alone; some attack must then succeed
#   make wasm     the verifier as a WebAssembly module with its JavaScript at build/wasm/package
#   make sim      adversaries and faults against the trust half, thousands of seeds; build/sim.json (docs/simulation.md)
#   make chaos-local  200 runs over processes that are killed and stopped, on a disk that fills: docs/chaos.md (RUNS=200, SEED=N)
#   make conformance  single-operator cases, imported, run, proved and attacked; build/conformance.json. All of ONNX's (SAMPLE=10: every
#                 tenth) and ten random ones of each operator (RANDOM=N, SEED=S)
#   make guard    instructions of fixed pieces of work under callgrind against tools/guard.json; fails at +5 %
#   make bench    the benchmarks (BENCH_ARGS="--quick" | "--large" ...); make bench-peers: the same models through EZKL and ONNX Runtime
#   make sanitize | sanitize-thread | fuzz | format | lint | clean
#   PRESET=dev|asan|tsan|clang, JOBS=N, CTEST_ARGS="-R name", CMAKE_ARGS=-DDSPERSE_WERROR=ON
PRESET ?= release
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
CTEST_ARGS ?= -LE slow
SETUP ?= yes
SECONDS_EACH ?= 20
CLANG_FORMAT ?= clang-format-19
BUILD := build/$(PRESET)
# What one clone has compiled, ccache gives to every other: paths relative to the clone.
export CCACHE_BASEDIR ?= $(CURDIR)
export CCACHE_NOHASHDIR ?= 1

.DEFAULT_GOAL := build
.PHONY: attack conformance guard bench-build bench-peers bench-report bench-venv measure-setup sim chaos-local sanitize sanitize-thread fuzz setup setup-dev wasm configure build test test-all demo demo-text bench format format-check lint clean

setup:
ifneq ($(SETUP),no)
	@tools/setup.sh
endif

setup-dev:
	@tools/setup.sh dev

wasm:
ifneq ($(SETUP),no)
	@tools/setup.sh wasm
endif
	cmake --preset wasm
	cmake --build --preset wasm --parallel $(JOBS)

configure: setup
	cmake --preset $(PRESET) $(CMAKE_ARGS)

build: configure
	cmake --build $(BUILD) --parallel $(JOBS)

test: build
	ctest --test-dir $(BUILD) --parallel $(JOBS) --output-on-failure $(CTEST_ARGS)

# Everything: the slow tests too, disarmed rules, fuzzing, sanitizers, the other verifiers. The sum of all attacks is
# build/attacks.json; fails if one survived, something known was not attacked, or a rule of the verifier protects nothing.
TALLY := $(CURDIR)/build/tally
test-all:
	rm -rf $(TALLY) && mkdir -p $(TALLY)
	$(MAKE) --no-print-directory wasm
	DSPERSE_TALLY=$(TALLY) $(MAKE) --no-print-directory test CTEST_ARGS=
	DSPERSE_TALLY=$(TALLY) $(MAKE) --no-print-directory attack
	DSPERSE_TALLY=$(TALLY) $(MAKE) --no-print-directory fuzz
	$(MAKE) --no-print-directory sanitize
	$(MAKE) --no-print-directory sanitize-thread
	$(MAKE) --no-print-directory guard
	$(MAKE) --no-print-directory conformance
	python3 tools/attacks.py $(TALLY) build/attacks.json

demo: EXAMPLE := digits
demo-text: EXAMPLE := text
demo demo-text:
	@start=$$(date +%s); \
	$(MAKE) --no-print-directory configure && cmake --build $(BUILD) --parallel $(JOBS) --target dsperse || exit $$?; \
	DSPERSE=$(BUILD)/dsperse DSPERSE_SETUP_SECONDS=$$(($$(date +%s) - start)) examples/$(EXAMPLE)/demo.sh

measure-setup:
ifneq ($(SETUP),no)
	@tools/setup.sh measure
endif

# Instructions of fixed pieces of work; GUARD_ARGS=--renew writes a new baseline.
guard: measure-setup configure
	cmake --build $(BUILD) --parallel $(JOBS) --target dsperse_guard
	python3 tools/guard.py $(BUILD) $(GUARD_ARGS)

bench-build: setup
	cmake --preset bench
	cmake --build build/bench --parallel $(JOBS) --target benches dsperse dsperse_models dsperse_run_model

# Results so far are in build/bench/results; a run that was stopped goes on. bench-report makes docs/benchmarks.md of what is kept.
bench: bench-build
	python3 bench/run.py build/bench $(BENCH_ARGS)

bench-peers: measure-setup bench-build
	python3 bench/peers.py build/bench $(BENCH_ARGS)

# ONNX Runtime and EZKL in build/bench/venv: `make bench` then has rows of float inference.
bench-venv: measure-setup
	mkdir -p build/bench && python3 bench/peers.py build/bench --install

bench-report:
	python3 bench/report.py

# Adversaries and faults in simulated time; fails if anything is found.
sim: configure
	cmake --build $(BUILD) --parallel $(JOBS) --target dsperse_simulate
	$(BUILD)/tests/sim/dsperse_simulate --threads $(JOBS) --out build/sim.json $(SIM_ARGS)

# docs/conformance.md. Fails if a case does, or if fewer than CONFORMANCE_LEAST are proved.
SAMPLE ?= 1
RANDOM ?= 10
CONFORMANCE_LEAST ?= 1150
conformance: measure-setup configure
	cmake --build $(BUILD) --parallel $(JOBS) --target dsperse_conformance
	python3 tools/conformance.py $(BUILD)/tests/conformance/dsperse_conformance build/conformance.json --jobs $(JOBS) --sample $(SAMPLE) \
	  --random $(RANDOM) $(if $(SEED),--seed $(SEED)) \
	  $(if $(filter 1,$(SAMPLE)),--least $(CONFORMANCE_LEAST)) $(CONFORMANCE_ARGS)

# Real faults over real processes; build/chaos.json. As root the network's folder is a small disk of its own, which can be filled.
RUNS ?= 200
SEED ?=
chaos-local: configure
	cmake --build $(BUILD) --parallel $(JOBS) --target dsperse
	python3 tests/chaos/chaos.py $(BUILD)/dsperse build/chaos.json --runs $(RUNS) $(if $(SEED),--seed $(SEED))

attack: setup
	cmake --preset attack $(CMAKE_ARGS)
	cmake --build --preset attack --parallel $(JOBS)
	ctest --test-dir build/attack --parallel $(JOBS) --output-on-failure -L attack

# Address and undefined-behaviour sanitizers over unit and soundness tests that are programs; scripts and the attack corpus, which is
# written for the other verifiers, have nothing more to show here.
sanitize: PRESET := asan
sanitize: setup-dev configure
	cmake --build --preset asan --parallel $(JOBS)
	ctest --test-dir build/asan --parallel $(JOBS) --output-on-failure -L "unit|soundness" -LE slow -E "^(attack_corpus|corpus_test|unique_witness.*|bench_.*)$$"

# The thread sanitizer over everything that runs on several threads.
THREADED := runtime_test poly_test commit_test integer_test proof_test store_test pipeline_test network_test
sanitize-thread: PRESET := tsan
sanitize-thread: setup-dev configure
	cmake --build build/tsan --parallel $(JOBS) --target $(THREADED)
	ctest --test-dir build/tsan --parallel $(JOBS) --output-on-failure -R "^($$(echo $(THREADED) | tr ' ' '|'))$$"

# Every fuzz target for SECONDS (20).
fuzz: setup-dev
	tools/fuzz.sh $(SECONDS_EACH)

format:
	tools/sources.sh | xargs $(CLANG_FORMAT) -i

format-check:
	tools/sources.sh | xargs $(CLANG_FORMAT) --dry-run -Werror

lint: configure
	tools/lint.sh $(BUILD)

clean:
	rm -rf build
