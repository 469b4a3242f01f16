"""Versions as histories and searches tell of them."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_backpain.client.capabilities import Capabilities
from fhir_backpain.pull.change import change_of, relative, version_of
from fhir_backpain.pull.feed import feeds_of
from fhir_backpain.pull.instant import SECOND, instant_of, write_instant

GOAL = {"resourceType": "Goal", "id": "a"}


def test_a_written_version_names_itself() -> None:
    meta = {"versionId": "7", "lastUpdated": "1970-01-01T00:00:02Z"}
    change = change_of({"resource": {**GOAL, "meta": meta}})
    assert change is not None
    assert (change.url, change.version, change.instant) == ("Goal/a", "7", 2 * SECOND)
    assert change.type == "Goal"


@pytest.mark.parametrize(
    ("entry", "url", "version"),
    [
        (
            {
                "request": {"method": "DELETE", "url": "Goal/a"},
                "response": {"etag": 'W/"3"', "lastModified": "1970-01-01T00:00:02Z"},
            },
            "Goal/a",
            "3",
        ),
        ({"request": {"method": "DELETE", "url": "Goal/a/_history/4"}}, "Goal/a", "4"),
        (
            {"fullUrl": "https://x.example/r4/Goal/a", "request": {"method": "DELETE"}},
            "Goal/a",
            "deleted None",
        ),
    ],
)
def test_a_deletion_is_told_by_its_request(entry: dict[str, Any], url: str, version: str) -> None:
    change = change_of(entry)
    assert change is not None
    assert (change.url, change.version, change.resource) == (url, version, None)


@pytest.mark.parametrize(
    "entry",
    [{}, {"resource": {"resourceType": "Goal"}}, {"request": {"method": "DELETE", "url": "x"}},
     {"request": {"method": "PUT", "url": "Goal/a"}}, {"resource": 3, "request": 4}],
)  # fmt: skip
def test_what_names_no_version_is_none(entry: dict[str, Any]) -> None:
    assert change_of(entry) is None


def test_a_server_without_versions_is_told_apart_by_content() -> None:
    assert version_of(GOAL) != version_of({**GOAL, "note": []})
    assert version_of(GOAL) == version_of(dict(reversed(GOAL.items())))


@pytest.mark.parametrize("text", ["Patient/a", "https://x.example/fhir/Patient/a/_history/1"])
def test_references_become_relative(text: str) -> None:
    assert relative(text) == "Patient/a"


@pytest.mark.parametrize("text", [None, "#p", "urn:uuid:1", "a", "https://x.example"])
def test_other_references_are_none(text: str | None) -> None:
    assert relative(text) in (None, "x.example") or "/" not in str(relative(text))


@pytest.mark.parametrize("text", [None, 3, "", "2024", "2024-01-01", "2024-01-01T00:00:00", "x"])
def test_what_is_no_instant_is_none(text: Any) -> None:
    assert instant_of(text) is None


def test_instants_come_back_to_the_millisecond() -> None:
    instant = instant_of("2026-03-02T09:30:00.123456789+01:00")
    assert instant is not None
    assert write_instant(instant) == "2026-03-02T08:30:00.123Z"


def statement(system: bool = False, **types: list[str]) -> Capabilities:
    codes = [{"code": "history-system"}] if system else []
    listed = [
        {"type": name, "interaction": [{"code": code} for code in found]}
        for name, found in types.items()
    ]
    rest = {"mode": "server", "interaction": codes, "resource": listed}
    return Capabilities({"rest": [{"mode": "client"}, rest]})


def test_the_history_of_the_server_is_asked_first() -> None:
    feeds, silent = feeds_of(statement(system=True), ["Goal"])
    assert ([feed.name for feed in feeds], silent) == (["system-history"], [])


def test_each_type_is_asked_in_the_best_way_that_it_has() -> None:
    offered = statement(Goal=["history-type", "search-type"], Condition=["search-type"], Flag=[])
    feeds, silent = feeds_of(offered, ["Goal", "Condition", "Flag", "Device"])
    assert [feed.name for feed in feeds] == ["type-history Goal", "search Condition"]
    assert silent == ["Flag", "Device"]


def test_a_way_can_be_chosen() -> None:
    offered = statement(system=True, Goal=["history-type", "search-type"])
    assert [feed.name for feed in feeds_of(offered, ["Goal"], "search")[0]] == ["search Goal"]
    found = feeds_of(offered, ["Goal"], "type-history")[0]
    assert [feed.name for feed in found] == ["type-history Goal"]


@pytest.mark.parametrize("rest", [None, 3, [], [{"mode": "client"}], [{"mode": "server"}]])
def test_a_statement_that_says_nothing_offers_nothing(rest: Any) -> None:
    assert feeds_of(Capabilities({"rest": rest}), ["Goal"]) == ([], ["Goal"])
