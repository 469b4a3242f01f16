"""What a clinic sends during the soak, and what a server must hold afterwards.

The clinic's records come as they were recorded, plans in several versions, patients mixed.
One patient in four sends everything, the others what they measure at home: so it takes tens of
thousands of records to make a hundred thousand resources.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice, pairwise
from operator import length_hint
from pathlib import Path
from typing import Any, NamedTuple

from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.fhir.json_text import dump
from fhir_backpain.fhir.moment import Moment, moment_of
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.record import RecordKey, as_of, key_of

_ALL = 4  # one patient in so many sends everything


class Said(NamedTuple):
    """What a version of a record says of a resource, and as of when; `tells` is False where any
    other record has more to say."""

    tells: bool
    moment: Moment
    key: RecordKey
    text: str


@dataclass(slots=True)
class Expected:
    """One resource: all that was said of it, in the order in which it was said."""

    said: list[Said] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What the server must have in the end: the latest that holds."""
        newest = {one.key: one for one in self.said}.values()
        held = [one for one in reversed(self.said) if one in newest]
        return max(held, key=lambda one: (one.tells, one.moment)).text  # of equals the last said

    @property
    def versions(self) -> int:
        """How many versions the server may have at most: one for each change in time."""
        texts = [one.text for one in sorted(self.said, key=lambda one: (one.tells, one.moment))]
        return 1 + sum(one != other for one, other in pairwise(texts))


@dataclass(slots=True)
class Feed:
    """A file of records, one a line, and what they make by relative URL."""

    records: int
    expected: dict[str, Expected]


def write_feed(path: Path, mapper: Mapper, *, patients: int, resources: int, seed: int) -> Feed:
    """Write records of a clinic that make at least so many resources, the same for each patient.

    Raises ValueError where its patients have no more to say.
    """
    depth = _depth(mapper, patients, resources, seed)
    feed = Feed(0, {})
    with path.open("w", encoding="utf-8") as file:
        for data in _interleaved(patients, depth, seed):
            file.write(dump(data) + "\n")
            feed.records += 1
            for made in mapper(data):
                said = Said(not made.only_if_new, moment_of(as_of(data)), key_of(data), made.text)
                feed.expected.setdefault(made.url, Expected()).said.append(said)
    return feed


def _depth(mapper: Mapper, patients: int, resources: int, seed: int) -> int:
    """Return how many records each patient must have."""
    made: list[int] = []
    for versions in _by_patient(patients, seed):
        seen: set[str] = set()
        for place, data in enumerate(versions):
            new = {one.url for one in mapper(data)} - seen
            seen |= new
            made += [0] * (place + 1 - len(made))
            made[place] += len(new)
    total = 0
    for depth, count in enumerate(made, start=1):
        total += count
        if total >= resources:
            return depth
    raise ValueError(f"{patients} patients make only {total} resources")


def _interleaved(patients: int, depth: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the records of all patients mixed, those of each in their order."""
    left = [iter(list(islice(versions, depth))) for versions in _by_patient(patients, seed)]
    turns = [number for number, versions in enumerate(left) for _ in range(length_hint(versions))]
    random.Random(seed).shuffle(turns)  # noqa: S311 - repeatable on purpose
    return (next(left[number]) for number in turns)


def _by_patient(patients: int, seed: int) -> Iterator[Iterator[dict[str, Any]]]:
    """Yield the records of each patient, in every version, in the order of their recording."""
    history = groupby(Clinic(seed, patients).history(), lambda data: key_of(data).patient)
    for number, (_, versions) in enumerate(history):
        kept = [one for one in versions if number % _ALL == 0 or one["record"] == "observation"]
        yield iter(kept)
