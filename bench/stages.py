"""How fast each stage of the way is by itself: reading, checking, mapping, bundling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from itertools import count
from statistics import median
from time import process_time
from typing import Any

from bench.work_item import lines
from fhir_backpain.fhir.bundle import put_bundle
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.record import SourceRecord
from fhir_backpain.sources.ndjson import read_ndjson
from fhir_backpain.validation.record import RecordChecker

_BATCH = 25  # small, as in a stream: many live records would slow the later stages


def measure(rounds: int, seconds: float) -> dict[str, list[float]]:
    """Return records per CPU second by round, for each stage; the stages take turns."""
    stages = _stages()
    rates: dict[str, list[float]] = {name: [] for name, _ in stages}
    batches = count(1, _BATCH)
    for number in range(rounds + 1):
        spent = {name: 0.0 for name, _ in stages}
        records = 0
        while min(spent.values()) < seconds:
            batch: Any = b"\n".join(lines(next(batches), _BATCH))
            records += _BATCH
            for name, stage in stages:
                start = process_time()
                batch = stage(batch)
                spent[name] += process_time() - start
                if len(batch) != _BATCH:
                    raise RuntimeError(f"{name} lost a record")
        if number:  # the first round warms up
            for name, taken in spent.items():
                rates[name].append(records / taken)
    return rates


def medians(rates: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return the median rate of each stage."""
    return {name: median(values) for name, values in rates.items()}


def _stages() -> list[tuple[str, Callable[[Any], Any]]]:
    """Return the stages; each takes what the one before it gives."""
    mapper = load_mapper()
    checker = RecordChecker(mapper.library.vocabulary, mapper.library.ranges)

    def read(text: bytes) -> list[Any]:
        readings = read_ndjson(BytesIO(text))
        return [reading.data for reading in readings if isinstance(reading, SourceRecord)]

    def check(records: list[Any]) -> list[Any]:
        return [record for record in records if not checker.check(record)]

    def bundle(made: list[Any]) -> list[bytes]:
        return [put_bundle(resources).encode() for resources in made]

    return [
        ("reading", read),
        ("checking", check),
        ("mapping", lambda records: [mapper(record) for record in records]),
        ("bundling", bundle),
    ]
