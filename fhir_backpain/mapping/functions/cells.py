"""Cells of a table: text that stands for a number, a date, a word or a flag.

Each function gives None for a cell that holds one of the feed's words for a missing value, and
notes an issue with row and column for a cell that it cannot read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fhir_backpain.artifacts.located_yaml import YamlMap, YamlScalar
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.emitter import Emitter, Piece
from fhir_backpain.mapping.functions.arguments import (
    argument,
    only_options,
    option,
    refuse,
    want_option,
)
from fhir_backpain.mapping.functions.copying import quoted
from fhir_backpain.mapping.scope import PARAMETER
from fhir_backpain.mapping.template import Slot
from fhir_backpain.outcome import Issue, MappingLocation, SourceLocation

_PLAIN_NUMBER = re.compile(r"^[+-]?\d{1,30}(\.\d{1,30})?$")
_TOKENS = {"yyyy": "%Y", "mm": "%m", "dd": "%d", "HH": "%H", "MM": "%M", "SS": "%S"}


@dataclass(frozen=True, slots=True)
class CellReader:
    """Reads the cells of one column in one form; `read` gives JSON text or raises ValueError."""

    column: str
    expected: str
    read: Callable[[str], str]
    location: MappingLocation

    def __call__(self, cell: str, problems: list[Issue]) -> str | None:
        """Return the cell as JSON text, or None after noting what is wrong with it."""
        try:
            return self.read(cell.strip())
        except (ValueError, InvalidOperation, OverflowError):
            problems.append(
                messages.CELL_VALUE.issue(
                    f"The cell in column '{self.column}' is not {self.expected}.",
                    source=SourceLocation(field=self.column),
                    mapping=self.location,
                )
            )
            return None


def _reading(emitter: Emitter, slot: Slot, expected: str, read: Callable[[str], str]) -> Piece:
    reach = emitter.reach(argument(slot), slot.location)
    reader = emitter.constant(CellReader(reach.path, expected, read, slot.location))
    cell = emitter.assign(reach.expression)
    return emitter.optional(f"None if {cell} is None else {reader}({cell}, c.problems)")


def number(emitter: Emitter, slot: Slot) -> Piece:
    """``{=number: column, decimal: ","}``: a number, its digits kept as written."""
    only_options(slot, "decimal")
    mark = option(slot, "decimal") or "."

    def read(cell: str) -> str:
        text = cell.replace(mark, ".") if mark != "." else cell
        if not _PLAIN_NUMBER.match(text):
            raise ValueError
        return format(Decimal(text), "f")

    return _reading(emitter, slot, "a number", read)


def integer(emitter: Emitter, slot: Slot) -> Piece:
    """``{=integer: column}``: a whole number; 3.0 is one too."""
    only_options(slot)

    def read(cell: str) -> str:
        value = Decimal(cell if _PLAIN_NUMBER.match(cell) else "refused")
        if value != value.to_integral_value():
            raise ValueError
        return str(int(value))

    return _reading(emitter, slot, "a whole number", read)


def date(emitter: Emitter, slot: Slot) -> Piece:
    """``{=date: column, form: dd/mm/yyyy}``: a date to the day."""
    only_options(slot, "form")
    form = option(slot, "form") or "yyyy-mm-dd"
    pattern = _pattern(slot, form)

    def read(cell: str) -> str:
        return quoted(_parse(cell, pattern, form).date().isoformat())

    return _reading(emitter, slot, f"a date written {form}", read)


def date_time(emitter: Emitter, slot: Slot) -> Piece:
    """``{=dateTime: column, form: dd/mm/yyyy HH:MM, zone: Europe/Berlin}``: date, time and zone.

    `zone` is an IANA zone or an offset such as +01:00; a time that the zone skips or has twice is
    refused, since it would have to be guessed.
    """
    only_options(slot, "form", "zone")
    form = option(slot, "form") or "yyyy-mm-dd HH:MM"
    pattern = _pattern(slot, form)
    zone = _zone(slot, want_option(slot, "zone"))

    def read(cell: str) -> str:
        moment = _parse(cell, pattern, form).replace(tzinfo=zone)
        if moment.utcoffset() != moment.replace(fold=1).utcoffset():
            raise ValueError
        return quoted(moment.isoformat())

    return _reading(emitter, slot, f"a date and time written {form}", read)


def _parse(cell: str, pattern: str, form: str) -> datetime:
    if len(cell) != len(form):
        raise ValueError
    return datetime.strptime(cell, pattern)


def _pattern(slot: Slot, form: str) -> str:
    pattern = form
    for token, directive in _TOKENS.items():
        pattern = pattern.replace(token, directive)
    if "%Y" not in pattern:
        raise refuse(slot, "A form is made of yyyy, mm, dd, HH, MM and SS.")
    return pattern


def _zone(slot: Slot, name: str) -> tzinfo:
    if re.fullmatch(r"Z|[+-]\d\d:\d\d", name):
        return datetime.fromisoformat(f"2000-01-01T00:00:00{name}").tzinfo or ZoneInfo("UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise refuse(slot, f"'{name}' is not an IANA time zone or an offset.") from None


def word(emitter: Emitter, slot: Slot) -> Piece:
    """``{=word: column, table: {1: female, 2: male}}``: a code of the clinic, translated.

    A value of the table may be a parameter: ``{"-1": =parameter.baseline}``.
    """
    only_options(slot, "table")
    node = slot.options.get("table")
    if not isinstance(node, YamlMap):
        raise refuse(slot, "'=word' needs a table.")
    reach = emitter.reach(argument(slot), slot.location)
    rows = {key: _row(emitter, slot, item) for key, item in node.entries.items()}
    listed = ", ".join(rows)
    table = emitter.constant({key: row for key, row in rows.items() if row is not None})
    reader = emitter.constant(
        CellReader(reach.path, f"one of {listed}", _look_up(emitter, table), slot.location)
    )
    cell = emitter.assign(reach.expression)
    late = {
        key: emitter.reach(item.text, slot.location).expression
        for key, item in node.entries.items()
        if rows[key] is None and isinstance(item, YamlScalar)
    }
    found = emitter.assign("None")
    for key, expression in late.items():
        with emitter.block(f"if {cell} == {key!r}:"):
            emitter.line(f"{found} = quoted({expression})")
    with emitter.block(f"if {found} is None and {cell} is not None:"):
        emitter.line(f"{found} = {reader}({cell}, c.problems)")
    return Piece("{" + found + "}", variable=found, live=True)


def _row(emitter: Emitter, slot: Slot, item: object) -> str | None:
    """Return a table value as JSON text, or None for a parameter that is known only at run time."""
    if not isinstance(item, YamlScalar):
        raise refuse(slot, "A table has single values.")
    if not item.quoted and item.text.startswith("=" + PARAMETER):
        return None
    return json.dumps(item.value)


def _look_up(emitter: Emitter, table: str) -> Callable[[str], str]:
    rows: dict[str, str] = emitter.constants[table]

    def read(cell: str) -> str:
        if cell not in rows:
            raise ValueError
        return rows[cell]

    return read
