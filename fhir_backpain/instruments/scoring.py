"""Scores from answers, by the published rule that an instrument's file declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from fhir_backpain.instruments.instrument import Instrument, Measure
from fhir_backpain.instruments.interpretation import Band
from fhir_backpain.instruments.scoring_rule import Formula, Levels, Scoring

Answers = Mapping[str, Decimal | int]


@dataclass(frozen=True, slots=True)
class Missing:
    """No score can be computed, and why."""

    reason: Literal["too many answers are missing", "an answer is none that its item takes"]


_TOO_MANY = Missing("too many answers are missing")
_NO_ANSWER = Missing("an answer is none that its item takes")


def score(instrument: Instrument, answers: Answers) -> dict[str, Decimal | str | Missing]:
    """Return the score of each measure that the instrument's scoring gives: a number or a level.

    `answers` are by item id; others than the instrument's items are passed over. Numbers are not
    rounded. Without scoring in the instrument's file there is no score.

    FHIR: QuestionnaireResponse.item, http://hl7.org/fhir/R4/questionnaireresponse.html
    """
    scoring, found = instrument.scoring, dict[str, Decimal | str | Missing]()
    for measure, rule in scoring.rules.items() if scoring else ():
        assert scoring is not None
        if isinstance(rule, Formula):
            found[measure] = _number(rule, scoring, answers)
        else:
            found[measure] = _level(rule, found)
    return found


def band_of(measure: Measure, value: Decimal) -> Band | None:
    """Return the band of severity of a score, None outside the range or where it has no bands."""
    if measure.value_range is None or value < measure.value_range[0]:
        return None
    return next((band for band in measure.bands if value <= band.upto), None)


def _number(rule: Formula, scoring: Scoring, answers: Answers) -> Decimal | Missing:
    there = tuple(item for item in rule.items if item in answers)
    if len(there) < len(rule.items) - rule.may_miss:
        return _TOO_MANY
    points = [scoring.points_of(item, Decimal(answers[item])) for item in there]
    known = [one for one in points if one is not None]
    if len(known) < len(points):
        return _NO_ANSWER
    total = sum(known, Decimal(0))
    if rule.operation == "sum":
        return total * len(rule.items) / len(there) if len(there) < len(rule.items) else total
    if rule.operation == "mean":
        return total / len(there)
    low, high = scoring.range_of(there)
    return 100 * (total - low) / (high - low)


def _level(rule: Levels, found: Mapping[str, Decimal | str | Missing]) -> str | Missing:
    for step in rule.steps:
        if step.measure is None or step.value_range is None:
            return step.level
        value = found[step.measure]
        if isinstance(value, Missing):
            return value
        if isinstance(value, Decimal) and step.value_range[0] <= value <= step.value_range[1]:
            return step.level
    raise AssertionError("the last level holds in any case")
