"""Trying a source: the text of a record, of records or of a table, and what would come of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from fhir_backpain.errors import ArtifactError, BackpainError, MappingFailed
from fhir_backpain.gateway.json_view import Line, record_lines, resource_lines
from fhir_backpain.intake.intake import Intake, IntakeReport
from fhir_backpain.mapping.feed import read_feed
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outcome import Issue
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
        """Give the intake of the source; ArtifactError for a wrong feed, SettingsError for
        wrong parameters."""
        with tempfile.TemporaryDirectory(prefix="fhir-backpain-") as name:
            folder = Path(name)
            path = folder / ("table.csv" if self.is_table else "records.json")
            path.write_text(self.text, encoding="utf-8")
            feed = None
            if self.is_table:
                written = folder / "mapping.feed.yaml"
                written.write_text(self.feed, encoding="utf-8")
                feed = read_feed(written)
            yield Intake(
                [str(path)], mapper.library, feed=feed, parameters=self._named(), max_issues=100
            )

    def _named(self) -> dict[str, str]:
        lines = [line.strip() for line in self.parameters.splitlines() if line.strip()]
        return {name.strip(): value.strip() for name, _, value in (x.partition("=") for x in lines)}


@dataclass(frozen=True, slots=True)
class Sight:
    """One record, what it makes, and what is wrong with that."""

    record: list[Line]
    resources: list[tuple[str, str, list[Line]]]
    issues: list[Issue]

    @property
    def is_valid(self) -> bool:
        """True where something is made and nothing is wrong with it."""
        return bool(self.resources) and not any(issue.is_error for issue in self.issues)


@dataclass(slots=True)
class Trial:
    """What would come of a source: the first records in full, and all of them counted."""

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
                if len(trial.sights) < _SHOWN:
                    trial.sights.append(_sight(record, mapper, validator))
    except (ArtifactError, BackpainError) as error:
        trial.problems += error.issues
    return trial


def _named(issue: Issue) -> Issue:
    """Return an issue whose files have their names alone: where they lay is nobody's concern."""
    source, mapping = issue.source, issue.mapping
    if source is not None and source.file is not None:
        source = replace(source, file=Path(source.file).name)
    if mapping is not None:
        mapping = replace(mapping, file=Path(mapping.file).name)
    return replace(issue, source=source, mapping=mapping)


def _sight(record: SourceRecord, mapper: Mapper, validator: BuiltInValidator) -> Sight:
    try:
        trace = mapper.trace(record.data)
    except MappingFailed as error:
        return Sight(record_lines(record.data), [], list(error.issues))
    resources = [(one.url, one.mapping, resource_lines(one, trace)) for one in trace.resources]
    issues = [issue for one in trace.resources for issue in validator.validate(one.json)]
    return Sight(record_lines(record.data), resources, issues)
