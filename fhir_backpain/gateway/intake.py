"""The body of a request made records, all of them checked before any is taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any

from fhir_backpain.client.servers import ensure_may_receive
from fhir_backpain.errors import SettingsError
from fhir_backpain.fhir.json_text import parse
from fhir_backpain.gateway.guard import JSON
from fhir_backpain.gateway.messages import MORE_PROBLEMS, TOO_LARGE, WRONG_BODY
from fhir_backpain.gateway.problem import ProblemError
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.gateway.table_intake import SentTable
from fhir_backpain.outcome import Issue, Outcome, SourceLocation
from fhir_backpain.record import Reading, RejectedRecord, SourceRecord, is_test_data
from fhir_backpain.sources.limits import SourceLimits
from fhir_backpain.sources.ndjson import read_ndjson
from fhir_backpain.validation.record import RecordChecker

_MOST_ISSUES = 200
# Stored a thousand at a time: what was stored before a failure is known when it is sent again.
_MOST_STREAMED = 20_000


@dataclass(slots=True)
class Batch:
    """The good records of a request, and the problems of the others.

    `is_single` says that the body was one record rather than a list of them.
    """

    is_single: bool
    records: list[SourceRecord] = field(default_factory=list)
    refused: int = 0
    unreadable: bool = False
    has_errors: bool = False
    issues: list[Issue] = field(default_factory=list)

    def judge(self, record: SourceRecord, issues: list[Issue]) -> None:
        """Take a record unless one of the issues is an error."""
        if any(issue.is_error for issue in issues):
            self.refuse(issues)
        else:
            self.records.append(_named(record))
            self.tell(issues)

    def refuse(self, issues: Iterable[Issue]) -> None:
        """Count a record that is not taken, and tell why."""
        self.refused += 1
        self.tell(issues)

    def tell(self, issues: Iterable[Issue]) -> None:
        """Keep issues."""
        for issue in issues:
            self.has_errors = self.has_errors or issue.is_error
            self.issues.append(issue)

    @property
    def outcome(self) -> Outcome:
        """The problems, the first two hundred of them."""
        if len(self.issues) <= _MOST_ISSUES:
            return Outcome.of(self.issues)
        more = MORE_PROBLEMS.issue(f"{len(self.issues) - _MOST_ISSUES} more were found.")
        return Outcome.of([*self.issues[:_MOST_ISSUES], more])


def read_batch(
    body: bytes, kind: str, partial: bool, settings: GatewaySettings, checker: RecordChecker
) -> Batch:
    """Return the records of a body of media type `kind`, JSON or NDJSON.

    With `partial` the good records are returned beside the problems of the others, without it a
    batch has no problems: ProblemError or SourceError are raised instead. Raises SettingsError
    for patient data that would go to a public server.
    """
    is_single, readings = _readings(body, kind, partial, settings)
    batch = Batch(is_single)
    for reading in readings:
        if isinstance(reading, RejectedRecord):
            batch.unreadable = True
            batch.refuse(reading.issues)
        else:
            issues = [_placed(issue, reading.location) for issue in checker.check(reading.data)]
            batch.judge(reading, issues)
    return _whole(batch, partial, settings)


def read_table(
    table: SentTable, partial: bool, settings: GatewaySettings, checker: RecordChecker
) -> Batch:
    """Return the records of a table, as `read_batch` does.

    A column that nothing explains is a problem of the whole; with `partial` it is only told.
    """
    batch = Batch(is_single=False)
    for reading in _limited(table.readings(checker), _most(partial, settings)):
        if isinstance(reading, RejectedRecord):
            batch.refuse(map(_unnamed, reading.issues))
        else:
            batch.records.append(replace(reading, location=reading.location.at(file=None)))
    batch.tell(map(_unnamed, table.issues))
    return _whole(batch, partial, settings)


def _whole(batch: Batch, partial: bool, settings: GatewaySettings) -> Batch:
    if batch.has_errors and not (partial and batch.records):
        raise ProblemError(batch.outcome, status=400 if batch.unreadable else 422)
    _guard(batch.records, settings)
    return batch


def place_of(location: SourceLocation) -> str:
    """Return where a record stood in its request: a JSON pointer, or a line of NDJSON."""
    return f"line {location.line}" if location.line else location.pointer or ""


def _readings(
    body: bytes, kind: str, partial: bool, settings: GatewaySettings
) -> tuple[bool, Iterable[Reading]]:
    if kind != JSON:
        limits = SourceLimits(max_record=settings.max_body, max_depth=settings.max_depth)
        lines = read_ndjson(BytesIO(body), None, limits)
        return False, _limited(lines, _most(partial, settings))
    data = parse(body, settings.json)
    if isinstance(data, dict):
        return True, [SourceRecord(data, SourceLocation())]
    if not isinstance(data, list) or not data:
        found = "an empty list" if isinstance(data, list) else "neither an object nor a list"
        raise ProblemError(WRONG_BODY.issue(f"The body is {found}."))
    places = (SourceLocation(pointer=f"/{index}") for index in range(len(data)))
    records = (SourceRecord(one, place) for one, place in zip(data, places, strict=True))
    return False, _limited(records, settings.max_records)


def _most(partial: bool, settings: GatewaySettings) -> int:
    """Return how many records there may be: all or nothing takes one transaction."""
    return _MOST_STREAMED if partial else settings.max_records


def _limited(readings: Iterable[Reading], most: int) -> Iterator[Reading]:
    for number, reading in enumerate(readings, 1):
        if number > most:
            raise ProblemError(TOO_LARGE.issue(f"A request has {most} records at most."))
        yield reading


def _placed(issue: Issue, place: SourceLocation) -> Issue:
    """Point from the body rather than from the record."""
    source = issue.source or SourceLocation()
    pointer = (place.pointer or "") + (source.pointer or "")
    return replace(issue, source=place.at(pointer=pointer, record=source.record))


def _unnamed(issue: Issue) -> Issue:
    """Return an issue that names no file: where the table lay for a moment is nobody's concern."""
    return issue if issue.source is None else replace(issue, source=issue.source.at(file=None))


def _named(record: SourceRecord) -> SourceRecord:
    data: dict[str, Any] = record.data
    return replace(record, location=record.location.at(record=data["id"]))


def _guard(records: Iterable[SourceRecord], settings: GatewaySettings) -> None:
    """Refuse all records where one that is not test data would get public."""
    found: list[Issue] = []
    for record in records:
        try:
            ensure_may_receive(
                settings.server, is_test_data(record.data), settings.allow_patient_data
            )
        except SettingsError as error:
            found += [_placed(issue, record.location) for issue in error.issues]
    if found:
        raise SettingsError(found[:_MOST_ISSUES])
