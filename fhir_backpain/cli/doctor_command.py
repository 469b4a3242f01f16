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
from fhir_backpain.client.capabilities import Capabilities
from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.servers import PUBLIC_SERVERS, is_public
from fhir_backpain.errors import BackpainError, RemoteError
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.outbox.opening import has_store, open_store, shown_place
from fhir_backpain.record import RECORD_TYPES
from fhir_backpain.sync.connection import strategy_for

_EXAMPLE = "Observation"


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
            found = client.capabilities()
            yield from _told(found)
            yield from _seen(client, found)
    except RemoteError as error:
        yield _failed("capabilities", error)
    except BackpainError as error:
        yield _failed("server", error)


def _told(found: Capabilities) -> Iterator[Finding]:
    """Yield what the CapabilityStatement says."""
    version = found.fhir_version
    release = f" ({found.release})" if found.release else ""
    good = version.startswith("4.")
    yield Finding("software", True, found.software or "not said")
    yield Finding("FHIR version", good, f"{version}{release}" if version else "not said; needs R4")
    yield Finding("transaction", True, _offered(found.offers_transaction))
    yield Finding("batch", True, _offered(found.offers_batch))
    limit = found.bundle_limit
    told = f"{limit} entries" if limit else "not said; learned from the first refusal"
    yield Finding("bundle limit", True, told)
    updates = found.offers(_EXAMPLE, "update")
    yield Finding(f"update of {_EXAMPLE}", updates, _offered(updates))
    ids = {True: "accepted", False: "refused: the server assigns them", None: "not said"}
    yield Finding("ids of clients", True, ids[found.client_ids(_EXAMPLE)])
    conditional = {
        "create": found.conditional_create(_EXAMPLE),
        "update": found.conditional_update(_EXAMPLE),
        "delete": found.conditional_delete(_EXAMPLE),
    }
    offered = [name for name, there in conditional.items() if there]
    yield Finding("conditional interactions", True, ", ".join(offered) or "none")
    yield Finding("versioning", True, found.versioning(_EXAMPLE) or "not said")
    yield Finding("history", True, _offered(found.offers_history))


def _seen(client: FhirClient, found: Capabilities) -> Iterator[Finding]:
    """Yield what harmless searches show, and how records are written because of all this."""
    try:
        seen = client.preflight()
        strategy = strategy_for(found, seen)
    except RemoteError as error:
        yield _failed("searches", error)
        return
    where = "criteria in the URL" if seen.in_url else "criteria in the body"
    shown = {
        "exact": f"an identifier that cannot exist is not found; {where}",
        "ignores-criteria": "criteria are passed over: a search returns what it should not",
        "unusable": "refused",
    }
    yield Finding("searches", True, shown[seen.searching])
    yield Finding("unknown search parameters", True, seen.unknown_parameters)
    sending = {"transaction": "transactions", "batch": "batches", "put": "one request each"}
    yield Finding("records are sent by", True, sending[strategy.mode])
    yield Finding("resources are written by", True, strategy.words(_EXAMPLE))


def _offered(there: bool) -> str:
    return "offered" if there else "not offered"


def _show(findings: list[Finding], *, with_names: bool) -> None:
    for finding in findings:
        mark = click.style("ok  ", fg="green") if finding.is_good else click.style("FAIL", fg="red")
        click.echo(f"{mark} {finding.name}: {finding.text}")
    if with_names:
        click.echo("Public test servers that --server knows by name:")
        for server in PUBLIC_SERVERS:
            click.echo(f"  {server.name:<10} {server.base_url} ({server.release})")
