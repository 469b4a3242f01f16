"""What a profile says beyond FHIR itself, element by element.

FHIR: StructureDefinition.snapshot, http://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fhir_backpain.definitions.element import Binding


class _Nothing:
    """No value is fixed: None would be JSON's null."""

    def __repr__(self) -> str:
        return "NOTHING"


NOTHING: Any = _Nothing()
"""Stands where a profile fixes no value."""


@dataclass(frozen=True, slots=True)
class Discriminator:
    """How the items of a sliced list are told apart: `type` value, pattern …, at a path.

    FHIR: ElementDefinition.slicing.discriminator
    """

    type: str
    path: str


@dataclass(frozen=True, slots=True)
class ProfileElement:
    """One element of a snapshot, or one slice of it.

    `id` is FHIR's element id (``Observation.category:survey.coding``), `name` its last part
    without the slice (``category``, ``value[x]``). `types` are codes of datatypes, none where the
    content is that of another element; `targets` are the canonical URLs that a Reference may lead
    to, none: any. `fixed` and `pattern` are NOTHING where the profile has none.
    """

    id: str
    name: str
    slice_name: str | None
    min: int
    max: int | None
    types: tuple[str, ...]
    targets: tuple[str, ...]
    fixed: Any
    pattern: Any
    binding: Binding | None
    is_must_support: bool
    discriminators: tuple[Discriminator, ...]
    is_closed: bool

    @property
    def is_choice(self) -> bool:
        """True for an element that may have one of several types: ``value[x]``."""
        return self.name.endswith("[x]")

    @property
    def json_names(self) -> tuple[str, ...]:
        """The names that the element can have in JSON."""
        if not self.is_choice:
            return (self.name,)
        stem = self.name.removesuffix("[x]")
        return tuple(stem + type_[0].upper() + type_[1:] for type_ in self.types)


@dataclass(frozen=True)
class Profile:
    """A profile of a resource type; `elements` are those of its snapshot, by id."""

    url: str
    name: str
    type: str
    elements: Mapping[str, ProfileElement]
    _children: dict[str, dict[str, ProfileElement]] = field(default_factory=dict, repr=False)
    _slices: dict[str, list[ProfileElement]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        children: dict[str, dict[str, ProfileElement]] = defaultdict(dict)
        slices: dict[str, list[ProfileElement]] = defaultdict(list)
        for element in self.elements.values():
            if element.slice_name is not None:
                slices[element.id.rpartition(":")[0]].append(element)
            else:
                children[element.id.rpartition(".")[0]][element.name] = element
        self._children.update(children)
        self._slices.update(slices)

    def children(self, id_: str) -> Mapping[str, ProfileElement]:
        """Return the elements right below one, by name; none where the snapshot ends there."""
        return self._children.get(id_, {})

    def slices(self, id_: str) -> tuple[ProfileElement, ...]:
        """Return the slices of an element."""
        return tuple(self._slices.get(id_, ()))
