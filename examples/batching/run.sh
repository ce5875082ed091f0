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
python batching.py --commits 30
python batching.py --commits 30 --runs 20 --curious 0.9

echo "== 2 a first YAML from the record, and what is good"
worldtwin new --from batching.traces > batching.yaml
cat batching.yaml
sed -i.bak 's|^reward:.*|reward: "0 - next.last_ms / action.size"|; s|^returns:.*|returns: [-100, 0]|' batching.yaml

echo "== 3 learn a simulator"
worldtwin fit batching.yaml

echo "== 4 improve the settings inside of it"
worldtwin improve batching.py:choose_batch batching.yaml --key 1

echo "== 5 a second round: run with what was found, learn and improve again"
python batching.py --commits 30 --runs 8 --curious 0.5 --seed 2 --task better.wtt
worldtwin fit batching.yaml
worldtwin improve batching.py:choose_batch batching.yaml --key 2 -o better2.wtt || echo "     the settings of step 4 stay"

echo "== 6 the old settings, some fixed sizes and the new settings on the real database, in turn"
python batching.py --commits 8 --runs 6 --seed 3 --base 8 64 128 256 512 1024 --task better*.wtt
