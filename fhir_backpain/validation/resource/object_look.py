"""The quick look at the objects of one content: a plan for each shape that comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fhir_backpain.validation.resource.element import Content
from fhir_backpain.validation.resource.learned_look import LearnedLook
from fhir_backpain.validation.resource.plan import PlanWriter
from fhir_backpain.validation.resource.plan_list import Looks
from fhir_backpain.validation.resource.shape import has_good_names

Sure = Callable[[Any], bool]

_MAX_SHAPES = 512


def _never(_: Any) -> bool:
    return False


class ObjectLook(LearnedLook):
    """Says quickly that an object is good: by a plan of calls, or by a nested plan."""

    __slots__ = ("_content", "_looks", "_plain")

    def __init__(self, looks: Looks, content: Content) -> None:
        super().__init__(self._look, self.nested)
        self._looks = looks
        self._content = content
        self._plain: dict[tuple[str, ...], Sure] = {}

    def nested(self, example: Any, claims: Sequence[str] = ()) -> Sure:
        """Return the nested plan for objects as an example is, which has been found good."""
        return PlanWriter(self._looks, is_nested=True).plan(self._content, example, claims)

    def _look(self, value: Any) -> bool:
        shape = tuple(value)
        plan = self._plain.get(shape)
        if plan is None:
            if len(self._plain) >= _MAX_SHAPES:
                self._plain.clear()
            plan = self._plain[shape] = self._new_plain(value)
        return plan(value)

    def _new_plain(self, value: Any) -> Sure:
        if value.__class__ is not dict or not has_good_names(self._content, value):
            return _never
        return PlanWriter(self._looks, is_nested=False).plan(self._content, value)
