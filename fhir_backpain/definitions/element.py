"""What FHIR says about one element: how often, of which type, with which codes.

FHIR: ElementDefinition, http://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Strength = Literal["required", "extensible", "preferred", "example"]


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a value set, with the display that its code system gives."""

    system: str
    code: str
    display: str

    def __str__(self) -> str:
        return f"{self.system}|{self.code}"


@dataclass(frozen=True, slots=True)
class Binding:
    """The value set that an element's codes come from.

    `codes` is None where the index does not list them: value sets that need a terminology server
    (languages, MIME types), or large or licensed ones of bindings that are not required.
    FHIR: ElementDefinition.binding, http://hl7.org/fhir/R4/terminologies.html#strength
    """

    strength: Strength
    value_set: str
    codes: tuple[Code, ...] | None

    def find(self, code: str, system: str | None = None) -> Code | None:
        """Return the listed code, or None; without `system` the first of any system counts.

        Elements of type `code` carry no system; Coding and Quantity do.
        """
        for listed in self.codes or ():
            if listed.code == code and system in (None, listed.system):
                return listed
        return None


@dataclass(frozen=True, slots=True)
class Choice:
    """An element that may have one of several types, such as ``Observation.value[x]``.

    At most one of `names` may be there, and one must be where `min` is 1.
    FHIR: http://hl7.org/fhir/R4/formats.html#choice
    """

    path: str
    min: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ElementDefinition:
    """One member of a JSON object, with one concrete type.

    - `path`: where the element is defined, as in its StructureDefinition (``Quantity.unit``,
      ``Observation.value[x]``), whichever way led to it
    - `json_name`: its name in JSON (``valueQuantity``)
    - `min`, `max`: how often; None is without limit, 0 is forbidden here. A member of a choice has
      `min` 0: `choice_of` says whether one of them must be there
    - `type`: a datatype, or BackboneElement or Element for members that the type itself defines
    - `targets`: the resource types that a Reference, canonical or CodeableReference may point to;
      none: any
    - `content`: the type or path that defines its members
    """

    path: str
    json_name: str
    min: int
    max: int | None
    type: str
    targets: tuple[str, ...]
    binding: Binding | None
    is_modifier: bool
    short: str
    choice_of: Choice | None
    content: str

    @property
    def is_list(self) -> bool:
        """True where the JSON value is a list, even with a single item."""
        return self.max is None or self.max > 1
