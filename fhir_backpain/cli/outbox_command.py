"""outbox: what waits for a person, and what a person can do about it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from fhir_backpain.cli import messages
from fhir_backpain.cli.audit_command import audit_command, because_option, ensure_no_value
from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.cli.options import base_url_of, json_option, mappings_option, outbox_option
from fhir_backpain.cli.output import put_json, say, say_issues
from fhir_backpain.client.base_url import parse_base_url
from fhir_backpain.errors import OutboxError, SettingsError
from fhir_backpain.fhir.json_text import dump, pretty
from fhir_backpain.intake.intake import Intake
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.outbox.act import Act
from fhir_backpain.outbox.entry import STATES, Attempt, Entry, State
from fhir_backpain.outbox.opening import has_store, open_store
from fhir_backpain.outbox.store import Store
from fhir_backpain.record import SourceRecord, key_of
from fhir_backpain.sync.tombstone import is_tombstone

_PAGE = 500
_FOR_A_PERSON: tuple[State, ...] = ("rejected", "held", "conflict")

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group("outbox", context_settings={"auto_envvar_prefix": "FHIR_BACKPAIN_OUTBOX"})
def command() -> None:
    """Look at entries of the outbox, and replay, correct, discard or export them.

    \b
    Examples:
      fhir-backpain outbox list --state rejected
      fhir-backpain outbox show 2f0c9a1e-…
      fhir-backpain outbox replay --state conflict
      fhir-backpain outbox edit 2f0c9a1e-… --file corrected.json
      fhir-backpain outbox export --state rejected > rejected.ndjson
      fhir-backpain outbox audit --since 2026-03-02

    Nothing is sent: that is done by the next sync, or by a gateway that runs.
    """


def _chosen(option: Command) -> Command:
    """Add ENTRIES, --state and --server, which choose entries."""
    for one in (
        click.argument("entries", nargs=-1),
        click.option("--state", type=click.Choice(STATES), help="All entries in this state."),
        click.option("--server", help="Only those for this server."),
    ):
        option = one(option)
    return option


@command.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only entries in this state.")
@click.option("--server", help="Only those for this server.")
@click.option(
    "--limit",
    default=100,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many entries to list.",
)
@click.option("--after", metavar="ENTRY", help="Go on behind this entry.")
@outbox_option
@json_option
def list_command(
    state: State | None,
    server: str | None,
    limit: int,
    after: str | None,
    outbox: Path | str,
    as_json: bool,
) -> None:
    """List entries in the order of their arrival.

    \b
    Examples:
      fhir-backpain outbox list
      fhir-backpain outbox list --state conflict --limit 20 --json
    """
    with closing(_store(outbox)) as store:
        found = store.entries(_server(server), state, after=after, limit=limit)
    if as_json:
        put_json([_document(entry) for entry in found])
        return
    for entry in found:
        click.echo(f"{entry.id}  {_state(entry):<10}  {entry.key}  {entry.location}")


@command.command("show")
@click.argument("entry_id", metavar="ENTRY")
@click.option("--data", "with_data", is_flag=True, help="Show the record, with all its values.")
@outbox_option
@json_option
def show_command(entry_id: str, with_data: bool, outbox: Path | str, as_json: bool) -> None:
    """Show an entry: where it came from, what became of it and why.

    \b
    Examples:
      fhir-backpain outbox show 2f0c9a1e-…
      fhir-backpain outbox show 2f0c9a1e-… --data
    """
    with closing(_store(outbox)) as store:
        entry, attempts = store.entry(entry_id), store.attempts(entry_id)
        if with_data:
            store.tell([Act("shown", entry_id)])
        data = store.data(entry_id) if with_data else None
    if as_json:
        told = [_attempt(attempt) for attempt in attempts]
        record = {} if data is None else {"data": data}
        click.echo(pretty({**_document(entry), "attemptsMade": told, **record}))
        return
    click.echo(
        f"{entry.key}: {_state(entry)}\n  server: {entry.server}\n  source: {entry.location}"
    )
    click.echo(f"  mapping: {entry.mapping_version}\n  arrived: {entry.created_at}")
    for attempt in attempts:
        status = f", HTTP {attempt.status}" if attempt.status else ""
        click.echo(f"  {attempt.at}  {attempt.state}{status}")
        for text in _texts(attempt.outcome):
            click.echo(f"    {text}")
    if data is not None:
        click.echo(pretty(data))


@command.command("replay")
@_chosen
@because_option
@outbox_option
@click.pass_context
def replay_command(
    context: click.Context,
    entries: tuple[str, ...],
    state: State | None,
    server: str | None,
    because: str | None,
    outbox: Path | str,
) -> None:
    """Queue entries once more; what the server holds is then replaced by the record's content.

    \b
    Examples:
      fhir-backpain outbox replay 2f0c9a1e-…
      fhir-backpain outbox replay --state rejected --because "the server's profile was corrected"
    """
    _each(context, outbox, (entries, state, server), "replay", because)


@command.command("discard")
@_chosen
@because_option
@outbox_option
@click.pass_context
def discard_command(
    context: click.Context,
    entries: tuple[str, ...],
    state: State | None,
    server: str | None,
    because: str | None,
    outbox: Path | str,
) -> None:
    """Take entries out for good; the server keeps what it holds.

    \b
    Examples:
      fhir-backpain outbox discard 2f0c9a1e-…
      fhir-backpain outbox discard --state conflict --server http://localhost:8080/fhir
    """
    _each(context, outbox, (entries, state, server), "discard", because)


@command.command("edit")
@click.argument("entry_id", metavar="ENTRY")
@click.option(
    "--file", type=click.Path(path_type=Path), help="The corrected record; else an editor opens."
)
@because_option
@mappings_option
@outbox_option
@click.pass_context
def edit_command(
    context: click.Context,
    entry_id: str,
    file: Path | None,
    because: str | None,
    mappings: Path | None,
    outbox: Path | str,
) -> None:
    """Correct the record of an entry and queue it in the entry's place.

    \b
    Examples:
      fhir-backpain outbox edit 2f0c9a1e-…
      fhir-backpain outbox edit 2f0c9a1e-… --file corrected.json

    Correct it at its source as well: the source's next version takes the place of this one.
    """
    mapper = load_mapper(mappings)
    with closing(_store(outbox)) as store:
        entry, act = store.entry(entry_id), Act("edited", entry_id, because=because)
        if because is not None:
            ensure_no_value(store, entry, because)
        record = _edited(store, entry, file, mapper.library)
        if record is None:
            say("nothing was changed")
            context.exit(ExitCode.DONE)
        (receipt,) = store.append([record], entry.server, mapper.version, act=act)
    say(f"{entry.key}: {receipt.status} as {receipt.id}")


@command.command("export")
@_chosen
@outbox_option
def export_command(
    entries: tuple[str, ...], state: State | None, server: str | None, outbox: Path | str
) -> None:
    """Write the records of entries as NDJSON, to be corrected and synced again.

    \b
    Examples:
      fhir-backpain outbox export > attention.ndjson
      fhir-backpain outbox export --state rejected > rejected.ndjson

    Without ENTRIES and --state: all that are rejected, held or in conflict.
    """
    with closing(_store(outbox)) as store:
        states = (state,) if state else _FOR_A_PERSON
        chosen = _entries(store, entries, () if entries else states, server)
        while page := list(islice(chosen, _PAGE)):
            found = [(entry.id, store.data(entry.id)) for entry in page]
            records = [(name, data) for name, data in found if not is_tombstone(data)]
            store.tell([Act("exported", name) for name, _ in records])
            for _, data in records:
                click.echo(dump(data))


command.add_command(audit_command)


def _edited(store: Store, entry: Entry, file: Path | None, library: Library) -> SourceRecord | None:
    """Return the corrected record; None where nothing was changed."""
    if file is not None:
        return _read(Intake([str(file)], library), entry)
    before = pretty(store.data(entry.id))
    after = click.edit(before, extension=".json")
    if after is None or after.strip() == before.strip():
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "edited.json"
        path.write_text(after, encoding="utf-8")
        return _read(Intake([str(path)], library), entry)


def _read(intake: Intake, entry: Entry) -> SourceRecord:
    """Return the one good record of an intake, which must be the entry's."""
    records = list(intake)
    say_issues(intake.report.shown_issues())
    if len(records) != 1 or intake.report.rejected:
        raise SettingsError(messages.WRONG_EDIT.issue("The file does not hold one good record."))
    if key_of(records[0].data) != entry.key:
        raise SettingsError(messages.WRONG_EDIT.issue("The record is not the one of the entry."))
    # It stays at its place in the source, which is where it has to be corrected too.
    return SourceRecord(records[0].data, entry.location)


