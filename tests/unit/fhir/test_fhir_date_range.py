from __future__ import annotations

import sqlite3

import pytest

from fhir_backpain.fhir.date_range import (
    EARLIEST,
    LATEST,
    PREFIXES,
    approximate,
    matches,
    parse_date,
    parse_period,
)

DAY = 86_400_000_000


@pytest.mark.parametrize(
    ("text", "low", "length"),
    [
        ("1970", 0, 365 * DAY),
        ("1972", 730 * DAY, 366 * DAY),
        ("1970-02", 31 * DAY, 28 * DAY),
        ("1971-12", 699 * DAY, 31 * DAY),
        ("1970-01-02", DAY, DAY),
        ("1969-12-31", -DAY, DAY),
        ("1970-01-01T00:01", 60_000_000, 60_000_000),
        ("1970-01-01T00:01:00Z", 60_000_000, 1_000_000),
        ("1970-01-01T02:00:00+02:00", 0, 1_000_000),
        ("1969-12-31T23:30:00-00:30", 0, 1_000_000),
        ("1970-01-01T00:00:00.5Z", 500_000, 100_000),
        ("1970-01-01T00:00:00.123Z", 123_000, 1000),
        ("1970-01-01T00:00:00.123456789Z", 123_456, 1),
        ("1970-01-01T00:00:60Z", 59_000_000, 1_000_000),
    ],
)
def test_precision_decides_the_range(text, low, length):
    assert parse_date(text) == (low, low + length)


def test_the_last_year_has_an_end():
    span = parse_date("9999-12-31")
    assert span is not None
    assert span.high - span.low == DAY
    assert parse_date("9999").high == span.high


@pytest.mark.parametrize(
    "text",
    ["", "24", "0000", "2024-00", "2024-13", "2024-02-30", "2024-1-1", "2024-01-01T", "2024-01T10",
     "2024-01-01T24:00:00Z", "2024-01-01T10", "2024-01-01 10:00", "2024-01-01T10:00:00+25:00",
     "٢٠٢٤", "2024\n"],
)  # fmt: skip
def test_what_is_no_date(text):
    assert parse_date(text) is None


def test_open_periods():
    assert parse_period({"start": "1970-01-02"}) == (DAY, LATEST)
    assert parse_period({"end": "1970-01-02"}) == (EARLIEST, 2 * DAY)
    assert parse_period({"start": 3}) is None
    assert parse_period({}) is None


def matching(searched, stored):
    connection = sqlite3.connect(":memory:")
    found = set()
    for prefix in PREFIXES:
        sql, arguments = matches(prefix, searched, str(stored.low), str(stored.high))
        if connection.execute(f"SELECT {sql}", arguments).fetchone()[0]:
            found.add(prefix)
    connection.close()
    return found


@pytest.mark.parametrize(
    ("stored", "prefixes"),
    [
        ("2024-05-10", "eq ge le ap"),
        ("2024-05", "eq ge le ap"),
        ("2024-06-01", "ne gt ge sa"),
        ("2024-04-30", "ne lt le eb"),
        ("2024", "ne gt lt ge le ap"),
        ("2024-05-31T23:59:59.999Z", "eq ge le ap"),
        ("2024-06-01T00:00:00Z", "ne gt ge sa"),
        ("2024-06-01T01:00:00+02:00", "eq ge le ap"),
    ],
)
def test_every_prefix_against_a_month(stored, prefixes):
    assert matching(parse_date("2024-05"), parse_date(stored)) == set(prefixes.split())


@pytest.mark.parametrize(
    ("period", "prefixes"),
    [
        ({"start": "2024-05-10"}, "ne gt ge ap"),
        ({"end": "2024-05-10"}, "ne lt le ap"),
        ({"start": "2024-05-02", "end": "2024-05-03"}, "eq ge le ap"),
        ({"start": "2024-06-10"}, "ne gt ge sa"),
        ({"start": "2024-04-10", "end": "2024-05-03"}, "ne lt le ap"),
    ],
)
def test_every_prefix_against_a_period(period, prefixes):
    assert matching(parse_date("2024-05"), parse_period(period)) == set(prefixes.split())


def test_approximately_widens_by_a_tenth_of_the_distance():
    now = parse_date("2024-01-01").low
    span = parse_date("2023-09-23")  # ends 99 days before
    assert approximate(span, now) == (span.low - 99 * DAY // 10, span.high + 99 * DAY // 10)
