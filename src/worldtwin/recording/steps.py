"""Steps of an environment on their way to a trace store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from gymnasium import spaces

from worldtwin.recording.buffer import Buffer
from worldtwin.recording.episode import Episode, number_episodes
from worldtwin.recording.observing import Observer, axes_of, numbers_only, reader_of
from worldtwin.traces import Traces

MEASURED: Final = ("reward", "terminated", "truncated")


class Step:
    """One step of an environment: what was seen before and after, the action, the outputs, what is wrong with it."""

    __slots__ = ("action", "after", "before", "episode", "mark", "outputs", "step")

    def __init__(self, episode: Episode, step: int, before: Sequence[Any], action: Sequence[Any] | None) -> None:
        self.episode, self.step, self.before, self.action = episode, step, before, action
        self.after: Sequence[Any] | None = None
        self.outputs: Sequence[Any] = ()
        self.mark = ""


class StepWriter:
    """Stores steps of environments with these spaces in `traces`, as the fields of its spec or as raw numbers.

    Raises `InvalidSpec` when the fields do not fit the spaces.
    """

    def __init__(
        self, traces: Traces, observations: spaces.Space[Any], actions: spaces.Space[Any], *, durable: bool
    ) -> None:
        self.traces = traces
        spec = traces.spec
        if spec and not spec.state.pictures:
            observations = numbers_only(observations)
        actions = numbers_only(actions)
        self.see, self._read = reader_of(observations), reader_of(actions)
        axes = axes_of(observations, "state")
        self._pictures = frozenset(place for place, axis in enumerate(axes) if axis.picture)
        self._states = Observer("state", axes, spec and spec.state)
        self._actions = Observer("action", axes_of(actions, "action"), spec and spec.action)
        self.shown = tuple(name for name in (spec.outputs.names if spec else ()) if name not in MEASURED)
        """The outputs that are values of an environment's `info`."""
        self.buffer: Buffer[Step] = Buffer(self._store, traces.path.name)
        traces.attach(self.buffer)
        self._put_last = self.buffer.put_durably if durable else self.buffer.put

    def do(self, action: Any) -> Sequence[Any] | None:  # noqa: ANN401 - Gymnasium's type
        """The row of `action`; nothing when it is no action at all, which the environment will say better."""
        try:
            return self._read(action)
        except (TypeError, ValueError, KeyError, IndexError):
            return None

    def put(self, steps: Sequence[Step]) -> None:
        """Store `steps` soon, or before this returns when they shall be durable."""
        for step in steps[:-1]:
            self.buffer.put(step)
        for step in steps[-1:]:
            self._put_last(step)

    def _store(self, steps: list[Step]) -> None:
        number_episodes((step.episode for step in steps), self.traces.begin)
        begun = {id(step.before) for step in steps}
        columns: dict[str, Any] = {
            "episode": [step.episode.number for step in steps],
            "step": [step.step for step in steps],
            **self._states.columns([step.before for step in steps]),
            **self._actions.columns([step.action for step in steps]),
            **self._states.columns([self._led_to(step, begun) for step in steps], "next"),
            "marked": [step.mark for step in steps],
        }
        measured = zip(*[step.outputs for step in steps], strict=True)
        columns.update(
            {f"outputs.{name}": list(values) for name, values in zip((*MEASURED, *self.shown), measured, strict=True)}
        )
        self.traces.append(columns)

    def _led_to(self, step: Step, begun: set[int]) -> Sequence[Any] | None:
        """What `step` led to, without the pictures of what is stored as the beginning of another one."""
        if not self._pictures or step.after is None or id(step.after) not in begun:
            return step.after
        return [None if place in self._pictures else value for place, value in enumerate(step.after)]
