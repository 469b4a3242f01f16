"""doctor: does everything work here, and what can the server do?"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from fhir_backpain import __version__
from fhir_backpain.cli.exit_codes import ExitCode, exit_code_of
from fhir_backpain.cli.options import (
    base_url_of,
    client_for,
    json_option,
    outbox_option,
    smart_option,
)
from fhir_backpain.cli.output import put_json
from fhir_backpain.client.servers import PUBLIC_SERVERS, is_public
from fhir_backpain.errors import BackpainError
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.outbox.opening import has_store, open_store, shown_place
from fhir_backpain.record import RECORD_TYPES
from fhir_backpain.sync.server_findings import look_at


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    is_good: bool
    text: str
    code: ExitCode = ExitCode.SERVER_UNAVAILABLE


@click.command("doctor")
@click.option("--server", help="FHIR base URL, or the name of a public test server.")
@click.option("--token-file", type=click.Path(path_type=Path), help="File with a bearer token.")
@smart_option
@outbox_option
@json_option
@click.pass_context
def command(
    context: click.Context,
    server: str | None,
    token_file: Path | None,
    smart: Path | None,
    outbox: Path | str,
    as_json: bool,
) -> None:
    """Check the installation, the mappings, the outbox and a FHIR server.

    \b
    Examples:
      fhir-backpain doctor
      fhir-backpain doctor --server http://localhost:8080/fhir

    Nothing is written to the server.
    """
    findings = [*_installation(), *_outbox(outbox)]
    if server:
        findings.extend(_server(server, token_file, smart))
    if as_json:
        put_json([{"name": f.name, "good": f.is_good, "text": f.text} for f in findings])
    else:
        _show(findings, with_names=server is None)
    context.exit(next((f.code for f in findings if not f.is_good), ExitCode.DONE))


def _guarded(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, look())
    except BackpainError as error:
        return _failed(name, error)


def _failed(name: str, error: BackpainError) -> Finding:
    return Finding(name, False, str(error), exit_code_of(error))


def _installation() -> Iterator[Finding]:
    yield Finding(
        "program", True, f"fhir-backpain {__version__}, Python {platform.python_version()}"
    )
    yield _guarded("mappings", _mappings)


def _mappings() -> str:
    mapper = load_mapper()
    rules = ", ".join(f"{len(mapper.rules(name))} for {name}" for name in RECORD_TYPES)
    library = mapper.library
    return (
        f"version {mapper.version}: {rules} records; {len(library.instruments)} instruments, "
        f"{len(library.concept_maps)} concept maps, {len(library.concepts)} concepts"
    )


def _outbox(path: Path | str) -> Iterator[Finding]:
    if not has_store(path):
        yield Finding("outbox", True, f"none yet at {path}; sync makes it")
        return

    def look() -> str:
        store = open_store(path)
        try:
            counts = {state: count for state, count in store.counts().items() if count}
        finally:
            store.close()
        listed = ", ".join(f"{count} {state}" for state, count in counts.items()) or "empty"
        return f"{shown_place(path)}: {listed}"

    yield _guarded("outbox", look)


def _server(server: str, token_file: Path | None, smart: Path | None) -> Iterator[Finding]:
    try:
        base_url = base_url_of(server)
        public = is_public(base_url)
        yield Finding("server", True, f"{base_url}{' (public test server)' if public else ''}")
        with client_for(server, token_file, smart) as client:
            for one in look_at(client):
                if one.error is not None:
                    yield _failed(one.name, one.error)
                else:
                    yield Finding(one.name, one.is_good, one.text)
    except BackpainError as error:
        yield _failed("server", error)


def _show(findings: list[Finding], *, with_names: bool) -> None:
    for finding in findings:
        mark = click.style("ok  ", fg="green") if finding.is_good else click.style("FAIL", fg="red")
        click.echo(f"{mark} {finding.name}: {finding.text}")
    if with_names:
        click.echo("Public test servers that --server knows by name:")
        for server in PUBLIC_SERVERS:
            click.echo(f"  {server.name:<10} {server.base_url} ({server.release})")
