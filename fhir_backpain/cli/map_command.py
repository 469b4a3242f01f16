"""map: records to FHIR, on standard output."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import click

from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.cli.options import Sources, mappings_option, source_options
from fhir_backpain.cli.output import put_json, say, say_issues
from fhir_backpain.cli.resource_check import ResourceCheck
from fhir_backpain.fhir import json_text
from fhir_backpain.fhir.bundle import put_bundle
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.intake.intake import IntakeReport
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.mapping.trace.account import RecordAccount, RunAccount
from fhir_backpain.record import SourceRecord, key_of
from fhir_backpain.validation.resource.validator import BuiltInValidator

Make = Callable[[SourceRecord], list[MadeResource]]


@click.command("map")
@source_options
@mappings_option
@click.option(
    "--as",
    "form",
    type=click.Choice(["bundles", "resources"]),
    default="bundles",
    show_default=True,
    help="A transaction Bundle for each patient, or a resource, on each line.",
)
@click.option("--pretty", is_flag=True, help="Indent the JSON, for people.")
@click.option(
    "--report", "as_report", is_flag=True, help="Print what became of the source instead."
)
@click.option(
    "--strict", is_flag=True, help="Exit with 1 where a value of a record is in no resource."
)
@click.option(
    "--validate/--no-validate",
    "is_validated",
    default=True,
    show_default=True,
    help="Hold each resource against R4 and the profiles that it claims.",
)
@click.pass_context
def command(
    context: click.Context,
    sources: Sources,
    mappings: Path | None,
    form: str,
    pretty: bool,
    as_report: bool,
    strict: bool,
    is_validated: bool,
) -> None:
    """Map records to FHIR R4 and print them as NDJSON.

    \b
    Examples:
      fhir-backpain map assessments.ndjson > bundles.ndjson
      fhir-backpain map plan.json --as resources --pretty
      fhir-backpain map scores.csv --feed scores.feed.yaml --set visit=2025-03-01
      fhir-backpain map scores.csv --feed scores.feed.yaml --report

    A Bundle holds the consecutive records of one patient. Nothing is sent.
    """
    mapper = load_mapper(mappings)
    intake = sources.intake(mapper)
    account = RunAccount()
    records = _accounted(intake, mapper, account) if as_report or strict else intake
    make = _checked(mapper, intake.report) if is_validated else _plain(mapper)
    for text in _texts(records, make, form):
        if not as_report:
            click.echo(_pretty(text) if pretty else text)
    if as_report:
        put_json({**intake.report.to_json(), "accounting": account.to_json()})
    _tell(intake.report)
    say_issues(account.issues() if strict else ())
    has_problems = intake.report.has_errors or (strict and account.has_unmapped)
    context.exit(ExitCode.DATA_PROBLEMS if has_problems else ExitCode.DONE)


def _accounted(
    records: Iterable[SourceRecord], mapper: Mapper, account: RunAccount
) -> Iterator[SourceRecord]:
    """Pass records on, each traced first: several times slower than mapping alone."""
    for record in records:
        trace = mapper.trace(record.data)
        declarations = mapper.declarations(record.data["record"])
        account.add(RecordAccount.of(record.data, trace, declarations))
        yield record


def _pretty(text: str) -> str:
    return json_text.pretty(json.loads(text, parse_float=Decimal))


def _plain(mapper: Mapper) -> Make:
    return lambda record: mapper(record.data)


def _checked(mapper: Mapper, report: IntakeReport) -> Make:
    check = ResourceCheck(BuiltInValidator(), report, only_errors=True)

    def make(record: SourceRecord) -> list[MadeResource]:
        made = mapper(record.data)
        for resource in made:
            # Our own text needs no strict reading.
            check.of_record(json.loads(resource.text, parse_float=Decimal), record)
        return made

    return make


def _texts(records: Iterable[SourceRecord], make: Make, form: str) -> Iterator[str]:
    for _, group in groupby(records, key=lambda record: key_of(record.data).patient):
        made = [resource for record in group for resource in make(record)]
        if form == "bundles":
            yield put_bundle(_latest(made))
        else:
            yield from (resource.text for resource in made)


def _latest(made: list[MadeResource]) -> list[MadeResource]:
    """Return each resource once: a Bundle must not put the same id twice."""
    return list({resource.url: resource for resource in made}.values())


def _tell(report: IntakeReport) -> None:
    say_issues(report.shown_issues())
    say(f"{sum(report.accepted.values())} records mapped, {report.rejected} rejected.")
