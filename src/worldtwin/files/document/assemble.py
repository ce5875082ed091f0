"""From the values of a world's YAML to its `Spec` and `Plan`, or to everything that is wrong with it.

A part that cannot be read is replaced by a stand-in, so that the rest can be checked too: all mistakes in one list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import UNSET, ValidationError, convert

from worldtwin.errors import InvalidSpec, InvalidValue, Problem
from worldtwin.files.document.connections import clients_of, needs_of, ports_of
from worldtwin.files.document.expressions import mentions, script_mistakes
from worldtwin.files.document.pruning import SPACES, pruned
from worldtwin.files.document.sections import FORMAT, DoneSection, WorldSection, world_schema
from worldtwin.files.document.spaces import ReadSpace, read_space
from worldtwin.files.document.starts import starts_of
from worldtwin.files.reading.found import Found, Steps, shown
from worldtwin.files.reading.quantity import seconds
from worldtwin.files.reading.shape import shape_mistakes, without_echoes
from worldtwin.files.reading.tree import Tree
from worldtwin.script import ends, reward
from worldtwin.world import Done, HorizonError, Learn, Plan, Space, Spec, Start, StartValues, Synthetic, bounds

_STEP: Final = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def assemble(tree: Tree) -> tuple[Spec, Plan]:
    """The spec and the plan of a world's YAML. Raises `InvalidSpec` with all that is wrong with it."""
    _require_format(tree)
    mistakes = shape_mistakes(tree.data, world_schema())
    left = pruned(tree.data, mistakes)
    found = [*tree.found, *without_echoes(mistakes, tree.found)]
    try:
        section = convert(left.data, WorldSection)
    except ValidationError as error:
        raise tree.refusal([*found, Found((), str(error))]) from error
    spaces = {name: read_space(name, getattr(section, name), left) for name in SPACES}
    found += [each for part in spaces.values() for each in part.found]
    spec = _spec(section, spaces, found)
    plan = _plan(section, found)
    found += _scripts(tree, section, spaces)
    if found or spec is None:
        raise tree.refusal(found)
    return spec, plan


def _require_format(tree: Tree) -> None:
    number = tree.data.get("worldtwin") if isinstance(tree.data, dict) else None
    if type(number) is int and number != FORMAT:
        advice = "a newer Worldtwin wrote it: update yours" if number > FORMAT else "there is no such format"
        raise tree.refusal(
            [Found(("worldtwin",), f"format {shown(number)} is not known here, only {FORMAT}: {advice}")]
        )


def _spec(section: WorldSection, spaces: Mapping[str, ReadSpace], found: list[Found]) -> Spec | None:
    """The spec; None when its parts do not fit each other. What is wrong is added to `found`."""
    state, action, outputs = (spaces[name].space for name in SPACES)
    needs, need_mistakes = needs_of(section.compatible)
    sides = {"action": "action", "output": "outputs", "state": "state"}
    readable = {side: spaces[name].space for side, name in sides.items() if spaces[name].readable}
    inlets, outlets, port_mistakes = ports_of(section.ports, readable)
    idle = spaces["action"].stand_ins if spaces["action"].readable else section.clients.idle
    clients, client_mistakes = clients_of(section.clients, action, idle)
    found += [*need_mistakes, *port_mistakes, *client_mistakes]
    try:
        return Spec(
            **_settings(section, found),
            state=state,
            action=action,
            outputs=outputs,
            start=_start(section, spaces["state"], found),
            possible=_possible(section, spaces),
            needs=needs,
            inlets=tuple(inlets),
            outlets=tuple(outlets),
            per_client=tuple(
                name for name, field in section.state.items() if field.per == "client" and name in state.names
            ),
            clients=clients,
        )
    except InvalidSpec as error:
        found += [Found(_steps(problem), problem.message) for problem in error.problems]
    return None


