"""Runs jobs on a few threads: the network there, the database here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime

from fhir_backpain.outbox.store import Store
from fhir_backpain.sync.delivery import Delivery, DeliveryTerms
from fhir_backpain.sync.delivery_report import DeliveryReport
from fhir_backpain.sync.plan import Job
from fhir_backpain.sync.push_options import PushOptions
from fhir_backpain.sync.refusal import RefusalWatch
from fhir_backpain.sync.server_access import AccessFactory

_Running = dict[Future[DeliveryReport], Job]
MoreJobs = Callable[[frozenset[str]], list[Job]]
"""Returns jobs beside those that have the claims."""


class JobRunner:
    """Runs the jobs of leases. No two deliveries under way share a patient or resource."""

    def __init__(
        self,
        store: Store,
        server: str,
        access: AccessFactory,
        options: PushOptions,
        watch: RefusalWatch,
        *,
        leased_at: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._server = server
        self._access = access
        self._options = options
        self._watch = watch
        self._renewed_at = leased_at
        self._lost: frozenset[int] = frozenset()
        self._monotonic = monotonic

    def run(
        self,
        pool: ThreadPoolExecutor,
        jobs: Sequence[Job],
        more: MoreJobs,
        on_reports: Callable[[Sequence[DeliveryReport]], None],
        goes_on: Callable[[], bool],
    ) -> None:
        """Run jobs in their order while `goes_on`; give back the leases of the others.

        `more` is asked for jobs before they run out, until it has none. `on_reports` is given what
        has ended together, so that it is stored in one step.
        """
        pending, running, dry = list(jobs), _Running(), False
        while pending or running:
            pending = self._renew(pending, running)
            if goes_on():
                pending = self._start(pool, pending, running)
                if running and not dry and len(pending) < self._options.in_flight:
                    # Made while the server works, so that it need not wait for us.
                    found = more(_claims([*pending, *running.values()]))
                    pending, dry = self._start(pool, pending + found, running), not found
            if not running:
                break
            done, _ = wait(running, self._until_renewal(), FIRST_COMPLETED)
            ended = {future: running.pop(future) for future in done}
            if goes_on() and all(future.result().trouble is None for future in ended):
                # What does not touch them is on its way while they are settled.
                pending = self._start(pool, pending, running, unsettled=ended.values())
            reports = [future.result() for future in ended]
            on_reports(reports)
            waiting = set[str]().union(*(report.waiting_patients for report in reports))
            pending = self._in_turn(pending, running, waiting)
        self._store.release(self._server, {token for job in pending for token in job.tokens})

    def _in_turn(self, pending: list[Job], running: _Running, waiting: set[str]) -> list[Job]:
        """Give back the jobs of patients with a record that waits; return the others."""
        if not waiting:
            return pending
        kept, given_up = _in_order(pending, lambda job: not waiting.isdisjoint(job.patients))
        self._give_back(given_up, kept, running)
        return kept

    def _give_back(self, given_up: list[Job], kept: list[Job], running: _Running) -> None:
        """Release the leases of jobs, as far as no other needs them and they are still ours."""
        in_use = {token for job in (*kept, *running.values()) for token in job.tokens}
        tokens = {token for job in given_up for token in job.tokens} - in_use - self._lost
        if tokens:
            self._store.release(self._server, tokens)

    def _start(
        self,
        pool: ThreadPoolExecutor,
        pending: list[Job],
        running: _Running,
        unsettled: Iterable[Job] = (),
    ) -> list[Job]:
        """Start what can be started; return what has to wait."""
        waiting: list[Job] = []
        for job in pending:
            full = len(running) >= self._options.in_flight
            if full or job.clashes_with([*running.values(), *unsettled, *waiting]):
                waiting.append(job)
                continue
            delivery = self._delivery(job)
            running[pool.submit(delivery.run, job.records)] = job
        return waiting

    def _delivery(self, job: Job) -> Delivery:
        urls = job.urls
        spoken_of = job.spoken_of if self._access.follows_references else urls
        rows = self._store.ledger(self._server, spoken_of)
        terms = DeliveryTerms(
            self._options.bundle_size,
            self._options.retire,
            self._options.search_lag,
            lambda: self._holds(job.tokens),
        )
        return Delivery(
            self._access.for_delivery(job.records, rows.values()),
            {url: row for url, row in rows.items() if url in urls},
            datetime.now(UTC),
            terms,
            self._watch,
        )

    def _holds(self, tokens: set[int]) -> bool:
        """True while the leases surely last; asked by the threads that send.

        A process that was stopped for longer than that must not send what another has by now.
        """
        lasts = self._monotonic() - self._renewed_at < self._options.lease_seconds
        return lasts and self._lost.isdisjoint(tokens)

    def _until_renewal(self) -> float:
        """Return the seconds until the leases are to be prolonged."""
        return max(self._renewed_at + self._options.lease_seconds / 3 - self._monotonic(), 0.0)

    def _renew(self, pending: list[Job], running: _Running) -> list[Job]:
        """Prolong the leases in good time; return the pending jobs that are still ours."""
        now = self._monotonic()
        if self._until_renewal() > 0:
            return pending
        tokens = {token for job in (*pending, *running.values()) for token in job.tokens}
        lost = self._store.renew(self._server, tokens, self._options.lease_seconds)
        self._lost |= lost
        self._renewed_at = now
        kept, given_up = _in_order(pending, lambda job: not job.tokens.isdisjoint(lost))
        self._give_back(given_up, kept, running)
        return kept


def _in_order(
    jobs: Iterable[Job], is_given_up: Callable[[Job], bool]
) -> tuple[list[Job], list[Job]]:
    """Return the jobs to be kept and those to be given up, with all that come after their records.

    A job may hold records of several patients: none of these may be overtaken by a later job.
    """
    kept: list[Job] = []
    given_up: list[Job] = []
    behind: set[str] = set()
    for job in jobs:
        if is_given_up(job) or not behind.isdisjoint(job.patients):
            behind |= job.patients
            given_up.append(job)
        else:
            kept.append(job)
    return kept, given_up


def _claims(jobs: Iterable[Job]) -> frozenset[str]:
    return frozenset().union(*(job.claims for job in jobs))
