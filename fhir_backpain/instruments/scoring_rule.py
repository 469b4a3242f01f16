"""How an instrument's measures follow from the answers to its items, as its file declares it.

The entry ``scoring`` of an instrument's file reads::

    scoring:
      source: who published the rules, and where
      reversed: [3]                                # counts the other way round
      recode: {9: {0: 0, 1: 0, 2: 0, 3: 1, 4: 1}}  # the points of each answer
      measures:
        total: {sum: 1-9, missing items: {at most: 1, then: prorate}}
        distress: {mean: [5, 7-9]}
        risk:
          levels:                                  # the first that holds
            - {is: high, where: {distress: [0.5, 1]}}
            - {is: low}

A rule is one of ``sum``, ``mean``, ``percent of maximum`` and ``levels``; ``percent of maximum`` is
0 for the lowest answers and 100 for the highest. Without ``missing items`` there is no score where
an answer is missing; with it, the mean of the answers stands for the missing ones. A rule must
reach the range of its measure and no further. Where scoring needs a table that is not free, the
file says so with ``not scored because`` instead.

Nothing is scored in the sender's place: the rules are held against the scores that a record gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from fhir_backpain.artifacts import messages
from fhir_backpain.artifacts.located_yaml import (
    YamlMap,
    YamlNode,
    fail,
    refuse_unknown,
    want_map,
    want_text,
)
from fhir_backpain.instruments.entry import Range, maps_of, number_of, range_of, want
from fhir_backpain.instruments.item import Items, ids_of
from fhir_backpain.outcome import MappingLocation

Operation = Literal["sum", "mean", "percent of maximum"]
_OPERATIONS: tuple[str, ...] = get_args(Operation)


@dataclass(frozen=True, slots=True)
class Formula:
    """A number from the points of some items, of which at most `may_miss` may be missing."""

    operation: Operation
    items: tuple[str, ...]
    may_miss: int


@dataclass(frozen=True, slots=True)
class LevelStep:
    """A level, where the score of `measure` lies in an inclusive range, or in any case."""

    level: str
    measure: str | None
    value_range: Range | None
    location: MappingLocation


@dataclass(frozen=True, slots=True)
class Levels:
    """The first of several levels that holds."""

    steps: tuple[LevelStep, ...]


Rule = Formula | Levels


@dataclass(frozen=True, slots=True)
class Scoring:
    """The rules of an instrument by measure: those for numbers first, levels after them.

    `points` gives the points of each item by answer, where these are not the answer itself.
    """

    source: str
    items: Items
    is_reversed: frozenset[str]
    points: Mapping[str, Mapping[Decimal, Decimal]]
    rules: Mapping[str, Rule]

    def points_of(self, item: str, answer: Decimal) -> Decimal | None:
        """Return the points of an answer to an item, None for one that the item does not take."""
        if item in self.points:
            return self.points[item].get(answer)
        low, high = self.items.value_range
        if not low <= answer <= high:
            return None
        return low + high - answer if item in self.is_reversed else answer

    def range_of(self, items: tuple[str, ...]) -> Range:
        """Return the least and the most points that some items can give together."""
        low, high = self.items.value_range
        given = [tuple(self.points[item].values()) for item in items if item in self.points]
        plain = len(items) - len(given)
        return (
            low * plain + sum(min(points) for points in given),
            high * plain + sum(max(points) for points in given),
        )

    def result_range(self, formula: Formula) -> Range:
        """Return the least and the highest score that a formula can give."""
        if formula.operation == "percent of maximum":
            return Decimal(0), Decimal(100)
        low, high = self.range_of(formula.items)
        share = len(formula.items) if formula.operation == "mean" else 1
        return low / share, high / share


def scoring_of(tree: YamlMap, items: Items | None) -> Scoring | None:
    """Return the scoring that an instrument's file declares, None where it declares none.

    Raises MappingSyntaxError at what names no item, or cannot be read.
    """
    if "scoring" not in tree:
        return None
    node = want_map(tree, "scoring")
    refuse_unknown(node, {"source", "reversed", "recode", "measures"})
    if items is None:
        raise fail(messages.ENTRY_MISSING, "Scoring needs 'items' to score.", node.location)
    is_reversed = frozenset(_ids(node, "reversed", items) if "reversed" in node else ())
    points = _recoded(node, items)
    if is_reversed & points.keys():
        text = "An item is reversed or recoded, not both."
        raise fail(messages.WRONG_KIND, text, want(node, "recode").location)
    measures = want_map(node, "measures")
    rules = {key: _rule(want_map(measures, key), items) for key in measures.entries}
    ordered = sorted(rules, key=lambda key: isinstance(rules[key], Levels))
    return Scoring(
        want_text(node, "source"), items, is_reversed, points, {key: rules[key] for key in ordered}
    )


def _recoded(tree: YamlMap, items: Items) -> dict[str, dict[Decimal, Decimal]]:
    if "recode" not in tree:
        return {}
    recode = want_map(tree, "recode")
    for item in recode.entries:
        _known((item,), items, recode.key_locations[item])
    return {item: _points(want_map(recode, item)) for item in recode.entries}


def _points(tree: YamlMap) -> dict[Decimal, Decimal]:
    if not tree.entries:
        raise fail(messages.WRONG_KIND, "Write the points of each answer.", tree.location)
    return {_answer(key, tree): number_of(node) for key, node in tree.entries.items()}


def _answer(key: str, tree: YamlMap) -> Decimal:
    if not key.isdecimal():
        raise fail(messages.WRONG_KIND, "A number is expected.", tree.key_locations[key])
    return Decimal(key)


def _rule(tree: YamlMap, items: Items) -> Rule:
    if "levels" in tree:
        refuse_unknown(tree, {"levels"})
        return _levels(want(tree, "levels"))
    refuse_unknown(tree, {*_OPERATIONS, "levels", "missing items"})
    given = [operation for operation in get_args(Operation) if operation in tree]
    if len(given) != 1:
        text = f"A rule has one of: {', '.join(_OPERATIONS)}, levels."
        raise fail(messages.ENTRY_MISSING, text, tree.location)
    ids = _ids(tree, given[0], items)
    return Formula(given[0], ids, _may_miss(tree, ids))


def _may_miss(tree: YamlMap, ids: tuple[str, ...]) -> int:
    if "missing items" not in tree:
        return 0
    missing = want_map(tree, "missing items")
    refuse_unknown(missing, {"at most", "then"})
    most = want_text(missing, "at most")
    if not (most.isdecimal() and 0 < int(most) < len(ids)):
        text = "'at most' is a whole number above 0 and below the number of the items."
        raise fail(messages.WRONG_KIND, text, want(missing, "at most").location)
    if want_text(missing, "then") != "prorate":
        text = "The entry 'then' must be: prorate."
        raise fail(messages.WRONG_KIND, text, want(missing, "then").location)
    return int(most)


def _levels(node: YamlNode) -> Levels:
    steps: list[LevelStep] = []
    for step in maps_of(node, "a level such as {is: low, where: {total: [0, 3]}}"):
        refuse_unknown(step, {"is", "where"})
        if steps and steps[-1].measure is None:
            text = "A level without 'where' holds in any case, so it is the last."
            raise fail(messages.WRONG_KIND, text, step.location)
        measure, value_range = _where(step)
        steps.append(LevelStep(want_text(step, "is"), measure, value_range, step.location))
    if steps[-1].measure is not None:
        text = "The last level has no 'where': it holds where no other does."
        raise fail(messages.WRONG_KIND, text, node.location)
    return Levels(tuple(steps))


def _where(step: YamlMap) -> tuple[str, Range] | tuple[None, None]:
    if "where" not in step:
        return None, None
    where = want_map(step, "where")
    if len(where.entries) != 1:
        text = "Write {measure: [least, most]}, one measure."
        raise fail(messages.WRONG_KIND, text, where.location)
    ((measure, node),) = where.entries.items()
    return measure, range_of(node)


def _ids(tree: YamlMap, key: str, items: Items) -> tuple[str, ...]:
    node = want(tree, key)
    ids = ids_of(node)
    _known(ids, items, node.location)
    return ids


def _known(ids: tuple[str, ...], items: Items, where: MappingLocation) -> None:
    for item in ids:
        if item not in items.ids:
            text = f"The instrument has no item '{item}'."
            raise fail(messages.ENTRY_UNKNOWN, text, where)
