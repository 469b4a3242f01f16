"""The quick look at JSON texts: what it is sure of, and what it leaves to the strict reader."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from fhir_backpain.fhir import json_text
from fhir_backpain.validation.resource import text_look
from fhir_backpain.validation.resource.invariant_table import TESTS
from fhir_backpain.validation.resource.text_block import written_length
from fhir_backpain.validation.resource.text_part import number, number_look
from fhir_backpain.validation.resource.validator import BuiltInValidator
from tests.golden.case import cases

GOLDEN = [json_text.parse(json_text.dump(one)) for case in cases() if case.release == "R4"
          for one in case.expected()]  # fmt: skip
GOOD = {
    "resourceType": "Observation",
    "id": "a",
    "identifier": [{"system": "https://clinic.example", "value": "A-1"}],
    "status": "final",
    "code": {"coding": [{"system": "http://s.example", "code": "x", "display": "X"}]},
    "subject": {"reference": "Patient/1"},
    "effectivePeriod": {"start": "2024-03-04", "end": "2024-03-05"},
    "performer": [{"reference": "Patient/1"}, {"reference": "Practitioner/2"}],
    "valueQuantity": {
        "value": 7, "unit": "day", "system": "http://unitsofmeasure.org", "code": "d",
    },
    "note": [{"text": "Well."}],
}  # fmt: skip
TEXT = json.dumps(GOOD, separators=(",", ":"))


def taught(*texts: str) -> BuiltInValidator:
    """Return a validator that has plans for some good texts."""
    validator = BuiltInValidator()
    for text in texts:
        for _ in range(5):
            assert validator.validate(text) == []
        assert validator._texts.told(text) == []
    return validator


VALIDATOR = taught(TEXT)


def with_value(path: str, value: Any) -> str:
    """Return the text with another value at a path such as ``subject.reference``."""
    one: Any = copy.deepcopy(GOOD)
    node = one
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        node = node[step]
    node[last] = value
    return json.dumps(one, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        json.dumps({"resourceType": "", **dict(reversed(GOOD.items()))}, separators=(",", ":")),
        TEXT.replace("},", "}, ").replace("[", "[ "), f"{TEXT}\n",
        with_value("id", "b"), with_value("valueQuantity.value", 0),
        with_value("effectivePeriod.start", "2024-03-05"),
        with_value("performer", [{"reference": f"Patient/{number}"} for number in range(40)]),
        with_value("note.0.text", "Gut, é, \u2028"),
    ],
)  # fmt: skip
def test_other_values_are_told_without_a_walk(text: str) -> None:
    assert VALIDATOR._texts.told(text) == []
    assert VALIDATOR._texts.told(text.encode()) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TEXT.replace('"id":"a"', '"id":"a","id":"a"'), "twice"),
        (TEXT.replace('"id":"a"', '"id":"b","id":"a"').replace(":7,", ":77777,"), "twice"),
        (TEXT.replace('"d"}', '"d","code":"d"}'), "twice"),
        (TEXT.replace(":7,", ":-0,"), "zero"),
        (TEXT.replace(":7,", ":1e999,"), "number"),
        (TEXT.replace("Well.", "\\ud800"), "surrogate"),
        (TEXT.replace("Well.", "\\u0000"), "NUL"),
        (TEXT + "{}", "follow"),
    ],
)  # fmt: skip
def test_what_the_strict_reader_refuses_is_never_told(text: str, words: str) -> None:
    assert VALIDATOR._texts.told(text) is None
    (issue,) = VALIDATOR.validate(text)
    assert words in issue.text


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        (TEXT.replace('"resourceType":"Observation",', ""), None),
        (TEXT.replace('"resourceType":"Observation",', " " * 29), None),
        (with_value("status", "bogus"), "Observation.status"),
        (with_value("id", "a b"), "Observation.id"),
        (with_value("code.coding.0.system", "relative"), "Observation.code.coding[0].system"),
        (with_value("code.coding.0.display", ""), "Observation.code.coding[0].display"),
        (with_value("code.coding.0.paint", "x"), "Observation.code.coding[0].paint"),
        (with_value("subject.reference", "Encounter/1"), "Observation.subject"),
        (with_value("subject.reference", "#a"), "Observation.subject"),
        (with_value("performer.1.reference", "Goal/1"), "Observation.performer[1]"),
        (with_value("performer", []), "Observation.performer"),
        (with_value("effectivePeriod.start", "2024-03-06"), "Observation.effectivePeriod"),
        (with_value("effectivePeriod.end", "2024-02-30"), "Observation.effectivePeriod.end"),
        (with_value("valueQuantity.value", "7"), "Observation.valueQuantity.value"),
        (with_value("valueQuantity.value", True), "Observation.valueQuantity.value"),
        (with_value("note.0.text", "a\b"), "Observation.note[0].text"),
        (with_value("note.0.text", None), "Observation.note[0].text"),
        (with_value("valueString", "x"), "Observation.value[x]"),
    ],
)
def test_what_the_walk_refuses_is_never_told(text: str, expression: str | None) -> None:
    assert VALIDATOR._texts.told(text) is None
    found = VALIDATOR.validate(text)
    assert any(issue.is_error for issue in found)
    assert expression is None or expression in [issue.expression for issue in found]


def test_a_sibling_of_a_primitive_is_left_to_the_walk() -> None:
    text = with_value("_status", {"extension": [{"url": "http://u.example", "valueCode": "x"}]})
    assert VALIDATOR._texts.told(text) is None
    assert VALIDATOR.validate(text) == []


def test_an_escape_is_read_by_a_plan_that_learned_of_escapes() -> None:
    text = with_value("note.0.text", 'He said "well".\nTwice.')
    assert VALIDATOR._texts.told(text) is None
    validator = taught(text)
    assert validator._texts.told(with_value("note.0.text", 'A "b".')) == []
    for other in ("a\b", "\x0c"):
        assert validator._texts.told(with_value("note.0.text", other)) is None
    assert validator._texts.told(text.replace("He", "\\u0048e")) is None


def test_texts_of_other_shapes_get_plans_of_their_own() -> None:
    other = with_value("note", [{"text": "A."}, {"time": "2024", "text": "B."}])
    validator = taught(TEXT, other)
    assert validator._texts.told(TEXT) == []
    assert validator._texts.told(other) == []


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_look, "_MAX_SHELVES", 3)
    monkeypatch.setattr(text_look, "_MAX_PLANS", 2)
    monkeypatch.setattr(text_look, "_MAX_LENGTHS", 4)
    validator = BuiltInValidator()
    for number_ in range(8):
        claim = {"profile": [f"http://p.example/{number_}"]}
        for text in (with_value("meta", claim), with_value("identifier.0.value", "x" * number_)):
            for _ in range(5):
                validator.validate(text)
    shelves = validator._texts._shelves
    assert 0 < len(shelves) <= 3
    assert all(len(one.plans) <= 2 and len(one.likely) <= 4 for one in shelves.values())


def test_a_recommendation_is_told_of_texts_too() -> None:
    found = [one for one in GOLDEN if one["resourceType"] == "Condition"
             and "clinicalStatus" not in one]  # fmt: skip
    assert found
    for one in found:
        validator, text = BuiltInValidator(), json_text.dump(one)
        for _ in range(5):
            validator.validate(text)
        told = validator._texts.told(text)
        assert told is not None
        assert [issue.number for issue in told] == [4060]


@pytest.mark.parametrize(
    ("type_name", "written", "is_usual"),
    [
        ("decimal", b"1.10", True), ("decimal", b"-3", True), ("decimal", b"0", True),
        ("decimal", b"-0", False), ("decimal", b"-0.0", False), ("decimal", b"1e2", False),
        ("decimal", b'"1"', False), ("decimal", b"true", False), ("decimal", b"1" * 16, False),
        ("integer", b"1.0", False), ("integer", b"-1", False), ("positiveInt", b"0", False),
        ("positiveInt", b"999999999", True), ("unsignedInt", b"0", True),
    ],
)  # fmt: skip
def test_numbers_of_the_usual_form(type_name: str, written: bytes, is_usual: bool) -> None:
    look = number_look(type_name)
    assert look is not None
    assert bool(look(written)) is is_usual
    if is_usual:
        assert json_text.dump(number(written)) == written.decode()


@pytest.mark.parametrize(("text", "length"), [("a", 1), ('"', 2), ("\n", 2), ("\x01", 6), ("é", 1)])
def test_the_shortest_way_to_write_a_text(text: str, length: int) -> None:
    assert written_length(text) == length
    assert len(json.dumps(text)) - 2 >= length


@pytest.mark.parametrize("key", [key for key, test in TESTS.items() if test.reads])
def test_an_invariant_looks_at_nothing_but_what_it_reads(key: str) -> None:
    test = TESTS[key]
    for one in elements():
        if not test.needs or any(name in one for name in test.needs):
            try:
                holds = test.holds(one, one)
            except (AttributeError, KeyError, TypeError):
                continue  # an element of another kind
            assert test.holds(cut(one, test.reads), {}) == holds


def elements() -> list[dict[str, Any]]:
    """Return the objects of all golden outputs, each also without one of its members."""
    found: list[dict[str, Any]] = []
    level: list[Any] = [*GOLDEN]
    while level:
        found += [node for node in level if isinstance(node, dict)]
        level = [child for node in level for child in
                 (node.values() if isinstance(node, dict) else node)
                 if isinstance(child, dict | list)]  # fmt: skip
    return found + [{name: value for name, value in one.items() if name != without}
                    for one in found for without in one]  # fmt: skip


def cut(value: Any, paths: tuple[str, ...] | list[str]) -> Any:
    """Return a value with no more than is at some paths."""
    if "" in paths or not isinstance(value, dict | list):
        return value
    if isinstance(value, list):
        return [cut(item, paths) for item in value]
    kept = {}
    for name, item in value.items():
        steps = [path.partition(".") for path in paths]
        if any(first.endswith("[x]") and name.startswith(first[:-3]) for first, _, _ in steps):
            kept[name] = None
        elif rest := [further for first, _, further in steps if first == name]:
            kept[name] = cut(item, rest)
    return kept
