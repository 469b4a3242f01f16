"""A record's questionnaires held against their instruments: items, answers, and given scores.

Nothing is scored in the sender's place: a score that contradicts its answers is refused, one that
cannot be held against them is told, and so is one that could be computed and is not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from fhir_backpain.fhir.json_fault import pointer_of
from fhir_backpain.instruments.instrument import Instrument
from fhir_backpain.instruments.item import Items
from fhir_backpain.instruments.scoring import Missing, score
from fhir_backpain.outcome import Issue
from fhir_backpain.validation.plain_words import any_of
from fhir_backpain.validation.record_entry import Path, entries, text_of
from fhir_backpain.validation.record_messages import (
    ITEMS_OUT_OF_ORDER,
    OUT_OF_RANGE,
    SCORE_COMPUTABLE,
    SCORE_CONTRADICTS,
    SCORE_UNCHECKED,
    UNKNOWN_KEY,
)
from fhir_backpain.validation.record_problem import issue_at

Instruments = Mapping[str, Instrument]


def questionnaires_amiss(data: dict[str, Any], instruments: Instruments) -> Iterator[Issue]:
    """Yield what is wrong with the answers of each questionnaire, or with the scores from them.

    An instrument whose items are not listed may have any, in any order.
    """
    for path, form in entries(data, "questionnaires"):
        instrument = instruments.get(text_of(form, "instrument") or "")
        if instrument is None or instrument.items is None:
            continue
        found = [*_items(path, form, instrument.items), *_answers(path, form, instrument)]
        yield from found
        answers = _numbers(form)
        if not found and answers is not None:
            yield from _scores(path, data, instrument, answers)


def _items(path: Path, form: dict[str, Any], items: Items) -> Iterator[Issue]:
    last = 0
    for item_path, item in entries(form, "items"):
        id_ = text_of(item, "id")
        if id_ is not None and id_ not in items.ids:
            text = f"Expected one of the {len(items.ids)} items of this instrument."
            yield issue_at(UNKNOWN_KEY, text, (*path, *item_path, "id"))
        elif id_ is not None and items.ids.index(id_) < last:
            text = "This item stands before the one above it in the instrument."
            yield issue_at(ITEMS_OUT_OF_ORDER, text, (*path, *item_path, "id"))
        else:
            last = items.ids.index(id_) if id_ is not None else last


def _answers(path: Path, form: dict[str, Any], instrument: Instrument) -> Iterator[Issue]:
    for item_path, item in entries(form, "items"):
        id_, value = text_of(item, "id"), _number(item, "value")
        if id_ is None or value is None or _takes(instrument, id_, value):
            continue
        text = "Expected an answer that this item takes."
        if instrument.items and not (instrument.scoring and id_ in instrument.scoring.points):
            low, high = instrument.items.value_range
            text = f"Expected an answer from {low} to {high}."
        yield issue_at(OUT_OF_RANGE, text, (*path, *item_path, "value"))


def _takes(instrument: Instrument, item: str, value: Decimal) -> bool:
    if instrument.scoring:
        return instrument.scoring.points_of(item, value) is not None
    return instrument.items is None or (
        instrument.items.value_range[0] <= value <= instrument.items.value_range[1]
    )


def _numbers(form: dict[str, Any]) -> dict[str, Decimal] | None:
    """Return the answers by item, None where one is unreadable or given twice."""
    items = [item for _, item in entries(form, "items")]
    answers = {text_of(item, "id"): _number(item, "value") for item in items}
    known = {id_: value for id_, value in answers.items() if id_ is not None and value is not None}
    return known if len(known) == len(items) else None


def _number(entry: dict[str, Any], name: str) -> Decimal | None:
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return Decimal(value)


def _scores(
    path: Path, data: dict[str, Any], instrument: Instrument, answers: Mapping[str, Decimal]
) -> Iterator[Issue]:
    computed = score(instrument, answers)
    given = {text_of(entry, "measure"): (where, entry) for where, entry in entries(data, "scores")}
    if not given.keys() & instrument.measures.keys():
        names = [f'"{name}"' for name, one in computed.items() if not isinstance(one, Missing)]
        if names:
            text = f"The answers give {any_of(names, 'and')}, of which the record has no score."
            yield issue_at(SCORE_COMPUTABLE, text, path)
    for measure, value in computed.items():
        where, entry = given.get(measure, ((), {}))
        if text_of(entry, "questionnaire") == instrument.key:
            yield from _held(where, entry, value, pointer_of((*path, "items")))


def _held(
    path: Path, entry: dict[str, Any], computed: Decimal | str | Missing, answers: str
) -> Iterator[Issue]:
    """Hold a given score against the one that its answers give."""
    name = "level" if "level" in entry else "score"
    given = text_of(entry, name) or _number(entry, name)
    if given is None:
        return
    if isinstance(computed, Missing):
        text = f"{_sentence(computed.reason)} at {answers}: the {name} cannot be held against them."
        yield issue_at(SCORE_UNCHECKED, text, (*path, name))
    elif not _agrees(given, computed):
        text = f"The answers at {answers} give another {name} than this one."
        yield issue_at(SCORE_CONTRADICTS, text, (*path, name))


def _agrees(given: Decimal | str, computed: Decimal | str) -> bool:
    """True where a score is the computed one, rounded or cut to the places that it is given in."""
    if isinstance(given, str) or isinstance(computed, str):
        return given == computed
    exponent = given.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return abs(given - computed) < Decimal(10) ** -places


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
