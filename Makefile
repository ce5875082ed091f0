# Every target sets itself up: a fresh machine needs git, make and Python 3.11 or newer.
PYTHON_RUN = .venv/bin/python

.PHONY: help setup demo test check bench truth accept-01 accept-02 accept-03

help:            ## these lines
	@grep -E '^[a-z0-9-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/ \t/'

setup:           ## make .venv, locked, with all extras
	@scripts/setup

demo: setup      ## the main job on real input: record, fit, improve in the simulator, check in reality
	@.venv/bin/worldtwin demo

test: setup      ## the whole suite
	@.venv/bin/pytest --numprocesses 2 --dist loadfile

check:           ## format, lint, types, import layers, fast tests
	@scripts/check

bench: setup     ## ratios against rivals and limits, each measured in one run
	@for script in $(filter-out benchmarks/truth.py,$(wildcard benchmarks/*.py)); do $(PYTHON_RUN) $$script || exit 1; done

truth: setup     ## what the defaults come to in reality, 10 keys a world: hours, goes on where it was stopped
	@$(PYTHON_RUN) benchmarks/truth.py

accept-01: setup ## the claims of the first milestone, shown, with a planted fault that must be caught
	@$(PYTHON_RUN) scripts/accept_01.py

accept-02: setup ## the claims of the exact core, shown, with planted faults that must be caught
	@$(PYTHON_RUN) scripts/accept_02.py

accept-03: setup ## the claims of learning and improving (some 15 minutes), with a planted fault that must be caught
	@$(PYTHON_RUN) scripts/accept_03.py
