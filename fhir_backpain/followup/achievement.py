"""How near a goal is, proposed from the measured values beside what the clinician recorded.

The rules, in this order. *Baseline* is the last value up to the day on which the goal starts, or
the first value after it; *latest* is the last value up to the day of judgement; a *follow-up* is a
value after the baseline. Days are those of the place where a value was taken.

1. No measure, no target or no value: nothing is proposed, and the reason is said.
2. No follow-up: ``in-progress``; past the due day nothing is proposed, as nobody measured.
3. The latest follow-up meets the target: ``sustaining`` where the one before it did too,
   ``achieved`` otherwise.
4. It does not, and the due day is past: ``no-progress`` where the change towards the target is
   less than the measure's important change, ``not-achieved`` otherwise, or where that is unknown.
5. It does not, and the due day is not past: ``improving`` or ``worsening`` where the change from
   the baseline is at least the important change, ``no-change`` where it is less. Where the
   measure names no important change, ``in-progress``: nothing tells a change from chance.

A target is met at or below it where lower is better, at or above it where higher is better. Where
the measure does not say which is better, the target's place beside the baseline decides.
``not-attainable`` is never proposed: that is for a person to say.

A goal names no site. Where a measure was taken at several sites, those of the back count; where
that leaves more than one series, nothing is proposed.

FHIR: Goal.achievementStatus, http://terminology.hl7.org/CodeSystem/goal-achievement
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from fhir_backpain.followup.history import by_patient, plain_number
from fhir_backpain.followup.measurement import Point, SeriesKey, series_of
from fhir_backpain.followup.trajectory import Scale, scales_of
from fhir_backpain.mapping.library import Library
from fhir_backpain.record import SourceRecord, as_of, key_of

AchievementCode = Literal[
    "in-progress", "improving", "worsening", "no-change", "achieved", "sustaining",
    "not-achieved", "no-progress",
]  # fmt: skip

_BACK = frozenset((
    "", "back", "low-back", "left-low-back", "right-low-back", "thoracic-spine", "lumbar-spine",
    "lumbosacral-region", "sacroiliac-joint",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Achievement:
    """What the values say of a goal: `proposed` is None where they say nothing, `why` in words.

    `recorded` is what the record says now; it stands until a clinician accepts the proposal.
    `gain` is the change towards the better since the baseline, `distance` what is left to the
    target; both in units, and negative where it is the other way.
    """

    patient: str
    source: str
    plan: str
    goal: dict[str, Any]
    judged_on: str
    proposed: AchievementCode | None
    why: str
    series: SeriesKey | None = None
    unit: str | None = None
    baseline: Point | None = None
    latest: Point | None = None
    gain: Decimal | None = None
    distance: Decimal | None = None
    important_change: Decimal | None = None

    @property
    def recorded(self) -> str | None:
        """The achievement that the record has."""
        return self.goal.get("achievement")

    @property
    def differs(self) -> bool:
        """True where something other than what is recorded is proposed."""
        return self.proposed is not None and self.proposed != self.recorded

    def to_json(self) -> dict[str, Any]:
        """Return the proposal with the numbers behind it; numbers are Decimal."""
        return {
            "patient": self.patient,
            "plan": self.plan,
            "goal": self.goal["id"],
            "measure": self.goal.get("measure"),
            "site": (self.series.site or None) if self.series else None,
            "unit": self.unit,
            "target": self.goal.get("target"),
            "start": self.goal["start"],
            "due": self.goal.get("due"),
            "judgedOn": self.judged_on,
            "baseline": _told(self.baseline),
            "latest": _told(self.latest),
            "gain": self.gain,
            "distance": self.distance,
            "importantChange": self.important_change,
            "recorded": self.recorded,
            "proposed": self.proposed,
            "differs": self.differs,
            "why": self.why,
        }


def achievements(
    records: Iterable[SourceRecord], library: Library, on: str | None = None
) -> tuple[Achievement, ...]:
    """Return a proposal for each goal that is not cancelled, of the plan that has it last.

    `on` is the day of judgement (YYYY-MM-DD); without it the day of the patient's last record,
    so that the same records always give the same answer. Values after that day do not count.
    """
    scales = scales_of(library)
    found = []
    for patient, of_patient in by_patient(records).items():
        day = on or max(as_of(record.data)[:10] for record in of_patient)
        series = series_of(of_patient)
        for plan, goal in _goals(of_patient, day):
            judge = _Judge(patient, plan, goal, day, series, scales)
            found.append(judge.achievement())
    return tuple(found)


def accepted_fragment(achievements: Sequence[Achievement]) -> list[dict[str, Any]]:
    """Return, by plan, the parts of care-plan records that a clinician may accept.

    Each names its record and the goals whose achievement would change, whole; nothing else is in
    it, and nothing is changed until a person puts it into the record.
    """
    plans: dict[tuple[str, str, str], dict[str, Any]] = {}
    for one in achievements:
        if not one.differs:
            continue
        # A system has no bar; a value may have.
        system, _, value = one.patient.partition("|")
        part = plans.setdefault(
            (one.patient, one.source, one.plan),
            {
                "record": "care-plan",
                "id": one.plan,
                "source": one.source,
                "patient": {"identifier": {"system": system, "value": value}},
                "goals": [],
            },
        )
        part["goals"].append({**one.goal, "achievement": one.proposed})
    return [plans[key] for key in sorted(plans)]


def _goals(records: list[SourceRecord], day: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return each goal with the last plan that has it: a goal keeps its id through revisions."""
    found: dict[tuple[str, str], tuple[dict[str, Any], dict[str, Any]]] = {}
    for record in records:
        data = record.data
        if data["record"] != "care-plan" or data["status"] in ("draft", "entered-in-error"):
            continue
        if data["written_at"][:10] > day:
            continue
        for goal in data.get("goals", ()):
            found[data["source"], goal["id"]] = data, goal
    return [pair for pair in found.values() if pair[1]["status"] != "cancelled"]


