"""The reference page of the record types, written from their schemas."""

from __future__ import annotations

from collections.abc import Iterator

from fhir_backpain.record import RECORD_TYPES
from fhir_backpain.validation.plain_words import any_of
from fhir_backpain.validation.record_schema import Schema, fields_of, resolve, schemas

_HEAD = """# Records

What a record holds, field by field. A record is one JSON object; numbers keep their digits, and
no field may be given that is not listed here. Paths name nested fields; `[]` stands for the
entries of a list.

This page is written from the schemas in `fhir_backpain/schemas/`.
"""
_TABLE = "| field | value | required | meaning |\n|---|---|---|---|\n"
_TYPES = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
    "object": "object",
}
_FORMATS = {
    "partial-date": "date, month or year",
    "date": "date",
    "fhir-dateTime": "date, or date with time and zone",
    "date-time": "date with time and zone",
}


def record_reference() -> str:
    """Return the page as Markdown: the fields of every record, then those of each type."""
    common = schemas()["common.schema.json"]
    header: Schema = common["$defs"]["header"]
    parts = [_HEAD, "## Every record\n", _table(header, common, {})]
    shared = fields_of(header, common)
    for record in RECORD_TYPES:
        schema = schemas()[f"{record}.schema.json"]
        choice = _choice(schema)
        parts += [f"## {record}\n", f"{schema['description']} {choice}".strip() + "\n"]
        parts.append(_table(schema, schema, shared))
    return "\n".join(parts)


def _table(schema: Schema, home: Schema, left_out: dict[str, tuple[Schema, Schema]]) -> str:
    rows = [row for path, row in _rows(schema, home, "") if path not in left_out]
    return _TABLE + "".join(f"{row}\n" for row in rows)


def _rows(schema: Schema, home: Schema, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield the top-level field and the table row of each field, nested ones included."""
    required = schema.get("required", ())
    for name, (field, field_home) in fields_of(schema, home).items():
        path = f"{prefix}{name}"
        needed = "yes" if name in required or "const" in field else ""
        yield path.partition(".")[0].removesuffix("[]"), _row(path, needed, field, field_home)
        inner, inner_home = resolve(field, field_home)
        if "items" in inner:
            inner, inner_home = resolve(inner["items"], inner_home)
            path += "[]"
        if "properties" in inner:
            yield from _rows(inner, inner_home, path + ".")


def _row(path: str, needed: str, field: Schema, home: Schema) -> str:
    target, target_home = resolve(field, home)
    meaning = field.get("description") or target.get("description", "")
    if "items" in target:
        entry, _ = resolve(target["items"], target_home)
        meaning = meaning or entry.get("description", "")
        meaning = f"{meaning} {_choice(entry)}"
    default = f"Without it: `{target['default']}`." if "default" in target else ""
    text = f"{meaning} {_choice(target)} {default}".strip().replace("|", "\\|")
    return f"| `{path}` | {_value(target, target_home)} | {needed} | {text} |"


def _value(schema: Schema, home: Schema) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if "items" in schema:
        entry, entry_home = resolve(schema["items"], home)
        bounds = f"{schema['minItems']} to {schema['maxItems']}"
        return f"list of {bounds}: {_value(entry, entry_home)}"
    if "format" in schema:
        return _FORMATS[schema["format"]]
    return _TYPES[schema["type"]] + _bounds(schema)


def _bounds(schema: Schema) -> str:
    if "maxLength" in schema:
        return f" of {schema.get('minLength', 1)} to {schema['maxLength']} characters"
    if "maximum" in schema:
        return f" from {schema['minimum']} to {schema['maximum']}"
    if "exclusiveMinimum" in schema:
        return f" above {schema['exclusiveMinimum']}"
    return ""


def _choice(schema: Schema) -> str:
    """Return what the schema says about fields that depend on each other."""
    sentences = []
    if "oneOf" in schema:
        names = [f"`{name}`" for choice in schema["oneOf"] for name in choice["required"]]
        sentences.append(f"Exactly one of {any_of(names)}.")
    for name, needed in schema.get("dependentRequired", {}).items():
        others = any_of([f"`{other}`" for other in needed], "and")
        sentences.append(f"`{name}` needs {others}.")
    return " ".join(sentences)
