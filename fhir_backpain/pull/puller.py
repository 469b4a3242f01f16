"""Pulls what changed on a server: found, judged, planned, delivered; each step durable.

A version goes from *pending* to its fate in one transaction with the deliveries that it makes,
and these are kept until the sink has them. So a kill at any moment loses nothing, and what is done
again is known to the sink.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import PermanentRemoteError, RemoteError, TransientRemoteError
from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.outbox.retry import RetryPolicy, retry_wait
from fhir_backpain.outbox.store import Store
from fhir_backpain.pull.collector import UNPLACED, Collector
from fhir_backpain.pull.delivery import key_from
from fhir_backpain.pull.instant import to_instant
from fhir_backpain.pull.messages import FEED_INCOMPLETE, NOT_OURS
from fhir_backpain.pull.patient_work import PatientWork
from fhir_backpain.pull.plan import Plan
from fhir_backpain.pull.pull_options import PullOptions, PullResult
from fhir_backpain.pull.rebuild import ReverseMapper
from fhir_backpain.pull.sinks.sink import Sink
from fhir_backpain.pull.source import Source, is_changed
from fhir_backpain.pull.state import PullState

Now = Callable[[], datetime]

_TROUBLE = ("incomplete", "unreachable", "sink-unavailable")
_LEAST = 1.0  # seconds between two runs, however often it is woken
_TICK = 0.2  # seconds after which a wait looks whether it is to end


class Puller:
    """One server, one sink and the state between them. `store` is the outbox of the same server.

    Raises SettingsError where the state belongs to another server or sink.
    """

    def __init__(
        self,
        client: FhirClient,
        mapper: ReverseMapper,
        state: PullState,
        sink: Sink,
        *,
        store: Store | None = None,
        options: PullOptions | None = None,
        now: Now = lambda: datetime.now(UTC),
    ) -> None:
        self._state = state
        self._sink = sink
        self._options = options or PullOptions()
        self._now = now
        # A signal handler may not set an Event: it may have interrupted who holds its lock.
        self._is_stopped = self._is_woken = False
        self._source = Source(store, client.base_url, mapper)
        policy = self._options.on_conflict
        self._work = PatientWork(client, mapper, state, self._source, policy)
        self._collector = Collector(client, mapper.types, state, self._source, self._options)
        state.bind(client.base_url, sink.name)

    def stop(self) -> None:
        """End the run after the patient or batch in hand; may be called from a signal handler."""
        self._is_stopped = True
        self._sink.stop()

    def wake(self) -> None:
        """Look for changes soon, whatever the interval; may be called from any thread."""
        self._is_woken = True

    @property
    def is_stopped(self) -> bool:
        """True once stop() was called."""
        return self._is_stopped

    def run_once(self) -> PullResult:
        """Deliver what waits, read what changed, deliver that; the result says how far it came."""
        result = PullResult()
        self._deliver(result)
        try:
            self._collector.collect(to_instant(self._now()), result, lambda: self.is_stopped)
        except RemoteError as error:
            self._note_trouble(error, result)
        if result.reason != "unreachable":
            self._work_off(result)
        self._follow_up_conflicts()
        self._deliver(result)
        self._sum_up(result)
        return result

    def run_forever(
        self, interval: float, on_result: Callable[[PullResult], None] | None = None
    ) -> None:
        """Run again and again, `interval` seconds after each end, until stop() is called.

        After wake() it runs sooner, yet never twice within a second. Where a server or receiver
        was in trouble the wait grows, and is never shorter than asked.
        """
        failures = 0
        while not self.is_stopped:
            self._is_woken = False
            result = self.run_once()
            if on_result is not None:
                on_result(result)
            failures = failures + 1 if result.reason in _TROUBLE else 0
            wait = 0.0
            if failures:
                wait = retry_wait(failures, result.retry_after, RetryPolicy(), random.random)
            self._wait(max(interval, wait), least=max(_LEAST, wait))

    def _wait(self, seconds: float, least: float) -> None:
        """Wait for some seconds; once woken, for the `least` of them."""
        begun = time.monotonic()
        while not self.is_stopped:
            left = begun + (min(least, seconds) if self._is_woken else seconds) - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, _TICK))

    def _work_off(self, result: PullResult) -> None:
        self._place_deleted(result)
        for patient in self._state.pending_patients():
            if self.is_stopped:
                return
            if patient == UNPLACED:
                continue
            try:
                decided = self._work.decide(patient)
            except RemoteError as error:
                self._note_trouble(error, result)
                if isinstance(error, TransientRemoteError):
                    return
                continue  # of this patient alone; tried again by the next run
            result.add(decided.issues)
            if decided.waits:
                continue
            result.elements_left_out += decided.left_out
            self._keep(decided.plan, result)

    def _place_deleted(self, result: PullResult) -> None:
        """Find the patients of deleted resources that nothing is known of."""
        for one in self._state.pending(UNPLACED):
            try:
                is_placed = self._work.place(one)
            except RemoteError as error:
                self._note_trouble(error, result)
                return
            if not is_placed:
                result.foreign[one.url.partition("/")[0]] += 1
                result.versions["foreign"] += len(one.versions)
                self._state.set_foreign(one.url)

    def _keep(self, plan: Plan, result: PullResult) -> None:
        result.versions.update(self._state.plan(plan, format_instant(self._now())))
        result.deliveries["planned"] += len(plan.deliver)
        for url, (_, fate) in plan.current.items():
            if fate == "foreign":
                result.foreign[url.partition("/")[0]] += 1

    def _deliver(self, result: PullResult) -> None:
        while result.reason != "sink-unavailable" and not self.is_stopped:
            batch = self._state.planned(self._sink.batch)
            if not batch:
                return
            try:
                taken = self._sink.deliver(batch)
            except (TransientRemoteError, PermanentRemoteError) as error:
                result.reason, result.retry_after = "sink-unavailable", error.retry_after
                result.add(error.issues)
                return
            self._state.delivered(taken.done, taken.lengths)
            result.deliveries["delivered"] += len(taken.done)
            for seq, issue in taken.refused.items():
                self._state.refused(seq)
                result.deliveries["refused"] += 1
                result.add([issue])

    def _follow_up_conflicts(self) -> None:
        """Forget conflicts that are none any more; where the source has won, have it sent."""
        rulings = self._state.rulings()
        for record in [*rulings, *(one.record for one in self._state.conflicts())]:
            entry = self._source.newest(key_from(record))
            if entry is not None and is_changed(entry):
                if record in rulings:
                    self._source.replay(entry)
            elif record in rulings or (entry is not None and entry.state == "sent"):
                self._state.end_conflict(record)

    @staticmethod
    def _note_trouble(error: RemoteError, result: PullResult) -> None:
        is_transient = isinstance(error, TransientRemoteError)
        result.reason = "unreachable" if is_transient else "incomplete"
        result.retry_after = error.retry_after
        result.add([FEED_INCOMPLETE.issue("The server did not tell all that has changed.")])
        result.add(error.issues)

    def _sum_up(self, result: PullResult) -> None:
        for kind, number in sorted(result.foreign.items()):
            result.add([NOT_OURS.issue(f"{number} versions of {kind} belong to no record.")])
        if self.is_stopped and result.reason == "idle":
            result.reason = "stopped"
        deliveries = self._state.delivery_counts()
        result.waiting.update(
            {
                "versions": self._state.fates()["pending"],
                "deliveries": deliveries["planned"],
                "refused": deliveries["refused"],
                "conflicts": len(self._state.conflicts()),
            }
        )
