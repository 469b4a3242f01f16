"""How the resources of one type that claim the same profiles are judged at a quick look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from fhir_backpain.outcome import Issue
from fhir_backpain.validation.resource.certainty import Certainty
from fhir_backpain.validation.resource.element import Content
from fhir_backpain.validation.resource.invariant import is_broken
from fhir_backpain.validation.resource.shape import must_run
from fhir_backpain.validation.resource.text_plan import NoPlanError, TextPlanWriter, TextSure
from fhir_backpain.validation.resource.walk import issue_of_rule

Sure = Callable[[Any], bool]


class Judge:
    """Holds resources against `contents`; `notes` are told of each.

    Recommendations, which a good resource may break, are told without a walk.
    """

    __slots__ = ("_advice", "_certainty", "_is_settled", "_looks", "contents", "notes")

    def __init__(
        self, certainty: Certainty, contents: tuple[Content, ...], notes: Sequence[Issue]
    ) -> None:
        self.contents = contents
        self.notes = tuple(notes)
        self._certainty = certainty
        self._looks = [certainty.of_object(_strict(content)) for content in contents]
        self._advice = tuple(dict.fromkeys(
            (rule, issue_of_rule(rule, (content.name,)))
            for content in contents for rule in content.rules if rule.severity != "error"
        ))  # fmt: skip
        self._is_settled = all(rule.test.by_names for rule, _ in self._advice)

    def is_sure(self, resource: Any) -> bool:
        """Return True where nothing is surely wrong but recommendations; False says nothing."""
        return all(look(resource) for look in self._looks)

    def plan(self, example: Any, claims: Sequence[str]) -> Sure:
        """Return the plan for resources as an example is, of which the judge is sure.

        The plan may raise where a resource is nested otherwise; then only `is_sure` can tell.
        """
        plans = [look.nested(example, claims) for look in self._looks]
        return plans[0] if len(plans) == 1 else lambda it: all(plan(it) for plan in plans)

    def text_plan(self, example: dict[str, Any]) -> TextSure:
        """Return the plan for texts of resources as an example is, of which the judge is sure.

        What is told of the example is told of each. Raises NoPlanError where there is none.
        """
        if len(self.contents) > 1:
            raise NoPlanError
        advice = [(rule, rule.test.holds(example, example)) for rule, _ in self._advice
                  if must_run(rule, example)]  # fmt: skip
        return TextPlanWriter(self._certainty).plan(_strict(self.contents[0]), example, advice)

    def settled(self, example: Any) -> tuple[Issue, ...] | None:
        """Return what is told of all resources of an example's names; None where it varies."""
        return tuple(self.told(example)) if self._is_settled else None

    def told(self, resource: Any) -> list[Issue]:
        """Return what is to be said of a resource of which the judge is sure."""
        if not self._advice:
            return [*self.notes]
        broken = [issue for rule, issue in self._advice if is_broken(rule, resource, resource)]
        return [*broken, *self.notes]


def _strict(content: Content) -> Content:
    """Return the rules without recommendations."""
    kept = tuple(rule for rule in content.rules if rule.severity == "error")
    return content if kept == content.rules else replace(content, rules=kept)
