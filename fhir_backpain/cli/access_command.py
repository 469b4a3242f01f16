"""access: who may use a gateway."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click

from fhir_backpain.access.keyring import Keyring
from fhir_backpain.access.principal import ROLES, Principal, Role
from fhir_backpain.cli.options import json_option, outbox_option
from fhir_backpain.cli.output import put_json, say
from fhir_backpain.outbox.opening import open_store

_role_option = click.option(
    "--role", type=click.Choice(ROLES), required=True, help="What the access is good for."
)


@click.group("access")
def command() -> None:
    """Say who may use a gateway: machines by a token, people by a password.

    \b
    Examples:
      fhir-backpain access add lab-system --role sender --days 365 > token
      fhir-backpain access add ada --role operator --person
      fhir-backpain access list
      fhir-backpain access remove lab-system

    Accesses are kept in the outbox, as hashes. As long as there is none, a gateway listens on
    loopback only and lets the users of its machine in. Roles: a sender gives records and asks
    what became of them, a reader sees everything, an operator also replays and discards, an
    administrator also gives access.
    """


@command.command("add")
@click.argument("name")
@_role_option
@click.option("--person", is_flag=True, help="A person: asks for a password, twice.")
@click.option("--days", type=click.IntRange(1, 3650), help="Days after which the token ends.")
@outbox_option
def add(name: str, role: Role, person: bool, days: int | None, outbox: Path | str) -> None:
    """Give NAME an access; a machine's token is printed once and cannot be had again.

    \b
    Examples:
      fhir-backpain access add lab-system --role sender > token
      fhir-backpain access add ada --role operator --person
    """
    if person and days is not None:
        raise click.UsageError("--days is for tokens; remove a person when the time has come.")
    with _keyring(outbox) as keyring:
        if person:
            keyring.add_person(name, role, _password())
            say(f"{name} may sign in as {role}")
        else:
            lifetime = None if days is None else timedelta(days=days)
            click.echo(keyring.add_machine(name, role, lifetime))


@command.command("password")
@click.argument("name")
@outbox_option
def change_password(name: str, outbox: Path | str) -> None:
    """Give a person another password, and end the sessions of the old one.

    \b
    Examples:
      fhir-backpain access password ada
    """
    with _keyring(outbox) as keyring:
        keyring.set_password(name, _password())
    say(f"{name} has another password")


@command.command("remove")
@click.argument("name")
@outbox_option
def remove(name: str, outbox: Path | str) -> None:
    """Take the access of NAME away, at once.

    \b
    Examples:
      fhir-backpain access remove lab-system
    """
    with _keyring(outbox) as keyring:
        keyring.remove(name)
    say(f"{name} has no access any more")


@command.command("list")
@outbox_option
@json_option
def listed(outbox: Path | str, as_json: bool) -> None:
    """List who has access, and when it was last used.

    \b
    Examples:
      fhir-backpain access list
    """
    with _keyring(outbox) as keyring:
        found = keyring.principals()
    if as_json:
        put_json({"accesses": [_shown(one) for one in found]})
        return
    for one in found:
        ends = f", ends {one.expires_at}" if one.expires_at else ""
        used = one.last_used_at or "never"
        click.echo(f"{one.name}: {one.kind}, {one.role}, last used {used}{ends}")
    if not found:
        click.echo("Nobody has an access: a gateway lets in whoever uses its machine.")


@contextmanager
def _keyring(outbox: Path | str) -> Iterator[Keyring]:
    with open_store(outbox, "command") as store:
        yield Keyring(store.database)


def _password() -> str:
    """Ask for a password; where nobody can type, it is the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _shown(principal: Principal) -> dict[str, str | None]:
    return {
        "name": principal.name,
        "kind": principal.kind,
        "role": principal.role,
        "createdAt": principal.created_at,
        "expiresAt": principal.expires_at,
        "lastUsedAt": principal.last_used_at,
    }
