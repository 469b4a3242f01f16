"""The shape of a source: which paths there are, of which kind, and which are always there.

The shape of a record type is read from its JSON Schema; the shape of a table is its columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from fhir_backpain.artifacts.finder import schema_folder
from fhir_backpain.record import RECORD_TYPES


@dataclass(frozen=True, slots=True)
class Leaf:
    """A single value: ``string``, ``number``, ``integer``, ``boolean`` or ``cell`` (of a table).

    `words` lists its only values, where the schema does; `form` is the schema's format or the
    name of the shared definition (``date``, ``dateTime``, ``uri``); `minimum` its least number.
    """

    type: str
    words: tuple[str, ...] | None = None
    form: str | None = None
    minimum: int | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object; `certain` where it is there in every valid record."""

    shape: Shape
    certain: bool


@dataclass(frozen=True, slots=True)
class ObjectShape:
    """An object and its members; of `one_of`, exactly one is there in every valid record."""

    members: Mapping[str, Member]
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListShape:
    """A list and the shape of its items."""

    item: Shape


Shape = Leaf | ObjectShape | ListShape


@cache
def record_shape(record_type: str) -> ObjectShape:
    """Return the shape of a record type, from its schema."""
    if record_type not in RECORD_TYPES:
        raise KeyError(record_type)
    name = f"{record_type}.schema.json"
    shape = _shape(_load(name), name)
    assert isinstance(shape, ObjectShape)
    return shape


def table_shape(columns: Iterator[str] | list[str]) -> ObjectShape:
    """Return the shape of a table's row: every cell may be empty."""
    return ObjectShape({column: Member(Leaf("cell"), False) for column in columns})


def leaves(shape: Shape, path: str = "") -> Iterator[str]:
    """Yield every leaf path, lists marked with ``[]``: ``pain.ratings[].score``."""
    if isinstance(shape, Leaf):
        yield path
    elif isinstance(shape, ListShape):
        yield from leaves(shape.item, f"{path}[]")
    else:
        for name, member in shape.members.items():
            yield from leaves(member.shape, f"{path}.{name}" if path else name)


@cache
def _load(name: str) -> dict[str, Any]:
    return json.loads((schema_folder() / name).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _resolve(reference: str, file: str) -> tuple[dict[str, Any], str]:
    name, _, pointer = reference.partition("#")
    file = name or file
    schema = _load(file)
    for step in pointer.strip("/").split("/"):
        schema = schema[step] if step else schema
    return schema, file


def _shape(schema: dict[str, Any], file: str) -> Shape:
    if "$ref" in schema:
        found = _shape(*_resolve(schema["$ref"], file))
        if isinstance(found, Leaf) and found.words is None:
            return replace(found, form=schema["$ref"].rpartition("/")[2])
        return found
    if "properties" in schema:
        return _object(schema, file)
    if schema.get("type") == "array":
        return ListShape(_shape(schema["items"], file))
    return _leaf(schema)


def _object(schema: dict[str, Any], file: str) -> ObjectShape:
    members: dict[str, Member] = {}
    required = set(schema.get("required", ()))
    for part in schema.get("allOf", ()):
        inherited, inherited_file = _resolve(part["$ref"], file)
        required |= set(inherited.get("required", ()))
        for name, member in inherited["properties"].items():
            members[name] = Member(_shape(member, inherited_file), name in required)
    for name, member in schema["properties"].items():
        members[name] = Member(_shape(member, file), name in required)
    choices = [choice["required"] for choice in schema.get("oneOf", ())]
    return ObjectShape(members, tuple(names[0] for names in choices if len(names) == 1))


def _leaf(schema: dict[str, Any]) -> Leaf:
    if "const" in schema:
        return Leaf("string", (schema["const"],))
    if "enum" in schema:
        return Leaf("string", tuple(schema["enum"]))
    return Leaf(schema["type"], form=schema.get("format"), minimum=schema.get("minimum"))
