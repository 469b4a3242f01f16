"""The page of every clinical concept: its code, profile, mapping and golden case.

All of it is read from what the mappings really make of the golden cases: a concept that no case
shows has an empty row, which a test refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fhir_backpain.cli.mapping.golden import find_cases
from fhir_backpain.mapping.library import load_library
from fhir_backpain.terminology.concept import Concept

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
_OWN = "https://fhir-backpain.org/fhir/StructureDefinition/"
# The elements that say what a resource is about.
_NAMED = ("code", "valueCodeableConcept", "medicationCodeableConcept", "participant")
_GROUPS = {
    "cause": "Causes",
    "factor": "Aggravating factors",
    "red-flag": "Red flags",
    "history": "History",
    "finding": "Examination",
    "investigation": "Imaging and diagnostic tests",
    "procedure": "Procedures",
    "treatment": "Treatments and education",
    "medication": "Medications",
    "care-team-role": "Roles of the care team",
    "work-status": "Work status",
}


@dataclass(slots=True)
class Shown:
    """A concept of a record: the word, its concepts, and the case that shows what it becomes."""

    word: str
    concepts: tuple[Concept, ...]
    profiles: list[str] = field(default_factory=list)
    mapping: str = ""
    case: str = ""

    @property
    def gaps(self) -> list[str]:
        """Return what is missing, in words."""
        found = {
            "code": self.concepts, "profile": self.profiles, "mapping": self.mapping,
            "golden case": self.case,
        }  # fmt: skip
        return [name for name, value in found.items() if not value]


def shown_concepts() -> dict[str, list[Shown]]:
    """Return the concepts by the title of their group."""
    library = load_library()
    groups = {
        title: [Shown(word, row.concepts) for word, row in library.concept_maps[name].rows.items()]
        for name, title in _GROUPS.items()
    }
    for instrument in library.instruments.values():
        measures = instrument.measures.values()
        groups[instrument.title] = [
            Shown(one.key, (library.concepts[one.code],)) for one in measures
        ]
    _look_up(groups)
    return groups


def concept_page() -> str:
    """Return the page."""
    lines = [
        "# Concepts",
        "",
        "Every word of a record that stands for a clinical concept: its code, the profile that the",
        "resource claims, the mapping that makes it, and a golden case with a record and what",
        "becomes of it (folders of `tests/golden`). Scoring, bands and least important changes of",
        "instruments are in [their own page](instruments.md).",
        "",
    ]
    for title, concepts in shown_concepts().items():
        lines += [f"## {title}", "", "| word | code | profile | mapping | golden case |"]
        lines += ["|---|---|---|---|---|", *map(_row, concepts), ""]
    return "\n".join(lines)


def _row(shown: Shown) -> str:
    codes = "; ".join(f"{one.display} ({one.code})" for one in shown.concepts)
    profiles = ", ".join(map(_profile, shown.profiles))
    return f"| `{shown.word}` | {codes} | {profiles} | {shown.mapping} | `{shown.case}` |"


def _profile(url: str) -> str:
    name = url.rpartition("/")[2]
    return f"[{name}](../profiles/{name}.md)" if url.startswith(_OWN) else name


def _look_up(groups: dict[str, list[Shown]]) -> None:
    """Find for each concept a case whose record has the word, and whose resource the code."""
    cases = [
        (one, set(_texts(one.source())), one.expected())
        for one in find_cases(GOLDEN)
        if one.release == "R4"
    ]
    # Of those that will do, the one with the fewest words shows it best.
    cases.sort(key=lambda one: (len(one[1]), str(one[0].folder)))
    for concepts in groups.values():
        for shown in concepts:
            found = [
                (case, resource)
                for case, words, made in cases
                if shown.word in words
                for resource in made
                if _codes(shown) & set(_codings([resource.get(name) for name in _NAMED]))
            ]
            for case, resource in sorted(found, key=lambda one: not _profiles(one[1]))[:1]:
                shown.mapping = case.name
                shown.case = f"{case.name}/{case.folder.name}"
                shown.profiles = _profiles(resource)


def _codes(shown: Shown) -> set[tuple[str, str]]:
    return {(one.system, one.code) for one in shown.concepts}


def _profiles(resource: dict[str, Any]) -> list[str]:
    """Return the profiles that are claimed: ours, or HL7's where we ask for nothing more."""
    claimed: list[str] = resource.get("meta", {}).get("profile", [])
    return [url for url in claimed if url.startswith(_OWN)] or claimed


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from _texts(one)
    elif isinstance(node, str):
        yield node


def _codings(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        if isinstance(node.get("code"), str) and isinstance(node.get("system"), str):
            yield node["system"], node["code"]
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from _codings(one)
