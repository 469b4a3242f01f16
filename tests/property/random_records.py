"""A thousand random records of every type, drawn from a fixed seed."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from fhir_backpain.fhir import json_text
from fhir_backpain.record import RECORD_TYPES
from tests.property.records_strategy import records

RECORDS = 1000
_DRAWN_OF_A_TYPE = 450
_UNKNOWN_SCHEME = "x:~é"
# Chance hardly ever draws two measures of one instrument, which make a panel.
_PANEL: dict[str, Any] = {
    "record": "assessment",
    "id": "A-panel",
    "source": "https://clinic.example/app",
    "patient": {"identifier": {"system": "https://clinic.example/mrn", "value": "P-panel"}},
    "assessed_at": "2026-03-02",
    "scores": [
        {"measure": "startback-total", "score": 6},
        {"measure": "startback-distress", "score": 4},
        {"measure": "startback-risk", "level": "high"},
    ],
}


@cache
def random_records() -> tuple[dict[str, Any], ...]:
    """Return random records, each of them once; every call gives the same.

    The seed is fixed. Hypothesis takes some values from the modules that are loaded, so that they
    differ a little between a test and a command.
    """
    found: dict[str, dict[str, Any]] = {}
    for record_type in RECORD_TYPES:

        @seed(1)
        @settings(
            max_examples=_DRAWN_OF_A_TYPE,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(records(record_type))
        def draw(record: dict[str, Any]) -> None:
            found[json_text.dump(record)] = with_known_schemes(record)

        draw()
    return (*found.values(), _PANEL)


def with_known_schemes(value: Any) -> Any:
    """Return a record whose systems have a scheme that the validator knows.

    It takes http, https and urn for absolute; FHIR itself allows the others, too.
    """
    if isinstance(value, dict):
        return {key: with_known_schemes(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_known_schemes(item) for item in value]
    return f"urn:{value}" if value == _UNKNOWN_SCHEME else value
