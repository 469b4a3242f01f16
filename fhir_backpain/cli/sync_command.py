"""sync: records to a FHIR server, through the durable outbox."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import click

from fhir_backpain.cli.exit_codes import ExitCode
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
from fhir_backpain.sync.full_feed import FullFeed
from fhir_backpain.sync.messages import FEED_NOT_WHOLE
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions, PushResult


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
@smart_option
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
    mapper = load_mapper(mappings)
    intake = sources.intake(mapper)
    bar = ProgressBar("sent")
    with client_for(server, token_file, smart) as client:
        store = open_store(outbox)
        try:
            dispatcher = Dispatcher(store, client, mapper, options=options, progress=bar)
            takes_back = full_feed and options.retire != "keep"
            _append(dispatcher, intake, FullFeed(store, dispatcher.server) if takes_back else None)
            result = dispatcher.run_until_idle()
        finally:
            store.close()
            bar.close()
    _tell(intake.report, result, as_json)
    context.exit(sync_exit_code(intake.report, result))


class _StoppedReading(Exception):  # noqa: N818 - no error: somebody asked for it
    """SIGTERM came while records were read."""


def _append(dispatcher: Dispatcher, intake: Intake, feed: FullFeed | None) -> None:
    """Store what the files hold; from here on SIGTERM ends the command in an orderly way.

    What is being read may be without end, or a pipe on which nothing comes: reading is broken
    off. Later, the bundles that are under way are finished.
    """

    def stop_reading(*_: object) -> None:
        raise _StoppedReading

    try:
        signal.signal(signal.SIGTERM, stop_reading)
        dispatcher.append(feed.noting(intake) if feed else intake)
        if feed:
            _take_back(dispatcher, intake, feed)
        signal.signal(signal.SIGTERM, lambda *_: dispatcher.stop())
    except _StoppedReading:
        signal.signal(signal.SIGTERM, lambda *_: dispatcher.stop())
        dispatcher.stop()


def _take_back(dispatcher: Dispatcher, intake: Intake, feed: FullFeed) -> None:
    """Store that records are gone from the feed, if all of it could be read."""
    if intake.report.has_errors:
        # A rejected record may be one of those that seem to be gone.
        say_issues([FEED_NOT_WHOLE.issue("Not all of the feed could be read.")])
        return
    gone = dispatcher.append(feed.gone())
    say(f"no longer in the feed: {len(gone)} records")


def sync_exit_code(report: IntakeReport, result: PushResult) -> ExitCode:
    """Return what a sync came to; trouble with the server comes before trouble with the data."""
    records = result.summary.records
    if result.reason in ("unreachable", "waiting", "refused", "stopped") or result.queued:
        return ExitCode.SERVER_UNAVAILABLE
    if records["rejected"] or records["held"] or records["conflict"] or records["unclear"]:
        return ExitCode.SERVER_REJECTED
    return ExitCode.DATA_PROBLEMS if report.has_errors else ExitCode.DONE


def _tell(report: IntakeReport, result: PushResult, as_json: bool) -> None:
    if as_json:
        document: dict[str, Any] = {"source": report.to_json(), "server": result.to_json()}
        put_json(document)
        return
    say_issues(report.shown_issues())
    say_issues(result.summary.issues)
    tell_columns(report)
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
