"""Logical models of the records, from the JSON Schemas that every record is checked against."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fhir_backpain.artifacts.finder import schema_folder
from servers.profiles.shorthand import document, heading, quoted

Schema = Mapping[str, Any]

RECORDS = ("assessment", "care-plan", "observation")
_FORMATS = {
    "partial-date": "date",
    "date": "date",
    "date-time": "instant",
    "fhir-dateTime": "dateTime",
}
_TYPES = {"number": "decimal", "integer": "integer", "boolean": "boolean", "string": "string"}


def logical_models() -> str:
    """Return the logical models of the record types as FHIR Shorthand."""
    return document(_model(record) for record in RECORDS)


class _Schemas:
    """The schemas by file name; follows `$ref` from the file in which it stands."""

    def __init__(self, folder: Path) -> None:
        self._by_file = {
            path.name: json.loads(path.read_text("utf-8")) for path in folder.glob("*.schema.json")
        }

    def root(self, file: str) -> Schema:
        root: Schema = self._by_file[file]
        return root

    def resolved(self, schema: Schema, file: str) -> tuple[Schema, str]:
        """Return a schema with what its `$ref` says laid below it, and the file of that."""
        if "$ref" not in schema:
            return schema, file
        name, _, pointer = schema["$ref"].partition("#")
        file = name or file
        target = self.root(file)
        for step in pointer.strip("/").split("/"):
            target = target[step]
        below, file = self.resolved(target, file)
        return {**below, **{key: schema[key] for key in schema if key != "$ref"}}, file


def _model(record: str) -> list[str]:
    file = f"{record}.schema.json"
    schemas = _Schemas(schema_folder())
    root = schemas.root(file)
    name = "BackPain" + "".join(map(str.capitalize, record.split("-"))) + "Record"
    lines = heading(
        "Logical",
        name,
        f"backpain-{record}-record",
        f"Record: {root['title']}",
        root["description"],
    )
    for part in root.get("allOf", ()):
        lines += _elements(*schemas.resolved(part, file), schemas, "")
    return [*lines, *_elements(root, file, schemas, "")]


def _elements(schema: Schema, file: str, schemas: _Schemas, above: str) -> Iterator[str]:
    required = schema.get("required", ())
    for name, declared in schema.get("properties", {}).items():
        if name == "record" and "const" in declared:
            # The header requires it; only the record type says which word it is.
            yield f"* record 1..1 code {quoted('The type of the record: ' + declared['const'])}"
            continue
        path = f"{above}{name}"
        element, where = schemas.resolved(declared, file)
        item, where_item = schemas.resolved(element.get("items", element), where)
        most = "*" if element.get("type") == "array" else "1"
        least = "1" if name in required else "0"
        short = declared.get("description") or item.get("description") or element.get("description")
        yield f"* {path} {least}..{most} {_type(item)} {quoted(_words(name, short, item))}"
        yield from _elements(item, where_item, schemas, f"{path}.")


def _type(schema: Schema) -> str:
    if "properties" in schema:
        return "BackboneElement"
    if "enum" in schema:
        return "code"
    return _FORMATS.get(schema.get("format", "")) or _TYPES[schema["type"]]


def _words(name: str, description: str | None, schema: Schema) -> str:
    text = description or name.replace("_", " ").capitalize()
    if "enum" in schema:
        text = f"{text.rstrip('.')}: {' | '.join(schema['enum'])}"
    return text
