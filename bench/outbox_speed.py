"""How many records a second the outbox takes and hands out, on SQLite and on PostgreSQL.

    python -m bench.outbox_speed --rows 10000 --rows 100000

PostgreSQL is measured where it is installed: a server of its own in a temporary folder, which
writes to the disk before it answers, as SQLite does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from fhir_backpain.outbox.entry import Settlement
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.outbox.store import Store
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord
from fhir_backpain.toolchain.problem import ToolMissingError
from servers.postgres import PostgresCluster

SERVER = "https://fhir.example/r4"
_LEASE = 200
_PATIENTS = 2000
_SENT = 50_000


@dataclass(frozen=True, slots=True)
class Speed:
    """Wall-clock figures of one store at one size: records each second.

    `append` is of all the rows; `lease_and_settle` of the first 50,000 while the others wait.
    """

    store: str
    rows: int
    append: float
    lease_and_settle: float


def measure(sizes: tuple[int, ...]) -> Iterator[Speed]:
    """Yield the figures of both stores at each size; PostgreSQL's only where it is installed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        places: dict[str, Callable[[int], str]] = {
            "SQLite": lambda rows: str(folder / f"{rows}.sqlite")
        }
        try:
            cluster = stack.enter_context(PostgresCluster())
        except (ToolMissingError, ImportError) as problem:
            click.echo(f"PostgreSQL is left out: {problem}", err=True)
        else:
            places["PostgreSQL"] = lambda rows: cluster.create_database(f"rows_{rows}")
        for rows in sizes:
            for name, place in places.items():
                with open_store(place(rows)) as store:
                    yield _speed(name, store, rows)


def speed_lines(speeds: list[Speed]) -> Iterator[str]:
    """Yield the table."""
    yield f"Outbox: records/s by the wall clock, {_PATIENTS:,} patients, leases of {_LEASE}"
    yield f"{'store':<16}{'rows':>10}{'append':>12}{'lease+settle':>14}"
    for one in speeds:
        figures = f"{one.append:>12,.0f}{one.lease_and_settle:>14,.0f}"
        yield f"{one.store:<16}{one.rows:>10,}{figures}"


def _speed(name: str, store: Store, rows: int) -> Speed:
    begun = time.perf_counter()
    store.append((_record(number) for number in range(rows)), SERVER, "m1")
    appended = time.perf_counter()
    sent, wanted = 0, min(rows, _SENT)
    while sent < wanted:
        leased = store.lease(SERVER, "bench", _LEASE, 60)
        store.settle(SERVER, [Settlement(one.entry.id, one.token, "sent") for one in leased])
        assert leased
        sent += len(leased)
    done = time.perf_counter()
    return Speed(name, rows, rows / (appended - begun), sent / (done - appended))


def _record(number: int) -> SourceRecord:
    data = {
        "record": "observation",
        "id": f"r{number}",
        "source": "https://clinic.example/app",
        "observed_at": "2024-05-01",
        "test_data": True,
        "patient": {
            "identifier": {
                "system": "https://clinic.example/mrn",
                "value": f"p{number % _PATIENTS}",
            }
        },
        "measure": "pain-nrs-week",
        "score": number % 11,
    }
    return SourceRecord(data, SourceLocation(file="records.csv", line=number + 2))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rows", "sizes", multiple=True, type=click.IntRange(min=1), default=(10_000,))
def main(sizes: tuple[int, ...]) -> None:
    """Print the table."""
    click.echo("\n".join(speed_lines(list(measure(sizes)))))


if __name__ == "__main__":
    main()
