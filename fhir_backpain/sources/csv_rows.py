"""CSV: a header and rows, each row a dict of its cells as written.

RFC 4180, with any of four delimiters: http://www.rfc-editor.org/rfc/rfc4180
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fhir_backpain.errors import SourceError
from fhir_backpain.fhir.json_fault import position, shift
from fhir_backpain.outcome import Issue, SourceLocation
from fhir_backpain.record import RejectedRecord
from fhir_backpain.sources.byte_stream import open_source
from fhir_backpain.sources.csv_cells import CellError, split_cells
from fhir_backpain.sources.csv_header import read_header
from fhir_backpain.sources.csv_text import TextLine, is_ascii_based, read_text_lines
from fhir_backpain.sources.limits import LIMITS, SourceLimits
from fhir_backpain.sources.messages import (
    CELL_COUNT,
    CSV_CHARACTER,
    CSV_QUOTE,
    EMPTY_SOURCE,
    LINE_END,
)
from fhir_backpain.sources.reading import rejected, until_stopped

OnHeader = Callable[[tuple[str, ...]], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: column name to cell as written, and the 1-based line on which it begins."""

    values: dict[str, str]
    line: int


def open_rows(
    path: str | Path,
    *,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    limits: SourceLimits = LIMITS,
    on_header: OnHeader | None = None,
) -> Iterator[Row | RejectedRecord]:
    """Yield the rows of a CSV file, also .gz, or of "-", standard input; see `read_rows`."""
    with open_source(path, limits, utf8=is_ascii_based(encoding)) as source:
        yield from read_rows(
            source.stream,
            source.file,
            delimiter=delimiter,
            encoding=encoding,
            limits=limits,
            on_header=on_header,
        )


def read_rows(
    stream: BinaryIO,
    file: str | None = None,
    *,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    limits: SourceLimits = LIMITS,
    on_header: OnHeader | None = None,
) -> Iterator[Row | RejectedRecord]:
    """Yield each row below the header; a bad row is reported and does not harm the others.

    Every column of the header is a key of each row, in its order. Without `delimiter` the header
    tells which of , ; tab | it is. Rows without any value are passed over. After a wrong quote,
    reading goes on with the next line. `on_header` gets the columns before the first row. Raises
    SourceError where there is no usable header.
    """
    place = SourceLocation(file=file)
    lines = read_text_lines(stream, encoding, place, limits.max_record)
    rows = _RowReader(lines, place, limits)
    columns, mark = rows.header(delimiter)
    if on_header is not None:
        on_header(columns)
    # A header alone is an export without rows: no error.
    yield from until_stopped(rows.rows(columns, mark), place, begun=True)


class _RowReader:
    def __init__(
        self, lines: Iterator[TextLine], place: SourceLocation, limits: SourceLimits
    ) -> None:
        self._lines = lines
        self._again: deque[TextLine] = deque()
        self._place = place
        self._limits = limits

    def header(self, delimiter: str | None) -> tuple[tuple[str, ...], str]:
        """Return the column names and the delimiter of the first row that is not blank."""
        while line := self._next():
            if line.issue:
                raise SourceError(line.issue)
            if line.text.strip():
                row = "".join(part.text for part in self._row_from(line))
                return read_header(_without_end(row), delimiter, self._place.at(line=line.number))
        raise SourceError(EMPTY_SOURCE.issue("The source holds no header.", source=self._place))

    def rows(self, columns: tuple[str, ...], delimiter: str) -> Iterator[Row | RejectedRecord]:
        """Yield the rows that follow the header."""
        while line := self._next():
            here = self._place.at(line=line.number)
            if line.issue:
                yield RejectedRecord((line.issue,), here)
                continue
            row = self._row(line, columns, delimiter, here)
            if row is not None:
                yield row

    def _row(
        self, line: TextLine, columns: tuple[str, ...], delimiter: str, here: SourceLocation
    ) -> Row | RejectedRecord | None:
        parts = self._row_from(line)
        text = _without_end("".join(part.text for part in parts))
        try:
            cells = split_cells(text, delimiter)
        except CellError as error:
            self._again.extendleft(reversed(parts[1:]))
            place = shift(here, *position(text, error.offset))
            return RejectedRecord((CSV_QUOTE.issue(error.text, source=place),), here)
        issue = _character_issue(text, here)
        if issue:
            return RejectedRecord((issue,), here)
        if not any(cells):
            return None
        if len(cells) != len(columns):
            problem = f"The row has {len(cells)} cells, the header {len(columns)} columns."
            return rejected(CELL_COUNT, problem, here)
        return Row(dict(zip(columns, cells, strict=True)), line.number)

    def _row_from(self, line: TextLine) -> list[TextLine]:
        """Return the lines of the row that begins with `line`: inside quotes it goes on."""
        parts, size, quotes = [line], len(line.text), line.text.count('"')
        while quotes % 2 and len(parts) < self._limits.max_row_lines:
            following = self._next()
            if following is None:
                break
            size += len(following.text)
            if following.issue or size > self._limits.max_record:
                self._again.appendleft(following)
                break
            parts.append(following)
            quotes += following.text.count('"')
        return parts

    def _next(self) -> TextLine | None:
        return self._again.popleft() if self._again else next(self._lines, None)


def _without_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _character_issue(text: str, here: SourceLocation) -> Issue | None:
    if "\0" in text:
        place = shift(here, *position(text, text.index("\0")))
        return CSV_CHARACTER.issue("The row holds the character NUL.", source=place)
    if "\r" in text and '"' not in text:
        place = here.at(column=text.index("\r") + 1)
        return LINE_END.issue("The row holds a carriage return outside quotes.", source=place)
    return None
