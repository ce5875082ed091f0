"""Processes by pm4py: a directly-follows graph with frequencies, and a Petri net by the inductive miner, replayed."""

from __future__ import annotations

import contextlib
import sys
import time

with contextlib.redirect_stdout(sys.stderr):  # it prints a banner
    import pm4py
import pandas as pd
from answering import Json, answer_all


def log_of(cases: list[list[str]]) -> pd.DataFrame:
    """An event log: one case for each list of activities."""
    activities = [activity for case in cases for activity in case]
    return pd.DataFrame(
        {
            "case:concept:name": [str(number) for number, case in enumerate(cases) for _ in case],
            "concept:name": activities,
            "time:timestamp": pd.Timestamp("2000-01-01", tz="UTC") + pd.to_timedelta(range(len(activities)), unit="s"),
        }
    )


def followed(question: Json) -> Json:
    """How often one activity follows another, and begins a case: `pairs` (one, other, times), `starts`."""
    log = log_of(question["cases"])
    began = time.perf_counter()
    graph, starts, _ = pm4py.discover_dfg(log)
    seconds = time.perf_counter() - began
    pairs = [(one, other, int(times)) for (one, other), times in graph.items()]
    return {"seconds": seconds, "pairs": pairs, "starts": {name: int(times) for name, times in starts.items()}}


def replayed(question: Json) -> Json:
    """How well a net, mined from `cases`, replays `fresh` ones: fitness and precision, by tokens."""
    log, fresh = log_of(question["cases"]), log_of(question["fresh"])
    began = time.perf_counter()
    net = pm4py.discover_petri_net_inductive(log, multi_processing=False)
    seconds = time.perf_counter() - began
    fitness = pm4py.fitness_token_based_replay(fresh, *net)["log_fitness"]
    precision = pm4py.precision_token_based_replay(fresh, *net)
    return {"seconds": seconds, "fitness": float(fitness), "precision": float(precision)}


def main() -> None:
    """Answer both kinds of questions."""
    kinds = {"graph": followed, "net": replayed}
    answer_all(lambda question: kinds[question["kind"]](question), threads=1, packages=("pm4py", "pandas"))


if __name__ == "__main__":
    main()
