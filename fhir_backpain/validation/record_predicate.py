"""A schema compiled to one fast yes or no, for the many records that are good.

What is wrong with the others is asked of the full validator. Only the keywords that the shipped
schemas use are known here; another one stops the compilation, so that none is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fhir_backpain.validation.record_schema import (
    FORMATS,
    Schema,
    compiled_pattern,
    fields_of,
    resolve,
)

Predicate = Callable[[Any], bool]

_ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "title", "description", "default"})
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, Decimal),
    "integer": (int,),
    "boolean": (bool,),
}


def compile_predicate(schema: Schema, home: Schema) -> Predicate:
    """Return a function that is True for data that fits `schema`, which stands in `home`.

    Raises ValueError for a keyword that is not known here.
    """
    unknown = set(schema) - _ANNOTATIONS - set(_COMPILERS)
    if unknown:
        raise ValueError(f"no predicate for the schema keywords {sorted(unknown)}")
    # In the order of the table: a text's length is checked before its pattern is tried.
    checks = [make(schema, home) for keyword, make in _COMPILERS.items() if keyword in schema]
    return checks[0] if len(checks) == 1 else _all(tuple(checks))


def _all(checks: tuple[Predicate, ...]) -> Predicate:
    def fits(data: Any) -> bool:
        for check in checks:  # noqa: SIM110 - a generator would double the time
            if not check(data):
                return False
        return True

    return fits


def _reference(schema: Schema, home: Schema) -> Predicate:
    return compile_predicate(*resolve(schema, home))


def _all_of(schema: Schema, home: Schema) -> Predicate:
    return _all(tuple(compile_predicate(part, home) for part in schema["allOf"]))


def _type(schema: Schema, home: Schema) -> Predicate:
    types = _TYPES[schema["type"]]
    return lambda data: type(data) in types


def _constant(schema: Schema, home: Schema) -> Predicate:
    value = schema["const"]
    return lambda data: bool(data == value)


def _enum(schema: Schema, home: Schema) -> Predicate:
    words = frozenset(schema["enum"])
    return lambda data: type(data) is str and data in words


def _least_length(schema: Schema, home: Schema) -> Predicate:
    least = schema["minLength"]
    return lambda data: len(data) >= least


def _most_length(schema: Schema, home: Schema) -> Predicate:
    most = schema["maxLength"]
    return lambda data: len(data) <= most


def _pattern(schema: Schema, home: Schema) -> Predicate:
    search = compiled_pattern(schema["pattern"]).search
    return lambda data: search(data) is not None


def _format(schema: Schema, home: Schema) -> Predicate:
    return FORMATS[schema["format"]]


def _minimum(schema: Schema, home: Schema) -> Predicate:
    least = schema["minimum"]
    return lambda data: bool(data >= least)


def _maximum(schema: Schema, home: Schema) -> Predicate:
    most = schema["maximum"]
    return lambda data: bool(data <= most)


def _above(schema: Schema, home: Schema) -> Predicate:
    bound = schema["exclusiveMinimum"]
    return lambda data: bool(data > bound)


def _least_items(schema: Schema, home: Schema) -> Predicate:
    least = schema["minItems"]
    return lambda data: len(data) >= least


def _most_items(schema: Schema, home: Schema) -> Predicate:
    most = schema["maxItems"]
    return lambda data: len(data) <= most


def _items(schema: Schema, home: Schema) -> Predicate:
    fits = compile_predicate(schema["items"], home)
    return lambda data: all(map(fits, data))


def _least_properties(schema: Schema, home: Schema) -> Predicate:
    least = schema["minProperties"]
    return lambda data: len(data) >= least


def _required(schema: Schema, home: Schema) -> Predicate:
    names = frozenset(schema["required"])
    return lambda data: names <= data.keys()


def _dependent(schema: Schema, home: Schema) -> Predicate:
    needs = [(name, frozenset(needed)) for name, needed in schema["dependentRequired"].items()]
    return lambda data: all(name not in data or need <= data.keys() for name, need in needs)


def _one_of(schema: Schema, home: Schema) -> Predicate:
    choices = [compile_predicate(choice, home) for choice in schema["oneOf"]]
    return lambda data: sum(fits(data) for fits in choices) == 1


def _properties(schema: Schema, home: Schema) -> Predicate:
    fields = {name: compile_predicate(field, home) for name, field in schema["properties"].items()}

    def fits(data: Any) -> bool:
        for name, value in data.items():
            field = fields.get(name)
            if field is not None and not field(value):
                return False
        return True

    return fits


def _closed(schema: Schema, home: Schema) -> Predicate:
    names = frozenset(fields_of(schema, home))
    return lambda data: names >= data.keys()


_COMPILERS: dict[str, Callable[[Schema, Schema], Predicate]] = {
    "type": _type,
    "const": _constant,
    "enum": _enum,
    "maxLength": _most_length,
    "minLength": _least_length,
    "pattern": _pattern,
    "format": _format,
    "minimum": _minimum,
    "maximum": _maximum,
    "exclusiveMinimum": _above,
    "maxItems": _most_items,
    "minItems": _least_items,
    "items": _items,
    "minProperties": _least_properties,
    "required": _required,
    "dependentRequired": _dependent,
    "oneOf": _one_of,
    "$ref": _reference,
    "allOf": _all_of,
    "properties": _properties,
    "additionalProperties": _closed,
    "unevaluatedProperties": _closed,
}
