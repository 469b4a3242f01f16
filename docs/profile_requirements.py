"""The page of what implementation guides ask for, counted in what the mappings really make.

The requirements are those of ``profile_requirements.yaml``; the resources are those of every golden
case and of some patients of the made-up clinic.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fhir_backpain.cli.mapping.golden import find_cases
from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.fhir.canonical import PROFILES, US_CORE_PROFILES
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.mapper import Mapper

_FOLDER = Path(__file__).parent
_GOLDEN = _FOLDER.parent / "tests" / "golden"
_PATIENTS = 20
_US_CORE = "us-core-"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Made:
    """A resource that was made, and the mapping that made it."""

    resource: Json
    rule: str

    def claims(self, url: str) -> bool:
        """Return whether the resource claims a profile."""
        return url in self.resource["meta"].get("profile", ())


def requirements_page(mapper: Mapper) -> str:
    """Return the page: a table for each guide and profile."""
    made = list(_made(mapper))
    lines = [
        "# What implementation guides ask for",
        "",
        f"Counted in {len(made)} resources: those of the golden cases and of {_PATIENTS} patients",
        "of the made-up clinic, mapped for FHIR R4. What is claimed in `meta.profile`, HL7's",
        "validator holds against US Core in the tests. The packages of the other guides are not at",
        "hand to prove the same, so these guides are followed, and not claimed.",
        "",
    ]
    text = (_FOLDER / "profile_requirements.yaml").read_text("utf-8")
    for guide in yaml.safe_load(text)["guides"]:
        lines += [f"## {guide['guide']}", "", f"Source: {guide['source']}.", ""]
        for profile in guide["profiles"]:
            lines += _profile(profile, made, mapper.library)
    return "\n".join(lines)


def _made(mapper: Mapper) -> Iterator[Made]:
    records = [case.source() for case in find_cases(_GOLDEN) if case.release == "R4"]
    records += Clinic(seed=1, patients=_PATIENTS).records()
    found = {one.text: one for record in records for one in mapper(record)}
    for one in found.values():
        yield Made(json.loads(one.text), one.rule)


def _profile(profile: Json, made: Iterable[Made], library: Library) -> list[str]:
    of = [one for one in made if _is_of(one.resource, profile["of"])]
    if profile.get("functional"):
        of = [one for one in of if _codes(one.resource["code"]) & _functional(library)]
    return [
        f"### {profile['profile']}",
        "",
        _claimed(profile["profile"], of, profile["of"]),
        "",
        "| element | asked for | filled in | by |",
        "|---|---|---|---|",
        *(_row(row, of, library) for row in profile["elements"]),
        "",
    ]


def _is_of(resource: Json, names: Iterable[str]) -> bool:
    """Return whether a resource is of a type, or claims a profile of ours."""
    urls = {f"{PROFILES}/{name}" for name in names}
    return resource["resourceType"] in names or not urls.isdisjoint(
        resource["meta"].get("profile", ())
    )


def _claimed(name: str, of: list[Made], ours: Iterable[str]) -> str:
    listed = ", ".join(f"`{one}`" for one in ours)
    if not name.startswith(_US_CORE):
        return f"Held against {len(of)} resources of {listed}; not claimed."
    url = f"{US_CORE_PROFILES}/{name.partition(',')[0]}"
    count = sum(one.claims(url) for one in of)
    return f"Held against {len(of)} resources of {listed}; claimed by {count} of them."


def _row(row: Json, of: list[Made], library: Library) -> str:
    names = [row["element"], *([row["or"]] if "or" in row else ())]
    there = [one for one in of if any(_is_there(one.resource, name, row, library)
                                      for name in names)]  # fmt: skip
    shown = " or ".join(f"`{name}`" for name in names)
    if "holds" in row:
        concept = library.concepts[row["holds"]]
        shown += f" with {concept.display} (`{concept.code}`)"
    rules = ", ".join(sorted({one.rule for one in there})) or row.get("why", "")
    if row.get("absent"):
        rules = "never made" if not there else rules
    return f"| {shown} | {row['must']} | {len(there)} of {len(of)} | {rules} |"


def _is_there(resource: Json, name: str, row: Json, library: Library) -> bool:
    values = list(_values(resource, name.split(".")))
    if "holds" in row:
        concept = library.concepts[row["holds"]]
        return any((concept.system, concept.code) in _codes(value) for value in values)
    return any(value == row["is"] for value in values) if "is" in row else bool(values)


def _values(value: Any, steps: list[str]) -> Iterator[Any]:
    """Yield what is at some steps below a value; ``value[x]`` takes every type."""
    if isinstance(value, list):
        for item in value:
            yield from _values(item, steps)
    elif not steps:
        yield value
    elif isinstance(value, dict):
        stem = steps[0].removesuffix("[x]")
        for name, item in value.items():
            is_type = steps[0] != stem and name.startswith(stem) and name[len(stem)].isupper()
            if name == steps[0] or is_type:
                yield from _values(item, steps[1:])


def _codes(concept: Json) -> set[tuple[str, str]]:
    return {(one["system"], one["code"]) for one in concept.get("coding", ())}


def _functional(library: Library) -> set[tuple[str, str]]:
    measures = [one for tool in library.instruments.values() for one in tool.measures.values()]
    concepts = [library.concepts[one.code] for one in measures if one.is_functional]
    return {(concept.system, concept.code) for concept in concepts}
