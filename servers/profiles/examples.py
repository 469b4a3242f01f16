"""Examples: what the mappings make of the golden cases' fullest records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhir_backpain.fhir import json_text

GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden"
_FULLEST = "everything-at-once"
_RECORDS = ("assessment", "care-plan", "observation")


def examples(golden: Path = GOLDEN) -> Iterator[dict[str, Any]]:
    """Yield each resource of the fullest golden case of every record type, once."""
    seen = set()
    for record in _RECORDS:
        file = golden / record / _FULLEST / "expected.r4.json"
        for resource in json_text.parse(file.read_bytes()):
            key = (resource["resourceType"], resource["id"])
            if key not in seen:
                seen.add(key)
                yield resource
