"""JSON Schemas of what the API takes and answers: the components of its OpenAPI document."""

from __future__ import annotations

from typing import Any

from fhir_backpain.outbox.entry import STATES
from fhir_backpain.validation.record_schema import schemas

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_TEXT_OR_NOTHING: Schema = {"type": ["string", "null"]}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_STATE: Schema = {"enum": [*STATES, "sending"]}
_RECEIPT: Schema = {"enum": ["queued", "unchanged", "superseded-earlier"]}
_RESOURCE: Schema = {
    "type": "object",
    "required": ["resourceType"],
    "properties": {"resourceType": _TEXT},
}


def _object(optional: Schema | None = None, /, **members: Schema) -> Schema:
    """Return the schema of an object that has these members, and perhaps the optional ones."""
    return {
        "type": "object",
        "required": list(members),
        "properties": {**members, **(optional or {})},
        "additionalProperties": False,
    }


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _resource(kind: str) -> Schema:
    return {**_RESOURCE, "properties": {"resourceType": {"const": kind}}}


_SUMMARY: dict[str, Schema] = {
    "id": _TEXT,
    "url": _TEXT,
    "server": _TEXT,
    "state": _STATE,
    "retry_at": _TEXT_OR_NOTHING,
    "attempt_count": _COUNT,
    "record": _object(type=_TEXT, id=_TEXT, source=_TEXT),
    "created_at": _TEXT,
}
_SERVER: dict[str, Schema] = {
    "id": _TEXT,
    "url": _TEXT,
    "server": _TEXT,
    "is_own": {"type": "boolean"},
    "counts": {"type": "object", "additionalProperties": _COUNT},
}
_DISPATCHER = {
    "type": "object",
    "required": ["running"],
    "properties": {"running": {"type": "boolean"}},
}
_TAKEN = _object(id=_TEXT, url=_TEXT, receipt=_RECEIPT)
_PLACED = _object(place=_TEXT, id=_TEXT, url=_TEXT, receipt=_RECEIPT)
_WHERE = _object(
    file=_TEXT_OR_NOTHING, line={"type": ["integer", "null"]}, pointer=_TEXT_OR_NOTHING
)
_ATTEMPT = _object(
    number={"type": "integer", "minimum": 1},
    at=_TEXT,
    state=_STATE,
    status={"type": ["integer", "null"]},
    outcome={"type": ["object", "null"]},
)


def _record_schemas() -> dict[str, Schema]:
    """Return the schemas of the records with references that hold within one document."""
    found: dict[str, Schema] = {}
    kinds = []
    for file, schema in schemas().items():
        name = file.removesuffix(".schema.json")
        whole = {key: value for key, value in schema.items() if key[0] != "$"}
        for part, definition in schema.get("$defs", {}).items():
            found[f"{name}.{part}"] = _moved(definition, name)
        if name != "common":
            found[name] = _moved(whole, name)
            kinds.append(_ref(name))
    return {**found, "Record": {"oneOf": kinds}}


def _moved(node: Any, home: str) -> Any:
    """Return a schema whose references name components; formats of our own are patterns too."""
    if isinstance(node, list):
        return [_moved(one, home) for one in node]
    if not isinstance(node, dict):
        return node
    moved = {key: _moved(value, home) for key, value in node.items()}
    reference = node.get("$ref")
    if isinstance(reference, str):
        file, _, part = reference.partition("#/$defs/")
        moved["$ref"] = _ref(f"{file.removesuffix('.schema.json') or home}.{part}")["$ref"]
    return moved


