"""What a score means: which way is better, which change matters, and the bands of severity."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from fhir_backpain.artifacts import messages
from fhir_backpain.artifacts.located_yaml import YamlMap, fail, refuse_unknown, want_map, want_text
from fhir_backpain.instruments.entry import Range, maps_of, number_of, one_of, want

Direction = Literal["lower-is-better", "higher-is-better"]
ChangeOf = Literal["baseline", "absolute"]


@dataclass(frozen=True, slots=True)
class ImportantChange:
    """The least change that patients find important, from a published study.

    `value` is in the unit of the measure, or a percentage of the baseline where `is_percent`.
    """

    value: Decimal
    is_percent: bool
    source: str


@dataclass(frozen=True, slots=True)
class Band:
    """A band of severity: it reaches from the end of the one below to `upto`, inclusive."""

    name: str
    upto: Decimal
    source: str


def direction_of(tree: YamlMap) -> Direction | None:
    """Return the direction of a measure, None where its file names none."""
    if "direction" not in tree:
        return None
    found: Direction = one_of(tree, "direction", get_args(Direction))
    return found


def important_change_of(tree: YamlMap) -> ImportantChange | None:
    """Return the important change of a measure, None where its file names none."""
    if "important change" not in tree:
        return None
    change = want_map(tree, "important change")
    refuse_unknown(change, {"value", "of", "source"})
    value = number_of(want(change, "value"))
    is_percent = one_of(change, "of", get_args(ChangeOf)) == "baseline"
    if value <= 0 or (is_percent and value > 100):
        text = "An important change is above 0, and as a share of the baseline at most 100."
        raise fail(messages.WRONG_KIND, text, want(change, "value").location)
    return ImportantChange(value, is_percent, want_text(change, "source"))


def bands_of(tree: YamlMap, value_range: Range | None) -> tuple[Band, ...]:
    """Return the bands of a measure, lowest first, none where its file names none.

    Raises MappingSyntaxError where they do not ascend within the range up to its end.
    """
    if "bands" not in tree:
        return ()
    bands = want_map(tree, "bands")
    refuse_unknown(bands, {"source", "steps"})
    source, found = want_text(bands, "source"), list[Band]()
    if value_range is None:
        raise fail(messages.ENTRY_MISSING, "A measure with bands needs a range.", tree.location)
    for step in maps_of(want(bands, "steps"), "a band such as {to: 20, name: minimal}"):
        refuse_unknown(step, {"to", "name"})
        upto, low = number_of(want(step, "to")), found[-1].upto if found else value_range[0]
        if not (low <= upto if not found else low < upto) or upto > value_range[1]:
            text = "Bands ascend within the range of their measure."
            raise fail(messages.WRONG_KIND, text, want(step, "to").location)
        found.append(Band(want_text(step, "name"), upto, source))
    if found[-1].upto != value_range[1]:
        text = "The last band ends where the range of its measure ends."
        raise fail(messages.WRONG_KIND, text, want(bands, "steps").location)
    return tuple(found)