class _Judge:
    """Judges one goal by the rules of the module."""

    def __init__(
        self,
        patient: str,
        plan: dict[str, Any],
        goal: dict[str, Any],
        day: str,
        series: Mapping[SeriesKey, Sequence[Point]],
        scales: Mapping[str, Scale],
    ) -> None:
        self._patient = patient
        self._plan = plan
        self._goal = goal
        self._day = day
        self._series = series
        self._scale = scales.get(goal.get("measure", ""))

    def achievement(self) -> Achievement:
        """Return the proposal."""
        if self._scale is None or "target" not in self._goal:
            return self._silent("The goal has no measure with a target.")
        keys = [key for key in self._series if key.measure == self._goal["measure"]]
        keys = [key for key in keys if key.site in _BACK] or keys
        if len(keys) > 1:
            return self._silent("The measure was taken at several sites or sides.")
        points = [
            point
            for key in keys
            for point in self._series[key]
            if point.value is not None and point.day <= self._day
        ]
        if not points:
            return self._silent("There is no value of the measure.")
        return self._judged(keys[0], points, self._scale)

    def _judged(self, key: SeriesKey, points: list[Point], scale: Scale) -> Achievement:
        before = [point for point in points if point.day <= self._goal["start"]]
        baseline = before[-1] if before else points[0]
        later = points[points.index(baseline) + 1 :]
        target, first = Decimal(self._goal["target"]), _number(baseline)
        sign = scale.sign or (1 if target > first else -1)
        latest = later[-1] if later else None
        gain = sign * (_number(latest) - first) if latest else None
        threshold = scale.threshold(first)
        met = [sign * _number(point) >= sign * target for point in later]
        code, why = self._rule(met, gain, threshold)
        reached = later[-1] if later else baseline
        return Achievement(
            patient=self._patient,
            source=key_of(self._plan).source,
            plan=self._plan["id"],
            goal=self._goal,
            judged_on=self._day,
            proposed=code,
            why=why,
            series=key,
            unit=scale.unit,
            baseline=baseline,
            latest=latest,
            gain=gain,
            distance=sign * (target - _number(reached)),
            important_change=threshold,
        )

    def _rule(
        self, met: list[bool], gain: Decimal | None, threshold: Decimal | None
    ) -> tuple[AchievementCode | None, str]:
        due = self._goal.get("due")
        is_past = due is not None and self._day > due
        if gain is None:
            if is_past:
                return None, "The due day is past and nothing was measured since the baseline."
            return "in-progress", "Nothing was measured since the baseline."
        if met[-1]:
            if len(met) > 1 and met[-2]:
                return "sustaining", "The last two values meet the target."
            return "achieved", "The latest value meets the target."
        lost = " It was met before." if any(met) else ""
        if threshold is None:
            code: AchievementCode = "not-achieved" if is_past else "in-progress"
            when = "past" if is_past else "not past"
            return code, (
                f"The target is not met and the due day is {when}; "
                f"the measure names no important change.{lost}"
            )
        return _by_change(is_past, gain, threshold, lost)

    def _silent(self, why: str) -> Achievement:
        return Achievement(
            patient=self._patient,
            source=key_of(self._plan).source,
            plan=self._plan["id"],
            goal=self._goal,
            judged_on=self._day,
            proposed=None,
            why=why,
        )


def _by_change(
    is_past: bool, gain: Decimal, threshold: Decimal, lost: str
) -> tuple[AchievementCode, str]:
    least = f"the important change of {plain_number(threshold)}"
    size = f"A change of {plain_number(abs(gain))} "
    way = "towards the better" if gain > 0 else "towards the worse" if gain < 0 else "either way"
    if is_past:
        if gain >= threshold:
            return "not-achieved", f"{size}{way} reaches {least}, not the target by its day.{lost}"
        return "no-progress", f"{size}{way} is no gain of {least} by the due day.{lost}"
    if abs(gain) < threshold:
        return "no-change", f"{size}{way} is less than {least}.{lost}"
    return "improving" if gain > 0 else "worsening", f"{size}{way} reaches {least}.{lost}"


def _number(point: Point) -> Decimal:
    assert point.value is not None
    return point.value


def _told(point: Point | None) -> dict[str, Any] | None:
    if point is None:
        return None
    return {"at": point.at, "value": point.value, "record": point.record, "source": point.place}
