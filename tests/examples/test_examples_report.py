"""Pictures and pages."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worldtwin.examples.report import Figure, Frame, Panel, Range, figures, legend, page, table, write
from worldtwin.examples.report.picture import number, round_numbers


@settings(max_examples=25)
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_an_axis_has_a_few_round_numbers_in_its_range(low: float, width: float) -> None:
    marks = round_numbers(low, low + width)

    assert 1 <= len(marks) <= 7
    assert all(low - width * 1e-6 <= mark <= low + width * (1 + 1e-6) for mark in marks)
    assert list(marks) == sorted(set(marks))


@settings(max_examples=25)
@given(st.floats(0, 1), st.floats(0, 1))
def test_points_keep_their_order_and_stay_inside(x: float, y: float) -> None:
    frame = Frame(x=Range(0, 1), y=Range(0, 1))

    across, down = frame.at(x, y)

    assert frame.at(0, 0)[0] <= across <= frame.at(1, 1)[0] <= frame.width
    assert 0 <= frame.at(1, 1)[1] <= down <= frame.at(0, 0)[1] <= frame.height


def test_a_picture_is_well_formed_and_says_what_it_shows() -> None:
    frame = Frame(x=Range(0, 10, "steps & more"), y=Range.around([1.0, 1.0]))
    marks = [frame.line([0, 5], [1, 1], "observed"), frame.dots([1], [1], "fill ink"), frame.text(1, 1, "<here>")]

    svg = ET.fromstring(frame.svg(marks, 'a "line"'))  # noqa: S314 - our own text

    assert svg.attrib["aria-label"] == 'a "line"'
    assert [text.text for text in svg.iter("text")][-1] == "<here>"


@pytest.mark.parametrize(("value", "words"), [(1200.0, "1,200"), (-3.0, "−3"), (0.05, "0.05"), (0.0, "0")])
def test_numbers_read_as_people_write_them(value: float, words: str) -> None:
    assert number(value) == words


def test_a_page_is_one_file_that_asks_for_nothing_else(tmp_path: Path) -> None:
    inside = figures([Figure("1 < 2", "& so on", after=True)]) + table(["a"], [["<b>"]]) + legend([("fill ink", "<i>")])

    text = page("<title>", "words & more", [Panel(title="<p>", inside=inside)], [("key", "<1>")])
    path = write(tmp_path / "new" / "report.html", text)

    assert path.read_text("utf-8") == text
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]
    assert not re.search(r"https?:|src=|@import|url\(|<script|<link", text)
    assert "<b></td>" not in text
    assert "&lt;title&gt;" in text
    assert "prefers-color-scheme: dark" in text
