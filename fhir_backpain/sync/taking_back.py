"""Taking back what a full feed no longer has, or saying why nothing is taken back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fhir_backpain.intake.intake import IntakeReport
from fhir_backpain.outbox.act import Act
from fhir_backpain.outbox.store import Store
from fhir_backpain.outcome import Issue
from fhir_backpain.record import SourceRecord
from fhir_backpain.sync.full_feed import FullFeed
from fhir_backpain.sync.messages import FEED_NOT_WHOLE
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.retire_limit import RetireLimit


class TakingBack:
    """Stores that records are gone from a feed that holds all; nothing where `feed` is None."""

    def __init__(self, store: Store, feed: FullFeed | None, limit: RetireLimit) -> None:
        self._store = store
        self._feed = feed
        self._limit = limit
        self.issues: list[Issue] = []
        self.retired: int | None = None

    @property
    def has_errors(self) -> bool:
        """True where the feed lacks more than it may."""
        return any(issue.is_error for issue in self.issues)

    def noting(self, records: Iterable[SourceRecord]) -> Iterable[SourceRecord]:
        """Return the records; those that are read are noted."""
        return self._feed.noting(records) if self._feed else records

    def run(self, dispatcher: Dispatcher, report: IntakeReport) -> None:
        """Take back what is gone, if all of the feed was read and it lacks no more than it may."""
        if self._feed is None:
            return
        if report.has_errors:
            # A rejected record may be one of those that seem to be gone.
            self.issues = [FEED_NOT_WHOLE.issue("Not all of the feed could be read.")]
            return
        losses = self._feed.losses()
        self.issues = [issue for loss in losses if (issue := self._limit.issue(loss))]
        if self.issues:
            return
        gone = dispatcher.append(self._feed.tombstones(losses), act=Act("retired"))
        self._feed.is_through()
        self.retired = len(gone)
        counts = {"records": sum(report.accepted.values()), "gone": len(gone)}
        self._store.tell([Act("full-feed", server=dispatcher.server, detail=counts)])

    def to_json(self) -> dict[str, Any]:
        """Return what became of it as a member of the result."""
        if self._feed is None:
            return {}
        issues = [issue.to_fhir() for issue in self.issues]
        return {"full_feed": {"retired": self.retired or 0, "issues": issues}}
