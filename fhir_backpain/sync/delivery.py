"""One delivery: some records of some patients go to the server, and each gets its fate.

Touches the network only; runs on a thread of its own. A request that fails for good is halved
until the record at fault is alone, so that the others go through.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from fhir_backpain.errors import (
    AmbiguousRemoteError,
    ConflictError,
    PermanentRemoteError,
    RemoteError,
    TransientRemoteError,
)
from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.outbox.entry import Settled
from fhir_backpain.outbox.ledger import LedgerRow, Retired
from fhir_backpain.outcome import Issue
from fhir_backpain.sync.bundle import Written, place_in_resource
from fhir_backpain.sync.canonical_content import is_same_content, version_of
from fhir_backpain.sync.composition import Change, Composition, Write, compose
from fhir_backpain.sync.delivery_report import DeliveryReport, RecordFate, ResourceFate
from fhir_backpain.sync.messages import DELETED_THERE
from fhir_backpain.sync.prepared import Prepared
from fhir_backpain.sync.redaction import redacted
from fhir_backpain.sync.refusal import RefusalWatch
from fhir_backpain.sync.retirement import (
    Retirement,
    Retirements,
    RetirePolicy,
    is_entered_in_error,
)
from fhir_backpain.sync.server_access import Held, ServerAccess

# Refusals of the whole door rather than of what was brought: every other record would meet them.
_CLOSED_DOOR = frozenset((401, 403, 405, 407, 415, 501, 505))
_TOO_LARGE = frozenset(("too-long", "too-costly"))


class Delivery:
    """Sends records; `held` is what the ledger says of the URLs that they make."""

    def __init__(
        self,
        access: ServerAccess,
        held: Mapping[str, LedgerRow],
        bundle_size: int,
        now: datetime,
        *,
        retire: RetirePolicy,
        watch: RefusalWatch,
    ) -> None:
        self._access = access
        self._held = dict(held)
        self._bundle_size = bundle_size
        self._written_at = format_instant(now)
        self._doubtful: set[str] = set()
        self._arrived: dict[str, str] = {}  # what an earlier attempt had brought: URL, entry
        self._retirements = Retirements(retire)
        self._watch = watch
        self._report = DeliveryReport()

    def run(self, records: Sequence[Prepared]) -> DeliveryReport:
        """Deliver the records, which are in order for each patient."""
        left = self._look(records)
        if left:
            self._deliver(left)
        self._heed_watch()
        return self._report

    def _look(self, records: Sequence[Prepared]) -> list[Prepared]:
        """Read what is unclear and what is to be retired; return what is left to deliver."""
        made = {url for one in records if one.leased.read_back for url in one.resources}
        urls = made | {url for record in records for url in record.dropped}
        if not urls:
            return list(records)
        try:
            found = self._access.read(sorted(urls))
        except RemoteError as error:
            self._report.trouble = error
            self._report.closed = _is_closed_door(error)
            for record in records:
                self._postpone(record, error, attempted=record.leased.read_back)
            return []
        for record in records:
            self._note_dropped(record, found)
        return self._read_back(records, {url: found[url] for url in sorted(made)})

    def _note_dropped(self, record: Prepared, found: Mapping[str, Held]) -> None:
        """Sort what the record has dropped into what is to be retired and what is so already."""
        for url, row in record.dropped.items():
            there = found[url]
            if isinstance(there, dict) and not is_entered_in_error(there):
                self._retirements.add(url, there)
                continue
            if isinstance(there, dict):
                self._confirm_retired(record, url, "entered-in-error", version_of(there), None)
            elif row is not None:
                self._confirm_retired(record, url, "deleted", None, None)
            if record.leased.read_back:
                self._arrived[url] = record.id

    def _read_back(self, records: Sequence[Prepared], found: Mapping[str, Held]) -> list[Prepared]:
        """Compare what was perhaps sent with what is there; return what is left to deliver."""
        deleted = {
            url for url, held in found.items() if held == "deleted" and not self._is_deleted(url)
        }
        for record in records:
            if record.leased.read_back and not deleted.isdisjoint(record.resources):
                self._note_deleted(record, deleted)
        for url, held in found.items():
            if held == "absent":
                self._held.pop(url, None)
        left = [record for record in records if record.id not in self._report.fates]
        self._compare(left, {url: held for url, held in found.items() if isinstance(held, dict)})
        self._doubtful.update(url for url in found if url not in self._report.rows)
        return left

    def _is_deleted(self, url: str) -> bool:
        """True where it was the outbox that had the resource deleted."""
        row = self._held.get(url)
        return row is not None and row.retired == "deleted"

    def _compare(self, records: list[Prepared], found: Mapping[str, dict[str, object]]) -> None:
        """Take note of what is on the server as it should be."""
        doubtful = frozenset(found)
        for write in compose(records, self._held, doubtful).writes:
            resource = found.get(write.url)
            if resource is not None and is_same_content(write.rendered.made.text, resource):
                self._count_arrived(write)
                self._confirm(write, version_of(resource))

    def _count_arrived(self, write: Write) -> None:
        """Count what an attempt whose answer was lost has brought."""
        row = self._held.get(write.url)
        if row is None or row.retired or row.content_hash != write.rendered.hash:
            new = row is None or row.retired == "deleted"
            fate: ResourceFate = "created" if new else "updated"
            self._report.resources[write.rendered.made.type, fate] += 1
            self._arrived[write.url] = write.record.id

    def _deliver(self, records: Sequence[Prepared]) -> None:
        composition = self._compose(records)
        self._heed_watch()
        if self._report.trouble is not None:
            for record in self._settle_done(records, composition.changes):
                self._postpone(record, self._report.trouble, attempted=False)
        elif len(composition.changes) > self._bundle_size and len(records) > 1:
            self._deliver_halves(records)
        else:
            self._send(records, composition)

    def _compose(self, records: Sequence[Prepared]) -> Composition:
        composition = compose(records, self._held, frozenset(self._doubtful))
        composition.retirements += self._retirements.of(records)
        return composition

    def _settle_done(
        self, records: Sequence[Prepared], pending: Sequence[Change]
    ) -> list[Prepared]:
        """Settle the records that need none of the `pending` changes; return the others."""
        urls = {change.url for change in pending}
        done = [record for record in records if urls.isdisjoint(record.urls)]
        if done:
            self._settle(done, self._compose(done), {}, {})
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
            chunk, left = left[: self._bundle_size], left[self._bundle_size :]
            try:
                answer = self._access.write(chunk)
            except RemoteError as error:
                if self._is_too_large(error, chunk):
                    self._bundle_size = max(1, len(chunk) // 2)
                    if len(records) > 1:
                        self._deliver(records)
                        return
                    left = chunk + left
                    continue
                self._fail(self._settle_done(records, chunk + left + later), chunk, error)
                return
            self._note_written(chunk, answer.written)
            again = self._retirements.fall_back(answer.failed)
            left += [change for change in self._retirements.of(records) if change.url in again]
            written |= answer.written
            failed |= {url: error for url, error in answer.failed.items() if url not in again}
        self._settle(records, composition, written, failed)

    def _is_too_large(self, error: RemoteError, chunk: list[Change]) -> bool:
        large = error.status == 413 or any(issue.code in _TOO_LARGE for issue in error.issues)
        return isinstance(error, PermanentRemoteError) and large and len(chunk) > 1

    def _fail(self, records: Sequence[Prepared], chunk: list[Change], error: RemoteError) -> None:
        """Deal with a request that failed as a whole."""
        if isinstance(error, TransientRemoteError | AmbiguousRemoteError):
            self._report.trouble = error
            for record in records:
                self._postpone(record, error, attempted=True)
        elif _is_closed_door(error):
            self._report.trouble, self._report.closed = error, True
            for record in records:
                self._postpone(record, error, attempted=True)
        elif len(records) > 1:
            self._report.accepted = True
            self._deliver_halves(records)
        elif self._retirements.fall_back({change.url: error for change in chunk}):
            self._deliver(records)
        else:
            self._report.accepted = True
            self._refuse(records[0], chunk, error)

    def _postpone(self, record: Prepared, error: RemoteError, *, attempted: bool) -> None:
        # What had to be read back stays so until it is settled: the ledger cannot be trusted.
        unclear = record.leased.read_back
        if attempted and isinstance(error, AmbiguousRemoteError):
            unclear = True
        state: Settled = "unclear" if unclear else "queued"
        issues = self._issues(record, error, ()) if attempted else ()
        self._report.fates[record.id] = RecordFate(record, state, error, issues, attempted)

    def _refuse(self, record: Prepared, changes: Sequence[Change], error: RemoteError) -> None:
        state: Settled = "conflict" if isinstance(error, ConflictError) else "rejected"
        issues = self._issues(record, error, changes)
        if state == "conflict":
            self._watch.judged()
        elif not self._watch.refused(issues):
            self._postpone(record, error, attempted=True)
            return
        self._report.fates[record.id] = RecordFate(
            record, state, error, issues, refers_to=frozenset(record.references())
        )

    def _issues(
        self, record: Prepared, error: RemoteError, changes: Sequence[Change]
    ) -> tuple[Issue, ...]:
        entry = record.leased.entry
        where = entry.location.at(record=entry.key.id)
        placed = [
            dataclasses.replace(issue, expression=place_in_resource(issue, changes)).moved_to(where)
            for issue in error.issues
        ]
        return redacted(placed, record.leased.data)

    def _note_deleted(self, record: Prepared, deleted: set[str]) -> None:
        entry = record.leased.entry
        kinds = sorted({url.partition("/")[0] for url in deleted & record.resources.keys()})
        issue = DELETED_THERE.issue(
            f"{', '.join(kinds)} was deleted on the server.",
            source=entry.location.at(record=entry.key.id),
        )
        self._report.fates[record.id] = RecordFate(record, "conflict", issues=(issue,))

    def _note_written(self, changes: Sequence[Change], written: Mapping[str, Written]) -> None:
        for change in changes:
            done = written.get(change.url)
            if done is None:
                continue
            self._report.accepted = True
            if isinstance(change, Retirement):
                self._confirm_retired(
                    change.record, change.url, change.retired, done.version_id, change.text
                )
                continue
            self._confirm(change, done.version_id)
            fate: ResourceFate = "created" if done.created else "updated"
            self._report.resources[change.type, fate] += 1

    def _confirm(self, write: Write, version_id: str | None) -> None:
        entry = write.record.leased.entry
        row = LedgerRow(
            write.url, write.rendered.hash, version_id, entry.key, entry.as_of, self._written_at,
            shared=write.rendered.made.shared,
        )  # fmt: skip
        self._report.rows[write.url] = self._held[write.url] = row
        self._doubtful.discard(write.url)
        self._watch.judged()

    def _confirm_retired(
        self,
        record: Prepared,
        url: str,
        retired: Retired,
        version_id: str | None,
        text: str | None,
    ) -> None:
        entry = record.leased.entry
        digest = "" if text is None else sha256(text.encode()).hexdigest()
        self._report.rows[url] = LedgerRow(
            url, digest, version_id, entry.key, entry.as_of, self._written_at, retired=retired
        )
        self._retirements.done(url)
        self._report.resources[url.partition("/")[0], "retired"] += 1

    def _settle(
        self,
        records: Sequence[Prepared],
        composition: Composition,
        written: Mapping[str, Written],
        failed: Mapping[str, RemoteError],
    ) -> None:
        """Give each record its fate after all requests were answered."""
        for row in composition.forward:
            self._report.rows[row.url] = self._held[row.url] = row
        self._count_passed(composition)
        for record in records:
            mine = [change for change in composition.changes if change.record is record]
            worst = _worst([failed[change.url] for change in mine if change.url in failed])
            if worst is not None:
                self._settle_failed(record, [one for one in mine if one.url in failed], worst)
            elif any(url in failed for url in record.resources):
                # Another record's version of a shared resource won, but did not get through.
                state: Settled = "unclear" if record.leased.read_back else "queued"
                self._report.fates[record.id] = RecordFate(record, state, attempted=bool(mine))
            else:
                wrote = any(change.url in written for change in mine)
                wrote = wrote or record.id in self._arrived.values()
                self._report.fates[record.id] = RecordFate(record, "sent", wrote=wrote)

    def _count_passed(self, composition: Composition) -> None:
        counted = set(self._arrived)
        for url, fate in composition.passed:
            if fate == "unchanged" and url in counted:  # counted when it was found
                counted.discard(url)
            elif fate != "write":
                self._report.resources[url.partition("/")[0], fate] += 1

    def _settle_failed(self, record: Prepared, changes: list[Change], error: RemoteError) -> None:
        self._report.accepted = True
        if isinstance(error, TransientRemoteError | AmbiguousRemoteError):
            self._postpone(record, error, attempted=True)
        else:
            self._refuse(record, changes, error)


def _is_closed_door(error: RemoteError) -> bool:
    status = error.status
    return isinstance(error, PermanentRemoteError) and (
        status is None or status in _CLOSED_DOOR or 300 <= status < 400
    )


def _worst(errors: Sequence[RemoteError]) -> RemoteError | None:
    order = (PermanentRemoteError, ConflictError, AmbiguousRemoteError, TransientRemoteError)
    return min(errors, key=lambda error: order.index(type(error)), default=None)