def _settings(section: WorldSection, found: list[Found]) -> dict[str, Any]:
    """The parts of a spec that are plain values."""
    found += [
        Found((space, name, "per"), "only a field of the state can be each client's own")
        for space in ("action", "outputs")
        for name, field in getattr(section, space).items()
        if field.per == "client"
    ]
    step: float | None = None
    if section.clock is not None:
        try:
            step = seconds(section.clock.step)
        except InvalidValue as error:
            found.append(Found(("clock", "step"), str(error)))
    return {
        "name": section.name,
        "version": section.version,
        "step_seconds": step,
        "stateless": section.stateless,
        "history": section.history,
        "latent": section.latent,
        "reward": None if section.reward is None else str(section.reward),
        "ends": str(section.ends),
        "horizon": section.horizon,
        "returns": section.returns or (0.0, 0.0),
        "objective": section.objective,
        "unknown": section.unknown,
        "done": _done(section.done),
    }


def _done(section: DoneSection) -> Done:
    after = section.horizon_error
    return Done(
        known=section.known,
        coverage=section.coverage,
        horizon_error=None if after is None else HorizonError(steps=after.steps, below=after.below),
        calibration=section.calibration,
        width=UNSET if section.width is None else section.width,
        plateau=UNSET if section.plateau is None else section.plateau,
    )


def _start(section: WorldSection, state: ReadSpace, found: list[Found]) -> dict[str, Start] | None:
    if isinstance(section.start, str) or not state.readable:
        return None
    readable = {name: value for name, value in section.start.items() if name not in state.stand_ins}
    starts, mistakes = starts_of(readable, state.space, ("start",))
    found += mistakes
    given_up = {*state.stand_ins, *(str(each.steps[1]) for each in mistakes)}
    return starts | {
        name: StartValues((bounds(state.space.field(name))[0],)) for name in state.space.names if name in given_up
    }


def _possible(section: WorldSection, spaces: Mapping[str, ReadSpace]) -> str:
    """The field of possible actions; none where it, or an action, is only a stand-in."""
    state, action = spaces["state"], spaces["action"]
    doubtful = section.possible in state.stand_ins or not state.readable or action.stand_ins
    return "" if doubtful else section.possible


def _plan(section: WorldSection, found: list[Found]) -> Plan:
    synthetic: list[Synthetic] = []
    for i, each in enumerate(section.synthetic):
        if (each.rules is None) == (each.file is None):
            found.append(Found(("synthetic", i), "name one source: `{rules: FILE.py}` or `{file: FILE.csv}`"))
        elif each.rules is not None:
            synthetic.append(Synthetic(kind="rules", path=each.rules, share=each.share))
        elif each.file is not None:
            synthetic.append(Synthetic(kind="file", path=each.file, share=each.share))
    learn = Learn(sources=section.learn.sources, key=section.learn.key)
    return Plan(traces=section.traces, synthetic=tuple(synthetic), cases=section.cases, learn=learn)


def _scripts(tree: Tree, section: WorldSection, spaces: Mapping[str, ReadSpace]) -> list[Found]:
    """What is wrong with the reward and the ending, as far as the fields that they use can be read."""
    unknowable = frozenset[str]().union(*(part.unknowable for part in spaces.values()))
    state, action, outputs = (spaces[name].space for name in SPACES)
    found: list[Found] = []
    for name, text, check in (("reward", section.reward, reward), ("ends", section.ends, ends)):
        if text is None or mentions(str(text), unknowable):
            continue
        try:
            least = _least_spec(state, action, outputs, {name: str(text)})
        except InvalidSpec:
            return []
        found += script_mistakes(tree, (name,), lambda check=check, least=least: check(least))
    return found


def _least_spec(state: Space, action: Space, outputs: Space, script: Mapping[str, str]) -> Spec:
    parts: dict[str, Any] = {"returns": (0.0, 1.0), **script}
    return Spec(name="unreadable", state=state, action=action, outputs=outputs, **parts)


def _steps(problem: Problem) -> Steps:
    """The way to the value that the spec calls `objective[0]` or `clock.step`."""
    return tuple(int(index) if index else name for index, name in _STEP.findall(problem.path))
