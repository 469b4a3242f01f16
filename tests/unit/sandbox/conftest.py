"""A sandbox without a socket for most tests, and a real one where the wire matters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fhir_backpain.sandbox import FaultPlan, SandboxServer, close_app, create_app

FHIR_JSON = "application/fhir+json"


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.time = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Api:
    """FHIR requests below /fhir, with the base URL http://localhost/fhir."""

    base = "http://localhost/fhir"

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            named.setdefault("Content-Type", FHIR_JSON)
            body = json.dumps(body)
        path = path.removeprefix(self.base).lstrip("/")
        return self.client.open(f"/fhir/{path}", method=method, data=body, headers=named)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.send("GET", path, **headers)

    def post(self, body: Any, path: str | None = None, **headers: str) -> TestResponse:
        return self.send("POST", body["resourceType"] if path is None else path, body, **headers)

    def put(self, body: Any, path: str | None = None, **headers: str) -> TestResponse:
        return self.send("PUT", path or f"{body['resourceType']}/{body['id']}", body, **headers)

    def delete(self, path: str, **headers: str) -> TestResponse:
        return self.send("DELETE", path, **headers)

    def bundle(self, kind: str, *entries: dict[str, Any], **headers: str) -> TestResponse:
        body = {"resourceType": "Bundle", "type": kind, "entry": list(entries)}
        return self.post(body, "", **headers)

    def ids(self, query: str, **headers: str) -> list[str]:
        """The ids of the matches of a search, in their order."""
        response = self.get(query, **headers)
        assert response.status_code == 200, response.text
        entries = response.get_json().get("entry", [])
        return [e["resource"]["id"] for e in entries if e["search"]["mode"] == "match"]

    def total(self, query: str) -> int:
        return int(self.get(query).get_json()["total"])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def faults() -> FaultPlan:
    return FaultPlan()


@pytest.fixture
def api(clock: Clock, faults: FaultPlan) -> Iterator[Api]:
    app = create_app(clock=clock, faults=faults)
    yield Api(app.test_client())
    close_app(app)


@pytest.fixture
def free_api() -> Iterator[Api]:
    """A sandbox that does not check references."""
    app = create_app(check_references=False)
    yield Api(app.test_client())
    close_app(app)


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(fault_endpoint=True) as running:
        yield running
