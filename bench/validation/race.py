"""The race: in each round every validator takes its turn, at resources that it never saw.

They are mapped from variations of records: the same kinds in the same proportion for each,
with new patients, ids and dates, so that none can answer from a memory of the turn before.
A turn is of bytes, from JSON text to verdict, each with the quickest parse it can have; and
then one is of data, parsed before the clock starts. Both come in small batches as in a stream.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from statistics import median
from time import perf_counter, process_time
from typing import Any

from bench.validation.engines import Validator, validators
from bench.validation.stream import Stream
from fhir_backpain.fhir import json_text

_BATCH = 25
_FEW = 50  # resources of a round, for a validator in another process


@dataclass(slots=True)
class Lane:
    """One validator's results: resources per second by round, and what it refuses.

    `rates` are from bytes to verdict, `data_rates` of data that were parsed before; there are none
    where it takes texts alone.
    """

    validator: Validator
    defects: int = 0
    wrong: str | None = None
    rates: list[float] = field(default_factory=list)
    data_rates: list[float] = field(default_factory=list)

    def times_slower(self, ours: Lane) -> float:
        """Return the median over the rounds of our rate divided by this one's, from bytes."""
        return _ratio(ours.rates, self.rates)

    def times_slower_of_data(self, ours: Lane) -> float | None:
        """Return the same of data; None where the validator takes none."""
        return _ratio(ours.data_rates, self.data_rates) if self.data_rates else None

    def packages(self) -> dict[str, str]:
        """Return the version of each package that did the work."""
        return {name: version(name) for name in self.validator.packages}


def race(
    rounds: int, seconds: float, types: tuple[str, ...] | None = None, *, full: bool = False
) -> list[Lane]:
    """Return a lane for each validator that runs here, ours first; `types` narrows what is judged.

    With `full`, a full assessment and care plan come beside each work item. A validator that
    refuses a good resource does not run.
    """
    source = Stream(types, full=full)
    checked = source.some(60)
    names = sorted({_type(text) for text in checked})
    with ExitStack() as stack:
        lanes = [Lane(one) for one in validators(stack, names)]
        for lane in lanes:
            _judge_known(lane, checked)
        running = [lane for lane in lanes if lane.wrong is None]
        for _ in range(rounds + 1):  # the first round warms up
            for lane in running:
                one = lane.validator
                lane.rates.append(_round(one, one.of_text, one.takes, source, seconds))
            for lane in running:
                one = lane.validator
                if one.of_data is not None:
                    rate = _round(one, one.of_data, one.takes_data, source, seconds)
                    lane.data_rates.append(rate)
        for lane in running:
            del lane.rates[0], lane.data_rates[:1]
    return lanes


def _judge_known(lane: Lane, texts: list[str]) -> None:
    """Note a good resource that is refused, and how many of the known defects are."""
    wrong = [text for text in texts if not _is_good(lane.validator, text)]
    if wrong:
        lane.wrong = f"refuses a good {_type(wrong[0])}"
    lane.defects = sum(not _is_good(lane.validator, text) for text in defects(texts))


def _is_good(validator: Validator, text: str) -> bool:
    verdict = validator.of_text(validator.takes(text))
    if validator.of_data is not None and validator.of_data(validator.takes_data(text)) != verdict:
        raise AssertionError(f"{validator.name} judges text and data otherwise")
    return verdict


def _round(
    validator: Validator,
    judge: Callable[[Any], bool],
    takes: Callable[[str], Any],
    source: Stream,
    seconds: float,
) -> float:
    """Return the resources per second of one round: of CPU time, or the wall's outside."""
    clock: Callable[[], float] = perf_counter if validator.is_outside else process_time
    count, spent = 0, 0.0
    while spent < seconds and not (validator.is_outside and count >= _FEW):
        batch = [takes(text) for text in source.some(_BATCH)]
        start = clock()
        for resource in batch:
            judge(resource)
        spent += clock() - start
        count += len(batch)
    return count / spent


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return median(a / b for a, b in zip(ours, theirs, strict=True))


DEFECTS: tuple[tuple[str, Callable[[dict[str, Any]], object]], ...] = (
    ("unknown element", lambda one: one.update(paint=1)),
    ("unknown element of a datatype", lambda one: one["code"].update(paint=1)),
    ("text for an object", lambda one: one.update(subject="x")),
    ("status missing", lambda one: one.pop("status")),
    ("unknown status", lambda one: one.update(status="bogus")),
    ("30 February", lambda one: one.update(effectiveDateTime="2024-02-30")),
    ("two values", lambda one: one.update(valueString="x", valueInteger=1)),
    ("subject of a wrong type", lambda one: one["subject"].update(reference="Encounter/1")),
    ("value and reason", lambda one: one.update(dataAbsentReason={"text": "x"})),
    ("code without system", lambda one: one.update(
        valueQuantity={"value": 1, "code": "x"})),
    ("empty object", lambda one: one.update(method={})),
    ("script", lambda one: one.update(text={
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>'})),
)  # fmt: skip
"""Defects of an Observation with a Quantity, each a mistake that HL7's validator refuses."""


def defects(texts: list[str]) -> list[str]:
    """Return an Observation with each of the known defects."""
    good = next(
        data for text in texts
        if (data := json_text.parse(text))["resourceType"] == "Observation"
        and "valueQuantity" in data
    )  # fmt: skip
    made = []
    for _, spoil in DEFECTS:
        one = copy.deepcopy(good)
        spoil(one)
        made.append(json_text.dump(one))
    return made


def _type(text: str) -> str:
    name: str = json_text.parse(text)["resourceType"]
    return name
