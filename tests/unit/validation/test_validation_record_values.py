from __future__ import annotations

from typing import Any

import pytest

from fhir_backpain.mapping.library import load_library
from fhir_backpain.validation.record import RecordChecker

LIBRARY = load_library()


def issues(part: dict[str, Any]) -> list[tuple[int, str | None]]:
    record = {
        "record": "assessment",
        "id": "A",
        "source": "urn:x:clinic",
        "patient": {"identifier": {"system": "urn:x:mrn", "value": "1"}},
        "assessed_at": "2026-01-01",
        **part,
    }
    found = RecordChecker(LIBRARY.vocabulary, LIBRARY.ranges).check(record)
    return [(issue.number, issue.source.pointer if issue.source else None) for issue in found]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"scores": [{"measure": "startback-risk", "level": "high"}]}, []),
        ({"scores": [{"measure": "startback-risk", "level": "hihg"}]}, [(4023, "/scores/0/level")]),
        ({"scores": [{"measure": "startback-risk", "score": 3}]}, [(4024, "/scores/0/score")]),
        ({"scores": [{"measure": "odi", "level": "high"}]}, [(4024, "/scores/0/level")]),
        ({"scores": [{"measure": "odi", "score": 12}]}, []),
        ({"scores": [{"measure": "odd", "level": "high"}]}, [(4023, "/scores/0/measure")]),
        ({"examination": [{"finding": "lumbar-flexion", "value": 40}]}, []),
        (
            {"examination": [{"finding": "tenderness", "value": 1}]},
            [(4024, "/examination/0/value")],
        ),
        ({"examination": [{"finding": "tenderness", "present": False}]}, []),
        ({"scores": [{"measure": "body-weight", "missing_reason": "unknown"}]}, []),
        (
            {"scores": [{"measure": "bmi", "missing_reason": "unknown"}]},
            [(4024, "/scores/0/missing_reason")],
        ),
    ],
)
def test_a_value_is_of_the_kind_that_its_key_takes(
    part: dict[str, Any], expected: list[tuple[int, str]]
) -> None:
    assert issues(part) == expected


def form(instrument: str, *ids: str) -> dict[str, Any]:
    items = [{"id": id_, "value": 1} for id_ in ids]
    questionnaires = [{"instrument": instrument, "items": items}]
    return {"recorded_at": "2026-01-01T10:00:00Z", "questionnaires": questionnaires}


@pytest.mark.parametrize(
    ("instrument", "ids", "expected"),
    [
        ("odi", ["1", "2", "10"], []),
        ("odi", ["1", "11"], [(4023, "/questionnaires/0/items/1/id")]),
        ("odi", ["3", "1", "4"], [(4026, "/questionnaires/0/items/1/id")]),
        ("bpi", ["30", "2"], []),
    ],
)
def test_items_are_those_of_the_instrument_in_its_order(
    instrument: str, ids: list[str], expected: list[tuple[int, str]]
) -> None:
    assert issues(form(instrument, *ids)) == expected
