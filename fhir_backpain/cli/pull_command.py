"""pull: what changed on a FHIR server, back as records."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import click

from fhir_backpain.cli.callback import being_called
from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.cli.log_options import log_options
from fhir_backpain.cli.logged_sink import LoggedSink, log_pull
from fhir_backpain.cli.options import (
    client_for,
    credentials_of,
    json_option,
    mappings_option,
    outbox_option,
)
from fhir_backpain.cli.output import put_json, say, say_issues
from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import SettingsError
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.outbox.act import Act
from fhir_backpain.outbox.opening import has_store, open_store
from fhir_backpain.outbox.store import Store
from fhir_backpain.pull.delivery import key_from
from fhir_backpain.pull.feed import FeedKind
from fhir_backpain.pull.instant import instant_of
from fhir_backpain.pull.messages import INSTANT_FORM
from fhir_backpain.pull.plan import Conflict
from fhir_backpain.pull.pull_options import ConflictPolicy, PullOptions, PullResult
from fhir_backpain.pull.puller import Puller
from fhir_backpain.pull.resolution import Resolution, Side
from fhir_backpain.pull.sinks.sink_address import sink_of
from fhir_backpain.pull.state import PullState

DEFAULT_STATE = "fhir-backpain-pull.sqlite"

_state_option = click.option(
    "--state",
    default=DEFAULT_STATE,
    show_default=True,
    type=click.Path(path_type=Path),
    help="How far pulling has come: one file for each server and destination.",
)


@click.group("pull", invoke_without_command=True)
@click.option("--server", help="FHIR base URL, or the name of a public test server.")
@click.option(
    "--to",
    "destination",
    metavar="SINK",
    help="ndjson:FILE, csv:FOLDER, directory:FOLDER or the URL of a webhook.",
)
@click.option(
    "--token-file", type=click.Path(path_type=Path), help="File that holds a bearer token."
)
@click.option(
    "--webhook-token-file",
    type=click.Path(path_type=Path),
    help="File that holds the bearer token of the webhook.",
)
@outbox_option
@_state_option
@mappings_option
@click.option(
    "--on-conflict",
    type=click.Choice(get_args(ConflictPolicy)),
    default="ask",
    show_default=True,
    help="Who wins where the server and the source have both changed a record.",
)
@click.option(
    "--feed",
    type=click.Choice(get_args(FeedKind)),
    default="auto",
    show_default=True,
    help="How to ask for changes; auto takes what the server offers.",
)
@click.option(
    "--since", metavar="INSTANT", help="Where the first run begins; all changes without it."
)
@click.option(
    "--overlap",
    default=300,
    show_default=True,
    type=click.IntRange(min=0),
    help="Seconds to look back behind what was read, for servers whose clocks disagree.",
)
@click.option("--follow", is_flag=True, help="Go on until SIGTERM or Ctrl-C.")
@click.option(
    "--interval",
    default=30,
    show_default=True,
    type=click.IntRange(min=1),
    help="Seconds between two looks with --follow.",
)
@click.option(
    "--subscribe",
    metavar="URL",
    help="With --follow: URL at which the server can call here; asks it for FHIR Subscriptions.",
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    help="Where to listen for these calls.  [default: 127.0.0.1 and the port of the URL]",
)
@log_options()
@json_option
@click.pass_context
def command(context: click.Context, /, **given: Any) -> None:
    """Bring changes made on a FHIR server back as records, each exactly once.

    \b
    Examples:
      fhir-backpain pull --server http://localhost:8080/fhir --to ndjson:changes.ndjson
      fhir-backpain pull --server hapi --to https://clinic.example/hook --follow
      fhir-backpain pull --server http://10.0.0.5/fhir --to directory:changes --follow \\
        --subscribe http://10.0.0.7:8490/changed --listen 0.0.0.0:8490
      fhir-backpain pull resolve
      fhir-backpain pull resolve 3 --take server

    What the outbox itself has sent does not come back. Stop it at any moment and run it again: it
    goes on where it was. Changes are read from the history or by search; with --subscribe the
    server says when it is time to look.
    """
    if context.invoked_subcommand is None:
        context.exit(_pull(_Settings(**given)))


@dataclass(frozen=True, slots=True)
class _Settings:
    """What the options of the command say."""

    server: str | None
    destination: str | None
    token_file: Path | None
    webhook_token_file: Path | None
    outbox: Path | str
    state: Path
    mappings: Path | None
    on_conflict: ConflictPolicy
    feed: FeedKind
    since: str | None
    overlap: int
    follow: bool
    interval: int
    subscribe: str | None
    listen: str | None
    as_json: bool

    @property
    def options(self) -> PullOptions:
        """How to pull; SettingsError where --since is no instant."""
        since = instant_of(self.since)
        if self.since is not None and since is None:
            raise SettingsError(INSTANT_FORM.issue("--since is no instant with a time zone."))
        return PullOptions(
            feed=self.feed, on_conflict=self.on_conflict, since=since, overlap=self.overlap
        )


def _pull(settings: _Settings) -> ExitCode:
    """Pull once or until it is told to stop."""
    if settings.server is None or settings.destination is None:
        raise click.UsageError("Name the server with --server and the destination with --to.")
    if settings.subscribe and not settings.follow:
        raise click.UsageError("--subscribe needs --follow: only who goes on can be called.")
    options, mapper = settings.options, load_mapper(settings.mappings)
    webhook = credentials_of(settings.webhook_token_file)
    with (
        client_for(settings.server, settings.token_file) as client,
        PullState(settings.state) as state,
        _outbox(settings.outbox) as store,
    ):
        headers = webhook.headers() if webhook else None
        sink = LoggedSink(sink_of(settings.destination, state.length, headers))
        try:
            puller = Puller(client, mapper, state, sink, store=store, options=options)
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, lambda *_: puller.stop())
            if settings.follow:
                _follow(settings, client, mapper, puller)
                return ExitCode.DONE
            result = puller.run_once()
        finally:
            sink.close()
    log_pull(result, client.base_url)
    _tell(result, settings.as_json)
    return pull_exit_code(result)


def _follow(settings: _Settings, client: FhirClient, mapper: Mapper, puller: Puller) -> None:
    """Pull until it is told to stop; the server calls where it was asked to."""
    with ExitStack() as stack:
        keep = None
        if settings.subscribe:
            called = being_called(
                settings.subscribe, settings.listen, client, mapper.types, puller.wake
            )
            keep = stack.enter_context(called)

        def note(result: PullResult) -> None:
            log_pull(result, client.base_url)
            _tell(result, settings.as_json)
            if keep is not None:
                keep()

        puller.run_forever(settings.interval, note)


def pull_exit_code(result: PullResult) -> ExitCode:
    """Return what a pull came to; trouble with a server comes before what waits for a person."""
    if result.reason != "idle" or result.waiting["versions"] or result.waiting["deliveries"]:
        return ExitCode.SERVER_UNAVAILABLE
    if result.waiting["conflicts"] or result.waiting["refused"]:
        return ExitCode.SERVER_REJECTED
    return ExitCode.DATA_PROBLEMS if result.versions["unreadable"] else ExitCode.DONE


@command.command("resolve")
@click.argument("number", required=False, type=int)
@click.option("--take", type=click.Choice(get_args(Side)), help="Whose version is to stand.")
@outbox_option
@_state_option
@mappings_option
@json_option
@click.pass_context
def resolve(
    context: click.Context,
    number: int | None,
    take: Side | None,
    outbox: Path | str,
    state: Path,
    mappings: Path | None,
    as_json: bool,
) -> None:
    """List the records that both sides have changed, or decide on one.

    \b
    Examples:
      fhir-backpain pull resolve
      fhir-backpain pull resolve 3 --take server
      fhir-backpain pull resolve 3 --take source

    The server's version is delivered by the next pull, the source's is sent by the next sync.
    Exits with 4 where conflicts wait.
    """
    if (number is None) != (take is None):
        raise click.UsageError("Give the number of a conflict together with --take.")
    with _existing(state) as opened:
        if number is not None and take is not None:
            with _outbox(outbox) as store:
                if store is not None:
                    _tell_resolved(store, opened, number, take)
                Resolution(opened, store, load_mapper(mappings)).take(number, take)
        conflicts = opened.conflicts()
    if as_json:
        put_json({"conflicts": [_conflict(one) for one in conflicts]})
    else:
        _show(conflicts)
    context.exit(ExitCode.SERVER_REJECTED if conflicts else ExitCode.DONE)


@command.command("retry")
@_state_option
def retry(state: Path) -> None:
    """Queue deliveries again that the receiver has refused; the next pull makes them.

    \b
    Examples:
      fhir-backpain pull retry
    """
    with _existing(state) as opened:
        say(f"{opened.retry_refused()} deliveries queued again")


@contextmanager
def _outbox(place: Path | str) -> Iterator[Store | None]:
    """Give the outbox where there is one: without it nothing is known of what was sent."""
    if not has_store(place):
        yield None
        return
    store = open_store(place, "command")
    try:
        yield store
    finally:
        store.close()


def _existing(path: Path) -> PullState:
    if not path.exists():
        raise click.UsageError(f"There is no state at {path}; name it with --state.")
    return PullState(path)


def _tell(result: PullResult, as_json: bool) -> None:
    if as_json:
        put_json(result.to_json())
        return
    say_issues(result.issues)
    say(str(result))


def _tell_resolved(store: Store, state: PullState, number: int, side: Side) -> None:
    """Add a decision to the audit trail, before it is carried out in another file."""
    for conflict in state.conflicts():
        if conflict.id == number:
            entry = store.newest(state.server, key_from(conflict.record))
            detail: dict[str, str | int] = {"conflict": number, "take": side}
            known = None if entry is None else entry.id
            store.tell([Act("resolved", known, state.server, detail=detail)])


def _conflict(conflict: Conflict) -> dict[str, Any]:
    return {
        "number": conflict.id,
        "record": str(key_from(conflict.record)),
        "foundAt": conflict.found_at,
        "differs": list(conflict.differs),
        "versions": list(conflict.versions),
    }


def _show(conflicts: list[Conflict]) -> None:
    if not conflicts:
        click.echo("No conflict waits.")
    for one in conflicts:
        click.echo(f"{one.id}: {key_from(one.record)}, found {one.found_at}")
        click.echo(f"  differs at {', '.join(one.differs)}")
        click.echo(f"  server: {', '.join(one.versions)}")
