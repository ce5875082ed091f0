#!/usr/bin/env bash
# A program of one's own, step by step: README.md says what each step is for.
#
#     PATH="$PWD/.venv/bin:$PATH" bash examples/batching/run.sh         # from the project's root; works on a copy
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -L "$here"/batching.py "$work"
cd "$work"

echo "== 1 run the program as usual, recorded"
python batching.py
python batching.py --runs 10 --curious 0.8

echo "== 2 a first YAML from the record"
worldtwin new --from batching.traces > batching.yaml
cat batching.yaml

echo "== 3 learn a simulator"
worldtwin fit batching.yaml

echo "== 4 improve the settings inside of it"
worldtwin improve batching.py:choose_batch batching.yaml --key 1

echo "== 5 the old settings and the new on the real database"
python batching.py --commits 50 --seed 2
python batching.py --commits 50 --seed 2 --task better.wtt
