"""The goals of a plan: measurable, with a target and a day; they keep their ids for life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fhir_backpain.clinic.assessment import function_score
from fhir_backpain.clinic.patient_story import PatientStory, Visit
from fhir_backpain.clinic.trajectory import severity_at, weight_at


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal as set at the first visit; `aims_down` where a smaller value is better."""

    id: str
    description: str
    measure: str
    priority: str
    expressed_by: str
    baseline: float
    target: int
    due_weeks: int
    aims_down: bool = True

    def element(self, start: date, value: float | None, closing: bool) -> dict[str, Any]:
        """Return the goal with what was reached: `value` now, None when just set."""
        element: dict[str, Any] = {
            "id": self.id,
            "description": self.description,
            "status": "active",
            "priority": self.priority,
            "start": start.isoformat(),
            "due": (start + timedelta(weeks=self.due_weeks)).isoformat(),
            "measure": self.measure,
            "target": self.target,
            "expressed_by": self.expressed_by,
        }
        element["achievement"] = (
            "in-progress" if value is None else self._achievement(value, closing)
        )
        if closing:
            element["status"] = "completed"
        return element

    def _achievement(self, value: float, closing: bool) -> str:
        sign = 1 if self.aims_down else -1
        if sign * value <= sign * self.target:
            return "achieved"
        if closing:
            return "not-achieved"
        gain = sign * (self.baseline - value)
        step = 0.1 * max(1.0, abs(self.baseline - self.target))
        return "improving" if gain > step else "worsening" if gain < -step else "no-change"


def set_goals(story: PatientStory) -> list[Goal]:
    """Return the goals set at the first visit."""
    first = story.visits[0]
    pain = measured(story, first, "pain-nrs")
    function = function_score(story, first)
    names = {"odi": "Oswestry score", "rmdq": "Roland-Morris score"}
    goals = [
        Goal("G1", "Back pain that lets me work", "pain-nrs", "high", "patient",
             pain, max(1, round(pain * 0.5)), 13),
        Goal("G2", f"A better {names[story.function]}", story.function, "medium", "author",
             function, max(1, round(function * 0.6)), 26),
    ]  # fmt: skip
    if "obesity" in story.factors:
        weight = measured(story, first, "body-weight")
        lighter = "A lower body weight"
        goals.append(
            Goal("G3", lighter, "body-weight", "low", "author", weight, round(weight * 0.96), 52)
        )
    elif {"sedentary-lifestyle", "lack-of-exercise"} & set(story.factors):
        active = measured(story, first, "activity-minutes")
        moving = "To be active for 150 minutes a week"
        goals.append(
            Goal("G3", moving, "activity-minutes", "low", "patient", active, 150, 26, False)
        )
    return goals


def measured(story: PatientStory, visit: Visit, measure: str) -> float:
    """Return the value of a goal's measure at a visit."""
    if measure == story.function:
        return function_score(story, visit)
    if measure == "body-weight":
        return weight_at(story, visit.at)
    severity = severity_at(story, visit.at)
    return round(10 * severity) if measure == "pain-nrs" else round(240 - 225 * severity)
