"""A gateway without a socket and without a sending thread, on a real outbox and mapping."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.outbox.sqlite import SqliteStore

SERVER = "http://127.0.0.1:9/fhir"


@pytest.fixture(scope="session")
def mapper() -> Mapper:
    return load_mapper()


@pytest.fixture(scope="session")
def clinic_records() -> list[dict[str, Any]]:
    return list(Clinic(seed=7, patients=3, start=date(2024, 1, 8)).records())


@pytest.fixture
def records(clinic_records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    copied: list[dict[str, Any]] = json.loads(json.dumps(clinic_records, default=float))
    return copied


@pytest.fixture
def settings(tmp_path: Path) -> GatewaySettings:
    return GatewaySettings(SERVER, tmp_path / "outbox.sqlite")


@pytest.fixture
def store(settings: GatewaySettings) -> Iterator[SqliteStore]:
    with SqliteStore(settings.outbox, busy_seconds=0.2) as opened:
        yield opened


@pytest.fixture
def app(settings: GatewaySettings, store: SqliteStore, mapper: Mapper) -> Flask:
    return create_app(settings, store=store, mapper=mapper)


@pytest.fixture
def api(app: Flask) -> Api:
    return Api(app.test_client())


class Api:
    """Requests to the gateway, and what every answer of it must be like."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.send("GET", path, None, **headers)

    def post(self, body: Any, path: str = "/api/v1/records", **headers: str) -> TestResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send("POST", path, data, **{"Content-Type": "application/json", **headers})

    def send(self, method: str, path: str, data: bytes | None, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self._client.open(path, method=method, data=data, headers=named)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Request-Id"]
        if answer.status_code >= 400 and method != "HEAD":
            ensure_outcome(answer)
        return answer


def ensure_outcome(answer: TestResponse) -> None:
    assert answer.content_type == "application/fhir+json; charset=utf-8"
    outcome = json.loads(answer.data)
    assert outcome["resourceType"] == "OperationOutcome"
    for issue in outcome["issue"]:
        assert issue["severity"] in ("fatal", "error", "warning", "information")
        assert "Next: " in issue["details"]["text"]
        assert issue["extension"][0]["valueString"].startswith("FBP-")


def pointers(outcome: dict[str, Any]) -> list[str]:
    return [issue.get("diagnostics", "") for issue in outcome["issue"]]


@pytest.fixture
def diagnostics() -> Any:
    return pointers
