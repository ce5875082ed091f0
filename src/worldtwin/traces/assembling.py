"""From raw rows to transitions: parts of one step are put together, missing next states come from the next step.

A row is a step. Rows with the same episode and step are parts of one (outputs may come later); of two values the first
one counts. What cannot be believed is left out and counted by reason; nothing is clipped, no transition crosses a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.traces.columns import READING, coded
from worldtwin.traces.lattice_rows import MISSING, Part, complaint, join_parts, part_of
from worldtwin.world import Lattice, Spec, Transitions

NO_NEXT: Final = "the state after the step is missing: a gap"


class Steps(Struct, frozen=True, kw_only=True, eq=False):
    """n raw steps on the lattice: (n,) numbers, the parts (n, fields), and a writer's own mark as an index or -1."""

    episodes: Lattice
    steps: Lattice
    synthetic: NDArray[np.bool_]
    marks: NDArray[np.int64]
    states: Part
    actions: Part
    nexts: Part
    outputs: Part
    reasons: tuple[str, ...]


class Assembled(Struct, frozen=True, kw_only=True, eq=False):
    """The transitions among `steps`, and why the others are none."""

    transitions: Transitions
    rejected_episodes: Lattice
    rejected_steps: Lattice
    rejected_why: NDArray[np.int64]
    reasons: tuple[str, ...]

    def excluded(self) -> dict[str, int]:
        """How many steps are left out, by reason."""
        counts = np.bincount(self.rejected_why, minlength=len(self.reasons))
        return {reason: int(count) for reason, count in zip(self.reasons, counts, strict=True) if count}

    def beyond(self, older: Assembled) -> Assembled:
        """What is here and not yet in `older`."""
        mine, theirs = self.transitions, older.transitions
        fresh = ~_among(mine.episodes, mine.steps, theirs.episodes, theirs.steps)
        unseen = ~_among(self.rejected_episodes, self.rejected_steps, older.rejected_episodes, older.rejected_steps)
        return Assembled(
            transitions=mine.select(fresh),
            rejected_episodes=self.rejected_episodes[unseen],
            rejected_steps=self.rejected_steps[unseen],
            rejected_why=self.rejected_why[unseen],
            reasons=self.reasons,
        )


def assemble(spec: Spec, found: Sequence[Steps]) -> Assembled:
    """The transitions of `spec`'s world in what was `found`, in time order within each episode."""
    if not found:
        none = np.zeros(0, dtype=np.int64)
        return Assembled(
            transitions=Transitions.empty(spec),
            rejected_episodes=none,
            rejected_steps=none,
            rejected_why=none,
            reasons=(),
        )
    whole = _with_nexts(spec, _united(_in_time_order(_joined(found))))
    return _divided(spec, whole)


def steps_of(spec: Spec, table: pa.Table) -> Steps:
    """The rows of one raw table on the lattice."""
    names, marks = _marks(table)
    return Steps(
        episodes=table.column("episode").to_numpy(),
        steps=table.column("step").to_numpy(),
        synthetic=table.column("synthetic").to_numpy(),
        marks=marks,
        states=part_of(spec.state, "state", table),
        actions=part_of(spec.action, "action", table),
        nexts=part_of(spec.state, "next", table),
        outputs=part_of(spec.outputs, "outputs", table),
        reasons=names,
    )


def _marks(table: pa.Table) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    names, places = coded(table.column("marked"))
    counted = [index if name and not name.startswith(READING) else -1 for index, name in enumerate(names)]
    return tuple(names), np.array([*counted, -1], dtype=np.int64)[places]


def _joined(found: Sequence[Steps]) -> Steps:
    reasons, marks = list[str](), list[NDArray[np.int64]]()
    for steps in found:
        positions = []
        for reason in steps.reasons:
            if reason not in reasons:
                reasons.append(reason)
            positions.append(reasons.index(reason))
        marks.append(np.array([*positions, -1], dtype=np.int64)[steps.marks])
    return Steps(
        episodes=np.concatenate([steps.episodes for steps in found]),
        steps=np.concatenate([steps.steps for steps in found]),
        synthetic=np.concatenate([steps.synthetic for steps in found]),
        marks=np.concatenate(marks),
        states=join_parts([steps.states for steps in found]),
        actions=join_parts([steps.actions for steps in found]),
        nexts=join_parts([steps.nexts for steps in found]),
        outputs=join_parts([steps.outputs for steps in found]),
        reasons=tuple(reasons),
    )


def _taken(steps: Steps, rows: Lattice) -> Steps:
    return Steps(
        episodes=steps.episodes[rows],
        steps=steps.steps[rows],
        synthetic=steps.synthetic[rows],
        marks=steps.marks[rows],
        states=steps.states.taken(rows),
        actions=steps.actions.taken(rows),
        nexts=steps.nexts.taken(rows),
        outputs=steps.outputs.taken(rows),
        reasons=steps.reasons,
    )


def _in_time_order(steps: Steps) -> Steps:
    same = steps.episodes[1:] == steps.episodes[:-1]
    ordered = (steps.episodes[1:] > steps.episodes[:-1]) | (same & (steps.steps[1:] >= steps.steps[:-1]))
    return steps if ordered.all() else _taken(steps, np.lexsort((steps.steps, steps.episodes)))


