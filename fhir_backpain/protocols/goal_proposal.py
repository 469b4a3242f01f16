"""Goals that a draft proposes: from a measured baseline to the least change that matters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from fhir_backpain.instruments.instrument import Measure
from fhir_backpain.mapping.library import Library
from fhir_backpain.protocols.case import Case


@dataclass(frozen=True, slots=True)
class GoalProposal:
    """A measure for which a goal was thought of: the goal, or why none is proposed."""

    measure: str
    goal: dict[str, Any] | None
    why: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {"measure": self.measure, "goal": self.goal, "why": self.why}


def propose_goal(
    key: str, case: Case, library: Library, due_weeks: int, prefix: str
) -> GoalProposal:
    """Return a goal for a measure: its target is the baseline, better by the important change.

    A target that is not a whole number is moved to the next better one where the baseline is
    whole. `prefix` makes the goal's id one of the draft alone, so that no goal of the patient is
    overwritten.
    """
    measures = {
        name: one for each in library.instruments.values() for name, one in each.measures.items()
    }
    measure, baseline = measures[key], case.score(key)
    if baseline is None:
        return GoalProposal(key, None, "The assessment has no value of it.")
    target = _target(measure, baseline)
    if isinstance(target, str):
        return GoalProposal(key, None, target)
    start = date.fromisoformat(case.day)
    goal = {
        "id": f"{prefix}-{key}",
        "description": _description(
            library.concepts[measure.code].display, measure, baseline, target
        ),
        "status": "proposed",
        "start": start.isoformat(),
        "due": (start + timedelta(weeks=due_weeks)).isoformat(),
        "measure": key,
        "target": int(target) if target == target.to_integral_value() else target,
    }
    return GoalProposal(
        key, goal, f"The baseline, the worst where there are several sites, is {_plain(baseline)}."
    )


def _target(measure: Measure, baseline: Decimal) -> Decimal | str:
    """Return the target, or why there is none."""
    change = measure.important_change
    if change is None or measure.direction is None:
        return "The measure names no direction or no important change."
    least = abs(baseline) * change.value / 100 if change.is_percent else change.value
    is_down = measure.direction == "lower-is-better"
    target = baseline - least if is_down else baseline + least
    if baseline == baseline.to_integral_value():
        target = target.to_integral_value(ROUND_FLOOR if is_down else ROUND_CEILING)
    low, high = measure.value_range or (target, target)
    if not least or not low <= target <= high:
        return "The baseline leaves no room for an important change."
    return target


def _description(title: str, measure: Measure, baseline: Decimal, target: Decimal) -> str:
    change = measure.important_change
    assert change is not None
    share = " %" if change.is_percent else ""
    return (
        f"{title}: from {_plain(baseline)} to {_plain(target)} or better, "
        f"the least important change ({_plain(change.value)}{share}; {change.source})"
    )


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
