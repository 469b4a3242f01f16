"""A worker process on an outbox: `python store_worker.py WHAT PLACE ARGUMENTS...`.

It writes what it did line by line, and waits for a line where the test is to do something first.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from fhir_backpain.errors import OutboxError
from fhir_backpain.outbox.entry import Settlement
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.outbox.opening import open_store
from tests.store.store_records import record

SERVER = "https://fhir.example/r4"


def claim_all(place: str) -> None:
    """Lease, wait for a line, then settle and go on until nothing is left; a line a record."""
    with open_store(place) as store:
        leased = store.lease(SERVER, "w", 20, 60)
        say("ready")
        sys.stdin.readline()
        while leased or store.counts()["queued"]:
            for one in leased:
                fenced = store.settle(SERVER, [Settlement(one.entry.id, one.token, "sent")])
                assert not fenced
                say(f"{one.entry.key.patient_value} {one.entry.key.id}")
            leased = store.lease(SERVER, "w", 20, 60)


def hold(place: str, seconds: str) -> None:
    """Lease everything, wait for a line, then try to settle."""
    with open_store(place) as store:
        leased = store.lease(SERVER, "w", 99, float(seconds))
        say(f"leased {len(leased)}")
        sys.stdin.readline()
        lost = store.renew(SERVER, {one.token for one in leased}, 60)
        rows = [LedgerRow("Observation/a", "stale", "1", leased[0].entry.key, "2024-05-01", "")]
        done = [Settlement(one.entry.id, one.token, "sent") for one in leased]
        fenced = store.settle(SERVER, done, rows)
        say(f"lost {len(lost)} fenced {len(fenced)}")


def append(place: str, count: str, size: str = "1") -> None:
    """Append records one by one; one line for each that is acknowledged or refused."""
    with open_store(place) as store:
        for number in range(int(count)):
            one = record(f"r{number}", f"p{number % 7}", pad="x" * int(size))
            try:
                store.append([one], SERVER, "m1")
            except OutboxError as error:
                say(f"refused r{number} {error.issues[0].number} {error.issues[0].code}")
            else:
                say(f"acknowledged r{number}")


def die_in_migration(place: str, statement: str) -> None:
    """Open the outbox, and be killed at the given statement of its migrations."""
    from alembic.operations import Operations

    execute, seen = Operations.execute, iter(range(1, 10_000))

    def counted(self: Operations, *arguments: Any, **options: Any) -> None:
        if next(seen) == int(statement):
            os.kill(os.getpid(), signal.SIGKILL)
        execute(self, *arguments, **options)

    Operations.execute = counted  # type: ignore[method-assign]
    import alembic.op

    alembic.op.execute = lambda *one, **two: counted(alembic.op._proxy, *one, **two)
    open_store(place).close()
    say("migrated")


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
