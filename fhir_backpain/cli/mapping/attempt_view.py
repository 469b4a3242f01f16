"""Shows a try: the source with the fate of each value, and beside it what was made from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from textwrap import wrap

import click

from fhir_backpain.cli.mapping.attempt import Attempt
from fhir_backpain.cli.mapping.json_leaves import by_path, by_pointer, shown
from fhir_backpain.mapping.trace.account import LeafAccount
from fhir_backpain.mapping.trace.trace import Origin, TracedResource

_GAP = "  |  "
_INDENT = " " * 6
_NARROWEST = 45
# State of a value: the mark before it, its colour, what it means.
_MARKS = {
    "here": ("+", "green", "mapped"),
    "elsewhere": (".", None, "mapped by another mapping"),
    "identity": ("#", "cyan", "in the address"),
    "condition": ("?", "blue", "decides only"),
    "ignored": ("-", "yellow", "ignored"),
    "unmapped": ("!", "red", "goes nowhere"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text in a colour."""

    text: str
    colour: str | None = None
    bold: bool = False

    def folded(self, width: int) -> list[Line]:
        """Return the line in parts of at most `width` characters."""
        parts = wrap(self.text, width, subsequent_indent=_INDENT, break_on_hyphens=False)
        return [replace(self, text=part) for part in parts or [""]]

    def __str__(self) -> str:
        return click.style(self.text, fg=self.colour, bold=self.bold or None) if self.text else ""


def view(attempt: Attempt, width: int) -> Iterator[str]:
    """Yield the lines of a try; its two sides beside each other where `width` is enough."""
    yield click.style(attempt.title, bold=True)
    if attempt.cells:
        yield ""
        yield from map(str, _row(attempt))
    yield ""
    left = [Line("record", bold=True), *_source(attempt)]
    right = [Line("FHIR", bold=True), *_made(attempt)]
    yield from _beside(left, right, width)
    if attempt.account is not None:
        yield ""
        yield _legend(attempt)


def _beside(left: list[Line], right: list[Line], width: int) -> Iterator[str]:
    """Yield both sides beside each other, long lines folded; one below the other where narrow."""
    side = (width - len(_GAP)) // 2
    if side < _NARROWEST:
        yield from (str(line) for line in (*left, Line(""), *right))
        return
    folded = [part for line in left for part in line.folded(side)]
    broad = max(len(line.text) for line in folded)
    rest = width - broad - len(_GAP)
    others = [part for line in right for part in line.folded(rest)]
    for one, other in zip_longest(folded, others, fillvalue=Line("")):
        yield f"{one}{' ' * (broad - len(one.text))}{_GAP}{other}".rstrip()


def _row(attempt: Attempt) -> Iterator[Line]:
    cells = attempt.cells or {}
    broad = max(map(len, cells), default=0)
    for account in attempt.columns:
        state = {"mapped": "here", "ignored": "ignored"}.get(account.fate, "unmapped")
        fate = f"-> {account.detail}" if state == "here" else f"{account.fate}: {account.detail}"
        mark, colour, _ = _MARKS[state]
        cell = shown(cells[account.column])
        text = f"{mark} {account.column:<{broad}}  {cell}  {fate}"
        yield Line(text, colour)


def _source(attempt: Attempt) -> Iterator[Line]:
    values = dict(by_pointer(attempt.record)) if attempt.record is not None else {}
    accounts = attempt.account.leaves if attempt.account else ()
    if not accounts:
        yield from (Line(f"  {pointer}  {shown(value)}") for pointer, value in values.items())
    for leaf in accounts:
        state = _state(leaf, attempt)
        mark, colour, meaning = _MARKS[state]
        reason = f"  {meaning}: {leaf.reason}" if leaf.reason else ""
        note = f"  {meaning}" if state == "unmapped" else reason
        text = f"{mark} {leaf.pointer}  {shown(values.get(leaf.pointer))}{note}"
        yield Line(text, colour)


def _state(leaf: LeafAccount, attempt: Attempt) -> str:
    if leaf.state != "mapped":
        return leaf.state
    urls = {resource.url for resource in _resources(attempt)}
    origins = [origin for origin in leaf.destinations if origin.url in urls]
    if any(origin.role == "value" for origin in origins):
        return "here"
    return "identity" if origins else "elsewhere"


def _resources(attempt: Attempt) -> Iterable[TracedResource]:
    resources = attempt.trace.resources if attempt.trace else ()
    own = attempt.declaration
    return resources if own is None else [one for one in resources if one.mapping == own.name]


def _made(attempt: Attempt) -> Iterator[Line]:
    resources = list(_resources(attempt))
    if attempt.trace is not None and not resources:
        yield from _why_nothing(attempt)
    for resource in resources:
        yield Line(f"{resource.url} by {resource.mapping}", bold=True)
        values = dict(by_path(resource.json, resource.type))
        for origin in resource.origins():
            yield _leaf(origin, shown(values.get(origin.path)))


def _leaf(origin: Origin, value: str) -> Line:
    path = origin.path.partition(".")[2]
    source = f"  <- {' '.join(origin.pointers)}" if origin.pointers else ""
    colour = {"value": "green", "identity": "cyan"}.get(origin.role)
    return Line(f"  {path}  {value}{source}", colour)


def _why_nothing(attempt: Attempt) -> Iterator[Line]:
    own = attempt.declaration
    yield Line("nothing is made of this record")
    if own is None:
        return
    kind = attempt.record["record"] if attempt.record else None
    if kind not in own.sources:
        yield Line(f"  the mapping is for: {', '.join(own.sources)}")
    elif own.repetition:
        yield Line(f"  for each: {own.repetition[0]}")
    if own.condition:
        yield Line(f"  when: {own.condition}")


def _legend(attempt: Attempt) -> str:
    assert attempt.account is not None
    states = [_state(leaf, attempt) for leaf in attempt.account.leaves]
    parts = [
        click.style(f"{mark} {states.count(state)} {meaning}", fg=colour)
        for state, (mark, colour, meaning) in _MARKS.items()
        if state in states
    ]
    return "  ".join(parts)
