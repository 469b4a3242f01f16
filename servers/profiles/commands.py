"""The commands `python -m servers profiles build` and `... check`."""

from __future__ import annotations

import sys

import click

from servers.profiles import build as package


@click.group("profiles")
def commands() -> None:
    """The FHIR package of profiles/, compiled by SUSHI.

    US Core 6.1.0 comes from the package file that $FHIR_BACKPAIN_US_CORE names; where it names
    none, SUSHI downloads it.
    """


@commands.command()
def build() -> None:
    """Write profiles/package anew: the same bytes from the same sources."""
    _report(package.build())


@commands.command()
def check() -> None:
    """Build aside and compare; exit code 1 where profiles/package is not up to date."""
    changed = package.check()
    _report(changed)
    if changed:
        click.echo("not up to date; run: python -m servers profiles build", err=True)
    sys.exit(1 if changed else 0)


def _report(changed: list[str]) -> None:
    for name in changed:
        click.echo(name)
    click.echo(f"{len(changed)} files changed")
