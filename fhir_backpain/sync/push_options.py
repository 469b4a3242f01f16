"""How to push, and how a push ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from fhir_backpain.outbox.retry import RetryPolicy
from fhir_backpain.outcome import Issue
from fhir_backpain.sync.retirement import RetirePolicy
from fhir_backpain.sync.summary import Summary

Reason = Literal[
    "idle",  # nothing is left to send
    "unreachable",  # the server could not be reached for as long as patience lasted
    "waiting",  # the server asked to wait for longer than patience lasts
    "refused",  # the server refuses every request (credentials, address) or record
    "stopped",  # stop() was called
]


@dataclass(frozen=True, slots=True)
class PushOptions:
    """How to push. Times are in seconds.

    `bundle_size` is in entries; a server's smaller limit is found and kept to. `patience` is how
    long a run goes on without the server taking anything. `allow_patient_data` lets records that
    are not marked as test data go to a public server.

    `retire` says what becomes of resources that a record made before and no longer makes:
    ``entered-in-error`` writes them again with that status (a type that has none is deleted),
    ``delete`` deletes them (what the server refuses to delete becomes entered in error), ``keep``
    leaves them as they are.

    `search_lag` is how long a search may fail to show what was written; it counts only where a
    server assigns ids and does not create conditionally.
    """

    bundle_size: int = 100
    in_flight: int = 2
    lease_limit: int = 200
    lease_seconds: float = 60.0
    patience: float = 60.0
    worker: str = "push"
    allow_patient_data: bool = False
    retire: RetirePolicy = "entered-in-error"
    search_lag: float = 90.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)


@dataclass(frozen=True, slots=True)
class PushResult:
    """How a run ended. `queued` entries wait for the next run; `issues` say why it ended early."""

    reason: Reason
    queued: int
    summary: Summary
    issues: tuple[Issue, ...] = ()

    @property
    def is_complete(self) -> bool:
        """True where every record was sent."""
        failed: int = sum(self.summary.records[name] for name in ("rejected", "held", "conflict"))
        return self.reason == "idle" and self.queued == 0 and failed == 0

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON data with stable keys."""
        return {
            "reason": self.reason,
            "complete": self.is_complete,
            "queued": self.queued,
            **self.summary.to_json(),
            "stopped_by": [issue.to_fhir() for issue in self.issues],
        }

    def __str__(self) -> str:
        """The table, and why the run ended early, if it did."""
        ends = {
            "unreachable": f"server unreachable, {self.queued} queued",
            "waiting": f"the server asks to wait, {self.queued} queued",
            "refused": f"the server refuses everything, {self.queued} queued",
            "stopped": f"stopped, {self.queued} queued",
        }
        lines = [self.summary.to_table()]
        if self.reason in ends:
            lines.append(ends[self.reason])
        return "\n".join([*lines, *map(str, self.issues)])
