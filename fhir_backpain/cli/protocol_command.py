"""protocol: stepped care from guidelines, and drafts of plans for a clinician."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from fhir_backpain.cli import messages
from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.cli.options import Sources, json_option, mappings_option, source_options
from fhir_backpain.cli.output import put_json, say, say_issues
from fhir_backpain.errors import SettingsError
from fhir_backpain.fhir.json_text import dump, pretty
from fhir_backpain.followup.history import latest_versions
from fhir_backpain.mapping.library import load_library
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.protocols.draft import NOTICE, Draft, apply
from fhir_backpain.protocols.plan_definition import plan_definition
from fhir_backpain.protocols.protocol import Protocol, load_protocols, want_protocol
from fhir_backpain.record import SourceRecord, key_of

_protocols_option = click.option(
    "--protocols",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Protocols to use in place of the shipped ones.",
)


@click.group("protocol")
def command() -> None:
    """List protocols, show them, and draft plans from assessments for a clinician to accept.

    \b
    Examples:
      fhir-backpain protocol list
      fhir-backpain protocol show disc-herniation
      fhir-backpain protocol apply disc-herniation visit.ndjson > draft.ndjson

    Nothing is decided: what is drafted holds once a person has accepted it.
    """


@command.command("list")
@_protocols_option
@mappings_option
@json_option
def list_command(folder: Path | None, mappings: Path | None, as_json: bool) -> None:
    """List the protocols.

    \b
    Examples:
      fhir-backpain protocol list
    """
    found = load_protocols(load_library(mappings), folder).values()
    if as_json:
        put_json({"protocols": [{"name": one.key, "title": one.title} for one in found]})
        return
    width = max((len(one.key) for one in found), default=0)
    for one in found:
        click.echo(f"{one.key:<{width}}  {one.title}")


@command.command("show")
@click.argument("name")
@click.option("--fhir", "is_fhir", is_flag=True, help="Print the FHIR R4 PlanDefinition instead.")
@_protocols_option
@mappings_option
def show_command(name: str, is_fhir: bool, folder: Path | None, mappings: Path | None) -> None:
    """Show a protocol: its steps, conditions, what is never proposed and why, and its sources.

    \b
    Examples:
      fhir-backpain protocol show muscle-strain
      fhir-backpain protocol show muscle-strain --fhir > plan-definition.json
    """
    library = load_library(mappings)
    protocol = want_protocol(load_protocols(library, folder), name)
    if is_fhir:
        click.echo(pretty(plan_definition(protocol, library)))
        return
    for line in _shown(protocol):
        click.echo(line)


@command.command("apply")
@click.argument("name")
@source_options
@click.option("--assessment", metavar="ID", help="Which assessment, where there are several.")
@_protocols_option
@mappings_option
@click.option("--explain", is_flag=True, help="Print what was thought of and why, not the record.")
@json_option
@click.pass_context
def apply_command(
    context: click.Context,
    name: str,
    sources: Sources,
    assessment: str | None,
    folder: Path | None,
    mappings: Path | None,
    explain: bool,
    as_json: bool,
) -> None:
    """Draft a care-plan record from an assessment; a clinician accepts, changes or discards it.

    \b
    Examples:
      fhir-backpain protocol apply muscle-strain visit.ndjson > draft.ndjson
      fhir-backpain protocol apply muscle-strain visit.ndjson --explain
      fhir-backpain protocol apply disc-herniation year.ndjson --assessment A-3 --json

    Other records of the same patient in FILES tell what was tried before. Where a red flag is
    present, an urgent referral is proposed and nothing else. To accept a draft, a person edits it
    and sets its status. Exits with 1 where the protocol is not for this assessment.
    """
    mapper = load_mapper(mappings)
    protocol = want_protocol(load_protocols(mapper.library, folder), name)
    intake = sources.intake(mapper)
    records = latest_versions(intake)
    say_issues(intake.report.shown_issues())
    chosen = _chosen(records, assessment)
    draft = apply(protocol, chosen, mapper.library, _earlier_plans(records, chosen))
    if as_json:
        click.echo(pretty(draft.to_json()))
    elif explain:
        for line in _explained(draft):
            click.echo(line)
    else:
        click.echo(dump(draft.record))
    say(NOTICE)
    problems = intake.report.has_errors
    context.exit(ExitCode.DATA_PROBLEMS if problems else ExitCode.DONE)


def _chosen(records: list[SourceRecord], name: str | None) -> SourceRecord:
    found = [
        one
        for one in records
        if one.data["record"] == "assessment" and name in (None, one.data["id"])
    ]
    if len(found) != 1:
        text = f"The files hold {len(found)} assessments to choose from."
        raise SettingsError(messages.NOT_ONE_ASSESSMENT.issue(text))
    return found[0]


def _earlier_plans(records: list[SourceRecord], chosen: SourceRecord) -> list[dict[str, object]]:
    """Return the plans of the same patient that were written up to the assessment, by day."""
    day = chosen.data["assessed_at"][:10]
    return [
        one.data
        for one in records
        if one.data["record"] == "care-plan"
        and key_of(one.data).patient == key_of(chosen.data).patient
        and one.data["status"] not in ("draft", "entered-in-error")
        and one.data["written_at"][:10] <= day
    ]


def _shown(protocol: Protocol) -> Iterator[str]:
    yield f"{protocol.key}: {protocol.title}"
    yield f"for: {'; '.join(one.text for one in protocol.suits)}"
    yield "stops, with an urgent referral alone: any red flag"
    for stop in protocol.stops:
        yield f"  {stop.condition.text}: {stop.says}"
    for number, step in enumerate(protocol.steps, start=1):
        yield f"{number}. {step.title}"
        for action in step.actions:
            yield f"   {action.title}"
            if action.never is not None:
                yield f"     never proposed: {action.never}"
            else:
                yield f"     when: {'; '.join(one.text for one in action.conditions)}"
                yield f"     {action.says}"
            if action.check is not None:
                yield f"     to be checked first: {action.check}"
            yield f"     sources: {', '.join(one.name for one in action.sources)}"
    yield "sources:"
    for source in protocol.sources:
        yield f"  {source.name}: {source.citation} {source.url}"
    yield NOTICE


def _explained(draft: Draft) -> Iterator[str]:
    yield draft.record["title"]
    for stop in draft.stops:
        yield f"stopped: {stop}"
    if draft.unasked:
        yield f"red flags not asked for: {', '.join(draft.unasked)}"
    for one in draft.considered:
        yield f"{one.fate}: {one.action.title}"
        yield f"  {one.why}"
        if one.fate == "proposed":
            yield f"  {one.action.says}"
        if one.fate == "proposed" and one.action.check is not None:
            yield f"  to be checked first: {one.action.check}"
        yield f"  sources: {', '.join(source.name for source in one.action.sources)}"
    for goal in draft.goals:
        yield f"goal for {goal.measure}: {'proposed' if goal.goal else 'not proposed'}. {goal.why}"
