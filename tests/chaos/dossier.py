"""All that is known of what a violation is about: what was sent, when, and what was believed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from string import ascii_letters

from fhir_backpain.outbox.store import Store
from fhir_backpain.record import RecordKey
from tests.chaos.checker import Violation
from tests.chaos.evidence import Evidence, Stored, content_of

_MOST = 4
"""Subjects that are told of: one is enough to find the cause."""


def dossiers(store: Store, evidence: Evidence, violations: Sequence[Violation]) -> list[str]:
    """Return a text for each of the first subjects that violations are about."""
    named = (name for one in violations for name in (one.subject, one.other) if name)
    subjects = list(dict.fromkeys(named))[:_MOST]
    return ["\n".join(_Dossier(store, evidence, subject).lines()) for subject in subjects]


class _Dossier:
    """What is known of one resource or record; each content is called by a letter."""

    def __init__(self, store: Store, evidence: Evidence, subject: str) -> None:
        self._store = store
        self._evidence = evidence
        self._subject = subject
        self._letters: dict[str, str] = {}

    def lines(self) -> Iterator[str]:
        """Yield the history on the server, the ledger's row, the entries, and what letters mean."""
        yield f"{self._subject}:"
        for version in self._evidence.by_url.get(self._subject, ()):
            said = "deleted" if version.content is None else self._letter(version.content)
            yield (
                f"  {version.landed} on the server at {version.place}, version {version.number}: "
                f"{said}"
            )
        yield f"  in the ledger: {self._evidence.ledger.get(self._subject)}"
        for one in self._versions():
            yield from self._entry_lines(one)
        for content, letter in self._letters.items():
            yield f"  {letter} = {content}"

    def _versions(self) -> list[Stored]:
        """Return all versions of the record that it is, or of those that make it."""
        stored = self._evidence.stored
        keys: set[RecordKey] = {
            one.entry.key
            for one in stored
            if self._made(one) or str(one.entry.key) == self._subject
        }
        return [one for one in stored if one.entry.key in keys]

    def _entry_lines(self, one: Stored) -> Iterable[str]:
        entry = one.entry
        made = [self._letter(content) for content in self._made(one)]
        yield (
            f"  {entry.created_at} appended at {one.place}, {entry.key.id} as of {entry.as_of}, "
            f"{entry.state} at {entry.settled_at}, makes {made or 'nothing'}"
        )
        for attempt in self._store.attempts(entry.id):
            issues = (attempt.outcome or {}).get("issue", ())
            said = "; ".join(issue["details"]["text"] for issue in issues)
            yield f"    {attempt.at} {attempt.state} {attempt.status or ''} {said}".rstrip()

    def _made(self, one: Stored) -> list[str]:
        return [
            content_of(json.loads(made.text, parse_float=Decimal))
            for made in one.made
            if made.url == self._subject
        ]

    def _letter(self, content: str) -> str:
        number = len(self._letters)
        return self._letters.setdefault(content, ascii_letters[number % len(ascii_letters)])
