"""Typed entries of an instrument's file: each is read, or refused at its line and column."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from fhir_backpain.artifacts import messages
from fhir_backpain.artifacts.located_yaml import (
    YamlList,
    YamlMap,
    YamlNode,
    YamlScalar,
    fail,
    want_text,
)

Range = tuple[Decimal, Decimal]


def want(owner: YamlMap, key: str) -> YamlNode:
    """Return the value at `key`; raises MappingSyntaxError where it is missing."""
    node = owner.get(key)
    if node is None:
        raise fail(messages.ENTRY_MISSING, f"The entry '{key}' is missing.", owner.location)
    return node


def one_of(tree: YamlMap, key: str, allowed: tuple[str, ...]) -> Any:
    """Return the word at `key`; raises MappingSyntaxError where it is none of `allowed`."""
    text = want_text(tree, key)
    if text not in allowed:
        raise fail(
            messages.WRONG_KIND,
            f"The entry '{key}' must be one of: {', '.join(allowed)}.",
            tree.entries[key].location,
        )
    return text


def flag(tree: YamlMap, key: str) -> bool:
    """Return the truth value at `key`, False where it is left out."""
    node = tree.get(key)
    if node is None:
        return False
    if not (isinstance(node, YamlScalar) and isinstance(node.value, bool)):
        raise fail(messages.WRONG_KIND, f"The entry '{key}' is true or false.", node.location)
    return node.value


def texts(tree: YamlMap, key: str) -> tuple[str, ...]:
    """Return the texts listed at `key`, none where it is left out."""
    node = tree.get(key)
    if node is None:
        return ()
    if not isinstance(node, YamlList):
        raise fail(messages.WRONG_KIND, f"The entry '{key}' is a list.", node.location)
    return tuple(item.text for item in node if isinstance(item, YamlScalar))


def maps_of(node: YamlNode, what: str) -> Iterator[YamlMap]:
    """Yield the maps of a list that is not empty; `what` names one of them."""
    if not (isinstance(node, YamlList) and node.items):
        raise fail(messages.WRONG_KIND, f"Expected a list, {what} in each item.", node.location)
    for item in node:
        if not isinstance(item, YamlMap):
            raise fail(messages.WRONG_KIND, f"Expected {what}.", item.location)
        yield item


def range_of(node: YamlNode) -> Range:
    """Return an inclusive range from a list of two ascending numbers."""
    if not (isinstance(node, YamlList) and len(node.items) == 2):
        raise fail(messages.WRONG_KIND, "A range is a list of two numbers.", node.location)
    low, high = (number_of(item) for item in node.items)
    if low >= high:
        raise fail(messages.WRONG_KIND, "A range begins below its end.", node.location)
    return low, high


def number_of(node: YamlNode) -> Decimal:
    """Return a finite number, its digits as they are written."""
    try:
        number = Decimal(node.text if isinstance(node, YamlScalar) else "")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise fail(messages.WRONG_KIND, "A number is expected.", node.location)
    return number
