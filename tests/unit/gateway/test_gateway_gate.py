"""Who is let in, to what: tokens, sessions, roles and forged forms."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fhir_backpain.access.keyring import Keyring
from fhir_backpain.access.principal import ROLES, Role
from fhir_backpain.fhir import json_text
from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.gate import COOKIE, need_of
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.sqlite import SqliteStore

PASSWORD = "correct horse battery"
# What each role gets for a look at everything, a record, and the fate of what it sent.
EXPECTED = {
    "sender": (403, 202, 200),
    "reader": (200, 403, 200),
    "operator": (200, 202, 200),
    "administrator": (200, 202, 200),
}


@pytest.fixture
def keyring(store: SqliteStore) -> Keyring:
    return Keyring(store.database)


@pytest.fixture
def browser(app: Flask, keyring: Keyring) -> FlaskClient:
    keyring.add_person("ada", "operator", PASSWORD)
    return app.test_client()


def sign_in(browser: FlaskClient, password: str = PASSWORD) -> Any:
    return browser.post("/sign-in", data={"name": "ada", "password": password})


def form_key(browser: FlaskClient) -> str:
    found = re.search(r'name="form_key" value="([^"]+)"', browser.get("/").text)
    assert found is not None
    return found[1]


def test_every_view_says_what_it_takes(app: Flask) -> None:
    needs = {rule.rule: need_of(app, rule.endpoint) for rule in app.url_map.iter_rules()}
    assert None not in needs.values(), needs
    assert {path for path, need in needs.items() if need == "open"} == {
        "/health", "/ready", "/fhir/metadata", "/sign-in", "/static/<path:filename>",
        "/openapi.json", "/favicon.ico", "/sign-in/provider", "/sign-in/provider/back",
    }  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_a_token_opens_what_its_role_gives(
    api: Any, keyring: Keyring, records: list[dict[str, Any]], role: Role
) -> None:
    bearer = {"Authorization": f"Bearer {keyring.add_machine('m', role)}"}
    other = {"Authorization": f"Bearer {keyring.add_machine('sends', 'sender')}"}
    sent = api.post(records[0], **other)
    look, send, track = EXPECTED[role]
    assert api.get("/api/v1/deliveries", **bearer).status_code == look
    assert api.post(records[1], **bearer).status_code == send
    assert api.get(sent.headers["Location"], **bearer).status_code == track


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer fbp_0123456789abcdef_" + "A" * 43},
        {"Authorization": "Basic YWRhOmFkYQ=="},
        {"Cookie": f"{COOKIE}=none"},
    ],
)
def test_whoever_shows_nothing_is_not_listened_to(
    app: Flask,
    api: Any,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
    headers: dict[str, str],
) -> None:
    """Not a byte of the body is read before it is known who sends it."""

    def spy(*_: object, **__: object) -> None:
        raise AssertionError("the body was parsed")

    monkeypatch.setattr(json_text, "parse", spy)
    monkeypatch.setattr("fhir_backpain.gateway.intake.parse", spy)
    keyring.add_machine("lab", "sender")
    reply = api.post({"record": "x"}, **headers)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"].startswith("Bearer ")
    for path in ("/health", "/ready", "/fhir/metadata"):
        assert api.get(path).status_code in (200, 503)


def test_with_nobody_known_loopback_is_let_in_and_others_are_not(
    app: Flask, api: Any, store: SqliteStore, mapper: Mapper, tmp_path: Path
) -> None:
    assert api.get("/api/v1/deliveries").status_code == 200
    public = GatewaySettings("http://x.example", tmp_path / "o", public_url="https://gw.example",
                             host="0.0.0.0")  # fmt: skip
    other = create_app(public, store=store, mapper=mapper).test_client()
    reply = other.get("/api/v1/deliveries", base_url="https://gw.example")
    assert reply.status_code == 401


def test_a_person_signs_in_and_out(browser: FlaskClient) -> None:
    sent_away = browser.get("/", headers={"Accept": "text/html"})
    assert (sent_away.status_code, sent_away.location) == (303, "/sign-in")
    assert browser.get("/sign-in").status_code == 200
    answer = sign_in(browser)
    assert (answer.status_code, answer.location) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    page = browser.get("/", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "ada, operator" in page.text
    out = browser.post("/sign-out", data={"form_key": form_key(browser)})
    assert (out.status_code, out.location) == (303, "/sign-in")
    assert browser.get("/api/v1/status").status_code == 401


def test_behind_tls_the_cookie_is_for_tls_alone(
    store: SqliteStore, mapper: Mapper, tmp_path: Path
) -> None:
    Keyring(store.database).add_person("ada", "operator", PASSWORD)
    settings = GatewaySettings("http://x.example", tmp_path / "o", public_url="https://gw.example")
    browser = create_app(settings, store=store, mapper=mapper).test_client()
    assert "Secure" in sign_in(browser).headers["Set-Cookie"]


def test_a_wrong_password_tells_nothing(browser: FlaskClient) -> None:
    wrong = sign_in(browser, "x" * 20)
    unknown = browser.post("/sign-in", data={"name": "nobody", "password": PASSWORD})
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.data == unknown.data
    assert "Set-Cookie" not in wrong.headers


@pytest.mark.parametrize("key", [None, "", "x", "ä"])
def test_a_form_that_another_site_made_is_refused(
    browser: FlaskClient, records: list[dict[str, Any]], key: str | None
) -> None:
    sign_in(browser)
    headers = {} if key is None else {"X-Form-Key": key.encode().decode("latin-1")}
    reply = browser.post("/api/v1/records", json=records[0], headers=headers)
    assert reply.status_code == 403
    assert json.loads(reply.data)["issue"][0]["extension"][0]["valueString"] == "FBP-8120"
    own = {"X-Form-Key": form_key(browser)}
    assert browser.post("/api/v1/records", json=records[0], headers=own).status_code == 202


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_a_foreign_page_signs_nobody_in(browser: FlaskClient, headers: dict[str, str]) -> None:
    reply = browser.post("/sign-in", data={"name": "ada", "password": PASSWORD}, headers=headers)
    assert reply.status_code == 403
    assert "Set-Cookie" not in reply.headers
