"""The JSON Schema of the mapping language, for editors: ``mappings/mapping.schema.json``.

Written by ``python -m fhir_backpain.mapping.language_schema``. It knows what a file may say at a
place; what names mean, and what FHIR allows, is the compiler's to check.

JSON Schema 2020-12: https://json-schema.org/draft/2020-12/schema
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.definitions.definitions import RELEASES
from fhir_backpain.fhir.canonical import BASE
from fhir_backpain.instruments.instrument import Domain, Reporter
from fhir_backpain.instruments.interpretation import ChangeOf, Direction
from fhir_backpain.instruments.scoring_rule import Operation
from fhir_backpain.mapping.declaration import MADE_TYPES
from fhir_backpain.mapping.functions.registry import feed_functions, resource_functions
from fhir_backpain.mapping.library import Library, load_library
from fhir_backpain.record import RECORD_TYPES

FILE = "mapping.schema.json"

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_PATH: Schema = {"type": ["string", "number"]}
_PATHS: Schema = {"anyOf": [_PATH, {"type": "array", "items": _PATH, "minItems": 1}]}
_WORDS: Schema = {"type": "object", "additionalProperties": _SCALAR, "minProperties": 1}
_WORD = "[A-Za-z0-9._-]+"
_ONE_OF = rf"{_WORD}( or {_WORD})*"
_CLAUSE = rf"\S+ (is (not )?(in {_WORD}|{_ONE_OF})|has {_ONE_OF})"
_CONDITION: Schema = {"type": "string", "pattern": f"^{_CLAUSE}( and {_CLAUSE})*$"}
_REPETITION: Schema = {"type": "string", "pattern": r"^\S+ as [A-Za-z_][A-Za-z0-9_]*$"}
_KEY: Schema = {"type": "array", "items": _SCALAR}
_ID: Schema = {
    "anyOf": [
        {"type": "string", "pattern": r"^[0-9]+([a-z]|-[0-9]+)?$"},
        {"type": "integer", "minimum": 0},
    ]
}
_IDS: Schema = {"anyOf": [_ID, {"type": "array", "items": _ID, "minItems": 1}]}
_RANGE: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}

_TEXTS: Schema = {"type": "array", "items": _TEXT, "minItems": 1}
_STEP_PARTS = ("of", "word", "status", "map", "line")
_STEPS: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": dict.fromkeys(_STEP_PARTS, _TEXT),
        "required": list(_STEP_PARTS),
        "additionalProperties": False,
    },
    "minItems": 1,
}


def _function(argument: Schema, *needed: str, **options: Schema) -> Schema:
    """Return how a function is called: its argument, its options and those that it needs."""
    named = {name.replace("_", " "): schema for name, schema in options.items()}
    return {"argument": argument, "options": named, "needed": list(needed)}


# How each function of the registry is called. A test holds the options against the functions.
CALLS: Mapping[str, Schema] = {
    "copy": _function(_PATH, **{"else": _SCALAR}),
    "text": _function({"type": "string", "pattern": r"\{[^{}]+\}"}),
    "narrative": _function(_PATH, in_order=_TEXTS, steps=_STEPS, **{"else": _TEXT}),
    "fixed": _function(_TEXT),
    "fixed coding": _function(_TEXT),
    "concept": _function(_PATHS, "map", map=_TEXT),
    "concepts": _function(_PATHS, "map", map=_TEXT),
    "coding": _function(_PATHS, "map", map=_TEXT),
    "code": _function(_PATHS, "map", map=_TEXT, **{"else": _TEXT}),
    "codes": _function(_PATHS, "map", map=_TEXT),
    "quantity": _function(_PATH, unit=_TEXT, by=_PATH, map=_TEXT),
    "own": _function({"const": "identifier"}),
    "reference": _function(
        {"enum": list(MADE_TYPES)}, belongs_to={"enum": ["record", "patient"]}, key=_KEY,
        of_record=_PATH, record_type={"enum": list(RECORD_TYPES)},
    ),
    "actor": _function(_PATH),
    "made": _function({"const": "references"}),
    "number": _function(_PATHS, decimal={"type": "string", "minLength": 1, "maxLength": 1}),
    "integer": _function(_PATHS),
    "date": _function(_PATHS, form=_TEXT),
    "dateTime": _function(_PATHS, form=_TEXT, zone=_TEXT, offset=_PATH),
    "word": _function(_PATHS, "table", table=_WORDS),
}  # fmt: skip


def language_schema(library: Library | None = None) -> Schema:
    """Return the schema of every kind of file, functions as the registry names them."""
    kinds = {
        "mapping": _mapping(),
        "feed": _feed(),
        "concept map": _concept_map(),
        "instrument": _instrument(),
        "fragments": _fragments(),
        "release": _release(),
    }
    functions = {
        "resource": resource_functions(library or load_library()),
        "record": feed_functions(),
    }
    definitions = {name.replace(" ", "-"): schema for name, schema in kinds.items()}
    for language, registered in functions.items():
        definitions |= _template(language, registered)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{BASE}/schemas/{FILE}",
        "title": "Mapping language of fhir_backpain",
        "type": "object",
        "oneOf": [{"$ref": f"#/$defs/{name.replace(' ', '-')}"} for name in kinds],
        "$defs": definitions,
    }


def _object(properties: Schema, *required: str, **more: Any) -> Schema:
    closed: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**closed, **({"required": list(required)} if required else {}), **more}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _one_or_more(item: Schema) -> Schema:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}


def _ignored() -> Schema:
    entry = _object({"path": _one_or_more(_PATH), "because": _TEXT}, "path", "because")
    return {"type": "array", "items": entry}


def _mapping() -> Schema:
    return _object(
        {
            "mapping": _TEXT,
            "source": _one_or_more({"enum": list(RECORD_TYPES)}),
            "makes": {"enum": list(MADE_TYPES)},
            "for each": _REPETITION,
            "when": _CONDITION,
            "only if new": _one_or_more(_CONDITION),
            "belongs to": {"enum": ["record", "patient", "person"]},
            "key": _KEY,
            "resource": _ref("resource-members"),
            "ignore": _ignored(),
        },
        "mapping", "source", "makes", "belongs to", "key", "resource",
    )  # fmt: skip


def _feed() -> Schema:
    kind: Schema = {"enum": ["date", "dateTime", "instant", "uri", "text"]}
    parameter = {"anyOf": [kind, _object({"kind": kind, "default": _SCALAR}, "kind")]}
    missing = {"type": ["string", "number", "boolean", "null"]}
    table = _object({"delimiter": _TEXT, "encoding": _TEXT, "missing": _one_or_more(missing)})
    return _object(
        {
            "feed": _TEXT,
            "makes": {"enum": list(RECORD_TYPES)},
            "parameters": {"type": "object", "additionalProperties": parameter},
            "table": table,
            "record": _ref("record-members"),
            "ignore": _ignored(),
        },
        "feed", "makes", "record",
    )  # fmt: skip


def _concept_map() -> Schema:
    keys = _one_or_more(_TEXT)
    row = {"anyOf": [keys, _object({"is": keys, "text": _TEXT}, "is")]}
    rows = {"type": "object", "additionalProperties": row}
    return _object(
        {"concept map": _TEXT, "of": _TEXT, "why": _TEXT, "rows": rows}, "concept map", "rows"
    )


def _instrument() -> Schema:
    return _object(
        {
            "instrument": _TEXT,
            "title": _TEXT,
            "domain": {"enum": list(get_args(Domain))},
            "reported by": {"enum": list(get_args(Reporter))},
            "items": _object({"ids": _IDS, "range": _RANGE}, "ids", "range"),
            "measures": {"type": "object", "additionalProperties": _measure()},
            "scoring": _scoring(),
            "not scored because": _TEXT,
            "licence": _TEXT,
        },
        "instrument", "title", "domain", "reported by", "measures", "licence",
        **{"not": {"required": ["scoring", "not scored because"]}},
    )  # fmt: skip


def _measure() -> Schema:
    levels = {"type": "object", "additionalProperties": _TEXT, "minProperties": 1}
    change = _object(
        {
            "value": {"type": "number", "exclusiveMinimum": 0},
            "of": {"enum": list(get_args(ChangeOf))},
            "source": _TEXT,
        },
        "value", "of", "source",
    )  # fmt: skip
    band = _object({"to": {"type": "number"}, "name": _TEXT}, "to", "name")
    return _object(
        {
            "code": _TEXT, "unit": _TEXT, "range": _RANGE, "levels": levels,
            "functional": {"type": "boolean"}, "profiles": {"type": "array", "items": _TEXT},
            "value": {"const": "required"},
            "direction": {"enum": list(get_args(Direction))},
            "important change": change,
            "bands": _object({"source": _TEXT, "steps": _some(band)}, "source", "steps"),
            "reported by": {"enum": list(get_args(Reporter))},
        },
        "code",
        anyOf=[{"required": ["unit"]}, {"required": ["levels"]}],
        dependentRequired={"bands": ["range"]},
    )  # fmt: skip


def _scoring() -> Schema:
    points = {"type": "object", "additionalProperties": {"type": "number"}, "minProperties": 1}
    missing = _object(
        {"at most": {"type": "integer", "minimum": 1}, "then": {"const": "prorate"}},
        "at most", "then",
    )  # fmt: skip
    formulas = [
        _object({operation: _IDS, "missing items": missing}, operation)
        for operation in get_args(Operation)
    ]
    where = {"type": "object", "additionalProperties": _RANGE, "minProperties": 1}
    level = _object({"is": _TEXT, "where": {**where, "maxProperties": 1}}, "is")
    rule = {"oneOf": [*formulas, _object({"levels": _some(level)}, "levels")]}
    return _object(
        {
            "source": _TEXT,
            "reversed": {"type": "array", "items": _ID},
            "recode": {"type": "object", "additionalProperties": points},
            "measures": {"type": "object", "additionalProperties": rule},
        },
        "source", "measures",
    )  # fmt: skip


def _some(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1}


def _fragments() -> Schema:
    fragment = _object({"parameters": _one_or_more(_TEXT), "is": _ref("resource-template")}, "is")
    return _object({"fragments": {"type": "object", "additionalProperties": fragment}}, "fragments")


def _release() -> Schema:
    member = {"anyOf": [{"type": "null"}, _ref("resource-template")]}
    changed = {
        "type": "object",
        "patternProperties": {"^[^=]": member},
        "additionalProperties": False,
    }
    mappings = {"type": "object", "additionalProperties": changed}
    return _object(
        {
            "release": {"enum": list(RELEASES)},
            "without": {"type": "array", "items": _TEXT},
            "mappings": mappings,
        },
        "release",
    )


def _template(language: str, functions: Mapping[str, Callable[..., Any]]) -> Schema:
    """Return the definitions of a template: any value, a map, the members of an object."""
    value = _ref(f"{language}-template")
    array = {"type": "array", "items": value}
    members = {
        "type": "object",
        "properties": {"=each": _REPETITION, "=when": _CONDITION},
        "patternProperties": {"^[^=]": value},
        "additionalProperties": False,
    }
    return {
        f"{language}-template": {
            "if": {"type": "object"},
            "then": _ref(f"{language}-map"),
            "else": {"if": {"type": "array"}, "then": array, "else": _SCALAR},
        },
        f"{language}-map": _map(_marked(functions, value), _ref(f"{language}-members")),
        f"{language}-members": members,
    }


def _marked(functions: Mapping[str, Callable[..., Any]], value: Schema) -> Schema:
    """Return what may stand beside each mark that makes a value."""
    marked = {f"={name}": _call(name, functions[name]) for name in functions}
    alternatives = {"type": "array", "items": value, "minItems": 2}
    marked["=use"] = {"properties": {"=use": _TEXT}, "additionalProperties": _PATH}
    marked["=first of"] = _object({"=first of": alternatives})
    for schema in marked.values():
        schema["properties"] |= {"=each": _REPETITION, "=when": _CONDITION}
    return marked


def _map(marked: Schema, members: Schema) -> Schema:
    """Return a map: by its mark where it has one, so that a mistake is told where it is."""
    known = {"enum": [*marked, "=each", "=when"]}
    by_mark = [{"if": {"required": [name]}, "then": schema} for name, schema in marked.items()]
    return {
        "type": "object",
        "propertyNames": {"anyOf": [{"pattern": "^[^=]"}, known]},
        "if": {"anyOf": [{"required": [name]} for name in marked]},
        "then": {"allOf": by_mark},
        "else": members,
    }


def _call(name: str, function: Callable[..., Any]) -> Schema:
    """Return the schema of a map that calls a function."""
    call = CALLS[name]
    described = (function.__doc__ or "").strip().partition("\n")[0].replace("``", "`")
    argument = {**call["argument"], "description": described}
    schema = _object({f"={name}": argument, **call["options"]})
    return {**schema, "required": call["needed"]} if call["needed"] else schema


def text() -> str:
    """Return the schema as it stands in its file."""
    return json.dumps(language_schema(), indent=2, ensure_ascii=False) + "\n"


def path() -> Path:
    """Return the file of the schema among the shipped mappings."""
    return mappings_folder() / FILE


if __name__ == "__main__":
    path().write_text(text(), encoding="utf-8")
