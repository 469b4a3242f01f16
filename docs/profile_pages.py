"""A page for each profile: its elements, an example, and the mappings that make it.

Made of ``profiles/package`` and of the shipped mappings, for those who test conformance.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from docs.profile_table import Json, cell, element_rows
from fhir_backpain.artifacts.finder import profiles_folder
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.check.claim import claims_of
from fhir_backpain.mapping.check.rule_scope import rule_scope
from fhir_backpain.mapping.declaration import Declaration
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.mapping.source_shape import record_shape
from fhir_backpain.mapping.template import ObjectTemplate
from fhir_backpain.mapping.trace.plan import PlanLine, explain
from fhir_backpain.record import RECORD_TYPES
from fhir_backpain.terminology.concept import ConceptTable

_PACKAGE = profiles_folder() / "package"
_ROOT = Path(__file__).parents[1]
_FROM_PAGE = "../../"
_NO_MAPPING = "No shipped mapping claims it: it is for those who make such a resource themselves."


def profile_pages(mapper: Mapper) -> dict[str, str]:
    """Return the text of every page by file name, ``README.md`` being the index."""
    profiles = list(_profiles())
    pages = {"README.md": _index(profiles)}
    return pages | {f"{one['id']}.md": _page(one, mapper) for one in profiles}


def _profiles() -> Iterator[Json]:
    for file in sorted(_PACKAGE.glob("StructureDefinition-*.json")):
        definition = json.loads(file.read_text("utf-8"))
        if definition["derivation"] == "constraint":
            yield definition


def _index(profiles: list[Json]) -> str:
    rows = [
        f"| [{one['title']}]({one['id']}.md) | {one['type']} | {_parent(one)} "
        f"| {one['description']} |"
        for one in profiles
    ]
    return "\n".join(
        [
            "# Profiles",
            "",
            "Every resource that is made claims in `meta.profile` the profiles that it meets, and",
            "only those. They build on US Core 6.1.0 and are installed as a FHIR package:",
            "`fhir-backpain profiles --help`. What other guides ask for is",
            "[a table of its own](../reference/profile-requirements.md); the records, which the",
            "package has as logical models, [are described here](../reference/records.md).",
            "",
            "| profile | resource | builds on | what it is for |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _page(profile: Json, mapper: Mapper) -> str:
    source = f"{_FROM_PAGE}profiles/package/StructureDefinition-{profile['id']}.json"
    lines = [
        f"# {profile['title']}",
        "",
        profile["description"],
        "",
        f"- canonical: `{profile['url']}`, version {profile['version']}",
        f"- builds on: {_parent(profile)} (`{profile['baseDefinition']}`)",
        f"- definition: [{Path(source).name}]({source})",
        "",
        "## Elements",
        "",
        "What this profile or US Core says beyond FHIR R4, and what must be supported (MS).",
        "",
        *element_rows(profile, _PACKAGE),
        "",
    ]
    lines += [*_invariants(profile), *_mappings(profile, mapper), *_example(profile)]
    return "\n".join(lines)


def _parent(profile: Json) -> str:
    return str(profile["baseDefinition"]).rpartition("/")[2]


def _invariants(profile: Json) -> Iterator[str]:
    """Yield the rules that neither FHIR nor a datatype has."""
    rules = {
        rule["key"]: (element["id"], rule)
        for element in profile["snapshot"]["element"]
        for rule in element.get("constraint", ())
        if rule["key"].startswith(("us-core-", "backpain-"))
    }
    if not rules:
        return
    yield from ("## Invariants", "", "| rule | at | severity | says | FHIRPath |")
    yield "|---|---|---|---|---|"
    for key, (place, rule) in sorted(rules.items()):
        said, path = (cell(rule[name]) for name in ("human", "expression"))
        yield f"| {key} | `{place}` | {rule['severity']} | {said} | `{path}` |"
    yield ""


def _mappings(profile: Json, mapper: Mapper) -> Iterator[str]:
    yield from ("## Made by", "")
    found = list(_makers(profile["url"], mapper))
    if not found:
        yield from (_NO_MAPPING, "")
    for declaration in found:
        lines = explain(declaration, mapper.library.fragments, mapper.library.concept_maps)
        yield from (_headline(declaration), "")
        yield "| element | made by | fields of the record | when |"
        yield "|---|---|---|---|"
        own = 1 if declaration.condition else 0
        concepts = mapper.library.concepts
        yield from (_plan_row(line, line.conditions[own:], concepts) for line in lines)
        yield ""


def _makers(url: str, mapper: Mapper) -> Iterator[Declaration]:
    """Yield each mapping whose resources may claim a profile, once."""
    seen = set()
    for record_type in RECORD_TYPES:
        for declaration in mapper.declarations(record_type):
            if declaration.name in seen:
                continue
            scope = rule_scope(declaration, record_shape(record_type))
            assert isinstance(declaration.template, ObjectTemplate)
            claims = claims_of(declaration.template, scope, mapper.library)
            if any(claim.url == url for claim in claims):
                seen.add(declaration.name)
                yield declaration


def _headline(declaration: Declaration) -> str:
    """Return which mapping it is, and how many resources it makes of which records."""
    link = f"[{declaration.name}]({_FROM_PAGE}{declaration.location.file})"
    parts = [f"{link} makes one {declaration.makes}"]
    if declaration.repetition:
        parts.append(f"for each item of `{declaration.repetition[0]}`")
    parts.append(f"of a record of the type `{'` or `'.join(declaration.sources)}`")
    if declaration.condition:
        parts.append(f"when `{cell(declaration.condition)}`")
    return " ".join(parts) + "."


def _plan_row(line: PlanLine, conditions: tuple[str, ...], concepts: ConceptTable) -> str:
    made = line.function
    if made == "literal":
        made = _written(line)
    elif line.written in concepts:
        concept = concepts[line.written]
        made += f" {cell(concept.display)} (`{cell(concept.code)}`)"
    elif line.written is not None:
        made += f" {_written(line)}"
    if line.concept_map:
        made += f" by {_concept_map(line.concept_map)}"
    if line.instead is not None:
        made += f", else `{line.instead}`"
    sources = ", ".join(f"`{path}`" for path in line.sources)
    when = "; ".join(
        [*conditions, *([f"alternative {line.alternative}"] if line.alternative else [])]
    )
    return f"| `{line.element}` | {made} | {sources} | {cell(when)} |"


def _concept_map(name: str) -> str:
    """Return the name of a concept map with a link to its rows, where a file has them."""
    files = (
        f"mappings/concept-maps/{name}.yaml",
        f"profiles/package/ConceptMap-backpain-{name}.json",
    )
    there = [file for file in files if (_ROOT / file).is_file()]
    return f"[{name}]({_FROM_PAGE}{there[0]})" if there else f"`{name}`"


def _written(line: PlanLine) -> str:
    text = line.written if isinstance(line.written, str) else json.dumps(line.written)
    return f"`{cell(text)}`"


def _example(profile: Json) -> Iterator[str]:
    for file in sorted((_PACKAGE / "example").glob("*.json")):
        resource = json_text.parse(file.read_bytes())
        if profile["url"] in resource.get("meta", {}).get("profile", ()):
            link = f"{_FROM_PAGE}profiles/package/example/{file.name}"
            yield from ("## Example", "", f"[{file.name}]({link})", "", "```json")
            yield json_text.pretty(resource)
            yield from ("```", "")
            return
