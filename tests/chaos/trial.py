"""One run from its first kill to the verdict: workers, killer, faults, and the checker's look."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fhir_backpain.client.client import FhirClient
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.sandbox.server import SandboxServer
from fhir_backpain.sync.tombstone import TombstoneRenderer
from tests.chaos.checker import Violation, check
from tests.chaos.climate import Climate
from tests.chaos.dossier import dossiers
from tests.chaos.evidence import Evidence, gather
from tests.chaos.faults import rules
from tests.chaos.journal import read_journal
from tests.chaos.killer import Killer, Lane, Tally
from tests.chaos.sabotages import Sabotage
from tests.chaos.worker import Order, journal_path, mapper
from tests.chaos.workload import LANES
from tests.chaos.zygote import Zygote

TRIES = 3
"""Runs within which a sabotage must show, each with as many kills as its climate has."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run came to. `dossiers` tell all that is known of what the violations are about."""

    climate: str
    sabotage: str | None
    store: str
    seed: int
    tally: Tally
    faults: int
    requests: int
    records: int
    versions: int
    violations: list[Violation]
    dossiers: list[str]
    seconds: float

    def count(self, *kinds: str) -> int:
        """Return how many violations there are of some kinds."""
        return sum(violation.kind in kinds for violation in self.violations)


def run_trial(
    zygote: Zygote,
    climate: Climate,
    place: str | None,
    seed: int,
    *,
    sabotage: str | None = None,
) -> Verdict:
    """Run workers through a climate and check what they leave; `place` None is a SQLite file."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fbp-chaos-") as name:
        folder = Path(name)
        database = place or str(folder / "outbox.db")
        with SandboxServer() as server:
            orders = [
                Order(
                    lane, database, server.base_url, name, seed, climate.patients,
                    climate.lateness, climate.backlog, climate.lease_seconds, sabotage,
                )
                for lane in range(LANES)
            ]  # fmt: skip
            faults = rules(climate.faults, seed)
            for rule in faults:
                server.faults.add(rule)
            killer = Killer([Lane(zygote, one) for one in orders], climate.cruelty, seed)
            killer.run()
            finished = killer.finish(climate.seconds)
            server.faults.clear()
            evidence, found, told = _judged(folder, database, server.base_url)
        said = [log.read_text() for log in sorted(folder.glob("*.log"))]
    violations = found + _ends(killer.tally, finished, said)
    return Verdict(
        climate.name,
        sabotage,
        "sqlite" if place is None else "postgresql",
        seed,
        killer.tally,
        sum(rule.fired for rule in faults),
        max((rule.seen for rule in faults), default=0),
        len({one.entry.key for one in evidence.stored}),
        len(evidence.versions),
        violations,
        told,
        time.monotonic() - begun,
    )


def hunt(
    zygote: Zygote, sabotage: Sabotage, make_place: Callable[[], str | None], seed: int
) -> Verdict:
    """Return the first run that shows a sabotage, the last of all tries where none does.

    What only kills at certain moments bring to light, one seed may miss.
    """
    for tried in range(seed, seed + TRIES):
        verdict = run_trial(zygote, sabotage.climate, make_place(), tried, sabotage=sabotage.name)
        if verdict.violations:
            break
    return verdict


def _judged(
    folder: Path, database: str, base_url: str
) -> tuple[Evidence, list[Violation], list[str]]:
    """Return what a run has left, what is wrong with it, and all that is known of that."""
    promised = [one for lane in range(LANES) for one in read_journal(journal_path(folder, lane))]
    with open_store(database) as store, FhirClient(base_url, timeout=60) as client:
        evidence = gather(store, client, TombstoneRenderer(mapper), promised)
        violations = check(evidence)
        return evidence, violations, dossiers(store, evidence, violations)


def _ends(tally: Tally, finished: bool, said: list[str]) -> list[Violation]:
    """Return what the workers' own ends say: none may end before it is killed or done."""
    found = [Violation("count", "a worker", text) for text in tally.ended]
    found += [Violation("count", "a worker", f"said: {text[-600:]}") for text in said if text]
    if not finished:
        found.append(Violation("lost", "the outbox", "was not emptied in the time there was"))
    return found
