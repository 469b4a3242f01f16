"""Lines of the audit trail as FHIR R4 AuditEvents.

FHIR: http://hl7.org/fhir/R4/auditevent.html. Only codes of FHIR's own systems are used; what the
act was called here is the text beside them.
"""

from __future__ import annotations

import uuid
from typing import Any

from fhir_backpain import __version__
from fhir_backpain.outbox.act import TrailItem

_TYPE = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_INTERACTION = "http://hl7.org/fhir/restful-interaction"
_ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_TRACKING = "https://fhir-backpain.org/fhir/sid/tracking-id"
_SPACE = uuid.UUID("8b6f0f6c-0f0e-4f2b-9a39-1d6f3f0c7b11")

# Action, http://hl7.org/fhir/audit-event-action, and the interaction that is nearest.
_ACTS: dict[str, tuple[str, str]] = {
    "migrated": ("E", "operation"), "bound": ("C", "operation"), "replayed": ("U", "update"),
    "discarded": ("D", "delete"), "edited": ("U", "update"), "resolved": ("E", "operation"),
    "full-feed": ("E", "operation"), "retired": ("D", "delete"), "taken-back": ("D", "delete"),
    "exported": ("R", "read"), "shown": ("R", "read"),
}  # fmt: skip
_SENT = ("U", "update")
# http://hl7.org/fhir/audit-event-outcome: a minor failure is tried again by itself.
_OUTCOMES = {"sent": "0", "queued": "4", "unclear": "4", "held": "4", "conflict": "8",
             "rejected": "8"}  # fmt: skip


def audit_event(item: TrailItem) -> dict[str, Any]:
    """Return the AuditEvent of a line; the same line always has the same id."""
    action, interaction = _ACTS[item.what] if item.kind == "act" else _SENT
    told = (item.at, item.kind, item.what, item.entry, item.number, item.actor, item.detail)
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(uuid.uuid5(_SPACE, repr(told))),
        "type": {"system": _TYPE, "code": "rest", "display": "RESTful Operation"},
        "subtype": [{"system": _INTERACTION, "code": interaction, "display": interaction}],
        "action": action,
        "recorded": item.at,
        "outcome": _OUTCOMES.get(item.what, "0"),
        "outcomeDesc": " ".join([item.what, *_words(item)]),
        "agent": _agents(item),
        "source": {"observer": {"display": f"fhir-backpain {__version__}"}},
    }
    entities = [*_entry(item), *_server(item)]
    return {**event, "entity": entities} if entities else event


def _words(item: TrailItem) -> list[str]:
    status = [f"HTTP {item.status}"] if item.status is not None else []
    return [*status, *item.messages]


def _agents(item: TrailItem) -> list[dict[str, Any]]:
    """Return the person, where one asked for it, and the program."""
    asked = item.via != "engine" and item.actor is not None
    program = {"name": "fhir-backpain", "requestor": not asked}
    if item.actor is None:
        return [program]
    person: dict[str, Any] = {"altId": item.actor, "name": item.via, "requestor": asked}
    return [person, program]


def _entry(item: TrailItem) -> list[dict[str, Any]]:
    details = [{"type": name, "valueString": str(value)} for name, value in item.detail.items()]
    if item.because:
        details.append({"type": "because", "valueString": item.because})
    if item.entry is None and not details:
        return []
    entity: dict[str, Any] = {
        "type": {"system": _ENTITY, "code": "2", "display": "System Object"},
        "role": {"system": _ROLE, "code": "20", "display": "Job"},
        "name": "outbox entry" if item.entry else "outbox",
    }
    if item.entry is not None:
        entity["what"] = {"identifier": {"system": _TRACKING, "value": item.entry}}
    return [{**entity, "detail": details} if details else entity]


def _server(item: TrailItem) -> list[dict[str, Any]]:
    if item.server is None:
        return []
    return [
        {
            "type": {"system": _ENTITY, "code": "2", "display": "System Object"},
            "role": {"system": _ROLE, "code": "17", "display": "Data Repository"},
            "what": {"display": item.server},
            "name": "FHIR server",
        }
    ]
