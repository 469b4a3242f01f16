"""demo: the main job, end to end, on a made-up clinic."""

from __future__ import annotations

import shutil
import signal
import sys
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

_OUTBOX, _DATABASE = "outbox.sqlite", "sandbox.sqlite"
# Its presence says that the folder is a demo's; never taken for a clinic's own outbox.
_MARK = ".fhir-backpain-demo"
_MADE = ("first-export", "second-export", "report.json", _OUTBOX, _DATABASE, _MARK)


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
    # The gateway that the demo starts is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    base_url = _checked(server) if server is not None else None
    _empty(folder)
    mapper = load_mapper()
    with _server(base_url, folder) as base_url:
        bar = ProgressBar("sent")
        walk = DemoWalk(base_url, folder, mapper, say, patients=patients, progress=bar)
        result = walk.run()
    report = write_report(result, folder)
    if as_json:
        put_json(result.to_json())
    _tell_where(folder, report, is_sandbox=server is None)


def _empty(folder: Path) -> None:
    """Make room for a new demo; a folder that no demo made is left alone."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = list(folder.iterdir())
    except OSError as error:
        text = f"{folder} cannot be used ({error.strerror})."
        raise SettingsError(FOLDER_TAKEN.issue(text)) from error
    is_foreign = found and not (folder / _MARK).exists()
    if is_foreign or not all(path.name.startswith(_MADE) for path in found):
        raise SettingsError(FOLDER_TAKEN.issue(f"{folder} holds files that no demo made."))
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    (folder / _MARK).write_text("The next demo replaces what is in this folder.\n")


def _checked(server: str) -> str:
    base_url = base_url_of(server)
    ensure_may_receive(base_url, all_test_data=True, insist=False)
    return base_url


@contextmanager
def _server(base_url: str | None, folder: Path) -> Iterator[str]:
    if base_url is not None:
        yield base_url
        return
    with SandboxServer(folder / _DATABASE) as sandbox:
        yield sandbox.base_url


def _tell_where(folder: Path, report: Path, *, is_sandbox: bool) -> None:
    say("All checks held. Where to look:")
    say(f"   {report}: the figures of every step")
    say(f"   {folder / 'first-export'}, {folder / 'second-export'}: what the clinic exported")
    say(f"   fhir-backpain status --outbox {folder / _OUTBOX}")
    if is_sandbox:
        database = folder / _DATABASE
        say(f"   fhir-backpain sandbox --database {database}   then open the URL that it prints")
