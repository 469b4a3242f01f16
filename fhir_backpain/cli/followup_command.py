"""followup: how patients fare, how near their goals are, how their plans changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from fhir_backpain.cli import messages
from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.cli.history_options import History, HistoryChoice, history_options
from fhir_backpain.cli.options import json_option
from fhir_backpain.cli.output import say
from fhir_backpain.errors import SettingsError
from fhir_backpain.fhir.json_text import dump, pretty
from fhir_backpain.followup.achievement import Achievement, accepted_fragment, achievements
from fhir_backpain.followup.history import plain_number
from fhir_backpain.followup.measurement import Point
from fhir_backpain.followup.picture import DEFAULT_TITLE, draw
from fhir_backpain.followup.plan_history import PlanHistory, PlanVersion, plan_histories
from fhir_backpain.followup.summary import table_lines
from fhir_backpain.followup.trajectory import Trajectory, modalities_of, trajectories
from fhir_backpain.validation.record_date import is_day

_SIGNS = {"added": "+", "stopped": "-", "changed": "~"}


@click.group("followup")
def command() -> None:
    """Follow patients up: trajectories, goals and plan changes, from records or a FHIR server.

    \b
    Examples:
      fhir-backpain followup trajectory year.ndjson
      fhir-backpain followup goals year.ndjson --json
      fhir-backpain followup changes --server hapi --patient 'https://clinic.example/mrn|P-1'

    Nothing is written or sent.
    """


@command.command("trajectory")
@history_options
@click.option("--measure", "measures", multiple=True, help="Only this measure; may be repeated.")
@click.option(
    "--svg",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a picture of one patient instead.",
)
@click.option("--title", default=DEFAULT_TITLE, show_default=True, help="Title of the picture.")
@json_option
@click.pass_context
def trajectory_command(
    context: click.Context,
    choice: HistoryChoice,
    measures: tuple[str, ...],
    svg: Path | None,
    title: str,
    as_json: bool,
) -> None:
    """Show pain, function and quality of life over time, with the important change.

    \b
    Examples:
      fhir-backpain followup trajectory year.ndjson
      fhir-backpain followup trajectory year.ndjson --measure odi --json
      fhir-backpain followup trajectory year.ndjson --patient 'https://x.example|P-1' --svg p.svg
      fhir-backpain followup trajectory --server hapi --patient 'https://x.example|P-1'

    Measures, sites and sides are never mixed; a missing value is a gap. The picture names no
    patient, unless you put a name into --title.
    """
    history = choice.read()
    found = [
        one
        for one in trajectories(history.records, history.library)
        if not measures or one.key.measure in measures
    ]
    if svg is not None:
        _write_picture(svg, found, title)
    elif as_json:
        click.echo(pretty({"trajectories": [one.to_json() for one in found]}))
    else:
        _put_lines(_trajectory_lines(found))
    _end(context, history)


@command.command("goals")
@history_options
@click.option("--on", "day", metavar="YYYY-MM-DD", help="The day to judge on, else the last known.")
@click.option(
    "--proposals", "as_records", is_flag=True, help="Print what a clinician may accept, as NDJSON."
)
@json_option
@click.pass_context
def goals_command(
    context: click.Context,
    choice: HistoryChoice,
    day: str | None,
    as_records: bool,
    as_json: bool,
) -> None:
    """Propose how near each goal is, with the numbers behind it, beside what is recorded.

    \b
    Examples:
      fhir-backpain followup goals year.ndjson
      fhir-backpain followup goals year.ndjson --on 2026-06-01 --json
      fhir-backpain followup goals year.ndjson --proposals > to-accept.ndjson

    What the clinician recorded stands: this proposes and changes nothing. The rules are in
    docs/howto/follow-up.md.
    """
    if day is not None and not is_day(day):
        raise SettingsError(messages.DAY_FORM.issue("--on is no day."))
    history = choice.read()
    found = achievements(history.records, history.library, day)
    if as_records:
        for record in accepted_fragment(found):
            click.echo(dump(record))
    elif as_json:
        click.echo(pretty({"goals": [one.to_json() for one in found]}))
    else:
        _put_lines(_goal_lines(found))
    _end(context, history)


@command.command("changes")
@history_options
@json_option
@click.pass_context
def changes_command(context: click.Context, choice: HistoryChoice, as_json: bool) -> None:
    """Show what each revised plan changed, and why.

    \b
    Examples:
      fhir-backpain followup changes year.ndjson
      fhir-backpain followup changes --server hapi --patient 'https://x.example|P-1' --json
    """
    history = choice.read()
    found = plan_histories(history.records, modalities_of(history.library))
    if as_json:
        click.echo(pretty({"histories": [one.to_json() for one in found]}))
    else:
        _put_lines(_history_lines(found))
    _end(context, history)


def _end(context: click.Context, history: History) -> None:
    context.exit(ExitCode.DATA_PROBLEMS if history.has_problems else ExitCode.DONE)


def _put_lines(lines: Iterable[str]) -> None:
    shown = False
    for line in lines:
        click.echo(line)
        shown = True
    if not shown:
        say("Nothing to show.")


def _write_picture(file: Path, found: list[Trajectory], title: str) -> None:
    patients = {one.key.patient for one in found}
    if len(patients) != 1:
        text = f"A picture is of one patient, and the records are of {len(patients)}."
        raise SettingsError(messages.NOT_ONE_PATIENT.issue(text))
    try:
        file.write_text(draw(found, title), encoding="utf-8")
    except OSError as problem:
        text = f"{file} cannot be written: {problem.strerror}."
        raise SettingsError(messages.PICTURE_UNWRITABLE.issue(text)) from None
    say(f"{file}: {len(found)} trajectories")


def _trajectory_lines(found: Iterable[Trajectory]) -> Iterator[str]:
    patient = None
    for one in found:
        if one.key.patient != patient:
            patient = one.key.patient
            yield f"patient {patient}"
            for mark in one.marks:
                yield f"  {mark.at}  plan {mark.plan}: {mark.words}"
        yield ""
        yield from table_lines(one)


def _goal_lines(found: Iterable[Achievement]) -> Iterator[str]:
    for one in found:
        goal = one.goal
        yield f"patient {one.patient}, plan {one.plan}, goal {goal['id']}: {goal['description']}"
        if one.baseline is not None:
            yield f"  {'; '.join(_numbers(one))}"
        yield f"  proposed: {one.proposed or 'nothing'}; recorded: {one.recorded or 'nothing'}"
        yield f"  why: {one.why}"


def _numbers(one: Achievement) -> Iterator[str]:
    yield f"{one.goal['measure']} target {plain_number(one.goal['target'])}"
    if "due" in one.goal:
        yield f"due {one.goal['due']}"
    yield f"judged on {one.judged_on}"
    yield f"baseline {_point(one.baseline)}"
    if one.latest is not None:
        yield f"latest {_point(one.latest)}"
    if one.distance is not None and one.distance > 0:
        yield f"to go {plain_number(one.distance)}"
    if one.important_change is not None:
        yield f"important change {plain_number(one.important_change)}"


def _point(point: Point | None) -> str:
    assert point is not None
    assert point.value is not None
    return f"{plain_number(point.value)} ({point.day})"


def _history_lines(found: Iterable[PlanHistory]) -> Iterator[str]:
    for history in found:
        yield f"patient {history.patient}, source {history.source}"
        for version in history.versions:
            yield from _version_lines(version)


def _version_lines(version: PlanVersion) -> Iterator[str]:
    told: list[Any] = [f"plan {version.id}", version.status]
    if version.revises is not None:
        told.append(f"revises {version.revises}")
    if version.is_alone:
        told.append("which is not here")
    yield f"  {version.written_at}  {', '.join(told)}"
    if version.reason is not None:
        yield f"    why: {version.reason}"
    for change in version.changes or ():
        yield f"    {_SIGNS[change.kind]} {change.words}"
    if version.changes == ():
        yield "    nothing changed"
