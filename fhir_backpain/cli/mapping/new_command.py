"""mapping new: a file to start from."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.cli.mapping import messages
from fhir_backpain.cli.mapping.skeleton import (
    code_system_text,
    concept_map_text,
    instrument_text,
    mapping_text,
)
from fhir_backpain.cli.output import say
from fhir_backpain.errors import SettingsError
from fhir_backpain.intake.feed_skeleton import feed_text
from fhir_backpain.mapping.files import is_mappings_folder
from fhir_backpain.mapping.language_schema import FILE as SCHEMA
from fhir_backpain.mapping.library import load_library
from fhir_backpain.record import RECORD_TYPES
from fhir_backpain.sources.csv_rows import open_rows

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_CODE_SYSTEM = "clinic"
# Suffix of each kind's file, and where a mappings folder keeps it.
_FILES = {
    "feed": ("feeds", ".feed.yaml"),
    "mapping": ("", ".map.yaml"),
    "instrument": ("instruments", ".yaml"),
    "concept-map": ("concept-maps", ".yaml"),
}


@click.command("new")
@click.argument("kind", type=click.Choice([*_FILES, "folder"]))
@click.argument("name")
@click.option(
    "--folder",
    default=".",
    show_default=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Where to write; in a mappings folder the file goes to its place.",
)
@click.option(
    "--table",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="For a feed: the table, whose header gives the columns.",
)
@click.option("--encoding", default="utf-8", show_default=True, help="The table's encoding.")
@click.option(
    "--makes",
    type=click.Choice(RECORD_TYPES),
    default="assessment",
    show_default=True,
    help="For a feed: the record that each row makes.",
)
@click.option(
    "--source",
    type=click.Choice(RECORD_TYPES),
    help="For a mapping: the record type; by default the one that the name begins with.",
)
@click.option("--title", help="For an instrument: its full name.")
@click.option("--code", help="For an instrument: the key of the score's concept, where it has one.")
def command(kind: str, name: str, folder: Path, **options: Any) -> None:
    """Write a file to start from: a feed, mapping, instrument or concept map, or a folder.

    \b
    Examples:
      fhir-backpain mapping new feed scores --table scores.csv
      fhir-backpain mapping new folder my-mappings
      fhir-backpain mapping new instrument orebro --folder my-mappings --title "Örebro screening"
      fhir-backpain mapping new mapping assessment-sleep --folder my-mappings

    What is left to write is marked EDIT; 'mapping check' lists it. 'folder' copies the shipped
    mappings. An instrument without --code gets a concept of the clinic's own, in the folder's
    CodeSystem-clinic.json.
    """
    if not _NAME.fullmatch(name):
        raise SettingsError(messages.NAME_FORM.issue(f"'{name}' is no name for a {kind}."))
    if kind == "feed":
        _new_feed(name, folder, options["table"], options["encoding"], options["makes"])
    elif kind == "mapping":
        record = options["source"] or _source_of(name)
        _write(kind, name, folder, mapping_text(name, record), place=record)
    elif kind == "instrument":
        _new_instrument(name, folder, options["title"] or name, options["code"])
    elif kind == "concept-map":
        _write(kind, name, folder, concept_map_text(name))
    else:
        _copy_folder(folder / name)


def _new_feed(name: str, folder: Path, table: Path | None, encoding: str, makes: str) -> None:
    columns = _columns(table, encoding) if table else ()
    measures = load_library().concept_maps["measure-unit"].rows
    _write("feed", name, folder, feed_text(name, makes, columns, measures, encoding))


def _new_instrument(name: str, folder: Path, title: str, code: str | None) -> None:
    key = code or f"{_CODE_SYSTEM}.{name}"
    _write("instrument", name, folder, instrument_text(name, title, key))
    if code is None:
        _concept(folder, name, f"{title} score")


def _source_of(name: str) -> str:
    return next((record for record in RECORD_TYPES if name.startswith(record)), RECORD_TYPES[0])


def _columns(table: Path, encoding: str) -> tuple[str, ...]:
    """Return the columns of a table; raises SourceError where its header cannot be read."""
    found: list[str] = []
    rows = open_rows(table, encoding=encoding, on_header=found.extend)
    with suppress(StopIteration):
        next(rows)
    return tuple(found)


def _write(kind: str, name: str, folder: Path, text: str, place: str = "") -> None:
    below, suffix = _FILES[kind]
    home = folder / (place or below) if is_mappings_folder(folder) else folder
    path = home / f"{name}{suffix}"
    schema = folder / SCHEMA if is_mappings_folder(folder) else mappings_folder() / SCHEMA
    shown = os.path.relpath(schema, home) if schema.parent == folder else schema.as_posix()
    _create(path, f"# yaml-language-server: $schema={shown}\n{text}")
    say(f"Next: fhir-backpain mapping check {path}")


def _concept(folder: Path, name: str, display: str) -> None:
    """Write the code system of an instrument's own concept, or say what to add to it."""
    path = folder / f"CodeSystem-{_CODE_SYSTEM}.json"
    if path.exists():
        say(f'Add to {path}: {{"code": "{name}", "display": "{display}"}}')
    elif is_mappings_folder(folder):
        _create(path, code_system_text(_CODE_SYSTEM, name, display))
    else:
        say("Its concept belongs into a mappings folder; 'mapping new folder NAME' makes one.")


def _create(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise SettingsError(
            messages.FILE_TAKEN.issue(f"{path} cannot be written ({error.strerror}).")
        ) from None
    click.echo(str(path))


def _copy_folder(path: Path) -> None:
    try:
        shutil.copytree(mappings_folder(), path)
    except OSError as error:
        text = f"{path} cannot be written ({error.strerror or 'the copy failed'})."
        raise SettingsError(messages.FILE_TAKEN.issue(text)) from None
    click.echo(str(path))
    say(f"Next: fhir-backpain mapping check {path}; use it with --mappings {path}")
