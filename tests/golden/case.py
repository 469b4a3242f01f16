"""The golden cases of the shipped mappings: what they make of a record, read by a person.

``fhir-backpain mapping test --accept`` shows how they would change, and writes them.
"""

from __future__ import annotations

from pathlib import Path

from fhir_backpain.cli.mapping.golden import GoldenCase, find_cases

ROOT = Path(__file__).parent


def cases() -> list[GoldenCase]:
    """Return every case, found by walking the folders."""
    return find_cases(ROOT)
