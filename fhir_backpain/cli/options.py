"""Options that several commands share, and what they are turned into."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from fhir_backpain.cli import messages
from fhir_backpain.client.backend_services import BackendServices
from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.credentials import Credentials, FixedHeaders
from fhir_backpain.client.servers import PUBLIC_SERVERS, find_server
from fhir_backpain.errors import SettingsError
from fhir_backpain.gateway.contact import Contact, watched_client
from fhir_backpain.intake.intake import Intake
from fhir_backpain.mapping.feed import read_feed
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.postgres_address import is_postgres

DEFAULT_OUTBOX = "fhir-backpain-outbox.sqlite"

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Sources:
    """The files that a command was given, and how they are to be read."""

    files: tuple[str, ...]
    feed: Path | None
    parameters: tuple[str, ...]
    max_issues: int

    def intake(self, mapper: Mapper) -> Intake:
        """Return the intake of the files; SettingsError or ArtifactError for a wrong feed."""
        if self.parameters and self.feed is None:
            raise SettingsError(
                messages.PARAMETER_FORM.issue(
                    "A --set gives a parameter to a feed, and no feed is named.",
                    next_step="Name the feed with --feed, or leave --set out.",
                )
            )
        return Intake(
            self.files,
            mapper.library,
            feed=read_feed(self.feed) if self.feed else None,
            parameters=assignments(self.parameters),
            max_issues=self.max_issues,
        )


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add FILES, --feed, --set and --max-issues, which come together as `sources`."""

    @wraps(command)
    def gathered(
        *arguments: Any,
        files: tuple[str, ...],
        feed: Path | None,
        parameters: tuple[str, ...],
        max_issues: int,
        **others: Any,
    ) -> Any:
        sources = Sources(files, feed, parameters, max_issues)
        return command(*arguments, sources=sources, **others)

    for option in (
        click.argument("files", nargs=-1, required=True, type=click.Path()),
        click.option(
            "--feed", type=click.Path(path_type=Path), help="Feed mapping that describes a table."
        ),
        click.option(
            "--set", "parameters", multiple=True, metavar="NAME=VALUE", help="A feed's parameter."
        ),
        click.option(
            "--max-issues",
            default=200,
            show_default=True,
            type=click.IntRange(min=0),
            help="How many issues to list.",
        ),
    ):
        gathered = option(gathered)
    return gathered


def server_options(command: Command) -> Command:
    """Add --server, --token-file and --outbox."""
    names = ", ".join(server.name for server in PUBLIC_SERVERS)
    for option in (
        click.option(
            "--server", required=True, help=f"FHIR base URL, or a public test server: {names}."
        ),
        click.option(
            "--token-file",
            type=click.Path(path_type=Path),
            help="File that holds a bearer token.",
        ),
        outbox_option,
    ):
        command = option(command)
    return command


def smart_option(command: Command) -> Command:
    """Add --smart."""
    return click.option(
        "--smart",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="SMART Backend Services in place of a token: a TOML file with client_id and "
        "key_file; also scope, key_id and token_url.",
    )(command)


def outbox_option(command: Command) -> Command:
    """Add --outbox, which comes as a Path, or as the URL of a PostgreSQL database."""
    return click.option(
        "--outbox",
        default=DEFAULT_OUTBOX,
        show_default=True,
        metavar="FILE|URL",
        type=_outbox_place,
        help="The durable outbox: an SQLite file, or postgresql://user@host/database with its "
        "password in PGPASSWORD or PGPASSFILE.",
    )(command)


def _outbox_place(place: str | Path) -> Path | str:
    return place if isinstance(place, str) and is_postgres(place) else Path(place)


def mappings_option(command: Command) -> Command:
    """Add --mappings, a folder to use in place of the shipped one."""
    return click.option(
        "--mappings",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        metavar="FOLDER",
        help="Mappings folder to use in place of the shipped one.",
    )(command)


def json_option(command: Command) -> Command:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(
        command
    )


def base_url_of(server: str) -> str:
    """Return the base URL of a server that is named or given as URL."""
    if "://" in server:
        return server
    known = find_server(server)
    if known is None:
        raise SettingsError(messages.SERVER_UNKNOWN.issue(f"There is no server '{server}'."))
    return known.base_url


def client_for(server: str, token_file: Path | None, smart: Path | None = None) -> FhirClient:
    """Return a client for a server; SettingsError for a wrong name, URL, token or SMART file."""
    base_url = base_url_of(server)
    known: Credentials | None = None
    if smart is not None:
        known = backend_services(smart).credentials(base_url)
    else:
        known = credentials_of(token_file)
    return watched_client(base_url, Contact(), deadline=60.0, credentials=known)


def backend_services(file: Path) -> BackendServices:
    """Return what a SMART file says; raises SettingsError where it cannot be used."""
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SettingsError(messages.SMART_UNREADABLE.issue(f"{file} cannot be read.")) from None
    known = {"client_id", "key_file", "scope", "key_id", "token_url"}
    wrong = sorted(name for name in data if name not in known or not isinstance(data[name], str))
    missing = sorted({"client_id", "key_file"} - data.keys())
    if wrong or missing:
        names = ", ".join([*wrong, *missing])
        raise SettingsError(messages.SMART_UNREADABLE.issue(f"{file} is wrong about: {names}."))
    return BackendServices(**{**data, "key_file": file.parent / data["key_file"]})


def credentials_of(token_file: Path | None) -> FixedHeaders | None:
    """Return the bearer token of a file; raises SettingsError where the file holds none."""
    if token_file is None:
        return None
    try:
        token = token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(
            messages.TOKEN_UNREADABLE.issue(f"{token_file} cannot be read.")
        ) from None
    if not token or not all("!" <= character <= "~" for character in token):
        raise SettingsError(
            messages.TOKEN_UNREADABLE.issue(
                f"{token_file} does not hold a token.",
                next_step="Write the token alone into the file, on one line.",
            )
        )
    return FixedHeaders({"Authorization": f"Bearer {token}"})


def assignments(texts: Iterable[str]) -> dict[str, str]:
    """Return what the --set options say; raises SettingsError where one is no NAME=VALUE."""
    return dict(_assignment(text) for text in texts)


def _assignment(text: str) -> tuple[str, str]:
    name, joined, value = text.partition("=")
    if not joined or not name:
        raise SettingsError(messages.PARAMETER_FORM.issue("A --set has no NAME=VALUE."))
    return name, value
