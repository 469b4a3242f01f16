"""The JSON Schemas of the record types, compiled once, with local references only."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from fhir_backpain.record import RECORD_TYPES
from fhir_backpain.validation.record_date import (
    is_date_time,
    is_day,
    is_instant,
    is_partial_date,
)

Schema = Mapping[str, Any]

BASE = "https://fhir-backpain.org/schemas/"
FORMATS: dict[str, Callable[[str], bool]] = {
    "partial-date": is_partial_date,
    "date": is_day,
    "fhir-dateTime": is_date_time,
    "date-time": is_instant,
}


@lru_cache(maxsize=1)
def schemas() -> dict[str, Schema]:
    """Return the shipped schemas by file name: one for each record type, and common."""
    folder = files("fhir_backpain") / "schemas"
    names = [f"{name}.schema.json" for name in (*RECORD_TYPES, "common")]
    return {name: json.loads((folder / name).read_text("utf-8")) for name in names}


@lru_cache(maxsize=1)
def record_validators() -> dict[str, Validator]:
    """Return the validator of each record type."""
    documents = [
        (BASE + name, DRAFT202012.create_resource(schema)) for name, schema in schemas().items()
    ]
    registry: Registry[Any] = Registry().with_resources(documents)
    return {
        record: _VALIDATOR(
            schemas()[f"{record}.schema.json"], registry=registry, format_checker=_formats()
        )
        for record in RECORD_TYPES
    }


def resolve(schema: Schema, home: Schema) -> tuple[Schema, Schema]:
    """Return what `schema` refers to, if it refers, and the document that it stands in."""
    reference = schema.get("$ref")
    if reference is None:
        return schema, home
    name, _, pointer = str(reference).partition("#")
    document = schemas()[name] if name else home
    target: Schema = document
    for step in pointer.strip("/").split("/"):
        target = target[step]
    return resolve(target, document)


def fields_of(schema: Schema, home: Schema) -> dict[str, tuple[Schema, Schema]]:
    """Return the fields of an object by name: schema, and the document that it stands in."""
    schema, home = resolve(schema, home)
    found: dict[str, tuple[Schema, Schema]] = {}
    for part in (*schema.get("allOf", ()), {"properties": schema.get("properties", {})}):
        if "$ref" in part or "allOf" in part:
            found.update(fields_of(part, home))
        else:
            found.update((name, (field, home)) for name, field in part["properties"].items())
    return found


@lru_cache(maxsize=64)
def compiled_pattern(pattern: str) -> re.Pattern[str]:
    """Return a schema's pattern, compiled: its $ is the text's end, not a line's."""
    ending = pattern.endswith("$") and not pattern.endswith("\\$")
    return re.compile(pattern[:-1] + r"\Z" if ending else pattern)


def _pattern(
    validator: Validator, pattern: str, instance: Any, schema: Schema
) -> Iterator[ValidationError]:
    # A text that is too long is refused for that; its pattern would only cost time.
    if not isinstance(instance, str) or len(instance) > schema.get("maxLength", len(instance)):
        return
    if not compiled_pattern(pattern).search(instance):
        yield ValidationError("does not match the pattern")


def _is_number(_checker: Any, instance: Any) -> bool:
    return isinstance(instance, int | Decimal) and not isinstance(instance, bool)


def _is_integer(_checker: Any, instance: Any) -> bool:
    return isinstance(instance, int) and not isinstance(instance, bool)


def _formats() -> FormatChecker:
    checker = FormatChecker(formats=())
    for name, is_good in FORMATS.items():
        checker.checks(name)(_for_texts(is_good))
    return checker


def _for_texts(is_good: Any) -> Any:
    return lambda instance: not isinstance(instance, str) or is_good(instance)


_VALIDATOR = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    validators={"pattern": _pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"number": _is_number, "integer": _is_integer}
    ),
)
