"""Mappings: listed, read, checked and tried."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_gateway_tables import FEED, HOME_TABLE

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.errors import ArtifactError
from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.sqlite import SqliteStore

MAPPING = "assessment-pain-onset"


def check(api: Any, text: str | bytes, **headers: str) -> Any:
    data = text.encode() if isinstance(text, str) else text
    more = {"Content_Type": "application/yaml", **headers}
    return api.post(data, "/api/v1/mappings/$check", **more)


def try_one(api: Any, **given: Any) -> Any:
    return api.post(given, "/api/v1/mappings/$try")


def text_of(name: str) -> str:
    (path,) = mappings_folder().rglob(f"{name}.*.yaml")
    return path.read_text("utf-8")


def test_the_list_has_every_file(api: Any, mapper: Mapper) -> None:
    answer = api.get("/api/v1/mappings")
    assert answer.json["version"] == mapper.version
    named = {one["name"]: one for one in answer.json["mappings"]}
    folder = mappings_folder()
    files = [*folder.glob("*/*.map.yaml"), *folder.glob("feeds/*.feed.yaml")]
    assert set(named) == {path.name.partition(".")[0] for path in files}
    assert named[MAPPING]["makes"] == "Observation"
    assert named["home-measurements"]["kind"] == "feed"
    assert api.get("/api/v1/mappings", If_None_Match=answer.headers["ETag"]).status_code == 304


def test_one_is_read_as_it_is_written(api: Any) -> None:
    answer = api.get(f"/api/v1/mappings/{MAPPING}")
    assert answer.content_type == "application/yaml; charset=utf-8"
    assert answer.text == text_of(MAPPING)
    etag = answer.headers["ETag"]
    assert api.get(f"/api/v1/mappings/{MAPPING}", If_None_Match=etag).status_code == 304
    assert api.get("/api/v1/mappings/nothing").status_code == 404
    assert api.get(f"/api/v1/mappings/{MAPPING}", Accept="image/png").status_code == 406


@pytest.mark.parametrize("name", [MAPPING, "home-measurements"])
def test_what_is_shipped_has_nothing_wrong(api: Any, name: str) -> None:
    answer = check(api, text_of(name))
    assert answer.status_code == 200
    assert [one["severity"] for one in answer.json["issue"]] == ["information"]


@pytest.mark.parametrize(
    ("name", "old", "new", "line"),
    [
        (MAPPING, "=assessed_at", "=asessed_at", True),
        ("home-measurements", "low-back}", "low-bak}", True),
        ("home-measurements", "feed: home-measurements", "fede: x", False),
        (MAPPING, "resource:", "resource: [", False),
    ],
)
def test_what_is_wrong_is_told_at_its_line(
    api: Any, name: str, old: str, new: str, line: bool
) -> None:
    text = text_of(name)
    assert old in text
    answer = check(api, text.replace(old, new, 1))
    assert answer.status_code == 200
    places = [one["diagnostics"] for one in answer.json["issue"] if one["severity"] == "error"]
    assert places
    assert all(place.startswith("mapping mapping.yaml:") for place in places), places
    if line:
        number = text[: text.index(old)].count("\n") + 1
        assert places[0].startswith(f"mapping mapping.yaml:{number}:")


def test_a_text_that_cannot_be_one_is_refused(api: Any) -> None:
    assert check(api, b"\xff").status_code == 400
    assert check(api, "x", Content_Type="text/plain").status_code == 415
    assert check(api, "#" * 300_000).status_code == 413
    assert check(api, "a: &x [1]\nb: *x\n").json["issue"][0]["severity"] == "error"
    assert check(api, "[" * 5000).json["issue"][0]["severity"] == "error"
    evil = check(api, "feed: !!python/object/apply:os.system ['true']\nmakes: observation\n")
    assert evil.json["issue"][0]["severity"] == "error"


def test_a_table_is_tried_with_its_mapping(api: Any, store: SqliteStore) -> None:
    table = "mrn;visit;pain;name\nP-1;02/03/2026;7;Doe\nP-2;xx;4;Roe\n"
    found = try_one(api, source=table, mapping=FEED, parameters="exported_at=2026-03-10T18:00:00Z")
    assert found.status_code == 200, found.text
    assert (found.json["accepted"], found.json["rejected"]) == (1, 1)
    assert {one["column"]: one["fate"] for one in found.json["columns"]}["pain"] == "mapped"
    (one,) = found.json["records"]
    values = {leaf["pointer"]: leaf["state"] for leaf in one["values"]}
    assert values["/score"] == "mapped"
    assert any(made["resourceType"] == "Observation" for made in one["resources"])
    assert sum(store.counts().values()) == 0


def test_a_record_is_tried_with_a_changed_mapping(api: Any, records: list[dict[str, Any]]) -> None:
    record = next(one for one in records if one.get("pain", {}).get("onset"))
    changed = text_of(MAPPING).replace("status: final", "status: amended")
    found = try_one(api, source=json.dumps(record), mapping=changed).json
    plain = try_one(api, source=json.dumps(record)).json
    statuses = [
        {one.get("status") for one in trial["records"][0]["resources"]} for trial in (found, plain)
    ]
    assert "amended" in statuses[0]
    assert "amended" not in statuses[1]
    wrong = try_one(api, source="{}", mapping=changed.replace("=assessed_at", "=nothing"))
    assert wrong.status_code == 422
    assert wrong.json["issue"][0]["diagnostics"].startswith("mapping mapping.yaml:")


@pytest.mark.parametrize(
    "body", [{}, [], {"source": 1}, {"source": "x", "more": "y"}, {"mapping": "feed: x"}]
)
def test_a_trial_needs_a_source(api: Any, body: Any) -> None:
    assert api.post(body, "/api/v1/mappings/$try").status_code == 400


def test_a_broken_feed_of_the_installation_stops_it(
    tmp_path: Path, settings: GatewaySettings, store: SqliteStore, mapper: Mapper
) -> None:
    folder = tmp_path / "mine"
    (folder / "feeds").mkdir(parents=True)
    (folder / "feeds" / "x.feed.yaml").write_text("feed: x\nmakes: nothing\n")
    with pytest.raises(ArtifactError):
        create_app(settings, store=store, mapper=mapper, mapping_folder=folder)


def test_an_own_feed_is_listed_and_used(
    tmp_path: Path, settings: GatewaySettings, store: SqliteStore, mapper: Mapper
) -> None:
    folder = tmp_path / "mine"
    (folder / "feeds").mkdir(parents=True)
    text = text_of("home-measurements").replace("feed: home-measurements", "feed: ours")
    (folder / "feeds" / "ours.feed.yaml").write_text(text)
    client = create_app(settings, store=store, mapper=mapper, mapping_folder=folder).test_client()
    assert [one["name"] for one in client.get("/api/v1/mappings").json["mappings"]] == ["ours"]
    answer = client.post("/api/v1/records?mapping=ours", data=HOME_TABLE, content_type="text/csv")
    assert answer.status_code == 202
