"""How plans look at primitives: a piece of Python source, and the constant that it uses."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fhir_backpain.validation.resource.element import Member
from fhir_backpain.validation.resource.invariant import Rule, is_asked
from fhir_backpain.validation.resource.narrative import unsafe_narrative
from fhir_backpain.validation.resource.primitive import Refusal

TEXTS = ("string", "markdown")
"""The primitives that may hold any printable text."""
# Values that come again and again: the system of a code, the date of a visit.
_RECURRING = ("uri", "url", "canonical", "date", "dateTime", "instant", "code", "oid", "uuid")
_WHOLE = ("integer", "positiveInt", "unsignedInt")
_DAY = r"(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
_TIME = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
# Most dates, at a fraction of the time that FHIR's own expressions take.
_USUAL = {
    "date": re.compile(_DAY).fullmatch,
    "dateTime": re.compile(f"{_DAY}(?:{_TIME})?").fullmatch,
    "instant": re.compile(_DAY + _TIME).fullmatch,
}
_MAX_SEEN = 1024
_MAX_RECENT = 128
_MAX_LENGTH = 256

is_id = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
"""Returns something true for a text that has the form of an id."""


class Primitives:
    """The looks at primitives of one validator: members judged alike share what was learned."""

    def __init__(self) -> None:
        self._seen: dict[tuple[Refusal, tuple[Rule, ...]], Seen] = {}

    def source(self, member: Member) -> tuple[str, Any]:
        """Return source with the places {a} of the value and {c} of the constant, and the constant.

        Of a member without a fixed value. The source may raise TypeError or AttributeError for a
        value of another kind.
        """
        look = look_of(member)
        rules = tuple(rule for rule in member.rules if is_asked(rule, ""))
        if member.type in _RECURRING and member.codes is None:
            assert member.refuse is not None
            usual = _no_match if rules else _USUAL.get(member.type, _no_match)
            key = member.refuse, rules
            if key not in self._seen:
                most = _MAX_RECENT if member.type in _USUAL else _MAX_SEEN
                self._seen[key] = Seen(usual, look, most)
            seen = self._seen[key]
            return "({a} in {c} or {c}.learn({a}))", seen
        if rules:
            return "{c}({a})", look
        return _source(member, look)


def _source(member: Member, look: Callable[[Any], bool]) -> tuple[str, Any]:
    if member.codes is not None:
        return "{a} in {c}", member.codes.codes
    if member.type == "id":
        return "{c}({a})", is_id
    if member.type in TEXTS:
        # What can be printed has no white space but spaces, and no control characters.
        return "({a}.isprintable() and 0 < len({a}) < 1048577 or {c}({a}))", look
    if member.type == "decimal":
        return "({a}.__class__ is int or {a}.__class__ is {c})", Decimal
    if member.type in _WHOLE:
        return "({a}.__class__ is int and 0 < {a} < 2147483648 or {c}({a}))", look
    if member.type == "boolean":
        return "{a}.__class__ is {c}", bool
    return "{c}({a})", look


def _no_match(_: Any) -> None:
    return None


def look_of(member: Member) -> Callable[[Any], bool]:
    """Return the look at a value's form, at its rules, and at what is in a narrative."""
    assert member.refuse is not None
    refuse, codes = member.refuse, member.codes
    tests = [rule.test.holds for rule in member.rules if is_asked(rule, "")]
    is_narrative = member.type == "xhtml"
    is_usual = _USUAL.get(member.type, _no_match)

    def look(value: Any) -> bool:
        if is_usual(value):
            return not tests or all(holds(value, {}) for holds in tests)
        if refuse(value) is not None or (codes is not None and value not in codes.codes):
            return False
        if is_narrative and unsafe_narrative(value) is not None:
            return False
        return all(holds(value, {}) for holds in tests)

    return look


class Seen(set[str]):
    """Texts that were found good: a bounded memory, emptied when it is full.

    `is_usual` knows most of the good ones at once, and `look` knows all. What comes again soon or
    never, such as the date of a visit, needs a small memory, which stays in the processor's.
    """

    __slots__ = ("_is_usual", "_look", "_most")

    def __init__(
        self,
        is_usual: Callable[[Any], object],
        look: Callable[[Any], bool] | None = None,
        most: int = _MAX_RECENT,
    ) -> None:
        super().__init__()
        self._is_usual = is_usual
        self._look = look
        self._most = most

    def learn(self, value: Any) -> bool:
        """Return whether a value is good, and keep it where it is."""
        if not self._is_usual(value) and (self._look is None or not self._look(value)):
            return False
        if len(value) <= _MAX_LENGTH:
            if len(self) >= self._most:
                self.clear()
            self.add(value)
        return True
