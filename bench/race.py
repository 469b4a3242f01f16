"""The race: every engine does the same work in turn, and only equal output counts.

Each round gives each engine fresh variations of the work item, enough for half a second of its
CPU time, so that all engines see the same noise of the machine. Ratios are taken within a round.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

from bench.engine import ENGINES, OURS, Engine, Worker
from bench.work_item import lines

CHECKED = 60
_WARM_UP = 0.5


@dataclass(slots=True)
class Lane:
    """One engine's results: records per CPU second by round, and how it differs, if it does."""

    engine: Engine
    runtime: str
    difference: str | None = None
    rates: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Return the median of records per CPU second."""
        return median(self.rates)

    def times_slower(self, ours: Lane) -> float:
        """Return the median over the rounds of our rate divided by this one's."""
        return median(a / b for a, b in zip(ours.rates, self.rates, strict=True))


def race(tables: Path, rounds: int, seconds: float) -> list[Lane]:
    """Return a lane for each engine; one whose output differs from ours does not run."""
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(engine, tables)) for engine in ENGINES]
        lanes = [Lane(worker.engine, worker.runtime) for worker in workers]
        _compare(workers, lanes)
        running = [
            (worker, lane)
            for worker, lane in zip(workers, lanes, strict=True)
            if lane.difference is None
        ]
        estimates = {worker.engine.name: _warmed_up(worker) for worker, _ in running}
        serial = CHECKED
        for _ in range(rounds):
            for worker, lane in running:
                rate, serial = _round(worker, estimates[lane.engine.name], seconds, serial)
                estimates[lane.engine.name] = rate
                lane.rates.append(rate)
    return lanes


def _compare(workers: Sequence[Worker], lanes: Sequence[Lane]) -> None:
    batch = list(lines(1, CHECKED))
    expected = [canonical(text) for text in workers[0].show(batch)]
    assert workers[0].engine is OURS
    for worker, lane in zip(workers[1:], lanes[1:], strict=True):
        made = [canonical(text) for text in worker.show(batch)]
        lane.difference = first_difference(expected, made)


def _warmed_up(worker: Worker) -> float:
    """Return a first estimate of the rate, after enough work for a compiler to settle."""
    rate, count, spent = 0.0, 20, 0.0
    while spent < _WARM_UP:
        cpu = worker.time(list(lines(1, count)))
        spent += cpu
        rate = count / max(cpu, 1e-6)
        count = max(20, ceil(rate * _WARM_UP / 2))
    return rate


def _round(worker: Worker, estimate: float, seconds: float, serial: int) -> tuple[float, int]:
    """Return the rate over at least `seconds` of CPU time, and the next unused number."""
    records, spent = 0, 0.0
    while spent < seconds:
        count = max(10, ceil(estimate * (seconds - spent) * 1.1))
        spent += worker.time(list(lines(serial, count)))
        serial += count
        records += count
    return records / spent, serial


def canonical(text: str | bytes) -> Any:
    """Return the parsed JSON, numbers compared by value: 1 equals 1.0."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def first_difference(expected: Iterable[Any], made: Iterable[Any]) -> str | None:
    """Return the JSON pointer of the first difference between two lists of data, or None."""
    for number, (one, other) in enumerate(zip(expected, made, strict=True), start=1):
        pointer = _difference(one, other, "")
        if pointer is not None:
            return f"record {number} at {pointer or '(whole Bundle)'}"
    return None


def _difference(one: Any, other: Any, pointer: str) -> str | None:
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        pairs = [(key, one[key], other[key]) for key in one]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(str(index), *both) for index, both in enumerate(zip(one, other, strict=True))]
    else:
        return None if type(one) is type(other) and one == other else pointer
    found = (_difference(left, right, f"{pointer}/{key}") for key, left, right in pairs)
    return next((place for place in found if place is not None), None)
