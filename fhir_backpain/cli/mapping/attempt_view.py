"""Shows a try: the source with the fate of each value, and beside it what was made from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest

import click

from fhir_backpain.cli.mapping.attempt import Attempt
from fhir_backpain.cli.mapping.json_leaves import by_path, by_pointer, shown
from fhir_backpain.mapping.trace.account import LeafAccount
from fhir_backpain.mapping.trace.trace import Origin, TracedResource

_GAP = "  |  "
# State of a value: the mark before it, its colour, what it means.
_MARKS = {
    "here": ("+", "green", "mapped"),
    "elsewhere": (".", None, "mapped by another mapping"),
    "identity": ("#", "cyan", "in the address"),
    "condition": ("?", "blue", "decides only"),
    "ignored": ("-", "yellow", "ignored"),
    "unmapped": ("!", "red", "goes nowhere"),
}


def view(attempt: Attempt, width: int) -> Iterator[str]:
    """Yield the lines of a try; its two sides beside each other where `width` is enough."""
    yield click.style(attempt.title, bold=True)
    if attempt.cells:
        yield ""
        yield from _row(attempt)
    yield ""
    left = ["record", *_source(attempt)]
    right = ["FHIR", *_made(attempt)]
    yield from _beside(left, right, width)
    if attempt.account is not None:
        yield ""
        yield _legend(attempt)


def _beside(left: list[str], right: list[str], width: int) -> Iterator[str]:
    broad = max(map(_length, left), default=0)
    if broad + len(_GAP) + max(map(_length, right), default=0) > width:
        yield from (*left, "", *right)
        return
    for one, other in zip_longest(left, right, fillvalue=""):
        yield f"{one}{' ' * (broad - _length(one))}{_GAP}{other}".rstrip()


def _length(line: str) -> int:
    return len(click.unstyle(line))


def _row(attempt: Attempt) -> Iterator[str]:
    cells = attempt.cells or {}
    broad = max(map(len, cells), default=0)
    for account in attempt.columns:
        state = {"mapped": "here", "ignored": "ignored"}.get(account.fate, "unmapped")
        fate = f"-> {account.detail}" if state == "here" else f"{account.fate}: {account.detail}"
        mark, colour, _ = _MARKS[state]
        cell = shown(cells[account.column])
        text = f"{mark} {account.column:<{broad}}  {cell}  {fate}"
        yield click.style(text, fg=colour)


def _source(attempt: Attempt) -> Iterator[str]:
    values = dict(by_pointer(attempt.record)) if attempt.record is not None else {}
    accounts = attempt.account.leaves if attempt.account else ()
    if not accounts:
        yield from (f"  {pointer}  {shown(value)}" for pointer, value in values.items())
    for leaf in accounts:
        state = _state(leaf, attempt)
        mark, colour, meaning = _MARKS[state]
        reason = f"  {meaning}: {leaf.reason}" if leaf.reason else ""
        note = f"  {meaning}" if state == "unmapped" else reason
        text = f"{mark} {leaf.pointer}  {shown(values.get(leaf.pointer))}{note}"
        yield click.style(text, fg=colour)


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


def _made(attempt: Attempt) -> Iterator[str]:
    resources = list(_resources(attempt))
    if attempt.trace is not None and not resources:
        yield from _why_nothing(attempt)
    for resource in resources:
        yield click.style(f"{resource.url} by {resource.mapping}", bold=True)
        values = dict(by_path(resource.json, resource.type))
        for origin in resource.origins():
            yield _leaf(origin, shown(values.get(origin.path)))


def _leaf(origin: Origin, value: str) -> str:
    path = origin.path.partition(".")[2]
    source = f"  <- {' '.join(origin.pointers)}" if origin.pointers else ""
    colour = {"value": "green", "identity": "cyan"}.get(origin.role)
    return click.style(f"  {path}  {value}{source}", fg=colour)


def _why_nothing(attempt: Attempt) -> Iterator[str]:
    own = attempt.declaration
    yield "nothing is made of this record"
    if own is None:
        return
    kind = attempt.record["record"] if attempt.record else None
    if kind not in own.sources:
        yield f"  the mapping is for: {', '.join(own.sources)}"
    elif own.repetition:
        yield f"  for each: {own.repetition[0]}"
    if own.condition:
        yield f"  when: {own.condition}"


def _legend(attempt: Attempt) -> str:
    assert attempt.account is not None
    states = [_state(leaf, attempt) for leaf in attempt.account.leaves]
    parts = [
        click.style(f"{mark} {states.count(state)} {meaning}", fg=colour)
        for state, (mark, colour, meaning) in _MARKS.items()
        if state in states
    ]
    return "  ".join(parts)
