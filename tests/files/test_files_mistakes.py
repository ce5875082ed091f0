"""Every mistake of a file in one list, each with its line, in plain words."""

from __future__ import annotations

from pathlib import Path

import pytest

from worldtwin.errors import InvalidSpec
from worldtwin.files import load_spec
from worldtwin.files.reading.content import missing

GOOD = """\
worldtwin: 1
name: cart-pole
version: 1.0.0
clock: {step: 20 ms}
state:
  position: {type: real, range: [-4.8, 4.8], unit: m}
  angle: {type: angle, unit: rad, from: [cos, sin]}
  gear: {type: category, values: [park, drive]}
  floor: {type: integer, range: [0, 40]}
  exits: {type: set, values: [left, right]}
action:
  push: {type: category, values: [left, right]}
outputs:
  latency: {type: real, range: [0, 60], unit: s}
possible: exits
reward: "1"
ends: "abs(next.position) > 2.4 or abs(next.angle) > 0.2095"
horizon: 500
returns: [0, 500]
"""


def problems(folder: Path, text: str) -> list[str]:
    """What is wrong with a world's YAML, without the folder."""
    path = folder / "cart.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        load_spec(path)
    except InvalidSpec as error:
        return [str(problem).removeprefix(f"{folder}/") for problem in error.problems]
    return []


def test_a_world_without_mistakes_is_a_spec(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD) == []


def test_six_different_mistakes_are_listed_with_their_lines(tmp_path: Path) -> None:
    text = (
        GOOD.replace("[-4.8, 4.8]", "[4.8, -4.8]")
        .replace("unit: rad", "unit: m")
        .replace("[park, drive]", "[park, drive, park]")
        .replace('reward: "1"', 'reward: "1 + nxt.position"')
        .replace("horizon: 500", "horizn: 500")
        .replace("[0, 500]", "[500, 0]")
    )

    assert problems(tmp_path, text) == [
        "cart.yaml:6: state.position.range: [4.8, -4.8] is reversed: did you mean [-4.8, 4.8]?",
        "cart.yaml:7: state.angle.unit: unit `m` is no angle: use rad, deg, turn",
        "cart.yaml:8: state.gear.values[2]: value `park` appears twice",
        "cart.yaml:16: reward: unknown record `nxt`: did you mean `next`? (column 5)",
        "cart.yaml:18: horizn: unknown key: did you mean `horizon`?",
        "cart.yaml:19: returns: [500, 0] is reversed: did you mean [0, 500]?",
    ]


MISTAKES = {
    "name: cart-pole": ("nmae: cart-pole", "2: nmae: unknown key: did you mean `name`?"),
    "version: 1.0.0": ("version: 1.0", "3: version: `1` is no text: put it in quotes"),
    "{step: 20 ms}": ("{step: 20 kg}", "4: clock.step: `20 kg` is no duration: write one such as `20 ms` or `2 s`"),
    "clock: {step: 20 ms}": (
        "clock: {step: '20'}",
        "4: clock.step: `20` is a duration without a unit: write `20 s`, for example",
    ),
    "range: [-4.8, 4.8]": ("range: [-1 kg, 4]", "6: state.position.range: kg cannot be converted to m"),
    "unit: m}": (
        "unit: metre/secnd}",
        "6: state.position.unit: unknown unit `metre/secnd`: leave plain counts without one",
    ),
    "unit: s}": ("unit: secund}", "14: outputs.latency.unit: unknown unit `secund`: did you mean `second`?"),
    "type: real, range: [0, 60]": (
        "type: image, shape: [48, 64]",
        "14: outputs.latency.type: unknown type `image`: known are real, angle, category, integer, set",
    ),
    "range: [0, 40]": ("range: [0, forty]", "9: state.floor.range[1]: `forty` is not a whole number"),
    "values: [left, right]}\naction": (
        "values: [left, rihgt]}\naction",
        "15: possible: `rihgt` of `exits` is no value of the action: did you mean `right`?",
    ),
    "possible: exits": ("possible: exit", "15: possible: unknown field `exit`: did you mean `exits`?"),
    "horizon: 500": ("horizon: soon", "18: horizon: `soon` is not a whole number"),
    "returns: [0, 500]": ("unknown: gess", "19: unknown: `gess` is not known here: did you mean `guess`?"),
    "returns: [0, 500]\n": ("returns: [0]\n", "19: returns: [0] has 1 values: give 2"),
    "push: {type: category, values: [left, right]}": (
        "push: {values: [left, right]}",
        "12: action.push.type: is missing: known are real, angle, category, integer, set",
    ),
    "action:\n  push:": (
        "action:\n  pu-sh:",
        "12: action.pu-sh: cannot be a field's name: use letters, digits and _, a letter first",
    ),
    "[park, drive]": ("[1, drive]", "8: state.gear.values[0]: `1` is no text: put it in quotes"),
    "worldtwin: 1": (
        "worldtwin: 2",
        "1: worldtwin: format 2 is not known here, only 1: a newer Worldtwin wrote it: update yours",
    ),
    "horizon: 500\n": (
        "history: 1\nlatent: auto\n",
        "19: latent: hidden states remember the past themselves: leave `history` out",
    ),
}


@pytest.mark.parametrize("right", MISTAKES)
def test_each_mistake_is_one_sentence_on_its_line(tmp_path: Path, right: str) -> None:
    wrong, sentence = MISTAKES[right]
    assert right in GOOD

    found = problems(tmp_path, GOOD.replace(right, wrong, 1))

    assert f"cart.yaml:{sentence}" in found


