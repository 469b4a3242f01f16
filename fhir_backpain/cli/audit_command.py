"""outbox audit: who did what to which entry, when and why; and what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from fhir_backpain.cli import messages
from fhir_backpain.cli.options import json_option, outbox_option
from fhir_backpain.errors import SettingsError
from fhir_backpain.fhir.json_text import dump
from fhir_backpain.outbox.act import TrailItem
from fhir_backpain.outbox.audit_event import audit_event
from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.outbox.entry import Entry
from fhir_backpain.outbox.opening import has_store, open_store
from fhir_backpain.outbox.store import Store
from fhir_backpain.outcome import Issue
from fhir_backpain.sync.redaction import redacted

Command = TypeVar("Command", bound=Callable[..., Any])


@click.command("audit")
@click.option("--entry", metavar="ENTRY", help="Only what concerns this entry.")
@click.option(
    "--since", metavar="INSTANT", help="Only from then on: an instant with its zone, or a day."
)
@click.option(
    "--as",
    "form",
    type=click.Choice(["text", "fhir"]),
    default="text",
    show_default=True,
    help="Lines to read, or FHIR R4 AuditEvents as NDJSON.",
)
@outbox_option
@json_option
def audit_command(
    entry: str | None,
    since: str | None,
    form: Literal["text", "fhir"],
    outbox: Path | str,
    as_json: bool,
) -> None:
    """Show what people and the program did to entries, and each attempt to send, in order of time.

    \b
    Examples:
      fhir-backpain outbox audit --since 2026-03-02
      fhir-backpain outbox audit --entry 2f0c9a1e-…
      fhir-backpain outbox audit --as fhir > audit.ndjson

    No value of a patient is in it. --json writes a JSON object on each line.
    """
    if not has_store(outbox):
        raise click.UsageError(f"There is no outbox at {outbox}; name it with --outbox.")
    begin = None if since is None else _instant(since)
    with closing(open_store(outbox, "command")) as store:
        for item in store.trail(entry, begin):
            if form == "fhir":
                click.echo(dump(audit_event(item)))
            else:
                click.echo(json.dumps(_document(item)) if as_json else _line(item))


def because_option(command: Command) -> Command:
    """Add --because, the reason that the audit trail keeps."""
    return click.option(
        "--because", metavar="TEXT", help="Why, for the audit trail; name no patient."
    )(command)


def ensure_no_value(store: Store, entry: Entry, because: str) -> None:
    """Raise SettingsError where a reason repeats a value of the entry's record."""
    issue: Issue = messages.REASON_TELLS.issue(because)
    # The record's own id is none of its values, but some sources make it of a patient's.
    if entry.key.id in because or redacted([issue], store.data(entry.id)) != (issue,):
        text = f"The reason holds a value of the record of entry {entry.id}."
        raise SettingsError(messages.REASON_TELLS.issue(text))


def _instant(text: str) -> str:
    """Return an instant as the trail has them; a day begins at midnight in UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is not None and found.tzinfo is None and len(text) == len("2026-03-02"):
        found = found.replace(tzinfo=UTC)
    if found is None or found.tzinfo is None:
        raise SettingsError(messages.SINCE_FORM.issue("--since is no instant with its zone."))
    return format_instant(found)


def _document(item: TrailItem) -> dict[str, Any]:
    return {
        "at": item.at,
        "kind": item.kind,
        "who": item.actor,
        "via": item.via,
        "what": item.what,
        "entry": item.entry,
        "server": item.server,
        "because": item.because,
        "detail": dict(item.detail),
        "attempt": item.number,
        "status": item.status,
        "messages": list(item.messages),
    }


def _line(item: TrailItem) -> str:
    who = f"{item.actor} ({item.via})" if item.actor else item.via
    words = [item.at, f"{item.what:<10}", item.entry or "-", "by", who]
    if item.number is not None:
        words.append(f"attempt {item.number}")
    if item.status is not None:
        words.append(f"HTTP {item.status}")
    words += item.messages
    words += [f"{name}={value}" for name, value in item.detail.items()]
    if item.server:
        words += ["server", item.server]
    if item.because:
        words.append(f'because "{item.because}"')
    return " ".join(words)
