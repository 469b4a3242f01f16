"""A page for each protocol: its causes, steps and sources, and what it drafts of an assessment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docs.profile_table import cell
from fhir_backpain.artifacts.finder import profiles_folder
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.protocols.protocol import Protocol, load_protocols

DRAFTS = Path(__file__).parents[1] / "tests" / "unit" / "protocols" / "drafts"
_TOP = "../../../../"


def protocol_pages(mapper: Mapper) -> dict[str, str]:
    """Return the text of every page by file name, ``README.md`` being the table."""
    protocols = load_protocols(mapper.library)
    pages = {"README.md": "\n".join(_table(list(protocols.values()), mapper))}
    return pages | {f"{key}.md": "\n".join(_page(one, mapper)) for key, one in protocols.items()}


def _table(protocols: list[Protocol], mapper: Mapper) -> Iterator[str]:
    yield from ("# Protocols", "")
    yield "Stepped care for a cause, from guidelines: applied to an assessment it drafts a plan for"
    yield f"a clinician to judge ([how]({_TOP}docs/howto/protocols.md)). The package of profiles"
    yield from ("has each as a PlanDefinition.", "")
    yield from ("| protocol | causes | resource | file | golden case |", "|---|---|---|---|---|")
    for one in protocols:
        causes = "; ".join(f"{display} ({code})" for code, display in _causes(one, mapper))
        cells = (f"[{one.key}]({one.key}.md)", causes, _definition(one), _file(one), _case(one))
        yield f"| {' | '.join(cells)} |"
    yield ""


def _page(protocol: Protocol, mapper: Mapper) -> Iterator[str]:
    assessment, draft = (_read(protocol, name) for name in ("assessment", "draft"))
    yield from (f"# {protocol.title}", "", "| cause | display |", "|---|---|")
    yield from (f"| `{code}` | {cell(display)} |" for code, display in _causes(protocol, mapper))
    yield from ("", f"- resource: {_definition(protocol)}, a draft for people to judge")
    yield f"- protocol: {_file(protocol)}"
    yield f"- a goal is proposed for: {', '.join(f'`{one}`' for one in protocol.goals)}"
    yield from ("", "## Steps", "")
    for number, step in enumerate(protocol.steps, start=1):
        yield f"{number}. {step.title}"
        for action in step.actions:
            when = "; ".join(one.text for one in action.conditions)
            said = f"when {when}" if action.never is None else "never proposed"
            yield f"   - {action.title}: {said}"
    yield from ("", "## Sources", "")
    yield from (f"- [{one.name}]({one.url}): {one.citation}" for one in protocol.sources)
    yield from ("", "## An assessment", "", "```json", json_text.pretty(assessment), "```", "")
    yield from ("## The draft", "", "```json", json_text.pretty(draft), "```", "")
    yield from ("## As a resource", "", "```json", _care_plan(draft, mapper), "```", "")
    yield f"Assessment and draft are {_case(protocol)}: a test makes the one of the other."
    yield ""


def _causes(protocol: Protocol, mapper: Mapper) -> list[tuple[str, str]]:
    rows = mapper.library.concept_maps["cause"].rows
    found = [one for cause in protocol.causes for one in rows[cause].concepts]
    return list(dict.fromkeys((one.code, one.display) for one in found))


def _definition(protocol: Protocol) -> str:
    file = profiles_folder() / "package" / f"PlanDefinition-backpain-{protocol.key}.json"
    resource_id = json.loads(file.read_text("utf-8"))["id"]
    return f"[PlanDefinition/{resource_id}]({_TOP}profiles/package/{file.name})"


def _file(protocol: Protocol) -> str:
    return f"[{protocol.key}.yaml]({_TOP}fhir_backpain/protocols/files/{protocol.key}.yaml)"


def _case(protocol: Protocol) -> str:
    return f"[drafts/{protocol.key}]({_TOP}tests/unit/protocols/drafts/{protocol.key})"


def _read(protocol: Protocol, name: str) -> dict[str, Any]:
    data = json_text.parse((DRAFTS / protocol.key / f"{name}.json").read_bytes())
    assert isinstance(data, dict)
    return data


def _care_plan(draft: dict[str, Any], mapper: Mapper) -> str:
    (plan,) = (one for one in mapper(draft) if one.type == "CarePlan")
    return json_text.pretty(json_text.parse(plan.text))
