"""Errors of every kind end in one OperationOutcome."""

from __future__ import annotations

import logging
from typing import Any, get_args

import pytest
from flask import Flask

from fhir_backpain.errors import MappingFailed, TransientRemoteError, ValidationFailed
from fhir_backpain.gateway.gate import needs
from fhir_backpain.gateway.messages import WRONG_BODY
from fhir_backpain.gateway.problem import STATUS, answer, status_of
from fhir_backpain.outcome import IssueType, Outcome


def test_every_issue_type_has_an_error_status() -> None:
    assert set(STATUS) == set(get_args(IssueType))
    assert all(400 <= status < 600 for status in STATUS.values())


def test_the_first_error_decides() -> None:
    warning = WRONG_BODY.issue("First.", severity="warning")
    assert status_of(Outcome.of([warning, WRONG_BODY.issue("Second.")])) == 400
    assert status_of(Outcome()) == 500


@pytest.mark.parametrize(
    ("error", "status"),
    [(MappingFailed, 422), (ValidationFailed, 422), (TransientRemoteError, 500)],
)
def test_errors_of_other_rooms(app: Flask, error: Any, status: int) -> None:
    with app.test_request_context():
        assert answer(error(WRONG_BODY.issue("What."))).status_code == status


def test_an_unexpected_error_tells_nothing(
    app: Flask, api: Any, caplog: pytest.LogCaptureFixture
) -> None:
    @needs("read")
    def fail() -> None:
        raise RuntimeError("the secret of John Doe")

    app.add_url_rule("/fail", view_func=fail)
    reply = api.get("/fail", X_Request_Id="abc-1")
    assert reply.status_code == 500
    assert reply.json["issue"][0]["code"] == "exception"
    assert "John" not in reply.text + caplog.text
    assert "RuntimeError" not in reply.text
    assert "request-failed request=abc-1" in caplog.text
    assert "test_gateway_problem:" in caplog.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/v1/records"), ("DELETE", "/api/v1/records"), ("GET", "/api/v1/records"),
        ("OPTIONS", "/api/v1/records"), ("TRACE", "/api/v1/records"), ("BREW", "/api/v1/records"),
        ("GET", "/api/v1/records/$dry-run"), ("POST", "/api/v1/deliveries"),
        ("POST", "/health"), ("POST", "/fhir/metadata"), ("POST", "/"),
    ],
)  # fmt: skip
def test_another_method_is_405(api: Any, method: str, path: str) -> None:
    reply = api.send(method, path, None)
    assert reply.status_code == 405
    assert reply.headers["Allow"]


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/api/v1/status", "application/xml"), ("/api/v1/status", "text/html"),
        ("/api/v1/deliveries", "application/fhir+xml"), ("/fhir/metadata", "application/xml"),
        ("/health", "image/png"), ("/", "application/json"),
    ],
)  # fmt: skip
def test_another_format_is_406(api: Any, path: str, accept: str) -> None:
    assert api.get(path, Accept=accept).status_code == 406


@pytest.mark.parametrize("accept", ["*/*", "application/*", "application/json", "a, */*;q=0.1"])
def test_json_is_accepted(api: Any, accept: str) -> None:
    assert api.get("/api/v1/status", Accept=accept).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("LOCALHOST:8480", 200), ("127.0.0.1:8480", 200), ("[::1]:80", 200),
        ("evil.example", 400), ("127.0.0.1.evil.example", 400), ("localhost.evil.example:80", 400),
    ],
)  # fmt: skip
def test_another_host_is_400(api: Any, host: str, status: int) -> None:
    assert api.get("/api/v1/status", Host=host).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        ({"Origin": "http://localhost"}, 400),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:81"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-origin"}, 400),
    ],
)
def test_a_forged_post_is_403(api: Any, headers: dict[str, str], status: int) -> None:
    assert api.post(b"7", **headers).status_code == status


@pytest.mark.parametrize("given", ["a", "A-1_b.c", "x" * 64])
def test_a_request_id_is_echoed(api: Any, given: str) -> None:
    assert api.get("/health", X_Request_Id=given).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "ä", "a;b", '"'])
def test_another_request_id_is_made(api: Any, given: str) -> None:
    made = api.get("/health", X_Request_Id=given).headers["X-Request-Id"]
    assert made != given
    assert len(made) == 36


def test_the_access_log_is_one_line_without_values(
    api: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fhir_backpain.gateway.access")
    api.get("/api/v1/deliveries/secret?after=secret", X_Request_Id="r1")
    (line,) = [one.getMessage() for one in caplog.records if one.name.endswith(".access")]
    assert "route=/api/v1/deliveries/<delivery_id> status=400" in line
    assert line.endswith(" request=r1")
    assert "secret" not in line
    assert "\n" not in line
