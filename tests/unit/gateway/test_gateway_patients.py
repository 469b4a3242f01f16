"""The patient view: from the records that the outbox holds, by number, without one in a URL."""

from __future__ import annotations

import html
import re
from base64 import b64decode
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fhir_backpain.outbox.sqlite import SqliteStore


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
