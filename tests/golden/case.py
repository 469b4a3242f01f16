"""Golden cases: what a mapping makes of a record, written down once and read by a person.

A case is a folder ``tests/golden/<name>/<case>`` with ``source.json`` and ``expected.r4.json``.
`name` is a mapping, whose resources alone are expected, or a record type: all its resources.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.codegen import compile_record
from fhir_backpain.mapping.declaration import read_declaration
from fhir_backpain.mapping.functions.registry import resource_functions
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
        return json_text.pretty(json_text.parse(self.expected_file.read_bytes()))

    def actual(self, mapper: Mapper) -> str:
        """Return what is made, as text that can be compared."""
        return json_text.pretty(made_by(mapper, self.source, self.name))

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
    made = mapper(data)
    if name not in RECORD_TYPES:
        alone = _made_alone(mapper, data, name)
        made = [resource for resource in made if resource.url in alone]
    return [json_text.parse(resource.text) for resource in made]


def _made_alone(mapper: Mapper, data: dict[str, Any], name: str) -> set[str]:
    (path,) = mappings_folder().glob(f"*/{name}.map.yaml")
    library = mapper.library
    compiled = compile_record(
        data["record"], [read_declaration(path)], resource_functions(library), library.fragments
    )
    return {resource.url for resource in compiled.program.make(data, Context(data))}
