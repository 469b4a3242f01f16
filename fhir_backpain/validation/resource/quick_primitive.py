"""How plans look at primitives: a piece of Python source, and the constant that it uses."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fhir_backpain.validation.resource.element import Codes
from fhir_backpain.validation.resource.narrative import unsafe_narrative
from fhir_backpain.validation.resource.primitive import Refusal

_TEXTS = ("string", "markdown")
# Values that come again and again: the system of a code, the date of a visit.
_RECURRING = ("uri", "url", "canonical", "date", "dateTime", "instant", "code", "oid", "uuid")
_MAX_SEEN = 4096
_MAX_LENGTH = 256

is_id = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
"""Returns something true for a text that has the form of an id."""


class Primitives:
    """The looks at primitives of one validator: members judged alike share what was learned."""

    def __init__(self) -> None:
        self._seen: dict[Refusal, Seen] = {}

    def source(self, type_name: str, refuse: Refusal, codes: Codes | None) -> tuple[str, Any]:
        """Return source with the places {a} of the value and {c} of the constant, and the constant.

        The source may raise TypeError or AttributeError for a value of another kind.
        """
        if type_name == "id":
            return "{c}({a})", is_id
        if codes is not None:
            return "{a} in {c}", codes.codes
        if type_name in _TEXTS:
            # What can be printed has no white space but spaces, and no control characters.
            source = "({a}.isprintable() and 0 < len({a}) < 1048577 or {c}({a}))"
            return source, _slowly(refuse)
        if type_name in _RECURRING:
            seen = self._seen.setdefault(refuse, Seen(_slowly(refuse)))
            return "({a} in {c} or {c}.learn({a}))", seen
        if type_name == "decimal":
            return "({a}.__class__ is int or {a}.__class__ is {c})", Decimal
        if type_name == "boolean":
            return "{a}.__class__ is {c}", bool
        if type_name == "xhtml":
            return "{c}({a})", lambda value: refuse(value) is None and not unsafe_narrative(value)
        return "{c}({a})", _slowly(refuse)


class Seen(set[str]):
    """Texts that were found good: a bounded memory, emptied when it is full."""

    def __init__(self, look: Callable[[Any], bool]) -> None:
        super().__init__()
        self._look = look

    def learn(self, value: Any) -> bool:
        """Return whether a value is good, and keep it where it is."""
        if not self._look(value):
            return False
        if len(value) <= _MAX_LENGTH:
            if len(self) >= _MAX_SEEN:
                self.clear()
            self.add(value)
        return True


def _slowly(refuse: Refusal) -> Callable[[Any], bool]:
    return lambda value: refuse(value) is None
