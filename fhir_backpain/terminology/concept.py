"""Concepts by key: verified standard codes, and the project's own where no standard one exists."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from fhir_backpain.artifacts.finder import profiles_folder
from fhir_backpain.errors import ArtifactError
from fhir_backpain.outcome import MappingLocation
from fhir_backpain.terminology import messages

_TABLES = ("concepts.csv", "structural.csv")
OWN_PREFIX = "own."


@dataclass(frozen=True, slots=True)
class Concept:
    """One code of one system, with the display that its owner gives it."""

    key: str
    system: str
    code: str
    display: str

    def to_coding(self) -> dict[str, str]:
        """Return the FHIR Coding."""
        return {"system": self.system, "code": self.code, "display": self.display}


class ConceptTable(Mapping[str, Concept]):
    """Every concept that may be emitted, by key."""

    def __init__(self, concepts: Iterable[Concept]) -> None:
        self._by_key: dict[str, Concept] = {}
        for concept in concepts:
            if concept.key in self._by_key:
                raise ArtifactError(
                    messages.CONCEPTS_BROKEN.issue(f"The key {concept.key} is declared twice.")
                )
            self._by_key[concept.key] = concept

    def __getitem__(self, key: str) -> Concept:
        return self._by_key[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_key)

    def __len__(self) -> int:
        return len(self._by_key)

    def want(self, key: str, where: MappingLocation) -> Concept:
        """Return the concept; raises ArtifactError at `where` with near keys where unknown."""
        concept = self._by_key.get(key)
        if concept is not None:
            return concept
        near = get_close_matches(key, self._by_key, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ArtifactError(
            messages.CONCEPT_UNKNOWN.issue(f"There is no concept '{key}'.{hint}", mapping=where)
        )


@cache
def load_concepts() -> ConceptTable:
    """Return the shipped concepts: the verified tables and the project's code system.

    Concepts of the code system have keys that begin with ``own.``.
    """
    here = Path(__file__).parent
    concepts = [concept for name in _TABLES for concept in _read_table(here / name)]
    return ConceptTable([*concepts, *_read_own()])


def _read_table(path: Path) -> list[Concept]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            Concept(row["key"], row["system"], row["code"], row["display"])
            for row in csv.DictReader(stream)
        ]


def _read_own() -> list[Concept]:
    file = profiles_folder() / "package" / "CodeSystem-backpain.json"
    system = json.loads(file.read_text("utf-8"))
    return [
        Concept(OWN_PREFIX + row["code"], system["url"], row["code"], row["display"])
        for row in system["concept"]
    ]
