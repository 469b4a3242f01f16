"""The command `python -m servers conformance`."""

from __future__ import annotations

import sys
import time

import click

from fhir_backpain.toolchain.problem import INPUT_NOT_FOUND, CounterpartError
from servers.conformance.judgement import judge
from servers.conformance.subject import subjects
from servers.conformance.table import faults, table
from servers.profiles.us_core import US_CORE, VARIABLE, us_core_file


@click.command("conformance")
@click.option("--short", is_flag=True, help="Of the demo, one resource of each shape alone.")
def command(short: bool) -> None:
    """Hold all that is shipped and made against HL7's validator; exit code 1 on any error.

    That is the package of profiles, its examples, every version of every record of the demo's
    clinic and 1,000 random records as R4 with US Core, and the same records as R5. US Core 6.1.0
    comes from the package file that $FHIR_BACKPAIN_US_CORE names.

    Equal resources are judged once. With --short, of the demo's resources that differ in their ids,
    and in the digits of numbers, dates and texts alone, the first is judged for all.
    """
    us_core = us_core_file()
    if us_core is None:
        text = f"${VARIABLE} must name the package file (.tgz) of {US_CORE}."
        raise CounterpartError(INPUT_NOT_FOUND.issue(text))
    started = time.monotonic()
    rows = judge(subjects(short=short), us_core, _progress)
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    for line in [*table(rows, time.monotonic() - started), *faults(rows)]:
        click.echo(line)
    sys.exit(1 if any(row.errors for row in rows) else 0)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{text}", nl=False, err=True)
