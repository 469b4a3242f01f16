"""What runs came to, as a table to read."""

from __future__ import annotations

from collections.abc import Iterable

from tests.chaos.trial import Verdict

_HEADS = (
    "run", "store", "kills", "at work", "standstills", "faults", "requests", "records", "versions",
    "lost", "duplicated", "out of order", "other", "seconds",
)  # fmt: skip
_SHOWN = 20


def table(verdicts: Iterable[Verdict]) -> str:
    """Return a line for each run: what was done to it, and what it broke."""
    rows = [_HEADS, *map(_cells, verdicts)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def details(verdict: Verdict) -> str:
    """Return what a run's kills met, its violations, and what is known of the first of these."""
    met = ", ".join(f"{act} {count}" for act, count in sorted(verdict.tally.met.items()))
    shown = [f"  {violation}" for violation in verdict.violations[:_SHOWN]]
    left = len(verdict.violations) - len(shown)
    shown += [f"  and {left} more"] if left else []
    head = f"{_name(verdict)} on {verdict.store}, seed {verdict.seed}: kills met {met}"
    told = verdict.dossiers if verdict.sabotage is None else []
    return "\n".join([head, *shown, *told])


def _name(verdict: Verdict) -> str:
    return verdict.climate if verdict.sabotage is None else verdict.sabotage


def _cells(verdict: Verdict) -> tuple[str, ...]:
    tally = verdict.tally
    return (
        _name(verdict),
        verdict.store,
        *map(str, (tally.kills, tally.at_work, tally.standstills)),
        *map(str, (verdict.faults, verdict.requests, verdict.records, verdict.versions)),
        *(str(verdict.count(kind)) for kind in ("lost", "duplicated", "out of order")),
        str(verdict.count("ledger", "count")),
        f"{verdict.seconds:.0f}",
    )
