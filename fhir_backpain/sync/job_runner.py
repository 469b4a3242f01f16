"""Runs jobs on a few threads: the network there, the database here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime

from fhir_backpain.outbox.store import Store
from fhir_backpain.sync.delivery import Delivery
from fhir_backpain.sync.delivery_report import DeliveryReport
from fhir_backpain.sync.plan import Job
from fhir_backpain.sync.push_options import PushOptions
from fhir_backpain.sync.refusal import RefusalWatch
from fhir_backpain.sync.server_access import ServerAccess

_Running = dict[Future[DeliveryReport], Job]


class JobRunner:
    """Runs the jobs of one lease. No two deliveries under way share a patient or resource."""

    def __init__(
        self,
        store: Store,
        server: str,
        access: ServerAccess,
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
        self._monotonic = monotonic

    def run(
        self,
        pool: ThreadPoolExecutor,
        jobs: Sequence[Job],
        on_report: Callable[[DeliveryReport], None],
        goes_on: Callable[[], bool],
    ) -> None:
        """Run jobs in their order while `goes_on`; give back the leases of the others."""
        pending, running = list(jobs), _Running()
        while pending or running:
            pending = self._renew(pending, running)
            if goes_on():
                pending = self._start(pool, pending, running)
            if not running:
                break
            done, _ = wait(running, self._options.lease_seconds / 3, FIRST_COMPLETED)
            for future in done:
                running.pop(future)
                on_report(future.result())
        self._store.release(self._server, {token for job in pending for token in job.tokens})

    def _start(self, pool: ThreadPoolExecutor, pending: list[Job], running: _Running) -> list[Job]:
        """Start what can be started; return what has to wait."""
        waiting: list[Job] = []
        for job in pending:
            full = len(running) >= self._options.in_flight
            if full or job.clashes_with([*running.values(), *waiting]):
                waiting.append(job)
                continue
            delivery = Delivery(
                self._access,
                self._store.ledger(self._server, job.urls),
                self._options.bundle_size,
                datetime.now(UTC),
                retire=self._options.retire,
                watch=self._watch,
            )
            running[pool.submit(delivery.run, job.records)] = job
        return waiting

    def _renew(self, pending: list[Job], running: _Running) -> list[Job]:
        """Prolong the leases in good time; return the pending jobs that are still ours."""
        now = self._monotonic()
        if now - self._renewed_at < self._options.lease_seconds / 3:
            return pending
        self._renewed_at = now
        tokens = {token for job in (*pending, *running.values()) for token in job.tokens}
        lost = self._store.renew(self._server, tokens, self._options.lease_seconds)
        kept = [job for job in pending if job.tokens.isdisjoint(lost)]
        given_up = {token for job in pending for token in job.tokens - lost}
        in_use = {token for job in (*kept, *running.values()) for token in job.tokens}
        self._store.release(self._server, given_up - in_use)
        return kept
