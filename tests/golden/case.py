"""Golden cases: what a mapping makes of a record, written down once and read by a person.

A case is a folder ``tests/golden/<name>/<case>`` with ``source.json`` and ``expected.r4.json``.
`name` is a mapping, whose resources alone are expected, or a record type: all its resources.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from difflib import unified_diff
from pathlib import Path
from typing import Any

from fhir_backpain.fhir import json_text
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.mapping.mapper import Context, Mapper
from fhir_backpain.record import RECORD_TYPES

ROOT = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class GoldenCase:
    """One case; its texts are JSON with every digit kept."""

    name: str
    folder: Path

    @property
    def source(self) -> dict[str, Any]:
        """The record."""
        data: dict[str, Any] = json_text.parse((self.folder / "source.json").read_bytes())
        return data

    @property
    def expected_file(self) -> Path:
        """The file that says what must be made."""
        return self.folder / "expected.r4.json"

    def expected(self) -> str:
        """Return what must be made, as text that can be compared; empty where nothing is said."""
        if not self.expected_file.is_file():
            return ""
        return pretty(json_text.parse(self.expected_file.read_bytes()))

    def actual(self, mapper: Mapper) -> str:
        """Return what is made, as text that can be compared."""
        return pretty(made_by(mapper, self.source, self.name))

    def difference(self, mapper: Mapper) -> str:
        """Return the lines in which the two differ; empty where they agree."""
        lines = unified_diff(
            self.expected().splitlines(),
            self.actual(mapper).splitlines(),
            f"{self} expected",
            f"{self} made",
            lineterm="",
        )
        return "\n".join(lines)

    def __str__(self) -> str:
        return f"{self.name}/{self.folder.name}"


def cases() -> list[GoldenCase]:
    """Return every case, found by walking the folders."""
    return [
        GoldenCase(path.parent.parent.name, path.parent)
        for path in sorted(ROOT.glob("*/*/source.json"))
    ]


def made_by(mapper: Mapper, data: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the resources that one mapping, or for a record type every mapping, makes."""
    context = Context(data)
    made: list[MadeResource] = []
    chosen: list[MadeResource] = []
    for rule in mapper.rules(data["record"]):
        before = len(made)
        rule.make(data, context, made)
        if name in (*RECORD_TYPES, rule.name.partition(" ")[0]):
            chosen += made[before:]
    return [json_text.parse(resource.text) for resource in chosen]


def pretty(data: Any, indent: str = "") -> str:
    """Return JSON text with one member on a line, numbers with every digit."""
    inner = indent + "  "
    if isinstance(data, dict) and data:
        members = [f"{inner}{json.dumps(k)}: {pretty(v, inner)}" for k, v in data.items()]
        return "{\n" + ",\n".join(members) + f"\n{indent}}}"
    if isinstance(data, list) and data:
        items = [inner + pretty(item, inner) for item in data]
        return "[\n" + ",\n".join(items) + f"\n{indent}]"
    return str(data) if isinstance(data, Decimal) else json.dumps(data, ensure_ascii=False)
