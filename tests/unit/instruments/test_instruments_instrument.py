"""Instruments: what their files say, and each way in which they are refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.errors import MappingSyntaxError
from fhir_backpain.instruments.instrument import Instrument, read_instrument

GOOD = """\
instrument: odi
title: Oswestry Disability Index
domain: function
reported by: patient
items: {ids: 2-4, range: [0, 5]}
measures:
  odi: {code: func.odi.score, unit: unit.score, range: [-0.5, 100]}
  risk: {code: psy.risk, levels: {low: psy.low, high: psy.high}}
licence: who owns it
"""


def read(tmp_path: Path, text: str) -> Instrument:
    path = tmp_path / "i.yaml"
    path.write_text(text, "utf-8")
    return read_instrument(path)


def test_an_instrument_says_everything_of_its_measures(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    assert (found.key, found.domain, found.reporter) == ("odi", "function", "patient")
    assert (found.title, found.licence) == ("Oswestry Disability Index", "who owns it")
    assert found.items is not None
    assert found.items.ids == ("2", "3", "4")
    assert found.items.value_range == (Decimal(0), Decimal(5))
    odi, risk = found.measures["odi"], found.measures["risk"]
    assert (odi.code, odi.unit, odi.levels) == ("func.odi.score", "unit.score", {})
    assert odi.value_range == (Decimal("-0.5"), Decimal(100))
    assert (risk.unit, risk.value_range) == (None, None)
    assert risk.levels == {"low": "psy.low", "high": "psy.high"}
    assert str(odi.location) == f"{tmp_path}/i.yaml:7:8"


@pytest.mark.parametrize(
    ("written", "ids"),
    [
        ("7", ("7",)),
        ("[2-4, 9a, 9b, 12]", ("2", "3", "4", "9a", "9b", "12")),
        ("[10-11, 3]", ("10", "11", "3")),
    ],
)
def test_item_ids_are_numbers_with_a_letter_or_without(
    tmp_path: Path, written: str, ids: tuple[str, ...]
) -> None:
    found = read(tmp_path, GOOD.replace("2-4", written)).items
    assert found is not None
    assert found.ids == ids


def test_items_and_ranges_may_be_left_out(tmp_path: Path) -> None:
    text = GOOD.replace("items: {ids: 2-4, range: [0, 5]}\n", "")
    found = read(tmp_path, text.replace(", range: [-0.5, 100]", ""))
    assert found.items is None
    assert found.measures["odi"].value_range is None


@pytest.mark.parametrize(
    ("old", "new", "place", "number", "words"),
    [
        ("instrument: odi\n", "", "1:1", 1005, "'instrument' is missing"),
        ("title: Oswestry Disability Index\n", "", "1:1", 1005, "'title'"),
        ("domain: function\n", "", "1:1", 1005, "'domain'"),
        ("reported by: patient\n", "", "1:1", 1005, "'reported by'"),
        ("licence: who owns it\n", "", "1:1", 1005, "'licence'"),
        ("licence: who owns it", "licence:", "9:9", 1004, "'licence' must be text"),
        ("domain: function", "domain: work", "3:9", 1004, "must be one of: pain, function"),
        ("by: patient", "by: nurse", "4:14", 1004, "must be one of: patient, clinician"),
        ("title:", "titel:", "2:1", 1006, "'titel' is not known"),
        ("{ids: 2-4, ", "{ids: 2-4, n: 3, ", "5:19", 1006, "'n' is not known"),
        ("ids: 2-4, ", "", "5:8", 1005, "'ids' is missing"),
        ("2-4", "all", "5:14", 1004, "Item ids read like 1-10"),
        ("2-4", "9ab", "5:14", 1004, "Item ids read like 1-10"),
        ("2-4", "2-²", "5:14", 1004, "Item ids read like 1-10"),
        ("2-4", "[[2], 4]", "5:15", 1004, "Item ids read like 1-10"),
        ("2-4", "{a: 4}", "5:14", 1004, "Item ids read like 1-10"),
        ("2-4", "4-2", "5:14", 1004, "begin below their end"),
        ("2-4", "[2-4, 3]", "5:14", 1004, "listed once each"),
        ("2-4", "[]", "5:14", 1004, "listed once each"),
        (", range: [0, 5]", "", "5:8", 1005, "Items need a range"),
        ("items: {ids: 2-4, range: [0, 5]}", "items: 2-4", "5:8", 1004, "must be a map"),
        ("[0, 5]", "[0, 5, 9]", "5:26", 1004, "list of two numbers"),
        ("[0, 5]", "0-5", "5:26", 1004, "list of two numbers"),
        ("[0, 5]", "[5, 0]", "5:26", 1004, "begins below its end"),
        ("[0, 5]", "[0, 0]", "5:26", 1004, "begins below its end"),
        ("[0, 5]", "[none, 5]", "5:27", 1004, "A number is expected"),
        ("[0, 5]", "[NaN, 5]", "5:27", 1004, "A number is expected"),
        ("[0, 5]", "[0, Infinity]", "5:30", 1004, "A number is expected"),
        ("[0, 5]", "[[0], 5]", "5:27", 1004, "A number is expected"),
        ("code: func.odi.score, ", "", "7:8", 1005, "'code' is missing"),
        ("unit: unit.score, ", "", "7:8", 1005, "needs a unit"),
        ("unit: unit", "units: unit", "7:31", 1006, "'units' is not known"),
        ("{low: psy.low, high: psy.high}", "low", "8:34", 1004, "'levels' must be a map"),
        ("low: psy.low", "low: [psy.low]", "8:40", 1004, "'low' must be text"),
    ],
)
def test_a_wrong_instrument_is_refused_at_its_place(
    tmp_path: Path, old: str, new: str, place: str, number: int, words: str
) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(MappingSyntaxError) as caught:
        read(tmp_path, GOOD.replace(old, new))
    (issue,) = caught.value.issues
    assert words in issue.text
    assert (issue.number, str(issue.mapping)) == (number, f"{tmp_path}/i.yaml:{place}")


SHIPPED = sorted((mappings_folder() / "instruments").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_instrument_is_named_like_its_file_and_has_its_licence(path: Path) -> None:
    found = read_instrument(path)
    assert found.key == path.stem
    assert len(found.licence) > 15
    assert found.measures


def test_a_measure_says_its_claims_and_that_it_is_functional(tmp_path: Path) -> None:
    more = ", functional: true, value: required, profiles: [https://clinic.example/p]"
    odi = read(tmp_path, GOOD.replace("100]}", f"100]{more}}}")).measures["odi"]
    assert (odi.is_functional, odi.needs_value) == (True, True)
    assert odi.profiles == ("https://clinic.example/p",)
    plain = read(tmp_path, GOOD).measures["odi"]
    assert (plain.is_functional, plain.needs_value, plain.profiles) == (False, False, ())


@pytest.mark.parametrize(
    ("whole", "own", "reporter"),
    [
        ("patient", "", "patient"),
        ("clinician", "", "clinician"),
        ("patient", ", reported by: clinician", "clinician"),
        ("clinician", ", reported by: patient", "patient"),
    ],
)
def test_who_reports_a_measure_is_said_by_it_or_by_its_instrument(
    tmp_path: Path, whole: str, own: str, reporter: str
) -> None:
    text = GOOD.replace("reported by: patient", f"reported by: {whole}")
    assert (
        read(tmp_path, text.replace("100]}", f"100]{own}}}")).measures["odi"].reporter == reporter
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("reported by: nurse", "one of: patient, clinician"),
        ("functional: perhaps", "true or false"),
        ("profiles: https://clinic.example/p", "is a list"),
        ("value: optional", "one of: required"),
    ],
)
def test_what_a_measure_says_otherwise_is_refused(tmp_path: Path, more: str, words: str) -> None:
    with pytest.raises(MappingSyntaxError, match=words):
        read(tmp_path, GOOD.replace("100]}", f"100], {more}}}"))
