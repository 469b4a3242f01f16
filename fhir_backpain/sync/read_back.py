"""Looking before sending: what may have arrived already, and what is to be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fhir_backpain.errors import AmbiguousRemoteError, ConflictError, RemoteError
from fhir_backpain.fhir.meta import version_of
from fhir_backpain.fhir.noted_version import version_in
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.outcome import Issue
from fhir_backpain.sync.canonical_content import is_same_content
from fhir_backpain.sync.clash import changed_there
from fhir_backpain.sync.composition import Write, compose
from fhir_backpain.sync.delivery_report import ResourceFate
from fhir_backpain.sync.delivery_state import DeliveryState
from fhir_backpain.sync.messages import DELETED_THERE, NOT_FOUND_YET, SEVERAL_MATCH
from fhir_backpain.sync.prepared import Prepared, Unproven
from fhir_backpain.sync.retirement import is_entered_in_error
from fhir_backpain.sync.server_access import Held


class ReadBack:
    """Reads what the ledger cannot tell, and settles what needs no sending."""

    def __init__(self, state: DeliveryState, search_lag: float) -> None:
        self._state = state
        self._search_lag = search_lag

    def look(self, records: Sequence[Prepared]) -> list[Prepared]:
        """Return what is left to deliver; RemoteError where the server cannot be asked."""
        made = {url for one in records if one.leased.read_back for url in one.resources}
        left = {one.made.url for record in records for one in record.left}
        shared = _shared_with_unclear(records) - made
        urls = made | left | shared | {url for record in records for url in record.dropped}
        if not urls:
            return list(records)
        found = self._state.access.read(sorted(urls))
        for record in records:
            self._note_dropped(record, found)
            self._note_left(record, found)
        self._note_shared(records, {url: found[url] for url in shared})
        return self._compare(records, {url: found[url] for url in sorted(made)})

    def _note_dropped(self, record: Prepared, found: Mapping[str, Held]) -> None:
        """Sort what the record has dropped into what is to be retired and what is so already."""
        state = self._state
        for url, row in record.dropped.items():
            there = found[url]
            if row is not None and row.retired is not None:
                if _is_as_noted(row, there):
                    continue
                if isinstance(there, dict) and _is_brought_by_another(url, there, record):
                    told = changed_there(
                        url.partition("/")[0], version_in(row.version_id), version_of(there)
                    )
                    state.conflict(record, [told])
                    continue
            if isinstance(there, dict) and not is_entered_in_error(there):
                state.retirements.add(url, there)
                continue
            if isinstance(there, dict):
                state.confirm_retired(record, url, "entered-in-error", version_of(there), None)
            elif row is not None or there == "deleted":
                state.confirm_retired(record, url, "deleted", None, None)
            if record.leased.read_back:
                state.arrived[url] = record.id

    def _note_left(self, record: Prepared, found: Mapping[str, Held]) -> None:
        """Take note of what a version whose answer was lost has left, and this one does not make.

        Nobody else would: for the ledger it is as if another had written it.
        """
        for one in record.left:
            there = found[one.made.url]
            if isinstance(there, dict) and is_same_content(one.made.text, there):
                self._state.confirm_left(one, version_of(there))

    def _note_shared(self, records: Sequence[Prepared], found: Mapping[str, Held]) -> None:
        """Take note, for this delivery, of what unclear records have left that these share.

        Whether they have is settled in their own turn; until then the ledger does not know it.
        """
        peers = _peers(records)
        for url, there in found.items():
            if not isinstance(there, dict) or self._state.knows(url, version_of(there)):
                continue
            from_us = [one for one in peers[url] if is_same_content(one.made.text, there)]
            if from_us:
                self._state.hold(max(from_us, key=lambda one: one.moment), version_of(there))

    def _compare(self, records: Sequence[Prepared], found: Mapping[str, Held]) -> list[Prepared]:
        """Compare what was perhaps sent with what is there."""
        state = self._state
        for record in records:
            if record.leased.read_back:
                self._note_missing(record, found)
        self._wait_for_searches(records, found)
        for url, held in found.items():
            if held == "absent":
                state.held.pop(url, None)
        there = {url: held for url, held in found.items() if isinstance(held, dict)}
        left = [one for one in records if one.id not in state.report.fates]
        self._note_arrived(left, there)
        self._note_later(left, there)
        for record in records:
            if record.leased.read_back and record.id not in state.report.fates:
                self._note_foreign(record, there)
        state.seen.update(
            {url: version_of(held) for url, held in there.items() if url not in state.report.rows}
        )
        state.doubtful.update(url for url in found if url not in state.report.rows)
        return [record for record in records if record.id not in state.report.fates]

    def _note_missing(self, record: Prepared, found: Mapping[str, Held]) -> None:
        """Settle a record of which something was deleted, or is there more than once."""
        mine = {url: found[url] for url in record.resources}
        deleted = {url for url, held in mine.items() if held == "deleted"}
        self._state.take_for_deleted(deleted & record.undone)
        gone = [url for url in sorted(deleted - record.undone) if not self._is_ours(url)]
        doubled = [url for url, held in mine.items() if held == "several"]
        if gone:
            text = f"{_kinds(gone)} was deleted on the server."
            self._leave(record, DELETED_THERE.issue(text))
        elif doubled:
            text = f"More than one {_kinds(doubled)} has the identifier."
            self._leave(record, SEVERAL_MATCH.issue(text))

    def _wait_for_searches(self, records: Sequence[Prepared], found: Mapping[str, Held]) -> None:
        """Put off what a search may not show yet, and all that makes the same resources."""
        state = self._state
        missed = {
            url
            for record in records
            if record.leased.read_back and not record.waited
            for url in record.resources
            if found[url] == "absent" and state.access.may_miss(url)
        }
        text = "What may have been sent is not found; a search may not show it yet."
        error = AmbiguousRemoteError(NOT_FOUND_YET.issue(text), retry_after=self._search_lag)
        for record in records:
            if record.id not in state.report.fates and not missed.isdisjoint(record.resources):
                state.postpone(record, error, attempted=True)

    def _leave(self, record: Prepared, issue: Issue) -> None:
        self._state.conflict(record, [issue])

    def _is_ours(self, url: str) -> bool:
        """True where it was the outbox that had the resource deleted."""
        row = self._state.held.get(url)
        return row is not None and row.retired == "deleted"

    def _note_arrived(self, records: list[Prepared], found: dict[str, dict[str, Any]]) -> None:
        """Take note of what is on the server as it should be."""
        for write in compose(records, self._state.held, frozenset(found)).writes:
            resource = found.get(write.url)
            if resource is not None and is_same_content(write.text, resource):
                self._count_arrived(write)
                self._state.confirm(write, version_of(resource))

    def _note_later(self, records: list[Prepared], found: dict[str, dict[str, Any]]) -> None:
        """Take note, for this delivery, of what a later record has left on the server.

        It was sent together with these, and its turn to be settled comes after theirs.
        """
        peers = _peers(records)
        for url, held in found.items():
            there = [
                one
                for one in peers.get(url, ())
                if not one.made.only_if_new and is_same_content(one.made.text, held)
            ]
            if there and url not in self._state.report.rows:
                self._state.believe(max(there, key=lambda one: one.moment), version_of(held))

    def _count_arrived(self, write: Write) -> None:
        """Count what an attempt whose answer was lost has brought."""
        row = self._state.held.get(write.url)
        if row is None or row.retired or row.content_hash != write.rendered.hash:
            new = row is None or row.retired == "deleted"
            fate: ResourceFate = "created" if new else "updated"
            self._state.report.resources[write.type, fate] += 1
            self._state.arrived[write.url] = write.record.id

    def _note_foreign(self, record: Prepared, found: Mapping[str, dict[str, Any]]) -> None:
        """Leave a record to a person where somebody else has written what it makes.

        Another worker of ours may have written just now what records share: then the ledger says
        so next time.
        """
        if record.is_replayed:
            return
        foreign = [url for url, held in found.items() if self._is_foreign(url, held, record)]
        issues = [
            changed_there(url.partition("/")[0], self._state.expected(url), version_of(found[url]))
            for url in foreign
        ]
        shared = all(record.resources[url].made.shared for url in foreign)
        if issues and shared and not record.waited:
            self._state.postpone(record, ConflictError(issues), attempted=True)
        elif issues:
            self._state.conflict(record, issues)

    def _is_foreign(self, url: str, held: dict[str, Any], record: Prepared) -> bool:
        """True where the server has a version that nothing of ours explains."""
        row = self._state.held.get(url)
        if row is None or row.retired is not None or url not in record.resources:
            return False
        if url in self._state.report.rows or version_in(row.version_id) in (None, version_of(held)):
            return False
        return not _is_from_lost(url, held, record)


def look(records: Sequence[Prepared], state: DeliveryState, search_lag: float) -> list[Prepared]:
    """Return what is left to deliver; where the server cannot be asked, all is put off."""
    try:
        return ReadBack(state, search_lag).look(records)
    except RemoteError as error:
        state.report.trouble = error
        for record in records:
            state.postpone(record, error, attempted=record.leased.read_back)
        return []


def _peers(records: Iterable[Prepared]) -> dict[str, list[Unproven]]:
    """Return by URL what else may have been left of what records share."""
    found: dict[str, list[Unproven]] = {}
    for peer in {id(one): one for record in records for one in record.peers}.values():
        found.setdefault(peer.made.url, []).append(peer)
    return found


def _shared_with_unclear(records: Iterable[Prepared]) -> set[str]:
    """Return the URLs that clear records make and records in doubt may have written meanwhile."""
    clear = [record for record in records if not record.leased.read_back]
    return {url for record in clear for url in _peers([record]).keys() & record.resources.keys()}


def _kinds(urls: Sequence[str]) -> str:
    return ", ".join(sorted({url.partition("/")[0] for url in urls}))


def _is_as_noted(row: LedgerRow, there: Held) -> bool:
    """True where the server holds what was taken back as the ledger has it."""
    if not isinstance(there, dict):
        return row.retired == "deleted"
    return is_entered_in_error(there) and version_in(row.version_id) == version_of(there)


def _is_brought_by_another(url: str, there: dict[str, Any], record: Prepared) -> bool:
    """True where no lost version of the record has made what is there, which was taken back."""
    return not (
        record.is_replayed
        or is_entered_in_error(there)
        or any(one.url == url and is_same_content(one.text, there) for one in record.lost)
    )


def _is_from_lost(url: str, held: dict[str, Any], record: Prepared) -> bool:
    """True where a version of the record whose answer was lost may have left this."""
    if url in record.undone and is_entered_in_error(held):
        return True
    lost = (*record.lost, *(peer.made for peer in record.peers))
    return any(one.url == url and is_same_content(one.text, held) for one in lost)
