"""IOAlergia by AALpy: the machine that it learns from pieces which all begin alike."""

from __future__ import annotations

import sys
import time

from aalpy.learning_algs import run_Alergia
from answering import Json, answer_all


def learned(question: Json) -> Json:
    """The states (a number, the first one is 0) and `edges` (state, action, look, next state) of a machine.

    Asked for with `pieces`, each [look, action, look, action, look ...], a `kind` (mdp, smm) and `eps`.
    """
    pieces, kind = question["pieces"], question["kind"]
    first = 1 if kind == "smm" else 0
    data = [[piece[0], *zip(piece[1::2], piece[2::2], strict=True)][first:] for piece in pieces]
    began = time.perf_counter()
    machine = run_Alergia(data, automaton_type=kind, eps=question["eps"])
    seconds = time.perf_counter() - began
    states = [machine.initial_state, *(state for state in machine.states if state is not machine.initial_state)]
    number = {id(state): place for place, state in enumerate(states)}
    edges = [
        (number[id(state)], action, way[0].output if kind == "mdp" else way[1], number[id(way[0])])
        for state in states
        for action, ways in state.transitions.items()
        for way in ways
    ]
    return {"seconds": seconds, "states": len(states), "edges": edges}


def main() -> None:
    """Answer."""
    sys.setrecursionlimit(100_000)  # it folds trees by recursion, as deep as a piece is long
    answer_all(learned, threads=1, packages=("aalpy",))


if __name__ == "__main__":
    main()
