"""Images in the YAML: what is written is what is read, and mistakes are named with their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from worldtwin.errors import InvalidSpec
from worldtwin.files import load_spec, save
from worldtwin.world import Image

WORLD = """\
worldtwin: 1
name: room
version: 1.0.0
state:
  door: {type: category, values: [open, shut]}
  view: {type: image, shape: [48, 64, 3], encode: {pca: 4}}
  light: {type: real, range: [0, 1]}
action:
  push: {type: category, values: [left, right]}
reward: next.view_4 - abs(state.view_1)
returns: [-100, 100]
"""


def test_an_image_is_its_components_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "room.yaml").write_text(WORLD)
    spec = load_spec(tmp_path / "room.yaml")
    assert spec.state.names == ("door", "view_1", "view_2", "view_3", "view_4", "light")
    assert spec.state.pictures == (Image(name="view", height=48, width=64, channels=3, components=4),)
    save(spec, tmp_path / "again.yaml")
    assert load_spec(tmp_path / "again.yaml") == spec


def test_sixteen_components_are_allowed_unless_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "room.yaml").write_text(WORLD.replace(", encode: {pca: 4}", ""))
    assert load_spec(tmp_path / "room.yaml").state.pictures[0].components == 16


MISTAKES = {
    "shape: [48, 64, 3]": ("shape: [48]", "6: state.view.shape: "),
    "shape: [48, 64, 3],": (
        "shape: [48, 64, 2],",
        "6: state.view.shape: an image has a height, a width and 1, 3 or 4 ",
    ),
    "[48, 64, 3]": (
        "[480, 640, 3]",
        "6: state.view.shape: 480 x 640 x 3 are 921,600 values: make them smaller, at most",
    ),
    "pca: 4": ("pca: 64", "6: state.view.encode.pca: "),
    "encode: {pca: 4}": ("encode: {pac: 4}", "6: state.view.encode.pac: unknown key: did you mean `pca`?"),
    "light:": ("view_2:", "7: state.view_2: is what a component of the image `view` is called: give it another name"),
    "next.view_4": ("next.view_5", "10: reward: "),
    "left, right]}": (
        "left, right]}\noutputs:\n  map: {type: image, shape: [8, 8]}",
        "11: outputs.map.type: unknown type",
    ),
}


@pytest.mark.parametrize("part", MISTAKES)
def test_a_mistake_in_an_image_is_the_only_one_that_is_told(part: str, tmp_path: Path) -> None:
    wrong, message = MISTAKES[part]
    (tmp_path / "room.yaml").write_text(WORLD.replace(part, wrong, 1))
    with pytest.raises(InvalidSpec) as caught:
        load_spec(tmp_path / "room.yaml")
    problems = str(caught.value).splitlines()
    assert message in problems[0]
    assert len(problems) == 1
