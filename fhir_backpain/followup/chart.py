"""A trajectory as JSON data that a script only has to draw: every number is computed here.

Numbers are there to draw with; what is told of a value is a text, with the number exactly as it
is. The patient is not named, nor are ids of records, which may hold the patient's number.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from fhir_backpain.followup.history import plain_number
from fhir_backpain.followup.measurement import Point
from fhir_backpain.followup.plot import Plot
from fhir_backpain.followup.summary import VERDICTS, direction_of, name_of
from fhir_backpain.followup.trajectory import PlanMark, Trajectory

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def chart_of(trajectory: Trajectory) -> dict[str, Any]:
    """Return what a plot of a trajectory shows, the same that `picture.draw` draws.

    Times are whole seconds since 1970 in UTC; `low` and `high` are the ends of the scale, `ticks`
    its labels. `band` is where a change from the baseline is not important, None where that is
    not known. A point whose `value` is None is missing. `told` is what a point or a change of the
    plan (`marks`) comes to, in words.
    """
    plot = Plot.of(trajectory, 0)
    return {
        "name": name_of(trajectory),
        "direction": direction_of(trajectory),
        "sign": trajectory.scale.sign,
        "first": _seconds(plot.first),
        "last": _seconds(plot.last),
        "low": plot.low,
        "high": plot.high,
        "ticks": [{"value": value, "text": plain_number(value)} for value in plot.ticks()],
        "baseline": trajectory.baseline and trajectory.baseline.value,
        "band": _band(trajectory),
        "points": list(_points(trajectory)),
        "marks": list(_marks(trajectory)),
    }


def told_of_mark(number: int, mark: PlanMark) -> str:
    """Return what a change of the plan is, by the number that it has in the plots.

    Example: ``Plan change 2, 2026-03-02: exercise-therapy: frequency 2/week -> 3/week``.
    """
    return f"Plan change {number}, {mark.at[:10]}: {mark.words}"


def _band(trajectory: Trajectory) -> dict[str, Any] | None:
    band = trajectory.unimportant
    return band and {"low": band[0], "high": band[1]}


def _points(trajectory: Trajectory) -> Iterator[dict[str, Any]]:
    for point in trajectory.points:
        told = "; ".join(_told(point, trajectory))
        yield {"time": _seconds(point.moment[0]), "value": point.value, "told": told}


def _told(point: Point, trajectory: Trajectory) -> Iterator[str]:
    if point.value is None:
        yield f"{point.at}: missing, {point.missing_reason}"
        return
    band = trajectory.scale.band(point.value)
    yield f"{point.at}: {plain_number(point.value)}" + (f", {band}" if band else "")
    baseline = trajectory.baseline
    if baseline is point:
        yield "the baseline"
    elif baseline is not None and baseline.value is not None:
        verdict = trajectory.scale.verdict(baseline.value, point.value)
        if verdict is not None:
            yield f"{VERDICTS[verdict]} since the baseline"


def _marks(trajectory: Trajectory) -> Iterator[dict[str, Any]]:
    for number, mark in enumerate(trajectory.marks, start=1):
        told = told_of_mark(number, mark)
        yield {"time": _seconds(mark.moment[0]), "number": number, "told": told}


def _seconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(seconds=1)
