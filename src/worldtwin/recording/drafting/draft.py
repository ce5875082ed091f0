"""`draft_spec`: a first spec of a world, in which guesses say that they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
from msgspec import Struct
from msgspec.structs import replace

from worldtwin.errors import TracesError
from worldtwin.files import document_text
from worldtwin.recording.drafting.guessing import Guess, angle_of, circle_pairs, guess_field, guess_output, guess_reward
from worldtwin.recording.drafting.look import Drafted, Look, look_at
from worldtwin.world import Category, Field, Image, Integer, Plan, Set, Space, Spec

HORIZON: Final = 1000
_VIEW: Final = "view"
"""What a picture is called that has no name."""
_ENDINGS: Final = ("terminated", "done")


class Draft(Struct, frozen=True, kw_only=True, eq=False):
    """A first spec and plan, and what in them is a guess, by path, with the reason."""

    spec: Spec
    plan: Plan
    guesses: Mapping[str, str]
    heading: str

    @property
    def text(self) -> str:
        """The draft as YAML, with its guesses marked."""
        return document_text(self.spec, self.plan, guesses=self.guesses, heading=self.heading)


def draft_spec(
    source: Drafted, *, name: str | None = None, action: Iterable[str] = (), outputs: Iterable[str] = ()
) -> Draft:
    """A first spec, from a look at a Gymnasium environment (1,000 random steps of a fresh one), data, or a function.

    `source` may be gym:ID, FILE.csv (.jsonl, .parquet), FILE.traces, MODULE:FUNCTION, or the thing itself. `action` and
    `outputs` are the columns of a file that are neither state nor called so. Raises `InvalidValue` for another source,
    `TracesError` for one without data.
    """
    parts = {**dict.fromkeys(action, "action"), **dict.fromkeys(outputs, "outputs")}
    look = look_at(source, parts)
    found = {"state": _state(look), "action": _guessed(look, "action"), "outputs": _guessed(look, "outputs")}
    found["outputs"].pop("truncated", None)
    for part in ("state", "action"):
        if not found[part]:
            raise TracesError(f"{look.name}: nothing that was recorded is the {part}: name a column `{part}.NAME`")
    guesses = {
        f"{part}.{field}": guess.why for part, fields in found.items() for field, guess in fields.items() if guess.why
    }
    goals, why = _goals(look, {field: guess.field for field, guess in found["outputs"].items()})
    if any(isinstance(guess.field, Image) for guess in found["state"].values()):
        why["history"] = "one picture does not show how fast things move, two do"
    spec = Spec(
        name=name or look.name,
        version="0.1.0",
        state=_space(found["state"]),
        history=1 if "history" in why else 0,
        action=_space(found["action"]),
        outputs=_space(found["outputs"]),
        **goals,
    )
    heading = f"A first look at {look.name}: {_steps(look):,} steps. Check what is marked as a guess."
    return Draft(spec=spec, plan=Plan(traces=look.traces), guesses={**guesses, **why}, heading=heading)


def _state(look: Look) -> dict[str, Guess]:
    found = _guessed(look, "state")
    numbers = {
        name: _seen(look, "state", name) for name, guess in found.items() if "." not in name and _is_float(look, name)
    }
    pairs = circle_pairs(numbers)
    firsts = {first: (name, order) for name, (first, _, order) in pairs.items()}
    seconds = {second for _, second, _ in pairs.values()}
    state: dict[str, Guess] = {}
    for name, guess in found.items():
        if name in firsts:
            angle, order = firsts[name]
            state[angle] = angle_of(order)
        elif isinstance(guess.field, Image) and re.fullmatch(r"x\d+", name):
            state[_VIEW] = Guess(replace(guess.field, name=_VIEW), guess.why)
        elif name not in seconds:
            state[name] = guess
    return state


def _guessed(look: Look, part: str) -> dict[str, Guess]:
    found: dict[str, Guess] = {}
    for column in look.table.column_names:
        own, _, name = column.partition(".")
        if own == part:
            also = [f"next.{name}"] if part == "state" and f"next.{name}" in look.table.column_names else []
            columns = [look.table.column(key) for key in (column, *also)]
            axis = look.axes.get(column)
            found[name] = guess_output(name, columns) if part == "outputs" else guess_field(name, columns, axis)
    if look.axes and "reward" in found:
        found["reward"] = guess_reward(_seen(look, "outputs", "reward"))
    return found


def _goals(look: Look, outputs: Mapping[str, Field | Image]) -> tuple[dict[str, Any], dict[str, str]]:
    """Reward, ending, horizon and returns, as far as measured outputs say, and which of them are guesses."""
    horizon = look.horizon or _longest(look)
    goals: dict[str, Any] = {"horizon": horizon}
    why = {} if look.horizon else {"horizon": "the longest episode that was seen"}
    for ending in _ENDINGS:
        if isinstance(outputs.get(ending), Integer):
            goals["ends"] = f"outputs.{ending} > 0"
            why["ends"] = "as it was measured: say when in terms of `next`, such as abs(next.x0) > 2"
            break
    others = [name for name in outputs if name not in _ENDINGS]
    paid = "reward" if "reward" in others else others[0] if len(others) == 1 else ""
    if not paid or isinstance(outputs[paid], Category | Set):
        return goals, {**why, "ends": why.get("ends", "never: say when an episode is over")}
    values = _seen(look, "outputs", paid)
    low, high = (float(np.min(values, initial=0.0)), float(np.max(values, initial=0.0)))
    if low == high:
        high = 1.0
    goals.update(reward=f"outputs.{paid}", returns=(_signed(horizon * low), _signed(horizon * high)))
    why["reward"] = "as it was measured: say what is good in terms of state, action and next"
    why["returns"] = f"{horizon} steps of the least and the largest reward that was seen"
    return goals, why


def _seen(look: Look, part: str, name: str) -> Any:  # noqa: ANN401 - an array (n,)
    columns = [look.table.column(f"{part}.{name}")]
    if f"next.{name}" in look.table.column_names and part == "state":
        columns.append(look.table.column(f"next.{name}"))
    values = np.concatenate([column.drop_null().to_numpy().astype(np.float64) for column in columns])
    return values[np.isfinite(values)]


def _is_float(look: Look, name: str) -> bool:
    return pa.types.is_floating(look.table.column(f"state.{name}").type)


def _longest(look: Look) -> int:
    if "step" in look.table.column_names and look.table.num_rows:
        return int(np.max(look.table.column("step").to_numpy())) + 1
    if "episode" in look.table.column_names and look.table.num_rows:
        return int(np.unique(look.table.column("episode").to_numpy(zero_copy_only=False), return_counts=True)[1].max())
    return HORIZON


def _steps(look: Look) -> int:
    """How many steps were seen: outputs that came late are rows of their own."""
    if "episode" not in look.table.column_names or "step" not in look.table.column_names:
        return look.table.num_rows
    return len(set(zip(*(look.table.column(name).to_pylist() for name in ("episode", "step")), strict=True)))


def _space(found: Mapping[str, Guess]) -> Space:
    return Space.of({name: guess.field for name, guess in found.items()})


def _signed(value: float) -> float:
    return float(f"{value:.6g}") + 0.0
