"""mapping test: golden cases, both ways."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import click

from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.cli.mapping import messages
from fhir_backpain.cli.mapping.golden import GoldenCase, find_cases
from fhir_backpain.cli.options import mappings_option
from fhir_backpain.cli.output import say
from fhir_backpain.errors import MappingFailed, SettingsError
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.record import RECORD_TYPES


@click.command("test")
@click.argument(
    "folder",
    default="tests/golden",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
)
@click.option(
    "--case", "names", multiple=True, metavar="NAME", help="Only MAPPING or MAPPING/CASE."
)
@click.option("--accept", is_flag=True, help="Show the differences, then write them as expected.")
@mappings_option
@click.pass_context
def command(
    context: click.Context,
    folder: Path,
    names: tuple[str, ...],
    accept: bool,
    mappings: Path | None,
) -> None:
    """Hold mappings to golden cases: what is made of a record, and that it comes back.

    \b
    Examples:
      fhir-backpain mapping test golden
      fhir-backpain mapping test golden --case assessment-score --mappings my-mappings
      fhir-backpain mapping test golden --accept

    A case is FOLDER/MAPPING/CASE with source.json and expected.r4.json (also .r4b and .r5); in
    place of a mapping's name a record type takes all its mappings. A difference is shown as
    'Observation.status: -"final" +"amended"': - is expected, + is made. A case whose record
    cannot come back from its resources says why in one-way.txt.

    \b
    Exit codes:
      0  no case differs
      1  cases differ, or did before they were accepted and cannot come back
      2  there are no cases, or the mappings are wrong
    """
    run = _Run(mappings)
    cases = _chosen(folder, names)
    known = {one.name for kind in RECORD_TYPES for one in run.mapper("R4").declarations(kind)}
    differing = accepted = 0
    for case in cases:
        if case.name not in (*RECORD_TYPES, *known):
            text = f"{case.folder}: there is no mapping '{case.name}'."
            raise SettingsError(messages.MAPPING_UNKNOWN.issue(text))
        there, back = run.differences(case, accept=accept)
        accepted += bool(there and accept)
        differing += bool(back or (there and not accept))
    say(f"{len(cases)} cases, {differing} differ" + (f", {accepted} accepted." if accept else "."))
    context.exit(ExitCode.DATA_PROBLEMS if differing else ExitCode.DONE)


def _chosen(folder: Path, names: tuple[str, ...]) -> list[GoldenCase]:
    cases = find_cases(folder)
    wanted = [
        case for case in cases
        if not names or case.name in names or f"{case.name}/{case.folder.name}" in names
    ]  # fmt: skip
    if not wanted:
        raise SettingsError(messages.NO_CASES.issue(f"There is no such case below {folder}."))
    return wanted


class _Run:
    """One run over the cases; a mapper is loaded for each release that a case needs."""

    def __init__(self, mappings: Path | None) -> None:
        self.mapper = cache(lambda release: load_mapper(mappings, release))

    def differences(self, case: GoldenCase, *, accept: bool) -> tuple[list[str], list[str]]:
        """Return and show how a case differs there and back; accept writes it in between."""
        mapper: Mapper = self.mapper(case.release)
        try:
            wrong = case.wrong_source(mapper)
            there = [] if wrong else case.way_there(mapper)
            _show(case, "", there)
            if there and accept:
                case.accept(mapper)
            back = wrong or (_back(case, mapper) if accept or not there else [])
        except MappingFailed as error:
            back = [str(error)]
            there = []
        _show(case, " (back)", back)
        return there, back


def _back(case: GoldenCase, mapper: Mapper) -> list[str]:
    """Return how the record differs that comes back; a reason not to must be needed."""
    lines = case.way_back(mapper)
    if case.one_way() is None:
        return lines
    return [] if lines else ["the record comes back: remove one-way.txt"]


def _show(case: GoldenCase, way: str, lines: list[str]) -> None:
    if lines:
        click.echo(click.style(f"{case}{way}", bold=True))
    for line in lines:
        click.echo(f"  {line}")
