"""What a world's YAML says: its spec, its plan, and where the files that it names are."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from worldtwin.world import Plan, Spec


class Document(Struct, frozen=True, kw_only=True):
    """What the YAML at `path` says. The files that it names are relative to its folder."""

    path: Path
    spec: Spec
    plan: Plan

    def resolve(self, name: str) -> Path:
        """The file that the YAML calls `name`."""
        return self.path.parent / name

    @property
    def traces_path(self) -> Path:
        """The recorded data: by default NAME.traces beside NAME.yaml."""
        return self.resolve(self.plan.traces) if self.plan.traces else self.path.with_suffix(".traces")

    @property
    def simulator_path(self) -> Path:
        """The simulator: NAME.wts beside NAME.yaml."""
        return self.path.with_suffix(".wts")

    @property
    def cases_path(self) -> Path | None:
        """The cases, when the plan names a file of them."""
        return self.resolve(self.plan.cases) if self.plan.cases else None
