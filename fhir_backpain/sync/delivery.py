"""One delivery: some records of some patients go to the server, and each gets its fate.

Touches the network only; runs on a thread of its own. A request that fails for good is halved
until the record at fault is alone, so that the others go through.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

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
from fhir_backpain.outcome import Issue
from fhir_backpain.sync.bundle import Written, place_in_resource
from fhir_backpain.sync.canonical_content import is_same_content
from fhir_backpain.sync.composition import Composition, Write, compose
from fhir_backpain.sync.messages import DELETED_THERE
from fhir_backpain.sync.prepared import Prepared
from fhir_backpain.sync.redaction import redacted
from fhir_backpain.sync.server_access import ServerAccess

ResourceFate = Literal["created", "updated", "unchanged", "older"]

# Refusals of the whole door rather than of what was brought: every other record would meet them.
_CLOSED_DOOR = frozenset((401, 403, 405, 407, 415, 501, 505))
_TOO_LARGE = frozenset(("too-long", "too-costly"))


@dataclass(slots=True)
class RecordFate:
    """What became of one record; `wrote` says that a resource of it was sent and confirmed."""

    record: Prepared
    state: Settled
    error: RemoteError | None = None
    issues: tuple[Issue, ...] = ()
    attempted: bool = True
    wrote: bool = False
    refers_to: frozenset[str] = frozenset()

    @property
    def is_server_fault(self) -> bool:
        """True where the server answered that it failed."""
        status = self.error.status if self.error is not None else None
        return self.state == "unclear" and status is not None and status >= 500


@dataclass(slots=True)
class DeliveryReport:
    """The fates of all records of a delivery, and what the server holds now.

    `trouble` is the error that concerns the server and not a record; `closed` says that it will
    not pass by itself. `accepted` says that the server has taken or judged something.
    """

    fates: dict[str, RecordFate] = field(default_factory=dict)
    rows: dict[str, LedgerRow] = field(default_factory=dict)
    resources: Counter[tuple[str, ResourceFate]] = field(default_factory=Counter)
    trouble: RemoteError | None = None
    closed: bool = False
    accepted: bool = False


class Delivery:
    """Sends records; `held` is what the ledger says of the URLs that they make."""

    def __init__(
        self,
        access: ServerAccess,
        held: Mapping[str, LedgerRow],
        bundle_size: int,
        now: datetime,
    ) -> None:
        self._access = access
        self._held = dict(held)
        self._bundle_size = bundle_size
        self._written_at = format_instant(now)
        self._doubtful: set[str] = set()
        self._arrived: dict[str, str] = {}  # what an earlier attempt had brought: URL, entry
        self._report = DeliveryReport()

    def run(self, records: Sequence[Prepared]) -> DeliveryReport:
        """Deliver the records, which are in order for each patient."""
        left = self._read_back(records)
        if left:
            self._deliver(left)
        return self._report

    def _read_back(self, records: Sequence[Prepared]) -> list[Prepared]:
        """Look at the server before anything is sent again; return what is left to deliver."""
        unclear = [record for record in records if record.leased.read_back]
        urls = sorted({url for record in unclear for url in record.resources})
        if not urls:
            return list(records)
        try:
            found = self._access.read(urls)
        except RemoteError as error:
            self._report.trouble = error
            self._report.closed = _is_closed_door(error)
            for record in records:
                self._postpone(record, error, attempted=record.leased.read_back)
            return []
        deleted = {url for url in urls if found[url] == "deleted"}
        for record in unclear:
            if not deleted.isdisjoint(record.resources):
                self._note_deleted(record, deleted)
        for url in urls:
            if found[url] == "absent":
                self._held.pop(url, None)
        left = [record for record in records if record.id not in self._report.fates]
        self._compare(left, {url: held for url, held in found.items() if isinstance(held, dict)})
        self._doubtful.update(url for url in urls if url not in self._report.rows)
        return left

    def _compare(self, records: list[Prepared], found: Mapping[str, dict[str, object]]) -> None:
        """Take note of what is on the server as it should be."""
        doubtful = frozenset(found)
        for write in compose(records, self._held, doubtful).writes:
            resource = found.get(write.url)
            if resource is not None and is_same_content(write.rendered.made.text, resource):
                meta = resource.get("meta")
                version = meta.get("versionId") if isinstance(meta, dict) else None
                self._count_arrived(write)
                self._confirm(write, version if isinstance(version, str) else None)

    def _count_arrived(self, write: Write) -> None:
        """Count what an attempt whose answer was lost has brought."""
        row = self._held.get(write.url)
        if row is None or row.content_hash != write.rendered.hash:
            fate: ResourceFate = "created" if row is None else "updated"
            self._report.resources[write.rendered.made.type, fate] += 1
            self._arrived[write.url] = write.record.id

    def _deliver(self, records: Sequence[Prepared]) -> None:
        composition = compose(records, self._held, frozenset(self._doubtful))
        if self._report.trouble is not None:
            for record in self._settle_done(records, composition.writes):
                self._postpone(record, self._report.trouble, attempted=False)
        elif len(composition.writes) > self._bundle_size and len(records) > 1:
            self._deliver_halves(records)
        else:
            self._send(records, composition)

    def _settle_done(self, records: Sequence[Prepared], pending: Sequence[Write]) -> list[Prepared]:
        """Settle the records that need none of the `pending` writes; return the others."""
        urls = {write.url for write in pending}
        done = [record for record in records if urls.isdisjoint(record.resources)]
        if done:
            composition = compose(done, self._held, frozenset(self._doubtful))
            self._settle(done, composition, {}, {})
        return [record for record in records if not urls.isdisjoint(record.resources)]

    def _deliver_halves(self, records: Sequence[Prepared]) -> None:
        middle = len(records) // 2
        self._deliver(records[:middle])
        self._deliver(records[middle:])

    def _send(self, records: Sequence[Prepared], composition: Composition) -> None:
        written: dict[str, Written] = {}
        failed: dict[str, RemoteError] = {}
        left = composition.writes
        while left:
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
                self._fail(self._settle_done(records, chunk + left), chunk, error)
                return
            written |= answer.written
            failed |= answer.failed
            self._note_written(chunk, answer.written)
        self._settle(records, composition, written, failed)

    def _is_too_large(self, error: RemoteError, chunk: list[Write]) -> bool:
        large = error.status == 413 or any(issue.code in _TOO_LARGE for issue in error.issues)
        return isinstance(error, PermanentRemoteError) and large and len(chunk) > 1

    def _fail(self, records: Sequence[Prepared], chunk: list[Write], error: RemoteError) -> None:
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

    def _refuse(self, record: Prepared, writes: Sequence[Write], error: RemoteError) -> None:
        state: Settled = "conflict" if isinstance(error, ConflictError) else "rejected"
        issues = self._issues(record, error, writes)
        self._report.fates[record.id] = RecordFate(
            record, state, error, issues, refers_to=frozenset(record.references())
        )

    def _issues(
        self, record: Prepared, error: RemoteError, writes: Sequence[Write]
    ) -> tuple[Issue, ...]:
        entry = record.leased.entry
        where = entry.location.at(record=entry.key.id)
        placed = [
            dataclasses.replace(issue, expression=place_in_resource(issue, writes)).moved_to(where)
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

    def _note_written(self, writes: Sequence[Write], written: Mapping[str, Written]) -> None:
        for write in writes:
            if write.url in written:
                done = written[write.url]
                self._confirm(write, done.version_id)
                self._report.accepted = True
                fate: ResourceFate = "created" if done.created else "updated"
                self._report.resources[write.rendered.made.type, fate] += 1

    def _confirm(self, write: Write, version_id: str | None) -> None:
        entry = write.record.leased.entry
        row = LedgerRow(
            write.url, write.rendered.hash, version_id, entry.key, entry.as_of, self._written_at
        )
        self._report.rows[write.url] = self._held[write.url] = row
        self._doubtful.discard(write.url)

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
        writers = {write.url: write for write in composition.writes}
        for record in records:
            mine = [write for write in composition.writes if write.record is record]
            worst = _worst([failed[write.url] for write in mine if write.url in failed])
            if worst is not None:
                self._settle_failed(record, [w for w in mine if w.url in failed], worst)
            elif any(url in failed and url in writers for url in record.resources):
                # Another record's version of a shared resource won, but did not get through.
                state: Settled = "unclear" if record.leased.read_back else "queued"
                self._report.fates[record.id] = RecordFate(record, state, attempted=bool(mine))
            else:
                wrote = any(write.url in written for write in mine)
                wrote = wrote or record.id in self._arrived.values()
                self._report.fates[record.id] = RecordFate(record, "sent", wrote=wrote)

    def _count_passed(self, composition: Composition) -> None:
        counted = set(self._arrived)
        for url, fate in composition.passed:
            if fate == "unchanged" and url in counted:  # counted when it was found
                counted.discard(url)
            elif fate != "write":
                self._report.resources[url.partition("/")[0], fate] += 1

    def _settle_failed(self, record: Prepared, writes: list[Write], error: RemoteError) -> None:
        self._report.accepted = True
        if isinstance(error, TransientRemoteError | AmbiguousRemoteError):
            self._postpone(record, error, attempted=True)
        else:
            self._refuse(record, writes, error)


def _is_closed_door(error: RemoteError) -> bool:
    status = error.status
    return isinstance(error, PermanentRemoteError) and (
        status is None or status in _CLOSED_DOOR or 300 <= status < 400
    )


def _worst(errors: Sequence[RemoteError]) -> RemoteError | None:
    order = (PermanentRemoteError, ConflictError, AmbiguousRemoteError, TransientRemoteError)
    return min(errors, key=lambda error: order.index(type(error)), default=None)
