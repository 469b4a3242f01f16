"""Pushing: queued records go to one server, each exactly once in effect."""

from __future__ import annotations

import logging
import random as random_numbers
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.servers import ensure_may_receive
from fhir_backpain.errors import (
    BackpainError,
    OutboxError,
    RemoteError,
    SettingsError,
    TransientRemoteError,
)
from fhir_backpain.outbox.act import Act
from fhir_backpain.outbox.entry import LeasedEntry, Receipt
from fhir_backpain.outbox.retry import Random
from fhir_backpain.outbox.store import Store
from fhir_backpain.outcome import Outcome
from fhir_backpain.record import SourceRecord, is_test_data
from fhir_backpain.sync.breaker import Breaker
from fhir_backpain.sync.connection import Connection
from fhir_backpain.sync.delivery_report import DeliveryReport
from fhir_backpain.sync.dropped import note_doubts, note_dropped
from fhir_backpain.sync.job_runner import JobRunner
from fhir_backpain.sync.plan import Job, make_jobs
from fhir_backpain.sync.prepared import Prepared
from fhir_backpain.sync.progress import Progress
from fhir_backpain.sync.push_options import PushOptions, PushResult, Reason
from fhir_backpain.sync.redaction import redacted
from fhir_backpain.sync.refusal import RefusalWatch
from fhir_backpain.sync.renderer import Renderer
from fhir_backpain.sync.server_access import AccessFactory
from fhir_backpain.sync.settlement import Settler
from fhir_backpain.sync.tombstone import TombstoneRenderer
from fhir_backpain.sync.write_log import LoggedAccessFactory
from fhir_backpain.telemetry.event import log
from fhir_backpain.telemetry.fault import numbers_of

_SHORTEST_PAUSE = 0.01
_OTHERS_PAUSE = 0.05
_logger = logging.getLogger(__name__)


