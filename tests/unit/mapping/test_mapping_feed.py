"""Feed mappings: cells to values, parameters, and everything that is refused."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_backpain.errors import ArtifactError, SettingsError
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.feed import RowContext
from tests.unit.mapping.conftest import MakeFeed

HEAD = "feed: f\nmakes: observation\nparameters: {day: date, who: text}\nrecord:\n"


def read(make_feed: MakeFeed, slot: str, **cells: str) -> tuple[Any, list[str]]:
    """Return what a slot makes of a row, and the texts of the problems that it notes."""
    feed = make_feed(f"{HEAD}  x: {slot}\n")
    context = RowContext({"day": "2024-01-31", "who": "me"})
    data = json_text.parse(feed.program.make(cells, context))
    assert data.pop("record") == "observation"
    return data.get("x"), [issue.text for issue in context.problems]


@pytest.mark.parametrize(
    ("slot", "cell", "value"),
    [
        ("{=number: c}", "5", "5"),
        ("{=number: c}", "-5.50", "-5.50"),
        ("{=number: c}", "+007.0", "7.0"),
        ("{=number: c}", "0.000", "0.000"),
        ('{=number: c, decimal: ","}', "1,25", "1.25"),
        ('{=number: c, decimal: ","}', "3", "3"),
        ("{=integer: c}", "3.0", "3"),
        ("{=integer: c}", "-12", "-12"),
        ("{=date: c}", "2024-02-29", "2024-02-29"),
        ("{=date: c, form: dd/mm/yyyy}", "29/02/2024", "2024-02-29"),
        ("{=date: c, form: yyyymmdd}", "20240229", "2024-02-29"),
        ('{=date: c, form: "dd.mm.yyyy"}', "01.12.1999", "1999-12-01"),
        ("{=dateTime: c, zone: Z}", "2024-07-01 08:05", "2024-07-01T08:05:00+00:00"),
        ('{=dateTime: c, zone: "-03:30"}', "2024-07-01 08:05", "2024-07-01T08:05:00-03:30"),
        ("{=dateTime: c, zone: Europe/Berlin}", "2024-07-01 08:05", "2024-07-01T08:05:00+02:00"),
        ("{=dateTime: c, zone: Europe/Berlin}", "2024-01-01 08:05", "2024-01-01T08:05:00+01:00"),
        (
            '{=dateTime: c, form: "dd/mm/yyyy HH:MM:SS", zone: Asia/Kolkata}',
            "01/07/2024 23:59:58",
            "2024-07-01T23:59:58+05:30",
        ),
        ("{=word: c, table: {1: female, 2: male}}", "2", "male"),
        ("{=word: c, table: {01: yes it is}}", "01", "yes it is"),
        ("{=word: c, table: {n: no}}", "n", "False"),
        ("{=word: c, table: {b: =parameter.day, f: other}}", "b", "2024-01-31"),
        ("{=word: c, table: {b: =parameter.day, f: other}}", "f", "other"),
        ('{=word: c, table: {b: "=parameter.day"}}', "b", "=parameter.day"),
        ("=c", "a \"b\" {c} \\ 'é'", "a \"b\" {c} \\ 'é'"),
        ("{=copy: c, else: none}", "there", "there"),
        ('{=text: "{c}/{c} {parameter.who}"}', "7", "7/7 me"),
        ("=parameter.day", "unused", "2024-01-31"),
        ('{=number: "my column"}', "", None),
    ],
)
def test_a_cell_becomes_the_value_that_it_stands_for(
    make_feed: MakeFeed, slot: str, cell: str, value: str | None
) -> None:
    made, problems = read(make_feed, slot, c=cell)
    assert problems == []
    assert made is None if value is None else str(made) == value


@pytest.mark.parametrize(
    "slot",
    [
        "=c",
        '{=text: "{c}-{d}"}',
        "{=number: c}",
        "{=integer: c}",
        "{=date: c}",
        "{=dateTime: c, zone: Z}",
        "{=word: c, table: {1: a}}",
        "{=word: c, table: {1: =parameter.day}}",
    ],
)
def test_a_missing_cell_makes_nothing(make_feed: MakeFeed, slot: str) -> None:
    assert read(make_feed, slot, d="other") == (None, [])


@pytest.mark.parametrize(
    ("slot", "cell", "expected"),
    [
        ("{=number: c}", "1,25", "a number"),
        ("{=number: c}", "1e3", "a number"),
        ("{=number: c}", "NaN", "a number"),
        ("{=number: c}", "12 kg", "a number"),
        ("{=number: c}", "-0", "a number"),
        ("{=number: c}", "-0.00", "a number"),
        ("{=number: c}", ".5", "a number"),
        ('{=number: c, decimal: ","}', "1.234", "a number"),
        ('{=number: c, decimal: ","}', "1.234,5", "a number"),
        ('{=number: c, decimal: ","}', "1,2,3", "a number"),
        ("{=integer: c}", "3.5", "a whole number"),
        ("{=integer: c}", "-0", "a whole number"),
        ("{=integer: c}", "three", "a whole number"),
        ("{=date: c}", "2023-02-29", "a date written yyyy-mm-dd"),
        ("{=date: c}", "2023-2-9", "a date written yyyy-mm-dd"),
        ("{=date: c}", "29/02/2024", "a date written yyyy-mm-dd"),
        ("{=date: c, form: dd/mm/yyyy}", "12/31/2024", "a date written dd/mm/yyyy"),
        # Germany leaves out 02:30 on this day, and has it twice on the other.
        ("{=dateTime: c, zone: Europe/Berlin}", "2024-03-31 02:30", "a date and time written"),
        ("{=dateTime: c, zone: Europe/Berlin}", "2024-10-27 02:30", "a date and time written"),
        ("{=dateTime: c, zone: Z}", "2024-03-31 24:00", "a date and time written"),
        ("{=dateTime: c, zone: Z}", "2024-03-31", "a date and time written"),
        ("{=word: c, table: {1: a, 2: b}}", "3", "one of 1, 2"),
        ("{=word: c, table: {1: a, 2: =parameter.day}}", "01", "one of 1, 2"),
    ],
)
def test_a_cell_that_cannot_be_read_is_reported_and_not_quoted(
    make_feed: MakeFeed, slot: str, cell: str, expected: str
) -> None:
    made, problems = read(make_feed, slot, c=cell)
    assert made is None
    assert len(problems) == 1
    assert problems[0].startswith(f"The cell in column 'c' is not {expected}")
    assert cell not in problems[0]


def test_times_beside_the_change_of_the_clocks_are_read(make_feed: MakeFeed) -> None:
    slot = "{=dateTime: c, zone: Europe/Berlin}"
    assert read(make_feed, slot, c="2024-03-31 01:59")[0] == "2024-03-31T01:59:00+01:00"
    assert read(make_feed, slot, c="2024-03-31 03:00")[0] == "2024-03-31T03:00:00+02:00"
    assert read(make_feed, slot, c="2024-10-27 01:59")[0] == "2024-10-27T01:59:00+02:00"
    assert read(make_feed, slot, c="2024-10-27 03:00")[0] == "2024-10-27T03:00:00+01:00"


def test_several_columns_make_one_value(make_feed: MakeFeed) -> None:
    slot = "{=dateTime: [day, clock], offset: zone}"
    row = {"day": "2024-10-27", "clock": "02:30", "zone": "+02:00"}
    assert read(make_feed, slot, **row) == ("2024-10-27T02:30:00+02:00", [])
    assert read(make_feed, slot, clock="02:30", zone="Z") == (None, [])
    assert read(make_feed, slot, day="2024-10-27", zone="Z") == (
        None,
        ["The cell in column 'day' needs a value in clock, zone too."],
    )
    _, problems = read(make_feed, slot, **{**row, "zone": "CET"})
    assert problems == [
        "The cell in column 'day, clock, zone' is not "
        "a date and time written yyyy-mm-dd HH:MM, and an offset."
    ]
    word = "{=word: [item, unit], table: {WGT kg: body-weight}}"
    assert read(make_feed, word, item="WGT", unit="kg") == ("body-weight", [])
    assert len(read(make_feed, word, item="WGT", unit="lb")[1]) == 1


def test_each_and_fragments_have_no_place_in_a_table(make_feed: MakeFeed) -> None:
    with pytest.raises(ArtifactError, match="not a list"):
        make_feed(f"{HEAD}  x: [{{=each: c as y, z: =y}}]\n")
    with pytest.raises(ArtifactError, match="no fragment 'meta'"):
        make_feed(f"{HEAD}  x: {{=use: meta}}\n")


@pytest.mark.parametrize(
    ("slot", "words"),
    [
        ("{=number: c, decimal: [a]}", "takes text"),
        ("{=number: c, comma: a}", "no option 'comma'; it has: decimal"),
        ("{=integer: c, decimal: a}", "it has: none"),
        ("{=date: c, form: mm/yyyy}", "'=date' needs yyyy, mm, dd"),
        ("{=date: c, form: yyyy}", "'=date' needs yyyy, mm, dd"),
        ("{=date: c, form: yyyy-mm-dd dd}", "'=date' needs yyyy, mm, dd"),
        ("{=date: c, zone: Z}", "no option 'zone'"),
        ("{=dateTime: c}", "needs 'zone' or 'offset'"),
        ("{=dateTime: c, zone: Z, offset: d}", "needs 'zone' or 'offset'"),
        ("{=dateTime: c, zone: Mars/Olympus}", "not an IANA time zone"),
        ("{=dateTime: c, zone: ../etc}", "not an IANA time zone"),
        ("{=dateTime: c, form: dd/mm/yyyy, zone: Z}", "'=dateTime' needs yyyy, mm, dd, HH, MM"),
        ("{=dateTime: c, form: yyyy-mm-dd HH, zone: Z}", "'=dateTime' needs"),
        ("{=word: c}", "needs a table"),
        ("{=word: c, table: [a]}", "needs a table"),
        ("{=word: c, table: {a: [b]}}", "single values"),
        ("{=word: c, table: {a: =parameter.nope}}", "no parameter 'nope'"),
        ("{=concept: c, map: measure}", "no function 'concept'"),
        ("=parameter.nope", "no parameter 'nope'"),
    ],
)
def test_a_wrong_slot_is_named_at_its_line(make_feed: MakeFeed, slot: str, words: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        make_feed(f"{HEAD}  id: =id\n  x: {slot}\n")
    (issue,) = caught.value.issues
    assert words in issue.text
    assert str(issue.mapping).startswith("f.feed.yaml:6:")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("feed: f\nmakes: visit\nrecord: {a: 1}", "2:8", "A feed makes one of: assessment"),
        ("feed: f\nmakes: observation", "1:1", "'record' is missing"),
        ("feed: f\nmakes: observation\nrecord: [a]", "3:9", "'record' must be a map"),
        ("feed: f\nmakes: observation\nrecord: {=each: a as b, c: =b}", "3:9", "A record is a map"),
        ("feed: f\nmakes: observation\nrecords: {a: 1}", "3:1", "'records' is not known"),
        ("feed: f\nmakes: observation\nparameters: {d: day}\nrecord: {a: 1}", "3:17", "one of:"),
        (
            "feed: f\nmakes: observation\nparameters: {d: {kind: date, or: 1}}\nrecord: {a: 1}",
            "3:30",
            "'or' is not known",
        ),
        ("feed: f\nmakes: observation\ntable: {sep: a}\nrecord: {a: 1}", "3:9", "'sep' is not"),
        (
            "feed: f\nmakes: observation\ntable: {missing: [[a]]}\nrecord: {a: 1}",
            "3:19",
            "one word",
        ),
        (
            "feed: f\nmakes: observation\nrecord: {a: =c}\nignore:\n  - {path: c, because: x}",
            "5:5",
            "ignored and used",
        ),
        ("feed: f\nmakes: observation\nrecord: {a: =c}\nignore:\n  - {path: d}", "5:5", "because"),
    ],
)
def test_a_wrong_feed_is_named_at_its_place(
    make_feed: MakeFeed, text: str, place: str, words: str
) -> None:
    with pytest.raises(ArtifactError) as caught:
        make_feed(text)
    (issue,) = caught.value.issues
    assert words in issue.text
    assert str(issue.mapping) == f"f.feed.yaml:{place}"


PARAMETERS = """
feed: f
makes: observation
parameters:
  day: date
  seen: dateTime
  exported: {kind: instant, default: "2024-01-01T00:00:00Z"}
  system: uri
  who: text
