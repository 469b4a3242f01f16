"""Leased records in jobs: one patient's records together, no more than a bundle takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.sync.prepared import Prepared, Rendered

FAULTS_TO_ISOLATE = 2
"""Server failures after which a record is sent alone, so that it takes no other with it."""


@dataclass(slots=True)
class Job:
    """Records to be delivered together, and what no other delivery may touch meanwhile.

    `urls` are the relative URLs of all that the records make, or versions of theirs may have made.
    """

    records: list[Prepared]
    claims: frozenset[str]
    urls: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        made = {url for record in self.records for url in record.resources}
        self.urls = frozenset(made | _left(self.records))

    def clashes_with(self, others: Iterable[Job]) -> bool:
        """True where one of two jobs makes a resource that the other writes, or has its patient."""
        return any(
            not self.claims.isdisjoint(other.claims)
            or not other.claims.isdisjoint(self.urls)
            or not self.claims.isdisjoint(other.urls)
            for other in others
        )

    @property
    def patients(self) -> set[str]:
        """The patients of the records."""
        return {record.key.patient for record in self.records}

    @property
    def tokens(self) -> set[int]:
        """The lease tokens of the records."""
        return {record.leased.token for record in self.records}

    @property
    def spoken_of(self) -> set[str]:
        """The relative URLs of all that the records make, have dropped or refer to."""
        return {url for record in self.records for url in record.urls | record.references()}


def make_jobs(
    records: Sequence[Prepared],
    held: Mapping[str, LedgerRow],
    bundle_size: int,
    claimed: frozenset[str] = frozenset(),
) -> list[Job]:
    """Return the jobs in the order in which they are to be started.

    `claimed` is what jobs that are not settled yet may change.
    """
    changing = _changing(records, held) | claimed
    return [
        Job(list(packed), _claims(packed, changing))
        for packed in _packed(records, changing, bundle_size)
    ]


def _changing(records: Sequence[Prepared], held: Mapping[str, LedgerRow]) -> set[str]:
    """Return the URLs of which some record makes another text than the server holds."""
    return {
        url
        for record in records
        for url, rendered in record.resources.items()
        if record.leased.read_back or _differs(held.get(url), rendered)
    }


def _differs(row: LedgerRow | None, rendered: Rendered) -> bool:
    return row is None or row.retired is not None or row.content_hash != rendered.hash


def _packed(
    records: Sequence[Prepared], changing: set[str], bundle_size: int
) -> Iterator[list[Prepared]]:
    pack: list[Prepared] = []
    urls: set[str] = set()
    for record in _by_patient(records):
        mine = (changing & record.resources.keys()) | record.dropped.keys()
        alone = record.leased.entry.faults >= FAULTS_TO_ISOLATE
        if pack and (alone or len(urls | mine) > bundle_size):
            yield pack
            pack, urls = [], set()
        pack.append(record)
        urls |= mine
        if alone:
            yield pack
            pack, urls = [], set()
    if pack:
        yield pack


def _by_patient(records: Sequence[Prepared]) -> list[Prepared]:
    groups: dict[str, list[Prepared]] = {}
    for record in records:
        groups.setdefault(record.key.patient, []).append(record)
    return [record for group in groups.values() for record in group]


def _claims(records: Sequence[Prepared], changing: set[str]) -> frozenset[str]:
    urls = {url for record in records for url in changing & record.resources.keys()}
    # A patient's key holds a "|", a URL does not: they cannot be mistaken for each other.
    patients = {record.key.patient for record in records}
    return frozenset(urls | patients | _left(records))


def _left(records: Iterable[Prepared]) -> set[str]:
    return {one.made.url for record in records for one in record.left}
