# The few words one needs; the build itself is meson's (meson.build).
#
#   make test SAN=address|undefined|thread   everything under one sanitizer, in a build of its own
#   make test SAN=address PLANT=1            with planted bugs, to see that mode turn red
#   make test ONLY=unit|system               one half of it; PYTEST='-k kill' chooses within the second
#   make build WERROR=1                      warnings are errors

SAN ?= none
FUZZ_REQUESTS ?= 100000
PLANT ?= 0
WERROR ?= 0
JOBS ?= $(shell nproc)
BUILD ?= build$(if $(filter-out none,$(SAN)),-$(SAN))$(if $(filter-out 0,$(PLANT)),-planted)
PYTHON := /usr/bin/python3

onoff = $(if $(filter-out 0,$(1)),true,false)
OPTIONS := -Dsan=$(SAN) -Dplant=$(call onoff,$(PLANT)) -Dwerror=$(call onoff,$(WERROR))

# What runs side by side is ninja's business; our own steps follow each other.
.NOTPARALLEL:
.PHONY: help deps configure build demo test bench fuzz soak soak-kill sim mutants walk sentences docs lint install uninstall clean

help:
	@echo "make deps     install what is needed, from Debian (root or sudo)"
	@echo "make build    build everything into $(BUILD)/"
	@echo "make demo     a broker, a gateway and devices on this machine, updating"
	@echo "make test     unit and system tests; SAN=address|undefined|thread runs them under a sanitizer"
	@echo "make bench    measure; BENCH=million one of them, BENCH_OPTIONS='--devices 100000'"
	@echo "make soak     half an hour of misfortunes for a whole fleet; SOAK_MINUTES=30 SOAK='--seed 7'"
	@echo "make soak-kill  kill the broker a hundred times under load, and count what is lost"
	@echo "make sim      the server's own code in a made-up world, SEEDS=10000 of them; SEED= replays one"
	@echo "make mutants  break rules on purpose and see who notices (tests/sim/mutants.toml)"
	@echo "make fuzz     100000 generated requests each way; SEED= repeats a run, FUZZ_REQUESTS= makes it shorter"
	@echo "make walk     README and the cookbook followed on a Debian made for it, under a systemd of its own (root, debootstrap)"
	@echo "make sentences  gather every distinct sentence that people meet while tests run, to be read"
	@echo "make docs     print the pages that come from tables"
	@echo "make lint     the house's rules: layers, calls, sizes"
	@echo "make install  install what was built (DESTDIR=, meson's prefix)"
	@echo "make uninstall  remove what this build installed"
	@echo "make clean    remove every build"

deps:
	@scripts/deps

# Asks meson again only when the options differ from last time.
configure:
	@if [ ! -f $(BUILD)/build.ninja ]; then \
		meson setup $(BUILD) $(OPTIONS); \
	elif [ "$$(cat $(BUILD)/options 2>/dev/null)" != "$(OPTIONS)" ]; then \
		meson configure $(BUILD) $(OPTIONS); \
	fi && echo "$(OPTIONS)" >$(BUILD)/options

build: configure
	@ninja -C $(BUILD) -j $(JOBS)

# The tests are not built for it: a newcomer waits less.
demo: deps configure
	@ninja -C $(BUILD) -j $(JOBS) programs
	@OTA_BUILD=$(abspath $(BUILD)) $(PYTHON) -B scripts/demo

test: build
	@$(PYTHON) tests/run.py $(BUILD) --san $(SAN) $(if $(ONLY),--$(ONLY)) $(if $(PYTEST),-- $(PYTEST))

bench: build
	@OTA_BUILD=$(abspath $(BUILD)) $(PYTHON) tests/bench/run.py $(BENCH) $(BENCH_OPTIONS)

# A fleet under constant batches and one misfortune a minute; the reckoning at its end.
soak: build
	@cd tests/system && OTA_BUILD=$(abspath $(BUILD)) $(PYTHON) -B -m soak --minutes $(or $(SOAK_MINUTES),30) $(SOAK)

# Kills the broker a hundred times under load and counts; SOAK='--kills 1000 --seed 7'.
soak-kill: build
	@OTA_BUILD=$(abspath $(BUILD)) $(PYTHON) tests/system/soak_kill.py $(SOAK)

# Thousands of made-up worlds against the checks of tests/sim; FIRST= begins elsewhere, SEED= replays one with its whole trace.
sim: build
	@$(PYTHON) -B tests/sim/run.py $(BUILD) --seeds $(or $(SEEDS),1000) --first $(or $(FIRST),1) $(if $(SEED),--seed $(SEED))

# Rules broken on purpose, one at a time: each must be noticed. MUTANTS= chooses some by their ids.
mutants: build
	@$(PYTHON) -B tests/sim/mutants.py $(BUILD) $(MUTANTS)

# Bad input by the hundred thousand, control requests and HTTP requests; a failure leaves a file that FUZZ='--replay FILE' sends again.
fuzz: build
	@OTA_BUILD=$(abspath $(BUILD)) OTA_SAN=$(SAN) $(PYTHON) -B tests/fuzz/run.py --requests $(FUZZ_REQUESTS) $(if $(SEED),--seed $(SEED)) $(FUZZ)

# The last commit on a machine that has git and make alone; WALK_DIR= keeps that Debian elsewhere.
walk:
	@tests/system/walk/fresh

# The pages that are printed from the tables that run; a test compares them.
docs: build
	$(BUILD)/docs/print-states >docs/states.md
	$(BUILD)/docs/print-agent-states >docs/agent-states.md
	$(BUILD)/docs/print-metrics >docs/metrics.md

# What people are told when something is wrong, for those who read it; SENTENCES= chooses tests.
sentences: build
	@$(PYTHON) -B tests/sentences.py $(BUILD) $(SENTENCES)

lint:
	@$(PYTHON) tests/lint/run.py

install: build
	@meson install -C $(BUILD) --no-rebuild

# What the last install of this build wrote, wherever DESTDIR led it then.
uninstall:
	@ninja -C $(BUILD) uninstall

clean:
	rm -rf build build-walk build-address build-undefined build-thread build-address-planted build-undefined-planted build-thread-planted
