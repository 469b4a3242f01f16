"""What is known during one delivery: what the server holds, what is left, what has become of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from fhir_backpain.errors import AmbiguousRemoteError, RemoteError, TransientRemoteError
from fhir_backpain.fhir.moment import BEFORE_ALL, moment_of
from fhir_backpain.fhir.noted_version import noted_version, version_in
from fhir_backpain.outbox.entry import Settled
from fhir_backpain.outbox.ledger import LedgerRow, Retired
from fhir_backpain.outcome import Issue
from fhir_backpain.sync.bundle import place_in_resource
from fhir_backpain.sync.composition import Change, Composition, Write, compose
from fhir_backpain.sync.delivery_report import DeliveryReport, RecordFate
from fhir_backpain.sync.messages import EARLIER_WAITS
from fhir_backpain.sync.prepared import Prepared, Unproven
from fhir_backpain.sync.redaction import redacted
from fhir_backpain.sync.refusal import RefusalWatch
from fhir_backpain.sync.retirement import Retirements, RetirePolicy
from fhir_backpain.sync.server_access import Access

_WAITS = TransientRemoteError(EARLIER_WAITS.issue("An earlier record of the patient waits."))


class DeliveryState:
    """The knowledge of one delivery; used by its thread alone.

    `held` are the ledger's rows as they change, `seen` versions that were read just now,
    `doubtful` the URLs whose row does not say what the server has, `arrived` what an earlier
    attempt turned out to have brought (URL and entry).
    """

    def __init__(
        self,
        access: Access,
        held: Mapping[str, LedgerRow],
        written_at: str,
        retire: RetirePolicy,
        watch: RefusalWatch,
    ) -> None:
        self.access = access
        self.held = dict(held)
        self.seen: dict[str, str | None] = {}
        self.doubtful: set[str] = set()
        self.arrived: dict[str, str] = {}
        self.retirements = Retirements(retire)
        self.watch = watch
        self.report = DeliveryReport(known={url: row.content_hash for url, row in held.items()})
        self._written_at = written_at

    def compose(self, records: Sequence[Prepared]) -> Composition:
        """Return what is left to be sent of some records."""
        composition = compose(records, self.held, frozenset(self.doubtful), self._versions(records))
        composition.retirements += self.retirements.of(records)
        return composition

    def _versions(self, records: Sequence[Prepared]) -> dict[str, str]:
        """Return the versions that the server must still have when it is written to."""
        found: dict[str, str] = {}
        for url in {url for record in records for url in record.resources}:
            version = self.expected(url)
            if version is not None and self.access.matches_versions(url.partition("/")[0]):
                found[url] = version
        return found

    def expected(self, url: str) -> str | None:
        """Return the version that the server has, as far as it was read or is in the ledger."""
        if url in self.seen:
            return self.seen[url]
        row = self.held.get(url)
        return version_in(row.version_id) if row is not None and row.retired != "deleted" else None

    def confirm(self, write: Write, version_id: str | None) -> None:
        """Take note that the server holds what a record says."""
        entry, made = write.record.leased.entry, write.rendered.made
        # Whoever says more of it is to be heard, however old.
        as_of = BEFORE_ALL if made.only_if_new else entry.as_of
        row = LedgerRow(
            write.url, write.rendered.hash, self._noted(write.url, version_id), entry.key,
            as_of, self._written_at, shared=made.shared,
        )  # fmt: skip
        self.report.rows[write.url] = self.held[write.url] = row
        self.seen.pop(write.url, None)
        self.doubtful.discard(write.url)
        self.watch.judged()

    def confirm_left(self, unproven: Unproven, version_id: str | None) -> None:
        """Take note that the server holds what a lost version left there, unless it is known."""
        made = unproven.made
        row = self.held.get(made.url)
        if row is not None and version_in(row.version_id) == version_id:
            return
        self.report.rows[made.url] = self.held[made.url] = self._unproven_row(unproven, version_id)

    def knows(self, url: str, version_id: str | None) -> bool:
        """True where the ledger has the version of a resource that the server has."""
        row = self.held.get(url)
        known = None if row is None or row.retired else version_in(row.version_id)
        return known is not None and known == version_id

    def hold(self, unproven: Unproven, version_id: str | None) -> None:
        """Hold it for true, in this delivery alone, that another of our records was the last."""
        self.held[unproven.made.url] = self._unproven_row(unproven, version_id)

    def believe(self, unproven: Unproven, version_id: str | None) -> None:
        """Hold it for true, in this delivery alone, that the server has what was read there."""
        made = unproven.made
        row = self.held.get(made.url)
        if row is None or row.retired or moment_of(row.as_of) < unproven.moment:
            self.hold(unproven, version_id)

    def take_for_deleted(self, urls: Iterable[str]) -> None:
        """Hold it for true, in this delivery alone, that the outbox had resources deleted."""
        for url in urls:
            row = self.held.get(url)
            if row is not None:
                self.held[url] = dataclasses.replace(row, retired="deleted", version_id=None)

    def confirm_retired(
        self,
        record: Prepared,
        url: str,
        retired: Retired,
        version_id: str | None,
        text: str | None,
    ) -> None:
        """Take note that what a record no longer makes has been taken back."""
        entry = record.leased.entry
        digest = "" if text is None else sha256(text.encode()).hexdigest()
        self.report.rows[url] = LedgerRow(
            url, digest, self._noted(url, version_id), entry.key, entry.as_of, self._written_at,
            retired=retired,
        )  # fmt: skip
        self.retirements.done(url)
        self.report.resources[url.partition("/")[0], "retired"] += 1

    def _unproven_row(self, unproven: Unproven, version_id: str | None) -> LedgerRow:
        made = unproven.made
        return LedgerRow(
            made.url, sha256(made.text.encode()).hexdigest(), self._noted(made.url, version_id),
            unproven.key, unproven.as_of, self._written_at, shared=True,
        )  # fmt: skip

    def _noted(self, url: str, version_id: str | None) -> str | None:
        return noted_version(version_id, self.access.server_id(url))

    def postpone(self, record: Prepared, error: RemoteError, *, attempted: bool) -> None:
        """Leave a record for later: unclear where the server may have it."""
        # What had to be read back stays so until it is settled: the ledger cannot be trusted.
        unclear = record.leased.read_back
        if attempted and isinstance(error, AmbiguousRemoteError):
            unclear = True
        state: Settled = "unclear" if unclear else "queued"
        issues = self.issues(record, error.issues, ()) if attempted else ()
        self.report.fates[record.id] = RecordFate(record, state, error, issues, attempted)

    def in_turn(self, records: Sequence[Prepared]) -> list[Prepared]:
        """Return the records whose patient has none that waits; the others wait behind it."""
        waiting = self.report.waiting_patients
        turn = []
        for record in records:
            if record.key.patient in waiting:
                self.postpone(record, _WAITS, attempted=False)
            else:
                turn.append(record)
        return turn

    def conflict(
        self, record: Prepared, issues: Sequence[Issue], error: RemoteError | None = None
    ) -> None:
        """Leave a record to a person: the server holds what is not ours to overwrite."""
        self.watch.judged()
        self.report.fates[record.id] = RecordFate(
            record, "conflict", error, self.issues(record, issues, ()), attempted=True,
            refers_to=frozenset(record.references()),
        )  # fmt: skip

    def issues(
        self, record: Prepared, issues: Sequence[Issue], changes: Sequence[Change]
    ) -> tuple[Issue, ...]:
        """Return issues with the record's place in its source, and without values of it."""
        entry = record.leased.entry
        where = entry.location.at(record=entry.key.id)
        placed = [
            dataclasses.replace(issue, expression=place_in_resource(issue, changes)).moved_to(where)
            for issue in issues
        ]
        return redacted(placed, record.leased.data)
