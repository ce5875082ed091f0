"""The documentation runs: every block of Python and YAML, in its order, in a folder of its own."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from worldtwin.files import load_spec

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(python|yaml|python sb3)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""The blocks that run; those marked `sb3` only where Stable-Baselines3 is (see `test_documentation_sb3`)."""


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text())


def run_python(source: str, names: dict[str, object]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, "documentation", "exec"), names)  # noqa: S102 - our own pages
    return printed.getvalue()


@pytest.mark.slow
def test_the_tutorial_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed = ""
    for kind, source in blocks(ROOT / "docs/tutorial/first-twin.md"):
        if kind == "yaml":
            Path("lift.yaml").write_text(source)
        else:
            printed += run_python(source, names)
    assert "nothing is known" in printed
    assert "OBSERVED" in printed
    assert "1 of 1 required cases passed" in printed
    assert "better: " in printed


@pytest.mark.slow
def test_the_ten_lines_of_the_readme_run_as_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sources = [source for kind, source in blocks(ROOT / "README.md") if kind == "python"]
    assert float(run_python("\n".join(sources), {})) > 450


@pytest.mark.slow
def test_the_way_to_a_better_task_runs_as_it_stands(tmp_path: Path) -> None:
    page = (ROOT / "docs/how-to/better-tasks.md").read_text()
    console = re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[0]
    commands = [line.removeprefix("$ ") for line in console.splitlines() if line.startswith("$ ")]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        ["bash", "-ec", "\n".join(commands)],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert len(commands) == 5
    assert done.returncode == 0, done.stderr
    assert console.splitlines()[-1] == done.stdout.splitlines()[-1]


@pytest.mark.slow
def test_other_libraries_search_and_become_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    sources = [source for kind, source in blocks(ROOT / "docs/how-to/other-libraries.md") if kind == "python"]
    printed = "".join(run_python(source, names) for source in sources)
    assert "3 of 3 required cases passed" in printed
    assert "loss 0.0" in printed
    optuna = next(source for source in sources if "import optuna" in source)
    assert len(optuna.splitlines()) - optuna.count("\n\n") <= 10


@pytest.mark.slow
def test_a_camera_is_seen_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    page = ROOT / "docs/how-to/see-with-a-camera.md"
    printed = "".join(run_python(source, names) for kind, source in blocks(page) if kind == "python")
    assert "(12, 12) uint8" in printed
    before, after = map(float, re.findall(r"in reality ([\d.]+)", printed))
    assert after > before


def test_the_yaml_of_the_reference_is_right(tmp_path: Path) -> None:
    source = next(source for kind, source in blocks(ROOT / "docs/reference/yaml.md") if kind == "yaml")
    (tmp_path / "cart.yaml").write_text(source)
    assert load_spec(tmp_path / "cart.yaml").name == "cart-pole"


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+?)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
