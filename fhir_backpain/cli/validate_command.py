"""validate: are these good records, or good FHIR?"""

from __future__ import annotations

from pathlib import Path

import click

from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.cli.options import Sources, json_option, mappings_option, source_options
from fhir_backpain.cli.output import put_json, say, say_issues
from fhir_backpain.cli.resource_check import ResourceCheck
from fhir_backpain.cli.sync_command import tell_columns
from fhir_backpain.cli.validator_options import ValidatorChoice, validator_options
from fhir_backpain.errors import SourceError
from fhir_backpain.intake.intake import Intake, IntakeReport
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.record import Reading, RejectedRecord
from fhir_backpain.sources.records import open_records
from fhir_backpain.validation.strength import ResourceValidator


@click.command("validate")
@source_options
@mappings_option
@click.option("--fhir", "is_fhir", is_flag=True, help="The files hold FHIR resources, not records.")
@validator_options
@json_option
@click.pass_context
def command(
    context: click.Context,
    sources: Sources,
    mappings: Path | None,
    is_fhir: bool,
    choice: ValidatorChoice,
    as_json: bool,
) -> None:
    """Check records and all that is made of them, or FHIR resources.

    \b
    Examples:
      fhir-backpain validate assessments.ndjson
      fhir-backpain validate scores.csv --feed scores.feed.yaml
      fhir-backpain validate --fhir bundle.json
      fhir-backpain validate --fhir bundle.json --with hl7 --us-core us-core.tgz

    Resources are held against FHIR R4 and every profile that they claim. Every problem is
    reported at once, with file, line, field or FHIRPath, and a next step.

    \b
    Strengths (--with):
      builtin  types, cardinality, codes, slices, references, invariants; the default
      models   the same, then a parse by fhir.resources
      hl7      HL7's own validator: needs Java, and at the first time Maven and npm
    """
    with choice.open() as validator:
        if is_fhir:
            report = IntakeReport(max_issues=sources.max_issues)
            _check_resources(sources.files, report, validator)
        else:
            mapper = load_mapper(mappings)
            report = _check_records(sources.intake(mapper), mapper, validator)
    if as_json:
        put_json(report.to_json())
    else:
        say_issues(report.shown_issues())
        tell_columns(report)
        say(f"{sum(report.accepted.values())} good, {report.rejected} rejected.")
    context.exit(ExitCode.DATA_PROBLEMS if report.has_errors else ExitCode.DONE)


def _check_records(intake: Intake, mapper: Mapper, validator: ResourceValidator) -> IntakeReport:
    check = ResourceCheck(validator, intake.report)
    for record in intake:
        for made in mapper(record.data):
            check.of_record(made.text, record)
    return intake.report


def _check_resources(
    files: tuple[str, ...], report: IntakeReport, validator: ResourceValidator
) -> None:
    check = ResourceCheck(validator, report)
    for file in files:
        try:
            for reading in open_records(file):
                _check_resource(reading, report, check)
        except SourceError as error:
            report.rejected += 1
            report.note(error.issues)


def _check_resource(reading: Reading, report: IntakeReport, check: ResourceCheck) -> None:
    if isinstance(reading, RejectedRecord):
        report.rejected += 1
        report.note(reading.issues)
    elif check.of_file(reading):
        report.accepted[str(reading.data["resourceType"])] += 1
    else:
        report.rejected += 1
