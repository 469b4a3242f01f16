"""status: what the outbox holds, and why."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.cli.options import json_option, outbox_option
from fhir_backpain.cli.output import put_json
from fhir_backpain.cli.pull_command import DEFAULT_STATE
from fhir_backpain.outbox.entry import Entry, State
from fhir_backpain.outbox.opening import has_store, open_store
from fhir_backpain.outbox.store import Store
from fhir_backpain.pull.figures import pull_figures
from fhir_backpain.telemetry.figure import Figures

_NEEDS_A_PERSON: tuple[State, ...] = ("rejected", "held", "conflict")


@click.command("status")
@outbox_option
@click.option(
    "--limit",
    default=20,
    show_default=True,
    type=click.IntRange(min=0),
    help="How many records to list.",
)
@click.option(
    "--metrics", is_flag=True, help="Print metrics for Prometheus in place of the report."
)
@click.option(
    "--pull-state",
    default=DEFAULT_STATE,
    show_default=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The state of pulling whose metrics are printed too, where it exists.",
)
@json_option
@click.pass_context
def command(
    context: click.Context,
    outbox: Path | str,
    limit: int,
    metrics: bool,
    pull_state: Path,
    as_json: bool,
) -> None:
    """Show what waits in the outbox, what was sent, and what needs a person.

    \b
    Examples:
      fhir-backpain status
      fhir-backpain status --outbox clinic.sqlite --json
      fhir-backpain status --metrics > fhir_backpain.prom

    Exits with 4 where a record was rejected, is held or in conflict; with 3 where some wait.
    With --metrics it
    exits with 0 once they are written.
    """
    if not has_store(outbox):
        raise click.UsageError(f"There is no outbox at {outbox}; name it with --outbox.")
    with closing(open_store(outbox, "command")) as store:
        if metrics:
            _put_metrics(store, pull_state)
            return
        document = _document(store, limit)
    if as_json:
        put_json(document)
    else:
        _show(document)
    context.exit(_exit_code(document))


def _put_metrics(store: Store, pull_state: Path) -> None:
    """Write the metrics: all of them or, where something cannot be read, none."""
    # Loaded here, since the report does without.
    from fhir_backpain.telemetry.exposition import exposition

    sources: list[Figures] = [store.figures]
    if pull_state.exists():
        sources.append(lambda: pull_figures(pull_state))
    text, _ = exposition(sources)
    click.echo(text.decode(), nl=False)


def _document(store: Store, limit: int) -> dict[str, Any]:
    return {
        "servers": {
            server: {
                "records": {state: count for state, count in store.counts(server).items() if count},
                "resources": store.ledger_size(server),
                "attention": [
                    _entry(entry)
                    for state in _NEEDS_A_PERSON
                    for entry in store.entries(server, state, limit=limit)
                ],
            }
            for server in store.servers()
        }
    }


def _entry(entry: Entry) -> dict[str, Any]:
    issues = (entry.outcome or {}).get("issue", [])
    return {
        "id": entry.id,
        "record": str(entry.key),
        "state": entry.state,
        "attempts": entry.attempts,
        "source": str(entry.location),
        "issues": [issue.get("details", {}).get("text", "") for issue in issues],
    }


def _show(document: dict[str, Any]) -> None:
    if not document["servers"]:
        click.echo("The outbox is empty.")
    for server, held in document["servers"].items():
        counts = ", ".join(f"{count} {state}" for state, count in held["records"].items())
        click.echo(f"{server}\n  records: {counts}\n  resources written: {held['resources']}")
        for entry in held["attention"]:
            click.echo(f"  {entry['state']}: {entry['record']} ({entry['source']})")
            for text in entry["issues"]:
                click.echo(f"    {text}")


def _exit_code(document: dict[str, Any]) -> ExitCode:
    counts = [held["records"] for held in document["servers"].values()]
    if any(count.get(state) for count in counts for state in _NEEDS_A_PERSON):
        return ExitCode.SERVER_REJECTED
    if any(count.get("queued") or count.get("unclear") for count in counts):
        return ExitCode.SERVER_UNAVAILABLE
    return ExitCode.DONE
