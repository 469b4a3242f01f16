"""The patient view: from the records that the outbox holds, by number, without one in a URL."""

from __future__ import annotations

import html
import re
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fhir_backpain.fhir.json_text import dump, parse
from fhir_backpain.followup.chart import chart_of
from fhir_backpain.followup.trajectory import trajectories
from fhir_backpain.gateway import patients
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord


@pytest.fixture
def browser(app: Flask, records: list[dict[str, Any]]) -> FlaskClient:
    browser = app.test_client()
    reply = browser.post("/api/v1/records", json=records)
    assert reply.status_code == 202, reply.text
    return browser


def number_of(record: dict[str, Any]) -> str:
    return str(record["patient"]["identifier"]["value"])


def test_a_patient_is_shown_with_plots_tables_goals_and_plans(
    browser: FlaskClient, records: list[dict[str, Any]], store: SqliteStore
) -> None:
    number = number_of(records[0])
    page = html.unescape(browser.post("/patients", data={"number": number}).text)
    pictures = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert len(pictures) > 3
    for picture in pictures:
        svg = b64decode(picture).decode()
        assert ElementTree.fromstring(svg).tag.endswith("svg")
        assert number not in svg
    assert page.count("<summary>Values</summary>") == len(pictures)
    mine = [one for one in records if number_of(one) == number]
    scores = {str(one["score"]) for one in mine if one["record"] == "observation"}
    assert all(re.search(rf">\s*{re.escape(score)}\b", page) for score in scores)
    assert "Goals" in page
    assert "Plan over time" in page
    shown = [one for one in store.trail() if one.what == "shown"]
    assert len(shown) == len(mine)


def charts(page: str) -> list[Any]:
    return [parse(html.unescape(one)) for one in re.findall(r'data-chart="([^"]*)"', page)]


def test_a_script_is_given_the_trajectories_and_nothing_else(
    browser: FlaskClient, records: list[dict[str, Any]], mapper: Mapper
) -> None:
    number = number_of(records[0])
    page = browser.post("/patients", data={"number": number}).text
    mine = parse(dump([one for one in records if number_of(one) == number]))
    read = [SourceRecord(one, SourceLocation()) for one in mine]
    expected = trajectories(read, mapper.library)
    assert charts(page) == [parse(dump(chart_of(one))) for one in expected]
    for chart, one in zip(charts(page), expected, strict=True):
        assert [point["value"] for point in chart["points"]] == [
            point.value for point in one.points
        ]
        limits = chart["band"] and (chart["band"]["low"], chart["band"]["high"])
        assert limits == one.unimportant
    assert number not in dump(charts(page))
    assert page.count('<img class="plot"') == len(expected)


def test_the_page_with_plots_keeps_to_its_policy(
    app: Flask, browser: FlaskClient, records: list[dict[str, Any]]
) -> None:
    answer = browser.post("/patients", data={"number": number_of(records[0])})
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:" in policy
    assert "unsafe" not in policy
    assert not re.search(r'<style|\bstyle=|<script(?![^>]* src="/static/)|\bon\w+=', answer.text)
    loaded = re.findall(r'<(?:script|link)\b[^>]* (?:src|href)="([^"]+)"', answer.text)
    assert {"/static/vendor/uplot/uPlot.iife.min.js", "/static/trajectory.js"} <= set(loaded)
    for address in loaded:
        with app.test_client().get(address) as asset:
            assert asset.status_code == 200, address


STATIC = Path(patients.__file__).parent / "static"
VENDORED = {
    "LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}


def test_the_library_is_the_one_that_was_looked_through() -> None:
    folder = STATIC / "vendor/uplot"
    assert {one.name for one in folder.iterdir()} == {*VENDORED, "README.md"}
    for name, expected in VENDORED.items():
        assert sha256((folder / name).read_bytes()).hexdigest() == expected, name
    told = (folder / "README.md").read_text("utf-8")
    (version,) = re.findall(r"\(v([\d.]+)\)", (folder / "uPlot.iife.min.js").read_text("utf-8"))
    notice = Path(__file__).parents[3] / "NOTICE"
    assert f"uPlot {version}" in told
    assert f"uPlot {version}" in notice.read_text("utf-8")


@pytest.mark.parametrize("name", ["vendor/uplot/uPlot.iife.min.js", "trajectory.js"])
def test_what_draws_makes_no_code_and_asks_nobody(name: str) -> None:
    script = (STATIC / name).read_text("utf-8")
    forbidden = (
        r"\beval\b|\bFunction\(|\bimport\b|\.innerHTML|XMLHttpRequest|\bfetch\(|WebSocket"
        r"|sendBeacon|EventSource|\.src\b"
    )
    assert re.findall(forbidden, script) == []
    assert re.findall(r"url\(|@import", (STATIC / "vendor/uplot/uPlot.min.css").read_text()) == []


def test_others_are_not_shown_and_nobody_is_nobody(
    browser: FlaskClient, records: list[dict[str, Any]]
) -> None:
    first, other = dict.fromkeys(map(number_of, records), None), "nobody"
    page = browser.post("/patients", data={"number": next(iter(first))}).text
    assert not any(number in page for number in list(first)[1:])
    assert "No record of a patient" in browser.post("/patients", data={"number": other}).text
    assert browser.get("/patients").status_code == 200


def test_a_number_is_shown_as_text(browser: FlaskClient) -> None:
    page = browser.post("/patients", data={"number": '"><script>x</script>'}).text
    assert "<script>x" not in page


TRAJECTORIES = "/api/v1/patients/$trajectories"


def test_a_course_is_told_as_json(
    browser: FlaskClient, records: list[dict[str, Any]], store: SqliteStore
) -> None:
    identifier = records[0]["patient"]["identifier"]
    answer = browser.post(TRAJECTORIES, json={"identifier": identifier})
    assert answer.status_code == 200
    found = answer.json
    assert found["patient"] == f"{identifier['system']}|{identifier['value']}"
    series = {one["measure"]: one for one in found["trajectories"]}
    mine = [one for one in records if number_of(one) == identifier["value"]]
    measured = {one["measure"] for one in mine if one["record"] == "observation"}
    assert measured <= set(series)
    assert all(one["points"] and "verdict" in one for one in series.values())
    assert found["plans"][0]["versions"]
    assert found["goals"]
    assert sum(one.what == "shown" for one in store.trail()) == len(mine)


def test_a_course_is_of_one_system_alone(
    browser: FlaskClient, records: list[dict[str, Any]]
) -> None:
    value = number_of(records[0])
    other = {"system": "https://other.example/mrn", "value": value}
    answer = browser.post(TRAJECTORIES, json={"identifier": other})
    assert answer.status_code == 404
    assert value not in answer.text


@pytest.mark.parametrize(
    "body", [{}, [], {"identifier": "x"}, {"identifier": {"system": "", "value": "x"}},
             {"identifier": {"system": "x", "value": "y", "z": 1}}, {"identifier": {}, "x": 1}]
)  # fmt: skip
def test_a_course_needs_an_identifier(browser: FlaskClient, body: Any) -> None:
    assert browser.post(TRAJECTORIES, json=body).status_code == 400
