"""The quick look at JSON texts: by plans for what came often, told apart at a glance."""

from __future__ import annotations

from typing import Any

from fhir_backpain.outcome import Issue
from fhir_backpain.validation.resource.judge import Judge
from fhir_backpain.validation.resource.text_plan import NoPlanError, TextSure

_MAX_LENGTH = 1_048_576  # of a string, http://hl7.org/fhir/R4/datatypes.html#string
_MAX_SHELVES = 256
_MAX_PLANS = 8  # of a shelf
_MAX_LENGTHS = 1024  # that a shelf remembers
_MAX_TRIES = 4  # for one text
_OFTEN = 4
_PROFILE = '"profile":'
_IN_CLAIM = len(_PROFILE) + 3
_IN_TYPE = len('{"resourceType":"X')
# What a plan or a glance runs into where a text is otherwise.
_OTHERWISE = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)

Issues = tuple[Issue, ...]


class _Shelf:
    """The plans for texts with the same first claim, each with what is told of a good one.

    A text is mostly of the same shape as the last one that was as long.
    """

    __slots__ = ("_count", "_due", "likely", "plans")

    def __init__(self) -> None:
        self.plans: list[tuple[TextSure, Issues]] = []
        self.likely: dict[int, tuple[TextSure, Issues]] = {}
        self._count = 0
        self._due = _OFTEN

    def told(self, text: str) -> list[Issue] | None:
        """Return what is to be said of a text, by the plans that are not the most likely."""
        if len(text) > _MAX_LENGTH:
            return None
        likely = self.likely.get(len(text))
        for planned in self.plans[:_MAX_TRIES]:
            if planned is not likely and _is_sure(planned[0], text):
                self._remember(text, planned)
                return [*planned[1]]
        return None

    def learn(self, text: str, data: dict[str, Any], judge: Judge) -> None:
        """Count a good text that no plan is for; write one where such texts often come."""
        self._count += 1
        if self._count < self._due or len(self.plans) >= _MAX_PLANS:
            return
        self._due = 4 * self._count  # where there is no plan for it
        try:
            planned = judge.text_plan(data), tuple(judge.told(data))
        except NoPlanError:
            return
        if _is_sure(planned[0], text):
            self._due = self._count + _OFTEN
            self.plans = [planned, *self.plans]
            self._remember(text, planned)

    def _remember(self, text: str, planned: tuple[TextSure, Issues]) -> None:
        if len(self.likely) >= _MAX_LENGTHS:
            self.likely.clear()
        self.likely[len(text)] = planned


class TextLook:
    """Tells what is to be said of good texts like those that came before; None says nothing.

    A longer text than FHIR allows a string to be is left to other judges: so no string in it
    is too long.
    """

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {}

    def told(self, text: Any) -> list[Issue] | None:
        """Return what is to be said of a text, str or bytes, that is surely good.

        None says nothing.
        """
        shelf = None
        try:
            if text.__class__ is bytes:
                text = text.decode()
            shelf = self._shelves[_key(text)]
            plan, issues = shelf.likely[len(text)]
            if plan(text):
                return [*issues]
        except _OTHERWISE:
            pass
        return shelf.told(text) if shelf is not None else None

    def learn(self, text: str | bytes, data: dict[str, Any], judge: Judge) -> None:
        """Learn from a text that the strict reader took, and whose data the judge is sure of."""
        plain = text if isinstance(text, str) else text.decode()
        if len(plain) > _MAX_LENGTH:
            return
        key = _key(plain)
        if key not in self._shelves and len(self._shelves) >= _MAX_SHELVES:
            self._shelves.clear()
        self._shelves.setdefault(key, _Shelf()).learn(plain, data, judge)


def _is_sure(plan: TextSure, text: str) -> bool:
    try:
        return plan(text)
    except _OTHERWISE:
        return False


def _key(text: str) -> str:
    """Return where a text's first claim is told, or else its type: it only chooses a shelf."""
    start = text.find(_PROFILE)
    if start < 0:
        return text[: text.find('"', _IN_TYPE)]
    return text[start : text.find('"', start + _IN_CLAIM)]
