"""A protocol as a FHIR PlanDefinition: a hierarchy of actions with conditions, codes and sources.

The conditions look at assessment records, which FHIRPath does not know. Each is an external
constant of FHIRPath, named by its words: whoever runs the definition supplies true or false, and
people can read it.

FHIR: PlanDefinition, http://hl7.org/fhir/R4/plandefinition.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fhir_backpain import __version__
from fhir_backpain.fhir.canonical import BASE
from fhir_backpain.mapping.library import Library
from fhir_backpain.protocols.condition import Condition
from fhir_backpain.protocols.draft import NOTICE, URGENT_REFERRAL
from fhir_backpain.protocols.protocol import Action, Protocol, Source, Step, Stop

_TYPE = "http://terminology.hl7.org/CodeSystem/plan-definition-type"
_CONTEXT = "http://terminology.hl7.org/CodeSystem/usage-context-type"
_ACTION_TYPE = "http://terminology.hl7.org/CodeSystem/action-type"


def plan_definition(protocol: Protocol, library: Library) -> dict[str, Any]:
    """Return the PlanDefinition of a protocol: a draft, experimental, for people to judge."""
    name = "".join(word.capitalize() for word in protocol.key.split("-"))
    stepped = [_step(number, step, library) for number, step in enumerate(protocol.steps, start=1)]
    return {
        "resourceType": "PlanDefinition",
        "id": f"backpain-{protocol.key}",
        "url": f"{BASE}/PlanDefinition/backpain-{protocol.key}",
        "version": __version__,
        "name": f"Backpain{name}",
        "title": protocol.title,
        "type": {
            "coding": [
                {"system": _TYPE, "code": "clinical-protocol", "display": "Clinical Protocol"}
            ]
        },
        "status": "draft",
        "experimental": True,
        "description": f"Stepped care for: {protocol.title}. {NOTICE}",
        "useContext": [
            {
                "code": {"system": _CONTEXT, "code": "focus", "display": "Clinical Focus"},
                "valueCodeableConcept": _concept("cause", cause, library),
            }
            for cause in protocol.causes
        ],
        "relatedArtifact": [_cited(source) for source in protocol.sources],
        "goal": [_goal(measure, protocol, library) for measure in protocol.goals],
        "action": [
            {
                "title": f"For whom: {protocol.title}",
                "condition": [_condition(one) for one in protocol.suits],
                "action": [_stop_action(protocol.stops, library), *stepped],
            }
        ],
    }


def _goal(measure: str, protocol: Protocol, library: Library) -> dict[str, Any]:
    concepts = library.concept_maps["measure"].rows[measure].concepts
    words = f"{concepts[0].display}: better by the least important change"
    day = library.concepts["unit.d"]
    return {
        "description": {"text": words},
        "target": [
            {
                "measure": {"coding": [one.to_coding() for one in concepts]},
                "due": {
                    "value": 7 * protocol.due_weeks,
                    "unit": day.display,
                    "system": day.system,
                    "code": day.code,
                },
            }
        ],
    }


def _stop_action(stops: Iterable[Stop], library: Library) -> dict[str, Any]:
    told = [f"{stop.condition.text}: {stop.says}" for stop in stops]
    sources = {source.key: source for stop in stops for source in stop.sources}
    action: dict[str, Any] = {
        "title": "Urgent referral, and nothing else, where a red flag is present",
        "description": " ".join(["Any red flag that is present.", *told]),
        "priority": "urgent",
        "code": [_concept("treatment", URGENT_REFERRAL, library)],
    }
    if sources:
        action["documentation"] = [_cited(source) for source in sources.values()]
    return action


def _step(number: int, step: Step, library: Library) -> dict[str, Any]:
    never = [f"{one.title}: {one.never}" for one in step.actions if one.never is not None]
    proposed = [_action(one, library) for one in step.actions if one.never is None]
    found: dict[str, Any] = {"prefix": str(number), "title": step.title}
    if never:
        found["description"] = f"Considered and not proposed. {' '.join(never)}"
        cited = {one.key: one for each in step.actions if each.never for one in each.sources}
        found["documentation"] = [_cited(source) for source in cited.values()]
    if proposed:
        found |= {"selectionBehavior": "any", "action": proposed}
    return found


def _action(action: Action, library: Library) -> dict[str, Any]:
    found: dict[str, Any] = {"title": action.title, "description": " ".join(_words(action))}
    if action.treatment is not None:
        found["code"] = [_concept("treatment", action.treatment, library)]
    if action.medication is not None:
        found["code"] = [_concept("medication", action.medication, library)]
    return {
        **found,
        "documentation": [_cited(source) for source in action.sources],
        "condition": [_condition(one) for one in action.conditions],
        "type": {"coding": [{"system": _ACTION_TYPE, "code": "create", "display": "Create"}]},
    }


def _words(action: Action) -> Iterator[str]:
    yield action.says
    if action.check is not None:
        yield f"To be checked first: {action.check}"


def _concept(concept_map: str, word: str, library: Library) -> dict[str, Any]:
    row = library.concept_maps[concept_map].rows[word]
    return {"coding": [one.to_coding() for one in row.concepts]}


def _condition(condition: Condition) -> dict[str, Any]:
    return {
        "kind": "applicability",
        "expression": {
            "description": condition.text,
            "language": "text/fhirpath",
            "expression": f"%`{condition.text}`",
        },
    }


def _cited(source: Source) -> dict[str, Any]:
    return {
        "type": "citation",
        "label": source.name,
        "citation": source.citation,
        "url": source.url,
    }
