"""mapping try: a mapping or feed on one record or row, source and result side by side."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.cli.mapping.attempt import Request, attempt
from fhir_backpain.cli.mapping.attempt_view import view
from fhir_backpain.cli.mapping.options import home_of, release_option
from fhir_backpain.cli.mapping.watch import watch
from fhir_backpain.cli.options import assignments, mappings_option
from fhir_backpain.cli.output import say, say_issues
from fhir_backpain.errors import BackpainError


@click.command("try")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("source", metavar="RECORD|TABLE", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--row",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="Which row of the table, or record of the file.",
)
@click.option("--set", "parameters", multiple=True, metavar="NAME=VALUE", help="Feed's parameter.")
@click.option("--all", "show_all", is_flag=True, help="Show what every mapping makes of it.")
@click.option("--watch", "is_watching", is_flag=True, help="Run again when a file changes.")
@release_option
@mappings_option
@click.pass_context
def command(
    context: click.Context,
    file: Path,
    source: str,
    row: int,
    parameters: tuple[str, ...],
    show_all: bool,
    is_watching: bool,
    release: str,
    mappings: Path | None,
) -> None:
    """Show what a mapping makes of a record, or a feed of a row, and what goes nowhere.

    \b
    Examples:
      fhir-backpain mapping try assessment-score.map.yaml visit.json
      fhir-backpain mapping try scores.feed.yaml scores.csv --row 3 --watch
      fhir-backpain mapping try boulder.feed.yaml boulder.csv --set baseline=2024-01-08

    FILE is a feed, a mapping or another file of a mappings folder; it is used in place of the
    one of its name. Each element of the result is shown with the JSON pointer of its source.

    \b
    Exit codes:
      0  every value of the record has its place
      1  a value goes nowhere, or the record or row is wrong
      2  the mapping or feed is wrong
    """
    request = Request(file, source, row, assignments(parameters), release, mappings, show_all)
    if not is_watching:
        context.exit(ExitCode.DONE if _show(request) else ExitCode.DATA_PROBLEMS)
    watch(lambda: _watched(request), lambda: _show_again(request))


def _show(request: Request) -> bool:
    found = attempt(request)
    for line in view(found, shutil.get_terminal_size().columns):
        click.echo(line)
    say_issues(found.issues)
    return found.is_good


def _show_again(request: Request) -> None:
    if sys.stdout.isatty():
        click.clear()
    try:
        _show(request)
    except BackpainError as error:
        say_issues(error.issues)
    say("Waiting for a change (Ctrl-C ends it).")


def _watched(request: Request) -> Iterator[Path]:
    yield request.file
    yield Path(request.source)
    home = home_of(request.file, request.mappings)
    if home is not None:
        yield from sorted(home.rglob("*.yaml"))
