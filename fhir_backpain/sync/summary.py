"""What a run did, in numbers that add up and issues that can be acted on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from fhir_backpain.outcome import Issue

ResourceCount = Literal["created", "updated", "unchanged", "older", "retired"]
RecordCount = Literal["sent", "unchanged", "rejected", "held", "conflict", "queued", "unclear"]
RESOURCE_COUNTS: tuple[ResourceCount, ...] = get_args(ResourceCount)
RECORD_COUNTS: tuple[RecordCount, ...] = get_args(RecordCount)

_MAX_ISSUES = 1000


@dataclass(slots=True)
class Summary:
    """Counts of one run.

    `resources` count what the records made: ``older`` was not written since a later record had
    written the resource already. ``retired`` are those that their record made before and does not
    make any more. Of `records`, ``queued`` and ``unclear`` are what the outbox still holds for
    the server; the others are what this run has settled. `issues` are those of rejected, held
    and conflicting records, the first thousand of them.
    """

    resources: Counter[tuple[str, ResourceCount]] = field(default_factory=Counter)
    records: Counter[RecordCount] = field(default_factory=Counter)
    issues: list[Issue] = field(default_factory=list)

    def add_issues(self, issues: Iterable[Issue]) -> None:
        """Keep issues as long as there is room."""
        self.issues += list(issues)[: max(0, _MAX_ISSUES - len(self.issues))]

    def resource_types(self) -> list[str]:
        """Return the types that were counted, sorted."""
        return sorted({resource_type for resource_type, _ in self.resources})

    def to_json(self) -> dict[str, Any]:
        """Return the summary as JSON data; every count is named even where it is 0."""
        return {
            "records": {name: self.records[name] for name in RECORD_COUNTS},
            "resources": {
                kind: {name: self.resources[kind, name] for name in RESOURCE_COUNTS}
                for kind in self.resource_types()
            },
            "issues": [issue.to_fhir() for issue in self.issues],
        }

    def to_table(self) -> str:
        """Return the counts as text to read, a line for each resource type."""
        kinds = self.resource_types()
        width = max([len("resource"), *map(len, kinds)])
        lines = ["  ".join([f"{'resource':<{width}}", *(f"{n:>9}" for n in RESOURCE_COUNTS)])]
        for kind in kinds:
            counts = (f"{self.resources[kind, name]:>9}" for name in RESOURCE_COUNTS)
            lines.append("  ".join([f"{kind:<{width}}", *counts]))
        records = ", ".join(f"{self.records[name]} {name}" for name in RECORD_COUNTS)
        return "\n".join([*lines, "", f"records: {records}"])
