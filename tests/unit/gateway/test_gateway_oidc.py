"""Signing in with an identity provider, from the page and back to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from fhir_backpain.access.oidc import OidcSettings
from fhir_backpain.errors import SettingsError
from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.gate import COOKIE
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from tests.identity_provider import CLIENT, SECRET, IdentityProvider, query_of

ATTEMPT = "fhir_backpain_attempt"


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    with IdentityProvider() as server:
        yield server


@pytest.fixture
def known(settings: GatewaySettings, idp: IdentityProvider) -> GatewaySettings:
    oidc = OidcSettings(idp.root, CLIENT, {"ward": "reader"}, client_secret=SECRET)
    return replace(settings, oidc=oidc)


@pytest.fixture
def app(known: GatewaySettings, store: SqliteStore, mapper: Mapper) -> Flask:
    return create_app(known, store=store, mapper=mapper)


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


def leave(browser: FlaskClient) -> dict[str, str]:
    """Go to the provider, and return what it sends back."""
    leaving = browser.get("/sign-in/provider")
    assert leaving.status_code == 303
    answer = requests.get(leaving.location, allow_redirects=False, timeout=10)
    assert answer.headers["Location"].startswith("http://localhost/sign-in/provider/back?")
    return query_of(answer.headers["Location"])


def test_one_leaves_comes_back_and_is_known(browser: FlaskClient, idp: IdentityProvider) -> None:
    assert idp.root in browser.get("/sign-in").text
    answer = leave(browser)
    attempt = browser.get_cookie(ATTEMPT)
    assert attempt is not None
    assert (attempt.http_only, attempt.same_site) == (True, "Lax")
    back = browser.get("/sign-in/provider/back", query_string=answer)
    assert back.status_code == 200
    assert 'content="0;url=/"' in back.text
    cookie = browser.get_cookie(COOKIE)
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site) == (True, "Strict")
    assert browser.get_cookie(ATTEMPT) is None
    page = browser.get("/", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "oidc.ada." in page.text
    assert browser.post("/api/v1/records", json={}).status_code == 403  # a reader, and no form key


def test_with_a_provider_nobody_is_let_in_unknown(browser: FlaskClient) -> None:
    """Loopback without any principal lets its user in, but not where a provider is named."""
    assert browser.get("/api/v1/status").status_code == 401


def test_an_answer_without_its_attempt_begins_no_session(app: Flask, browser: FlaskClient) -> None:
    """Who makes another follow a link of one's own does not sign them in."""
    answer = leave(browser)
    victim = app.test_client()
    reply = victim.get("/sign-in/provider/back", query_string=answer)
    assert reply.status_code == 403
    assert victim.get_cookie(COOKIE) is None
    leave(victim)
    reply = victim.get("/sign-in/provider/back", query_string=answer)
    assert reply.status_code == 403
    assert victim.get_cookie(COOKIE) is None
    again = victim.get("/sign-in/provider/back", query_string=answer)
    assert again.status_code == 403


def test_who_has_no_role_is_told_so(browser: FlaskClient, idp: IdentityProvider) -> None:
    idp.person["groups"] = ["others"]
    reply = browser.get("/sign-in/provider/back", query_string=leave(browser))
    assert reply.status_code == 403
    assert "gives no role here" in reply.text
    assert browser.get_cookie(COOKIE) is None


def test_a_provider_that_is_not_there_is_503(
    known: GatewaySettings, store: SqliteStore, mapper: Mapper, caplog: pytest.LogCaptureFixture
) -> None:
    assert known.oidc is not None
    gone = replace(known, oidc=replace(known.oidc, issuer="http://127.0.0.1:9"))
    browser = create_app(gone, store=store, mapper=mapper).test_client()
    with caplog.at_level(logging.WARNING):
        assert browser.get("/sign-in/provider").status_code == 503
    assert "provider-refused" in caplog.text
    assert SECRET not in caplog.text
    assert browser.get("/sign-in").status_code == 200


def test_without_a_provider_there_is_no_such_path(
    settings: GatewaySettings, store: SqliteStore, mapper: Mapper
) -> None:
    browser = create_app(settings, store=store, mapper=mapper).test_client()
    assert browser.get("/sign-in/provider").status_code == 404
    assert browser.get("/sign-in/provider/back?code=x&state=y").status_code in (403, 404)
    assert "provider" not in browser.get("/sign-in").text


def test_behind_tls_the_attempt_is_of_this_host_alone(
    known: GatewaySettings, store: SqliteStore, mapper: Mapper
) -> None:
    public = replace(known, public_url="https://gw.example")
    browser = create_app(public, store=store, mapper=mapper).test_client()
    leaving = browser.get("/sign-in/provider", base_url="https://gw.example")
    cookie = leaving.headers["Set-Cookie"]
    assert cookie.startswith(f"__Host-{ATTEMPT}=")
    assert "Secure" in cookie
    back = query_of(leaving.location)["redirect_uri"]
    assert back == "https://gw.example/sign-in/provider/back"


def test_a_provider_makes_a_public_gateway_safe(
    known: GatewaySettings, settings: GatewaySettings
) -> None:
    public = replace(known, host="0.0.0.0", public_url="https://gw.example")
    public.ensure_may_listen(knows_principals=True)
    with pytest.raises(SettingsError):
        replace(known, host="0.0.0.0").ensure_may_listen(knows_principals=True)


def test_the_secret_is_on_no_page(browser: FlaskClient, known: GatewaySettings) -> None:
    browser.get("/sign-in/provider/back", query_string=leave(browser))
    for path in ("/", "/sign-in", "/servers", "/openapi.json"):
        assert SECRET not in browser.get(path).text
    assert SECRET not in repr(known)
