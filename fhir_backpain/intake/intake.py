"""Takes in files: each record is read, checked and either passed on or rejected with its reasons.

Good records are never harmed by bad ones, and every record and column is counted. Memory stays
flat: only a bounded number of issues is kept, and all are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fhir_backpain.errors import SettingsError, SourceError
from fhir_backpain.intake import messages
from fhir_backpain.mapping.feed import Feed
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.table import ColumnAccount, TableReader
from fhir_backpain.outcome import Issue
from fhir_backpain.record import Reading, RejectedRecord, SourceRecord, is_test_data
from fhir_backpain.sources.records import open_records
from fhir_backpain.validation.record import RecordChecker

_TABLE_SUFFIXES = (".csv", ".tsv", ".txt")


@dataclass(slots=True)
class IntakeReport:
    """What was taken in: counts, the first issues in order, and the fate of every column."""

    max_issues: int = 200
    accepted: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    all_test_data: bool = True
    issues: list[Issue] = field(default_factory=list)
    issue_count: int = 0
    error_count: int = 0
    columns: dict[str, list[ColumnAccount]] = field(default_factory=dict)
    _errors_kept: int = 0

    @property
    def has_errors(self) -> bool:
        """True where anything was rejected or not accounted for."""
        return self.rejected > 0 or self.error_count > 0

    def note(self, issues: Iterable[Issue]) -> None:
        """Count issues and keep the first ones."""
        for issue in issues:
            self.note_one(issue)

    def note_one(self, issue: Issue) -> None:
        """Count an issue and keep it among the first; an error takes the place of a lesser one."""
        self.issue_count += 1
        self.error_count += issue.is_error
        if len(self.issues) >= self.max_issues:
            if not issue.is_error or self._errors_kept >= len(self.issues):
                return
            del self.issues[max(at for at, one in enumerate(self.issues) if not one.is_error)]
        self.issues.append(issue)
        self._errors_kept += issue.is_error

    def shown_issues(self) -> list[Issue]:
        """Return the kept issues, and a note where there were more."""
        more = self.issue_count - len(self.issues)
        if more <= 0:
            return list(self.issues)
        return [*self.issues, messages.MORE_ISSUES.issue(f"{more} more issues are not listed.")]

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON data with stable keys."""
        return {
            "accepted": dict(sorted(self.accepted.items())),
            "rejected": self.rejected,
            "issues": [issue.to_fhir() for issue in self.shown_issues()],
            "issueCount": self.issue_count,
            "columns": {
                file: [account.to_json() for account in accounts]
                for file, accounts in self.columns.items()
            },
        }


class Intake:
    """The checked records of some files, in order; iterate it once, then read `report`.

    A file whose name ends in .csv, .tsv or .txt (also with .gz) is a table and needs `feed`.
    Raises SettingsError at once for a missing feed or wrong parameters of it.
    """

    def __init__(
        self,
        paths: Iterable[str],
        library: Library,
        *,
        feed: Feed | None = None,
        parameters: Mapping[str, str] | None = None,
        max_issues: int = 200,
    ) -> None:
        self.report = IntakeReport(max_issues=max_issues)
        self._paths = list(paths)
        self._feed = feed
        self._checker = RecordChecker(library.vocabulary, library.ranges, library.instruments)
        self._parameters = feed.settle_parameters(parameters or {}) if feed else {}
        for path in self._paths:
            if is_table(path) and feed is None:
                raise SettingsError(messages.FEED_NEEDED.issue(f"{path} is a table."))

    def __iter__(self) -> Iterator[SourceRecord]:
        for path in self._paths:
            try:
                yield from self._read_file(path)
            except SourceError as error:
                self.report.rejected += 1
                self.report.note(error.issues)

    def _read_file(self, path: str) -> Iterator[SourceRecord]:
        if not is_table(path):
            for reading in open_records(path):
                yield from self._pass_on(self._checked(reading))
            return
        assert self._feed is not None
        table = TableReader(
            Path(path), self._feed, self._parameters, self._checker.check, tell=self.report.note_one
        )
        try:
            for reading in table:
                yield from self._pass_on(reading)
        finally:
            self.report.columns[path] = table.columns
            self.report.note(table.issues)

    def _checked(self, reading: Reading) -> Reading:
        if isinstance(reading, RejectedRecord):
            return reading
        found = [issue.moved_to(reading.location) for issue in self._checker.check(reading.data)]
        if any(issue.is_error for issue in found):
            return RejectedRecord(tuple(found), reading.location)
        self.report.note(found)
        return reading

    def _pass_on(self, reading: Reading) -> Iterator[SourceRecord]:
        if isinstance(reading, RejectedRecord):
            self.report.rejected += 1
            self.report.note(reading.issues)
            return
        self.report.accepted[reading.data["record"]] += 1
        self.report.all_test_data &= is_test_data(reading.data)
        yield reading


def is_table(path: str) -> bool:
    """True where a file is a table by its name."""
    return path.lower().removesuffix(".gz").endswith(_TABLE_SUFFIXES)
