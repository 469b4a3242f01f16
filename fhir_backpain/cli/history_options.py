"""The options by which a command gathers patients' records: from files, or from a FHIR server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from fhir_backpain.cli.options import Sources, client_for, mappings_option
from fhir_backpain.cli.output import say_issues
from fhir_backpain.errors import PermanentRemoteError, SettingsError
from fhir_backpain.followup.messages import PATIENT_UNKNOWN
from fhir_backpain.followup.server_records import ServerRecords, read_patient
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.record import SourceRecord, key_of

_MAX_ISSUES = 200


@dataclass(frozen=True, slots=True)
class History:
    """The records that a command works on; `has_problems` where some could not be used."""

    records: tuple[SourceRecord, ...]
    library: Library
    has_problems: bool


@dataclass(frozen=True, slots=True)
class HistoryChoice:
    """Where a command was told to read records, and of which patient."""

    files: tuple[str, ...]
    feed: Path | None
    parameters: tuple[str, ...]
    server: str | None
    token_file: Path | None
    patient: str | None
    mappings: Path | None

    def read(self) -> History:
        """Return the records, and say what is wrong with some; raises as intake and client do."""
        if not self.files and self.server is None:
            raise click.UsageError("Name files of records, or a server with --server.")
        mapper = load_mapper(self.mappings)
        records: list[SourceRecord] = []
        has_problems = False
        if self.files:
            sources = Sources(self.files, self.feed, self.parameters, _MAX_ISSUES)
            intake = sources.intake(mapper)
            records += intake
            say_issues(intake.report.shown_issues())
            has_problems = intake.report.has_errors
        if self.server is not None:
            found = self._from_server(self.server, mapper)
            records += found.records
            say_issues(found.issues)
            has_problems |= any(issue.is_error for issue in found.issues)
        chosen = [one for one in records if self.patient in (None, key_of(one.data).patient)]
        return History(tuple(chosen), mapper.library, has_problems)

    def _from_server(self, server: str, mapper: Mapper) -> ServerRecords:
        identifier = self._identifier()
        with client_for(server, self.token_file) as client:
            try:
                return read_patient(client, mapper, identifier)
            except PermanentRemoteError as error:
                if any(issue.number == PATIENT_UNKNOWN.number for issue in error.issues):
                    raise SettingsError(error.issues) from None
                raise

    def _identifier(self) -> tuple[str, str]:
        system, bar, value = (self.patient or "").partition("|")
        if not (system and bar and value):
            raise click.UsageError("With --server, name the patient: --patient 'SYSTEM|VALUE'.")
        return system, value


_OPTIONS = (
    click.argument("files", metavar="[RECORDS]...", nargs=-1, type=click.Path()),
    mappings_option,
    click.option(
        "--patient", metavar="SYSTEM|VALUE", help="Only this patient; needed with --server."
    ),
    click.option(
        "--token-file", type=click.Path(path_type=Path), help="File that holds a bearer token."
    ),
    click.option("--server", help="FHIR base URL, or a public test server, to read records from."),
    click.option(
        "--set", "parameters", multiple=True, metavar="NAME=VALUE", help="A feed's parameter."
    ),
    click.option(
        "--feed", type=click.Path(path_type=Path), help="Feed mapping that describes a table."
    ),
)


def history_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add RECORDS, --server and what belongs to them, which come together as `choice`."""

    @wraps(command)
    def gathered(
        *arguments: Any,
        files: tuple[str, ...],
        feed: Path | None,
        parameters: tuple[str, ...],
        server: str | None,
        token_file: Path | None,
        patient: str | None,
        mappings: Path | None,
        **others: Any,
    ) -> Any:
        choice = HistoryChoice(files, feed, parameters, server, token_file, patient, mappings)
        return command(*arguments, choice=choice, **others)

    for option in _OPTIONS:
        gathered = option(gathered)
    return gathered
