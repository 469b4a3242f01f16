"""sync: records to a FHIR server, through the durable outbox."""

from __future__ import annotations

import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.cli.log_options import log_options
from fhir_backpain.cli.options import (
    Sources,
    client_for,
    json_option,
    mappings_option,
    server_options,
    smart_option,
    source_options,
)
from fhir_backpain.cli.output import ProgressBar, put_json, say, say_issues
from fhir_backpain.cli.sending_options import sending_options
from fhir_backpain.intake.intake import Intake, IntakeReport
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.outbox.store import Store
from fhir_backpain.sync.full_feed import FullFeed
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions, PushResult
from fhir_backpain.sync.retire_limit import RetireLimit
from fhir_backpain.sync.taking_back import TakingBack


@click.command("sync")
@source_options
@server_options
@mappings_option
@sending_options
@click.option(
    "--full-feed",
    is_flag=True,
    help="The files hold all records of their sources: what earlier runs sent and they no longer "
    "have is retired.",
)
@click.option(
    "--retire-at-most",
    metavar="N|N%",
    help="With --full-feed: refuse to retire more records of a source and type than this number, "
    "or this share of those that it had; by default 20%, and always up to 10 records.",
)
@smart_option
@log_options()
@json_option
@click.pass_context
def command(
    context: click.Context,
    sources: Sources,
    server: str,
    token_file: Path | None,
    smart: Path | None,
    outbox: Path | str,
    mappings: Path | None,
    options: PushOptions,
    full_feed: bool,
    retire_at_most: str | None,
    as_json: bool,
) -> None:
    """Send records to a FHIR server, each exactly once in effect.

    \b
    Examples:
      fhir-backpain sync assessments.ndjson plans.json --server http://localhost:8080/fhir
      fhir-backpain sync scores.csv --feed scores.feed.yaml --server hapi
      fhir-backpain sync day.ndjson --server https://fhir.clinic.example/r4 --token-file token
      fhir-backpain sync all.ndjson --full-feed --retire delete --server http://localhost:8080/fhir

    Records are stored in the outbox before anything is sent. Stop it at any moment and run the
    same command again: it goes on where it was. What has not changed is not sent.
    """
    limit = _limit(retire_at_most, full_feed)
    mapper = load_mapper(mappings)
    intake = sources.intake(mapper)
    bar = ProgressBar("sent")
    with (
        client_for(server, token_file, smart) as client,
        closing(open_store(outbox, "command")) as store,
        closing(bar),
    ):
        dispatcher = Dispatcher(store, client, mapper, options=options, progress=bar)
        taking_back = TakingBack(store, _feed(store, dispatcher, full_feed), limit)
        _append(dispatcher, intake, taking_back)
        result = dispatcher.run_until_idle()
    _tell(intake.report, result, taking_back, as_json)
    context.exit(sync_exit_code(intake.report, result, taking_back))


def _limit(text: str | None, full_feed: bool) -> RetireLimit:
    if text is None:
        return RetireLimit()
    if not full_feed:
        raise click.UsageError("--retire-at-most goes with --full-feed.")
    try:
        return RetireLimit.parse(text)
    except ValueError:
        reason = "--retire-at-most takes a number such as 50 or a share such as 30%."
        raise click.UsageError(reason) from None


def _feed(store: Store, dispatcher: Dispatcher, full_feed: bool) -> FullFeed | None:
    takes_back = full_feed and dispatcher.options.retire != "keep"
    return FullFeed(store, dispatcher.server) if takes_back else None


class _StoppedReading(Exception):  # noqa: N818 - no error: somebody asked for it
    """SIGTERM came while records were read."""


def _append(dispatcher: Dispatcher, intake: Intake, taking_back: TakingBack) -> None:
    """Store what the files hold; from here on SIGTERM ends the command in an orderly way.

    What is being read may be without end, or a pipe on which nothing comes: reading is broken
    off. Later, the bundles that are under way are finished.
    """

    def stop_reading(*_: object) -> None:
        raise _StoppedReading

    try:
        signal.signal(signal.SIGTERM, stop_reading)
        dispatcher.append(taking_back.noting(intake))
        taking_back.run(dispatcher, intake.report)
        signal.signal(signal.SIGTERM, lambda *_: dispatcher.stop())
    except _StoppedReading:
        signal.signal(signal.SIGTERM, lambda *_: dispatcher.stop())
        dispatcher.stop()


def sync_exit_code(report: IntakeReport, result: PushResult, taking_back: TakingBack) -> ExitCode:
    """Return what a sync came to; trouble with the server comes before trouble with the data."""
    records = result.summary.records
    if result.reason in ("unreachable", "waiting", "refused", "stopped") or result.queued:
        return ExitCode.SERVER_UNAVAILABLE
    if records["rejected"] or records["held"] or records["conflict"] or records["unclear"]:
        return ExitCode.SERVER_REJECTED
    has_errors = report.has_errors or taking_back.has_errors
    return ExitCode.DATA_PROBLEMS if has_errors else ExitCode.DONE


def _tell(report: IntakeReport, result: PushResult, taking_back: TakingBack, as_json: bool) -> None:
    say_issues(taking_back.issues)
    if as_json:
        document: dict[str, Any] = {"source": report.to_json(), "server": result.to_json()}
        put_json({**document, **taking_back.to_json()})
        return
    say_issues(report.shown_issues())
    say_issues(result.summary.issues)
    tell_columns(report)
    if taking_back.retired is not None:
        say(f"no longer in the feed: {taking_back.retired} records")
    say(f"read: {sum(report.accepted.values())} records, {report.rejected} rejected")
    say(str(result))


def tell_columns(report: IntakeReport) -> None:
    """Write what became of every column of every table."""
    for file, accounts in report.columns.items():
        say(f"columns of {file}:")
        width = max((len(account.column) for account in accounts), default=0)
        for account in accounts:
            say(
                f"  {account.column:<{width}}  {account.fate:<8}  {account.filled:>7} values, "
                f"{account.empty:>7} empty  {account.detail}"
            )