def _united(steps: Steps) -> Steps:
    """One row a step: the first present value of each field among the rows of the step."""
    new = np.ones(len(steps.steps), dtype=np.bool_)
    new[1:] = (steps.episodes[1:] != steps.episodes[:-1]) | (steps.steps[1:] != steps.steps[:-1])
    if new.all():
        return steps
    starts = np.flatnonzero(new)
    first = _taken(steps, starts)
    return Steps(
        episodes=first.episodes,
        steps=first.steps,
        synthetic=first.synthetic,
        marks=np.maximum.reduceat(steps.marks, starts),
        states=_first_present(steps.states, starts),
        actions=_first_present(steps.actions, starts),
        nexts=_first_present(steps.nexts, starts),
        outputs=_first_present(steps.outputs, starts),
        reasons=steps.reasons,
    )


def _first_present(part: Part, starts: Lattice) -> Part:
    rows = np.arange(len(part.wrong))[:, None]
    present = np.where(part.wrong != MISSING, rows, len(rows))
    if not present.shape[1]:
        return part.taken(starts)
    chosen = np.minimum.reduceat(present, starts, axis=0)
    chosen = np.where(chosen == len(rows), starts[:, None], chosen)
    return Part(np.take_along_axis(part.values, chosen, 0), np.take_along_axis(part.wrong, chosen, 0))


def _with_nexts(spec: Spec, steps: Steps) -> Steps:
    """Where no state after the step was recorded, or no picture: that of the step that follows, if it does follow."""
    follows = np.zeros(len(steps.steps), dtype=np.bool_)
    follows[:-1] = (steps.episodes[1:] == steps.episodes[:-1]) & (steps.steps[1:] == steps.steps[:-1] + 1)
    seen = np.zeros(len(spec.state), dtype=np.bool_)
    for image in spec.state.pictures:
        seen[spec.state.columns_of(image)] = True
    taken = follows[:, None] & (steps.nexts.wrong == MISSING) & (steps.nexts.absent[:, None] | seen)
    rows, columns = np.nonzero(taken)
    if not len(rows):
        return steps
    values, wrong = steps.nexts.values.copy(), steps.nexts.wrong.copy()
    values[rows, columns] = steps.states.values[rows + 1, columns]
    wrong[rows, columns] = steps.states.wrong[rows + 1, columns]
    parts = {name: getattr(steps, name) for name in steps.__struct_fields__}
    return Steps(**{**parts, "nexts": Part(values, wrong)})


def _divided(spec: Spec, steps: Steps) -> Assembled:
    why, reasons = _reasons(spec, steps)
    good = why < 0
    last = np.ones(len(good), dtype=np.bool_)
    last[:-1] = steps.episodes[1:] != steps.episodes[:-1]
    ending = last & steps.nexts.absent & (steps.marks < 0)
    bad = ~good & ~ending
    keep = good & ~ending
    transitions = Transitions(
        states=steps.states.values[keep],
        actions=steps.actions.values[keep],
        nexts=steps.nexts.values[keep],
        outputs=steps.outputs.values[keep],
        episodes=steps.episodes[keep],
        steps=steps.steps[keep],
        synthetic=steps.synthetic[keep],
    )
    return Assembled(
        transitions=transitions,
        rejected_episodes=steps.episodes[bad],
        rejected_steps=steps.steps[bad],
        rejected_why=why[bad],
        reasons=reasons,
    )


def _reasons(spec: Spec, steps: Steps) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """For each step the index of what is wrong with it, -1 for nothing: a mark, then a field, in the spec's order."""
    why, reasons = steps.marks.copy(), list(steps.reasons)
    for part, space, rows in (
        ("state", spec.state, steps.states),
        ("action", spec.action, steps.actions),
        ("outputs", spec.outputs, steps.outputs),
        ("next", spec.state, steps.nexts),
    ):
        gone = rows.absent & (part == "next")
        why = _blamed(why, gone, NO_NEXT, reasons)
        if rows.valid.all():
            continue
        for column in range(len(space)):
            for wrong in np.unique(rows.wrong[:, column]).tolist():
                if wrong:
                    sentence = complaint(part, space, column, wrong)
                    why = _blamed(why, (rows.wrong[:, column] == wrong) & ~gone, sentence, reasons)
    return why, tuple(reasons)


def _blamed(why: NDArray[np.int64], rows: NDArray[np.bool_], reason: str, reasons: list[str]) -> NDArray[np.int64]:
    if not (rows & (why < 0)).any():
        return why
    if reason not in reasons:
        reasons.append(reason)
    return np.where(rows & (why < 0), reasons.index(reason), why)


def _among(episodes: Lattice, steps: Lattice, known_episodes: Lattice, known_steps: Lattice) -> NDArray[np.bool_]:
    """Which (episode, step) pairs are among the known ones."""
    if not len(known_steps):
        return np.zeros(len(steps), dtype=np.bool_)
    _, dense = np.unique(np.concatenate([episodes, known_episodes]), return_inverse=True)
    span = int(max(steps.max(initial=0), known_steps.max(initial=0))) + 1
    numbers = dense * span
    return np.isin(numbers[: len(steps)] + steps, numbers[len(steps) :] + known_steps)
