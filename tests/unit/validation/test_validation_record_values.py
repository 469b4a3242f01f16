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


GRADES = [
    ({"finding": "patellar-reflex", "reflex": "brisk"}, []),
    ({"finding": "patellar-reflex", "strength": "5"}, [(4024, "/examination/0/strength")]),
    ({"finding": "sensation-l5", "reflex": "normal"}, [(4024, "/examination/0/reflex")]),
    ({"finding": "knee-extension-strength", "strength": "4-minus"}, []),
    ({"finding": "tenderness", "sensation": "reduced"}, [(4024, "/examination/0/sensation")]),
    ({"finding": "tendernes", "sensation": "reduced"}, [(4023, "/examination/0/finding")]),
]


@pytest.mark.parametrize(("sign", "expected"), GRADES)
def test_a_finding_takes_its_own_kind_of_grade(
    sign: dict[str, Any], expected: list[tuple[int, str]]
) -> None:
    assert issues({"examination": [sign]}) == expected
