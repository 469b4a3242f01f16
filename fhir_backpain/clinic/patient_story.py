"""A patient's story: who, what hurts, when the visits are and how the year will go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Literal

from fhir_backpain.clinic.chance import Chance
from fhir_backpain.clinic.protocols import PROTOCOLS, Protocol, Response

OFFSET = timezone(timedelta(hours=1))
"""The clinic's clocks keep one offset all year, so that a time always reads back the same."""

FIRST_VISIT_DAYS = 60
FOLLOW_UP_WEEKS = (6, 13, 26, 52)

_GIVEN = {
    "female": ("Exampla", "Testina", "Fictia", "Mockelle", "Demoline", "Samplina", "Søfake"),
    "male": ("Testus", "Dummius", "Fabricio", "Mockbert", "Demetest", "Samplon", "Fíctor"),
    "other": ("Fakeley", "Testlin", "Samplyn"),
}
_FAMILY = (
    "Testwell", "Samplewood", "Mockridge", "Fictionby", "Demoham", "Pretendley", "Notreal",
    "Madeupson", "O'Dummy", "von Beispiel", "Placeholder-Smythe", "Exemplaire",
)  # fmt: skip

# Likelihood of each factor that does not come from the body weight.
_FACTORS = {
    "poor-posture": 0.4,
    "sedentary-lifestyle": 0.45,
    "lack-of-exercise": 0.3,
    "stress": 0.35,
}

# Further measures that some patients are asked for at every visit.
BATTERIES: dict[tuple[str, ...], int] = {
    (): 30,
    ("peg", "bpi-interference", "bpi-severity"): 12,
    ("tsk11", "pcs"): 12,
    ("gad7", "fabq-pa", "fabq-work"): 10,
    ("sf12-pcs", "sf12-mcs"): 10,
    ("qbpds", "psfs"): 8,
    ("promis-pf-t", "promis-pain-interference-t", "promis-sleep-t"): 10,
    ("promis-depression-t", "promis-anxiety-t"): 5,
    ("promis-global-physical-t", "promis-global-mental-t"): 5,
    ("ndi",): 4,
}


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit: 0 is the first, 1 to 4 the follow-ups at 6 weeks, 3, 6 and 12 months."""

    number: int
    at: datetime
    setting: Literal["clinic", "virtual"]


@dataclass(frozen=True, slots=True)
class PatientStory:
    """All that is decided about a patient before the first record is written.

    `severity` and `distress` are those of the first visit, 0 (none) to 1 (worst).
    """

    seed: str
    number: int
    given: str
    family: str
    gender: str
    birth_date: date
    height_cm: int
    weight_kg: float
    protocol: Protocol
    side: str | None
    onset: date
    severity: float
    distress: float
    response: Response
    factors: tuple[str, ...]
    function: Literal["odi", "rmdq"]
    depression: Literal["phq2", "phq9"]
    battery: tuple[str, ...]
    gives_items: bool
    visits: tuple[Visit, ...]

    @property
    def mrn(self) -> str:
        """The patient's number at the clinic."""
        return f"BP{self.number:06d}"

    @property
    def first_visit(self) -> datetime:
        """When the patient was first seen."""
        return self.visits[0].at

    @property
    def drops_out(self) -> bool:
        """True where the patient does not come to the last follow-up."""
        return len(self.visits) <= len(FOLLOW_UP_WEEKS)

    def chance(self, *topic: object) -> Chance:
        """Return the patient's own chance in a topic: one topic never disturbs another."""
        return Chance(self.seed, self.number, *topic)

    def weeks_after(self, moment: datetime) -> float:
        """Return the weeks from the first visit to a moment."""
        return (moment - self.first_visit) / timedelta(weeks=1)


def write_story(seed: str, number: int, start: date) -> PatientStory:
    """Return the story of the patient with that number (from 1) of a clinic that opens at start."""
    chance = Chance(seed, number, "story")
    protocol = chance.weighted({protocol: protocol.weight for protocol in PROTOCOLS})
    gender = chance.weighted({"female": 52, "male": 47, "other": 1})
    visits = _visits(chance, start)
    first_day = visits[0].at.date()
    age = chance.between(*protocol.ages)
    height = chance.between(164, 194) if gender == "male" else chance.between(152, 182)
    bmi = 21 + chance.unit() * 14
    severity = chance.between(*protocol.severity) / 100
    return PatientStory(
        seed=seed,
        number=number,
        given=chance.pick(_GIVEN[gender]),
        family=chance.pick(_FAMILY),
        gender=gender,
        birth_date=date(start.year - age, chance.between(1, 12), chance.between(1, 28)),
        height_cm=height,
        weight_kg=round(bmi * (height / 100) ** 2, 1),
        protocol=protocol,
        side=chance.pick(("left", "right")) if protocol.sided else None,
        onset=first_day - timedelta(weeks=chance.between(*protocol.onset_weeks)),
        severity=severity,
        distress=min(1.0, max(0.03, severity * 0.7 + chance.spread(0.45))),
        response=chance.weighted(protocol.responses),
        factors=_factors(chance, bmi),
        function=chance.pick(("odi", "rmdq")),
        depression=chance.pick(("phq2", "phq9")),
        battery=chance.weighted(BATTERIES),
        gives_items=chance.happens(0.4),
        visits=visits,
    )


def _factors(chance: Chance, bmi: float) -> tuple[str, ...]:
    factors = [factor for factor, likely in _FACTORS.items() if chance.happens(likely)]
    if bmi >= 25:
        factors.append("obesity" if bmi >= 30 else "overweight")
    return tuple(factors)


def _visits(chance: Chance, start: date) -> tuple[Visit, ...]:
    first_day = _working_day(start + timedelta(days=chance.between(0, FIRST_VISIT_DAYS - 1)))
    attended = chance.weighted({5: 86, 4: 6, 3: 4, 2: 4})
    visits = [Visit(0, _opening(chance, first_day), "clinic")]
    for number, week in enumerate(FOLLOW_UP_WEEKS[: attended - 1], start=1):
        day = _working_day(first_day + timedelta(weeks=week, days=chance.between(-4, 4)))
        setting: Literal["clinic", "virtual"] = "virtual" if chance.happens(0.15) else "clinic"
        visits.append(Visit(number, _opening(chance, day), setting))
    return tuple(visits)


def _working_day(day: date) -> date:
    return day + timedelta(days=7 - day.weekday() if day.weekday() > 4 else 0)


def _opening(chance: Chance, day: date) -> datetime:
    return datetime.combine(day, time(chance.between(8, 16), 15 * chance.between(0, 3)), OFFSET)
