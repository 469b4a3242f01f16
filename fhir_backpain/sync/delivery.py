"""One delivery: some records of some patients go to the server, and each gets its fate.

Touches the network only; runs on a thread of its own. A request that fails for good is halved
until the record at fault is alone, so that the others go through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fhir_backpain.client.permission import NotSentError, sending_while
from fhir_backpain.errors import (
    AmbiguousRemoteError,
    ConflictError,
    PermanentRemoteError,
    RemoteError,
    TransientRemoteError,
)
from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.outbox.entry import Settled
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.sync.bundle import Written
from fhir_backpain.sync.clash import MAX_RACES, judge, may_be_clash, said_already
from fhir_backpain.sync.composition import Change, Composition
from fhir_backpain.sync.delivery_report import DeliveryReport, RecordFate, ResourceFate
from fhir_backpain.sync.delivery_state import DeliveryState
from fhir_backpain.sync.messages import LEASE_OVER, NO_TARGET
from fhir_backpain.sync.prepared import Prepared
from fhir_backpain.sync.read_back import look
from fhir_backpain.sync.refusal import RefusalWatch
from fhir_backpain.sync.retirement import Retirement, RetirePolicy
from fhir_backpain.sync.server_access import Access

# Refusals of the whole door rather than of what was brought: every other record would meet them.
_CLOSED_DOOR = frozenset((401, 403, 405, 407, 415, 501, 505))
_NO_PUT = 405


@dataclass(frozen=True, slots=True)
class DeliveryTerms:
    """What a delivery has to keep to: `bundle_size` in entries, `search_lag` in seconds.

    `holds_lease` says whether the records are still this worker's; it is asked before each write,
    at the moment when it leaves.
    """

    bundle_size: int
    retire: RetirePolicy = "entered-in-error"
    search_lag: float = 90.0
    holds_lease: Callable[[], bool] = lambda: True


class Delivery:
    """Sends records; `held` is what the ledger says of the URLs that they make."""

    def __init__(
        self,
        access: Access,
        held: Mapping[str, LedgerRow],
        now: datetime,
        terms: DeliveryTerms,
        watch: RefusalWatch,
    ) -> None:
        self._access = access
        self._terms = terms
        self._watch = watch
        self._state = DeliveryState(access, held, format_instant(now), terms.retire, watch)
        self._report = self._state.report

    def run(self, records: Sequence[Prepared]) -> DeliveryReport:
        """Deliver the records, which are in order for each patient."""
        left = look(records, self._state, self._terms.search_lag)
        if self._report.trouble is not None:
            self._report.closed = _is_closed_door(self._report.trouble)
        if left:
            self._deliver(left)
        self._heed_watch()
        return self._report

    @property
    def _size(self) -> int:
        return self._access.limit.within(self._terms.bundle_size)

    def _deliver(self, records: Sequence[Prepared]) -> None:
        records = self._state.in_turn(records)
        composition = self._state.compose(records)
        self._heed_watch()
        if self._report.trouble is not None:
            for record in self._settle_done(records, composition.changes):
                self._state.postpone(record, self._report.trouble, attempted=False)
        elif len(composition.changes) > self._size and len(records) > 1:
            self._deliver_halves(records)
        else:
            self._send(records, composition)

    def _settle_done(
        self, records: Sequence[Prepared], pending: Sequence[Change]
    ) -> list[Prepared]:
        """Settle the records that need none of the `pending` changes; return the others."""
        urls = {change.url for change in pending}
        done = [record for record in records if urls.isdisjoint(record.urls)]
        if done:
            self._settle(done, self._state.compose(done), {}, {})
        return [record for record in records if not urls.isdisjoint(record.urls)]

    def _heed_watch(self) -> None:
        """Stop where this or another delivery has found that the server refuses everything."""
        if self._report.trouble is None and self._watch.verdict is not None:
            self._report.trouble, self._report.closed = self._watch.verdict, True

    def _deliver_halves(self, records: Sequence[Prepared]) -> None:
        middle = len(records) // 2
        self._deliver(records[:middle])
        self._deliver(records[middle:])

    def _send(self, records: Sequence[Prepared], composition: Composition) -> None:
        written: dict[str, Written] = {}
        failed: dict[str, RemoteError] = {}
        left, later = composition.steps(atomic=self._access.mode == "transaction")
        while left or later:
            if not left:  # what takes their place is there
                left, later = [one for one in later if one.record.urls.isdisjoint(failed)], []
                continue
            chunk, left = left[: self._size], left[self._size :]
            try:
                with sending_while(self._terms.holds_lease):
                    answer = self._access.write(chunk)
            except NotSentError:
                self._give_up(self._settle_done(records, chunk + left + later))
                return
            except RemoteError as error:
                if self._access.limit.learn(error, len(chunk)):
                    if len(records) > 1:
                        self._deliver(records)
                        return
                    left = chunk + left
                    continue
                self._fail(self._settle_done(records, chunk + left + later), chunk, error)
                return
            self._note_written(chunk, answer.written)
            again = self._state.retirements.fall_back(answer.failed)
            left += [one for one in self._state.retirements.of(records) if one.url in again]
            written |= answer.written
            failed |= {url: error for url, error in answer.failed.items() if url not in again}
        self._settle(records, composition, written, failed)

    def _give_up(self, records: Sequence[Prepared]) -> None:
        """Leave the records to the worker that has them now."""
        error = TransientRemoteError(LEASE_OVER.issue("The lease ended before the records went."))
        for record in records:
            self._state.postpone(record, error, attempted=False)

    def _fail(self, records: Sequence[Prepared], chunk: list[Change], error: RemoteError) -> None:
        """Deal with a request that failed as a whole."""
        if isinstance(error, TransientRemoteError | AmbiguousRemoteError):
            self._stop(records, error)
        elif may_be_clash(error, chunk):
            self._meet_conflict(records, chunk, error)
        elif _is_closed_door(error):
            self._stop(records, error, closed=True)
        elif len(records) > 1:
            self._report.accepted = True
            self._deliver_halves(records)
        else:
            self._report.accepted = True
            self._refuse(records[0], chunk, error)

    def _stop(
        self, records: Sequence[Prepared], error: RemoteError, *, closed: bool = False
    ) -> None:
        self._report.trouble, self._report.closed = error, closed
        for record in records:
            self._state.postpone(record, error, attempted=True)

    def _meet_conflict(
        self, records: Sequence[Prepared], chunk: list[Change], error: RemoteError
    ) -> None:
        """Find the record whose resource the server holds in another version."""
        if len(records) > 1:
            self._report.accepted = isinstance(error, ConflictError)
            self._deliver_halves(records)
        elif self._state.retirements.fall_back({change.url: error for change in chunk}):
            self._deliver(records)
        else:
            self._clash(records[0], chunk, error)

    def _clash(self, record: Prepared, changes: Sequence[Change], error: RemoteError) -> None:
        """Read what a write met: another's version waits for a person, a race is run again."""
        try:
            found = self._access.read([change.url for change in changes])
        except RemoteError as trouble:
            self._stop([record], trouble, closed=_is_closed_door(trouble))
            return
        clash = judge(changes, found)
        # What another has written in the same words needs no write of ours.
        for write, version_id in said_already(changes, found):
            self._state.confirm(write, version_id)
        self._report.accepted = True
        attempts = record.leased.entry.attempts
        if clash.issues and not (clash.shared and attempts == 0):
            self._state.conflict(record, clash.issues, error)
        elif not clash.issues and not isinstance(error, ConflictError):
            self._report.accepted = False
            self._stop([record], error, closed=_is_closed_door(error))
        elif clash.issues or attempts < MAX_RACES:
            # Another worker of ours may have won: the ledger says so next time.
            self._state.postpone(record, error, attempted=True)
        else:
            self._state.conflict(record, error.issues, error)

    def _refuse(self, record: Prepared, changes: Sequence[Change], error: RemoteError) -> None:
        issues = self._state.issues(record, error.issues, changes)
        if not self._watch.refused(issues):
            self._state.postpone(record, error, attempted=True)
            return
        self._report.fates[record.id] = RecordFate(
            record, "rejected", error, issues, refers_to=frozenset(record.references())
        )

    def _note_written(self, changes: Sequence[Change], written: Mapping[str, Written]) -> None:
        for change in changes:
            done = written.get(change.url)
            if done is None:
                continue
            self._report.accepted = True
            if isinstance(change, Retirement):
                self._state.confirm_retired(
                    change.record, change.url, change.retired, done.version_id, change.text
                )
                continue
            self._state.confirm(change, done.version_id)
            fate: ResourceFate = "created" if done.created else "updated"
            self._report.resources[change.type, fate] += 1

    def _settle(
        self,
        records: Sequence[Prepared],
        composition: Composition,
        written: Mapping[str, Written],
        failed: Mapping[str, RemoteError],
    ) -> None:
        """Give each record its fate after all requests were answered."""
        for row in composition.forward:
            self._report.rows[row.url] = self._state.held[row.url] = row
        self._count_passed(composition)
        changes: dict[str, list[Change]] = {}
        for change in composition.changes:
            changes.setdefault(change.record.id, []).append(change)
        for record in records:
            mine = changes.get(record.id, [])
            worst = _worst([failed[change.url] for change in mine if change.url in failed])
            if worst is not None:
                self._settle_failed(record, [one for one in mine if one.url in failed], worst)
            elif any(url in failed for url in record.resources):
                # Another record's version of a shared resource won, but did not get through.
                lost = any(
                    isinstance(failed.get(url), AmbiguousRemoteError) for url in record.resources
                )
                state: Settled = "unclear" if lost or record.leased.read_back else "queued"
                self._report.fates[record.id] = RecordFate(record, state, attempted=bool(mine))
            else:
                wrote = any(change.url in written for change in mine)
                wrote = wrote or record.id in self._state.arrived.values()
                self._report.fates[record.id] = RecordFate(record, "sent", wrote=wrote)

    def _count_passed(self, composition: Composition) -> None:
        counted = set(self._state.arrived)
        for url, fate in composition.passed:
            if fate == "unchanged" and url in counted:  # counted when it was found
                counted.discard(url)
            elif fate != "write":
                self._report.resources[url.partition("/")[0], fate] += 1

    def _settle_failed(self, record: Prepared, changes: list[Change], error: RemoteError) -> None:
        if isinstance(error, TransientRemoteError | AmbiguousRemoteError):
            self._report.accepted = True
            self._state.postpone(record, error, attempted=True)
        elif may_be_clash(error, changes):
            self._clash(record, changes, error)
        elif _is_closed_door(error) and (self._access.mode == "put" or error.status == _NO_PUT):
            self._stop([record], error, closed=True)
        else:
            self._report.accepted = True
            self._refuse(record, changes, error)


def _is_closed_door(error: RemoteError) -> bool:
    status = error.status
    if any(issue.number == NO_TARGET.number for issue in error.issues):
        return False
    return isinstance(error, PermanentRemoteError) and (
        status is None or status in _CLOSED_DOOR or 300 <= status < 400
    )


def _worst(errors: Sequence[RemoteError]) -> RemoteError | None:
    order = (PermanentRemoteError, ConflictError, AmbiguousRemoteError, TransientRemoteError)
    return min(errors, key=lambda error: order.index(type(error)), default=None)
