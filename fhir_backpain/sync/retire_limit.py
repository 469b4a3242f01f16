"""How much of a source a full feed may take back: an export that broke off looks like a clinic
that has deleted its records.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from fhir_backpain.outcome import Issue
from fhir_backpain.sync.messages import FEED_TOO_SHORT

_WRITTEN = re.compile(r"([0-9]{1,9})(%?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Loss:
    """What a feed no longer has of one source and record type: the entries, and of how many."""

    source: str
    record: str
    entries: tuple[str, ...]
    known: int


@dataclass(frozen=True, slots=True)
class RetireLimit:
    """A number of records and a percentage of those that the source had; either is enough."""

    records: int = 10
    percent: int = 20

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the limit that a text such as ``50`` or ``30%`` says; ValueError for others.

        >>> RetireLimit.parse("30%").allows(31, 100), RetireLimit.parse("50").allows(50, 60)
        (False, True)
        """
        found = _WRITTEN.fullmatch(text.strip())
        number = int(found[1]) if found else 0
        if found is None or (found[2] and number > 100):
            raise ValueError(text)
        return cls(records=0, percent=number) if found[2] else cls(records=number, percent=0)

    def allows(self, gone: int, known: int) -> bool:
        """True where `gone` of `known` records may be taken back.

        >>> RetireLimit().allows(10, 10), RetireLimit().allows(11, 54), RetireLimit().allows(11, 55)
        (True, False, True)
        """
        return gone <= self.records or gone * 100 <= self.percent * known

    def issue(self, loss: Loss) -> Issue | None:
        """Return why a loss may not be taken back, None where it may."""
        gone = len(loss.entries)
        if self.allows(gone, loss.known):
            return None
        text = (
            f"The feed no longer has {gone} of the {loss.known} records of type {loss.record} "
            f"of {loss.source}."
        )
        return FEED_TOO_SHORT.issue(text)
