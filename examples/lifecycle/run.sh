#!/usr/bin/env bash
# The life of a simulator, step by step on the command line. The world is a kiln (kiln.yaml) of which nothing is known at first.
# Steps 2 (start a chain), 3 (connect streams) and 8 (watch) come with the parts that they need.
#
#     PATH="$PWD/.venv/bin:$PATH" bash examples/lifecycle/run.sh        # from the project's root; works on a copy
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here"/kiln.py "$here"/kiln.yaml "$here"/corner.py "$here"/cases.yaml "$here"/tweaked.py "$work"
cd "$work"

refused() { if "$@"; then echo "expected a refusal: $*" >&2; exit 1; fi; }

echo "== 1 define bounds in YAML: a simulator that knows nothing yet, and says so"
worldtwin check kiln.yaml
refused worldtwin session kiln.yaml on --key 1

echo "== 4 let the task run a few times, as it is: a clumsy operator fires the kiln, recorded"
python kiln.py --firings 12 --traces kiln.traces --clumsy 0.3
worldtwin fit kiln.yaml --sources recorded -o recorded.wts
worldtwin session recorded.wts on on off --key 1

echo "== 5 round out corner cases with synthetic data: what nobody wants to record"
worldtwin record kiln.yaml
worldtwin traces show kiln.yaml
worldtwin fit kiln.yaml --sources synthetic -o synthetic.wts
worldtwin fit kiln.yaml
worldtwin session kiln.yaml on off --start temperature=160,element=300 --key 1

echo "== 6 define test cases: what the task must do, what it should do, and what the simulator must do"
worldtwin judge kiln.py:choose kiln.yaml --key 1

echo "== 7 iterate on simulator and task: rehearse until it is better, then fire the real kiln"
worldtwin improve kiln.py:choose kiln.yaml --key 1 -o better.wtt
worldtwin judge better.wtt kiln.yaml --key 1
python kiln.py --firings 20
python kiln.py --firings 20 --task better.wtt

echo "== 9 add data and tweak the task by hand: more firings of the better task, and an idea of one's own"
python kiln.py --firings 6 --task better.wtt --traces kiln.traces
worldtwin fit kiln.yaml
worldtwin judge tweaked.py kiln.yaml --against kiln.py:choose --key 1
python kiln.py --firings 20 --task tweaked.py
