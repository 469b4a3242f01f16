"""What the workers append: records of many patients in several generations, all from a seed.

A lane is one appender. Its records come step by step, two new ones each time and the corrections
that are due; a correction changes a score, drops or adds a rating, goes back to what was said
before, or says that the record was removed. Records of all lanes share patients: they make the
same Patient, Condition and Goal, each as of its own moment, and often arrive late.
"""

from __future__ import annotations

import random
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord
from fhir_backpain.sync.tombstone import is_tombstone, tombstone

SOURCE = "https://clinic.example/chaos"
MRN = "https://clinic.example/mrn"
LANES = 2
_START = datetime(2024, 1, 8, tzinfo=UTC)
_NEW_RECORDS = 2
_LONGEST = 30
"""Steps after which no correction of a record comes any more."""

_KINDS = ("observation", "observation", "assessment", "assessment", "care-plan")
_AS_OF = {
    "observation": "observed_at",
    "assessment": "assessed_at",
    "care-plan": "written_at",
}
_CHANGES = ("score", "score", "score", "rating", "rating", "name", "back", "removed")
_SITES: tuple[dict[str, Any], ...] = (
    {"site": "low-back", "scale": "pain-nrs"},
    {"site": "leg", "scale": "pain-nrs", "side": "right"},
    {"site": "low-back", "scale": "pain-nrs-week"},
)


@dataclass(frozen=True, slots=True)
class Workload:
    """The records of a seed; `patients` share them, `lateness` is in minutes."""

    seed: int
    patients: int
    lateness: int

    def batch(self, lane: int, step: int) -> list[SourceRecord]:
        """Return what a lane appends in a step, the same at every call."""
        found = []
        for number in range(max(0, step - _LONGEST) * _NEW_RECORDS, (step + 1) * _NEW_RECORDS):
            due, versions = _history(self, lane, number)
            found += [
                SourceRecord(data, SourceLocation(file=f"lane{lane}.jsonl", line=number + 1))
                for moment, data in zip(due, versions, strict=True)
                if moment == step
            ]
        return found


@lru_cache(maxsize=512)
def _history(
    workload: Workload, lane: int, number: int
) -> tuple[tuple[int, ...], tuple[dict[str, Any], ...]]:
    """Return the versions of a record and the steps in which they are appended."""
    chance = random.Random(f"{workload.seed}/{workload.patients}/{lane}/{number}")
    versions = [_first(workload, lane, number, chance)]
    steps = [number // _NEW_RECORDS]
    while chance.random() < 0.55 and steps[-1] - steps[0] < _LONGEST - 10:
        later = _changed(versions, chance)
        if later != versions[-1]:
            versions.append(later)
            steps.append(steps[-1] + chance.choice((1, 1, 1, 2, 3, 6, 10)))
    return tuple(steps), tuple(versions)


def _first(workload: Workload, lane: int, number: int, chance: random.Random) -> dict[str, Any]:
    kind = chance.choice(_KINDS)
    serial = number * LANES + lane
    minutes = serial + chance.randint(-workload.lateness, workload.lateness)
    # The milliseconds keep any two moments apart that the lateness brings to the same minute.
    moment = _START + timedelta(minutes=minutes, milliseconds=serial % 1000)
    patient: dict[str, Any] = {
        "identifier": {"system": MRN, "value": f"C{chance.randrange(workload.patients)}"}
    }
    if kind != "observation" or chance.random() < 0.8:  # the others say no more than who it is
        patient |= {"name": {"family": _family(chance)}, "gender": "female"}
        patient |= {"birth_date": "1970-01-01"}  # all there is, so that it is heard
    data = {
        "record": kind,
        "id": f"{kind[0]}{lane}-{number}",
        "source": SOURCE,
        "recorded_at": _instant(moment),
        "test_data": True,
        "patient": patient,
        _AS_OF[kind]: _instant(moment),
    }
    return data | _CONTENT[kind](chance)


def _observation(chance: random.Random) -> dict[str, Any]:
    return {"measure": "pain-nrs-week", "site": "low-back", "score": chance.randint(0, 10)}


def _assessment(chance: random.Random) -> dict[str, Any]:
    ratings = [one | {"score": chance.randint(0, 10)} for one in _SITES[: chance.randint(1, 3)]]
    cause = {
        "cause": "sciatica",
        "side": "right",
        "certainty": chance.choice(("provisional", "confirmed")),
        "status": chance.choice(("active", "resolved")),
    }
    return {"pain": {"ratings": ratings}, "causes": [cause]}


def _care_plan(chance: random.Random) -> dict[str, Any]:
    goal = {
        "id": "G1",
        "description": "Back pain that lets me work",
        "status": "active",
        "priority": chance.choice(("high", "medium", "low")),
        "start": "2024-02-29",
    }
    activity = {
        "id": "T1",
        "treatment": "pain-education",
        "status": chance.choice(("active", "completed")),
        "description": "How pain works",
        "start": "2024-02-29",
    }
    plan = {"status": "active", "intent": "plan", "title": f"Plan {chance.randint(1, 9)}"}
    return plan | {"goals": [goal], "activities": [activity]}


_CONTENT = {"observation": _observation, "assessment": _assessment, "care-plan": _care_plan}


def _changed(versions: list[dict[str, Any]], chance: random.Random) -> dict[str, Any]:
    """Return the next version of a record."""
    change = chance.choice(_CHANGES)
    told = [one for one in versions if not is_tombstone(one)]
    if change == "removed":
        return tombstone(told[-1])
    if change == "back" and len(versions) > 1:
        return versions[-2]
    data = deepcopy(told[-1])
    recorded = datetime.fromisoformat(data["recorded_at"])
    data["recorded_at"] = _instant(recorded + timedelta(minutes=len(versions)))
    ratings = data.get("pain", {}).get("ratings", [])
    if change == "rating" and ratings:
        _drop_or_add(ratings, chance)
    elif change == "name" and "name" in data["patient"]:
        data["patient"]["name"]["family"] = _family(chance)
    elif ratings:
        ratings[0]["score"] = chance.randint(0, 10)
    elif "score" in data:
        data["score"] = chance.randint(0, 10)
    else:
        data["title"] = f"Plan {chance.randint(1, 9)}"
    return data


def _drop_or_add(ratings: list[dict[str, Any]], chance: random.Random) -> None:
    if len(ratings) > 1:
        ratings.pop()
    else:
        ratings.append(_SITES[1] | {"score": chance.randint(0, 10)})


def _family(chance: random.Random) -> str:
    return f"Beispiel{chance.choice('ABCDEFGHIJKLMNOP')}"


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
