"""demo: the main job, end to end, on a made-up clinic."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from fhir_backpain.cli.options import base_url_of, json_option
from fhir_backpain.cli.output import ProgressBar, put_json, say
from fhir_backpain.client.servers import ensure_may_receive
from fhir_backpain.demo.messages import FOLDER_TAKEN
from fhir_backpain.demo.walk import DemoWalk, write_report
from fhir_backpain.errors import SettingsError
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.sandbox import SandboxServer

_MARK = "outbox.sqlite"


@click.command("demo")
@click.option("--server", help="FHIR base URL; the embedded sandbox where it is left out.")
@click.option("--patients", default=220, show_default=True, help="How many patients to make up.")
@click.option(
    "--folder",
    default="demo-output",
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the exports, the outbox and the report; an earlier demo's is replaced.",
)
@json_option
def command(server: str | None, patients: int, folder: Path, as_json: bool) -> None:
    """Carry a made-up clinic's year to a FHIR server, change some of it, and carry it again.

    \b
    Examples:
      fhir-backpain demo
      fhir-backpain demo --patients 20
      fhir-backpain demo --server http://localhost:8080/fhir

    Every record is marked as test data.
    """
    _empty(folder)
    mapper = load_mapper()
    with _server(server, folder) as base_url:
        bar = ProgressBar("sent")
        walk = DemoWalk(base_url, folder, mapper, say, patients=patients, progress=bar)
        result = walk.run()
    report = write_report(result, folder)
    if as_json:
        put_json(result.to_json())
    _tell_where(folder, report, is_sandbox=server is None)


def _empty(folder: Path) -> None:
    """Make room for a new demo; a folder that no demo made is left alone."""
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise SettingsError(FOLDER_TAKEN.issue(f"{folder} holds files that no demo made."))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


@contextmanager
def _server(server: str | None, folder: Path) -> Iterator[str]:
    if server is not None:
        base_url = base_url_of(server)
        ensure_may_receive(base_url, all_test_data=True, insist=False)
        yield base_url
        return
    with SandboxServer(folder / "sandbox.sqlite") as sandbox:
        yield sandbox.base_url


def _tell_where(folder: Path, report: Path, *, is_sandbox: bool) -> None:
    say("All checks held. Where to look:")
    say(f"   {report}: the figures of every step")
    say(f"   {folder / 'first-export'}, {folder / 'second-export'}: what the clinic exported")
    say(f"   fhir-backpain status --outbox {folder / _MARK}")
    if is_sandbox:
        database = folder / "sandbox.sqlite"
        say(f"   fhir-backpain sandbox --database {database}   then open the URL that it prints")
