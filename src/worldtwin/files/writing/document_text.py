"""A spec and its plan as the YAML that a person would write. `load_spec` reads the same spec back.

What was guessed is marked: `# guess: ...` at the end of its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import UnsetType

from worldtwin.errors import InvalidValue
from worldtwin.files.document.sections import FORMAT
from worldtwin.files.reading.quantity import seconds
from worldtwin.files.writing.yaml_text import number, scalar, sequence
from worldtwin.world import (
    OBJECTIVES,
    Angle,
    Category,
    Clients,
    Done,
    Field,
    Image,
    Integer,
    Plan,
    Port,
    Real,
    Set,
    Space,
    Spec,
    Start,
    StartRange,
    Synthetic,
    decode,
    real,
)

_DURATIONS: Final = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("min", 60.0), ("h", 3600.0))


def document_text(
    spec: Spec, plan: Plan | None = None, *, guesses: Mapping[str, str] | None = None, heading: str = ""
) -> str:
    """The YAML of `spec` and `plan`, with `heading` as its first comment.

    `guesses` says what was guessed, and why, by path: `state.angle`, `returns`, `ends`.
    """
    why = guesses or {}
    lines = [*(f"# {_comment(line)}".rstrip() for line in heading.splitlines())]
    for path, line in [*_head(spec), *_spaces(spec), *_behaviour(spec), *_relations(spec), *_plan(plan or Plan())]:
        lines.append(f"{line}  # guess: {_comment(why[path])}" if path in why else line)
    return "\n".join(lines) + "\n"


def _head(spec: Spec) -> Iterator[tuple[str, str]]:
    yield "worldtwin", f"worldtwin: {FORMAT}"
    yield "name", f"name: {scalar(spec.name)}"
    yield "version", f"version: {spec.version}"
    if spec.step_seconds is not None:
        yield "clock", f"clock: {{step: {_duration(spec.step_seconds)}}}"
    if spec.stateless:
        yield "stateless", "stateless: true"


def _spaces(spec: Spec) -> Iterator[tuple[str, str]]:
    spaces: dict[str, Space] = {"state": spec.state, "action": spec.action, "outputs": spec.outputs}
    for section, space in spaces.items():
        if len(space):
            yield section, f"{section}:"
        for name, field in space.parts.items():
            per = ", per: client" if section == "state" and name in spec.per_client else ""
            yield f"{section}.{name}", f"  {scalar(name)}: {{{_field(field)}{per}}}"


def _behaviour(spec: Spec) -> Iterator[tuple[str, str]]:
    if spec.possible:
        yield "possible", f"possible: {scalar(spec.possible)}"
    if spec.history:
        yield "history", f"history: {spec.history}"
    if not isinstance(spec.latent, UnsetType):
        yield "latent", "latent: auto"
    if spec.start is None:
        yield "start", "start: recorded"
    else:
        yield "start", "start:"
        for name, start in spec.start.items():
            yield f"start.{name}", f"  {scalar(name)}: {_start(spec.state.field(name), start)}"
    if spec.reward is not None:
        yield "reward", f"reward: {scalar(spec.reward)}"
    yield "ends", f"ends: {scalar(spec.ends)}"
    yield "horizon", f"horizon: {spec.horizon}"
    if spec.returns != (0.0, 0.0):
        yield "returns", f"returns: {sequence(map(number, spec.returns))}"
    if spec.objective != OBJECTIVES:
        yield "objective", f"objective: {sequence(map(scalar, spec.objective))}"
    if spec.unknown != "guess":
        yield "unknown", f"unknown: {spec.unknown}"


def _relations(spec: Spec) -> Iterator[tuple[str, str]]:
    if spec.done != Done():
        yield "done", f"done: {{{_done(spec.done)}}}"
    if spec.needs:
        needs = (f"{{name: {scalar(need.name)}, version: {scalar(need.version)}}}" for need in spec.needs)
        yield "compatible", f"compatible: {{needs: {sequence(needs)}}}"
    if spec.inlets or spec.outlets:
        yield "ports", f"ports: {{in: {_ports(spec.inlets)}, out: {_ports(spec.outlets)}}}"
    if spec.clients != Clients():
        yield "clients", f"clients: {{{_clients(spec)}}}"


def _plan(plan: Plan) -> Iterator[tuple[str, str]]:
    if plan.traces:
        yield "traces", f"traces: {scalar(plan.traces)}"
    if plan.synthetic:
        yield "synthetic", f"synthetic: {sequence(map(_synthetic, plan.synthetic))}"
    if plan.cases:
        yield "cases", f"cases: {scalar(plan.cases)}"
    if plan.learn != Plan().learn:
        yield "learn", f"learn: {{sources: {plan.learn.sources}, key: {plan.learn.key}}}"


def _field(field: Field | Image) -> str:
    match field:
        case Image():
            return f"type: image, shape: {sequence(map(number, field.shape))}, encode: {{pca: {field.components}}}"
        case Real():
            step = (
                f", resolution: {number(2.0**-field.exponent)}"
                if real(field.low, field.high, unit=field.unit) != field
                else ""
            )
            return f"type: real, range: [{number(field.low)}, {number(field.high)}]{step}{_unit(field.unit)}"
        case Angle():
            return f"type: angle, unit: {field.unit}{', from: ' + sequence(field.sources) if field.sources else ''}"
        case Integer():
            return f"type: integer, range: [{field.low}, {field.high}]{_unit(field.unit)}"
        case Category():
            return f"type: category, values: {sequence(map(scalar, field.values))}"
        case Set():
            return f"type: set, values: {sequence(map(scalar, field.values))}"


def _unit(unit: str) -> str:
    return f", unit: {scalar(unit)}" if unit else ""


def _start(field: Field, start: Start) -> str:
    if isinstance(start, StartRange):
        return sequence([_value(field, start.low), _value(field, start.high)])
    values = [_value(field, value) for value in start.values]
    if len(values) == 1:
        return values[0]
    return sequence(values * 2 if len(values) == 2 and not isinstance(field, Category | Set) else values)


def _value(field: Field, lattice: int) -> str:
    value = decode(field, lattice)
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, frozenset):
        return sequence(scalar(name) for name in sorted(value))
    if isinstance(field, Real):
        value = min(max(value, field.low), field.high)
    return number(value)


def _done(done: Done) -> str:
    parts: list[str] = [] if done.known == Done().known else [f"known: {_goal(done.known)}"]
    parts += [f"coverage: {_goal(done.coverage)}"] if done.coverage is not None else []
    if done.horizon_error is not None:
        parts.append(f"horizon_error: {{steps: {done.horizon_error.steps}, below: {number(done.horizon_error.below)}}}")
    parts += [f"calibration: {_goal(done.calibration)}"] if done.calibration is not None else []
    for name, goal in (("width", done.width), ("plateau", done.plateau)):
        if not isinstance(goal, UnsetType):
            parts.append(f"{name}: {_goal(goal)}")
    return ", ".join(parts)


def _goal(goal: float | None) -> str:
    return "null" if goal is None else number(goal)


def _ports(ports: Iterable[Port]) -> str:
    return "{" + ", ".join(f"{scalar(port.name)}: {{{port.kind}: {scalar(port.field)}}}" for port in ports) + "}"


def _clients(spec: Spec) -> str:
    idle = ", ".join(
        f"{scalar(name)}: {_value(spec.action.field(name), value)}" for name, value in spec.clients.idle.items()
    )
    deadline = spec.clients.deadline_seconds
    return f"idle: {{{idle}}}" + (f", deadline: {_duration(deadline)}" if deadline is not None else "")


def _synthetic(source: Synthetic) -> str:
    share = f", share: {number(source.share)}" if source.share is not None else ""
    return f"{{{source.kind}: {scalar(source.path)}{share}}}"


def _duration(duration: float) -> str:
    """The shortest text that is read as `duration` seconds."""
    texts = [f"{duration / scale:.12g} {unit}" for unit, scale in _DURATIONS]
    return min((text for text in texts if _reads_as(text, duration)), key=len, default=f"{duration!r} s")


def _reads_as(text: str, duration: float) -> bool:
    try:
        return seconds(text) == duration
    except InvalidValue:
        return False


def _comment(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
