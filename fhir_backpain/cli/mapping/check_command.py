"""mapping check: every finding of mappings and feeds, at its line."""

from __future__ import annotations

from pathlib import Path

import click

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.cli.mapping.findings import Finding, check_paths
from fhir_backpain.cli.options import json_option, mappings_option
from fhir_backpain.cli.output import put_json, say
from fhir_backpain.definitions.definitions import RELEASES
from fhir_backpain.mapping.release_delta import BASE_RELEASE


@click.command("check")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[FOLDER|FILE...]")
@click.option(
    "--release",
    type=click.Choice([*RELEASES, "all"]),
    default=BASE_RELEASE,
    show_default=True,
    help="FHIR release to check against.",
)
@mappings_option
@json_option
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[Path, ...],
    release: str,
    mappings: Path | None,
    as_json: bool,
) -> None:
    """Compile mappings, feeds and their shared files, and print every finding.

    \b
    Examples:
      fhir-backpain mapping check
      fhir-backpain mapping check my-mappings --release all
      fhir-backpain mapping check scores.feed.yaml
      fhir-backpain mapping check my-mappings/instruments/orebro.yaml --json

    A file is checked together with the mappings folder around it, or with --mappings, or with
    the shipped ones. Without arguments the shipped mappings are checked.

    \b
    Exit codes:
      0  nothing is wrong
      2  there are findings
    """
    _ensure_there(paths)
    releases = RELEASES if release == "all" else (release,)
    findings = check_paths(paths or (mappings or mappings_folder(),), releases, mappings)
    if as_json:
        put_json({"releases": list(releases), "findings": [item.to_json() for item in findings]})
    else:
        _show(findings, releases)
    wrong = any(finding.issue.is_error for finding in findings)
    context.exit(ExitCode.WRONG_USE if wrong else ExitCode.DONE)


def _ensure_there(paths: tuple[Path, ...]) -> None:
    for path in paths:
        if not path.exists():
            raise click.UsageError(f"There is no file or folder {path}.")


def _show(findings: list[Finding], releases: tuple[str, ...]) -> None:
    for finding in findings:
        colour = "red" if finding.issue.is_error else "yellow"
        click.echo(click.style(str(finding), fg=colour))
    counted = f"{len(findings)} findings" if len(findings) != 1 else "1 finding"
    say(f"{counted if findings else 'Nothing is wrong'} ({', '.join(releases)}).")
