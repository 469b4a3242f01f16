"""The definitions of one FHIR release, asked by path.

>>> load_definitions("R4").element("Observation.component.valueQuantity.unit").type
'string'
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, get_args

from fhir_backpain.definitions.element import Binding, ElementDefinition
from fhir_backpain.definitions.element_reader import ElementReader
from fhir_backpain.definitions.index_file import IndexFile, Line, read_index
from fhir_backpain.definitions.messages import RELEASE_UNKNOWN
from fhir_backpain.definitions.name_suggestion import near_names
from fhir_backpain.definitions.type_definition import Invariant, Primitive, TypeDefinition
from fhir_backpain.errors import ArtifactError

Release = Literal["R4", "R4B", "R5"]
RELEASES: tuple[Release, ...] = get_args(Release)

_INDEX = re.compile(r"\[\d+\]")
_NO_MEMBERS: Mapping[str, ElementDefinition] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DefinitionSource:
    """A published artifact that definitions were taken from: its coordinates, SHA-256 in hex."""

    artifact: str
    sha256: str


class Definitions:
    """What FHIR says about the types of one release that care for back pain needs.

    A path is a type name and JSON names: ``Observation.component.valueQuantity.unit``. It goes
    through datatypes and content references, takes choices by their concrete names, and may carry
    list indexes (``component[1]``). `resourceType` is no element; what is below `contained` and
    ``Bundle.entry.resource`` is known only as far as every resource has it.
    """

    def __init__(self, index: IndexFile) -> None:
        self._index = index
        self._members: dict[str, Mapping[str, ElementDefinition]] = {}
        self._reader = ElementReader(index)
        self.release: str = index.head["release"]
        self.version: str = index.head["version"]
        self.date: str = index.head["date"]
        self.licence: str = index.head["licence"]
        self.sources = tuple(DefinitionSource(**source) for source in index.head["sources"])

    def type_names(self) -> tuple[str, ...]:
        """Return the names of all types in the index, sorted."""
        return tuple(sorted(self._index.types))

    def resource(self, name: str) -> TypeDefinition | None:
        """Return a resource type, or None where the index has no resource type of that name."""
        found = self._type(name)
        return found if found and found.kind == "resource" else None

    def datatype(self, name: str) -> TypeDefinition | None:
        """Return a complex or primitive datatype, or None."""
        found = self._type(name)
        return found if found and found.kind != "resource" else None

    def primitive(self, name: str) -> Primitive | None:
        """Return how a primitive datatype is written in JSON, or None for any other type."""
        line = self._index.types.get(name)
        if line is None or line["kind"] != "primitive-type":
            return None
        # A specialized type keeps the limits of its base: positiveInt those of integer.
        limits: Line = {}
        for part in reversed(list(self._with_bases(name))):
            limits.update(part)
        return Primitive(
            name=name,
            json_kind=line["json"],
            regex=line.get("regex"),
            minimum=limits.get("minimum"),
            maximum=limits.get("maximum"),
            max_length=limits.get("maxLength"),
        )

    def element(self, path: str) -> ElementDefinition | None:
        """Return the element at a path, or None where FHIR has none there.

        A name with an underscore (``Patient._birthDate``) is the Element that carries id and
        extensions of a primitive. The name of a type alone is no element.
        """
        content, *names = _INDEX.sub("", path).split(".")
        found: ElementDefinition | None = None
        for name in names:
            found = self._member(content, name)
            if found is None:
                return None
            content = found.content
        return found

    def children(self, path: str) -> Mapping[str, ElementDefinition]:
        """Return the members that the object at a path may have, by JSON name, in FHIR's order.

        `path` may be a type's name. Choices stand there by their concrete names. Empty where the
        path is unknown or leads to a primitive; underscored names are left to `element`.
        """
        if "." not in path:
            return self._content(path)
        found = self.element(path)
        return self._content(found.content) if found else _NO_MEMBERS

    def codes(self, path: str) -> Binding | None:
        """Return the binding of the element at a path, or None where it has none."""
        found = self.element(path)
        return found.binding if found else None

    def suggest(self, path: str, wrong_name: str) -> list[str]:
        """Return names that may have been meant by an unknown member of the object at `path`.

        The nearest comes first; the stem of a choice (``value``) gives its concrete names.
        """
        return near_names(wrong_name, self.children(path))

    def _type(self, name: str) -> TypeDefinition | None:
        line = self._index.types.get(name)
        if line is None:
            return None
        return TypeDefinition(
            name=name,
            kind=line["kind"],
            base=line.get("base"),
            is_abstract=line.get("abstract", False),
            constrains=line.get("constrains"),
            short=line["short"],
            invariants=tuple(self._invariants(name)),
        )

    def _with_bases(self, name: str | None) -> Iterator[Line]:
        """Yield the line of a type, then those of its base types."""
        while name is not None and name in self._index.types:
            line = self._index.types[name]
            yield line
            name = line.get("base")

    def _invariants(self, name: str) -> Iterator[Invariant]:
        for line in reversed(list(self._with_bases(name))):
            for rule in self._index.invariants.get(line["type"], []):
                yield Invariant(
                    rule["invariant"],
                    # An inherited rule holds where the type itself has the element.
                    ".".join([name, *rule["at"].split(".")[1:]]),
                    rule["severity"],
                    rule["human"],
                    rule["expression"],
                )

    def _member(self, content: str, name: str) -> ElementDefinition | None:
        found = self._content(content).get(name.removeprefix("_"))
        if found is None or not name.startswith("_"):
            return found
        if self.primitive(found.type) is None or found.type == "xhtml":
            return None
        return replace(found, json_name=name, type="Element", content="Element", binding=None)

    def _content(self, content: str) -> Mapping[str, ElementDefinition]:
        """Return the members that a type, or an element with members of its own, defines."""
        if content not in self._members:
            self._members[content] = MappingProxyType(dict(self._all_members(content)))
        return self._members[content]

    def _all_members(self, content: str) -> Iterator[tuple[str, ElementDefinition]]:
        """Yield inherited members first: a constraint's own take the place of its base's."""
        if content in self._index.elements:
            yield from self._content(self._index.elements[content]["types"][0]).items()
        elif content in self._index.types:
            line = self._index.types[content]
            if line["kind"] == "primitive-type":
                return
            if "base" in line:
                yield from self._content(line["base"]).items()
        for line in self._index.members.get(content, []):
            for element in self._reader.read(line):
                yield element.json_name, element


@cache
def load_definitions(release: str) -> Definitions:
    """Return the definitions of "R4", "R4B" or "R5", read once.

    Raises ArtifactError where there is no such release or its file is broken.
    """
    if release not in RELEASES:
        text = f"There are no definitions of FHIR {release}, only of {', '.join(RELEASES)}."
        raise ArtifactError(RELEASE_UNKNOWN.issue(text))
    data = files("fhir_backpain.definitions") / "data"
    return Definitions(read_index(data / f"{release.lower()}.jsonl"))
