"""The commands: `python -m servers hapi ...`, `validator ...`, `profiles ...`, `conformance`.

Exit codes: 0 well; 1 the validator found errors, `status` found no server, or the profiles'
package is not up to date; 2 a counterpart cannot be made or started.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import servers.hapi
from fhir_backpain.hl7 import validator as hl7
from fhir_backpain.hl7.validator import VERSIONS, Validator
from fhir_backpain.toolchain.cache import cache_root
from fhir_backpain.toolchain.problem import CounterpartError
from servers.conformance.command import command as conformance_command
from servers.hapi import HapiSettings
from servers.profiles.commands import commands as profiles_commands

_DEFAULT_PORT = 8090


class _Commands(click.Group):
    """Commands whose problems are shown as text and exit code 2, never as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CounterpartError as problem:
            click.echo(problem, err=True)
            ctx.exit(2)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Real counterparts for tests: the HAPI FHIR server and HL7's validator.

    Downloaded once from Maven's and npm's registries, then offline.
    """


@main.group()
def hapi() -> None:
    """HAPI FHIR JPA server on 127.0.0.1."""


@hapi.command("download")
def hapi_download() -> None:
    """Fetch and compile the server; nothing where that was done."""
    servers.hapi.download()
    click.echo(f"ready in {cache_root()}")


def _hapi_options(command: Callable[..., None]) -> Callable[..., None]:
    defaults = HapiSettings()
    for option in (
        click.option("--tier", type=click.IntRange(1, 4), default=defaults.tier,
                     help="Java's compiler: 1 starts quickly, 4 is fastest in the end."),
        click.option("--heap", default=defaults.heap, show_default=True, help="Memory at most."),
        click.option("--database-user", help="User of the database; its password comes from "
                     "$FHIR_BACKPAIN_HAPI_DB_PASSWORD."),
        click.option("--jdbc", help="Database; H2 in memory where left out."),
        click.option("--release", type=click.Choice(["R4", "R5"]), default=defaults.release,
                     show_default=True, help="FHIR release."),
        click.option("--port", type=click.IntRange(0, 65535), default=_DEFAULT_PORT,
                     show_default=True, help="0: any free port."),
    ):  # fmt: skip
        command = option(command)
    return command


@hapi.command("start")
@_hapi_options
def hapi_start(**settings: Any) -> None:
    """Start a server, wait until it answers, print its base URL."""
    click.echo(servers.hapi.start(HapiSettings(**settings)).base_url)


@hapi.command("stop")
@click.option("--port", type=int, help="All that were started here, where left out.")
def hapi_stop(port: int | None) -> None:
    """Stop servers."""
    for server in servers.hapi.stop(port):
        click.echo(f"stopped {server.base_url or server.token}")


@hapi.command("status")
def hapi_status() -> None:
    """Show the servers that run; exit code 1 where none does."""
    running = servers.hapi.running()
    for server in running:
        where = server.base_url or "(starting)"
        click.echo(f"{where} {server.release} process {server.pid} log {server.log}")
    if not running:
        click.echo("no server is running")
        sys.exit(1)


@main.group()
def validator() -> None:
    """HL7's FHIR validator, offline."""


@validator.command("download")
def validator_download() -> None:
    """Fetch the validator and make its package cache; nothing where that was done."""
    hl7.download()
    click.echo(f"ready in {cache_root()}")


@validator.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--version",
    type=click.Choice(VERSIONS),
    default=VERSIONS[0],
    show_default=True,
    help="FHIR version.",
)
@click.option(
    "--ig",
    "igs",
    multiple=True,
    metavar="FOLDER|PACKAGE.tgz|NAME#VERSION",
    help="Profiles and code systems to load; may be given again.",
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="URL",
    help="Profile to hold every file against; may be given again.",
)
@click.option("--allow-example-urls", is_flag=True, help="Let example.org be a fine place.")
def validator_check(
    files: tuple[Path, ...],
    version: str,
    igs: tuple[str, ...],
    profiles: tuple[str, ...],
    allow_example_urls: bool,
) -> None:
    """Validate resource files; exit code 1 where any has an error."""
    errors = 0
    with Validator(version, igs, allow_example_urls=allow_example_urls) as warm:
        for file in files:
            issues = warm.validate(file, profiles=profiles)
            found = sum(issue.is_error for issue in issues)
            click.echo(f"{file}: {found} errors, {len(issues) - found} other remarks")
            for issue in issues:
                click.echo(f"  {issue}")
            errors += found
    sys.exit(1 if errors else 0)


main.add_command(profiles_commands)
main.add_command(conformance_command)


if __name__ == "__main__":
    main(prog_name="python -m servers")