def _each(
    context: click.Context,
    outbox: Path | str,
    chosen: tuple[tuple[str, ...], State | None, str | None],
    verb: Literal["replay", "discard"],
    because: str | None,
) -> None:
    """Do something with each chosen entry; one that cannot be helped does not stop the others."""
    entries, state, server = chosen
    if bool(entries) == (state is not None):
        raise click.UsageError("Name entries, or a --state.")
    done = refused = 0
    states = (state,) if state else ()
    with closing(_store(outbox)) as store:
        if because is not None:  # one reason for all, so it may name the patient of none
            for entry in _entries(store, entries, states, server):
                ensure_no_value(store, entry, because)
        for entry in _entries(store, entries, states, server):
            try:
                (store.replay if verb == "replay" else store.discard)(entry.id, because)
                done += 1
            except OutboxError as error:
                refused += 1
                say(f"{entry.id}:")
                say_issues(error.issues)
    say(f"{verb}: {done} entries, {refused} left as they are")
    context.exit(ExitCode.WRONG_USE if refused else ExitCode.DONE)


def _entries(
    store: Store, named: tuple[str, ...], states: tuple[State, ...], server: str | None
) -> Iterator[Entry]:
    """Yield the entries that are named or in one of the states."""
    for entry_id in named:
        yield store.entry(entry_id)
    for state in states:
        after: str | None = None
        while page := store.entries(_server(server), state, after=after, limit=_PAGE):
            after = page[-1].id
            yield from page


def _store(outbox: Path | str) -> Store:
    if not has_store(outbox):
        raise click.UsageError(f"There is no outbox at {outbox}; name it with --outbox.")
    return open_store(outbox, "command")


def _server(name: str | None) -> str | None:
    return None if name is None else parse_base_url(base_url_of(name))


def _state(entry: Entry) -> str:
    if entry.leased:
        return "sending"
    waits = entry.state in ("queued", "unclear") and entry.retry_in > 0
    return f"{entry.state}, retry in {entry.retry_in:.0f} s" if waits else entry.state


def _document(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "server": entry.server,
        "record": str(entry.key),
        "state": entry.state,
        "sending": entry.leased,
        "retryInSeconds": round(entry.retry_in, 1),
        "attempts": entry.attempts,
        "source": str(entry.location),
        "arrived": entry.created_at,
        "settled": entry.settled_at,
        "waitsFor": list(entry.waits_for),
        "outcome": entry.outcome,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "at": attempt.at,
        "state": attempt.state,
        "status": attempt.status,
        "outcome": attempt.outcome,
    }


def _texts(outcome: dict[str, Any] | None) -> list[str]:
    issues = (outcome or {}).get("issue", [])
    return [issue.get("details", {}).get("text", "") for issue in issues]
