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
from fhir_backpain.mapping.chunk import Code
from fhir_backpain.mapping.emitter import Emitter
from fhir_backpain.mapping.functions.arguments import (
    arguments,
    only_options,
    option,
    refuse,
)
from fhir_backpain.mapping.functions.copying import quoted
from fhir_backpain.mapping.piece import Piece
from fhir_backpain.mapping.scope import PARAMETER
from fhir_backpain.mapping.template import Slot
from fhir_backpain.outcome import Issue, MappingLocation, SourceLocation

_PLAIN_NUMBER = re.compile(r"^[+-]?\d{1,30}(\.\d{1,30})?$")
_OFFSET = re.compile(r"^(Z|[+-]\d\d:\d\d)$")
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


@dataclass(frozen=True, slots=True)
class LackingCells:
    """Notes that the cell of a column cannot be read without those beside it."""

    columns: tuple[str, ...]
    location: MappingLocation

    def __call__(self, problems: list[Issue]) -> None:
        """Note the problem."""
        others = ", ".join(self.columns[1:])
        problems.append(
            messages.CELL_VALUE.issue(
                f"The cell in column '{self.columns[0]}' needs a value in {others} too.",
                source=SourceLocation(field=self.columns[0]),
                mapping=self.location,
            )
        )


def _reading(
    emitter: Emitter, slot: Slot, columns: list[str], expected: str, read: Callable[[str], str]
) -> Piece:
    cell = _cells(emitter, slot, columns)
    reader = emitter.constant(CellReader(", ".join(columns), expected, read, slot.location))
    return emitter.optional(f"None if {cell} is None else {reader}({cell}, c.problems)")


def _cells(emitter: Emitter, slot: Slot, columns: list[str]) -> str:
    """Return the variable that holds the cells, joined by spaces; None where the first is empty.

    Where only others are empty, the first would be lost: that is noted as a problem.
    """
    names = [
        emitter.code.assign(emitter.reach(column, slot.location).expression) for column in columns
    ]
    if len(names) == 1:
        return names[0]
    first, *others = names
    lacking = emitter.constant(LackingCells(tuple(columns), slot.location))
    empty = " or ".join(f"{name} is None" for name in others)
    joined = " + ' ' + ".join(names)
    return emitter.code.assign(
        f"None if {first} is None else {lacking}(c.problems) if {empty} else {joined}"
    )


def number(emitter: Emitter, slot: Slot) -> Piece:
    """``{=number: column, decimal: ","}``: a number, its digits kept as written."""
    only_options(slot, "decimal")
    mark = option(slot, "decimal") or "."

    def read(cell: str) -> str:
        # With a decimal comma a point would mark thousands, or be a mistake: never guessed.
        if mark != "." and "." in cell:
            raise ValueError
        return format(_plain_number(cell.replace(mark, ".")), "f")

    return _reading(emitter, slot, arguments(slot), "a number", read)


def integer(emitter: Emitter, slot: Slot) -> Piece:
    """``{=integer: column}``: a whole number; 3.0 is one too."""
    only_options(slot)

    def read(cell: str) -> str:
        value = _plain_number(cell)
        if value != value.to_integral_value():
            raise ValueError
        return str(int(value))

    return _reading(emitter, slot, arguments(slot), "a whole number", read)


def _plain_number(text: str) -> Decimal:
    """Return the number; minus zero is refused, as JSON data cannot keep it."""
    value = Decimal(text if _PLAIN_NUMBER.match(text) else "refused")
    if value.is_zero() and value.is_signed():
        raise ValueError
    return value


def date(emitter: Emitter, slot: Slot) -> Piece:
    """``{=date: column, form: dd/mm/yyyy}``: a date to the day."""
    only_options(slot, "form")
    form = option(slot, "form") or "yyyy-mm-dd"
    pattern = _pattern(slot, form, "yyyy", "mm", "dd")

    def read(cell: str) -> str:
        return quoted(_parse(cell, pattern, form).date().isoformat())

    return _reading(emitter, slot, arguments(slot), f"a date written {form}", read)


