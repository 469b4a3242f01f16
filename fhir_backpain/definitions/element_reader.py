"""Lines of the index, made into element definitions: a choice gives one for each type."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fhir_backpain.definitions.element import Binding, Choice, Code, ElementDefinition, Strength
from fhir_backpain.definitions.index_file import IndexFile, Line

_CHOICE = "[x]"
_TYPE = re.compile(r"(?P<name>\w+)(?:\((?P<targets>[\w|]+)\))?")
# eld-11: a binding is only for coded elements, string and uri.
_BINDABLE = frozenset(
    ("code", "Coding", "CodeableConcept", "CodeableReference", "Quantity", "string", "uri")
)


class ElementReader:
    """Reads the element lines of one index; equal bindings are one object."""

    def __init__(self, index: IndexFile) -> None:
        self._index = index
        self._bindings: dict[tuple[Strength, str], Binding] = {}

    def read(self, line: Line) -> Iterator[ElementDefinition]:
        """Yield the definitions of an element line, one for each JSON name it may have."""
        name = line["path"].rpartition(".")[2]
        if not name.endswith(_CHOICE):
            yield self._element(line, name, self._written_types(line)[0], None)
            return
        stem = name.removesuffix(_CHOICE)
        by_name = {
            # The name takes the type that a constraint narrows: doseQuantity of SimpleQuantity.
            stem + _capitalized(self._split(written)[0]): written
            for written in line["types"]
        }
        choice = Choice(line["path"], line.get("min", 0), tuple(by_name))
        for json_name, written in by_name.items():
            yield self._element(line, json_name, written, choice)

    def _element(
        self, line: Line, json_name: str, written: str, choice: Choice | None
    ) -> ElementDefinition:
        type_name, targets, content = self._split(written)
        if line["path"] in self._index.members:
            content = line["path"]
        maximum = line.get("max", 1)
        return ElementDefinition(
            path=line["path"],
            json_name=json_name,
            min=0 if choice else line.get("min", 0),
            max=None if maximum == "*" else maximum,
            type=type_name,
            targets=targets,
            # Of a choice, only the types that hold codes are bound.
            binding=self._binding(line) if type_name in _BINDABLE else None,
            is_modifier=line.get("modifier", False),
            short=line["short"],
            choice_of=choice,
            content=line.get("contentReference", content),
        )

    def _written_types(self, line: Line) -> list[str]:
        """Return the types of a line; a content reference has those of the element it names."""
        named = line.get("contentReference")
        types: list[str] = (self._index.elements[named] if named else line)["types"]
        return types

    def _split(self, written: str) -> tuple[str, tuple[str, ...], str]:
        """Return (type, targets, content) of a type as written: ``Reference(Patient|Group)``."""
        parts = _TYPE.fullmatch(written)
        assert parts is not None
        content = parts["name"]
        type_name = str(self._index.types[content].get("constrains", content))
        return type_name, tuple(parts["targets"].split("|")) if parts["targets"] else (), content

    def _binding(self, line: Line) -> Binding | None:
        if "binding" not in line:
            return None
        key = (line["binding"]["strength"], line["binding"]["valueSet"])
        if key not in self._bindings:
            self._bindings[key] = Binding(*key, self._codes(key[1]))
        return self._bindings[key]

    def _codes(self, value_set: str) -> tuple[Code, ...] | None:
        listed = self._index.value_sets.get(value_set)
        if listed is None:
            return None
        return tuple(
            Code(system, code, display)
            for system, codes in listed.items()
            for code, display in codes.items()
        )


def _capitalized(name: str) -> str:
    return name[0].upper() + name[1:]
