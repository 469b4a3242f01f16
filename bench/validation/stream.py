"""Mapped resources without end, each of a record that was not there before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench.work_item import lines
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import load_mapper

_BATCH = 5
_FIRST_DAY = date(2022, 1, 3)
_SIDES = ("left", "right")


class Stream:
    """Texts of resources: of the work item, or with `full` of every kind of record in turn."""

    def __init__(self, types: tuple[str, ...] | None, *, full: bool) -> None:
        self._types = types
        self._full = full
        self._mapper = load_mapper()
        self._texts = self._all()

    def some(self, count: int) -> list[str]:
        """Return the next ones."""
        return [next(self._texts) for _ in range(count)]

    def _all(self) -> Iterator[str]:
        for line in self._records():
            for made in self._mapper(json_text.parse(line)):
                if self._types is None or made.type in self._types:
                    yield made.text

    def _records(self) -> Iterator[bytes | str]:
        originals = full_records() if self._full else []
        number = 1
        while True:
            for line in lines(number, _BATCH):
                yield line
                yield from (json.dumps(varied(one, number)) for one in originals)
                number += 1


def full_records() -> list[dict[str, Any]]:
    """Return the records of ``records.json``: a full assessment and a full care plan."""
    path = Path(__file__).with_name("records.json")
    records: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return records


def varied(original: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a record with another patient, visit, day and measure than any other number's."""
    record = deepcopy(original)
    patient = f"Q{number:07d}"
    day = _FIRST_DAY + timedelta(days=number % 1000)
    record["id"] = f"{patient}-{original['id']}"
    record["patient"]["identifier"]["value"] = patient
    record["patient"]["name"] = {"family": f"Family {number}", "given": [f"Given {number}"]}
    record["patient"]["birth_date"] = str(day - timedelta(days=15000))
    record["encounter"] |= {
        "id": f"{patient}-V1", "start": f"{day}T08:00:00+01:00", "end": f"{day}T09:00:00+01:00",
    }  # fmt: skip
    record["author"]["identifier"]["value"] = f"S-{number % 40}"
    record["recorded_at"] = f"{day}T11:00:00Z"
    if record["record"] == "assessment":
        _vary_assessment(record, day, number)
    else:
        _vary_care_plan(record, day, number)
    return record


def _vary_assessment(record: dict[str, Any], day: date, number: int) -> None:
    record["assessed_at"] = f"{day}T09:30:00+01:00"
    record["pain"]["onset"] = str(day - timedelta(days=20 + number % 50))
    record["pain"]["ratings"][0] |= {"score": number % 11, "side": _SIDES[number % 2]}
    record["scores"][0]["score"] = number % 9
    record["examination"][0]["value"] = 30 + number % 400 / 10
    record["investigations"][0]["requested_at"] = f"{day}T10:20:00+01:00"


def _vary_care_plan(record: dict[str, Any], day: date, number: int) -> None:
    end = str(day + timedelta(days=60 + number % 30))
    record["written_at"] = f"{day}T10:15:00+01:00"
    record["summary"] = f"Exercise first; review {number % 977} in {number % 9 + 2} weeks."
    record["period"] = {"start": str(day), "end": end}
    record["goals"][0] |= {"start": str(day), "due": end, "target": number % 40}
    record["activities"][0] |= {"start": str(day), "end": end, "sessions": 5 + number % 12}
    record["medications"][0]["start"] = str(day)
    record["care_team"][0]["member"]["identifier"]["value"] = f"S-{number % 40}"
