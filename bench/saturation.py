"""The share of time that is lost to us where a server is saturated.

    python -m bench.saturation --rounds 6

A HAPI server gets transactions in turns from a bare load generator, and from the whole engine:
outbox file, mapping, Bundles, requests, answers, settlement. The generator replays Bundles that the
engine has made of other records of the same shape, so that each side has the server create as many
resources in as many requests. What the engine takes longer is the share that is lost.

On a machine with other work the times scatter. "idle" does so less: how much of the time the server
had fewer requests than it may have, as a share of all that it may have.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from secrets import randbelow
from statistics import median
from tempfile import TemporaryDirectory

import click

from bench.load_generator import Load, replay
from bench.recording import recorded
from bench.workload import WORKLOADS
from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.reply import Reply
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions
from fhir_backpain.toolchain.problem import CounterpartError
from servers.hapi import HapiServer

PROMISED = 0.05
# Twice the processors that the server has: one more request would wait, whoever sends it.
_OPTIONS = PushOptions(in_flight=2 * (os.cpu_count() or 1))
_RECORDS = {"observations": 2000, "assessments": 240}
_WARM_UP = 6  # rounds; only then has the server compiled what it does most


@dataclass(frozen=True, slots=True)
class Pair:
    """One round: the bare generator's times and ours."""

    bare: Load
    ours: Load

    @property
    def lost(self) -> float:
        """The share of our time that is not the server's."""
        return 1 - self.bare.seconds / self.ours.seconds


@dataclass(slots=True)
class Saturation:
    """The figures of one workload; `bundles` and `resources` are those of a round."""

    workload: str
    in_flight: int
    bundles: int = 0
    resources: int = 0
    pairs: list[Pair] = field(default_factory=list)

    @property
    def lost(self) -> float:
        """The median share of time that is lost to us."""
        return median(pair.lost for pair in self.pairs)

    def idle(self, loads: Iterable[Load]) -> float:
        """Return the median share of the requests in flight that were not there."""
        return median(1 - one.under_way / (self.in_flight * one.seconds) for one in loads)


class TimedClient(FhirClient):
    """Adds up how long its transactions were under way."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url, timeout=120, deadline=120)
        self._adding = threading.Lock()
        self.under_way = 0.0

    def transaction(self, bundle: str) -> Reply:
        """Send a transaction."""
        sent = time.perf_counter()
        try:
            return super().transaction(bundle)
        finally:
            with self._adding:
                self.under_way += time.perf_counter() - sent


class Bench:
    """Both sides against one server; every record is used once."""

    def __init__(self, base_url: str, options: PushOptions) -> None:
        self._client = TimedClient(base_url)
        self._options = options
        self._mapper: Mapper = load_mapper()
        # A server that was used before has none of these.
        self._next = 10 * randbelow(10**9)

    def measure(self, workload: str, rounds: int, records: int) -> Saturation:
        """Return the figures of some rounds; both sides go first in turns."""
        result = Saturation(workload, self._options.in_flight)
        for number in range(-_WARM_UP, rounds):
            loads = {}
            for side in ("bare", "ours") if number % 2 else ("ours", "bare"):
                first, self._next = self._next, self._next + records
                gc.collect()
                if side == "ours":
                    loads[side], result.resources = self._push(workload, first, records)
                else:
                    loads[side], result.bundles = self._replay(workload, first, records)
            if number >= 0:
                result.pairs.append(Pair(**loads))
        return result

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _push(self, workload: str, first: int, count: int) -> tuple[Load, int]:
        records = list(WORKLOADS[workload](first, count))
        with TemporaryDirectory() as folder, open_store(Path(folder) / "outbox.sqlite") as store:
            dispatcher = Dispatcher(store, self._client, self._mapper, options=self._options)
            self._client.under_way = 0.0
            begun = time.perf_counter()
            dispatcher.append(records)
            result = dispatcher.run_until_idle()
            load = Load(time.perf_counter() - begun, self._client.under_way)
        if not result.is_complete:
            raise RuntimeError(f"the push did not complete: {result}")
        return load, sum(result.summary.resources.values())

    def _replay(self, workload: str, first: int, count: int) -> tuple[Load, int]:
        records = WORKLOADS[workload](first, count)
        bodies = recorded(self._client.base_url, self._mapper, records, self._options)
        return replay(self._client.base_url, bodies, self._options.in_flight), len(bodies)


def measure(base_url: str, rounds: int, options: PushOptions) -> list[Saturation]:
    """Return the figures of every workload."""
    bench = Bench(base_url, options)
    try:
        return [bench.measure(name, rounds, _RECORDS[name]) for name in WORKLOADS]
    finally:
        bench.close()


def measure_hapi(rounds: int) -> list[Saturation]:
    """Return the figures with a HAPI server of one's own; none where it cannot be had."""
    try:
        with HapiServer(heap="10g", tier=4) as hapi:
            return measure(hapi.base_url, rounds, _OPTIONS)
    except CounterpartError as problem:
        click.echo(f"The saturated server is left out: {problem}", err=True)
        return []


def problems(found: list[Saturation]) -> list[str]:
    """Return what breaks the promise: no more than a twentieth of the time is lost to us."""
    return [
        f"{one.lost:.1%} of the time is lost to us, over {PROMISED:.0%}: {one.workload}"
        for one in found
        if one.lost > PROMISED
    ]


def saturation_lines(found: list[Saturation]) -> Iterator[str]:
    """Yield the table."""
    yield "HAPI saturated by transactions: resources/s of ours and of a bare load generator"
    yield (
        f"{'records':<14}{'in flight':>10}{'Bundles':>9}{'ours':>8}{'bare':>8}{'lost':>8}"
        f"{'ours idle':>11}{'bare idle':>11}  lost by rounds"
    )
    for one in found:
        ours, bare = [pair.ours for pair in one.pairs], [pair.bare for pair in one.pairs]
        rates = [one.resources / median(load.seconds for load in side) for side in (ours, bare)]
        yield (
            f"{one.workload:<14}{one.in_flight:>10}{one.bundles:>9}{rates[0]:>8,.0f}"
            f"{rates[1]:>8,.0f}{one.lost:>8.1%}{one.idle(ours):>11.1%}{one.idle(bare):>11.1%}"
            f"  {' '.join(f'{pair.lost:+.1%}' for pair in one.pairs)}"
        )


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", default=8, show_default=True, type=click.IntRange(min=1))
@click.option("--server", help="Base URL of a server that runs; a HAPI of its own if left out.")
def main(rounds: int, server: str | None) -> None:
    """Print the table."""
    found = measure(server, rounds, _OPTIONS) if server else measure_hapi(rounds)
    click.echo("\n".join(saturation_lines(found)))


if __name__ == "__main__":
    main()
