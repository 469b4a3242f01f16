"""The work item: one assessment in the demo clinic's style, and variations of it without end.

A variation has its own patient, visit, day and answers, but the same shape, so that each makes
the same number of resources and no engine can answer from a memory of the record before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

_PATH = Path(__file__).with_name("work_item.json")
_CAUSES = ("sciatica", "disc-herniation-radiculopathy", "spinal-stenosis")
_SIDES = ("left", "right")
_FIRST_DAY = date(2022, 1, 3)


def work_item() -> dict[str, Any]:
    """Return the record of ``work_item.json``."""
    item: dict[str, Any] = json.loads(_PATH.read_text(encoding="utf-8"))
    return item


def lines(start: int, count: int) -> Iterator[bytes]:
    """Yield `count` variations from number `start` on, each as one line of compact JSON."""
    original = work_item()
    for number in range(start, start + count):
        yield json.dumps(_varied(original, number), separators=(",", ":")).encode()


def _varied(original: dict[str, Any], number: int) -> dict[str, Any]:
    record = deepcopy(original)
    patient = f"P{number:07d}"
    day = _FIRST_DAY + timedelta(days=number % 1000)
    record["id"] = f"{patient}-A1"
    record["patient"]["identifier"]["value"] = patient
    record["encounter"]["id"] = f"{patient}-V1"
    record["assessed_at"] = f"{day}T{8 + number % 9:02d}:30:00+01:00"
    record["recorded_at"] = f"{day}T{8 + number % 9:02d}:58:00+01:00"
    record["pain"]["onset"] = str(day - timedelta(days=20 + number % 50))
    for place, rating in enumerate(record["pain"]["ratings"]):
        rating["score"] = (number + place) % 11
    for place, score in enumerate(record["scores"]):
        score["score"] = (number + 3 * place) % 24
    record["scores"][-1]["score"] = 50 + number % 800 / 10
    record["pain"]["ratings"][-1]["side"] = _SIDES[number % 2]
    record["causes"][0]["cause"] = _CAUSES[number % len(_CAUSES)]
    record["causes"][0]["side"] = _SIDES[number % 2]
    for place, red in enumerate(record["red_flags"]):
        red["present"] = (number + place) % 7 == 0
    record["work_status"]["days_off"] = number % 15
    return record