def date_time(emitter: Emitter, slot: Slot) -> Piece:
    """``{=dateTime: column, form: dd/mm/yyyy HH:MM, zone: Europe/Berlin}``: date, time and zone.

    `zone` is an IANA zone or an offset such as +01:00; a time that the zone skips or has twice is
    refused, since it would have to be guessed. ``offset: column`` reads the offset from a column.
    """
    only_options(slot, "form", "zone", "offset")
    form = option(slot, "form") or "yyyy-mm-dd HH:MM"
    pattern = _pattern(slot, form, "yyyy", "mm", "dd", "HH", "MM")
    offset, zone = option(slot, "offset"), option(slot, "zone")
    if (offset is None) == (zone is None):
        raise refuse(slot, "'=dateTime' needs 'zone' or 'offset'.")
    expected = f"a date and time written {form}"
    if offset is not None:
        columns = [*arguments(slot), offset]
        return _reading(
            emitter, slot, columns, f"{expected}, and an offset", _with_offset(pattern, form)
        )
    fixed = _zone(slot, zone or "")
    return _reading(emitter, slot, arguments(slot), expected, _in_zone(pattern, form, fixed))


def _with_offset(pattern: str, form: str) -> Callable[[str], str]:
    def read(cell: str) -> str:
        moment, _, offset = cell.rpartition(" ")
        if not _OFFSET.match(offset):
            raise ValueError
        zone = datetime.fromisoformat(f"2000-01-01T00:00:00{offset}").tzinfo
        return quoted(_parse(moment, pattern, form).replace(tzinfo=zone).isoformat())

    return read


def _in_zone(pattern: str, form: str, zone: tzinfo) -> Callable[[str], str]:
    def read(cell: str) -> str:
        moment = _parse(cell, pattern, form).replace(tzinfo=zone)
        if moment.utcoffset() != moment.replace(fold=1).utcoffset():
            raise ValueError
        return quoted(moment.isoformat())

    return read


def _parse(cell: str, pattern: str, form: str) -> datetime:
    if len(cell) != len(form):
        raise ValueError
    return datetime.strptime(cell, pattern)


def _pattern(slot: Slot, form: str, *needed: str) -> str:
    """Return the strptime pattern of a form; what the form leaves out would be invented."""
    if any(form.count(token) != 1 for token in needed):
        raise refuse(slot, f"The form of '={slot.function}' needs {', '.join(needed)}, each once.")
    pattern = form.replace("%", "%%")
    for token, directive in _TOKENS.items():
        pattern = pattern.replace(token, directive)
    return pattern


def _zone(slot: Slot, name: str) -> tzinfo:
    if _OFFSET.match(name):
        return datetime.fromisoformat(f"2000-01-01T00:00:00{name}").tzinfo or ZoneInfo("UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise refuse(slot, f"'{name}' is not an IANA time zone or an offset.") from None


def word(emitter: Emitter, slot: Slot) -> Piece:
    """``{=word: column, table: {1: female, 2: male}}``: a code of the clinic, translated.

    Several columns make one word: ``{=word: [item, unit], table: {WGT kg: body-weight}}``. A value
    of the table may be a parameter: ``{"-1": =parameter.baseline}``.
    """
    only_options(slot, "table")
    node = slot.options.get("table")
    if not isinstance(node, YamlMap):
        raise refuse(slot, "'=word' needs a table.")
    columns = arguments(slot)
    rows = {key: _row(emitter, slot, item) for key, item in node.entries.items()}
    listed = ", ".join(rows)
    table = emitter.constant({key: row for key, row in rows.items() if row is not None})
    reader = emitter.constant(
        CellReader(", ".join(columns), f"one of {listed}", _look_up(emitter, table), slot.location)
    )
    cell = _cells(emitter, slot, columns)
    late = {
        key: emitter.reach(item.text, slot.location).expression
        for key, item in node.entries.items()
        if rows[key] is None and isinstance(item, YamlScalar)
    }
    found = emitter.code.assign("None")
    for key, expression in late.items():
        with emitter.code.block(f"if {cell} == {key!r}:"):
            emitter.code.add(f"{found} = quoted({expression})")
    with emitter.code.block(f"if {found} is None and {cell} is not None:"):
        emitter.code.add(f"{found} = {reader}({cell}, c.problems)")
    return emitter.settled_variable(Code(found, frozenset((found,))))


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