UNREADABLE = {
    "": ": the file is empty",
    "# nothing but a comment\n": ": the file is empty",
    "hello\n": ":1: `hello` is one value: a file of `key: value` lines is expected",
    "name: a\n\tversion: 1\n": ":2: a tab: YAML lines are indented with spaces",
    "name: 'a\nversion: 1\n": ":3: cannot be read: a quote is opened and never closed",
    "a: b: c\n": ":1: cannot be read: a `: ` inside of a value: put the value in quotes",
    "a: [1, 2\nb: 3\n": ":2: cannot be read: a bracket is opened and never closed, or a comma is missing",
    "a: 1\n---\nb: 2\n": ":2: a second document begins here: one file holds one",
    "%YAML 1.1\n---\na: 1\n": ":2: YAML directives are not read, except `%YAML 1.2`",
    "a: \x01\n": ":1: cannot be read: a control character: remove it",
    "? [a]\n: 1\n": ":1: a key must be a word: put what holds `[`, `{` or `*` in quotes",
    "a: " + "[" * 40: ":1: nested deeper than 16",
    "- 1\n": ":1: `[1]` is not a mapping like {key: value}",
}


@pytest.mark.parametrize("text", UNREADABLE, ids=[*map(repr, range(len(UNREADABLE)))])
def test_what_is_no_world_at_all_is_one_sentence(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)[0] == f"cart.yaml{UNREADABLE[text]}"


@pytest.mark.slow
def test_a_file_of_too_many_values_is_not_read_to_its_end(tmp_path: Path) -> None:
    assert problems(tmp_path, "[" + "1, " * 60_000 + "1]") == ["cart.yaml:1: more than 50,000 values"]


def test_repeated_keys_aliases_and_tags_are_refused_where_they_stand(tmp_path: Path) -> None:
    text = GOOD.replace("unit: m}", "unit: m, unit: km}").replace('reward: "1"', "reward: *one")
    text = text.replace("horizon: 500", "horizon: &h 500").replace("name: cart-pole", "name: !!str cart-pole")

    assert problems(tmp_path, text) == [
        "cart.yaml:2: name: `tag:yaml.org,2002:str`: YAML tags are not read: leave it out",
        "cart.yaml:6: state.position.unit: appears twice in this place: first on line 6",
        "cart.yaml:16: reward: `*one` repeats another value: write it out",
        "cart.yaml:18: horizon: `&h` marks a value to repeat it: write values out",
    ]


def test_a_missing_key_shows_how_to_write_it(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD.replace("version: 1.0.0\n", "")) == [
        "cart.yaml:1: version: is missing: write `version: 1.0.0`"
    ]


def test_the_line_of_a_mistake_in_a_block_of_script_is_its_own(tmp_path: Path) -> None:
    text = GOOD.replace('reward: "1"', "reward: |\n  (1 +\n   next.positoin)")

    assert problems(tmp_path, text) == [
        "cart.yaml:18: reward: unknown field `positoin` of next: did you mean `position`? (column 2)"
    ]


def test_a_field_that_cannot_be_read_does_not_make_the_script_wrong(tmp_path: Path) -> None:
    text = GOOD.replace("type: real, range: [-4.8, 4.8]", "type: reel, range: [-4.8, 4.8]")

    assert len(problems(tmp_path, text)) == 1


def test_files_that_are_none_are_one_sentence(tmp_path: Path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"name: a\nversion: \xff\n")
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b"#" * (1 << 20) + b"\n")
    expected = {
        tmp_path / "none.yaml": "no such file",
        tmp_path: "is a directory: give the file in it",
        binary: "byte 0xff is no UTF-8: save the file as UTF-8 text",
        huge: "1,048,577 bytes are more than the 1,048,576 allowed",
        Path("/dev/zero"): "is no regular file",
    }
    for path, sentence in expected.items():
        with pytest.raises(InvalidSpec) as caught:
            load_spec(path)
        assert [problem.message for problem in caught.value.problems] == [sentence]
    assert caught.value.problems[0].file == "/dev/zero"


@pytest.mark.parametrize(
    ("written", "unit", "bounds"),
    [
        ("[-480 cm, 4.8]", "m", (-4.8, 4.8)),
        ("[0 degC, 100]", "degC", (0.0, 100.0)),
        ("[0, 36 km/h]", "m/s", (0.0, 10.0)),
    ],
)
def test_quantities_are_converted_to_the_unit_of_the_field(
    tmp_path: Path, written: str, unit: str, bounds: tuple[float, float]
) -> None:
    path = tmp_path / "cart.yaml"
    path.write_text(GOOD.replace("range: [-4.8, 4.8], unit: m", f"range: {written}, unit: {unit}"), encoding="utf-8")

    field = load_spec(path).state.field("position")

    assert (getattr(field, "low", None), getattr(field, "high", None)) == bounds


def test_words_of_older_yaml_stay_words(tmp_path: Path) -> None:
    path = tmp_path / "cart.yaml"
    path.write_text(GOOD.replace("[park, drive]", "[on, off, yes, 1:30]"), encoding="utf-8")

    assert getattr(load_spec(path).state.field("gear"), "values", ()) == ("on", "off", "yes", "1:30")


def test_a_folder_is_only_said_to_be_missing_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "world").write_text("no folder, but there")

    assert "there is no folder" in missing(tmp_path / "away" / "cart.yaml")
    assert missing(tmp_path / "world" / "cart.yaml") == "no such file"
