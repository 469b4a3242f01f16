"""Reads what a server tells of its changes into the state, each version once, with a first fate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import RemoteError
from fhir_backpain.fhir.noted_version import version_in
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.pull.change import Change
from fhir_backpain.pull.feed import Feed, feeds_of
from fhir_backpain.pull.instant import SECOND, Instant
from fhir_backpain.pull.messages import ENTRY_UNREADABLE, NO_FEED
from fhir_backpain.pull.own_ids import own_url
from fhir_backpain.pull.ownership import is_ours, patient_of, patient_of_record
from fhir_backpain.pull.plan import Fate
from fhir_backpain.pull.pull_options import PullOptions, PullResult
from fhir_backpain.pull.source import Source
from fhir_backpain.pull.state import PullState

Stopped = Callable[[], bool]
Found = tuple[Change, Fate, str]

_BATCH = 200
UNPLACED = ""
"""Stands for the patient of a deleted resource of which nothing is known yet."""


class Collector:
    """Reads the feeds of a server to their end."""

    def __init__(
        self,
        client: FhirClient,
        types: Iterable[str],
        state: PullState,
        source: Source,
        options: PullOptions,
    ) -> None:
        self._client = client
        self._types = frozenset(types)
        self._state = state
        self._source = source
        self._options = options

    def collect(self, now: Instant, result: PullResult, is_stopped: Stopped) -> None:
        """Read each feed from where it was, less the overlap; note every version of our types.

        `now` is the machine's time. RemoteError where a feed breaks off: the others are read
        before it is raised, what was found is kept, and the next run begins where this one did.
        """
        capabilities = self._client.capabilities()
        feeds, silent = feeds_of(capabilities, sorted(self._types), self._options.feed)
        if silent:
            text = f"The server tells nothing of changes of {', '.join(silent)}."
            result.add([NO_FEED.issue(text)])
        broken: RemoteError | None = None
        for feed in feeds:
            try:
                self._read(feed, now, result, is_stopped)
            except RemoteError as error:
                broken = broken or error
        if broken is not None:
            raise broken
        places = [place for feed in feeds if (place := self._state.place(feed.name)[0])]
        if len(places) == len(feeds) and places:
            wide = round(2 * self._options.wide_overlap * SECOND)
            self._state.forget(min(places) - wide)

    def _read(self, feed: Feed, now: Instant, result: PullResult, is_stopped: Stopped) -> None:
        place, polls = self._state.place(feed.name)
        latest, nameless = place or 0, 0
        for batch in _batches(feed.changes(self._client, self._since(place, polls))):
            nameless += batch.count(None)
            changes = [one for one in batch if one is not None and one.type in self._types]
            self._note(changes, result)
            latest = max([latest, *(one.instant for one in changes)])
            if is_stopped():
                return
        if nameless:
            text = f"{nameless} entries of the {feed.name} name no version of a resource."
            result.add([ENTRY_UNREADABLE.issue(text)])
        # Never ahead of this machine: a server's clock that was ahead for a while would hide
        # what came after it was set right. If it is this machine that is behind, more is read.
        self._state.finish(feed.name, min(latest, now) or None)

    def _since(self, place: Instant | None, polls: int) -> Instant | None:
        if place is None:
            return self._options.since
        options = self._options
        wide = polls % options.wide_every == 0
        return place - round((options.wide_overlap if wide else options.overlap) * SECOND)

    def _note(self, changes: list[Change], result: PullResult) -> None:
        unknown = self._state.unknown(changes)
        ours = [_own_url(change) for change in unknown]
        rows = self._source.ledger(set(ours))
        found = [
            self._first_fate(change, rows.get(url))
            for change, url in zip(unknown, ours, strict=True)
        ]
        self._state.note(found)
        for change, fate, _ in found:
            if fate != "pending":
                result.versions[fate] += 1
            if fate == "foreign":
                result.foreign[change.type] += 1

    def _first_fate(self, change: Change, row: LedgerRow | None) -> Found:
        """Return the version with its fate, as far as it can be told without a further request."""
        if row is not None and _is_named(change, row):
            return change, "echo", ""
        member = self._state.member(change.url)
        if change.resource is not None:
            patient = patient_of(change.resource) or (member[1] if member else None)
            known = row is not None or member is not None or is_ours(change.resource)
            return (change, "pending", patient) if known and patient else (change, "foreign", "")
        if row is not None:
            return change, "pending", patient_of_record(row.key)
        return change, "pending", member[1] if member else UNPLACED


def _own_url(change: Change) -> str:
    """Return the relative URL under which the ledger knows a resource."""
    return (own_url(change.resource) if change.resource is not None else None) or change.url


def _is_named(change: Change, row: LedgerRow) -> bool:
    """True where the ledger names the version as our own."""
    if change.resource is None:
        return row.retired == "deleted"
    return version_in(row.version_id) == change.version


def _batches(changes: Iterable[Change | None]) -> Iterator[list[Change | None]]:
    """Yield changes in batches; where they break off, what came before is yielded first."""
    rest = iter(changes)
    while True:
        batch: list[Change | None] = []
        try:
            for change in islice(rest, _BATCH):
                batch.append(change)
        except RemoteError:
            if batch:
                yield batch
            raise
        if not batch:
            return
        yield batch