record: {id: =id}
"""
GOOD = {"day": "2024-02-29", "seen": "2024-02-29", "system": "urn:x", "who": "a b"}


def test_parameters_are_settled_with_their_defaults(make_feed: MakeFeed) -> None:
    feed = make_feed(PARAMETERS)
    assert feed.settle_parameters(GOOD) == {**GOOD, "exported": "2024-01-01T00:00:00Z"}
    given = {**GOOD, "exported": "2025-06-30T12:00:00.5+02:00"}
    assert feed.settle_parameters(given) == given


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("day", "29.02.2024"),
        ("day", "2023-02-29"),
        ("day", "2024-02-29\n"),
        ("seen", "2024-02-29T08:00"),
        ("seen", "2024-02-29T25:00:00Z"),
        ("exported", "2024-02-29"),
        ("system", "no system"),
        ("who", ""),
    ],
)
def test_a_parameter_of_the_wrong_kind_is_refused(
    make_feed: MakeFeed, name: str, value: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        make_feed(PARAMETERS).settle_parameters({**GOOD, name: value})
    (issue,) = caught.value.issues
    assert (issue.number, f"'{name}'" in issue.text) == (3022, True)


def test_everything_wrong_with_parameters_is_told_at_once(make_feed: MakeFeed) -> None:
    with pytest.raises(SettingsError) as caught:
        make_feed(PARAMETERS).settle_parameters({"dya": "2024-02-29", "day": "x", "who": "me"})
    found = [(issue.number, issue.text) for issue in caught.value.issues]
    assert [number for number, _ in found] == [3021, 3022, 3020, 3020]
    assert "it has: day, exported, seen, system, who" in found[0][1]
    assert caught.value.issues[2].next_step == "Give it: --set seen=<dateTime>."


def test_missing_words_are_taken_as_they_are_written(make_feed: MakeFeed) -> None:
    text = "feed: f\nmakes: observation\ntable: {missing: [NULL, no, -9.0, ~, '']}\nrecord: {a: =c}"
    assert make_feed(text).form.missing == {"NULL", "no", "-9.0", "~", ""}
    one = "feed: f\nmakes: observation\ntable: {missing: n/a}\nrecord: {a: =c}"
    assert make_feed(one).form.missing == {"n/a", ""}


def test_a_cell_behind_a_condition_that_does_not_hold_is_not_read(make_feed: MakeFeed) -> None:
    slot = "{=when: kind is present, item: {=number: c}}"
    assert read(make_feed, slot, c="none") == (None, [])
    assert len(read(make_feed, slot, c="none", kind="k")[1]) == 1
    assert str(read(make_feed, slot, c="4", kind="k")[0]) == "4"


def test_an_alternative_behind_one_that_is_there_is_not_read(make_feed: MakeFeed) -> None:
    slot = "{=first of: [{=number: a}, {=number: b}]}"
    assert read(make_feed, slot, a="4", b="none") == (4, [])
    assert read(make_feed, slot, b="5") == (5, [])
    assert len(read(make_feed, slot, b="none")[1]) == 1
