"""The header row of a CSV source: the delimiter, and one name for each column."""

from __future__ import annotations

import re

from fhir_backpain.errors import SourceError
from fhir_backpain.outcome import Message, SourceLocation
from fhir_backpain.sources.csv_cells import CellError, split_cells
from fhir_backpain.sources.messages import (
    COLUMN_NAME,
    CSV_QUOTE,
    LINE_END,
    NO_HEADER,
    WRONG_DELIMITER,
)

DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
_QUOTED = re.compile(r'"[^"]*"')
_VALUE = re.compile(r"[-+]?[0-9]+([.,][0-9]+)?|[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}([T ].*)?")


def read_header(
    row: str, delimiter: str | None, place: SourceLocation
) -> tuple[tuple[str, ...], str]:
    """Return the column names and the delimiter. Raises SourceError where they are not clear."""
    if "\r" in row:
        raise _error(LINE_END, "The header holds a carriage return.", place)
    found = _delimiter(row, delimiter, place)
    try:
        names = tuple(name.strip() for name in split_cells(row, found))
    except CellError as error:
        raise _error(CSV_QUOTE, error.text, place.at(column=error.offset + 1)) from None
    _check_names(names, place)
    return names, found


def _delimiter(row: str, given: str | None, place: SourceLocation) -> str:
    if given is not None and (len(given) != 1 or given in '"\r\n\0'):
        raise _error(WRONG_DELIMITER, "The delimiter must be one character, not a quote.", place)
    unquoted = _QUOTED.sub("", row)
    counts = {mark: unquoted.count(mark) for mark in DELIMITERS}
    most = max(counts.values())
    likely = [mark for mark in DELIMITERS if counts[mark] == most and most > 0]
    if given is None:
        if len(likely) > 1:
            names = " and ".join(_NAMES[mark] for mark in likely)
            raise _error(WRONG_DELIMITER, f"The header fits {names} alike.", place)
        return likely[0] if likely else ","
    if likely and given not in unquoted:
        text = f"The header has no {given!r}, but looks divided by {_NAMES[likely[0]]}."
        raise _error(WRONG_DELIMITER, text, place)
    return given


def _check_names(names: tuple[str, ...], place: SourceLocation) -> None:
    # A missing header shows a patient's row: no text here repeats what stands in a cell.
    for number, name in enumerate(names, start=1):
        if not name:
            raise _error(COLUMN_NAME, f"Column {number} has no name.", place)
        if _VALUE.fullmatch(name):
            text = f"Cell {number} of the first row is a value, not a column's name."
            raise _error(NO_HEADER, text, place)
        if not name.isprintable():
            text = f"The name of column {number} holds a character that cannot be printed."
            raise _error(COLUMN_NAME, text, place)
        first = names.index(name) + 1
        if first < number:
            text = f"Columns {first} and {number} have the same name."
            raise _error(COLUMN_NAME, text, place)


def _error(message: Message, text: str, place: SourceLocation) -> SourceError:
    return SourceError(message.issue(text, source=place))
