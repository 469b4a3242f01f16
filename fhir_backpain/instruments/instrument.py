"""Reads an instrument's file: everything that mapping and checking need to know of its scores.

A file of ``mappings/instruments`` reads::

    instrument: odi
    title: Oswestry Disability Index
    domain: function          # decides the categories of its Observations
    reported by: patient
    items: {ids: 1-10, range: [0, 5]}        # where answers may be carried
    measures:
      odi:
        code: func.odi.score
        unit: unit.score
        range: [0, 100]
        functional: true
        direction: lower-is-better
        important change: {value: 10, of: absolute, source: who found it, and where}
        bands:
          source: who set them, and where
          steps: [{to: 20, name: minimal}, {to: 40, name: moderate}, {to: 100, name: severe}]
    licence: who owns the instrument, in a sentence

Item ids are numbers, or numbers with a letter: ``1-10``, ``[3-6, 9a, 9b]``. A measure that is
``functional`` tells what the patient can do, and its Observations say so in a category.
Who reports is the performer of the Observations; a measure may name another in its own ``reported
by``.
``profiles`` names the profiles that they claim, where those are not the domain's own. With
``value: required`` a record cannot say that the value is missing: FHIR's profile wants it.

An ``important change`` is in the unit of the measure; with ``of: baseline`` it is a percentage of
the first score. Bands ascend: each ends at ``to``, inclusive, and the last at the end of the range.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from fhir_backpain.artifacts import messages
from fhir_backpain.artifacts.located_yaml import (
    YamlMap,
    fail,
    read_yaml,
    refuse_unknown,
    want_map,
    want_text,
)
from fhir_backpain.instruments.entry import Range, flag, one_of, range_of, texts, want
from fhir_backpain.instruments.interpretation import (
    Band,
    Direction,
    ImportantChange,
    bands_of,
    direction_of,
    important_change_of,
)
from fhir_backpain.instruments.item import Items, items_of
from fhir_backpain.instruments.scoring_rule import Formula, Levels, Scoring, scoring_of
from fhir_backpain.outcome import MappingLocation

_MEASURE_KEYS = {
    "code", "unit", "range", "levels", "functional", "profiles", "value", "direction",
    "important change", "bands", "reported by",
}  # fmt: skip

Domain = Literal["pain", "function", "quality-of-life", "psychosocial", "activity", "vital-signs"]
Reporter = Literal["patient", "clinician"]
_REPORTERS: tuple[Reporter, ...] = get_args(Reporter)


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
    direction: Direction | None = None
    important_change: ImportantChange | None = None
    bands: tuple[Band, ...] = ()
    reporter: Reporter = "patient"


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
    scoring: Scoring | None = None
    unscored: str | None = None


def read_instrument(path: Path) -> Instrument:
    """Return the instrument of a file; raises MappingSyntaxError with line and column."""
    tree = read_yaml(path)
    refuse_unknown(
        tree,
        {
            "instrument", "title", "domain", "reported by", "items", "measures", "scoring",
            "not scored because", "licence",
        },
    )  # fmt: skip
    node = want_map(tree, "measures")
    reporter = one_of(tree, "reported by", _REPORTERS)
    measures = {key: _measure(key, node, reporter) for key in node.entries}
    items = items_of(want_map(tree, "items")) if "items" in tree else None
    scoring = scoring_of(tree, items)
    if scoring is not None:
        _check_scoring(scoring, measures, want_map(want_map(tree, "scoring"), "measures"))
    return Instrument(
        key=want_text(tree, "instrument"),
        title=want_text(tree, "title"),
        domain=one_of(tree, "domain", get_args(Domain)),
        reporter=reporter,
        measures=measures,
        items=items,
        licence=want_text(tree, "licence"),
        location=tree.location,
        scoring=scoring,
        unscored=_unscored(tree),
    )


def _unscored(tree: YamlMap) -> str | None:
    """Return why nothing is scored from items, None where the file says nothing of it."""
    if "not scored because" not in tree:
        return None
    if "scoring" in tree:
        text = "An instrument has 'scoring' or 'not scored because', not both."
        raise fail(messages.WRONG_KIND, text, tree.key_locations["not scored because"])
    return want_text(tree, "not scored because")


def _measure(key: str, measures: YamlMap, reporter: Reporter) -> Measure:
    tree = want_map(measures, key)
    refuse_unknown(tree, _MEASURE_KEYS)
    levels = want_map(tree, "levels") if "levels" in tree else None
    if levels is None and "unit" not in tree:
        raise fail(messages.ENTRY_MISSING, "A numeric measure needs a unit.", tree.location)
    value_range = range_of(want(tree, "range")) if "range" in tree else None
    return Measure(
        key=key,
        code=want_text(tree, "code"),
        unit=want_text(tree, "unit") if "unit" in tree else None,
        value_range=value_range,
        levels={word: want_text(levels, word) for word in levels.entries} if levels else {},
        location=tree.location,
        is_functional=flag(tree, "functional"),
        profiles=texts(tree, "profiles"),
        needs_value="value" in tree and one_of(tree, "value", ("required",)) == "required",
        direction=direction_of(tree),
        important_change=important_change_of(tree),
        bands=bands_of(tree, value_range),
        reporter=one_of(tree, "reported by", _REPORTERS) if "reported by" in tree else reporter,
    )


def _check_scoring(scoring: Scoring, measures: Mapping[str, Measure], tree: YamlMap) -> None:
    """Raise MappingSyntaxError at the first rule that does not fit the measure that it is for."""
    for key, rule in scoring.rules.items():
        if key not in measures:
            text = f"The instrument has no measure '{key}'."
            raise fail(messages.ENTRY_UNKNOWN, text, tree.key_locations[key])
        if isinstance(rule, Levels):
            _check_levels(rule, measures[key], scoring)
        elif measures[key].value_range != scoring.result_range(rule):
            low, high = scoring.result_range(rule)
            text = f"The rule gives scores from {low:f} to {high:f}: other than the range."
            raise fail(messages.WRONG_KIND, text, want(tree, key).location)


def _check_levels(levels: Levels, measure: Measure, scoring: Scoring) -> None:
    for step in levels.steps:
        if step.level not in measure.levels:
            text = f"The measure has no level '{step.level}'."
            raise fail(messages.WRONG_KIND, text, step.location)
        if step.measure and not isinstance(scoring.rules.get(step.measure), Formula):
            text = f"No rule gives the number of '{step.measure}'."
            raise fail(messages.WRONG_KIND, text, step.location)
