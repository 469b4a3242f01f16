"""Which resources of some records are to be written: pure, decided from what the server holds.

Of a resource that several records make, the record that was true last wins, whichever came
first. What the server holds already is not sent again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from fhir_backpain.fhir.moment import moment_of
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.sync.prepared import Prepared, Rendered
from fhir_backpain.sync.retirement import Retirement

Fate = Literal["write", "unchanged", "older"]


@dataclass(frozen=True, slots=True)
class Write:
    """A resource to be written, and the record whose version of it won.

    `if_match` is the version that the server must still have, where one is known.
    """

    url: str
    rendered: Rendered
    record: Prepared
    if_match: str | None = None

    @property
    def type(self) -> str:
        """The resource type."""
        return self.rendered.made.type

    @property
    def text(self) -> str:
        """The JSON text of the resource."""
        return self.rendered.made.text


Change = Write | Retirement


@dataclass(slots=True)
class Composition:
    """The writes in order of dependency, what is not written, and ledger rows to bring forward.

    `passed` has one (URL, fate) for each made resource that is not written. `retirements` are
    of resources that their record has dropped.
    """

    writes: list[Write] = field(default_factory=list)
    passed: list[tuple[str, Fate]] = field(default_factory=list)
    forward: list[LedgerRow] = field(default_factory=list)
    retirements: list[Retirement] = field(default_factory=list)

    @property
    def changes(self) -> list[Change]:
        """All that is to be sent, in order: first what may refer to the rest no longer."""
        return [*self.writes, *self.retirements]

    def steps(self, *, atomic: bool) -> tuple[list[Change], list[Change]]:
        """Return what is to be sent at first, and what only once the record's writes are done."""
        if atomic:
            return self.changes, []
        return list(self.writes), list(self.retirements)


def compose(
    records: Sequence[Prepared],
    held: Mapping[str, LedgerRow],
    doubtful: frozenset[str],
    versions: Mapping[str, str] | None = None,
) -> Composition:
    """Return what is to be written of `records`, given the ledger rows `held`.

    `doubtful` URLs are those whose row does not say what the server really holds. `versions` are
    those that writes are to replace.
    """
    makers: dict[str, list[Prepared]] = {}
    for record in records:
        for url in record.resources:
            makers.setdefault(url, []).append(record)
    result = Composition()
    for url, candidates in makers.items():
        winner = _winner(url, candidates)
        if_match = versions.get(url) if versions else None
        _place(result, url, winner, held.get(url), if_match, doubtful=url in doubtful)
        won = winner.resources[url].hash
        for loser in candidates:
            if loser is not winner:
                made = loser.resources[url]
                result.passed.append((url, "unchanged" if made.hash == won else "older"))
    result.writes.sort(key=lambda write: write.rendered.rank)
    return result


def _winner(url: str, candidates: list[Prepared]) -> Prepared:
    if not candidates[-1].resources[url].made.shared:
        return candidates[-1]
    telling = [one for one in candidates if not one.resources[url].made.only_if_new]
    # Of equals the last: they are in the order of their arrival.
    return max(enumerate(telling or candidates), key=lambda pair: (pair[1].moment, pair[0]))[1]


def _place(
    result: Composition,
    url: str,
    record: Prepared,
    row: LedgerRow | None,
    if_match: str | None,
    *,
    doubtful: bool,
) -> None:
    rendered = record.resources[url]
    fate: Fate = "write"
    if row is not None:
        fate = _fate(record, rendered, row, doubtful)
        tells = not rendered.made.only_if_new
        if fate == "unchanged" and tells and _is_later(record, row):
            entry = record.leased.entry
            result.forward.append(
                replace(row, key=record.key, as_of=entry.as_of, shared=rendered.made.shared)
            )
    if fate == "write":
        result.writes.append(Write(url, rendered, record, if_match))
    else:
        result.passed.append((url, fate))


def _fate(record: Prepared, rendered: Rendered, row: LedgerRow, doubtful: bool) -> Fate:
    if row.retired is not None:
        return "write"
    if rendered.made.only_if_new and row.key != record.key:
        return "unchanged"
    if not doubtful and row.content_hash == rendered.hash:
        return "unchanged"
    other = row.key != record.key
    if rendered.made.shared and other and moment_of(row.as_of) > record.moment:
        return "older"
    return "write"


def _is_later(record: Prepared, row: LedgerRow) -> bool:
    if row.key == record.key:
        return row.as_of != record.leased.entry.as_of
    return record.moment > moment_of(row.as_of)
