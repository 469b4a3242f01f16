"""The report of the validation race: plain text for people, JSON for comparing runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from bench.validation.engines import US_CORE
from bench.validation.race import DEFECTS, Lane


def validation_lines(lanes: Sequence[Lane], what: str) -> Iterator[str]:
    """Yield the table of one race; a validator that refuses good resources has no figures."""
    yield f"Validating {what}: resources per CPU second"
    yield "from bytes: of JSON text, each validator with its quickest parse; of data: parsed before"
    yield f"median of {len(lanes[0].rates)} interleaved rounds of fresh resources"
    yield ""
    defects = f"of {len(DEFECTS)} defects"
    yield (
        f"{'validator':<28}{defects:>13}{'from bytes':>12}{'min':>9}{'max':>9}  {'ours is':<20}"
        f"{'of data':>9}  ours is"
    )
    for lane in lanes:
        yield _line(lane, lanes[0])
    if not any(lane.validator.is_outside for lane in lanes):
        yield f"HL7's validator is left out: it needs Java, and US Core named in {US_CORE}"
    else:
        yield "HL7's validator works in a process of its own: seconds of the wall's clock"


def _line(lane: Lane, ours: Lane) -> str:
    if lane.wrong:
        return f"{lane.validator.title:<28}left out: {lane.wrong}"
    figures = f"{median(lane.rates):>12,.0f}{min(lane.rates):>9,.0f}{max(lane.rates):>9,.0f}"
    line = f"{lane.validator.title:<28}{lane.defects:>13}{figures}"
    line += f"  {_times(lane.times_slower(ours), is_ours=lane is ours):<20}"
    if (times := lane.times_slower_of_data(ours)) is None:
        return f"{line}{'-':>9}"
    return f"{line}{median(lane.data_rates):>9,.0f}  {_times(times, is_ours=lane is ours)}"


def _times(ratio: float, *, is_ours: bool) -> str:
    return "1" if is_ours else f"{ratio:.2f} times as fast"


def to_json(lanes: Sequence[Lane]) -> list[dict[str, Any]]:
    """Return the lanes as JSON data."""
    return [
        {
            "validator": lane.validator.name,
            "packages": lane.packages(),
            "defectsRefused": lane.defects,
            **({"wrong": lane.wrong} if lane.wrong else _figures(lane, lanes[0])),
        }
        for lane in lanes
    ]


def _figures(lane: Lane, ours: Lane) -> dict[str, Any]:
    """Return the figures from bytes, and where there are any those of data."""
    found: dict[str, Any] = {
        "resourcesPerSecond": median(lane.rates),
        "rounds": lane.rates,
        "oursIsTimes": lane.times_slower(ours),
    }
    if lane.data_rates:
        found["ofData"] = {
            "resourcesPerSecond": median(lane.data_rates),
            "rounds": lane.data_rates,
            "oursIsTimes": lane.times_slower_of_data(ours),
        }
    return found
