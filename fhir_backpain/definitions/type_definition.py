"""What FHIR says about a type as a whole: its kind, its rules, how a primitive is written.

FHIR: StructureDefinition, http://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Literal

Kind = Literal["resource", "complex-type", "primitive-type"]
JsonKind = Literal["string", "number", "boolean"]


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule of a type, to be met by each element at `path`.

    `expression` is FHIRPath, with the element at `path` as its context.
    FHIR: ElementDefinition.constraint, http://hl7.org/fhir/R4/conformance-rules.html#constraints
    """

    key: str
    path: str
    severity: Literal["error", "warning"]
    human: str
    expression: str


@dataclass(frozen=True, slots=True)
class TypeDefinition:
    """A resource type or a datatype; `invariants` begin with those of its base types.

    `constrains` names the type that a constraint such as SimpleQuantity narrows; None for types.
    """

    name: str
    kind: Kind
    base: str | None
    is_abstract: bool
    constrains: str | None
    short: str
    invariants: tuple[Invariant, ...]

    @property
    def url(self) -> str:
        """The canonical URL of its StructureDefinition."""
        return f"http://hl7.org/fhir/StructureDefinition/{self.name}"


@dataclass(frozen=True, slots=True)
class Primitive:
    """How values of a primitive type are written in JSON.

    FHIR: http://hl7.org/fhir/R4/datatypes.html#primitive, http://hl7.org/fhir/R4/json.html#primitive
    """

    name: str
    json_kind: JsonKind
    regex: str | None
    minimum: int | None
    maximum: int | None
    max_length: int | None

    def accepts(self, value: Any) -> bool:
        """Return whether a JSON value (str, bool, int, float or Decimal) has the form of the type.

        Only the form is looked at: the 30th of February is a date.
        """
        if not self._is_of_json_kind(value):
            return False
        text = str(value).lower() if self.json_kind == "boolean" else str(value)
        if not text or (self.regex and not _compiled(self.regex).fullmatch(text)):
            return False
        if self.max_length is not None and len(text) > self.max_length:
            return False
        # Bounds are those of whole numbers, in JSON a number or (integer64) a string.
        lowest, highest = self.minimum, self.maximum
        return (lowest is None or int(text) >= lowest) and (highest is None or int(text) <= highest)

    def _is_of_json_kind(self, value: Any) -> bool:
        if self.json_kind == "number":
            return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        return isinstance(value, bool if self.json_kind == "boolean" else str)


@cache
def _compiled(regex: str) -> re.Pattern[str]:
    # HL7's \s and \S are those of XML Schema: a no-break space is an ordinary character.
    return re.compile(regex, re.ASCII)
