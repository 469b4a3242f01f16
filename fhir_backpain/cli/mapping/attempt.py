"""One try of a mapping or feed on one record or row: what was read, made, lost and wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from fhir_backpain.cli.mapping import messages
from fhir_backpain.cli.mapping.options import home_of
from fhir_backpain.errors import MappingFailed, SourceError
from fhir_backpain.mapping.declaration import Declaration, read_declaration
from fhir_backpain.mapping.feed import Feed, read_feed
from fhir_backpain.mapping.files import MappingFiles, kind_of
from fhir_backpain.mapping.mapper import Mapper, mapper_of
from fhir_backpain.mapping.table import ColumnAccount, TableReader
from fhir_backpain.mapping.trace.account import RecordAccount
from fhir_backpain.mapping.trace.trace import Trace
from fhir_backpain.outcome import Issue, SourceLocation
from fhir_backpain.record import Reading, RejectedRecord
from fhir_backpain.sources.csv_rows import Row, open_rows
from fhir_backpain.sources.records import open_records
from fhir_backpain.validation.record import RecordChecker

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be tried on what; `row` is 1-based, `parameters` are a feed's."""

    file: Path
    source: str
    row: int = 1
    parameters: Mapping[str, str] = field(default_factory=dict)
    release: str = "R4"
    mappings: Path | None = None
    show_all: bool = False


@dataclass(slots=True)
class Attempt:
    """What came of it. `declaration` is the mapping that was tried, None for a feed.

    `record` and `trace` are None where it did not come so far; `issues` then say why.
    """

    title: str
    declaration: Declaration | None = None
    cells: dict[str, str] | None = None
    columns: list[ColumnAccount] = field(default_factory=list)
    record: dict[str, Any] | None = None
    trace: Trace | None = None
    account: RecordAccount | None = None
    issues: list[Issue] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """True where there is no error and no value of the record went nowhere."""
        lost = self.account is None or self.account.has_unmapped
        return not lost and not any(issue.is_error for issue in self.issues)


def attempt(request: Request) -> Attempt:
    """Try it; raises ArtifactError, SettingsError or SourceError where it cannot be tried."""
    home = home_of(request.file, request.mappings)
    kind = kind_of(request.file)
    if kind == "feed":
        mapper = mapper_of(MappingFiles.of(home), request.release, is_draft=True)
        return _try_feed(request, mapper)
    files = MappingFiles.of(home, [request.file])
    mapper = mapper_of(files, request.release, is_draft=True)
    declaration = None
    if kind == "mapping" and not request.show_all:
        declaration = read_declaration(request.file)
    return _try_record(request, mapper, declaration)


def _checker(mapper: Mapper) -> Callable[[Any], list[Issue]]:
    library = mapper.library
    return RecordChecker(library.vocabulary, library.ranges, library.instruments).check


def _try_record(request: Request, mapper: Mapper, declaration: Declaration | None) -> Attempt:
    reading = _nth(open_records(request.source), request)
    found = Attempt(f"{request.source}, record {request.row}", declaration)
    _take(found, reading)
    if found.record is not None:
        issues = _checker(mapper)(found.record)
        found.issues += [issue.moved_to(reading.location) for issue in issues]
        if not any(issue.is_error for issue in issues):
            _trace(found, mapper, found.record)
    return found


def _try_feed(request: Request, mapper: Mapper) -> Attempt:
    feed = read_feed(request.file)
    path = Path(request.source)
    settled = feed.settle_parameters(request.parameters)
    table = TableReader(path, feed, settled, _checker(mapper))
    row = _nth(_rows(path, feed), request)
    reading = _nth(iter(table), request)
    found = Attempt(f"{request.source}, row {request.row}", cells={}, columns=table.columns)
    if isinstance(row, Row):
        found.title += f" (line {row.line})"
        found.cells = row.values
    found.issues += table.issues
    _take(found, reading)
    if found.record is not None:
        _trace(found, mapper, found.record)
    return found


def _rows(path: Path, feed: Feed) -> Iterator[Row | RejectedRecord]:
    return open_rows(path, delimiter=feed.form.delimiter, encoding=feed.form.encoding)


def _take(found: Attempt, reading: Reading) -> None:
    if isinstance(reading, RejectedRecord):
        found.issues += reading.issues
    else:
        found.record = reading.data


def _trace(found: Attempt, mapper: Mapper, data: dict[str, Any]) -> None:
    try:
        found.trace = mapper.trace(data)
    except MappingFailed as error:
        found.issues += error.issues
        return
    declarations = mapper.declarations(data["record"])
    found.account = RecordAccount.of(data, found.trace, declarations)


def _nth(readings: Iterator[T], request: Request) -> T:
    for reading in islice(readings, request.row - 1, request.row):
        return reading
    place = SourceLocation(file=request.source)
    text = f"There is no number {request.row}."
    raise SourceError(messages.RECORD_MISSING.issue(text, source=place))
