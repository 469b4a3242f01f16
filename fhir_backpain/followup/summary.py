"""A trajectory in words: its name, what the change comes to, and its values as a table."""

from __future__ import annotations

from collections.abc import Iterator

from fhir_backpain.followup.history import plain_number
from fhir_backpain.followup.trajectory import Trajectory

_DIRECTIONS = {"lower-is-better": "lower is better", "higher-is-better": "higher is better"}
VERDICTS = {
    "better": "importantly better",
    "worse": "importantly worse",
    "no important change": "no important change",
}
"""What each verdict is called in a sentence."""


def name_of(trajectory: Trajectory) -> str:
    """Return the measure with its place, unit and direction.

    Example: ``pain-nrs, low-back left ({score}; lower is better)``.
    """
    key = trajectory.key
    place = " ".join(part for part in (key.site, key.side) if part)
    head = f"{key.measure}, {place}" if place else key.measure
    return f"{head} ({trajectory.scale.unit}; {direction_of(trajectory)})"


def direction_of(trajectory: Trajectory) -> str:
    """Return which way is better, in words."""
    return _DIRECTIONS.get(trajectory.scale.measure.direction or "", "no direction known")


def gist_of(trajectory: Trajectory) -> str:
    """Return baseline, latest, best, change and what the change means, in one line."""
    return "; ".join(_gist(trajectory))


def _gist(trajectory: Trajectory) -> Iterator[str]:
    baseline, latest, best = trajectory.baseline, trajectory.latest, trajectory.best
    if baseline is None or baseline.value is None or latest is None or latest.value is None:
        yield "no value"
        return
    yield f"baseline {plain_number(baseline.value)} ({baseline.day})"
    change = trajectory.change
    if change is None:
        yield "no second value"
        return
    yield f"latest {plain_number(latest.value)} ({latest.day})"
    if best is not None and best.value is not None:
        yield f"best {plain_number(best.value)}"
    percent = trajectory.change_percent
    share = f" ({_signed(plain_number(percent))} %)" if percent is not None else ""
    yield f"change {_signed(plain_number(change))}{share}"
    if trajectory.verdict is None or trajectory.threshold is None:
        yield "important change not known"
    else:
        least = plain_number(trajectory.threshold)
        yield f"{VERDICTS[trajectory.verdict]} (at least {least} counts)"


def table_lines(trajectory: Trajectory, *, with_records: bool = True) -> list[str]:
    """Return the trajectory as lines: its name, its gist, and a row for each value.

    A record's id may hold the patient's number; `with_records` tells whether it is shown.
    """
    rows = [name_of(trajectory), gist_of(trajectory)]
    for point in trajectory.points:
        if point.value is None:
            value = f"missing: {point.missing_reason}"
        else:
            band = trajectory.scale.band(point.value)
            value = plain_number(point.value) + (f", {band}" if band else "")
        record = f"  [{point.record}]" if with_records else ""
        rows.append(f"  {point.at}  {value}{record}")
    return rows


def _signed(number: str) -> str:
    return number if number == "0" or number.startswith("-") else f"+{number}"