SCHEMAS: dict[str, Schema] = {
    "Document": {"type": "object", "required": ["openapi", "paths"]},
    "Resource": _RESOURCE,
    "OperationOutcome": _resource("OperationOutcome"),
    "Parameters": _resource("Parameters"),
    "Bundle": _resource("Bundle"),
    "SearchForm": {
        "type": "object",
        "properties": dict.fromkeys(("_id", "identifier", "patient", "_count"), _TEXT),
    },
    "CapabilityStatement": _resource("CapabilityStatement"),
    **_record_schemas(),
    "Records": {"oneOf": [_ref("Record"), {**_list(_ref("Record")), "minItems": 1}]},
    "Lines": {"type": "string", "description": "One record on each line, as JSON."},
    "Text": {"type": "string"},
    "TableForm": {
        "type": "object",
        "required": ["table"],
        "properties": {
            "table": {"type": "string", "description": "The table, as a file."},
            "mapping": {
                "type": "string",
                "description": "The name of a feed mapping, or the text of one, as a file.",
            },
            "set": _list(_TEXT),
        },
    },
    "Mappings": _object(
        version=_TEXT,
        mappings=_list(
            _object(
                name=_TEXT,
                kind={"enum": ["feed", "mapping"]},
                sources=_list(_TEXT),
                makes=_TEXT,
                url=_TEXT,
            )
        ),
    ),
    "TrialRequest": _object({"mapping": _TEXT, "parameters": _TEXT}, source=_TEXT),
    "Trial": _object(
        accepted=_COUNT,
        rejected=_COUNT,
        outcome=_ref("OperationOutcome"),
        columns=_list(
            _object(column=_TEXT, fate=_TEXT, detail=_TEXT, filled=_COUNT, empty=_COUNT)
        ),
        records=_list(
            _object(
                record={"type": "object"},
                resources=_list(_ref("Resource")),
                values=_list({"type": "object", "required": ["pointer", "path", "state"]}),
                outcome=_ref("OperationOutcome"),
            )
        ),
    ),
    "PatientIdentifier": _object(
        identifier=_object(
            system={"type": "string", "minLength": 1}, value={"type": "string", "minLength": 1}
        )
    ),
    "Course": _object(
        patient=_TEXT,
        trajectories=_list({"type": "object", "required": ["measure", "unit", "points"]}),
        plans=_list({"type": "object", "required": ["source", "versions"]}),
        goals=_list({"type": "object", "required": ["proposed", "why"]}),
    ),
    "ServerSummary": _object(**_SERVER),
    "Servers": _object(servers=_list(_ref("ServerSummary"))),
    "Server": _object(
        **_SERVER,
        reachable={"type": ["boolean", "null"]},
        findings=_list(_object(name=_TEXT, good={"type": "boolean"}, text=_TEXT)),
        capability_statement={"type": ["object", "null"]},
    ),
    "Quality": _object(
        refused=_list(
            _object(
                message=_TEXT,
                title=_TEXT,
                next=_TEXT,
                field=_TEXT,
                count=_COUNT,
                first_at=_TEXT,
                last_at=_TEXT,
            )
        ),
        rejected=_list(
            _object(
                state=_STATE,
                message=_TEXT,
                title=_TEXT,
                code=_TEXT,
                place=_TEXT,
                count=_COUNT,
                deliveries=_list(_TEXT),
            )
        ),
        is_whole={"type": "boolean"},
    ),
    "Reason": {**_object(because={"type": "string", "minLength": 1, "maxLength": 500})},
    "Taken": {
        "oneOf": [
            _TAKEN,
            _object(
                {"outcome": _ref("OperationOutcome")},
                id=_TEXT, url=_TEXT, accepted=_COUNT, refused=_COUNT, deliveries=_list(_PLACED),
            ),
        ]
    },
    "Delivery": _object(
        **_SUMMARY,
        settled_at=_TEXT_OR_NOTHING,
        mapping_version=_TEXT,
        source=_WHERE,
        waits_for=_list(_TEXT),
        outcome={"type": ["object", "null"]},
        attempts=_list(_ATTEMPT),
        resources=_list(_object(url=_TEXT, version=_TEXT_OR_NOTHING)),
    ),
    "DeliverySummary": _object(**_SUMMARY),
    "Deliveries": _object(deliveries=_list(_ref("DeliverySummary")), next=_TEXT_OR_NOTHING),
    "Submission": _object(
        id=_TEXT,
        url=_TEXT,
        created_at=_TEXT,
        complete={"type": "boolean"},
        counts={"type": "object", "additionalProperties": _COUNT},
        deliveries=_list(_object(place=_TEXT, id=_TEXT, url=_TEXT, receipt=_RECEIPT, state=_STATE)),
        outcome={"type": ["object", "null"]},
    ),
    "Alive": _object(alive={"const": True}),
    "Ready": _object(
        ready={"const": True}, outbox=_TEXT, mapping_version=_TEXT, dispatcher=_DISPATCHER
    ),
    "Status": _object(
        server=_TEXT,
        mapping_version=_TEXT,
        started_at=_TEXT,
        counts={"type": "object", "additionalProperties": _COUNT},
        total=_COUNT,
        dispatcher=_DISPATCHER,
    ),
}  # fmt: skip
"""By name, in the form of OpenAPI 3.1, which is that of JSON Schema 2020-12."""
