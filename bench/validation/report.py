"""The report of the validation race: plain text for people, JSON for comparing runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench.validation.engines import US_CORE
from bench.validation.race import DEFECTS, Lane


def validation_lines(lanes: Sequence[Lane], what: str) -> Iterator[str]:
    """Yield the table of one race; a validator that refuses good resources has no figures."""
    yield f"Validating {what}: resources per CPU second, parsed before the clock starts"
    yield f"median of {len(lanes[0].rates)} interleaved rounds of fresh resources"
    yield ""
    defects = f"of {len(DEFECTS)} defects"
    yield f"{'validator':<28}{'resources/s':>12}{'min':>9}{'max':>9}{defects:>15}  ours is"
    for lane in lanes:
        if lane.wrong:
            yield f"{lane.validator.title:<28}left out: {lane.wrong}"
            continue
        figures = f"{lane.rate:>12,.0f}{min(lane.rates):>9,.0f}{max(lane.rates):>9,.0f}"
        ratio = "1" if lane is lanes[0] else f"{lane.times_slower(lanes[0]):.2f} times as fast"
        yield f"{lane.validator.title:<28}{figures}{lane.defects:>15}  {ratio}"
    if not any(lane.validator.is_outside for lane in lanes):
        yield f"HL7's validator is left out: it needs Java, and US Core named in {US_CORE}"
    else:
        yield "HL7's validator works in a process of its own: seconds of the wall's clock"


def to_json(lanes: Sequence[Lane]) -> list[dict[str, Any]]:
    """Return the lanes as JSON data."""
    return [
        {
            "validator": lane.validator.name,
            "packages": lane.packages(),
            "defectsRefused": lane.defects,
            **({"wrong": lane.wrong} if lane.wrong else {
                "resourcesPerSecond": lane.rate,
                "rounds": lane.rates,
                "oursIsTimes": lane.times_slower(lanes[0]),
            }),
        }
        for lane in lanes
    ]  # fmt: skip
