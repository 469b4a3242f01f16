"""The bench's report: plain text for people, JSON for comparing runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.memory import Stream
from bench.race import CHECKED, Lane
from bench.stages import medians


def race_lines(lanes: Sequence[Lane], versions: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Yield the race's table; a lane whose output differed is named, without figures."""
    rounds = len(lanes[0].rates)
    yield "JSON line in, transaction Bundle out: records per CPU second"
    yield f"median of {rounds} interleaved rounds; output of {CHECKED} records was equal"
    yield ""
    yield f"{'engine':<32}{'records/s':>10}{'min':>9}{'max':>9}  {'ours is':<16}"
    for lane in lanes:
        if lane.difference:
            yield f"{lane.engine.title:<32}left out: other output, {lane.difference}"
            continue
        figures = f"{lane.rate:>10,.0f}{min(lane.rates):>9,.0f}{max(lane.rates):>9,.0f}"
        yield f"{lane.engine.title:<32}{figures}  {_ratio(lane, lanes[0])}"
    yield ""
    for lane in lanes:
        packages = versions[lane.engine.name].items()
        used = ", ".join(f"{name} {version}" for name, version in packages)
        yield f"{lane.engine.title}: {lane.runtime}, {used}; {lane.engine.note}"


def stage_lines(rates: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """Yield the stage figures."""
    yield "Stages of fhir_backpain: records per CPU second"
    for name, rate in medians(rates).items():
        low, high = min(rates[name]), max(rates[name])
        yield f"{name:<32}{rate:>10,.0f}{low:>9,.0f}{high:>9,.0f}"


def memory_lines(streams: Sequence[Stream], problems: Sequence[str]) -> Iterator[str]:
    """Yield the memory figures and what breaks their promise."""
    yield "NDJSON read, checked, mapped and bundled: peak resident memory"
    for stream in streams:
        rate = stream.records / stream.cpu
        yield f"{stream.records:>10,} records{stream.peak_mib:>10.1f} MiB{rate:>12,.0f} records/s"
    for problem in problems:
        yield f"PROBLEM: {problem}"


def to_json(lane: Lane, ours: Lane) -> dict[str, Any]:
    """Return a lane as JSON data."""
    base = {"engine": lane.engine.name, "title": lane.engine.title, "runtime": lane.runtime}
    if lane.difference:
        return {**base, "difference": lane.difference}
    return {
        **base,
        "note": lane.engine.note,
        "recordsPerSecond": lane.rate,
        "rounds": lane.rates,
        "oursIsTimes": lane.times_slower(ours),
    }


def _ratio(lane: Lane, ours: Lane) -> str:
    if lane is ours:
        return "1"
    ratio = lane.times_slower(ours)
    digits = 2 if ratio < 10 else 0
    return f"{ratio:.{digits}f} times as fast"
