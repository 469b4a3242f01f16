"""JSON as lines for a page, in which each value knows its place and where it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_backpain.fhir.json_text import dump
from fhir_backpain.mapping.trace.scope import escape
from fhir_backpain.mapping.trace.trace import Origin, Trace, TracedResource

_Step = Callable[[str, str | int], str]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what stands before a value, the value where there is one, what stands after.

    `place` is the value's JSON pointer or FHIRPath; `pointers` are the values of the record that
    are in it, `mapping` is the place of the mapping that put them there.
    """

    depth: int
    before: str
    value: str = ""
    after: str = ""
    place: str = ""
    pointers: tuple[str, ...] = ()
    mapping: str = ""

    @property
    def indent(self) -> str:
        """The white space at the beginning."""
        return "  " * self.depth


def record_lines(data: Mapping[str, Any]) -> list[Line]:
    """Return the lines of a record; each value's place is its JSON pointer."""

    def below(place: str, step: str | int) -> str:
        return f"{place}/{escape(str(step))}"

    return [
        Line(one.depth, one.before, one.value, one.after, one.place, (one.place,))
        if one.place
        else one
        for one in _lines(dict(data), below, "")
    ]


def resource_lines(resource: TracedResource, trace: Trace) -> list[Line]:
    """Return the lines of a made resource; each value's place is its FHIRPath."""

    def below(place: str, step: str | int) -> str:
        return f"{place}[{step}]" if isinstance(step, int) else f"{place}.{step}"

    found = []
    for one in _lines(resource.json, below, resource.type):
        origin = trace.origin(resource.url, one.place) if one.place else None
        found.append(one if origin is None else _told(one, origin))
    return found


def _told(line: Line, origin: Origin) -> Line:
    return Line(
        line.depth, line.before, line.value, line.after, line.place, origin.pointers,
        str(origin.mapping),
    )  # fmt: skip


def _lines(
    value: Any, below: _Step, place: str, depth: int = 0, before: str = "", after: str = ""
) -> Iterator[Line]:
    if not isinstance(value, dict | list) or not value:
        yield Line(depth, before, dump(value), after, place)
        return
    steps: list[str | int] = list(range(len(value)) if isinstance(value, list) else value)
    opening, closing = "[]" if isinstance(value, list) else "{}"
    yield Line(depth, f"{before}{opening}")
    for number, step in enumerate(steps, 1):
        item = value[step]  # type: ignore[index]
        name = "" if isinstance(step, int) else f"{dump(step)}: "
        comma = "," if number < len(steps) else ""
        yield from _lines(item, below, below(place, step), depth + 1, name, comma)
    yield Line(depth, f"{closing}{after}")
