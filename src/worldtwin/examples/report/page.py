"""The page around the pictures: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Final

from msgspec import Struct

STYLE: Final = Path(__file__).with_name("style.css")


class Figure(Struct, frozen=True):
    """One large number with its words; an `after` one is what the demo is about."""

    value: str
    words: str
    after: bool = False


class Panel(Struct, frozen=True, kw_only=True):
    """One box of the page: a title, a sentence, and HTML."""

    title: str
    words: str = ""
    inside: str
    wide: bool = False


def page(title: str, words: str, panels: Iterable[Panel], facts: Iterable[tuple[str, str]]) -> str:
    """The whole page; `facts` (name and value) are what is needed to do it again."""
    body = "".join(panel(each) for each in panels)
    foot = " · ".join(f"{escape(name)} <code>{escape(value)}</code>" for name, value in facts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Worldtwin</title><style>\n{STYLE.read_text('utf-8')}</style></head><body>"
        f'<header><div class="mark">◐ Worldtwin</div><h1>{escape(title)}</h1><p>{escape(words)}</p></header>'
        f"<main>{body}</main><footer>{foot}</footer></body></html>\n"
    )


def panel(each: Panel) -> str:
    """One box."""
    kind = ' class="wide"' if each.wide else ""
    words = f"<p>{escape(each.words)}</p>" if each.words else ""
    return f"<section{kind}><h2>{escape(each.title)}</h2>{words}{each.inside}</section>"


def figures(each: Sequence[Figure]) -> str:
    """Large numbers side by side."""
    return f'<div class="figures">{"".join(map(_figure, each))}</div>'


def _figure(one: Figure) -> str:
    kind = "figure after" if one.after else "figure"
    return f'<div class="{kind}"><b>{escape(one.value)}</b><span>{escape(one.words)}</span></div>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    """A table; the columns `numbers` are aligned to the right."""
    kinds = [' class="number"' if column in numbers else "" for column in range(len(head))]
    top = "".join(f"<th{kind}>{escape(words)}</th>" for kind, words in zip(kinds, head, strict=True))
    lines = ("".join(f"<td{kind}>{escape(words)}</td>" for kind, words in zip(kinds, row, strict=True)) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def write(path: Path, text: str) -> Path:
    """Write the page to `path` at once, and say where that is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, "utf-8")
    draft.replace(path)
    return path.resolve()
