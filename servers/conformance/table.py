"""A conformance run for readers: a row for each subject, and every kind of error once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from servers.conformance.batch import Finding
from servers.conformance.judgement import Row

_HEADS = ("what", "resources", "distinct", "judged", "errors", "warnings", "seconds", "ms each")
_SHOWN = 3


def table(rows: Iterable[Row], wall: float) -> Iterator[str]:
    """Yield the table, and what the whole run took."""
    rows = list(rows)
    lines = [_HEADS, *(_cells(row) for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(_HEADS))]
    for line in lines:
        yield f"{line[0]:<{widths[0]}}" + "".join(
            f"  {cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=True)
        )
    judged = sum(row.judged for row in rows)
    errors = sum(len(row.errors) for row in rows)
    yield f"{judged} resources judged in {wall:.0f} s: {errors} errors."


def _cells(row: Row) -> tuple[str, ...]:
    subject = row.subject
    each = 1000 * row.seconds / max(row.judged, 1)
    counts = (subject.made, subject.distinct, row.judged, len(row.errors), row.warnings)
    return (subject.name, *(str(count) for count in counts), f"{row.seconds:.0f}", f"{each:.1f}")


def faults(rows: Iterable[Row]) -> Iterator[str]:
    """Yield every kind of error once, with the resources that have it."""
    for row in rows:
        by_kind: dict[str, list[Finding]] = defaultdict(list)
        for finding in row.errors:
            kind = finding.address.partition("/")[0]
            by_kind[f"{kind}: {finding.issue.message}"].append(finding)
        for text, findings in sorted(by_kind.items()):
            yield f"{row.subject.name}: {text}"
            places = [f"{one.address} at {one.issue.expression}" for one in findings[:_SHOWN]]
            yield from (f"    {place}" for place in places)
            if len(findings) > _SHOWN:
                yield f"    and {len(findings) - _SHOWN} more"
