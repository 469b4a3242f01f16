"""Trying a source: the text of a record, of records or of a table, and what would come of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from fhir_backpain.errors import ArtifactError, BackpainError, MappingFailed, SettingsError
from fhir_backpain.gateway.json_view import Line, record_lines, resource_lines
from fhir_backpain.gateway.mapping_book import feed_of
from fhir_backpain.gateway.messages import TABLE_ENCODING
from fhir_backpain.intake.intake import Intake, IntakeReport
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.mapping.trace.account import RecordAccount
from fhir_backpain.mapping.trace.trace import TracedResource
from fhir_backpain.outcome import Issue, Outcome
from fhir_backpain.record import SourceRecord
from fhir_backpain.validation.resource.validator import BuiltInValidator

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Source:
    """What a person gave: the text of records, or of a table together with its feed mapping.

    `parameters` are those of the feed, each as NAME=VALUE.
    """

    text: str
    feed: str = ""
    parameters: str = ""

    @property
    def is_table(self) -> bool:
        """True where a feed mapping says how to read it."""
        return bool(self.feed.strip())

    @contextmanager
    def opened(self, mapper: Mapper) -> Iterator[Intake]:
        """Give the intake of the source.

        Raises ArtifactError for a wrong feed, SettingsError for wrong parameters, or for a
        character that the feed's encoding does not have.
        """
        feed = feed_of(self.feed) if self.is_table else None
        with tempfile.TemporaryDirectory(prefix="fhir-backpain-") as name:
            path = Path(name) / ("records.json" if feed is None else "table.csv")
            path.write_bytes(_encoded(self.text, feed.form.encoding if feed else "utf-8"))
            yield Intake(
                [str(path)], mapper.library, feed=feed, parameters=self._named(), max_issues=100
            )

    def _named(self) -> dict[str, str]:
        lines = [line.strip() for line in self.parameters.splitlines() if line.strip()]
        return {name.strip(): value.strip() for name, _, value in (x.partition("=") for x in lines)}


@dataclass(frozen=True, slots=True)
class Sight:
    """One record, what it makes, and what is wrong with that.

    `values` tells of each value of the record what became of it.
    """

    data: dict[str, Any]
    traced: tuple[TracedResource, ...] = ()
    resources: list[tuple[str, str, list[Line]]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    values: list[dict[str, Any]] = field(default_factory=list)

    @property
    def record(self) -> list[Line]:
        """The record's lines."""
        return record_lines(self.data)

    @property
    def is_valid(self) -> bool:
        """True where something is made and nothing is wrong with it."""
        return bool(self.resources) and not any(issue.is_error for issue in self.issues)


@dataclass(slots=True)
class Trial:
    """What would come of a source: its good records, the first of them in full, all counted."""

    records: list[SourceRecord] = field(default_factory=list)
    sights: list[Sight] = field(default_factory=list)
    report: IntakeReport = field(default_factory=IntakeReport)
    problems: list[Issue] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """How many records are good."""
        return self.report.accepted.total()

    @property
    def issues(self) -> list[Issue]:
        """Everything that is wrong with the source or its feed."""
        return [_named(one) for one in (*self.problems, *self.report.shown_issues())]


def try_out(source: Source, mapper: Mapper, most: int) -> Trial:
    """Read a source to its end, or to `most` records; nothing is stored or sent."""
    trial = Trial()
    validator = BuiltInValidator()
    try:
        with source.opened(mapper) as intake:
            trial.report = intake.report
            for record in islice(intake, most):
                trial.records.append(record)
                if len(trial.sights) < _SHOWN:
                    trial.sights.append(_sight(record, mapper, validator))
    except (ArtifactError, BackpainError) as error:
        trial.problems += error.issues
    return trial


def trial_to_json(trial: Trial) -> dict[str, Any]:
    """Return a trial as JSON data; of each shown record also what became of its every value."""
    return {
        "accepted": trial.accepted,
        "rejected": trial.report.rejected,
        "outcome": Outcome.of(trial.issues).to_fhir(),
        "columns": [
            account.to_json() for accounts in trial.report.columns.values() for account in accounts
        ],
        "records": [
            {
                "record": sight.data,
                "resources": [one.json for one in sight.traced],
                "values": sight.values,
                "outcome": Outcome.of(sight.issues).to_fhir(),
            }
            for sight in trial.sights
        ],
    }


def _encoded(text: str, encoding: str) -> bytes:
    """Return the bytes that the table's file has; as a text its encoding is of no matter."""
    try:
        return text.encode(encoding)
    except UnicodeError:
        said = "The table has a character that the encoding of the mapping does not have."
        raise SettingsError(TABLE_ENCODING.issue(said)) from None
    except LookupError:
        said = "There is no text encoding of the name that the mapping gives."
        raise SettingsError(TABLE_ENCODING.issue(said)) from None


def _named(issue: Issue) -> Issue:
    """Return an issue whose files have their names alone: where they lay is nobody's concern."""
    source, mapping = issue.source, issue.mapping
    if source is not None and source.file is not None:
        source = replace(source, file=Path(source.file).name)
    if mapping is not None:
        mapping = replace(mapping, file=Path(mapping.file).name)
    return replace(issue, source=source, mapping=mapping)


def _sight(record: SourceRecord, mapper: Mapper, validator: BuiltInValidator) -> Sight:
    data = record.data
    try:
        trace = mapper.trace(data)
    except MappingFailed as error:
        return Sight(data, issues=list(error.issues))
    account = RecordAccount.of(data, trace, mapper.declarations(data["record"]))
    return Sight(
        data,
        trace.resources,
        [(one.url, one.mapping, resource_lines(one, trace)) for one in trace.resources],
        [issue for one in trace.resources for issue in validator.validate(one.json)],
        [leaf.to_json() for leaf in account.leaves],
    )
