"""How to pull, and how a pull ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from fhir_backpain.outcome import Issue
from fhir_backpain.pull.feed import FeedKind
from fhir_backpain.pull.instant import Instant

ConflictPolicy = Literal["ask", "server", "source"]
Reason = Literal[
    "idle",  # all changes that the server told of are dealt with
    "incomplete",  # the changes could not be read to their end
    "unreachable",  # the server could not be reached or asked to wait
    "sink-unavailable",  # the receiver could not be reached or takes nothing
    "stopped",  # stop() was called
]

_VERSIONS = (
    "echo", "foreign", "overtaken", "unchanged", "delivered", "parked", "overruled", "unreadable",
)  # fmt: skip
_DELIVERIES = ("planned", "delivered", "refused")
_MAX_ISSUES = 1000


@dataclass(frozen=True, slots=True)
class PullOptions:
    """How to pull. Times are in seconds.

    `overlap` is how far each poll looks back behind what is known to be read; every `wide_every`
    polls it is `wide_overlap`. Both make up for a server whose clocks disagree. `since` is where
    the first poll begins, None for all that the server remembers.

    `on_conflict` says who wins where the server and the source have both changed a record: with
    ``ask`` it waits for a person.
    """

    feed: FeedKind = "auto"
    on_conflict: ConflictPolicy = "ask"
    since: Instant | None = None
    overlap: float = 300.0
    wide_overlap: float = 90_000.0  # a day and an hour
    wide_every: int = 50


@dataclass(slots=True)
class PullResult:
    """What a run did. Every version that it dealt with is counted once, by its fate.

    `deliveries` has those that this run planned, delivered and saw refused. `waiting` is what the
    state holds after it: versions not looked at, deliveries not made or refused, conflicts.
    `issues` are the first thousand; `issue_count` is of all, by number. `retry_after` is how many
    seconds a server or receiver asked to wait.
    """

    reason: Reason = "idle"
    versions: Counter[str] = field(default_factory=Counter)
    deliveries: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    elements_left_out: int = 0
    foreign: Counter[str] = field(default_factory=Counter)
    issues: list[Issue] = field(default_factory=list)
    issue_count: Counter[int] = field(default_factory=Counter)
    retry_after: float | None = None

    def add(self, issues: Iterable[Issue]) -> None:
        """Count issues, and keep them as long as there is room."""
        for issue in issues:
            self.issue_count[issue.number] += 1
            if len(self.issues) < _MAX_ISSUES:
                self.issues.append(issue)

    @property
    def is_complete(self) -> bool:
        """True where nothing waits and everything was carried."""
        return (
            self.reason == "idle" and not self.waiting.total() and not self.versions["unreadable"]
        )

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON data with stable keys, every count named even where it is 0."""
        return {
            "reason": self.reason,
            "complete": self.is_complete,
            "versions": {name: self.versions[name] for name in _VERSIONS},
            "deliveries": {name: self.deliveries[name] for name in _DELIVERIES},
            "waiting": {
                name: self.waiting[name]
                for name in ("versions", "deliveries", "refused", "conflicts")
            },
            "retryAfter": self.retry_after,
            "elementsLeftOut": self.elements_left_out,
            "foreign": dict(sorted(self.foreign.items())),
            "issueCount": {f"FBP-{number}": n for number, n in sorted(self.issue_count.items())},
            "issues": [issue.to_fhir() for issue in self.issues],
        }

    def __str__(self) -> str:
        versions = ", ".join(f"{n} {name}" for name in _VERSIONS if (n := self.versions[name]))
        made = ", ".join(f"{self.deliveries[name]} {name}" for name in _DELIVERIES)
        waiting = ", ".join(f"{n} {name}" for name, n in sorted(self.waiting.items()) if n)
        lines = [f"versions: {versions or 'none new'}", f"deliveries: {made}"]
        lines += [f"waiting: {waiting}"] if waiting else []
        lines += [f"ended early: {self.reason}"] if self.reason != "idle" else []
        return "\n".join(lines)
