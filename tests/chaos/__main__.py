"""Kill workers by the thousand, look at what they left, and see that the look is sharp.

`python -m tests.chaos --kills 1000 --store sqlite --store postgresql --seed 7`
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
from collections.abc import Iterable, Iterator
from functools import partial

from fhir_backpain.toolchain.problem import ToolMissingError
from servers.postgres import PostgresCluster, RunningPostgres, find_postgres
from tests.chaos.climate import CHAOS, FOR_SABOTAGES, Climate
from tests.chaos.report import details, table
from tests.chaos.sabotages import SABOTAGES
from tests.chaos.trial import Verdict, hunt, run_trial
from tests.chaos.zygote import Zygote

_STORES = ("sqlite", "postgresql")
Postgres = PostgresCluster | RunningPostgres | None


def main() -> int:
    """Run what the arguments ask for; return 1 where a promise was broken or went unnoticed."""
    given = _arguments()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}", flush=True)
    with Zygote() as zygote, _postgres(given.store) as postgres:
        stores = [one for one in given.store if one == "sqlite" or postgres is not None]
        chaos = CHAOS.with_kills(given.kills)
        sound = [_run(zygote, chaos, store, postgres, seed) for store in stores]
        broken = []
        if given.sabotages:
            sound += [
                _run(zygote, climate, store, postgres, seed)
                for store in stores
                for climate in FOR_SABOTAGES
            ]
            broken = [
                _told(hunt(zygote, one, partial(_place, store, postgres), seed))
                for store in stores
                for one in SABOTAGES.values()
            ]
    return _judge(sound, broken)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--kills", type=int, default=1000, help="on each store")
    parser.add_argument("--store", action="append", choices=_STORES, help="by default both")
    parser.add_argument("--seed", type=int, help="of an earlier run, to do the same again")
    parser.add_argument("--no-sabotages", dest="sabotages", action="store_false")
    given = parser.parse_args()
    given.store = given.store or list(_STORES)
    return given


@contextlib.contextmanager
def _postgres(stores: Iterable[str]) -> Iterator[Postgres]:
    """Give a PostgreSQL server where one is asked for; None, and a line, where there is none."""
    server: Postgres = None
    if "postgresql" in stores:
        try:
            server = find_postgres()
        except ToolMissingError as problem:
            if os.environ.get("FHIR_BACKPAIN_REQUIRE_SERVERS"):
                raise
            print(f"postgresql is left out. {problem}", flush=True)
    try:
        yield server
    finally:
        if server is not None:
            server.close()


def _run(zygote: Zygote, climate: Climate, store: str, postgres: Postgres, seed: int) -> Verdict:
    return _told(run_trial(zygote, climate, _place(store, postgres), seed))


def _place(store: str, postgres: Postgres) -> str | None:
    """Return the URL of a new outbox; None for a file."""
    return postgres.create_database() if postgres and store == "postgresql" else None


def _told(verdict: Verdict) -> Verdict:
    print(details(verdict), flush=True)
    return verdict


def _judge(sound: list[Verdict], broken: list[Verdict]) -> int:
    print("\nThe engine as it is:\n" + table(sound))
    if broken:
        print("\nThe engine, sabotaged; each run must show violations:\n" + table(broken))
    failed = [one for one in sound if one.violations]
    unnoticed = [one for one in broken if not one.violations]
    print(f"\n{len(failed)} of {len(sound)} runs of the engine broke a promise.")
    if broken:
        print(f"{len(broken) - len(unnoticed)} of {len(broken)} sabotaged runs were caught.")
    return 1 if failed or unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
