"""Instruments and measures: answers that fit a level of burden, and the scores they add up to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from fhir_backpain.clinic.chance import Chance

Driver = Literal["severity", "distress"]
Items = dict[str, int]
Score = dict[str, Any]
"""What a score says: ``{"score": number}`` or ``{"level": word}``."""


def number(value: float, places: int) -> int | Decimal:
    """Return a value as records hold it: a whole number or a Decimal of so many places."""
    return Decimal(repr(round(value, places))) if places else round(value)


def _total(items: Items) -> int:
    return sum(items.values())


def _odi(items: Items) -> dict[str, Score]:
    return {"odi": {"score": round(_total(items) * 100 / 50)}}


def _peg(items: Items) -> dict[str, Score]:
    return {"peg": {"score": number(_total(items) / 3, 1)}}


def _eq5d(items: Items) -> dict[str, Score]:
    # A straight line stands in for a country's value set, which would need a licence.
    burden = _total(items) - len(items)
    return {"eq5d-index": {"score": number(1 - 0.06 * burden, 2)}}


def _startback(items: Items) -> dict[str, Score]:
    total = _total(items)
    distress = sum(items[item] for item in ("5", "6", "7", "8", "9"))
    level = "low" if total <= 3 else "medium" if distress <= 3 else "high"
    return {
        "startback-total": {"score": total},
        "startback-distress": {"score": distress},
        "startback-risk": {"level": level},
    }


def _sum_as(measure: str) -> Callable[[Items], dict[str, Score]]:
    return lambda items: {measure: {"score": _total(items)}}


@dataclass(frozen=True, slots=True)
class Instrument:
    """A questionnaire: items 1 to `size`, each answered from `low` to `high`."""

    size: int
    low: int
    high: int
    driver: Driver
    scores: Callable[[Items], dict[str, Score]]

    def answer(self, burden: float, chance: Chance) -> Items:
        """Return one answer to every item that fits the burden, 0 to 1."""
        return {str(item): self._answer_one(burden, chance) for item in range(1, self.size + 1)}

    def _answer_one(self, burden: float, chance: Chance) -> int:
        if self.high - self.low == 1:
            return self.low + chance.happens(burden)
        felt = min(1.0, max(0.0, burden + chance.spread(0.3)))
        return self.low + round(felt * (self.high - self.low))


INSTRUMENTS: dict[str, Instrument] = {
    "odi": Instrument(10, 0, 5, "severity", _odi),
    "rmdq": Instrument(24, 0, 1, "severity", _sum_as("rmdq")),
    "peg": Instrument(3, 0, 10, "severity", _peg),
    "eq5d": Instrument(5, 1, 5, "severity", _eq5d),
    "startback": Instrument(9, 0, 1, "distress", _startback),
    "phq2": Instrument(2, 0, 3, "distress", _sum_as("phq2")),
    "phq9": Instrument(9, 0, 3, "distress", _sum_as("phq9")),
    "gad7": Instrument(7, 0, 3, "distress", _sum_as("gad7")),
    "tsk11": Instrument(11, 1, 4, "distress", _sum_as("tsk11")),
    "pcs": Instrument(13, 0, 4, "distress", _sum_as("pcs")),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """A score without items here: its value at the worst and at the best, and its places."""

    worst: float
    best: float
    places: int = 0
    driver: Driver = "severity"

    def score(self, burden: float) -> int | Decimal:
        """Return the value that fits the burden, 0 to 1."""
        return number(self.best + (self.worst - self.best) * burden, self.places)


MEASURES: dict[str, Measure] = {
    "eq5d-vas": Measure(15, 94),
    "qbpds": Measure(92, 4),
    "psfs": Measure(1, 9.5, 1),
    "bpi-interference": Measure(9.5, 0.2, 1),
    "bpi-severity": Measure(9, 0.3, 1),
    "sf12-pcs": Measure(24, 56, 1),
    "sf12-mcs": Measure(26, 58, 1, "distress"),
    "fabq-pa": Measure(23, 3, driver="distress"),
    "fabq-work": Measure(40, 4, driver="distress"),
    "ndi": Measure(38, 3),
    "promis-pf-t": Measure(26, 57, 1),
    "promis-pain-interference-t": Measure(77, 42, 1),
    "promis-sleep-t": Measure(70, 44, 1),
    "promis-depression-t": Measure(74, 40, 1, "distress"),
    "promis-anxiety-t": Measure(76, 41, 1, "distress"),
    "promis-global-physical-t": Measure(28, 57, 1),
    "promis-global-mental-t": Measure(29, 59, 1, "distress"),
    "activity-minutes": Measure(15, 240),
}
