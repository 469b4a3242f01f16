"""Scoring, whatever is answered: missing answers, order, reversed items, and the record check."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_backpain.instruments.instrument import Instrument
from fhir_backpain.instruments.scoring import Missing, band_of, score
from fhir_backpain.instruments.scoring_rule import Formula
from fhir_backpain.validation.record import RecordChecker
from tests.property.records_strategy import examples, library

SCORED = sorted(key for key, one in library().instruments.items() if one.scoring)
EACH = pytest.mark.parametrize("key", SCORED)


def instrument(key: str) -> Instrument:
    return library().instruments[key]


@st.composite
def answers(draw: st.DrawFn, key: str, *, complete: bool = False) -> dict[str, int]:
    """Answers to some items of an instrument, in any order."""
    items = instrument(key).items
    assert items is not None
    low, high = map(int, items.value_range)
    ids = draw(st.permutations(items.ids))
    kept = len(ids) if complete else draw(st.integers(0, len(ids)))
    return {item: draw(st.integers(low, high)) for item in ids[:kept]}


def formulas(key: str) -> dict[str, Formula]:
    scoring = instrument(key).scoring
    assert scoring is not None
    return {name: rule for name, rule in scoring.rules.items() if isinstance(rule, Formula)}


@EACH
@examples(40)
@given(data=st.data())
def test_there_is_a_score_in_range_exactly_where_enough_is_answered(
    key: str, data: st.DataObject
) -> None:
    given_answers = data.draw(answers(key))
    found = score(instrument(key), given_answers)
    for measure, rule in formulas(key).items():
        missing = sum(item not in given_answers for item in rule.items)
        value, one = found[measure], instrument(key).measures[measure]
        assert isinstance(value, Missing) == (missing > rule.may_miss)
        if isinstance(value, Decimal):
            assert one.value_range is not None
            assert one.value_range[0] <= value <= one.value_range[1]
            assert not one.bands or band_of(one, value) is not None


@EACH
@examples(40)
@given(data=st.data())
def test_a_missing_answer_counts_like_the_mean_of_the_others(key: str, data: st.DataObject) -> None:
    whole = data.draw(answers(key, complete=True))
    for measure, rule in formulas(key).items():
        same = dict.fromkeys(whole, data.draw(st.sampled_from(sorted(whole.values()))))
        for item in data.draw(st.permutations(rule.items))[: rule.may_miss]:
            del same[item]
        full = dict.fromkeys(whole, next(iter(same.values())))
        assert score(instrument(key), same)[measure] == score(instrument(key), full)[measure]


@EACH
@examples(40)
@given(data=st.data())
def test_the_order_of_answers_does_not_matter(key: str, data: st.DataObject) -> None:
    some = data.draw(answers(key))
    shuffled = dict(data.draw(st.permutations(list(some.items()))))
    assert score(instrument(key), shuffled) == score(instrument(key), some)


@EACH
@examples(40)
@given(data=st.data())
def test_a_higher_answer_never_lowers_a_score(key: str, data: st.DataObject) -> None:
    """No shipped instrument has reversed items."""
    scoring = instrument(key).scoring
    assert scoring is not None
    assert not scoring.is_reversed
    whole = data.draw(answers(key, complete=True))
    item = data.draw(st.sampled_from(sorted(whole)))
    higher = {**whole, item: int(scoring.items.value_range[1])}
    before, after = score(instrument(key), whole), score(instrument(key), higher)
    for measure in formulas(key):
        low, high = before[measure], after[measure]
        assert isinstance(low, Decimal)
        assert isinstance(high, Decimal)
        assert low <= high


@examples(40)
@given(data=st.data())
def test_a_reversed_item_counts_from_the_other_end(data: st.DataObject) -> None:
    """Reversing every item and every answer changes nothing."""
    plain = instrument(data.draw(st.sampled_from(SCORED)))
    scoring = plain.scoring
    assert scoring is not None
    turned = replace(plain, scoring=replace(scoring, is_reversed=frozenset(scoring.items.ids)))
    some = data.draw(answers(plain.key))
    low, high = map(int, scoring.items.value_range)
    mirrored = {item: low + high - value for item, value in some.items()}
    assert score(turned, mirrored) == score(plain, some)


CHECKER = RecordChecker(library().vocabulary, library().ranges, library().instruments)


def checked(key: str, some: dict[str, int], scores: list[dict[str, Any]]) -> list[int]:
    items = instrument(key).items
    assert items is not None
    ids = [item for item in items.ids if item in some]
    form = {"instrument": key, "items": [{"id": item, "value": some[item]} for item in ids]}
    record: dict[str, Any] = {
        "record": "assessment",
        "id": "A",
        "source": "urn:x:clinic",
        "patient": {"identifier": {"system": "urn:x:mrn", "value": "1"}},
        "assessed_at": "2026-01-01",
        "recorded_at": "2026-01-01T10:00:00Z",
        "questionnaires": [form],
    }
    if scores:
        record["scores"] = scores
    return [issue.number for issue in CHECKER.check(record)]


@EACH
@examples(40)
@given(data=st.data())
def test_the_record_check_takes_the_computed_score_and_no_other(
    key: str, data: st.DataObject
) -> None:
    some = data.draw(answers(key).filter(bool))
    computed = score(instrument(key), some)
    places = data.draw(st.integers(0, 4))
    for measure in formulas(key):
        value, bounds = computed[measure], library().ranges[measure]
        entry: dict[str, Any] = {"measure": measure, "questionnaire": key}
        if isinstance(value, Missing):
            assert checked(key, some, [{**entry, "score": bounds[0]}]) == [4031]
            continue
        assert isinstance(value, Decimal)
        rounded = round(value, places) if places else Decimal(round(value))
        assert checked(key, some, [{**entry, "score": rounded}]) == []
        other = value + 1 if value + 1 <= bounds[1] else value - 1
        assert checked(key, some, [{**entry, "score": Decimal(round(other, 6))}]) == [4030]
        assert checked(key, some, [{"measure": measure, "score": Decimal(round(other, 6))}]) == []
