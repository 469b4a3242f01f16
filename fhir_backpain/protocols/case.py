"""What a protocol looks at: one assessment, and the earlier plans of the same patient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

Range = tuple[Decimal, Decimal]

_LEG = frozenset(("leg", "lower-leg", "calf", "buttock"))
_OVER = frozenset(("inactive", "remission", "resolved"))
_TRIED = frozenset(("active", "completed"))
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Case:
    """An assessment record, the care-plan records before it, and the ranges of measures.

    Each method returns None where the records do not tell.
    """

    assessment: Mapping[str, Any]
    plans: Sequence[Mapping[str, Any]] = ()
    ranges: Mapping[str, Range] | None = None

    @property
    def day(self) -> str:
        """The day of the assessment."""
        return str(self.assessment["assessed_at"])[:10]

    def red_flags(self) -> list[str]:
        """Return the red flags that are present."""
        flags = self.assessment.get("red_flags", ())
        return [flag["flag"] for flag in flags if flag["present"]]

    def unasked(self, flags: Iterable[str]) -> list[str]:
        """Return those of some red flags of which the assessment says nothing."""
        asked = {flag["flag"] for flag in self.assessment.get("red_flags", ())}
        return sorted(set(flags) - asked)

    def causes(self, among: Iterable[str]) -> list[dict[str, Any]]:
        """Return the causes among some that are neither refuted nor over, as recorded."""
        wanted = set(among)
        return [
            cause
            for cause in self.assessment.get("causes", ())
            if cause["cause"] in wanted
            and cause["certainty"] != "refuted"
            and cause.get("status") not in _OVER
        ]

    def has_cause(self, causes: Iterable[str], *, confirmed: bool = False) -> bool | None:
        """Return whether one of the causes is seen, or, where asked, confirmed."""
        if "causes" not in self.assessment:
            return None
        found = self.causes(causes)
        return any(one["certainty"] == "confirmed" for one in found) if confirmed else bool(found)

    def has_factor(self, factors: Iterable[str]) -> bool | None:
        """Return whether one of the factors still counts."""
        recorded = self.assessment.get("factors")
        if recorded is None:
            return None
        wanted = set(factors)
        return any(one["factor"] in wanted and one["status"] == "active" for one in recorded)

    def has_finding(self, finding: str) -> bool | None:
        """Return whether a finding of the examination is there, on any side."""
        found = [
            one["present"]
            for one in self.assessment.get("examination", ())
            if one["finding"] == finding and "present" in one
        ]
        return any(found) if found else None

    def worst_pain(self, *, in_leg: bool = False) -> Decimal | None:
        """Return the worst pain as a percentage of its scale, anywhere or in the leg."""
        shares = [
            100 * (Decimal(rating["score"]) - low) / (high - low)
            for rating in self.assessment.get("pain", {}).get("ratings", ())
            if "score" in rating and (not in_leg or rating.get("site") in _LEG)
            for low, high in [(self.ranges or {})[rating["scale"]]]
        ]
        return max(shares, default=None)

    def score(self, measure: str) -> Decimal | None:
        """Return the score of a measure; of a pain scale the worst."""
        pain = self.assessment.get("pain", {}).get("ratings", ())
        scores = [one["score"] for one in pain if one["scale"] == measure and "score" in one]
        scores += [
            one["score"]
            for one in self.assessment.get("scores", ())
            if one["measure"] == measure and "score" in one
        ]
        return max(map(Decimal, scores), default=None)

    def level(self, measure: str) -> str | None:
        """Return the level of a measure whose value is a word."""
        for one in self.assessment.get("scores", ()):
            if one["measure"] == measure and "level" in one:
                return str(one["level"])
        return None

    def weeks_of_pain(self) -> tuple[int, int] | None:
        """Return for how many weeks the pain has lasted, at least and at most.

        An onset known to the month or year alone leaves a range.
        """
        onset = self.assessment.get("pain", {}).get("onset")
        if onset is None:
            return None
        first, last = _days_of(onset)
        day = date.fromisoformat(self.day)
        return (max(day - last, timedelta()) // _WEEK, max(day - first, timedelta()) // _WEEK)

    def has_tried(self, treatments: Iterable[str]) -> bool | None:
        """Return whether an earlier plan has one of the treatments, under way or completed."""
        if not self.plans:
            return None
        wanted = set(treatments)
        return any(
            activity["treatment"] in wanted and activity["status"] in _TRIED
            for plan in self.plans
            for activity in plan.get("activities", ())
        )


def _days_of(partial: str) -> tuple[date, date]:
    """Return the first and last day that a partial date may mean.

    >>> _days_of("2024-02")
    (datetime.date(2024, 2, 1), datetime.date(2024, 2, 29))
    """
    parts = [int(part) for part in partial.split("-")]
    if len(parts) == 3:
        day = date(*parts)
        return day, day
    if len(parts) == 1:
        return date(parts[0], 1, 1), date(parts[0], 12, 31)
    year, month = parts
    next_month = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, 1), next_month - timedelta(days=1)