class Dispatcher:
    """Sends what the outbox holds for a server. One thread runs it; any may `stop` or `wake` it.

    `server` is the outbox's name for the server, the client's base URL where it is not given.
    `monotonic`, `random` and `pause` (takes seconds) can be replaced.
    """

    def __init__(
        self,
        store: Store,
        client: FhirClient,
        renderer: Renderer,
        *,
        server: str | None = None,
        options: PushOptions | None = None,
        progress: Progress | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        random: Random = random_numbers.random,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self.server = server or client.base_url
        self.options = options or PushOptions()
        self._store = store
        self._client = client
        self._renderer = TombstoneRenderer(renderer)
        self._progress = progress
        self._monotonic = monotonic
        self._stop = threading.Event()
        self._bell = threading.Event()
        self._pause = pause or self._rest
        self._connection = Connection(client, store, self.server)
        policy = self.options.retry
        self._watch = RefusalWatch()
        self._breaker = Breaker(policy, monotonic, random)
        self._settler = Settler(store, self.server, renderer.version, policy, random)
        self._trouble: RemoteError | None = None
        self._closed = self._troubled = False
        self._started = self._last_success = 0.0
        self._total = 0

    @property
    def keeps_away(self) -> bool:
        """True while the server is in trouble and only probed after each wait."""
        return not self._breaker.is_closed

    def append(self, records: Iterable[SourceRecord], *, act: Act | None = None) -> list[Receipt]:
        """Queue records for the server, durable on return; unchanged ones are counted.

        `act` is what the audit trail tells of each that is queued.

        Raises SettingsError for a public server and a record that is not test data. The batches
        before it are queued.
        """
        receipts = self._store.append(
            self._guarded(records), self.server, self._renderer.version, act=act
        )
        unchanged = sum(receipt.status == "unchanged" for receipt in receipts)
        self._settler.summary.records["unchanged"] += unchanged
        return receipts

    def run_until_idle(self) -> PushResult:
        """Send until nothing is left, or the server takes nothing for as long as patience lasts.

        The summary covers all since the last result, `append` included.
        """
        self._started = self._last_success = self._monotonic()
        self._total = self._open()
        self._closed, self._trouble = False, None
        self._watch.begin()
        with ThreadPoolExecutor(self.options.in_flight, "push") as pool:
            return self._result(self._run(pool))

    def run_forever(
        self, poll_seconds: float = 5.0, on_result: Callable[[PushResult], None] | None = None
    ) -> None:
        """Send whatever is queued until `stop`; trouble is waited out.

        Where the outbox tells of new work it is sent at once, otherwise after `poll_seconds`.
        """
        with self._store.watch(self.server, self.wake):
            while not self._stop.is_set():
                result = self.run_until_idle()
                if on_result is not None:
                    on_result(result)
                self._pause(poll_seconds)

    def stop(self) -> None:
        """Finish the bundles that are under way and start no others; safe in a signal handler."""
        self._stop.set()
        self._bell.set()

    def wake(self) -> None:
        """End the present pause, as there may be work; unless `pause` was replaced."""
        self._bell.set()

    def _rest(self, seconds: float) -> None:
        # Asked first: an earlier pause may have cleared what was meant to end this one.
        if not self._stop.is_set():
            self._bell.wait(seconds)
            self._bell.clear()

    def _run(self, pool: ThreadPoolExecutor) -> Reason:
        while not self._stop.is_set():
            if self._closed:
                return "refused"
            seconds = self._breaker.ready_in()
            if seconds == 0:
                if self._round(pool):
                    continue
                due = self._store.next_due(self.server)
                if due is None:
                    return "idle"
                # What is due and was not leased is in the hands of another worker.
                seconds = max(due, _OTHERS_PAUSE)
            seconds = max(seconds, _SHORTEST_PAUSE)
            if self._monotonic() + seconds > self._last_success + self.options.patience:
                return self._out_of_patience()
            self._pause(seconds)
        return "stopped"

    def _out_of_patience(self) -> Reason:
        status = self._trouble.status if self._trouble else None
        asked_to_wait = self._breaker.is_closed or status in (429, 503)
        return "waiting" if asked_to_wait else "unreachable"

    def _round(self, pool: ThreadPoolExecutor) -> bool:
        """Lease, render and deliver once; False where nothing can be leased now."""
        leased_at = self._monotonic()
        leased = self._lease(self.options.lease_limit if self._breaker.is_closed else 1)
        if not leased:
            return False
        access = self._connected()
        if access is None:
            self._store.release(self.server, {one.token for one in leased})
            return True
        runner = JobRunner(
            self._store, self.server, access, self.options, self._watch,
            leased_at=leased_at, monotonic=self._monotonic,
        )  # fmt: skip
        self._troubled = False
        jobs, more = self._jobs(leased, access), partial(self._more, access)
        runner.run(pool, jobs, more, self._note, self._goes_on)
        return True

    def _lease(self, limit: int) -> list[LeasedEntry]:
        return self._store.lease(
            self.server, self.options.worker, limit, self.options.lease_seconds
        )

    def _more(self, access: AccessFactory, claimed: frozenset[str]) -> list[Job]:
        """Lease and render while other jobs are under way; none where not all went well."""
        if self._troubled or not self._breaker.is_closed:
            return []
        try:
            return self._jobs(self._lease(self.options.lease_limit), access, claimed)
        except OutboxError:  # what is under way has to be settled first
            return []

    def _jobs(
        self,
        leased: Sequence[LeasedEntry],
        access: AccessFactory,
        claimed: frozenset[str] = frozenset(),
    ) -> list[Job]:
        records = self._prepared(leased)
        retires = self.options.retire != "keep"
        note_dropped(self._store, self.server, self._renderer, records, retires=retires)
        note_doubts(self._store, self.server, self._renderer, records)
        held = self._store.ledger(self.server, {url for one in records for url in one.resources})
        return make_jobs(records, held, access.limit.within(self.options.bundle_size), claimed)

    def _goes_on(self) -> bool:
        return self._breaker.ready_in() == 0 and not self._closed and not self._stop.is_set()

    def _connected(self) -> AccessFactory | None:
        """Return the access to the server, asked once what it can do; None where it is down."""
        try:
            return LoggedAccessFactory(self._connection.access(), self.server)
        except RemoteError as error:
            self._note_trouble(error, closed=not isinstance(error, TransientRemoteError))
            return None

    def _prepared(self, leased: Sequence[LeasedEntry]) -> list[Prepared]:
        """Render records; those that cannot be sent are rejected at once."""
        prepared = []
        for one in leased:
            try:
                self._guard(one.data)
                prepared.append(Prepared.of(one, self._renderer(one.data)))
            except BackpainError as error:
                self._settler.reject(one, error.issues)
        return prepared

    def _note(self, reports: Sequence[DeliveryReport]) -> None:
        self._settler.settle(reports)
        self._connection.remember()
        for report in reports:
            self._judge(report)
        if self._progress is not None:
            seconds = max(self._monotonic() - self._started, 1e-9)
            done = self._settler.done
            self._progress.advanced(done, max(self._total, done), done / seconds)

    def _judge(self, report: DeliveryReport) -> None:
        """Take note of what a delivery says of the server."""
        if report.accepted or report.trouble is None:
            self._last_success = self._monotonic()
            if self.keeps_away:
                log(_logger, logging.INFO, "recovered", server=self.server)
            self._breaker.succeeded()
        trouble = report.trouble
        self._troubled = self._troubled or trouble is not None
        # Where another way is left, the same records go that way.
        if trouble is not None and not (report.closed and self._connection.may_go_on(trouble)):
            # What concerns the server is shown too, and it may have repeated what it was sent.
            for fate in report.fates.values():
                trouble.outcome = Outcome.of(redacted(trouble.issues, fate.record.leased.data))
            self._note_trouble(trouble, closed=report.closed)

    def _note_trouble(self, error: RemoteError, *, closed: bool) -> None:
        self._trouble = error
        self._closed = self._closed or closed
        self._breaker.failed(error.retry_after)
        log(
            _logger, logging.WARNING, "trouble", server=self.server, status=error.status,
            messages=numbers_of(error), failures=self._breaker.failures, closed=closed,
            wait=round(self._breaker.ready_in(), 3),
        )  # fmt: skip

    def _result(self, reason: Reason) -> PushResult:
        counts = self._store.counts(self.server)
        summary = self._settler.begin()
        summary.records["queued"] = counts["queued"]
        summary.records["unclear"] = counts["unclear"]
        early = reason in ("unreachable", "waiting", "refused") and self._trouble is not None
        issues = self._trouble.issues if early and self._trouble else ()
        records = {str(name): number for name, number in summary.records.items() if number}
        if records or reason != "idle":  # a gateway that has nothing to do says nothing
            log(_logger, logging.INFO, "pushed", server=self.server, reason=reason, records=records)
        return PushResult(reason, counts["queued"] + counts["unclear"], summary, issues)

    def _open(self) -> int:
        counts = self._store.counts(self.server)
        return counts["queued"] + counts["unclear"]

    def _guarded(self, records: Iterable[SourceRecord]) -> Iterator[SourceRecord]:
        for record in records:
            try:
                self._guard(record.data)
            except SettingsError as error:
                placed = [issue.moved_to(record.location) for issue in error.issues]
                raise SettingsError(placed) from error
            yield record

    def _guard(self, data: dict[str, object]) -> None:
        """Keep patients' data from a public server; SettingsError where they would reach one."""
        ensure_may_receive(
            self._client.base_url, is_test_data(data), self.options.allow_patient_data
        )
