"""Reads an instrument's file: everything that mapping and checking need to know of its scores.

A file of ``mappings/instruments`` reads::

    instrument: odi
    title: Oswestry Disability Index
    domain: function          # decides the categories of its Observations
    reported by: patient
    items: {ids: "1-10", range: [0, 5]}      # where answers may be carried
    measures:
      odi: {code: func.odi.score, unit: "{score}", range: [0, 100], functional: true}
    licence: who owns the instrument, in a sentence

A measure that is ``functional`` tells what the patient can do, and its Observations say so in a
category. ``profiles`` names the profiles that they claim, where those are not the domain's own.
With ``value: required`` a record cannot say that the value is missing: FHIR's profile wants it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal, get_args

from fhir_backpain.artifacts import messages
from fhir_backpain.artifacts.located_yaml import (
    YamlList,
    YamlMap,
    YamlNode,
    YamlScalar,
    fail,
    read_yaml,
    refuse_unknown,
    want_map,
    want_text,
)
from fhir_backpain.outcome import MappingLocation

_MEASURE_KEYS = {"code", "unit", "range", "levels", "functional", "profiles", "value"}

Domain = Literal["pain", "function", "quality-of-life", "psychosocial", "activity", "vital-signs"]
Reporter = Literal["patient", "clinician"]
Range = tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class Measure:
    """One value of an instrument: a number with a UCUM unit, or a word from a concept map.

    `code` and the values of `levels` are concept keys; `value_range` is inclusive. `profiles` are
    canonical URLs, none where the domain's stand.
    """

    key: str
    code: str
    unit: str | None
    value_range: Range | None
    levels: dict[str, str]
    location: MappingLocation
    is_functional: bool = False
    profiles: tuple[str, ...] = ()
    needs_value: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """The answers that a Questionnaire of the instrument carries: item ids and inclusive range."""

    ids: tuple[str, ...]
    value_range: Range


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument with its measures."""

    key: str
    title: str
    domain: Domain
    reporter: Reporter
    measures: dict[str, Measure]
    items: Items | None
    licence: str
    location: MappingLocation


def read_instrument(path: Path) -> Instrument:
    """Return the instrument of a file; raises MappingSyntaxError with line and column."""
    tree = read_yaml(path)
    refuse_unknown(
        tree, {"instrument", "title", "domain", "reported by", "items", "measures", "licence"}
    )
    measures = want_map(tree, "measures")
    return Instrument(
        key=want_text(tree, "instrument"),
        title=want_text(tree, "title"),
        domain=_one_of(tree, "domain", get_args(Domain)),
        reporter=_one_of(tree, "reported by", get_args(Reporter)),
        measures={key: _measure(key, measures) for key in measures.entries},
        items=_items(want_map(tree, "items")) if "items" in tree else None,
        licence=want_text(tree, "licence"),
        location=tree.location,
    )


def _one_of(tree: YamlMap, key: str, allowed: tuple[str, ...]) -> Any:
    text = want_text(tree, key)
    if text not in allowed:
        raise fail(
            messages.WRONG_KIND,
            f"The entry '{key}' must be one of: {', '.join(allowed)}.",
            tree.entries[key].location,
        )
    return text


def _measure(key: str, measures: YamlMap) -> Measure:
    tree = want_map(measures, key)
    refuse_unknown(tree, _MEASURE_KEYS)
    levels = want_map(tree, "levels") if "levels" in tree else None
    if levels is None and "unit" not in tree:
        raise fail(messages.ENTRY_MISSING, "A numeric measure needs a unit.", tree.location)
    range_node = tree.get("range")
    return Measure(
        key=key,
        code=want_text(tree, "code"),
        unit=want_text(tree, "unit") if "unit" in tree else None,
        value_range=_range(range_node) if range_node else None,
        levels={word: want_text(levels, word) for word in levels.entries} if levels else {},
        location=tree.location,
        is_functional=_flag(tree, "functional"),
        profiles=_texts(tree, "profiles"),
        needs_value="value" in tree and _one_of(tree, "value", ("required",)) == "required",
    )


def _flag(tree: YamlMap, key: str) -> bool:
    node = tree.get(key)
    if node is None:
        return False
    if not (isinstance(node, YamlScalar) and isinstance(node.value, bool)):
        raise fail(messages.WRONG_KIND, f"The entry '{key}' is true or false.", node.location)
    return node.value


def _texts(tree: YamlMap, key: str) -> tuple[str, ...]:
    node = tree.get(key)
    if node is None:
        return ()
    if not isinstance(node, YamlList):
        raise fail(messages.WRONG_KIND, f"The entry '{key}' is a list.", node.location)
    return tuple(item.text for item in node if isinstance(item, YamlScalar))


def _items(tree: YamlMap) -> Items:
    refuse_unknown(tree, {"ids", "range"})
    first, _, last = want_text(tree, "ids").partition("-")
    if not (first.isdecimal() and last.isdecimal()):
        raise fail(messages.WRONG_KIND, "Item ids read like 1-10.", tree.location)
    node = tree.get("range")
    if node is None:
        raise fail(messages.ENTRY_MISSING, "Items need a range.", tree.location)
    ids = tuple(str(number) for number in range(int(first), int(last) + 1))
    if not ids:
        raise fail(messages.WRONG_KIND, "Item ids begin below their end.", tree.location)
    return Items(ids, _range(node))


def _range(node: YamlNode) -> Range:
    if not (isinstance(node, YamlList) and len(node.items) == 2):
        raise fail(messages.WRONG_KIND, "A range is a list of two numbers.", node.location)
    low, high = (_number(item) for item in node.items)
    if low >= high:
        raise fail(messages.WRONG_KIND, "A range begins below its end.", node.location)
    return low, high


def _number(node: YamlNode) -> Decimal:
    try:
        number = Decimal(node.text if isinstance(node, YamlScalar) else "")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise fail(messages.WRONG_KIND, "A number is expected.", node.location)
    return number
