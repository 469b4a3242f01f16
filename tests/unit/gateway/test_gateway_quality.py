"""What kept records out, counted by field: no value, and no name that a sender chose."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from test_gateway_tables import HOME_TABLE

from fhir_backpain.gateway.refusals import Refusals, field_of
from fhir_backpain.outbox.entry import Settlement
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.outcome import CATALOGUE, Outcome, SourceLocation

CANARY = "CANARY9731"


def refused(api: Any) -> dict[str, int]:
    found = api.get("/api/v1/quality").json["refused"]
    return {one["field"]: one["count"] for one in found}


def csv(api: Any, table: str, more: str = "") -> Any:
    path = f"/api/v1/records?mapping=home-measurements{more}"
    return api.post(table.encode(), path, Content_Type="text/csv")


def test_what_is_refused_is_counted_by_field(api: Any, records: list[dict[str, Any]]) -> None:
    assert refused(api) == {}
    record = next(one for one in records if one["record"] == "observation")
    for _ in range(3):
        assert api.post({**record, "measure": CANARY}).status_code == 422
    assert api.post([{**record, "score": CANARY}, record], "/api/v1/records?partial=true")
    assert refused(api) == {"measure": 3, "score": 1}
    one, *_ = api.get("/api/v1/quality").json["refused"]
    assert one["message"].startswith("FBP-4")
    assert one["title"]
    assert one["next"]
    page = api.get("/quality").text
    assert ">measure</th>" in page
    assert CANARY not in page


def test_a_dry_run_is_not_counted(api: Any, records: list[dict[str, Any]]) -> None:
    api.post({**records[0], "patient": {}}, "/api/v1/records/$dry-run")
    assert refused(api) == {}


def test_names_that_a_sender_chose_are_not_kept(
    api: Any, store: SqliteStore, records: list[dict[str, Any]]
) -> None:
    api.post({**records[0], CANARY: 1})
    api.post({**records[0], "patient": {CANARY: {"x": CANARY}}})
    csv(api, HOME_TABLE.replace("remark", CANARY))
    csv(api, HOME_TABLE.replace(",7,", f",{CANARY},"))
    api.post(f"{{{CANARY}".encode())
    rows = store.database.read(lambda one: one.execute("SELECT * FROM refusal").fetchall())
    assert rows
    assert CANARY not in str(rows)
    assert {"column val", "column (another)"} <= set(refused(api))


def test_what_was_rejected_is_grouped_with_links(
    api: Any, store: SqliteStore, records: list[dict[str, Any]], settings: Any
) -> None:
    api.post(records[:4])
    number = next(iter(CATALOGUE))
    for index, leased in enumerate(store.lease(settings.server, "w", 4, 60)):
        issue = CATALOGUE[number].issue(
            f"{CANARY} text", expression=f"Observation.component[{index}].code", severity="error"
        )
        outcome = Outcome.of([issue])
        settled = Settlement(leased.entry.id, leased.token, "rejected", outcome=outcome)
        store.settle(settings.server, [settled])
    found = api.get("/api/v1/quality").json
    (group,) = found["rejected"]
    settled_count = store.counts()["rejected"]
    assert (group["place"], group["count"]) == ("Observation.component.code", settled_count)
    assert group["message"] == f"FBP-{number}"
    assert found["is_whole"]
    for url in group["deliveries"]:
        assert api.get(url).json["state"] == "rejected"
    page = api.get("/quality").text
    linked = re.findall(r'href="(/messages/[^"]+)"', page)
    assert linked
    assert all(api.get(one).status_code == 200 for one in linked)
    assert CANARY not in page
    assert CANARY not in json.dumps(found)


@pytest.mark.parametrize(
    ("place", "columns", "expected"),
    [
        (None, (), "(the whole)"),
        (SourceLocation(), (), "(the whole)"),
        (SourceLocation(pointer=""), (), "(the whole)"),
        (SourceLocation(pointer="/3/pain/ratings/0/scale"), (), "pain.ratings.scale"),
        (SourceLocation(pointer="/pain/nonsense"), (), "(another field)"),
        (SourceLocation(field="a, b", pointer="/x"), ("a", "b"), "column a, b"),
        (SourceLocation(field="a, c"), ("a", "b"), "column (another)"),
    ],
)
def test_a_field_is_named_by_what_is_known(
    place: SourceLocation | None, columns: tuple[str, ...], expected: str
) -> None:
    issue = next(iter(CATALOGUE.values())).issue("x", source=place)
    assert field_of(issue, columns) == expected


def test_counts_add_up_and_keep_their_times(store: SqliteStore) -> None:
    times = iter([datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2)])
    refusals = Refusals(store.database, lambda: next(times))
    issue = next(iter(CATALOGUE.values())).issue("x", severity="error")
    refusals.add([issue, issue])
    refusals.add([issue])
    (row,) = refusals.rows()
    assert (row.count, row.first_at[:10], row.last_at[:10]) == (3, "2026-03-01", "2026-03-02")
