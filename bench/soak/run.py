"""A soak from its first record to its last: the worker, its kills, and what is seen meanwhile."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.soak.check import violations
from bench.soak.counterpart import Sandbox
from bench.soak.faults import fault_rules
from bench.soak.feed import Feed, write_feed
from bench.soak.memory_watch import MemoryWatch
from fhir_backpain.client.client import FhirClient
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.outbox.entry import State
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.outbox.store import Store

_POLL = 0.05
_AT_WORK = 0.4
_KILLED_PART = 2 / 3
_GOOD: tuple[State, ...] = ("sent", "superseded")
_BAD: tuple[State, ...] = ("conflict", "rejected", "held", "discarded")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much, how often, and from which random numbers."""

    resources: int = 100_000
    patients: int = 2_000
    faults: float = 0.05
    kills: int = 100
    seed: int = 1


@dataclass(slots=True)
class Result:
    """What came of a soak; `settled` says in which states the outbox left its entries."""

    plan: Plan
    records: int
    resources: int
    seconds: float = 0.0
    kills: int = 0
    bundles: int = 0
    fired: int = 0
    lives: int = 0
    settled: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    worker: MemoryWatch = field(default_factory=MemoryWatch)
    server: MemoryWatch = field(default_factory=MemoryWatch)

    @property
    def is_good(self) -> bool:
        """True where nothing was violated, all was settled as sent, and memory stayed in bounds."""
        bad = self.violations.total() + sum(self.settled[name] for name in _BAD)
        return not bad and self.worker.is_bounded() and self.worker.is_bounded(self.lives)


class Soak:
    """Runs one soak in a folder."""

    def __init__(self, plan: Plan, folder: Path, say: Say) -> None:
        self._plan = plan
        self._folder = folder
        self._say = say
        self._random = random.Random(plan.seed)  # noqa: S311 - repeatable on purpose

    def run(self) -> Result:
        """Return the figures; raises RuntimeError where the worker fails by itself."""
        feed = self._feed()
        result = Result(self._plan, feed.records, len(feed.expected))
        self._say(f"{result.records:,} records make {result.resources:,} resources")
        with Sandbox(self._folder) as server:
            server.fail(fault_rules(self._plan.faults, self._plan.seed))
            with open_store(self._folder / "outbox.sqlite") as store:
                begun = time.perf_counter()
                self._drive(server, store, result)
                result.seconds = time.perf_counter() - begun
                result.settled.update({name: n for name, n in store.counts().items() if n})
            result.bundles, result.fired = server.behave()
            self._say(f"sent in {result.seconds:,.0f} s; reading it all back")
            with FhirClient(server.base_url) as client:
                result.violations = violations(client, feed.expected)
        return result

    def _feed(self) -> Feed:
        return write_feed(
            self._folder / "feed.ndjson", load_mapper(), patients=self._plan.patients,
            resources=self._plan.resources, seed=self._plan.seed,
        )  # fmt: skip

    def _drive(self, server: Sandbox, store: Store, result: Result) -> None:
        """Keep the worker at work, kill it at its times, until it ends by itself."""
        times = self._kill_times(result.records)
        while True:
            result.lives += 1
            worker = self._start(server.base_url)
            try:
                killed = self._live(worker, server, store, result, times)
            finally:
                worker.kill()
                worker.communicate()
            if not killed:
                return
            result.kills += 1
            if result.kills % 10 == 0:
                self._say(f"{result.kills} kills, {_settled(store):,} records settled")

    def _kill_times(self, records: int) -> list[int]:
        """Return the numbers of settled records after which to kill, the next one last."""
        span = records * _KILLED_PART
        return sorted(int(self._random.uniform(0, span)) for _ in range(self._plan.kills))[::-1]

    def _live(
        self,
        worker: subprocess.Popen[str],
        server: Sandbox,
        store: Store,
        result: Result,
        times: list[int],
    ) -> bool:
        """Watch one life of the worker; True where it was ended by a kill."""
        assert worker.stdout is not None
        ready = worker.stdout.readline() == "ready\n"
        while worker.poll() is None:
            progress = _settled(store)
            result.worker.look(worker.pid, progress, result.lives)
            result.server.look(server.pid, progress)
            if times and progress >= times[-1]:
                times.pop()
                time.sleep(self._random.uniform(0, _AT_WORK))
                worker.kill()
                return worker.wait() != 0
            time.sleep(_POLL)
        if worker.returncode or not ready:
            raise RuntimeError(f"the worker failed with exit code {worker.returncode}")
        return False

    def _start(self, base_url: str) -> subprocess.Popen[str]:
        names = ("outbox.sqlite", base_url, "feed.ndjson", "position")
        places = [name if name == base_url else str(self._folder / name) for name in names]
        return subprocess.Popen(  # noqa: S603 - our own worker
            [sys.executable, "-m", "bench.soak.worker", *places], stdout=subprocess.PIPE, text=True
        )


def _settled(store: Store) -> int:
    counts = store.counts()
    return sum(counts[name] for name in (*_GOOD, *_BAD))
