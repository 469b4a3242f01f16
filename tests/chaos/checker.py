"""Finds what must not be: lost, duplicated, out of order, or not as the outbox believes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, permutations
from typing import Any, Literal

from fhir_backpain.record import RecordKey
from tests.chaos.evidence import Evidence, Stored, Version
from tests.chaos.expectation import Expectation, expectations, is_retired

Kind = Literal["lost", "duplicated", "out of order", "ledger", "count"]


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken: how, of which resource or record, and what else it is about."""

    kind: Kind
    subject: str
    text: str
    other: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject} {self.text}"


def check(evidence: Evidence) -> list[Violation]:
    """Return every violation that the evidence shows."""
    expected = expectations(evidence.stored)
    found = [
        *_acknowledged(evidence),
        *_final_states(evidence.stored),
        *_strangers(evidence, expected),
        *_doubles(evidence),
        *_disordered_records(evidence, expected),
    ]
    for url, one in expected.items():
        versions = evidence.by_url.get(url, [])
        found += [*_followed(one, versions), *_ended(one, versions), *_booked(evidence, one)]
    return found


def _acknowledged(evidence: Evidence) -> Iterator[Violation]:
    stored = {one.entry.id: one.entry for one in evidence.stored}
    for promise in evidence.acknowledged:
        entry = stored.get(promise.id)
        if entry is None or entry.content_hash != promise.content_hash:
            yield Violation("lost", promise.record, "was acknowledged and is not in the outbox")
    for tracking_id in stored.keys() - {promise.id for promise in evidence.acknowledged}:
        name = str(stored[tracking_id].key)
        yield Violation("count", name, "is in the outbox once more than it was acknowledged")


def _final_states(stored: Sequence[Stored]) -> Iterator[Violation]:
    newest = {one.entry.key: one.entry for one in stored}
    for key, entry in newest.items():
        if entry.state != "sent":
            text = f"has come to its end as {entry.state}{_why(entry.outcome)}"
            yield Violation("lost", str(key), text)
    final = Counter(entry.state for entry in newest.values())
    if final.total() != len(newest) or final["superseded"]:
        yield Violation("count", "the outbox", "calls the newest version of a record superseded")
    for one in stored:
        entry = one.entry
        if newest[entry.key] is not entry and entry.state not in ("sent", "superseded"):
            yield Violation("count", str(entry.key), f"has an older version that is {entry.state}")


def _why(outcome: dict[str, Any] | None) -> str:
    issues = (outcome or {}).get("issue", [])
    return f" ({issues[0]['details']['text']})" if issues else ""


def _strangers(evidence: Evidence, expected: dict[str, Expectation]) -> Iterator[Violation]:
    for url in evidence.by_url.keys() - expected.keys():
        yield Violation("duplicated", url, "is on the server and no record makes it")


def _doubles(evidence: Evidence) -> Iterator[Violation]:
    """Find live resources of one type that share a business identifier."""
    bearers: dict[tuple[str, str, str], list[str]] = {}
    for url, versions in evidence.by_url.items():
        for identifier in (versions[-1].resource or {}).get("identifier", ()):
            name = (url.partition("/")[0], identifier.get("system"), identifier.get("value"))
            bearers.setdefault(name, []).append(url)
    for urls in bearers.values():
        if len(urls) > 1:
            yield Violation("duplicated", ", ".join(sorted(urls)), "bear the same identifier")


def _followed(expected: Expectation, versions: Sequence[Version]) -> Iterator[Violation]:
    """Find versions that no run in the promised order can bring: each step lands at most once."""
    reached, before = -1, None
    for version in versions:
        fitting = [
            number
            for number, step in enumerate(expected.steps)
            if step.created <= version.landed and expected.fits(step, version, before)
        ]
        later = [number for number in fitting if number > reached]
        where = f"version {version.number or 'that deletes it'}"
        if before is not None and version.content == before.content:
            yield Violation("duplicated", expected.url, f"{where} says what the one before it says")
        elif later:
            reached = later[0]
        elif fitting:
            text = f"{where} says what an older record or version said"
            yield Violation("out of order", expected.url, text)
        else:
            yield Violation("lost", expected.url, f"{where} says what no record has said")
        before = version


def _ended(expected: Expectation, versions: Sequence[Version]) -> Iterator[Violation]:
    """Find resources that do not say what the latest version of their record makes of them."""
    last = versions[-1] if versions else None
    before = versions[-2] if len(versions) > 1 else None
    for step in expected.finals():
        if last is None:
            if step.content is None or (not step.is_last and expected.owner is None):
                return
        elif expected.fits(step, last, before):
            return
    text = "is not there" if last is None else f"ends with version {last.number or '(deleted)'}"
    yield Violation("lost", expected.url, f"{text}: not what the latest record makes of it")


def _booked(evidence: Evidence, expected: Expectation) -> Iterator[Violation]:
    """Find disagreement between the ledger and the server."""
    versions = evidence.by_url.get(expected.url, [])
    row = evidence.ledger.get(expected.url)
    if not versions:
        if row is not None:
            yield Violation("ledger", expected.url, "is in the ledger and was never on the server")
        return
    last = versions[-1]
    retired = len(versions) > 1 and is_retired(last, versions[-2])
    if row is None:
        yield Violation("ledger", expected.url, "is on the server and not in the ledger")
    elif (row.retired is not None) != retired:
        text = f"is {row.retired or 'there'} in the ledger and not so on the server"
        yield Violation("ledger", expected.url, text)
    elif row.retired != "deleted" and row.version_id != last.number:
        text = f"has version {last.number}, in the ledger {row.version_id}"
        yield Violation("ledger", expected.url, text)
    elif not retired and not _is_digest_of(row.content_hash, expected, last):
        yield Violation("ledger", expected.url, "has other content than the ledger's hash says")


def _is_digest_of(digest: str, expected: Expectation, version: Version) -> bool:
    return any(step.digest == digest for step in expected.steps if step.content == version.content)


@dataclass(frozen=True, slots=True)
class _Landing:
    """When what a record alone makes was first on the server; places in the outbox and history."""

    url: str
    owner: RecordKey
    landed: int
    arrived: int
    first_arrived: int


def _disordered_records(
    evidence: Evidence, expected: dict[str, Expectation]
) -> Iterator[Violation]:
    """Find records of a patient that overtook an earlier one, type by type.

    Within one transaction types are written in the order of dependency: so only resources of one
    type are compared.
    """
    landings = sorted(_landings(evidence, expected), key=_lane_of)
    for _, group in groupby(landings, _lane_of):
        for one, two in permutations(group, 2):
            ordered = one.owner != two.owner and one.arrived < two.first_arrived
            if ordered and two.landed < one.landed:
                text = f"came after {two.url}, whose record was appended later"
                yield Violation("out of order", one.url, text, two.url)


def _lane_of(landing: _Landing) -> tuple[str, str]:
    return landing.url.partition("/")[0], landing.owner.patient


def _landings(evidence: Evidence, expected: dict[str, Expectation]) -> Iterable[_Landing]:
    for url, one in expected.items():
        versions = evidence.by_url.get(url)
        if not versions or one.owner is None:
            continue
        # Of equal contents the latest may have been the one.
        fitting = [step for step in one.steps if step.content == versions[0].content]
        if fitting:
            yield _Landing(
                url, one.owner, versions[0].place, fitting[-1].arrived, one.steps[0].arrived
            )
