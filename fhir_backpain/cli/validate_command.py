"""validate: are records and resources what they must be?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.cli.options import Sources, json_option, mappings_option, source_options
from fhir_backpain.cli.output import put_json, say, say_issues
from fhir_backpain.cli.sync_command import tell_columns
from fhir_backpain.errors import SourceError
from fhir_backpain.fhir import json_text
from fhir_backpain.intake.intake import Intake, IntakeReport
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.outcome import Issue, SourceLocation
from fhir_backpain.record import RejectedRecord
from fhir_backpain.sources.records import open_records
from fhir_backpain.validation.structure import check_resource


@click.command("validate")
@source_options
@mappings_option
@click.option("--fhir", "is_fhir", is_flag=True, help="The files hold FHIR resources, not records.")
@click.option("--deep", is_flag=True, help="Check also the resources that the records make.")
@json_option
@click.pass_context
def command(
    context: click.Context,
    sources: Sources,
    mappings: Path | None,
    is_fhir: bool,
    deep: bool,
    as_json: bool,
) -> None:
    """Check records against their schemas and vocabulary, or FHIR resources against R4.

    \b
    Examples:
      fhir-backpain validate assessments.ndjson
      fhir-backpain validate scores.csv --feed scores.feed.yaml --deep
      fhir-backpain validate --fhir bundle.json

    Every problem of a record is reported at once, with file, line, field and a next step.
    """
    if is_fhir:
        report = IntakeReport(max_issues=sources.max_issues)
        _check_resources(sources.files, report)
    else:
        mapper = load_mapper(mappings)
        intake = sources.intake(mapper)
        report = _check_records(intake, mapper, deep)
    if as_json:
        put_json(report.to_json())
    else:
        say_issues(report.shown_issues())
        tell_columns(report)
        say(f"{sum(report.accepted.values())} good, {report.rejected} rejected.")
    context.exit(ExitCode.DATA_PROBLEMS if report.has_errors else ExitCode.DONE)


def _check_records(intake: Intake, mapper: Mapper, deep: bool) -> IntakeReport:
    for record in intake:
        if deep:
            for made in mapper(record.data):
                issues = check_resource(json_text.parse(made.text))
                intake.report.note(issue.moved_to(record.location) for issue in issues)
    return intake.report


def _check_resources(files: tuple[str, ...], report: IntakeReport) -> None:
    for file in files:
        try:
            for reading in open_records(file):
                if isinstance(reading, RejectedRecord):
                    report.rejected += 1
                    report.note(reading.issues)
                else:
                    _count(reading.data, reading.location, report)
        except SourceError as error:
            report.rejected += 1
            report.note(error.issues)


def _count(data: dict[str, Any], place: SourceLocation, report: IntakeReport) -> None:
    issues = list(_issues(data, place))
    report.note(issues)
    if any(issue.is_error for issue in issues):
        report.rejected += 1
    else:
        report.accepted[str(data["resourceType"])] += 1


def _issues(data: dict[str, Any], place: SourceLocation) -> Iterator[Issue]:
    for issue in check_resource(data):
        yield issue.moved_to(place)
