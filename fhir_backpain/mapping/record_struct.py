"""Typed records: a class for each record type, which msgspec fills from JSON at C speed.

A member that a record leaves out has a default that needs no test on the way to its parts: an
object without any part, an empty tuple for a list, None for a single value. So compiled code
reads ``s.author.identifier.value`` of any record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Literal

import msgspec

from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.source_shape import Leaf, ListShape, ObjectShape, Shape, record_shape
from fhir_backpain.record import RECORD_TYPES

NO_ITEMS: tuple[Any, ...] = ()
"""What stands for a list that is not there."""

_LEAF_TYPES: Mapping[str, Any] = {
    "string": str,
    "number": int | Decimal,
    "integer": int,
    "boolean": bool,
}
# Around a JSON text, such as the end of its line.
WHITE_SPACE = b" \t\r\n"
UNREADABLE = (ValueError, ArithmeticError, RecursionError)
"""What `RecordClasses.decode` raises."""

_BACKSLASH = b"\\"
_ESCAPED = b"\\u"


def absent_name(path: str) -> str:
    """Return the name under which compiled code finds the object that stands for a missing one."""
    return "NO_" + re.sub(r"\W+", "_", path)


class RecordClasses:
    """The classes of every record type, and the objects that stand for what is missing.

    `absent` are those objects, for each record type, by the name that compiled code gives them.
    """

    def __init__(self) -> None:
        self.absent: dict[str, dict[str, Any]] = {name: {} for name in RECORD_TYPES}
        self.by_type: dict[str, Any] = {
            name: self._class(record_shape(name), name, name, "") for name in RECORD_TYPES
        }
        classes = tuple(self.by_type.values())
        self.decode: Callable[[bytes], Any]
        """Returns the typed record of a JSON text, read leniently: see `read`."""
        self.decode = msgspec.json.Decoder(classes[0] | classes[1] | classes[2]).decode
        self.encode: Callable[[Any], bytes]
        """Writes a typed record as compact JSON."""
        self.encode = msgspec.json.Encoder(decimal_format="number").encode

    def read(self, line: bytes) -> Any:
        """Return the typed record of one JSON text, read as strictly as `json_text.parse` does.

        What msgspec reads is written again. Where that gives the same text, or the same length and
        as many members in another order, nothing was lost, such as a field that is given twice.
        Everything else is read by the strict reader, which tells what is wrong; only magnitudes
        beyond a double's are left to the check of the record. Raises SourceError,
        or msgspec.ValidationError where the text is no record.
        """
        # An escape could hide a colon, or what no FHIR server takes.
        if _BACKSLASH not in line or _ESCAPED not in line:
            try:
                record = self.decode(line)
            except UNREADABLE:
                return self.of(json_text.parse(line))
            again = self.encode(record)
            bare = line.strip(WHITE_SPACE)
            if again == bare or (len(again) == len(bare) and again.count(b":") == bare.count(b":")):
                return record
        return self.of(json_text.parse(line))

    def of(self, data: Any) -> Any:
        """Return the typed record of JSON data; raises msgspec.ValidationError where it is none."""
        kind = data.get("record") if isinstance(data, dict) else None
        wanted = self.by_type.get(kind) if isinstance(kind, str) else None
        if wanted is None:
            raise msgspec.ValidationError("The data are no record of a known type.")
        return msgspec.convert(data, wanted, builtin_types=(Decimal,))

    def _class(self, shape: ObjectShape, record_type: str, name: str, path: str) -> Any:
        """Return the class of an object at a path; that of the record itself tells its type."""
        members = self._members(shape, record_type, name, path)
        fields: list[Any] = [
            (key, type_) if shape.members[key].certain else (key, type_, default)
            for key, (type_, default) in members.items()
        ]
        made = msgspec.defstruct(
            re.sub(r"[^A-Za-z]", "", name.title()),
            fields,
            kw_only=True,
            frozen=True,
            gc=False,
            omit_defaults=True,
            forbid_unknown_fields=True,
            tag_field=None if path else "record",
            tag=None if path else record_type,
        )
        if path:
            missing = {key: default for key, (_, default) in members.items()}
            self.absent[record_type][absent_name(path)] = made(**missing)
        return made

    def _members(
        self, shape: ObjectShape, record_type: str, name: str, path: str
    ) -> dict[str, tuple[Any, Any]]:
        """Return the type of each member, and what stands for it where it is missing."""
        return {
            key: self._member(
                member.shape, record_type, f"{name} {key}", f"{path}.{key}" if path else key
            )
            for key, member in shape.members.items()
            if path or key != "record"
        }

    def _member(self, shape: Shape, record_type: str, name: str, path: str) -> tuple[Any, Any]:
        if isinstance(shape, Leaf):
            # A listed word is one object wherever it is read, which is quicker to look up.
            return Literal[shape.words] if shape.words else _LEAF_TYPES[shape.type], None
        if isinstance(shape, ListShape):
            item, _ = self._member(shape.item, record_type, name, f"{path}[]")
            return list.__class_getitem__(item), NO_ITEMS
        made = self._class(shape, record_type, name, path)
        return made, self.absent[record_type][absent_name(path)]


@cache
def record_classes() -> RecordClasses:
    """Return the classes of the record types."""
    return RecordClasses()
